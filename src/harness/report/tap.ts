import { formatDiagnostic, hasErrors } from '../../base/diagnostic.js';
import type { ScenarioResult } from '../suite.js';
import { caseName, failureLines, type TestReporter } from './reporter.js';

/** `#` and `\` have a meaning in descriptions of TAP 14. */
const escaped = (s: string): string => s.replace(/[\\#]/g, '\\$&').replace(/\n/g, ' ');

function block(lines: readonly string[]): string[] {
  return ['  ---', '  message: |', ...lines.map((l) => `    ${l}`), '  ...'];
}

/** TAP version 14: one point per expectation. */
export const tap: TestReporter = {
  name: 'tap',
  summary: 'Test Anything Protocol, version 14',
  each: () => '',
  end(results: readonly ScenarioResult[]) {
    const out: string[] = [];
    let n = 0;
    for (const r of results) {
      const errors = r.diagnostics.filter((d) => d.severity === 'error');
      if (hasErrors(errors)) out.push(`not ok ${++n} - ${escaped(r.name)}: cannot be tested`, ...block(errors.flatMap((d) => formatDiagnostic(d).split('\n'))));
      for (const v of r.verdicts) {
        out.push(`${v.ok ? 'ok' : 'not ok'} ${++n} - ${escaped(`${r.name} / ${caseName(v)}`)}`);
        if (!v.ok) out.push(...block(failureLines(v)));
      }
    }
    return `TAP version 14\n1..${n}\n${out.map((l) => `${l}\n`).join('')}`;
  },
};
