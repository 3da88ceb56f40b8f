/**
 * What is wrong with an input, where, and what to do. Readers return a value *and* diagnostics and go on to find more; nothing is thrown.
 */
export type Severity = 'error' | 'warning';

/** A place in a source text. Lines and columns count from 1; a column counts UTF-16 units; length 0 marks a point. */
export interface Span {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly length: number;
}

export interface Diagnostic {
  /** Stable, kebab-case; every code has a row in test/diagnostics.table.ts. */
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  readonly span: Span | null;
  /** What to try: "did you mean …", the accepted forms. */
  readonly hint?: string;
  /** The source line itself, cut to a sane length, for the caret. */
  readonly sourceLine?: string;
}

export interface Parsed<T> {
  readonly value: T;
  readonly diagnostics: readonly Diagnostic[];
}

/** Is one of them an error, not just a warning? */
export const hasErrors = (ds: readonly Diagnostic[]): boolean => ds.some((d) => d.severity === 'error');

/** A text says more than this many things wrong only if it is something else altogether; more are counted, not listed. */
const MAX_DIAGNOSTICS = 1000;
/** Of a message or hint, in which the input may be quoted. */
const MAX_MESSAGE = 500;
const clip = (s: string): string => (s.length > MAX_MESSAGE ? `${s.slice(0, MAX_MESSAGE)}…` : s);

/** Collects diagnostics for one source text; the last of very many is `more-diagnostics`. */
export class Reporter {
  readonly diagnostics: Diagnostic[] = [];
  #lines: string[] | null = null;
  #unlisted = 0;
  #unlistedError = false;
  constructor(
    readonly file: string,
    readonly text: string,
  ) {}

  lineText(line: number): string {
    this.#lines ??= this.text.split('\n');
    const s = this.#lines[line - 1] ?? '';
    return s.length > 300 ? `${s.slice(0, 300)}…` : s;
  }

  /** `line` and `column` count from 1. */
  report(severity: Severity, code: string, message: string, line: number, column: number, length: number, hint?: string): void {
    if (this.diagnostics.length >= MAX_DIAGNOSTICS) {
      this.#unlisted++;
      this.#unlistedError ||= severity === 'error';
      this.diagnostics.length = MAX_DIAGNOSTICS;
      code = 'more-diagnostics';
      severity = this.#unlistedError ? 'error' : 'warning';
      message = `and ${this.#unlisted} more like these`;
      hint = 'is this the file that was meant?';
    }
    this.diagnostics.push({
      code,
      severity,
      message: clip(message),
      span: { file: this.file, line, column, length },
      ...(hint === undefined ? {} : { hint: clip(hint) }),
      sourceLine: this.lineText(line),
    });
  }

  error(code: string, message: string, line: number, column: number, length: number, hint?: string): void {
    this.report('error', code, message, line, column, length, hint);
  }

  warning(code: string, message: string, line: number, column: number, length: number, hint?: string): void {
    this.report('warning', code, message, line, column, length, hint);
  }
}

/** Input is quoted in diagnostics: what a terminal would obey (escape sequences, bells) is shown as a mark of the same width. */
const printable = (s: string): string => s.replace(/(?![\t\n])\p{Cc}/gu, '\ufffd');

/** As compilers print: file:line:col, the line, a caret, the hint. */
export function formatDiagnostic(d: Diagnostic): string {
  return printable(written(d));
}

function written(d: Diagnostic): string {
  const where = d.span ? `${d.span.file}:${d.span.line}:${d.span.column}: ` : '';
  let out = `${where}${d.severity}: ${d.message} [${d.code}]`;
  if (d.span && d.sourceLine !== undefined) {
    const before = d.sourceLine.slice(0, d.span.column - 1).replace(/[^\t]/g, ' ');
    const width = Math.max(1, Math.min(d.span.length, d.sourceLine.length - d.span.column + 1));
    out += `\n  ${d.sourceLine}\n  ${before}${'^'.repeat(width)}`;
  }
  if (d.hint) out += `\n  hint: ${d.hint}`;
  return out;
}

/** The nearest of some names (edit distance at most a third of its length, at least 1), for "did you mean". */
export function nearest(word: string, names: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const name of names) {
    if (Math.abs(name.length - word.length) >= bestDistance) continue;
    const d = editDistance(word, name);
    if (d < bestDistance) {
      best = name;
      bestDistance = d;
    }
  }
  return best;
}

/** Letters left out, put in, changed; two that changed places count as one mistake. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) next[j] = Math.min(next[j], before[j - 2] + 1);
    }
    before = row;
    row = next;
  }
  return row[b.length];
}
