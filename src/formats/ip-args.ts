/** Arguments of `ip` commands with iproute2's own complaints (lib/utils.c: incomplete_command(), invarg(), duparg2(), matches()). */
import { type Parsed, Reporter } from '../base/diagnostic.js';

/** Ends the reading of a command: the message is what iproute2 prints on stderr. */
class Complaint extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly index: number,
  ) {
    super(message);
  }
}

export class Args {
  #i = 0;
  constructor(readonly words: readonly string[]) {}

  get done(): boolean {
    return this.#i >= this.words.length;
  }
  peek(): string | undefined {
    return this.words[this.#i];
  }
  next(): string {
    if (this.done) this.fail('ip-incomplete', 'Command line is not complete. Try option "help"');
    return this.words[this.#i++];
  }
  back(): void {
    this.#i--;
  }
  /** Of the word just read. */
  fail(code: string, message: string): never {
    throw new Complaint(code, message, Math.max(0, Math.min(this.#i, this.words.length) - 1));
  }
  wrong(word: string, message: string): never {
    return this.fail('ip-argument', `Error: argument "${word}" is wrong: ${message}`);
  }
  /** The next word through a parser that yields null for what it does not take. */
  value<T>(parse: (t: string) => T | null, message: string): T {
    const w = this.next();
    const v = parse(w);
    return v === null ? this.wrong(w, message) : v;
  }
}

/** matches(): is `word` the beginning of `full`? */
export const matches = (word: string, full: string): boolean => word !== '' && full.startsWith(word);

/** Runs a reader over words; a complaint becomes a located error of the command line and null. */
export function readArgs<T>(command: string, words: readonly string[], read: (a: Args) => T): Parsed<T | null> {
  const line = [command, ...words].join(' ');
  const reporter = new Reporter('command', line);
  try {
    return { value: read(new Args(words)), diagnostics: [] };
  } catch (e) {
    if (!(e instanceof Complaint)) throw e;
    const before = [command, ...words.slice(0, e.index)].join(' ').length + 1;
    reporter.error(e.code, e.message, 1, Math.min(before + 1, line.length + 1), words[e.index]?.length ?? 0);
    return { value: null, diagnostics: reporter.diagnostics };
  }
}

/** get_unsigned(): decimal, octal or hexadecimal up to `max`. */
export const unsigned =
  (max: number) =>
  (t: string): number | null => {
    if (!/^(0[xX][0-9a-fA-F]{1,12}|\d{1,12})$/.test(t)) return null;
    const n = /^0\d/.test(t) ? (/^[0-7]+$/.test(t) ? Number.parseInt(t, 8) : Number.NaN) : Number(t);
    return n <= max ? n : null;
  };
export const u32 = unsigned(0xffffffff);
