/** Lines and words of what tools print for people, with their places. */
import type { Reporter } from '../base/diagnostic.js';

export interface Word {
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

export interface Line {
  readonly text: string;
  /** From 1. */
  readonly number: number;
  /** Starts with a blank: continues the entry above. */
  readonly indented: boolean;
}

export function linesOf(text: string): Line[] {
  return text.split('\n').map((t, i) => ({ text: t.endsWith('\r') ? t.slice(0, -1) : t, number: i + 1, indented: /^[ \t]/.test(t) }));
}

/** Words divided by blanks; `\`, as `ip -o` puts it between lines, counts as a blank. */
export function wordsOf(line: Line, from = 0): Word[] {
  const out: Word[] = [];
  const re = /[^\s\\]+/g;
  re.lastIndex = from;
  for (let m = re.exec(line.text); m; m = re.exec(line.text)) out.push({ text: m[0], line: line.number, column: m.index + 1 });
  return out;
}

/** A cursor over words: tools print `key value` pairs, flags and blocks in a known order, older and newer releases with more or fewer of them. */
export class Words {
  #i = 0;
  constructor(
    readonly words: readonly Word[],
    readonly reporter: Reporter,
    readonly line: number,
  ) {}

  get done(): boolean {
    return this.#i >= this.words.length;
  }
  peek(ahead = 0): string | undefined {
    return this.words[this.#i + ahead]?.text;
  }
  next(): Word | undefined {
    return this.words[this.#i++];
  }
  back(): void {
    this.#i--;
  }
  rest(): Word[] {
    const r = this.words.slice(this.#i);
    this.#i = this.words.length;
    return r;
  }
  /** The value behind a key; reports `value-missing` at the end of the line. */
  value(key: Word): Word | null {
    const w = this.next();
    if (w) return w;
    this.reporter.error('value-missing', `a value is missing behind “${key.text}”`, key.line, key.column, key.text.length);
    return null;
  }
  parsed<T>(key: Word, parse: (t: string) => T | null, code: string, what: string): T | null {
    const w = this.value(key);
    return w ? parseWord(w, this.reporter, parse, code, what) : null;
  }
  number(key: Word): number | null {
    return this.parsed(key, parseNumber, 'bad-number', 'a number');
  }
}

export function parseWord<T>(w: Word, reporter: Reporter, parse: (t: string) => T | null, code: string, what: string): T | null {
  const v = parse(w.text);
  if (v === null) reporter.report('error', code, `“${w.text}” is not ${what}`, w.line, w.column, w.text.length);
  return v;
}

/** Decimal or 0x-hexadecimal, not negative; null otherwise. */
export function parseNumber(text: string): number | null {
  return /^(\d{1,15}|0[xX][0-9a-fA-F]{1,12})$/.test(text) ? Number(text) : null;
}

export const hex32 = (n: number): string => `0x${(n >>> 0).toString(16).padStart(8, '0')}`;
