/** Thread of the pool in conformance-pool.ts. */
import { parentPort } from 'node:worker_threads';
import { runBatch } from './conformance-batch.js';
import type { Batch } from './conformance-pool.js';

parentPort?.on('message', (batch: Batch) => parentPort?.postMessage(runBatch(batch)));
