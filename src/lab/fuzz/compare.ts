/** A recorded case against the model: the scorer of the corpus. */
import type { CorpusCase, ModelCase } from '../../harness/conformance/corpus.js';
import { caseInput } from '../../harness/conformance/corpus.js';
import { modelCase } from '../../harness/conformance/model-case.js';
import type { CaseOutcome } from '../../harness/conformance/run.js';
import { scoreCase } from '../../harness/conformance/score.js';
import { visibleModel } from '../../harness/conformance/unobserved.js';

/** An exception of the engine is a finding like any other: an inconclusive case that says so. */
export function compare(recorded: CorpusCase): CaseOutcome {
  let model: ModelCase;
  try {
    model = visibleModel(recorded, modelCase(caseInput(recorded)));
  } catch (e) {
    const what = `engine threw: ${e instanceof Error ? (e.stack ?? e.message).split('\n').slice(0, 3).join(' ') : String(e)}`;
    model = { id: recorded.id, steps: recorded.steps.map((s) => ({ n: s.n, inconclusive: what })) };
  }
  return { score: scoreCase(recorded, model), model };
}
