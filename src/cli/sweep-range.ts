/** What a thread makes of a range of cells, ready to be handed on: the thread that hands on has nothing left to do. */
import type { Scenario } from '../scenario/model.js';
import { cellRunner, type Sweep } from './sweep-cells.js';
import { type SweepPart, SweepSummary } from './sweep-report.js';

export interface Range {
  readonly first: number;
  /** Not included. */
  readonly end: number;
}

/** JSON lines, or the range summed up. */
export type RangeResult = { readonly lines: string } | { readonly part: SweepPart };

const NEWLINE = 10;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Text under way, outside of V8's heap: the strings of a range would live long enough to be taken for long-lived, and memory would grow until a full collection. */
class Lines {
  #bytes = new Uint8Array(1 << 16);
  #length = 0;

  add(line: string): void {
    // A UTF-16 unit takes three bytes at most.
    const room = this.#length + 3 * line.length + 1;
    if (room > this.#bytes.length) {
      const more = new Uint8Array(2 * room);
      more.set(this.#bytes);
      this.#bytes = more;
    }
    this.#length += encoder.encodeInto(line, this.#bytes.subarray(this.#length)).written;
    this.#bytes[this.#length++] = NEWLINE;
  }
  take(): string {
    const text = decoder.decode(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
    return text;
  }
}

/** Ranges hold whole packets: all variants of each. Throws SweepError where a variant's commands fail. */
export function rangeRunner(s: Scenario, sweep: Sweep, json: boolean): (r: Range) => RangeResult {
  const runCell = cellRunner(s, sweep);
  const lines = new Lines();
  return (r) => {
    const summary = json ? null : new SweepSummary(sweep);
    for (let i = r.first; i < r.end; i++) {
      const row = runCell(i);
      if (summary) summary.add(row);
      else lines.add(JSON.stringify(row));
    }
    return summary ? { part: summary.part() } : { lines: lines.take() };
  };
}
