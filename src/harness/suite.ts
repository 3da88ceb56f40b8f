/** Scenarios as tests: loaded, run, judged. Reporters (report/) are pure functions of the results. */
import { type Diagnostic, hasErrors, type Parsed } from '../base/diagnostic.js';
import type { Scenario } from '../scenario/model.js';
import { runScenario, type ScenarioRun } from '../stack/run-scenario.js';
import { applyAll } from '../tools/apply.js';
import { execute } from '../tools/execute.js';
import { judge, type Verdict } from './judge.js';

export interface ScenarioResult {
  readonly file: string;
  /** The scenario's name; its file's where it could not be loaded. */
  readonly name: string;
  /** null where it could not be loaded or its commands failed. */
  readonly run: ScenarioRun | null;
  readonly verdicts: readonly Verdict[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Runs a scenario and looks at each of its expectations. A failure of the engine itself is an error of this scenario, so that the others are still told of. */
export function testScenario(file: string, loaded: Parsed<Scenario | null>): ScenarioResult {
  const { value, diagnostics } = loaded;
  const nothing = (more: readonly Diagnostic[]): ScenarioResult => ({
    file,
    name: value?.name ?? file,
    run: null,
    verdicts: [],
    diagnostics: [...diagnostics, ...more],
  });
  if (value === null || hasErrors(diagnostics)) return nothing([]);
  const keepConntrack = value.expect.some((e) => e.key === 'conntrack');
  const play = (verbose: boolean): ScenarioRun => runScenario(value, { execute, apply: applyAll, keepConntrack, verbose });
  try {
    const run = play(false);
    if (hasErrors(run.diagnostics)) return nothing(run.diagnostics);
    const j = judge(run, () => play(true));
    return { file, name: value.name, run, verdicts: j.verdicts, diagnostics: [...diagnostics, ...run.diagnostics, ...j.diagnostics] };
  } catch (e) {
    const [message, place = ''] = (e instanceof Error ? (e.stack ?? e.message) : String(e)).split('\n');
    return nothing([
      { code: 'engine-failed', severity: 'error', message, span: { file, line: 1, column: 1, length: 0 }, hint: `a bug of netfilter-sim, ${place.trim()}` },
    ]);
  }
}

/** The what-ifs that say what becomes of packets then, each as a scenario of its own; empty where the scenario itself could not be run. */
export function testWhatIfs(r: ScenarioResult): ScenarioResult[] {
  const s = r.run?.scenario;
  if (!s) return [];
  return s.whatIf
    .filter((w) => w.expect.length > 0)
    .map((w) =>
      testScenario(r.file, {
        value: { ...s, name: `${s.name} what-if ${w.name}`, do: [...s.do, ...w.commands], expect: w.expect, whatIf: [] },
        diagnostics: [],
      }),
    );
}

export type Ending = 'ok' | 'failed' | 'error';

export const endingOf = (r: ScenarioResult): Ending => (hasErrors(r.diagnostics) ? 'error' : r.verdicts.some((v) => !v.ok) ? 'failed' : 'ok');

export interface Totals {
  readonly scenarios: number;
  readonly packets: number;
  readonly expectations: number;
  readonly failed: number;
  /** Scenarios that could not be tested. */
  readonly errors: number;
}

export function totals(results: readonly ScenarioResult[]): Totals {
  const sum = (of: (r: ScenarioResult) => number): number => results.reduce((n, r) => n + of(r), 0);
  return {
    scenarios: results.length,
    packets: sum((r) => r.run?.packets.length ?? 0),
    expectations: sum((r) => r.verdicts.length),
    failed: sum((r) => r.verdicts.filter((v) => !v.ok).length),
    errors: sum((r) => (endingOf(r) === 'error' ? 1 : 0)),
  };
}

/** 0: all hold. 1: some do not. 2: some cannot be looked at. */
export function exitCode(results: readonly ScenarioResult[]): 0 | 1 | 2 {
  const t = totals(results);
  return t.errors > 0 ? 2 : t.failed > 0 ? 1 : 0;
}
