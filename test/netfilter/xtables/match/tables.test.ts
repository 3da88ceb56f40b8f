import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { matches } from '../../../../src/netfilter/xtables/match/index.js';
import { runTable } from './harness.js';

const here = new URL('.', import.meta.url).pathname;
const tables = readdirSync(here).filter((f) => f.endsWith('.t'));

describe('match tables', () => {
  it.each(tables)('%s', (file) => {
    const outcomes = runTable(readFileSync(here + file, 'utf8'));
    const show = (o: { line: number; text: string }, value: string) => `${o.line}: ${o.text} => ${value}`;
    expect(outcomes.length).toBeGreaterThan(0);
    expect(outcomes.map((o) => show(o, o.got))).toEqual(outcomes.map((o) => show(o, o.wanted)));
  });

  it('covers every match', () => {
    const text = tables.map((f) => readFileSync(here + f, 'utf8')).join('\n');
    expect(matches.map((m) => m.name).filter((n) => !new RegExp(`-m ${n}( |$)`, 'm').test(text))).toEqual([]);
  });

  it('registers each name once per family, in order', () => {
    const keys = matches.flatMap((m) => m.families.map((f) => `${m.name} ${f}`));
    expect(new Set(keys).size).toBe(keys.length);
  });
});
