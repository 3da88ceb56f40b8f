/** Tables over scored cases: per category, and the commonest first differences. Pure text; the command line prints it. */
import type { CaseScore, Difference } from './score.js';

export interface CategoryTotals {
  cases: number;
  steps: number;
  traceExact: number;
  outcomeExact: number;
  stateExact: number;
  /** Cases with at least one inconclusive step. */
  inconclusive: number;
}

/** What a report needs of a scored case: small, since a worker thread hands over thousands. */
export interface ScoredCase {
  readonly id: string;
  readonly category: string;
  readonly steps: number;
  readonly traceExact: boolean;
  readonly outcomeExact: boolean;
  readonly stateExact: boolean;
  readonly inconclusive: string | null;
  readonly firstDifference: Difference | null;
}

export function summarise(s: CaseScore): ScoredCase {
  const { id, category, traceExact, outcomeExact, stateExact, inconclusive, firstDifference } = s;
  return { id, category, steps: s.steps.length, traceExact, outcomeExact, stateExact, inconclusive, firstDifference };
}

export interface DifferenceGroup {
  readonly category: string;
  readonly what: string;
  readonly cases: number;
  /** Up to three ids with the step: `xt-p00041:1`. */
  readonly examples: readonly string[];
}

export interface Totals {
  readonly categories: ReadonlyMap<string, CategoryTotals>;
  readonly groups: readonly DifferenceGroup[];
}

const EXAMPLES = 3;

export function totals(cases: readonly ScoredCase[]): Totals {
  const categories = new Map<string, CategoryTotals>();
  const groups = new Map<string, { category: string; what: string; cases: number; examples: string[] }>();
  for (const c of cases) {
    let t = categories.get(c.category);
    if (!t) {
      t = { cases: 0, steps: 0, traceExact: 0, outcomeExact: 0, stateExact: 0, inconclusive: 0 };
      categories.set(c.category, t);
    }
    t.cases++;
    t.steps += c.steps;
    if (c.traceExact) t.traceExact++;
    if (c.outcomeExact) t.outcomeExact++;
    if (c.stateExact) t.stateExact++;
    if (c.inconclusive !== null) t.inconclusive++;
    const d = c.firstDifference;
    if (!d) continue;
    const what = describeGroup(d);
    const key = `${c.category}\n${what}`;
    const g = groups.get(key) ?? { category: c.category, what, cases: 0, examples: [] };
    g.cases++;
    if (g.examples.length < EXAMPLES) g.examples.push(`${c.id}:${d.step}`);
    groups.set(key, g);
  }
  const sorted = [...groups.values()].sort((a, b) => b.cases - a.cases || (a.category + a.what < b.category + b.what ? -1 : 1));
  return { categories, groups: sorted };
}

/** Area, field and family of a difference: what makes two cases alike. */
function describeGroup(d: Difference): string {
  if (d.area === 'inconclusive') return `inconclusive: ${d.family}`;
  if (d.area === 'counters') return `counters ${d.field} ${sign(d)}`;
  if (d.area === 'rule_counters') return `rule_counters ${d.family} ${sign(d)}`;
  if (d.area === 'drops') return `drops ${d.family}`;
  const field = d.field === '' ? (d.model === null ? 'missing' : d.kernel === null ? 'too many' : 'other') : d.field;
  return `${d.area} ${field} (${d.family})`;
}

const sign = (d: Difference): string => (Number(d.model) > Number(d.kernel) ? 'model more' : 'model less');

/** JSON of `sim conformance --json`: counts of cases by category, and every case. */
export function jsonReport(cases: readonly ScoredCase[]): { readonly categories: unknown; readonly cases: readonly unknown[] } {
  const t = totals(cases);
  return {
    categories: Object.fromEntries([...t.categories].sort(([a], [b]) => (a < b ? -1 : 1))),
    cases: cases.map((c) => ({ id: c.id, exact: c.traceExact && c.outcomeExact && c.stateExact, firstDifference: c.firstDifference })),
  };
}

/** Share in percent, never rounded up to 100 (nor down to 0) while a case is left. */
export function percent(part: number, whole: number): string {
  if (whole === 0) return '-';
  const p = (100 * part) / whole;
  if (part === whole) return '100';
  return p > 99.99 ? '99.99' : p < 0.01 && part > 0 ? '0.01' : p.toFixed(2);
}

/** The table of categories and the commonest first differences (`top` groups at most). */
export function textReport(cases: readonly ScoredCase[], top = 25): string {
  const t = totals(cases);
  const rows: string[][] = [['category', 'cases', 'steps', 'trace %', 'outcome %', 'state %', 'inconclusive', 'cases differing']];
  const sum: CategoryTotals = { cases: 0, steps: 0, traceExact: 0, outcomeExact: 0, stateExact: 0, inconclusive: 0 };
  const row = (name: string, c: CategoryTotals, differing: number): string[] => [
    name,
    String(c.cases),
    String(c.steps),
    percent(c.traceExact, c.cases),
    percent(c.outcomeExact, c.cases),
    percent(c.stateExact, c.cases),
    String(c.inconclusive),
    String(differing),
  ];
  let allDiffering = 0;
  for (const [name, c] of t.categories) {
    const differing = cases.filter((x) => x.category === name && x.firstDifference !== null).length;
    allDiffering += differing;
    rows.push(row(name, c, differing));
    for (const k of Object.keys(sum) as (keyof CategoryTotals)[]) sum[k] += c[k];
  }
  if (t.categories.size > 1) rows.push(row('all', sum, allDiffering));
  let out = alignColumns(rows, new Set([0]));
  if (t.groups.length > 0) {
    out += '\nCommonest first differences\n';
    out += alignColumns(
      t.groups.slice(0, top).map((g) => [String(g.cases), g.category, g.what.length > 90 ? `${g.what.slice(0, 89)}…` : g.what, g.examples.join(' ')]),
      new Set([1, 2, 3]),
    );
    const rest = t.groups.slice(top).reduce((n, g) => n + g.cases, 0);
    if (rest > 0) out += `${rest} more cases in ${t.groups.length - top} other groups\n`;
  }
  return out;
}

/** Columns two blanks apart; those in `left` are set to the left, the others to the right. */
export function alignColumns(rows: readonly (readonly string[])[], left: ReadonlySet<number>): string {
  const widths: number[] = [];
  for (const r of rows) for (const [i, cell] of r.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows
    .map(
      (r) =>
        `${r
          .map((cell, i) => (left.has(i) ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

/** The least of the three shares over all cases, in percent: what `--fail-under` compares. */
export function leastShare(cases: readonly ScoredCase[]): number {
  if (cases.length === 0) return 0;
  const count = (f: (c: ScoredCase) => boolean): number => cases.filter(f).length;
  const least = Math.min(
    count((c) => c.traceExact),
    count((c) => c.outcomeExact),
    count((c) => c.stateExact),
  );
  return (100 * least) / cases.length;
}
