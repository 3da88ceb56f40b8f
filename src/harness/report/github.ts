import type { Span } from '../../base/diagnostic.js';
import { totals } from '../suite.js';
import { caseName, failureLines, type TestReporter } from './reporter.js';

/** Escapes of GitHub's workflow commands: data, and properties as well. */
const data = (s: string): string => s.replace(/%/g, '%25').replace(/\r/g, '%0D').replace(/\n/g, '%0A');
const property = (s: string): string => data(s).replace(/:/g, '%3A').replace(/,/g, '%2C');
const place = (s: Span | null): string => (s ? `file=${property(s.file)},line=${s.line},col=${s.column},` : '');

/** Workflow commands: GitHub shows each failure at its line of the scenario. */
export const github: TestReporter = {
  name: 'github',
  summary: 'annotations for GitHub Actions',
  each(r) {
    const out: string[] = [];
    for (const d of r.diagnostics)
      out.push(`::${d.severity} ${place(d.span)}title=${property(d.code)}::${data(d.hint ? `${d.message}\n${d.hint}` : d.message)}`);
    for (const v of r.verdicts)
      if (!v.ok) out.push(`::error ${place(v.expectation.span)}title=${property(`${r.name}: ${caseName(v)}`)}::${data(failureLines(v).join('\n'))}`);
    return out.map((l) => `${l}\n`).join('');
  },
  end(results) {
    const t = totals(results);
    return `${t.scenarios} scenarios, ${t.expectations} expectations, ${t.failed} failed, ${t.errors} in error\n`;
  },
};
