/** Every expectation of a scenario, looked at after a run. */
import type { Diagnostic } from '../base/diagnostic.js';
import type { Expectation, Scenario } from '../scenario/model.js';
import type { ScenarioRun } from '../stack/run-scenario.js';
import { type Flow, flowOf } from './expect/flow.js';
import { evaluatorOf } from './expect/index.js';
import { type Evaluator, isSenseless, type Looked } from './expect/types.js';
import { explain } from './explain.js';

/** One expectation and what came of it. */
export interface Verdict {
  readonly expectation: Expectation;
  /** `reply.fate`, `hits`, … */
  readonly label: string;
  readonly ok: boolean;
  readonly expected: string;
  readonly actual: string;
  /** Only of failures: the walk up to the surprise, and the rule or route behind it. */
  readonly walk: readonly string[];
  readonly responsible: readonly string[];
}

export interface Judgement {
  readonly verdicts: readonly Verdict[];
  /** Expectations that cannot be looked at, or a scenario that expects nothing: exit code 2. */
  readonly diagnostics: readonly Diagnostic[];
}

const labelOf = (e: Expectation): string => (e.direction === 'reply' ? `reply.${e.key}` : e.key);

/**
 * Looks at the expectations of a run. `again` gives the same run with the rules told that said no (verbose), which costs more:
 * it is asked for when a rule was expected to match and did not.
 */
export function judge(run: ScenarioRun, again?: () => ScenarioRun): Judgement {
  const j = judgeRun(run);
  return again && j.verdicts.some((v) => !v.ok && v.expectation.key === 'hits') ? judgeRun(again()) : j;
}

function judgeRun(run: ScenarioRun): Judgement {
  const flows = new Map<string, Flow[]>();
  for (const p of run.packets) flows.set(p.packet.name, [...(flows.get(p.packet.name) ?? []), flowOf(p)]);
  const verdicts: Verdict[] = [];
  const diagnostics: Diagnostic[] = [...emptiness(run.scenario)];
  for (const e of run.scenario.expect) {
    const of = flows.get(e.packet);
    const evaluator = evaluatorOf(e.key);
    // A packet that never ran has its error among the run's own diagnostics.
    if (!of || !evaluator) continue;
    const v = judgeOne(e, evaluator, of);
    if ('verdict' in v) verdicts.push(v.verdict);
    else diagnostics.push(v.diagnostic);
  }
  return { verdicts, diagnostics };
}

function emptiness(s: Scenario): Diagnostic[] {
  const span = { file: s.file, line: 1, column: 1, length: 0 };
  const no = (code: string, message: string, hint: string): Diagnostic[] => [{ code, severity: 'error', message, span, hint }];
  if (s.packets.length === 0) return no('no-packets', 'the scenario sends no packet', 'packets: or table:');
  if (s.expect.length === 0) return no('no-expectations', 'the scenario expects nothing', 'give a packet expect:');
  return [];
}

function judgeOne(e: Expectation, evaluator: Evaluator, flows: readonly Flow[]): { verdict: Verdict } | { diagnostic: Diagnostic } {
  const c = evaluator.check(flows, e.value, e.direction);
  if (isSenseless(c)) return { diagnostic: { code: c.code, severity: 'error', message: c.message, span: e.span, ...(c.hint ? { hint: c.hint } : {}) } };
  const base = { expectation: e, label: labelOf(e), ok: c.ok, expected: c.expected, actual: c.actual };
  return { verdict: { ...base, ...(c.ok ? { walk: [], responsible: [] } : explained(flows, c)) } };
}

function explained(flows: readonly Flow[], c: Looked): { walk: readonly string[]; responsible: readonly string[] } {
  const f = c.flow ?? flows[flows.length - 1];
  return explain(f.run, Math.min(c.at, f.run.events.length - 1));
}

export const passed = (j: Judgement): boolean => j.diagnostics.every((d) => d.severity !== 'error') && j.verdicts.every((v) => v.ok);
