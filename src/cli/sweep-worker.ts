/** What a thread of a sweep runs. */
import { workerData } from 'node:worker_threads';
import { move } from 'piscina';
import { reopenScenario } from './files.js';
import { type Sweep, SweepError } from './sweep-cells.js';
import { type Range, type RangeResult, rangeRunner } from './sweep-range.js';

export interface WorkerStart {
  readonly scenario: string;
  readonly sweep: Sweep;
  /** What is wanted of a range: lines of JSON, else a summary. */
  readonly json: boolean;
}

/** What a thread is asked; `room` is for what it writes. */
export interface Question {
  readonly range: Range;
  readonly room?: ArrayBuffer;
}

const start = workerData as WorkerStart;
const scenario = reopenScenario(start.scenario);
const run = scenario && rangeRunner(scenario, start.sweep, start.json);

/** A text says why the range cannot be run: threads do not tell one class of errors from another. */
export function runRange({ range, room }: Question): RangeResult | string {
  if (!run) return `${start.scenario} has changed and cannot be read any more`;
  try {
    const result = run(range, room);
    return (result instanceof Uint8Array ? move(result) : result) as RangeResult;
  } catch (e) {
    if (!(e instanceof SweepError)) throw e;
    return e.message;
  }
}
