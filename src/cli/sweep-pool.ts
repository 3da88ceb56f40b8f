/**
 * Threads for `sim sweep`: ranges of cell numbers out, rows back, handed on in the order of the matrix. Bounded: no more ranges are out or waiting to be handed on
 * than a few a thread, however long the matrix is.
 */
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
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
/** The networks of a few dozen cells; left alone, V8 lets the nursery of every thread grow to three times that. */
const resourceLimits = { maxYoungGenerationSizeMb: 24 };

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
  let failed = false;
  let handing: Promise<void> = Promise.resolve();
  let moved = signal();
  const handOn = async (): Promise<void> => {
    for (let rows = waiting.get(due); rows; rows = waiting.get(due)) {
      waiting.delete(due);
      await o.rows(rows);
      due += rows.length;
      moved.fire();
      moved = signal();
    }
  };
  const thread = async (): Promise<void> => {
    const runner = makeRunner();
    try {
      while (next < o.size && !o.stopped() && !failed) {
        // A thread that runs ahead of a slow one, or of a slow reader, waits here.
        if (next - due > AHEAD * CELLS * o.jobs) {
          await moved.fired;
          continue;
        }
        const range = { first: next, end: Math.min(o.size, next + CELLS) };
        next = range.end;
        const rows = await runner.run(range);
        if (typeof rows === 'string') throw new Error(rows);
        waiting.set(range.first, rows);
        handing = handing.then(handOn);
      }
    } catch (e) {
      failed = true;
      moved.fire();
      throw e;
    } finally {
      await runner.end();
    }
  };
  await Promise.all(Array.from({ length: o.jobs }, thread));
  await handing;
}

function signal(): { readonly fired: Promise<void>; fire(): void } {
  let fire = (): void => {};
  const fired = new Promise<void>((resolve) => {
    fire = resolve;
  });
  return { fired, fire: () => fire() };
}

/** sweep-worker beside this file: bundled (.cjs), compiled (.js) or as source (.ts under a loader). */
const workerUrl = (): URL => new URL(`./sweep-worker${extname(fileURLToPath(import.meta.url))}`, import.meta.url);

/** A thread of sweep-worker, which answers each Range with one RangeResult. */
export function threadRunner(start: WorkerStart): { run(r: Range): Promise<RangeResult>; end(): Promise<unknown> } {
  const worker = startThread(workerUrl(), start);
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
  if (!url.pathname.endsWith('.ts')) return new Worker(url, { workerData, resourceLimits });
  return new Worker(`import('tsx/esm/api').then((t) => { t.register(); return import(${JSON.stringify(url.href)}); })`, {
    eval: true,
    execArgv: [],
    workerData,
    resourceLimits,
  });
}
