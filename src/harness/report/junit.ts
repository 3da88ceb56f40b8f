import { formatDiagnostic } from '../../base/diagnostic.js';
import { type ScenarioResult, totals } from '../suite.js';
import { caseName, failureLines, type TestReporter } from './reporter.js';

const entities = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ['\n', '&#10;'],
]);
/** Characters that XML 1.0 forbids are left out. */
const xml = (s: string): string => s.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '').replace(/[&<>"\n]/g, (c) => entities.get(c) ?? c);
const body = (lines: readonly string[]): string => lines.map((l) => xml(l)).join('\n');

function suite(r: ScenarioResult): string[] {
  const errors = r.diagnostics.filter((d) => d.severity === 'error');
  const failed = r.verdicts.filter((v) => !v.ok).length;
  const tests = r.verdicts.length + (errors.length > 0 ? 1 : 0);
  const out = [
    `  <testsuite name="${xml(r.name)}" file="${xml(r.file)}" tests="${tests}" failures="${failed}" errors="${errors.length > 0 ? 1 : 0}" time="0">`,
  ];
  if (errors.length > 0)
    out.push(
      `    <testcase classname="${xml(r.name)}" name="can be tested" time="0">`,
      `      <error message="${xml(errors[0].message)}">${body(errors.flatMap((d) => formatDiagnostic(d).split('\n')))}</error>`,
      '    </testcase>',
    );
  for (const v of r.verdicts) {
    const s = v.expectation.span;
    const head = `    <testcase classname="${xml(r.name)}" name="${xml(caseName(v))}" file="${xml(s.file)}" line="${s.line}" time="0"`;
    if (v.ok) out.push(`${head}/>`);
    else out.push(`${head}>`, `      <failure message="${xml(`expected ${v.expected}; ${v.actual}`)}">${body(failureLines(v))}</failure>`, '    </testcase>');
  }
  out.push('  </testsuite>');
  return out;
}

/** JUnit's XML as CI servers read it: a suite per scenario, a case per expectation. Times are 0, so that two runs are equal. */
export const junit: TestReporter = {
  name: 'junit',
  summary: 'JUnit XML for CI servers',
  each: () => '',
  end(results) {
    const t = totals(results);
    const head = `<testsuites name="sim test" tests="${t.expectations + t.errors}" failures="${t.failed}" errors="${t.errors}" time="0">`;
    return `<?xml version="1.0" encoding="UTF-8"?>\n${head}\n${results.flatMap(suite).join('\n')}\n</testsuites>\n`;
  },
};
