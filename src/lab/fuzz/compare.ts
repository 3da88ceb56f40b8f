/** A recorded case against the model: the scorer of the corpus, less what the lab cannot see. */
import type { CorpusCase, Delivery, ModelCase } from '../../harness/conformance/corpus.js';
import { caseInput } from '../../harness/conformance/corpus.js';
import { modelCase } from '../../harness/conformance/model-case.js';
import type { CaseOutcome } from '../../harness/conformance/run.js';
import { scoreCase } from '../../harness/conformance/score.js';

/**
 * What a connection is told by ICMP once it stands is a soft error (sk_err_soft), which only SO_ERROR shows and Node never asks for; a reset is none.
 * Steps share `connected`: the sockets that have come so far.
 */
function hidden(d: Delivery, connected: Set<string>): boolean {
  if (d.event === 'connected' || d.event === 'accept') connected.add(d.socket);
  return d.event === 'error' && d.error !== 'ECONNRESET' && d.error !== 'EPIPE' && connected.has(d.socket);
}

/** Node's datagram sockets do not tell which address and device a datagram came to. */
const seen = (d: Delivery): Delivery => {
  if (d.event !== 'data' || d.to === undefined) return d;
  const { to: _to, dev: _dev, ...rest } = d;
  return rest;
};

/** An exception of the engine is a finding like any other: an inconclusive case that says so. */
export function compare(recorded: CorpusCase): CaseOutcome {
  let model: ModelCase;
  try {
    model = modelCase(caseInput(recorded));
  } catch (e) {
    const what = `engine threw: ${e instanceof Error ? (e.stack ?? e.message).split('\n').slice(0, 3).join(' ') : String(e)}`;
    model = { id: recorded.id, steps: recorded.steps.map((s) => ({ n: s.n, inconclusive: what })) };
  }
  const connected = new Set<string>();
  const steps = model.steps.map((s) => {
    if (!s.observed?.delivered) return s;
    const delivered = s.observed.delivered.filter((d) => !hidden(d, connected)).map(seen);
    return { ...s, observed: { ...s.observed, delivered: delivered.length > 0 ? delivered : null } };
  });
  const visible = { ...model, steps };
  return { score: scoreCase(recorded, visible), model: visible };
}
