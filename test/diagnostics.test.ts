/** Every diagnostic that a reader can give has a row: an input that provokes it, where it points, what it advises. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readers } from './diagnostics.readers.js';
import { diagnosticRows } from './diagnostics.table.js';

describe('each row', () => {
  it.each(diagnosticRows.map((r) => [`${r.code} (${r.reader})`, r] as const))('%s', (_name, row) => {
    const read: (text: string, files?: Readonly<Record<string, string>>) => ReturnType<(typeof readers)['scenario']> = readers[row.reader];
    const found = read(row.input, row.files).find((d) => d.code === row.code);
    expect(found).toBeDefined();
    expect({ line: found?.span?.line, column: found?.span?.column, hint: found?.hint ?? null }).toEqual({ line: row.line, column: row.column, hint: row.hint });
    expect(found?.message).not.toMatch(/undefined|\[object|NaN/);
  });
});

const src = new URL('../src/', import.meta.url).pathname;
function sources(dir: string): string[] {
  return readdirSync(src + dir, { withFileTypes: true }).flatMap((e) => {
    const path = dir === '' ? e.name : `${dir}/${e.name}`;
    return e.isDirectory() ? sources(path) : e.name.endsWith('.ts') ? [path] : [];
  });
}

/** Ways in which a code stands in the source: given to a reporter, put into a diagnostic or an error that becomes one, or handed to a parser of words. */
const uses: readonly RegExp[] = [
  /\.(?:error|warning|errorAt|warningAt|#error|#fail)\(\s*'([a-z][a-z0-9]*(?:-[a-z0-9]+)+)'/g,
  /\.#?report\(\s*'(?:error|warning)',\s*'([a-z][a-z0-9]*(?:-[a-z0-9]+)+)'/g,
  /\bcode: '([a-z][a-z0-9]*(?:-[a-z0-9]+)+)'/g,
  /new IpsetError\(\s*'([a-z][a-z0-9]*(?:-[a-z0-9]+)+)'/g,
  /'((?:bad|iptables)-[a-z0-9-]+)'/g,
];
/** Words of the same look that are no codes. */
const notCodes: ReadonlySet<string> = new Set([
  'iptables-save',
  'iptables-nft',
  'iptables-nft-save',
  'iptables-legacy',
  'iptables-restore',
  'iptables-command',
  'bad-header',
  'bad-checksum',
  'bad-options',
]);
/** Where diagnostics come from that belong to another door: lint findings have a table of their own, the corpus scorer reads only its own files. */
const otherDoors = /^(netfilter\/ipset\/lint|harness|tools|cli|render|lab|stack)/;

function codesOf(paths: readonly string[]): Map<string, string> {
  const out = new Map<string, string>();
  for (const p of paths) {
    const text = readFileSync(src + p, 'utf8');
    for (const re of uses) for (const m of text.matchAll(re)) if (!notCodes.has(m[1]) && !out.has(m[1])) out.set(m[1], p);
  }
  return out;
}

describe('no code without a row', () => {
  const rows = new Set(diagnosticRows.map((r) => r.code));
  const missing = (paths: readonly string[]): string[] => [...codesOf(paths)].filter(([c]) => !rows.has(c)).map(([c, p]) => `${c} (src/${p})`);

  it('in the scenario loader and the readers of iproute2, bridge, sysctl and sockets', () => {
    const mine = /^(scenario\/|formats\/(ip-link|ip-addr|ip-neigh|bridge|sysctl|sockets|xfrm|json|tokens|netconf))/;
    expect(missing(sources('').filter((p) => mine.test(p)))).toEqual([]);
  });
  it('anywhere else', () => {
    expect(missing(sources('').filter((p) => !otherDoors.test(p)))).toEqual([]);
  });
});
