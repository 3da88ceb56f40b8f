/**
 * Worker threads of a sweep: ranges of cells out, their results in, handed on in the order of the matrix. Bounded: no more ranges are out or waiting to be handed on
 * than a few a thread, however long the matrix is.
 */
import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { type Sweep, SweepError } from './sweep-cells.js';
import type { Range, RangeResult } from './sweep-range.js';

export interface WorkerStart {
  readonly scenario: string;
  readonly sweep: Sweep;
  /** What is wanted of a range: lines of JSON, else a summary. */
  readonly json: boolean;
}

/** Runs ranges, in the order they are asked for. A promise rejects where its range cannot be run. */
export interface Runner<T> {
  run(r: Range): Promise<T>;
  end(): Promise<unknown>;
}

/** What a thread is asked; `room` is for what it writes. */
export interface Question {
  readonly range: Range;
  readonly room?: ArrayBuffer;
}
/** What it answers: a text says why the range could not be run. */
export type Answer = RangeResult | string;

/** Cells of a range: as many as take some hundredths of a second, so that threads seldom talk and a sweep stops soon. */
const FIRST = 16;
const MOST = 256;
const QUICK = 20;
const SLOW = 200;
/** Ranges that lie with a thread, one under work and one to go on with. */
const HELD = 2;
/** Cells a thread that may be out or wait to be handed on. */
const AHEAD = 2 * HELD * MOST;
/** The networks of a few dozen cells; left alone, V8 lets the nursery of every thread grow to three times that. */
const resourceLimits = { maxYoungGenerationSizeMb: 24 };

export interface PoolOptions<T> {
  readonly size: number;
  readonly jobs: number;
  /** The length of a range is a multiple of that. */
  readonly together: number;
  /** What came of the next range; a promise holds the pool back. */
  readonly result: (result: T, range: Range) => Promise<void> | void;
  readonly stopped: () => boolean;
}

/** Hands out ranges until the end or `stopped()`; what is out by then is waited for. Rejects where a range fails or a thread dies. */
export async function runRanges<T>(o: PoolOptions<T>, makeRunner: () => Runner<T>): Promise<void> {
  const waiting = new Map<number, { readonly range: Range; readonly result: T }>();
  let cells = FIRST;
  let next = 0;
  let due = 0;
  let failed = false;
  let handing: Promise<void> = Promise.resolve();
  let moved = signal();
  const handOn = async (): Promise<void> => {
    for (let w = waiting.get(due); w; w = waiting.get(due)) {
      waiting.delete(due);
      await o.result(w.result, w.range);
      due = w.range.end;
      moved.fire();
      moved = signal();
    }
  };
  const feed = async (runner: Runner<T>): Promise<void> => {
    while (next < o.size && !o.stopped() && !failed) {
      // A thread that runs ahead of a slow one, or of a slow reader, waits here.
      if (next - due > AHEAD * o.jobs) {
        await moved.fired;
        continue;
      }
      // Towards the end ranges get short: no thread shall wait for another one's last.
      const length = Math.min(cells, Math.ceil((o.size - next) / (HELD * o.jobs)));
      const range = { first: next, end: Math.min(o.size, next + o.together * Math.ceil(length / o.together)) };
      next = range.end;
      const asked = performance.now();
      waiting.set(range.first, { range, result: await runner.run(range) });
      const took = performance.now() - asked;
      if (length === cells) cells = took < QUICK ? Math.min(MOST, 2 * cells) : took > SLOW ? Math.max(1, cells >> 1) : cells;
      handing = handing.then(handOn);
    }
  };
  const thread = async (): Promise<void> => {
    const runner = makeRunner();
    try {
      await Promise.all(Array.from({ length: HELD }, () => feed(runner)));
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

/** How this file was loaded: as part of the bundle (.cjs, with bin/sim.cjs), compiled (.js) or as source (.ts under a loader). */
const kind = extname(fileURLToPath(import.meta.url));

interface Pending {
  resolve(r: RangeResult): void;
  reject(e: Error): void;
}

/** A thread of sweep-worker, which answers each Question with one Answer, in order. `rooms`: what was handed on and may be filled again. */
export function threadRunner(start: WorkerStart, rooms: ArrayBuffer[]): Runner<RangeResult> {
  const worker = startThread(start);
  const asked: Pending[] = [];
  let dead: Error | null = null;
  const die = (e: Error): void => {
    dead ??= e;
    for (const p of asked.splice(0)) p.reject(dead);
  };
  worker.on('message', (a: Answer) => {
    const p = asked.shift();
    if (typeof a === 'string') p?.reject(new SweepError(a));
    else p?.resolve(a);
  });
  worker.on('error', die).on('exit', (code) => die(new Error(`a worker thread ended with code ${code}`)));
  return {
    run: (range) =>
      new Promise((resolve, reject) => {
        if (dead) return reject(dead);
        asked.push({ resolve, reject });
        const room = rooms.pop();
        worker.postMessage({ range, room } satisfies Question, room ? [room] : []);
      }),
    end: async () => {
      if (dead) return;
      const exit = once(worker, 'exit');
      worker.postMessage(null);
      await exit;
    },
  };
}

function startThread(workerData: WorkerStart): Worker {
  if (kind === '.cjs') return new Worker(new URL('../../bin/sim.cjs', import.meta.url), { argv: ['sweep-worker'], workerData, resourceLimits });
  const url = new URL(`./sweep-worker${kind}`, import.meta.url);
  if (kind === '.js') return new Worker(url, { workerData, resourceLimits });
  // Run from source, a thread has to load the TypeScript loader of this process itself.
  return new Worker(`import('tsx/esm/api').then((t) => { t.register(); return import(${JSON.stringify(url.href)}); })`, {
    eval: true,
    execArgv: [],
    workerData,
    resourceLimits,
  });
}
