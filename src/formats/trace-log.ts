/**
 * A trace log of a real host: the kernel's TRACE lines, `xtables-monitor --trace` or `nft monitor trace`, told apart by the first line that is one of them.
 * Lines come one by one, so that a log of any size costs what is read of it.
 */
import type { Diagnostic, Parsed } from '../base/diagnostic.js';
import { readKernelTrace, saysLost } from './trace-log-kernel.js';
import { NftMonitorReader } from './trace-log-nft.js';
import type { TraceLog, TraceLogKind, TraceLogLine } from './trace-log-types.js';
import { XtablesMonitorReader } from './trace-log-xtables.js';

/** A line longer than this is cut. */
export const MAX_LINE = 8192;
/** Trace points that are read of one log. */
const MAX_POINTS = 10_000;
/** Lines without a single trace point, after which the file is taken to be something else. */
const MAX_FOREIGN = 2_000_000;
const MAX_COMPLAINTS = 20;

type Outcome = TraceLogLine | string | null | undefined;

class Reading {
  kind: TraceLogKind | null = null;
  read = 0;
  others = 0;
  unusable = 0;
  stopped = false;
  readonly lines: TraceLogLine[] = [];
  readonly losses: number[] = [];
  readonly diagnostics: Diagnostic[] = [];
  readonly #xtables = new XtablesMonitorReader();
  readonly #nft = new NftMonitorReader();

  constructor(readonly file: string) {}

  get notIp(): readonly string[] {
    return [...this.#nft.notIp].sort();
  }

  /** False: enough. */
  take(raw: string): boolean {
    const n = ++this.read;
    const text = raw.length > MAX_LINE ? raw.slice(0, MAX_LINE) : raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    const r = this.#read(text, n);
    if (r === null) {
      this.others++;
      if (this.losses.length < MAX_COMPLAINTS && saysLost(text)) this.losses.push(n);
    } else if (typeof r === 'string') this.#complain(r, text, n);
    else if (r !== undefined) this.lines.push(r);
    this.stopped = this.lines.length >= MAX_POINTS || (this.kind === null && n >= MAX_FOREIGN);
    return !this.stopped;
  }

  #read(text: string, n: number): Outcome {
    if (this.kind !== null) return this.#as(this.kind, text, n);
    for (const kind of ['xtables-monitor', 'nft-monitor', 'kernel'] as const) {
      const r = this.#as(kind, text, n);
      if (r === null) continue;
      this.kind = kind;
      return r;
    }
    return null;
  }

  #as(kind: TraceLogKind, text: string, n: number): Outcome {
    if (kind === 'kernel') return readKernelTrace(text, n);
    return kind === 'xtables-monitor' ? this.#xtables.line(text, n) : this.#nft.line(text, n);
  }

  #complain(why: string, text: string, n: number): void {
    this.unusable++;
    if (this.unusable > MAX_COMPLAINTS) return;
    const column = Math.max(0, text.search(/TRACE: |PACKET: |trace id /)) + 1;
    this.diagnostics.push({
      code: 'trace-line-unusable',
      severity: 'warning',
      message: `this trace line is left out: ${why}`,
      span: { file: this.file, line: n, column, length: Math.min(text.length, 200) - column + 1 },
      sourceLine: text.slice(0, 200),
      hint: 'lines that the kernel or an editor cut cannot be compared; the others still are',
    });
  }
}

/** `value` null: nothing in it can be compared, and the diagnostics say why. */
export function readTraceLog(lines: Iterable<string>, file: string): Parsed<TraceLog | null> {
  const r = new Reading(file);
  for (const l of lines) if (!r.take(l)) break;
  const { kind, read, others, unusable, losses, stopped, diagnostics, lines: usable } = r;
  if (usable.length === 0) return { value: null, diagnostics: [...diagnostics, nothing(r)] };
  return { value: { kind: kind ?? 'kernel', file, lines: usable, read, others, unusable, losses, stopped, notIp: r.notIp }, diagnostics };
}

function nothing(r: Reading): Diagnostic {
  const span = { file: r.file, line: 1, column: 1, length: 0 };
  const { notIp } = r;
  if (notIp.length > 0)
    return {
      code: 'trace-log-not-ip',
      severity: 'error',
      message: `this is nft monitor trace of frames that are no IP packets (${notIp.slice(0, 4).join(', ')}${notIp.length > 4 ? ', …' : ''}), which cannot be compared`,
      span,
      hint: 'tables of the families ip, ip6 and inet can be, and those of bridges and devices where the frame is an IP packet',
    };
  return {
    code: 'trace-log-empty',
    severity: 'error',
    message: `there is no trace line in it (${r.read} ${r.read === 1 ? 'line' : 'lines'} read${r.unusable > 0 ? `, ${r.unusable} unusable` : ''})`,
    span,
    hint: 'expected are lines with “TRACE: table:CHAIN:rule:N IN=… OUT=…” of the kernel log (dmesg, journalctl -k), or what xtables-monitor --trace or nft monitor trace print',
  };
}
