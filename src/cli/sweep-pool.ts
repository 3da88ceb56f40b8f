/**
 * Threads for `sim sweep`: ranges of cell numbers out, rows back, handed on in the order of the matrix. Bounded: no more ranges are out or waiting to be handed on
 * than a few a thread, however long the matrix is.
 */
import { Worker } from 'node:worker_threads';
import type { Sweep, SweepRow } from './sweep-cells.js';

export interface Range {
  readonly first: number;
  /** Not included. */
  readonly end: number;
}
/** A text instead of rows: why the range could not be run. */
export type RangeResult = readonly SweepRow[] | string;

export interface WorkerStart {
  readonly scenario: string;
  readonly sweep: Sweep;
}

const CELLS = 64;
const AHEAD = 4;

export interface PoolOptions {
  readonly size: number;
  readonly jobs: number;
  /** Rows of the next range; a promise holds the pool back. */
  readonly rows: (rows: readonly SweepRow[]) => Promise<void> | void;
  readonly stopped: () => boolean;
}

/** Hands out ranges until the end or `stopped()`; what is out by then is waited for. Rejects where a range fails or a thread dies. */
export async function runRanges(o: PoolOptions, makeRunner: () => { run(r: Range): Promise<RangeResult>; end(): Promise<unknown> }): Promise<void> {
  const waiting = new Map<number, readonly SweepRow[]>();
  let next = 0;
  let due = 0;
  let handing: Promise<void> = Promise.resolve();
  const handOn = async (): Promise<void> => {
    for (let rows = waiting.get(due); rows; rows = waiting.get(due)) {
      waiting.delete(due);
      due += rows.length;
      await o.rows(rows);
    }
  };
  const thread = async (): Promise<void> => {
    const runner = makeRunner();
    try {
      while (next < o.size && !o.stopped()) {
        const range = { first: next, end: Math.min(o.size, next + CELLS) };
        next = range.end;
        const rows = await runner.run(range);
        if (typeof rows === 'string') throw new Error(rows);
        waiting.set(range.first, rows);
        handing = handing.then(handOn);
        // A thread that runs ahead of a slow one, or of a slow reader, waits here.
        if (range.first - due > AHEAD * CELLS * o.jobs) await handing;
      }
    } finally {
      await runner.end();
    }
  };
  await Promise.all(Array.from({ length: o.jobs }, thread));
  await handing;
}

/** A thread of the module at `url` (sweep-worker), which answers each Range with one RangeResult. */
export function threadRunner(url: URL, start: WorkerStart): { run(r: Range): Promise<RangeResult>; end(): Promise<unknown> } {
  const worker = startThread(url, start);
  return {
    run: (range) =>
      new Promise((resolve, reject) => {
        const settle = (): void => {
          worker.off('message', onMessage).off('error', onError).off('exit', onExit);
        };
        const onMessage = (r: RangeResult): void => {
          settle();
          resolve(r);
        };
        const onError = (e: unknown): void => {
          settle();
          reject(e);
        };
        const onExit = (code: number): void => onError(new Error(`a worker thread ended with code ${code}`));
        worker.on('message', onMessage).on('error', onError).on('exit', onExit);
        worker.postMessage(range);
      }),
    end: () => worker.terminate(),
  };
}

/** Run from source, a thread has to load the TypeScript loader of this process itself. */
function startThread(url: URL, workerData: WorkerStart): Worker {
  if (!url.pathname.endsWith('.ts')) return new Worker(url, { workerData });
  return new Worker(`import('tsx/esm/api').then((t) => { t.register(); return import(${JSON.stringify(url.href)}); })`, {
    eval: true,
    execArgv: [],
    workerData,
  });
}
