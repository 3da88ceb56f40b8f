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
export type RangeResult = { readonly lines: Uint8Array<ArrayBuffer> } | { readonly part: SweepPart };

/** Ranges hold whole packets: all variants of each. Throws SweepError where a variant's commands fail. */
export function rangeRunner(s: Scenario, sweep: Sweep, json: boolean): (r: Range) => RangeResult {
  const runCell = cellRunner(s, sweep);
  if (json)
    return (r) => {
      let text = '';
      for (let i = r.first; i < r.end; i++) text += `${JSON.stringify(runCell(i))}\n`;
      return { lines: new TextEncoder().encode(text) };
    };
  return (r) => {
    const summary = new SweepSummary(sweep);
    for (let i = r.first; i < r.end; i++) summary.add(runCell(i));
    return { part: summary.part() };
  };
}
