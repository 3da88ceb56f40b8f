/**
 * What a sweep gives its threads to do: ranges of cells out, their results in, handed on in the order of the matrix. Bounded: no more ranges are out or waiting to be
 * handed on than a few a thread, however long the matrix is.
 */
import type { Range } from './sweep-range.js';

/**
 * Cells of a range: as many as take about a tenth of a second, so that threads seldom talk and a sweep stops soon. What is said about a range is garbage that V8
 * may leave in this thread's old generation until it has grown by some megabytes: the fewer ranges, the less memory grows with the matrix.
 */
const FIRST = 16;
const MOST = 4096;
const QUICK = 70;
const SLOW = 300;
/** Cells a thread that may be out or wait to be handed on. */
const AHEAD = 2 * MOST;

export interface Schedule<T> {
  readonly size: number;
  /** Ranges that are under work at once. */
  readonly jobs: number;
  /** The length of a range is a multiple of that. */
  readonly together: number;
  /** Rejects where the range cannot be run. */
  readonly run: (range: Range) => Promise<T>;
  /** What came of the next range; a promise holds the threads back. */
  readonly result: (result: T, range: Range) => Promise<void> | void;
  readonly stopped: () => boolean;
}

/** Hands out ranges until the end or `stopped()`; what is out by then is waited for. Rejects where a range fails, and then hands out no more. */
export async function runRanges<T>(o: Schedule<T>): Promise<void> {
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
  const feed = async (): Promise<void> => {
    while (next < o.size && !o.stopped() && !failed) {
      // A thread that runs ahead of a slow one, or of a slow reader, waits here.
      if (next - due > AHEAD * o.jobs) {
        await moved.fired;
        continue;
      }
      // Towards the end ranges get short: no thread shall wait for another one's last.
      const length = Math.min(cells, Math.ceil((o.size - next) / (2 * o.jobs)));
      const range = { first: next, end: Math.min(o.size, next + o.together * Math.ceil(length / o.together)) };
      next = range.end;
      const asked = performance.now();
      waiting.set(range.first, { range, result: await o.run(range) });
      const took = performance.now() - asked;
      if (length === cells) cells = took < QUICK ? Math.min(MOST, 2 * cells) : took > SLOW ? Math.max(1, cells >> 1) : cells;
      handing = handing.then(handOn);
    }
  };
  try {
    await Promise.all(Array.from({ length: o.jobs }, feed));
    await handing;
  } catch (e) {
    failed = true;
    moved.fire();
    throw e;
  }
}

function signal(): { readonly fired: Promise<void>; fire(): void } {
  let fire = (): void => {};
  const fired = new Promise<void>((resolve) => {
    fire = resolve;
  });
  return { fired, fire: () => fire() };
}
