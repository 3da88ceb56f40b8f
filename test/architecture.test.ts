/** The house rules of design: imports go downwards, each outside library has one door, Node built-ins stay at the edges, every plug-in file is in its barrel. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const src = join(root, 'src');

function files(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((e) =>
    e.isDirectory() ? files(join(dir, e.name)) : e.name.endsWith('.ts') ? [join(dir, e.name)] : [],
  );
}

const all = files(src);

/** Level of each folder: a file may import from its own level's folder and from lower levels. */
const levels = new Map<string, number>([
  ['base', 0],
  ['packet', 1],
  ['trace', 1],
  ['netfilter', 2],
  ['fib', 2],
  ['link', 2],
  ['xfrm', 2],
  ['formats', 3],
  ['scenario', 4],
  ['stack', 5],
  ['tools', 6],
  ['render', 6],
  ['harness', 6],
  ['lab', 6],
  ['cli', 7],
]);

const folderOf = (file: string): string => relative(src, file).split('/')[0];

/** Specifiers of static and dynamic imports, with whether they bring in types only. */
function imports(file: string): { spec: string; typeOnly: boolean }[] {
  const text = readFileSync(file, 'utf8');
  const found: { spec: string; typeOnly: boolean }[] = [];
  for (const m of text.matchAll(/(?:^|\n)\s*(import|export)\s+(type\s+)?[^;'"]*?from\s*['"]([^'"]+)['"]/g))
    found.push({ spec: m[3], typeOnly: m[2] !== undefined });
  for (const m of text.matchAll(/(?:^|\n)\s*import\s*['"]([^'"]+)['"]/g)) found.push({ spec: m[1], typeOnly: false });
  for (const m of text.matchAll(/import\(\s*['"]([^'"]+)['"]\s*\)/g)) found.push({ spec: m[1], typeOnly: false });
  return found;
}

const show = (f: string): string => relative(root, f);

describe('imports', () => {
  it('every folder of src has a level', () => {
    const unknown = new Set(all.map(folderOf).filter((f) => f !== 'index.ts' && !levels.has(f)));
    expect([...unknown]).toEqual([]);
  });

  it('go downwards only', () => {
    const wrong: string[] = [];
    for (const f of all) {
      const from = folderOf(f);
      const level = from === 'index.ts' ? 7 : levels.get(from)!;
      for (const { spec } of imports(f)) {
        if (!spec.startsWith('.')) continue;
        const to = folderOf(resolve(dirname(f), spec));
        const target = to === 'index.js' || to === 'index.ts' ? 7 : levels.get(to);
        if (target === undefined || target > level || (target === level && to !== from && level >= 2 && level < 6)) wrong.push(`${show(f)} -> ${spec}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('each library has one door', () => {
    const doors = new Map<string, readonly string[]>([
      ['ip-num', ['base']],
      ['immer', ['scenario']],
      ['zod', ['scenario']],
      ['yaml', ['scenario']],
      ['commander', ['cli']],
      ['vitest', ['harness']],
      ['piscina', ['cli']],
      ['fast-check', ['harness', 'lab']],
    ]);
    const wrong: string[] = [];
    for (const f of all)
      for (const { spec } of imports(f)) {
        if (spec.startsWith('.') || spec.startsWith('node:')) continue;
        const door = doors.get(spec.split('/')[0]);
        if (!door?.includes(folderOf(f))) wrong.push(`${show(f)} -> ${spec}`);
      }
    expect(wrong).toEqual([]);
  });

  it('Node built-ins stay in cli/ and lab/', () => {
    const wrong = all.filter((f) => !['cli', 'lab'].includes(folderOf(f)) && imports(f).some((i) => i.spec.startsWith('node:')));
    expect(wrong.map(show)).toEqual([]);
  });

  it('nothing below cli/ and lab/ reads the clock, chance, the process or the console', () => {
    const wrong = all.filter(
      (f) =>
        !['cli', 'lab'].includes(folderOf(f)) &&
        /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bprocess\.|\bconsole\./.test(readFileSync(f, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')),
    );
    expect(wrong.map(show)).toEqual([]);
  });

  it('no code is made from text', () => {
    const wrong = all.filter((f) => /\bnew Function\(|\beval\(/.test(readFileSync(f, 'utf8')));
    expect(wrong.map(show)).toEqual([]);
  });
});

describe('barrels', () => {
  it.each(['src/netfilter/xtables/match', 'src/netfilter/xtables/target'])('%s/index.ts lists every file of its folder', (dir) => {
    const barrel = readFileSync(join(root, dir, 'index.ts'), 'utf8');
    const missing = readdirSync(join(root, dir)).filter(
      (n) =>
        n !== 'index.ts' &&
        !barrel.includes(`'./${n.replace(/\.ts$/, '.js')}'`) &&
        /export const \w+(: (Match|Target)Def\w*(<|\b))/.test(readFileSync(join(root, dir, n), 'utf8')),
    );
    expect(missing).toEqual([]);
  });
});
