import type { Coverage, Covered, Uncovered } from '../coverage.js';

const share = (c: Covered, what: string): string => `${c.met} of ${c.all} ${what}`;
const place = (u: Uncovered): string => (u.span ? `${u.span.file}:${u.span.line}` : u.node);

/** What no packet met, by node, under one line of numbers. */
export function renderCoverage(c: Coverage): string {
  const out = ['', `met by a packet: ${share(c.rules, 'rules')}, ${share(c.chains, 'chains')}, ${share(c.entries, 'set entries')}`];
  for (const kind of ['chain', 'rule', 'set entry'] as const) {
    const of = c.missed.filter((u) => u.kind === kind);
    if (of.length > 0) out.push(`${kind === 'set entry' ? 'set entries' : `${kind}s`} never met:`);
    for (const u of of) out.push(`  ${place(u)}  ${u.kind === 'rule' ? `${u.place}  ${u.text}` : u.text === '' ? u.place : `${u.place} ${u.text}`}`);
  }
  return `${out.join('\n')}\n`;
}
