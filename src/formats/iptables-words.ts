/** Lines of a restore file into words: add_param_to_argv() and tokenize_rule_counters() of iptables-restore. */

/** The tool's own buffers: a line, a word, the number of words. */
export const MAX_LINE = 10239;
const MAX_WORD = 1023;
const MAX_WORDS = 254;

export class WordsError extends Error {
  constructor(
    message: string,
    /** From 0 in the line. */
    readonly at: number,
    readonly hint?: string,
  ) {
    super(message);
  }
}

export interface Word {
  readonly text: string;
  /** From 0 in the line, and how far it reaches there. */
  readonly at: number;
  readonly length: number;
}

/**
 * Only `"` quotes, a backslash escapes inside them, a closing quote ends the word, blanks and tabs separate. A quote left open takes the rest of the line
 * and its newline.
 */
export function splitWords(line: string, from: number): Word[] {
  const words: Word[] = [];
  let text = '';
  let start = -1;
  let open = false;
  let escaped = false;
  const end = (at: number): void => {
    if (text.length > MAX_WORD) throw new WordsError('Parameter too long!', start);
    words.push({ text, at: start, length: at - start });
    if (words.length > MAX_WORDS) throw new WordsError('Parser cannot handle more arguments', start);
    text = '';
    start = -1;
  };
  for (let i = from; i < line.length; i++) {
    const c = line[i];
    if (open) {
      if (escaped || (c !== '\\' && c !== '"')) {
        text += c;
        escaped = false;
      } else if (c === '\\') escaped = true;
      else {
        open = false;
        end(i + 1);
      }
    } else if (c === '"') {
      if (start < 0) start = i;
      open = true;
    } else if (c === ' ' || c === '\t') {
      if (start >= 0) end(i);
    } else {
      if (start < 0) start = i;
      text += c;
    }
  }
  if (open) text += '\n';
  if (start >= 0) end(line.length);
  return words;
}

/** The words' texts alone; the usual line has no quotes. */
export function wordTexts(line: string, from: number): string[] {
  if (line.includes('"')) return splitWords(line, from).map((w) => w.text);
  const words: string[] = [];
  const n = line.length;
  let i = from;
  while (i < n) {
    let c = line.charCodeAt(i);
    if (c === 32 || c === 9) {
      i++;
      continue;
    }
    const start = i;
    while (i < n && (c = line.charCodeAt(i)) !== 32 && c !== 9) i++;
    if (i - start > MAX_WORD) throw new WordsError('Parameter too long!', start);
    words.push(line.slice(start, i));
  }
  if (words.length > MAX_WORDS) throw new WordsError('Parser cannot handle more arguments', n);
  return words;
}

/** `[packets:bytes]` in front of a rule; `rest` is where the rule begins. Numbers are null where they are none: the tool looks at them under -c only. */
export function splitCounters(line: string): { packets: number | null; bytes: number | null; rest: number } | null {
  if (line.charCodeAt(0) !== 91) return null;
  const colon = line.indexOf(':');
  if (colon < 0) throw new WordsError('need :', 0, 'counters are written [packets:bytes]');
  const close = line.indexOf(']', colon);
  if (close < 0) throw new WordsError('need ]', 0, 'counters are written [packets:bytes]');
  return { packets: wholeNumber(line.slice(1, colon)), bytes: wholeNumber(line.slice(colon + 1, close)), rest: close + 1 };
}

const wholeNumber = (s: string): number | null => (/^\d+$/.test(s) ? Number(s) : null);
