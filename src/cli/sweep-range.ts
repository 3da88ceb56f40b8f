/** What a thread makes of a range of cells, ready to be handed on: the thread that hands on has nothing left to do. */
import type { Scenario } from '../scenario/model.js';
import { cellRunner, type Sweep } from './sweep-cells.js';
import { type SweepPart, SweepSummary } from './sweep-report.js';

export interface Range {
  readonly first: number;
  /** Not included. */
  readonly end: number;
}

/** JSON lines in UTF-8, or the range summed up. */
export type RangeResult = Uint8Array<ArrayBuffer> | SweepPart;

const NEWLINE = 10;
const ROOM = 1 << 16;
const encoder = new TextEncoder();

/** Text under way, outside of V8's heap: the strings of a range would live long enough to be taken for long-lived, and memory would grow until a full collection. */
class Lines {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;
  constructor(room: ArrayBuffer) {
    this.#bytes = new Uint8Array(room);
  }
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
  get text(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }
}

/** `room`: of lines that were handed on, to be filled again. Throws SweepError where a variant's commands fail. */
export type RangeRunner = (r: Range, room?: ArrayBuffer) => RangeResult;

/** Ranges hold whole packets: all variants of each. */
export function rangeRunner(s: Scenario, sweep: Sweep, json: boolean): RangeRunner {
  const runCell = cellRunner(s, sweep);
  if (json)
    return (r, room) => {
      const lines = new Lines(room ?? new ArrayBuffer(ROOM));
      for (let i = r.first; i < r.end; i++) lines.add(JSON.stringify(runCell(i)));
      return lines.text;
    };
  return (r) => {
    const summary = new SweepSummary(sweep);
    for (let i = r.first; i < r.end; i++) summary.add(runCell(i));
    return summary.part();
  };
}
