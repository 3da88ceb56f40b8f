/**
 * Why a log and the model part: the rows of the table of causes are asked, each change that they propose is tried on the model, and what makes more of the
 * log agree comes first. Rows without a change to try keep their place in the table.
 */
import { Case, type CauseRow, type Finding } from './causes/case.js';
import { droppedThere, linesLost, modelEnds } from './causes/ends.js';
import { policyDiffers, ruleCame, ruleChanged, ruleGone, ruleState, rulesInserted, rulesRemoved } from './causes/rules.js';
import { setMember } from './causes/sets.js';
import { conntrackState, fieldDiffers, routeDiffers } from './causes/state.js';
import { bridgeCalls, sysctlOff, sysctlOn } from './causes/sysctls.js';
import { chainMissing, deviceMissing, otherBackend, tableMissing, tableNotLoaded, unknownToModel } from './causes/tables.js';
import { type Assumed, type Replay, type Replayed, type ReplayRequest, replay } from './replay.js';

/** In the order in which they are told where nothing else decides. */
export const causeTable: readonly CauseRow[] = [
  unknownToModel,
  deviceMissing,
  otherBackend,
  tableMissing,
  chainMissing,
  bridgeCalls,
  policyDiffers,
  sysctlOff,
  rulesInserted,
  rulesRemoved,
  setMember,
  ruleState,
  conntrackState,
  tableNotLoaded,
  routeDiffers,
  sysctlOn,
  ruleChanged,
  ruleCame,
  ruleGone,
  fieldDiffers,
  linesLost,
  modelEnds,
  droppedThere,
];

export interface Candidate extends Finding {
  readonly cause: string;
  /** With the change the model agrees with so many lines of this packet; null: there is nothing to try. */
  readonly tried: { readonly agreed: number; readonly whole: boolean; readonly packets: number } | null;
}

/** Told at most. */
const MOST_TOLD = 6;
/** Walks that may be replayed for it. */
const BUDGET = 15_000;

export function diagnose(q: ReplayRequest, a: Assumed, r: Replayed, settled: Replay): Candidate[] {
  const again = replay(q, a, { upto: r.walk.n, whole: true });
  const c = new Case(q, a, again.results[r.walk.n - 1], again);
  const before = settled.results.filter((x) => x.comparison.parting === null && x.problem === null).length;
  let spent = 0;
  const out: Candidate[] = [];
  for (const row of causeTable)
    for (const f of row.find(c)) {
      if (f.change === null) {
        out.push({ ...f, cause: row.id, tried: null });
        continue;
      }
      if (spent > BUDGET) continue;
      spent += q.walks.length;
      const tried = attempt(q, f.change(a), r.walk.n);
      // A change that does not bring more of the log into agreement explains nothing.
      if (tried && (tried.whole || tried.agreed > r.comparison.agreed) && tried.packets >= before) out.push({ ...f, cause: row.id, tried });
    }
  const list = ranked(out);
  const best = list.find((k) => k.tried !== null)?.tried ?? null;
  const told = new Set<string>();
  return list.filter((k) => worthTelling(k, best) && !told.has(k.text) && told.add(k.text)).slice(0, MOST_TOLD);
}

/** Where one change explains the whole packet, those that do not are left out; where something explains it, what only describes it. */
function worthTelling(k: Candidate, best: Candidate['tried']): boolean {
  if (best === null) return true;
  if (k.tried === null) return k.cause !== 'model-ends';
  return k.tried.whole || !best.whole;
}

function attempt(q: ReplayRequest, a: Assumed, n: number): Candidate['tried'] {
  const { results } = replay(q, a);
  const r = results[n - 1];
  if (!r || r.problem !== null) return null;
  return {
    agreed: r.comparison.agreed,
    whole: r.comparison.parting === null,
    packets: results.filter((x) => x.comparison.parting === null && x.problem === null).length,
  };
}

/** Whole agreement first, then more packets, then more lines; what could not be tried behind it, in the table's order. */
function ranked(list: readonly Candidate[]): Candidate[] {
  const score = (c: Candidate): number => (c.tried === null ? (c.certain ? 1e9 : 0) : Number(c.tried.whole) * 1e6 + c.tried.packets * 1e3 + c.tried.agreed);
  return list
    .map((c, i) => ({ c, i }))
    .sort((x, y) => score(y.c) - score(x.c) || x.i - y.i)
    .map(({ c }) => c);
}
