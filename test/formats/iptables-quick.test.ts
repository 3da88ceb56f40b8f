/** What is read quickly in big dumps is what the long way reads. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { placesByName } from '../../src/base/memo.js';
import { readIptablesSave } from '../../src/formats/iptables-save.js';
import { simpleWordEnd, WordEnds } from '../../src/formats/iptables-words.js';
import { isPlainHost, isPlainIface, parseHostList, parseIface } from '../../src/netfilter/xtables/address.js';
import { matches } from '../../src/netfilter/xtables/match/index.js';
import { targets } from '../../src/netfilter/xtables/target/index.js';

const read = (lines: readonly string[], noflush = false) =>
  readIptablesSave([...lines, ''].join('\n'), { file: 'rules', family: 'ipv4', ...(noflush ? { noflush } : {}) });
const orNull = <T>(parse: () => T): T | null => {
  try {
    return parse();
  } catch {
    return null;
  }
};

describe('words', () => {
  const line = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '\t', '"', '\\', 'é'), maxLength: 30 });
  test('end where a look at each character finds the end, in lines read forwards and again from a place before', () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
        const text = lines.join('\n');
        const ends = new WordEnds(text);
        let at = 0;
        for (const l of lines) {
          const end = at + l.length;
          for (const back of [0, 3]) {
            for (let from = at; from <= end; from++) {
              const place = Math.max(at, from - back);
              expect({ text, place, end: ends.simple(place, end) }).toEqual({ text, place, end: simpleWordEnd(text, place, end) });
            }
          }
          expect(ends.hasTab(at, end)).toBe(l.includes('\t'));
          at = end + 1;
        }
      }),
    );
  });
});

describe('plain values', () => {
  const part = fc.constantFrom('0', '1', '10', '255', '256', '01', '', 'x', '"');
  const v4 = fc.tuple(part, part, part, part).map((p) => p.join('.'));
  const v6 = fc.array(fc.constantFrom('0', 'fe80', '', 'x', '12345'), { minLength: 2, maxLength: 9 }).map((p) => p.join(':'));
  const mask = fc.constantFrom('', '', '/0', '/1', '/32', '/33', '/128', '/129', '/032', '/', '/255.255.255.0', '/x', ',1.2.3.4', '/24/24', '"');
  test.each(['ipv4', 'ipv6'] as const)('an %s address that is plain makes one condition', (family) => {
    const text = fc.tuple(fc.oneof(v4, v6), mask).map((p) => p.join(''));
    fc.assert(
      fc.property(text, (word) => {
        if (!isPlainHost(`-s ${word} -j`, 3, 3 + word.length, family)) return;
        const hosts = orNull(() => parseHostList(word, family, false));
        expect({ word, hosts }).toEqual({ word, hosts: [expect.objectContaining({ invert: false })] });
      }),
      { numRuns: 2000 },
    );
  });
  test('and dumps hold nothing else', () => {
    const plain = (s: string, family: 'ipv4' | 'ipv6') => isPlainHost(s, 0, s.length, family);
    expect(['10.0.0.1/32', '10.0.0.0/8', '1.2.3.4', '0.0.0.0/1'].map((s) => plain(s, 'ipv4'))).toEqual([true, true, true, true]);
    expect(['fe80::/10', '::1/128', '2001:db8::1'].map((s) => plain(s, 'ipv6'))).toEqual([true, true, true]);
  });
  test('a device that is plain is one', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', '+', '"', '-', '!'), maxLength: 17 }), (word) => {
        if (isPlainIface(word, 0, word.length)) expect(orNull(() => parseIface(word, false))).toEqual({ name: word, invert: false });
      }),
    );
    expect(isPlainIface('eth0', 0, 4)).toBe(true);
  });

  const free = [...matches, ...targets].filter((def) => def.options.some((o) => o.free));
  test.each(free.map((def) => [def.name, def] as const))('%s refuses no text of its free options', (_, def) => {
    const names = def.options.filter((o) => o.free).map((o) => o.name);
    fc.assert(
      fc.property(fc.string({ maxLength: 400 }), fc.constantFrom(...names), (value, name) => {
        expect(def.parse([{ name, value, invert: false }], { family: 'ipv4', table: 'filter', proto: 0, protoInverted: false })).toBeTruthy();
      }),
    );
  });
});

describe('chains', () => {
  const name = fc.string({ unit: fc.constantFrom('K', 'k', '-', '0', 'é', '"', '+'), minLength: 1, maxLength: 28 }).filter((s) => !s.startsWith('-'));
  test('of many like names: rules stand where they were added, and jump where they say', () => {
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 2, maxLength: 150 }), fc.infiniteStream(fc.nat()), (all, random) => {
        // A quote in a name is taken for one in a line.
        const names = all.filter((n) => !n.includes('"'));
        fc.pre(names.length > 1);
        const pick = (): string => names[random.next().value % names.length];
        const pairs = Array.from({ length: 100 }, (_, i) => ({ from: pick(), to: pick(), i })).filter(({ from, to }) => from < to);
        const rules = pairs.map(({ from, to, i }) => `-A ${from} -s 10.0.0.${i}/32 -j ${to}`);
        const { value, diagnostics } = read(['*filter', ...all.map((n) => `:${n} - [0:0]`), ...rules, 'COMMIT']);
        expect(diagnostics).toEqual([]);
        for (const c of value.tables[0].chains) {
          const own = pairs.filter((p) => p.from === c.name);
          expect(c.rules.length).toBe(own.length);
          for (const [k, { to, i }] of own.entries()) {
            expect(c.rules.jumpOf(k)).toBe(to);
            expect(c.rules.at(k)).toMatchObject({ src: { addr: 0x0a000000 + i }, target: { kind: 'jump', chain: to } });
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  test('by another name, gone and made again', () => {
    const { value, diagnostics } = read([
      '*filter',
      ':A - [0:0]',
      ':B - [0:0]',
      '-A A -s 10.0.0.1/32 -j B',
      '-A A -s 10.0.0.2/32 -j B',
      '-E B C',
      '-A A -s 10.0.0.3/32 -j C',
      '-A C -s 10.0.0.4/32 -j ACCEPT',
      '-N B',
      '-A A -s 10.0.0.5/32 -j B',
      '-F C',
      'COMMIT',
    ]);
    expect(diagnostics).toEqual([]);
    expect(value.tables[0].chains.slice(3).map((c) => [c.name, c.rules.all().map((r) => 'chain' in r.target && r.target.chain)])).toEqual([
      ['A', ['C', 'C', 'C', 'B']],
      ['C', []],
      ['B', []],
    ]);
  });

  test('deleted one by one: the others stand in their order, and lead where they did', () => {
    const { value, diagnostics } = read([
      '*filter',
      ...['A', 'B', 'C', 'D'].map((n) => `:${n} - [0:0]`),
      '-A A -s 10.0.0.1/32 -j D',
      '-X B',
      '-E A E',
      '-N B',
      '-A E -s 10.0.0.2/32 -j B',
      '-X C',
      '-X A',
      '-X D',
      '-N C',
      'COMMIT',
    ]);
    expect(diagnostics.map((d) => [d.span?.line, d.code])).toEqual([
      [12, 'iptables-no-chain'],
      [13, 'iptables-command'],
    ]);
    const { chains } = value.tables[0];
    expect(chains.slice(3).map((c) => c.name)).toEqual(['E', 'D', 'B', 'C']);
    expect([0, 1].map((i) => chains[3].rules.jumpOf(i))).toEqual(['D', 'B']);
    expect(chains.map((c) => placesByName(chains).get(c.name))).toEqual(chains.map((_, i) => i));
  });

  test('a user chain named as a hook of another table is no chain like others', () => {
    const { diagnostics } = read([
      '*raw',
      ':U - [0:0]',
      ':INPUT - [0:0]',
      '-A U -o eth0 -j ACCEPT',
      '-A U -o eth1 -j ACCEPT',
      '-A INPUT -o eth2 -j ACCEPT',
      'COMMIT',
    ]);
    expect(diagnostics.map((d) => [d.span?.line, d.message])).toEqual([[6, "Can't use -o with INPUT"]]);
  });

  test('whose rules stand here and there: all of them, counters and rules of no shape too', () => {
    const { value, diagnostics } = read([
      '*filter',
      ':A - [0:0]',
      ':B - [0:0]',
      '[1:2] -A A -s 10.0.0.1/32 -j B',
      '-A B -j RETURN',
      '-A A -s 10.0.0.2,10.0.0.3',
      '-A B -s 10.0.0.4/32 -j ACCEPT',
      '[3:4] -A A -s 10.0.0.5/32 -j B',
      'COMMIT',
    ]);
    expect(diagnostics).toEqual([]);
    const [a, b] = value.tables[0].chains.slice(3);
    expect(a.rules.all().map((r) => [(r.src?.addr as number) & 255, r.counters.packets, r.span?.line, r.target.kind])).toEqual([
      [1, 1, 4, 'jump'],
      [2, 0, 6, 'none'],
      [3, 0, 6, 'none'],
      [5, 3, 8, 'jump'],
    ]);
    expect([0, 1, 2, 3].map((i) => [a.rules.jumpOf(i), a.rules.endsChain(i), a.rules.kind(i).hasUnknown])).toEqual([
      ['B', false, false],
      [null, false, false],
      [null, false, false],
      ['B', false, false],
    ]);
    expect([b.rules.endsChain(0), b.rules.endsChain(1)]).toEqual([true, false]);
  });

  test('a chain that is declared twice, as a verdict or in too long a line is refused where it stands', () => {
    const { diagnostics } = read(['*filter', ':A - [0:0]', ':A - [0:0]', ':DROP - [0:0]', ':B -x [0:0]', ':C -', `:D - ${'x'.repeat(10240)}`, 'COMMIT']);
    expect(diagnostics.map((d) => [d.span?.line, d.span?.column, d.code])).toEqual([
      [3, 2, 'iptables-chain-exists'],
      [4, 2, 'iptables-chain-exists'],
      [5, 4, 'iptables-policy'],
      [7, 1, 'iptables-line-too-long'],
    ]);
  });
});

describe('a stray word behind options', () => {
  const all = [...matches.map((def) => ['-m', def] as const), ...targets.map((def) => ['-j', def] as const)];
  test.each(all.map(([load, def]) => [`${load} ${def.name}`, def] as const))('%s is complained of, whatever options are missing', (loading, def) => {
    for (const family of def.families) {
      const options = def.options.map((o) => `--${o.name}${o.arg === 'none' ? '' : o.words === 2 ? ' 1 1' : ' 1'}`);
      const lines = options.flatMap((a) => ['', ...options].map((b) => `-A INPUT ${loading} ${a} ${a === b ? '' : b} stray`));
      const { diagnostics } = readIptablesSave(['*filter', ...lines, 'COMMIT', ''].join('\n'), { file: 'rules', family });
      expect(diagnostics.length).toBe(Math.min(lines.length, 1001));
    }
  });
});
