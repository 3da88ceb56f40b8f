/** Worker threads for `sim conformance`: a fixed number of threads, batches of corpus lines in, scored cases out, in the order of the input. */
import { Worker } from 'node:worker_threads';
import type { Diagnostic } from '../base/diagnostic.js';
import type { CorpusLine } from '../harness/conformance/corpus-read.js';
import type { ScoredCase } from '../harness/conformance/report.js';

export interface Batch {
  readonly file: string;
  readonly lines: readonly CorpusLine[];
  /** Give the model's observations back (`--emit`). */
  readonly emit: boolean;
}

export interface BatchResult {
  readonly cases: readonly ScoredCase[];
  /** One JSON line per case, empty unless `emit`. */
  readonly emitted: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

export type BatchRunner = (batch: Batch) => BatchResult;

/** The batches one after the other in this thread. */
export async function runHere(batches: readonly Batch[], run: BatchRunner, done: (cases: number) => void): Promise<BatchResult[]> {
  const results: BatchResult[] = [];
  for (const b of batches) {
    results.push(run(b));
    done(b.lines.length);
    // Lets the progress bar and signals through.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return results;
}

/** The batches over `jobs` threads of the module at `url`, which answers each message `Batch` with one `BatchResult`. Rejects if a thread dies. */
export async function runPool(batches: readonly Batch[], jobs: number, url: URL, done: (cases: number) => void): Promise<BatchResult[]> {
  const results = new Array<BatchResult>(batches.length);
  let next = 0;
  const thread = async (): Promise<void> => {
    const worker = startThread(url);
    try {
      while (next < batches.length) {
        const i = next++;
        results[i] = await ask(worker, batches[i]);
        done(batches[i].lines.length);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, batches.length) }, thread));
  return results;
}

/** Run from source, a thread has to load the TypeScript loader of this process itself. */
function startThread(url: URL): Worker {
  if (!url.pathname.endsWith('.ts')) return new Worker(url);
  return new Worker(`import('tsx/esm/api').then((t) => { t.register(); return import(${JSON.stringify(url.href)}); })`, { eval: true, execArgv: [] });
}

function ask(worker: Worker, batch: Batch): Promise<BatchResult> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
    };
    const onMessage = (r: BatchResult): void => {
      settle();
      resolve(r);
    };
    const onError = (e: unknown): void => {
      settle();
      reject(e);
    };
    const onExit = (code: number): void => onError(new Error(`a worker thread ended with code ${code}`));
    worker.on('message', onMessage).on('error', onError).on('exit', onExit);
    worker.postMessage(batch);
  });
}
