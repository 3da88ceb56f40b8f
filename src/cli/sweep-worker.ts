/** Thread of the pool in sweep-pool.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadScenario } from '../scenario/load.js';
import { diskFiles } from './files.js';
import { cellRunner, SweepError, type SweepRow } from './sweep-cells.js';
import type { Range, RangeResult, WorkerStart } from './sweep-pool.js';

const start = workerData as WorkerStart;
const scenario = loadScenario(start.scenario, diskFiles).value;
const runCell = scenario && cellRunner(scenario, start.sweep);

function run(r: Range): RangeResult {
  if (!runCell) return `${start.scenario} has changed and cannot be read any more`;
  const rows: SweepRow[] = [];
  try {
    for (let i = r.first; i < r.end; i++) rows.push(runCell(i));
  } catch (e) {
    if (!(e instanceof SweepError)) throw e;
    return e.message;
  }
  return rows;
}

parentPort?.on('message', (r: Range) => parentPort?.postMessage(run(r)));
