/** iptables-restore's grammar line by line (recorded from iptables-legacy-restore 1.8.9), real dumps, and the laws of reading and printing. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasErrors } from '../../src/base/diagnostic.js';
import { scoreExtensionTable } from '../../src/formats/ext-table.js';
import { readIptablesSave, restoreIptables, writeIptablesSave } from '../../src/formats/iptables-save.js';
import type { XtRuleset } from '../../src/netfilter/xtables/model.js';

const read = (text: string, unknown: 'keep' | 'refuse' = 'refuse', family: 'ipv4' | 'ipv6' = 'ipv4') =>
  readIptablesSave(text, { file: 'rules', family, unknown });
const filter = (...lines: string[]): string => ['*filter', ...lines, 'COMMIT', ''].join('\n');
const rules = (text: string): string[] =>
  writeIptablesSave(read(text).value)
    .split('\n')
    .filter((l) => l.startsWith('-A'));

describe('taken', () => {
  test.each([
    [filter(':INPUT ACCEPT'), []],
    [filter(':INPUT ACCEPT [a:b]'), []],
    [filter(' -A INPUT -j ACCEPT'), ['-A INPUT -j ACCEPT']],
    [filter('-A INPUT -m comment --comment a"b c"'), ['-A INPUT -m comment --comment "ab c"']],
    [filter('-A INPUT -m comment --comment ""'), ['-A INPUT -m comment --comment ""']],
    [filter('-A INPUT -m comment --comment "a\\"b\\\\"'), ['-A INPUT -m comment --comment "a\\"b\\\\"']],
    [filter('[1:2] -A INPUT -j ACCEPT'), ['-A INPUT -j ACCEPT']],
    [filter('[a:2] -A INPUT'), ['-A INPUT']],
    [filter('-A INPUT -6 -j ACCEPT', '-A INPUT -j DROP -4'), ['-A INPUT -j DROP']],
    [filter('-A INPUT -m comment --comment -test'), ['-A INPUT -m comment --comment -test']],
    [filter('-A INPUT -m comment --comment "-6"'), ['-A INPUT -m comment --comment -6']],
    [filter('-N foo', '-A foo -j ACCEPT', '-A INPUT -g foo'), ['-A INPUT -g foo', '-A foo -j ACCEPT']],
    [filter(':a - [0:0]', ':b - [0:0]', '-A a -j b', '-A b -j a'), ['-A a -j b', '-A b -j a']],
    [filter('-A INPUT -j ACCEPT', '-I INPUT -j DROP', '-I INPUT 2 -j RETURN'), ['-A INPUT -j DROP', '-A INPUT -j RETURN', '-A INPUT -j ACCEPT']],
    [filter('-A INPUT -s 1.2.3.4,2.3.4.5/30 -d 3.3.3.3'), ['-A INPUT -s 1.2.3.4/32 -d 3.3.3.3/32', '-A INPUT -s 2.3.4.4/30 -d 3.3.3.3/32']],
    ['* filter x y\nCOMMIT\n', []],
    [filter(':LOG - [0:0]', '-A INPUT -j LOG'), ['-A INPUT -j LOG']],
  ])('%j', (text, want) => {
    expect(read(text).diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
    expect(rules(text)).toEqual(want);
  });
});

describe('refused', () => {
  test.each([
    ['garbage\n*filter\nCOMMIT\n', 1, 'line 1 failed'],
    ['*filter\nCOMMIT\ngarbage\n', 3, 'line 3 failed'],
    [' \n*filter\nCOMMIT\n', 1, 'line 1 failed'],
    ['*filter\nCOMMIT', 2, "Bad argument `COMMIT'"],
    ['*filter\nCOMMIT \n', 2, "Bad argument `COMMIT'"],
    ['*filter\r\nCOMMIT\r\n', 1, "unable to initialize table 'filter\\x0d'"],
    ['*foo\nCOMMIT\n', 1, "unable to initialize table 'foo'"],
    ['*filter\n*nat\nCOMMIT\n', 2, "Bad argument `*nat'"],
    ['*filter\n-A INPUT -j ACCEPT\n', 2, 'COMMIT expected at line 3'],
    [filter(':foo ACCEPT [0:0]'), 2, "Can't set policy `ACCEPT' on `foo' line 2: Bad built-in chain name"],
    [filter(':INPUT FOO [0:0]'), 2, "Can't set policy `FOO' on `INPUT' line 2: Bad policy name"],
    [filter(':foo'), 2, 'line 2 policy invalid'],
    [filter(':'), 2, 'line 2 chain name invalid'],
    [filter(':abcdefghijklmnopqrstuvwxyz012345 - [0:0]'), 2, "Invalid chain name `abcdefghijklmnopqrstuvwxyz012345' (28 chars max)"],
    [filter(':ACCEPT - [0:0]'), 2, "error creating chain 'ACCEPT':File exists"],
    [filter(':U - [0:0]', ':U - [0:0]'), 3, "error creating chain 'U':File exists"],
    [filter('-t filter -A INPUT -j ACCEPT'), 2, 'The -t option cannot be used in iptables-restore.'],
    [filter('-A INPUT -d ! 1.2.3.4'), 2, "Bad argument `1.2.3.4'"],
    [filter('-A INPUT -j ROUTE --oif eth0'), 2, 'unknown option "--oif"'],
    ['*nat\n-A PREROUTING -p tcp -j DNAT --to-destination 192.16  8.1.1:22\nCOMMIT\n', 2, 'Bad IP address "192.16"'],
    [filter('-A INPUT -nt filter'), 2, 'The -t option cannot be used in iptables-restore.'],
    [filter('-A INPUT -m comment --comment "a"b'), 2, "Bad argument `b'"],
    [filter("-A INPUT -m comment --comment 'a b'"), 2, "Bad argument `b''"],
    [filter('[1 -A INPUT -j ACCEPT'), 2, 'Bad line 2: need :'],
    [filter('[1:2 -A INPUT -j ACCEPT'), 2, 'Bad line 2: need ]'],
    [filter('[1:2]'), 2, 'no command specified'],
    [filter('  # foo'), 2, "Bad argument `#'"],
    [filter('-I INPUT 2 -j ACCEPT'), 2, 'line 2 failed: Index of insertion too big.'],
    [filter('-A INPUT -j nochain'), 2, "Couldn't load target `nochain':No such file or directory"],
    [filter('-A nochain -j ACCEPT'), 2, 'line 2 failed: No chain/target/match by that name.'],
    ['*nat\n-A FORWARD -j ACCEPT\nCOMMIT\n', 2, 'line 2 failed: No chain/target/match by that name.'],
    [
      filter(':a - [0:0]', ':b - [0:0]', '-A INPUT -j a', '-A a -j b', '-A b -j a'),
      6,
      'filter:b:1: Too many levels of symbolic links: the chains go round in a loop from INPUT',
    ],
    [filter('-A INPUT -j DNAT --to-destination 1.2.3.4'), 2, 'filter:INPUT:1: DNAT target: only valid in nat table, not filter'],
    [filter(`-A INPUT -m comment --comment ${'x'.repeat(1030)} -j ACCEPT`), 2, 'Bad line 2: Parameter too long!'],
    [filter(`-A INPUT${' -v'.repeat(300)}`), 2, 'Bad line 2: Parser cannot handle more arguments'],
    [filter(`# ${'x'.repeat(20000)}`), 2, 'the line is longer than 10239 characters'],
  ])('%j', (text, line, message) => {
    const first = read(text).diagnostics.find((d) => d.severity === 'error');
    expect([first?.span?.line, first?.message]).toEqual([line, message]);
  });

  test('points at the word', () => {
    const [d] = read(filter('[1:2]  -A INPUT -p tcp --dprt 80 -j ACCEPT')).diagnostics;
    expect([d.span?.column, d.span?.length, d.hint]).toEqual([24, 6, 'did you mean --dport?']);
  });

  test('goes on behind an error', () => {
    const { diagnostics, value } = read(filter('-A INPUT -j NOPE', '-A INPUT --nope', '-A INPUT -j DROP'));
    expect(diagnostics.map((d) => d.span?.line)).toEqual([2, 3]);
    expect(writeIptablesSave(value)).toContain('-A INPUT -j DROP');
  });
});

describe('what a restore leaves', () => {
  const empty: XtRuleset = { family: 'ipv4', tables: [] };
  const restore = (text: string, onto: XtRuleset, noflush = false) => restoreIptables(text, onto, { file: 'r', noflush });
  const before = restore(filter(':U - [0:0]', '-A INPUT -j U', '-A U -j DROP'), empty).value;

  test('a second block of a table flushes the first, policies stay', () => {
    const text = filter(':INPUT DROP [0:0]', '-A INPUT -j ACCEPT') + filter('-A OUTPUT -j ACCEPT');
    expect(writeIptablesSave(read(text).value)).toBe(filter(':INPUT DROP [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', '-A OUTPUT -j ACCEPT'));
  });

  test('an error leaves its table as it was, tables committed before stay changed', () => {
    const r = restore(`*nat\n-A PREROUTING -j ACCEPT\nCOMMIT\n${filter('-A INPUT -j ACCEPT', '-A INPUT -j NOPE')}`, before);
    expect(hasErrors(r.diagnostics)).toBe(true);
    expect(r.value.tables.map((t) => t.name)).toEqual(['filter', 'nat']);
    expect(r.value.tables[0]).toBe(before.tables[0]);
  });

  test('--noflush keeps what is not named and empties a declared user chain', () => {
    const r = restore(filter(':U - [0:0]', '-A U -j ACCEPT', '-A INPUT -j RETURN'), before, true);
    expect(r.diagnostics).toEqual([]);
    expect(writeIptablesSave(r.value).match(/^-A.*$/gm)).toEqual(['-A INPUT -j U', '-A INPUT -j RETURN', '-A U -j ACCEPT']);
  });

  test('counters are kept and printed on demand', () => {
    const { value } = read(filter(':INPUT ACCEPT [5:6]', '[1:2] -A INPUT -j ACCEPT'));
    expect(writeIptablesSave(value, { counters: true })).toContain(':INPUT ACCEPT [5:6]');
    expect(writeIptablesSave(value, { counters: true })).toContain('[1:2] -A INPUT -j ACCEPT');
    expect(writeIptablesSave(value)).toContain(':INPUT ACCEPT [0:0]');
  });

  test('an unknown extension is kept with its text where asked', () => {
    const text = filter('-A INPUT -m geoip ! --source-country DE,FR -p tcp -j TARPIT --honeypot');
    const { value, diagnostics } = read(text, 'keep');
    expect(hasErrors(diagnostics)).toBe(false);
    expect(writeIptablesSave(value)).toContain('-A INPUT -p tcp -m geoip ! --source-country DE,FR -j TARPIT --honeypot');
    expect(hasErrors(read(text).diagnostics)).toBe(true);
  });
});

const words = [
  '-A',
  'INPUT',
  '-I',
  '-j',
  '-m',
  '-p',
  'tcp',
  '!',
  '-s',
  '1.2.3.4',
  '--dport',
  '80',
  '-i',
  'eth+',
  'LOG',
  '--log-prefix',
  '"a b"',
  'mark',
  '--mark',
  '1/2',
  '*filter',
  ':U - [0:0]',
  'COMMIT',
  '\n',
  '[1:2]',
  '\\',
  '"',
  '-t',
  '__proto__',
  'REJECT',
  '--reject-with',
  'ACCEPT',
  'U',
];

/** Rules by their parts, in the spelling that save prints. */
const genRule = fc
  .record({
    src: fc.constantFrom('', ' -s 10.0.0.0/8', ' ! -s 192.0.2.1/32'),
    dst: fc.constantFrom('', ' -d 10.1.0.0/16', ' ! -d 0.0.0.0/0'),
    iface: fc.constantFrom('', ' -i eth0', ' ! -i veth+'),
    match: fc.constantFrom('', ' -p tcp -m tcp --dport 80', ' -p udp -m udp --sport 1:9', ' -p icmp', ' ! -p ospf', ' -p tcp -m tcp --tcp-flags SYN,RST SYN'),
    comment: fc.option(fc.string({ maxLength: 40, unit: fc.constantFrom(...'abZ09 _-."\'\\%$ü|') })),
    target: fc.constantFrom('', ' -j ACCEPT', ' -j DROP', ' -j U', ' -g U', ' -j LOG --log-prefix "x y"', ' -j REJECT --reject-with icmp-port-unreachable'),
  })
  .map((r) => {
    const comment = r.comment === null ? '' : ` -m comment --comment ${/^[\w-]+$/.test(r.comment) ? r.comment : `"${r.comment.replace(/["'\\]/g, '\\$&')}"`}`;
    return `-A INPUT${r.src}${r.dst}${r.iface}${r.match}${comment}${r.target}`;
  });

describe('laws', () => {
  test('print and parse invert each other', () => {
    fc.assert(
      fc.property(fc.array(genRule, { maxLength: 8 }), (lines) => {
        const text = filter(':INPUT DROP [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ':U - [0:0]', ...lines);
        const { value, diagnostics } = read(text);
        expect(diagnostics).toEqual([]);
        expect(writeIptablesSave(value)).toBe(text);
      }),
      { numRuns: 200 },
    );
  });

  test('no text throws, and every error is located', () => {
    const soup = fc
      .array(fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...words) }, fc.string({ maxLength: 12 })), { maxLength: 40 })
      .map((ws) => `*filter\n${ws.join(' ')}\nCOMMIT\n`);
    fc.assert(
      fc.property(
        fc.oneof(soup, fc.string({ maxLength: 200 })),
        fc.constantFrom('keep', 'refuse'),
        fc.constantFrom('ipv4', 'ipv6'),
        (text, unknown, family) => {
          const { value, diagnostics } = read(text, unknown, family);
          for (const d of diagnostics) expect(d.span?.line).toBeGreaterThan(0);
          writeIptablesSave(value);
        },
      ),
      { numRuns: 400 },
    );
  });

  test('damaged dumps do not throw', () => {
    const dump = filter(
      ':INPUT DROP [0:0]',
      ':U - [0:0]',
      '-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 80 -m comment --comment "x y" -j LOG --log-prefix "p: "',
      '-A U -m mark ! --mark 0x1/0x2 -j MARK --set-xmark 0x1/0xff',
      '-A INPUT -g U',
    );
    fc.assert(
      fc.property(fc.nat(dump.length), fc.nat(20), fc.string({ maxLength: 5 }), (at, cut, put) => {
        read(dump.slice(0, at) + put + dump.slice(at + cut));
      }),
      { numRuns: 400 },
    );
  });

  test('a deep nest of chains is walked without recursion', () => {
    const n = 20000;
    const chains = Array.from({ length: n }, (_, i) => `:c${i} - [0:0]`);
    const jumps = Array.from({ length: n - 1 }, (_, i) => `-A c${i} -j c${i + 1}`);
    expect(read(filter(...chains, '-A INPUT -j c0', ...jumps)).diagnostics).toEqual([]);
    expect(read(filter(...chains, '-A INPUT -j c0', ...jumps, `-A c${n - 1} -j c0`)).diagnostics[0].code).toBe('iptables-loop');
  });
});

const shared = new URL('../../../shared/dumps', import.meta.url).pathname;
describe.skipIf(!existsSync(shared))('../shared/dumps', () => {
  const dumps = existsSync(shared)
    ? readdirSync(shared, { recursive: true, encoding: 'utf8' }).filter(
        (f) => /\.rules6?$/.test(f) && !f.startsWith('blocklist') && existsSync(join(shared, `${f}.canon`)),
      )
    : [];
  const refused = new Set(
    [...(existsSync(shared) ? readFileSync(join(shared, 'INDEX.md'), 'utf8') : '').matchAll(/^\| (\S+) \|.*legacy: REFUSED/gm)].map((m) => m[1]),
  );

  test.each(dumps)('%s', (name) => {
    const r = read(readFileSync(join(shared, name), 'utf8'), 'refuse', name.endsWith('6') ? 'ipv6' : 'ipv4');
    if (refused.has(name)) expect(hasErrors(r.diagnostics)).toBe(true);
    else {
      expect(r.diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
      expect(writeIptablesSave(r.value)).toBe(readFileSync(join(shared, `${name}.canon`), 'utf8'));
    }
  });

  test("iptables' extension tables", () => {
    const dir = join(shared, 'iptables-ext-t');
    const failed = readdirSync(dir)
      .filter((f) => /^lib(xt|ipt|ip6t)_/.test(f))
      .flatMap((f) => scoreExtensionTable(readFileSync(join(dir, f), 'utf8'), f).failed.map((x) => `${f}:${x.line} ${x.got}`));
    expect(failed).toEqual([]);
  });
});
