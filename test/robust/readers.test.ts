/** Whatever a file holds: every reader comes back soon, throws nothing, and says where each thing is that it did not understand. Seeds are fixed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadScenario } from '../../src/scenario/load.js';
import { memoryFiles } from '../diagnostics.readers.js';
import { arbitraryText, megabytes, mutated } from './mutate.js';
import { doors, faultOf, realTexts } from './readers.js';

const RUNS = Number(process.env.FUZZ_RUNS ?? 30);
const SEED = Number(process.env.FUZZ_SEED ?? 20);
const texts = realTexts(RUNS > 1000);
const foreign = [...texts.values()].flatMap((t) => t.slice(0, 2));
/** ms of CPU time for one text: what other processes do meanwhile does not count. */
const SOON = 3000;
function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function probe(door: string, text: string): void {
  const from = cpuTime();
  const found = doors.get(door)?.(text) ?? [];
  expect(cpuTime() - from, `${door} took too long`).toBeLessThan(SOON);
  const shown =
    door.endsWith('-command') && door !== 'conntrack-command'
      ? text
          .split(/\s+/)
          .filter((w) => w !== '')
          .join(' ')
      : text;
  for (const d of found) expect(faultOf(d, shown) ?? '', `${door}: ${d.code} in ${JSON.stringify(text.slice(0, 300))}`).toBe('');
}

describe.each([...doors.keys()])('%s', (door) => {
  const own = texts.get(door) ?? [];
  const words = [...new Set(own.flatMap((t) => t.split(/[\s"]+/)).slice(0, 2000))];

  it('real texts spoilt, texts of other tools, any text', () => {
    expect(own.length).toBeGreaterThan(0);
    const any = fc.oneof({ weight: 3, arbitrary: mutated(own) }, { weight: 2, arbitrary: arbitraryText(words) }, { weight: 1, arbitrary: mutated(foreign) });
    fc.assert(
      fc.property(any, (t) => probe(door, t)),
      { numRuns: RUNS, seed: SEED },
    );
  });

  it('a megabyte where a word stood', () => {
    for (const t of megabytes(own[own.length - 1]).filter((_, i) => RUNS > 1000 || i === 3 || i === 8)) probe(door, t);
  });
});

// --- scenarios that mean harm ---

const chain = (n: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: n }, (_, i) => [`${i}.yaml`, `version: 1\nextends: ${i + 1}.yaml\n`]));
const bomb = Array.from(
  { length: 12 },
  (_, i) =>
    `a${i}: &a${i} [${Array(9)
      .fill(i === 0 ? 'x' : `*a${i - 1}`)
      .join(',')}]\n`,
).join('');
const many = (n: number, line: (i: number) => string): string => Array.from({ length: n }, (_, i) => line(i)).join('');

const hostile: readonly (readonly [string, string, string, Record<string, string>?])[] = [
  ['aliases of aliases of aliases', bomb, 'yaml-too-large'],
  ['an alias of what it stands in', 'version: 1\nnodes: &n { a: *n }\n', 'yaml-too-large'],
  ['twenty thousand aliases', `version: 1\nx: &x {a: 1}\nnodes: [${Array(20000).fill('*x').join(',')}]\n`, 'scenario-type'],
  ['an alias of nothing', 'version: 1\nnodes: *none\n', 'yaml-syntax'],
  ['a million brackets', '['.repeat(1 << 20), 'yaml-too-large'],
  ['brackets that are closed', `version: ${'['.repeat(5000)}${']'.repeat(5000)}`, 'yaml-too-large'],
  ['lists in lists in lists', '- '.repeat(1 << 16), 'yaml-too-large'],
  ['keys of keys of keys', '? '.repeat(1 << 15), 'yaml-too-large'],
  ['maps in maps in maps', many(2000, (i) => `${' '.repeat(i)}a${i}:\n`), 'yaml-too-large'],
  ['twenty thousand unknown keys', `version: 1\n${many(20000, (i) => `k${i}: 1\n`)}`, 'more-diagnostics'],
  ['the same key twice', 'version: 1\nnodes: {}\nnodes: {}\n', 'yaml-syntax'],
  ['keys of every object', 'version: 1\n__proto__: { nodes: {} }\nconstructor: 1\nnodes: {}\n', 'unknown-key'],
  [
    'numbers without end',
    'version: 1\nclock: 1e999\nnodes: {a: {address: 10.0.0.1/24}}\npackets: [{from: a, ping: 10.0.0.1, count: 99999999999}]\n',
    'scenario-value',
  ],
  ['extends itself', 'version: 1\nextends: s.yaml\n', 'extends-cycle'],
  ['extends without end', 'version: 1\nextends: 0.yaml\n', 'extends-cycle', chain(40)],
  ['a folder above all', `version: 1\nnodes: { a: { dumps: ${'../'.repeat(60)}etc } }\n`, 'dumps-not-found'],
  ['two documents', 'version: 1\n---\nversion: 1\n', 'yaml-syntax'],
];

describe('scenarios that mean harm', () => {
  it.each(hostile.map(([name, text, code, files]) => ({ name, text, code, files: files ?? {} })))('$name', ({ text, code, files }) => {
    const from = cpuTime();
    const { value, diagnostics } = loadScenario('s.yaml', memoryFiles({ 's.yaml': text, ...files }));
    expect(cpuTime() - from).toBeLessThan(SOON);
    expect(value).toBeNull();
    expect(diagnostics.map((d) => d.code)).toContain(code);
    expect(diagnostics.length).toBeLessThanOrEqual(1001);
  });

  it('names of every object are names like others', () => {
    const text =
      'version: 1\nnodes:\n  __proto__: { address: 10.0.0.1/24 }\n  constructor: { address: 10.0.0.2/24 }\nwires: [["__proto__:eth0", "constructor:eth0"]]\npackets: [{ from: __proto__, ping: constructor }]\n';
    const { value } = loadScenario('s.yaml', memoryFiles({ 's.yaml': text }));
    expect(value?.nodes.map((n) => n.name)).toEqual(['__proto__', 'constructor']);
  });
});
