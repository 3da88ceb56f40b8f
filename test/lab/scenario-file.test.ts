/** A recorded case as a scenario file: it loads, and its packets go the way that they go in the case. */
import { describe, expect, it } from 'vitest';
import { caseInput } from '../../src/harness/conformance/corpus.js';
import { modelCase } from '../../src/harness/conformance/model-case.js';
import { runCase } from '../../src/harness/conformance/run.js';
import { scenarioFile } from '../../src/lab/fuzz/scenario-file.js';
import { parseScenario } from '../../src/scenario/load.js';
import { runScenario } from '../../src/stack/run-scenario.js';
import { execute } from '../../src/tools/execute.js';
import { localCorpus, readCase } from '../kernel/corpus-files.js';

const cases = localCorpus().flatMap((f) => (f.category === 'fuzz' ? f.lines.map((l) => readCase(f, l)) : []));

describe('the scenario file of a random case', () => {
  it.each(cases.map((c) => [c.id, c] as const))('%s', (_id, recorded) => {
    const outcome = runCase(recorded, modelCase);
    const text = scenarioFile({ id: recorded.id, recorded, outcome }, execute);
    const { value, diagnostics } = parseScenario(text, 'f.yaml', { read: () => null, list: () => null });
    expect(diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
    if (!value) return;
    expect(value.description).toContain('the model agrees');
    // What hangs on a sequence number that the kernel chose cannot be said again; the file tells from where on.
    const parting = Number(/step-(\d+) goes another way/.exec(value.description)?.[1] ?? Infinity);
    const points = runScenario(value, { execute }).packets.map((r) => [r.packet.name, r.events.filter((e) => e.t === 'trace' || e.t === 'nft-trace').length]);
    const wanted = modelCase(caseInput(recorded)).steps.map((s) => [`step-${s.n}`, s.observed?.trace.length]);
    const untilThen = (list: typeof points): unknown => list.filter(([name]) => Number(String(name).slice(5)) < parting);
    expect(untilThen(points)).toEqual(untilThen(wanted.filter(([name]) => value.packets.some((p) => p.name === name)) as typeof points));
  });

  it('says what differed and the trace of that step in the kernel', () => {
    const recorded = cases.find((c) => c.id === 'fuzz-21-422');
    if (!recorded) throw new Error('no fuzz-21-422');
    const [step] = recorded.steps;
    const other = { ...recorded, steps: [{ ...step, observed: { ...step.observed, trace: step.observed.trace.slice(1) } }] };
    const text = scenarioFile({ id: other.id, recorded: other, outcome: runCase(other, modelCase) }, execute);
    expect(text).toContain('differ in step-0: trace');
    expect(text).toContain(step.observed.trace[1].point);
  });
});
