import { endingOf, type ScenarioResult, totals } from '../suite.js';
import type { TestReporter } from './reporter.js';

const result = (r: ScenarioResult) => ({
  file: r.file,
  name: r.name,
  ending: endingOf(r),
  expectations: r.verdicts.map((v) => ({
    packet: v.expectation.packet,
    key: v.label,
    file: v.expectation.span.file,
    line: v.expectation.span.line,
    ok: v.ok,
    expected: v.expected,
    actual: v.actual,
    ...(v.ok ? {} : { responsible: v.responsible, walk: v.walk }),
  })),
  diagnostics: r.diagnostics.map(({ code, severity, message, span, hint }) => ({ code, severity, message, span, ...(hint ? { hint } : {}) })),
});

export const json: TestReporter = {
  name: 'json',
  summary: 'one JSON object',
  each: () => '',
  end: (results) => `${JSON.stringify({ version: 1, ...totals(results), results: results.map(result) }, null, 2)}\n`,
};
