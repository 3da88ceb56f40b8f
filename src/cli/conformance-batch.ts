/** One batch of corpus lines: parse, replay, score. Runs in a worker thread or in the main one. */
import type { Diagnostic } from '../base/diagnostic.js';
import { type CorpusLine, parseCase } from '../harness/conformance/corpus-read.js';
import { modelCase } from '../harness/conformance/model-case.js';
import { type ScoredCase, summarise } from '../harness/conformance/report.js';
import { runCase } from '../harness/conformance/run.js';

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

export function runBatch(batch: Batch): BatchResult {
  const cases: ScoredCase[] = [];
  const emitted: string[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const line of batch.lines) {
    const p = parseCase(line, batch.file);
    diagnostics.push(...p.diagnostics);
    if (!p.value) continue;
    const { score, model } = runCase(p.value, modelCase);
    cases.push(summarise(score));
    if (batch.emit) emitted.push(JSON.stringify(model));
  }
  return { cases, emitted, diagnostics };
}
