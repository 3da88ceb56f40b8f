/** Thread of the pool in sweep-pool.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadScenario } from '../scenario/load.js';
import { diskFiles } from './files.js';
import { SweepError } from './sweep-cells.js';
import type { Answer, Question, WorkerStart } from './sweep-pool.js';
import { rangeRunner } from './sweep-range.js';

const start = workerData as WorkerStart;
const scenario = loadScenario(start.scenario, diskFiles).value;
const runRange = scenario && rangeRunner(scenario, start.sweep, start.json);

function run({ range, room }: Question): Answer {
  if (!runRange) return `${start.scenario} has changed and cannot be read any more`;
  try {
    return runRange(range, room);
  } catch (e) {
    if (!(e instanceof SweepError)) throw e;
    return e.message;
  }
}

/** null: that was all. */
parentPort?.on('message', (q: Question | null) => {
  if (q === null) {
    parentPort?.close();
    return;
  }
  const answer = run(q);
  parentPort?.postMessage(answer, typeof answer === 'object' && 'lines' in answer ? [answer.lines.buffer] : []);
});
