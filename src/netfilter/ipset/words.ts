/** Words of an ipset line; double quotes hold blanks together (build_argv() of ipset(8)). */
export interface LineWord {
  readonly text: string;
  /** From 1. */
  readonly column: number;
}

/** The words with their places; null where a quote is not closed. */
export function splitWords(line: string): LineWord[] | null {
  const words: LineWord[] = [];
  let text = '';
  let start = -1;
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const ch = line[i];
    if (ch === '"') {
      if (start < 0) start = i;
      quoted = !quoted;
    } else if (!quoted && (ch === ' ' || ch === '\t' || ch === '\r' || ch === '\n')) {
      if (start >= 0) words.push({ text, column: start + 1 });
      text = '';
      start = -1;
    } else {
      if (start < 0) start = i;
      text += ch;
    }
  }
  if (quoted) return null;
  if (start >= 0) words.push({ text, column: start + 1 });
  return words;
}

/** The words alone; none where a quote is not closed. */
export function splitLine(line: string): string[] {
  return splitWords(line)?.map((w) => w.text) ?? [];
}
