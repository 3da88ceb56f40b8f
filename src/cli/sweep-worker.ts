/** Thread of the pool in sweep-pool.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadScenario } from '../scenario/load.js';
import { diskFiles } from './files.js';
import { SweepError } from './sweep-cells.js';
import type { Answer, WorkerStart } from './sweep-pool.js';
import { type Range, rangeRunner } from './sweep-range.js';

const start = workerData as WorkerStart;
const scenario = loadScenario(start.scenario, diskFiles).value;
const runRange = scenario && rangeRunner(scenario, start.sweep, start.json);

function run(r: Range): Answer {
  if (!runRange) return `${start.scenario} has changed and cannot be read any more`;
  try {
    return runRange(r);
  } catch (e) {
    if (!(e instanceof SweepError)) throw e;
    return e.message;
  }
}

/** null: that was all. */
parentPort?.on('message', (r: Range | null) => {
  if (r === null) parentPort?.close();
  else parentPort?.postMessage(run(r));
});
