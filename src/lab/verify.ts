/** A scenario on the kernel at hand against the model: every step of every node as `sim conformance` compares it, and the whole scenario's trace besides. */
import type { CorpusCase, TracePoint } from '../harness/conformance/corpus.js';
import { showCase } from '../harness/conformance/show.js';
import { modelPointNft, tracePoint } from '../harness/conformance/trace-point.js';
import type { Scenario } from '../scenario/model.js';
import { type Apply, type Execute, type PacketRun, runScenario } from '../stack/run-scenario.js';
import { compare } from './fuzz/compare.js';
import { NotBuilt } from './lab-node.js';
import { withLabLock } from './lock.js';
import { Unsteady } from './node-recorder.js';
import type { Backend } from './node-state.js';
import { prepared, ScenarioBench, unbuildable } from './scenario-bench.js';
import { CommandFailed, type PlayedPacket, ScenarioPlay } from './scenario-run.js';

export interface Verdict {
  readonly result: 'agree' | 'differ' | 'skipped';
  /** Why it was skipped, or the first difference: lines to print. */
  readonly why: readonly string[];
  readonly packets: number;
  /** Frames and system calls that nodes were given. */
  readonly steps: number;
  readonly points: number;
  /** One case per node that took part, and one more for each time that its administrator changed it; empty when skipped. */
  readonly cases: readonly CorpusCase[];
}

export interface VerifyOptions {
  readonly backend: Backend;
  readonly execute: Execute;
  readonly apply: Apply;
}

const NOTHING = { packets: 0, steps: 0, points: 0, cases: [] };
const skipped = (why: string): Verdict => ({ result: 'skipped', why: [why], ...NOTHING });

export async function verify(given: Scenario, o: VerifyOptions): Promise<Verdict> {
  const cannot = unbuildable(given);
  if (cannot !== null) return skipped(cannot);
  const scenario = prepared(given, o.backend);
  const model = runScenario(scenario, { execute: o.execute, apply: o.apply });
  const unknown = model.events.find((e) => e.t === 'inconclusive');
  if (unknown?.t === 'inconclusive') return skipped(`the model is inconclusive: ${unknown.what}`);
  for (let looks = 1; ; looks++) {
    const v = await once(scenario, model.packets, o);
    // What another process did to the machine meanwhile is no finding.
    if (v.result === 'agree' || looks === MOST_LOOKS) return v;
    if (v.result === 'skipped' && !v.why[0].startsWith(UNSTEADY)) return v;
  }
}

/** How often a scenario that differs is looked at. */
const MOST_LOOKS = 3;
const UNSTEADY = 'not observed: ';

async function once(scenario: Scenario, packets: readonly PacketRun[], o: VerifyOptions): Promise<Verdict> {
  const bench = new ScenarioBench(scenario, o.backend);
  try {
    // From the start: devices that come up send and drop, and the drop events name no namespace.
    const play = await withLabLock(async () => {
      await bench.open();
      const p = new ScenarioPlay(bench);
      await p.play(scenario, packets);
      return p;
    });
    return compared(play, scenario);
  } catch (e) {
    if (e instanceof NotBuilt) return skipped(`not built: ${e.message}`);
    if (e instanceof Unsteady) return skipped(`${UNSTEADY}${e.message}`);
    if (e instanceof CommandFailed) return { result: 'differ', why: [e.message], ...NOTHING };
    throw e;
  } finally {
    bench.close();
  }
}

function compared(play: ScenarioPlay, s: Scenario): Verdict {
  const cases = play.cases(s.name, s);
  const steps = cases.flatMap((c) => c.steps);
  const head = { packets: play.played.length, steps: steps.length, points: steps.reduce((n, x) => n + x.observed.trace.length, 0), cases };
  for (const c of cases) {
    const { score, model } = compare(c);
    if (!score.exact) return { result: 'differ', why: showCase(c, model, score).trimEnd().split('\n'), ...head };
  }
  for (const p of play.played) {
    const why = wholeDifference(p);
    if (why) return { result: 'differ', why, ...head };
  }
  return { result: 'agree', why: [], ...head };
}

// --- the scenario as a whole: do model and kernel take the same way? ---

/** The scenario's own run makes its own free choices, so only what does not hang on them is compared here: the steps have been compared exactly. */
function wholeDifference(p: PlayedPacket): string[] | null {
  const { run } = p;
  for (const [node, steps] of p.steps) {
    const model = run.events.flatMap((e) => (e.node !== node ? [] : e.t === 'trace' ? [tracePoint(e)] : e.t === 'nft-trace' ? [modelPointNft(e, 0)] : []));
    const kernel = steps.flatMap((s) => s.observed.trace);
    for (let i = 0; i < Math.max(model.length, kernel.length); i++)
      if (key(model[i]) !== key(kernel[i])) {
        const title = `packet ${run.packet.name}${run.packet.count > 1 ? ` ${run.nth}` : ''}, node ${node}: the nodes agree step by step, the scenario as a whole takes another way at trace point ${i + 1}`;
        return [title, ...sideBySide(model, kernel, i)];
      }
  }
  return null;
}

/** Lengths of TCP segments, ids and ports that NAT chose are the kernel's. */
const FIELDS = ['point', 'in', 'out', 'physout', 'src', 'dst', 'proto', 'dport', 'type', 'code', 'flags', 'ttl', 'mark', 'verdict', 'policy'] as const;
const text = (t: TracePoint | undefined): string =>
  t === undefined
    ? '(nothing)'
    : FIELDS.map((f) => (t[f] === undefined || t[f] === '' ? '' : `${f}=${t[f]}`))
        .filter((x) => x !== '')
        .join(' ');
const key = (t: TracePoint | undefined): string => text(t).replace(/ dport=(\d+)/, (all, p) => (Number(p) >= 1024 ? '' : all));

function sideBySide(model: readonly TracePoint[], kernel: readonly TracePoint[], at: number): string[] {
  const rows: string[] = [];
  for (let i = Math.max(0, at - 2); i < Math.min(Math.max(model.length, kernel.length), at + 4); i++) {
    rows.push(`${key(model[i]) === key(kernel[i]) ? '  ' : '≠ '}model   ${text(model[i])}`, `  kernel  ${text(kernel[i])}`);
  }
  return rows;
}
