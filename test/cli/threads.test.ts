/** Threads run what this one runs, and one that dies is told. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type Batch, type BatchResult, runBatch } from '../../src/cli/conformance-batch.js';
import { type Ask, withThreads } from '../../src/cli/threads.js';
import { corpusLines } from '../../src/harness/conformance/corpus-read.js';

const file = join(import.meta.dirname, '../kernel/xt.jsonl.gz');
const lines = corpusLines(gunzipSync(readFileSync(file)).toString()).slice(0, 12);
const batches = [0, 4, 8].map((i): Batch => ({ file, lines: lines.slice(i, i + 4), emit: true }));
const inThreads = (...execArgv: string[]) =>
  withThreads(2, ['conformance-batch', 'runBatch'], { execArgv }, (ask: Ask<Batch, BatchResult>) => Promise.all(batches.map((b) => ask(b))));

describe('threads', () => {
  it('answer as this one does', async () => {
    expect(await inThreads('--import', import.meta.resolve('tsx'))).toEqual(batches.map(runBatch));
  });

  it.each([
    ['cannot start', 'throw Error("no loader")', /no loader/],
    ['ends', 'process.exit(7)', /code: 7/],
  ])('one that %s is told', async (_, code, message) => {
    await expect(inThreads('--import', `data:text/javascript,${encodeURIComponent(code)}`)).rejects.toThrow(message);
  });
});
