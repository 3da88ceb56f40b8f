/** Random cases, model against kernel: record, score, look again at what differs on a bench of its own, shrink what still does. */
import type { CorpusCase } from '../../harness/conformance/corpus.js';
import type { CaseOutcome } from '../../harness/conformance/run.js';
import { Bench } from '../bench.js';
import type { CaseSpec } from '../case-spec.js';
import { withLabLock } from '../lock.js';
import { BenchLost, Refused, recordCase } from '../observe.js';
import { compare } from './compare.js';
import { BATCH, backendOf, type CaseKind, makeBatch, makeCase } from './make.js';
import { shrink } from './shrink.js';

export interface Finding {
  readonly id: string;
  /** As small as it could be made and still differ. */
  readonly spec: CaseSpec;
  readonly recorded: CorpusCase;
  readonly outcome: CaseOutcome;
}

export interface FuzzOptions extends CaseKind {
  readonly seed: number;
  readonly from: number;
  readonly cases: number;
  readonly shrink: boolean;
  /** Called after every case. */
  readonly done: (agreed: boolean | null, why: string | null) => void;
  /** Differed at first sight; it is looked at again. */
  readonly suspect: (why: string) => void;
  readonly found: (f: Finding) => void;
}

export interface FuzzTotals {
  readonly agreed: number;
  readonly steps: number;
  readonly inconclusive: number;
  readonly differ: number;
  /** The tools or the kernel did not take the set-up. */
  readonly refused: number;
  /** Differed once, agreed when recorded again. */
  readonly unsteady: number;
}

export async function withBench<T>(s: Pick<CaseSpec, 'links' | 'backend' | 'family'>, work: (b: Bench) => Promise<T>): Promise<T> {
  const b = new Bench(s.links, s.backend, s.family !== undefined);
  try {
    await withLabLock(() => b.open());
    return await work(b);
  } finally {
    b.close();
  }
}

export async function fuzz(o: FuzzOptions): Promise<FuzzTotals> {
  const totals = { agreed: 0, steps: 0, inconclusive: 0, differ: 0, refused: 0, unsteady: 0 };
  const end = o.from + o.cases;
  for (let at = o.from; at < end; ) {
    const batch = Math.floor(at / BATCH);
    const until = Math.min(end, (batch + 1) * BATCH);
    const suspects: CaseSpec[] = [];
    while (at < until) {
      await withBench(
        { links: makeBatch(o.seed, batch, o.devices).links, backend: backendOf(o.rules, o.backend), ...(o.family === 'ipv4' ? {} : { family: o.family }) },
        async (b) => {
          for (; at < until; at++) {
            const spec = makeCase(o.seed, at, o);
            const first = await attempt(b, spec);
            if (first instanceof BenchLost) {
              at++;
              o.suspect(`${spec.id}: ${first.message}`);
              suspects.push(spec);
              return;
            }
            if (first instanceof Refused) {
              totals.refused++;
              o.done(null, `${spec.id}: ${first.message}`);
            } else if (first.outcome.score.exact) {
              totals.agreed++;
              totals.steps += first.recorded.steps.length;
              o.done(true, null);
            } else if (first.outcome.score.inconclusive !== null) {
              // It is so as often as it is recorded.
              totals.inconclusive++;
              o.found({ id: spec.id, spec, ...first });
              o.done(false, null);
            } else {
              const d = first.outcome.score.firstDifference;
              o.suspect(`${spec.id}: ${d?.area} ${d?.field}: kernel ${d?.kernel} | model ${d?.model}`);
              suspects.push(spec);
            }
          }
        },
      );
    }
    for (const spec of suspects) {
      const f = await lookAgain(spec, o.shrink);
      if (f === null) {
        totals.agreed++;
        totals.unsteady++;
        o.done(true, null);
      } else if (f instanceof Refused) {
        totals.refused++;
        o.done(null, `${spec.id}: ${f.message}`);
      } else {
        if (f.outcome.score.inconclusive !== null) totals.inconclusive++;
        else totals.differ++;
        o.found(f);
        o.done(false, null);
      }
    }
  }
  return totals;
}

interface Recorded {
  readonly recorded: CorpusCase;
  readonly outcome: CaseOutcome;
}

async function attempt(b: Bench, spec: CaseSpec): Promise<Recorded | Refused> {
  try {
    const recorded = await recordCase(b, spec);
    return { recorded, outcome: compare(recorded) };
  } catch (e) {
    if (e instanceof Refused) return e;
    throw e;
  }
}

/** TCP_TIMEOUT_INIT is a second, after which a SYN or SYN-ACK goes out again; no step may come so late after the one that opened a connection. */
const TCP_PATIENCE_MS = 900;

/** Hex of an Ethernet frame: the protocol of its IPv4 header, the next header of its IPv6 header. */
const carriesTcp = (frame: string): boolean => (frame.slice(24, 28) === '86dd' ? frame.slice(40, 42) : frame.slice(46, 48)) === '06';

function differsSlowly(r: Recorded | Refused): boolean {
  if (r instanceof Refused || r.outcome.score.exact) return false;
  const { steps } = r.recorded;
  const opens = steps.find((s) => (s.kind === 'local' ? s.proto === 'tcp' : s.kind === 'inject' && carriesTcp(s.frame)));
  return opens?.ms !== undefined && (steps.at(-1)?.ms ?? 0) - opens.ms > TCP_PATIENCE_MS;
}

/** On a new bench; null when it agrees there. What a bench remembers, or another process did to the machine meanwhile, is no finding. */
async function lookAgain(spec: CaseSpec, smaller: boolean): Promise<Finding | Refused | null> {
  let again = await withBench(spec, (b) => attempt(b, spec));
  for (let tries = 1; tries < 3 && differsSlowly(again); tries++) again = await withBench(spec, (b) => attempt(b, spec));
  if (again instanceof Refused) return again;
  if (again.outcome.score.exact) return null;
  if (differsSlowly(again)) return new Refused('the machine was too busy: TCP sent again what was not answered in time');
  const found = { id: spec.id, spec, ...again };
  if (!smaller) return found;
  const least = await withBench(spec, (b) =>
    shrink(spec, again.outcome.score, async (s) => {
      const r = await attempt(b, s);
      return r instanceof Refused ? null : r.outcome.score;
    }),
  );
  const last = await withBench(spec, (b) => attempt(b, least));
  return last instanceof Refused || last.outcome.score.exact ? found : { id: spec.id, spec: least, ...last };
}
