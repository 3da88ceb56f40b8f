/** A line read by the shape of one before is the rule, or the error, that it is when it stands alone and is read word by word. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readIptablesSave } from '../../src/formats/iptables-save.js';
import type { Rule, XtRuleset } from '../../src/netfilter/xtables/model.js';

const read = (text: string, unknown: 'keep' | 'refuse') => readIptablesSave(text, { file: 'rules', family: 'ipv4', unknown, kernelChecks: false });

/** Everything of a rule that can be seen, by its place in its chain. */
function rulesOf(r: XtRuleset): Map<string, unknown[]> {
  const seen = new Map<string, unknown[]>();
  for (const t of r.tables) {
    for (const c of t.chains) {
      for (let i = 0; i < c.rules.length; i++) {
        const rule = c.rules.at(i);
        const line = rule.span?.line ?? 0;
        seen.set(`${line}`, [...(seen.get(`${line}`) ?? []), { ...visible(rule), chain: c.name, table: t.name }]);
        const kind = c.rules.kind(i);
        expect([kind.proto, kind.extensions, kind.hasUnknown]).toEqual([rule.proto, extensionsOf(rule), hasUnknown(rule)]);
        expect(c.rules.jumpOf(i)).toBe('chain' in rule.target ? rule.target.chain : null);
        expect(c.rules.endsChain(i)).toBe(rule.target.kind === 'verdict' && isBare(rule));
      }
    }
  }
  return seen;
}
const visible = ({ src, dst, in: i, out, proto, fragment, matches, target, counters, span }: Rule) => ({
  ...{ src, dst, in: i, out, proto, fragment, counters, span },
  matches: matches.map((m) => (m.def ? [m.def.name, m.data] : m)),
  target: target.kind === 'extension' ? [target.def.name, target.data] : target,
});
const extensionsOf = (r: Rule) => [...r.matches.flatMap((m) => (m.def ? [m.def] : [])), ...(r.target.kind === 'extension' ? [r.target.def] : [])];
const hasUnknown = (r: Rule) => r.target.kind === 'unknown' || r.matches.some((m) => m.def === null);
const isBare = (r: Rule) => r.matches.length === 0 && !r.src && !r.dst && !r.in && !r.out && !r.proto && !r.fragment;

/** Both readings of a table with these lines: all in one text, and each in a text where no other rule stands. */
function compare(head: readonly string[], lines: readonly string[], unknown: 'keep' | 'refuse'): void {
  const whole = read([...head, ...lines, 'COMMIT', ''].join('\n'), unknown);
  const together = rulesOf(whole.value);
  for (const [i, line] of lines.entries()) {
    if (line.startsWith('#') || line.startsWith(':')) continue;
    const others = lines.map((l, k) => (k === i || l.startsWith(':') ? l : '#'));
    const alone = read([...head, ...others, 'COMMIT', ''].join('\n'), unknown);
    const at = head.length + i + 1;
    expect({ line, rules: together.get(`${at}`), said: whole.diagnostics.filter((d) => d.span?.line === at) }).toEqual({
      line,
      rules: rulesOf(alone.value).get(`${at}`),
      said: alone.diagnostics.filter((d) => d.span?.line === at),
    });
  }
}

const HEAD = [
  '*filter',
  ':INPUT ACCEPT [0:0]',
  ':FORWARD ACCEPT [0:0]',
  ':U - [0:0]',
  ':W-2 - [0:0]',
  ':__proto__ - [0:0]',
  ':LOG - [0:0]',
  ':a\u000bb - [0:0]',
];

const chain = fc.constantFrom('U', 'W-2', '__proto__', 'LOG', 'INPUT', 'FORWARD', 'nochain', 'a\u000bb');
const addr = fc.constantFrom(
  '10.0.0.1',
  '10.0.0.0/8',
  '0.0.0.0/0',
  '10.1',
  '0x0a.1.2.3',
  '10.0.0.1,10.0.0.2',
  '300.1.1.1',
  '1.2.3.4/255.0.255.0',
  'localhost',
  '::1',
  '"10.9.8.7"',
  '-x',
  '!',
);
const iface = fc.constantFrom('eth0', 'veth+', '+', '""', 'averyveryverylongname', '"eth1"', '-i');
const port = fc.constantFrom('80', '1:9', '9:1', 'http', '70000', ':5', '""', '0x50', '"443"');
const text = fc.constantFrom('a', '"a b"', '"a \\"b\\" c"', '""', 'a"b c"', '"a"b', '"open', '-6', '!', 'x'.repeat(1030), '"é"', '[1:2]', '"b\\\\"');
const target = fc.constantFrom('U', 'W-2', '__proto__', 'LOG', 'ACCEPT', 'DROP', 'MARK', 'NOPE', 'TARPIT', 'a\u000bb', '"U"', '""');
const blank = fc.constantFrom(' ', ' ', ' ', '  ', '\t');

/** Lines of few shapes with values good and bad, so that most meet the shape of one before. */
const line = fc.oneof(
  fc.tuple(chain, addr, text, target).map(([c, s, t, j]) => `-A ${c} -s ${s} -m comment --comment ${t} -j ${j}`),
  fc.tuple(chain, addr, port, target).map(([c, s, p, j]) => `-A ${c} ! -d ${s} -p tcp -m tcp --dport ${p} -j ${j}`),
  fc.tuple(chain, port, port).map(([c, p, q]) => `-A ${c} -p udp --sport ${p} ! --dport ${q} -g U`),
  fc.tuple(chain, iface, iface, target, blank).map(([c, i, o, j, b]) => `-A ${c}${b}-i ${i}${b}! -o ${o} -j ${j}`),
  fc.tuple(chain, text).map(([c, t]) => `[5:6] -A ${c} -j LOG --log-prefix ${t} --log-level info`),
  fc.tuple(chain, fc.constantFrom('src', 'dst', 'src,dst', 'nowhere', '""'), text).map(([c, d, t]) => `-A ${c} -m set ! --match-set ${t} ${d} -j DROP`),
  fc.tuple(chain, addr, fc.constantFrom('-4', '-6', '-c 1 2', '-c 1 x', '')).map(([c, s, o]) => `-A ${c} -s ${s} ${o} -j RETURN`),
  fc.tuple(chain, addr).map(([c, s]) => `-A ${c} -s${s} --jump=DROP`),
  fc.tuple(chain, target).map(([c, j]) => `-A ${c} -j ${j}`),
  fc.tuple(chain, text, target).map(([c, t, j]) => `-A ${c} -m geoip --cc ${t} -j ${j}`),
  fc.tuple(fc.constantFrom('0x1', '0x1/0xff', 'x', '1/'), chain).map(([m, c]) => `-A ${c} -m mark --mark ${m} -m comment --comment c -j MARK --set-mark ${m}`),
);

describe('one grammar', () => {
  test.each(['keep', 'refuse'] as const)('random lines (unknown extensions: %s)', (unknown) => {
    fc.assert(
      fc.property(fc.array(line, { minLength: 2, maxLength: 14 }), (lines) => compare(HEAD, lines, unknown)),
      { numRuns: 150 },
    );
  });

  test('a name is that of a chain from the line on that declares it', () => {
    compare(['*filter', ':U - [0:0]'], ['-A U -j TRACE', ':TRACE - [0:0]', '-A U -j TRACE', '-A TRACE -j TRACE'], 'keep');
    compare(['*filter', ':U - [0:0]'], ['-A U -j NOPE', ':NOPE - [0:0]', '-A U -j NOPE', '-A NOPE -j NOPE'], 'keep');
  });

  test('and until it is deleted', () => {
    const lines = ['*filter', ':U - [0:0]', ':LOG - [0:0]', '-A U -g LOG', '-A U -g LOG', '-F U', '-X LOG', '-A U -g LOG', 'COMMIT', ''];
    expect(read(lines.join('\n'), 'keep').diagnostics.map((d) => [d.span?.line, d.code])).toEqual([[8, 'iptables-no-chain']]);
  });

  test.each(['master', 'node1', 'edge1'])('the dump of %s', (node) => {
    const dump = readFileSync(new URL(`../../scenarios/fabedge-edge-to-node/${node}/iptables-save`, import.meta.url), 'utf8');
    for (const block of dump.split(/^(?=\*)/m).filter((b) => b.startsWith('*'))) {
      const lines = block.split('\n');
      const first = lines.findIndex((l) => l.startsWith('-'));
      if (first > 0) compare(lines.slice(0, first), lines.slice(first, lines.indexOf('COMMIT')).slice(0, 60), 'keep');
    }
  });
});
