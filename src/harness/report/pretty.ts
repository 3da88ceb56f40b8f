import { formatDiagnostic } from '../../base/diagnostic.js';
import { endingOf, type ScenarioResult, totals } from '../suite.js';
import { caseName, failureLines, type TestReporter } from './reporter.js';

const mark = { ok: 'ok    ', failed: 'FAILED', error: 'ERROR ' } as const;

export const pretty: TestReporter = {
  name: 'pretty',
  summary: 'for people',
  each(r: ScenarioResult) {
    const n = r.verdicts.length;
    const out = [`${mark[endingOf(r)]}  ${r.name}  ${n} ${n === 1 ? 'expectation' : 'expectations'}`];
    for (const d of r.diagnostics)
      out.push(
        ...formatDiagnostic(d)
          .split('\n')
          .map((l) => `    ${l}`),
      );
    for (const v of r.verdicts) {
      if (v.ok) continue;
      const s = v.expectation.span;
      out.push(`    ${caseName(v)}  (${s.file}:${s.line})`, ...failureLines(v).map((l) => `      ${l}`), '');
    }
    return `${out.join('\n').trimEnd()}\n`;
  },
  end(results) {
    const t = totals(results);
    const bad = [t.failed > 0 ? `${t.failed} failed` : '', t.errors > 0 ? `${t.errors} scenarios in error` : ''].filter((x) => x !== '').join(', ');
    return `\n${t.scenarios} scenarios, ${t.packets} packets, ${t.expectations} expectations: ${bad || 'all hold'}\n`;
  },
};
