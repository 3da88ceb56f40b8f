/**
 * A snapshot: what a node's tools print, in one text (formats/snapshot-script.ts writes it, `sim capture` prints that script).
 *
 *     netfilter-sim snapshot 1
 *     == ip-link.json: ip -j -d link show        a part: its name, as a file in a folder of dumps would have it, and the command
 *     |[{"ifindex":1, …                          a line of the command's standard output
 *     !Cannot open …                             a line of its standard error
 *     -- exit 0                                  how it ended; or “-- missing TOOL”, “-- absent: WHY”, “-- unread: WHY”
 *     == end                                     the last line: what ends otherwise was cut off
 *
 * Every line of output stands behind a mark, so that no output can look like the beginning or the end of a part. One line more than the output has (empty
 * where it ended with a newline) keeps the bytes as they were.
 */
import { type Parsed, Reporter } from '../base/diagnostic.js';
import type { ReadOptions } from './ip-link.js';

export type PartEnd =
  /** The command ran; 0 is success. */
  | { readonly kind: 'exit'; readonly status: number }
  /** The node has no such tool. */
  | { readonly kind: 'missing'; readonly tool: string }
  /** The kernel has nothing of the kind: an answer, though no command was run. */
  | { readonly kind: 'absent'; readonly why: string }
  /** Not asked, and not known: asking would have changed the node. */
  | { readonly kind: 'unread'; readonly why: string }
  /** The text ends within the part. */
  | { readonly kind: 'cut' };

export interface SnapshotPart {
  /** `ip-link.json`, `iptables-save`, …: scenario/parts.ts knows them. */
  readonly name: string;
  readonly command: string;
  readonly end: PartEnd;
  /** Standard output. */
  readonly text: string;
  /** Standard error, at most some lines of it. */
  readonly errors: readonly string[];
  /** Line of the snapshot that the first line of `text` is on, from 1. */
  readonly line: number;
}

export interface Snapshot {
  /** What it was read from, for diagnostics. */
  readonly file: string;
  readonly parts: readonly SnapshotPart[];
  /** False where the text was cut off. */
  readonly complete: boolean;
}

const MAGIC = /^netfilter-sim snapshot (\d{1,9})\r?$/m;
const VERSION = 1;
/** What may stand before it: what a login shell says. */
const MAX_PREAMBLE = 8192;
const MAX_PARTS = 64;
const MAX_ERRORS = 100;

/** Is this the text of a snapshot, not a scenario or a dump? */
export const looksLikeSnapshot = (text: string): boolean => MAGIC.test(text.slice(0, MAX_PREAMBLE));

interface Open {
  /** Read for the sake of its end alone. */
  readonly refused: boolean;
  readonly name: string;
  readonly command: string;
  line: number;
  readonly out: string[];
  readonly errors: string[];
}

const PART = /^== ([\w.-]{1,64}): (.*)$/;
const END = /^-- (?:exit (\d{1,5})|missing (\S+)|(absent|unread): (.*))$/;

function endOf(m: RegExpExecArray): PartEnd {
  if (m[1] !== undefined) return { kind: 'exit', status: Number(m[1]) };
  if (m[2] !== undefined) return { kind: 'missing', tool: m[2] };
  return { kind: m[3] as 'absent' | 'unread', why: m[4] };
}

/** null: it is none, or of a version that is not known. */
export function readSnapshot(text: string, options: ReadOptions): Parsed<Snapshot | null> {
  const reporter = new Reporter(options.file, text);
  const magic = MAGIC.exec(text.slice(0, MAX_PREAMBLE));
  const nothing = (): Parsed<null> => ({ value: null, diagnostics: reporter.diagnostics });
  if (!magic) {
    reporter.error('snapshot-header', 'this is no snapshot', 1, 1, 0, 'sim capture writes one; it starts with “netfilter-sim snapshot 1”');
    return nothing();
  }
  const first = text.slice(0, magic.index).split('\n').length;
  if (Number(magic[1]) !== VERSION) {
    reporter.error('snapshot-version', `this is a snapshot of version ${magic[1]}`, first, 1, magic[0].trimEnd().length, `version ${VERSION} is known here`);
    return nothing();
  }
  return { value: new PartReader(reporter, options.file).read(text.split('\n'), first), diagnostics: reporter.diagnostics };
}

class PartReader {
  readonly #parts: SnapshotPart[] = [];
  #open: Open | null = null;
  #complete = false;

  constructor(
    readonly reporter: Reporter,
    readonly file: string,
  ) {}

  /** `from`: how many lines are not of any part, the header included. */
  read(lines: readonly string[], from: number): Snapshot {
    for (let i = from; i < lines.length; i++) {
      const line = lines[i].endsWith('\r') ? lines[i].slice(0, -1) : lines[i];
      if (line.startsWith('|')) this.#output(i, line);
      else if (line.startsWith('!')) this.#error(i, line);
      else if (line.startsWith('== ')) this.#begin(i, line);
      else if (line.startsWith('-- ')) this.#finish(i, line);
      else if (line !== '') this.#stray(i, line);
    }
    if (this.#open) this.#close({ kind: 'cut' });
    if (!this.#complete) {
      const n = lines.length;
      this.reporter.warning('snapshot-cut', 'this snapshot is cut off', n, 1, 0, 'its last line is “== end”; what would have come before it is missing');
    }
    return { file: this.file, parts: this.#parts, complete: this.#complete };
  }

  /** Lines of other kinds in between are empty ones of the text, so that a place in it stays a place in the snapshot. */
  #output(i: number, line: string): void {
    const o = this.#open;
    if (o === null) {
      this.#stray(i, line);
      return;
    }
    if (o.out.length === 0) o.line = i + 1;
    while (o.line + o.out.length < i + 1) o.out.push('');
    o.out.push(line.slice(1));
  }
  #error(i: number, line: string): void {
    if (this.#open) this.#open.errors.push(line.slice(1));
    else this.#stray(i, line);
  }

  #begin(i: number, line: string): void {
    if (this.#open) this.#close({ kind: 'cut' });
    if (line === '== end') {
      this.#complete = true;
      return;
    }
    const m = PART.exec(line);
    if (!m || this.#complete) this.#stray(i, line);
    else this.#open = { refused: !this.#room(i, line, m[1]), name: m[1], command: m[2], line: i + 2, out: [], errors: [] };
  }

  /** Is there room for one more part of that name? */
  #room(i: number, line: string, name: string): boolean {
    const twice = this.#parts.some((p) => p.name === name);
    if (twice) this.reporter.error('snapshot-part-twice', `“${name}” is there twice`, i + 1, 4, name.length, 'are these two snapshots in one file?');
    const full = this.#parts.length >= MAX_PARTS;
    if (full) this.reporter.error('snapshot-parts', 'this snapshot has too many parts', i + 1, 1, line.length, `up to ${MAX_PARTS} are read`);
    return !twice && !full;
  }

  #finish(i: number, line: string): void {
    const m = END.exec(line);
    if (!m || !this.#open) this.#stray(i, line);
    else this.#close(endOf(m));
  }

  #close(end: PartEnd): void {
    const o = this.#open as Open;
    this.#open = null;
    if (o.refused) return;
    this.#parts.push({ name: o.name, command: o.command, end, text: o.out.join('\n'), errors: o.errors.slice(0, MAX_ERRORS), line: o.line });
  }

  #stray(i: number, line: string): void {
    this.reporter.error(
      'snapshot-line',
      'this line belongs to no part of a snapshot',
      i + 1,
      1,
      line.length,
      'output stands behind “|”, between “== NAME: COMMAND” and “-- exit N”',
    );
  }
}

const endText = (e: PartEnd): string | null =>
  e.kind === 'exit' ? `exit ${e.status}` : e.kind === 'missing' ? `missing ${e.tool}` : e.kind === 'cut' ? null : `${e.kind}: ${e.why}`;

/** The text that reads as this snapshot. */
export function writeSnapshot(s: Pick<Snapshot, 'parts' | 'complete'>): string {
  const out = [`netfilter-sim snapshot ${VERSION}`];
  for (const p of s.parts) {
    out.push(`== ${p.name}: ${p.command}`);
    // A part without a command has no output, not even an empty one.
    if (p.end.kind === 'exit' || p.text !== '') out.push(`|${p.text.replaceAll('\n', '\n|')}`);
    out.push(...p.errors.map((l) => `!${l}`));
    const end = endText(p.end);
    if (end !== null) out.push(`-- ${end}`);
  }
  if (s.complete) out.push('== end');
  return `${out.join('\n')}\n`;
}

/** What a part says that stands alone in its line, as the host's name; null where it is not there. */
export function partWord(s: Snapshot, name: string): string | null {
  const p = s.parts.find((x) => x.name === name);
  const word = p?.end.kind === 'exit' && p.end.status === 0 ? p.text.trim() : '';
  return word === '' ? null : word;
}
