import { formatDiagnostic } from '../../base/diagnostic.js';
import { endingOf, type ScenarioResult, totals } from '../suite.js';
import { caseName, counted, failureLines, type TestReporter } from './reporter.js';

const mark = { ok: 'ok    ', failed: 'FAILED', error: 'ERROR ' } as const;

export const pretty: TestReporter = {
  name: 'pretty',
  summary: 'for people',
  each(r: ScenarioResult) {
    const out = [`${mark[endingOf(r)]}  ${r.name}  ${counted(r.verdicts.length, 'expectation')}`];
    const shown = new Map<string, readonly string[]>();
    for (const d of r.diagnostics)
      out.push(
        ...formatDiagnostic(d)
          .split('\n')
          .map((l) => `    ${l}`),
      );
    for (const v of r.verdicts) {
      if (v.ok) continue;
      const s = v.expectation.span;
      const { packet } = v.expectation;
      out.push(`    ${caseName(v)}  (${s.file}:${s.line})`, ...failureLines(v, shown.get(packet)).map((l) => `      ${l}`), '');
      if (v.walk.length > (shown.get(packet)?.length ?? 0)) shown.set(packet, v.walk);
    }
    return `${out.join('\n').trimEnd()}\n`;
  },
  end(results) {
    const t = totals(results);
    const bad = [t.failed > 0 ? `${t.failed} failed` : '', t.errors > 0 ? `${counted(t.errors, 'scenario')} in error` : ''].filter((x) => x !== '').join(', ');
    return `\n${counted(t.scenarios, 'scenario')}, ${counted(t.packets, 'packet')}, ${counted(t.expectations, 'expectation')}: ${bad || 'all hold'}\n`;
  },
};
