/** `sim check-log`: does the model tell the truth about a node? Replays a log of the real node, takes what the log itself shows, and looks into the first parting. */
import type { TraceLog } from '../../formats/trace-log-types.js';
import type { NodeState } from '../../scenario/model.js';
import type { Execute } from '../../stack/run-scenario.js';
import { type Assumption, assumptionsFor } from './assume.js';
import { type Candidate, diagnose } from './diagnose.js';
import { type Assumed, NOTHING_ASSUMED, type Replay, type Replayed, type ReplayRequest, replay } from './replay.js';
import { walksOf } from './walks.js';

export interface LogCheck {
  readonly log: TraceLog;
  readonly node: NodeState;
  readonly results: readonly Replayed[];
  /** What was taken to have been so, in words. */
  readonly assumed: readonly string[];
  /** The first packet that parts, with the likely missing pieces; null: all agree. */
  readonly parting: { readonly result: Replayed; readonly candidates: readonly Candidate[] } | null;
}

/** Walks that assumptions and hypotheses may cost to replay, all together. */
const BUDGET = 15_000;

/** `commands`: changes to the node first, as the administrator would type them. An error of theirs comes back as diagnostics in `failed`. */
export function checkLog(
  given: NodeState,
  log: TraceLog,
  execute: Execute,
  commands: readonly string[] = [],
  progress: (done: number, of: number) => void = () => {},
): LogCheck | { readonly failed: Replay['diagnostics'] } {
  const q: ReplayRequest = { given, log, walks: walksOf(log.lines, given), execute };
  const search = new Search(q, { ...NOTHING_ASSUMED, commands });
  const first = search.now;
  if (first.results.length === 0) return { failed: first.diagnostics };
  search.settle(progress);
  const result = search.now.results.find(parts) ?? null;
  return {
    log,
    node: search.now.node,
    results: search.now.results,
    assumed: search.taken,
    parting: result && { result, candidates: diagnose(q, search.assumed, result, search.now) },
  };
}

export const parts = (r: Replayed): boolean => r.comparison.parting !== null || r.problem !== null;

class Search {
  now: Replay;
  readonly taken: string[] = [];
  #spent = 0;

  constructor(
    readonly q: ReplayRequest,
    public assumed: Assumed,
  ) {
    this.now = replay(q, assumed);
  }

  /** Takes assumptions packet by packet until none helps any more. */
  settle(progress: (done: number, of: number) => void): void {
    const given = new Set<number>();
    for (;;) {
      const r = this.now.results.find((x) => parts(x) && !given.has(x.walk.n));
      if (!r || this.#spent > BUDGET) return;
      progress(r.walk.n, this.q.walks.length);
      if (!this.#take(r)) given.add(r.walk.n);
    }
  }

  #take(r: Replayed): boolean {
    let best: { c: Assumption; a: Assumed; score: number } | null = null;
    for (const c of assumptionsFor(this.q, this.assumed, this.now, r)) {
      const a = c.add(this.assumed);
      const got = this.#try(a, c.whole ? this.q.walks.length : r.walk.n);
      const { problem, comparison } = got[r.walk.n - 1] ?? r;
      const whole = comparison.parting === null;
      if (problem !== null || (!whole && !(c.stepwise && comparison.agreed > r.comparison.agreed))) continue;
      const score = comparison.agreed + Number(whole) + (c.whole ? got.filter((x) => !parts(x)).length : 0);
      if (best === null || score > best.score) best = { c, a, score };
      if (whole && !c.whole) break;
    }
    if (best === null) return false;
    this.assumed = best.a;
    this.taken.push(best.c.text);
    this.now = replay(this.q, this.assumed);
    this.#spent += this.q.walks.length;
    return true;
  }

  #try(a: Assumed, upto: number): readonly Replayed[] {
    this.#spent += upto;
    return replay(this.q, a, { upto }).results;
  }
}
