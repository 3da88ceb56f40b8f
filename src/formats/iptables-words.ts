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
  const places: number[] = [];
  return wordTexts(line, from, places).map((text, i) => ({ text, at: places[2 * i], length: places[2 * i + 1] - places[2 * i] }));
}

const BLANK = 32;
const TAB = 9;
const QUOTE = 34;
const BACKSLASH = 92;

/** The words' texts alone; `places` gets where each begins and ends. Texts are slices of the line where they can be. */
export function wordTexts(line: string, from: number, places?: number[]): string[] {
  const words: string[] = [];
  const n = line.length;
  let i = from;
  while (i < n) {
    const c = line.charCodeAt(i);
    if (c === BLANK || c === TAB) {
      i++;
      continue;
    }
    const start = i;
    i = plainEnd(line, i, n);
    let text = line.slice(start, i);
    if (i < n && line.charCodeAt(i) === QUOTE) {
      const close = closingQuote(line, i + 1);
      text += unescaped(line.slice(i + 1, close)) + (close < n ? '' : '\n');
      i = Math.min(close + 1, n);
    }
    if (text.length > MAX_WORD) throw new WordsError('Parameter too long!', start);
    words.push(text);
    places?.push(start, i);
  }
  if (words.length > MAX_WORDS) throw new WordsError('Parser cannot handle more arguments', n);
  return words;
}

/** Where the part of a word in front of a blank, a quote or the line's end stops. */
function plainEnd(text: string, from: number, end: number): number {
  let i = from;
  for (let c: number; i < end && (c = text.charCodeAt(i)) !== BLANK && c !== TAB && c !== QUOTE; ) i++;
  return i;
}

/**
 * End of the word at `from` of a text, where that is plain or stands in quotes from its first character to its last; else -1. The line ends at `end`.
 */
export function simpleWordEnd(text: string, from: number, end: number): number {
  const stop = plainEnd(text, from, end);
  const isQuote = stop < end && text.charCodeAt(stop) === QUOTE;
  if (stop > from) return isQuote || stop - from > MAX_WORD ? -1 : stop;
  if (!isQuote) return -1;
  for (let i = from + 1; i < end; i++) {
    const c = text.charCodeAt(i);
    if (c === BACKSLASH) i++;
    else if (c === QUOTE) return i - from > MAX_WORD ? -1 : i + 1;
  }
  return -1;
}

/** Where one character stands next in a text that is read forwards: looked for once a stretch, however many words that stretch has. */
class Next {
  #from = 0;
  #at = -1;
  constructor(
    readonly text: string,
    readonly char: string,
  ) {}
  /** Its first place from `i` on, or the text's length. */
  from(i: number): number {
    if (i < this.#from || i > this.#at) {
      const at = this.text.indexOf(this.char, i);
      this.#from = i;
      this.#at = at < 0 ? this.text.length : at;
    }
    return this.#at;
  }
}

/** simpleWordEnd() for the words of one text, one line after the other: a search for a blank is quicker than a look at each character. */
export class WordEnds {
  readonly #tab: Next;
  readonly #quote: Next;
  readonly #backslash: Next;
  constructor(readonly text: string) {
    this.#tab = new Next(text, '\t');
    this.#quote = new Next(text, '"');
    this.#backslash = new Next(text, '\\');
  }

  /** Is there a tab from `at` on in front of `end`? */
  hasTab(at: number, end: number): boolean {
    return this.#tab.from(at) < end;
  }

  simple(from: number, end: number): number {
    const quote = this.#quote.from(from);
    if (quote === from) {
      const close = this.text.indexOf('"', from + 1);
      if (close > 0 && this.#backslash.from(from) < close) return simpleWordEnd(this.text, from, end);
      return close < 0 || close >= end || close - from > MAX_WORD ? -1 : close + 1;
    }
    const blank = this.text.indexOf(' ', from);
    const stop = blank < 0 || blank > end ? end : blank;
    if (this.#tab.from(from) < stop) return simpleWordEnd(this.text, from, end);
    return stop === from || stop - from > MAX_WORD || quote < stop ? -1 : stop;
  }
}

/** What such a word says. */
export const simpleWord = (text: string, from: number, end: number): string =>
  text.charCodeAt(from) === QUOTE ? unescaped(text.slice(from + 1, end - 1)) : text.slice(from, end);

/** Index of the `"` that ends a quote, or the line's length. */
function closingQuote(line: string, from: number): number {
  for (let i = from; i < line.length; i++) {
    const c = line.charCodeAt(i);
    if (c === BACKSLASH) i++;
    else if (c === QUOTE) return i;
  }
  return line.length;
}

/** A backslash at the very end escapes the newline that follows. */
const unescaped = (s: string): string => (s.includes('\\') ? s.replace(/\\(.|$)/gs, '$1') : s);

/** `[packets:bytes]` at the beginning of a line; `rest` is where the rule begins. Numbers are null where they are none: the tool looks at them under -c only. */
export function splitCounters(line: string): { packets: number | null; bytes: number | null; rest: number } {
  const colon = line.indexOf(':');
  if (colon < 0) throw new WordsError('need :', 0, 'counters are written [packets:bytes]');
  const close = line.indexOf(']', colon);
  if (close < 0) throw new WordsError('need ]', 0, 'counters are written [packets:bytes]');
  return { packets: wholeNumber(line.slice(1, colon)), bytes: wholeNumber(line.slice(colon + 1, close)), rest: close + 1 };
}

const wholeNumber = (s: string): number | null => (/^\d+$/.test(s) ? Number(s) : null);
