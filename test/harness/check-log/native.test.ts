/** Logs of nft's own rule sets (`nft monitor trace`) against the model: what agrees, and of dumps with one thing changed which cause is named. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTraceLog } from '../../../src/formats/trace-log.js';
import { checkLog } from '../../../src/harness/check-log/check.js';
import { walksOf } from '../../../src/harness/check-log/walks.js';
import { logCheckJson, renderLogCheck } from '../../../src/harness/report/check-log.js';
import { execute } from '../../../src/tools/execute.js';
import { mutated } from '../../robust/mutate.js';
import { check, dump, type Edits, linesOf, logOf, ofPackets, type Recording } from './lab.js';

const all = linesOf('native.nft-trace');
const replace = (from: string | RegExp, to: string): Edits => ({ 'nft-ruleset': (t) => t.replace(from, to) });
const PING = /ip saddr 10\.1\.0\.2 ip daddr 10\.2\.0\.2 .*echo-request/;
const OTHER_PING = /ip saddr 10\.1\.0\.3 ip daddr 10\.2\.0\.2 .*echo-request/;
const SYN_TO = (port: number): RegExp => new RegExp(`tcp dport ${port} tcp flags == syn`);
const UDP = /udp dport 53 /;
const ANSWER = /ip saddr 10\.2\.0\.2 ip daddr 10\.(2\.0\.1|1\.0\.2) .*echo-reply/;

describe('recorded with Linux 6.18, nft 1.0.6', () => {
  it.each([
    ['native.nft-trace', 'native', ['a table inet tracer with “meta nftrace set 1” (pre at prerouting, out at output) is not in the dump'], 42, 191],
    ['native-rule.nft-trace', 'native', ['a rule “ip daddr 10.2.0.2 meta nftrace set 1” stood in inet filter forward that the dump does not have'], 3, 11],
    ['native-user.nft-trace', 'native', ['a rule “meta nftrace set 1” stood in inet filter web that the dump does not have'], 3, 8],
    ['mixed.nft-trace', 'mixed', ['a table inet tracer with “meta nftrace set 1” (pre at prerouting, out at output) is not in the dump'], 18, 162],
    [
      'kube.nft-trace',
      'kube',
      [
        'a table inet tracer with “meta nftrace set 1” (pre at prerouting) is not in the dump',
        'numgen random of ip kube-proxy service-web:2 drew 1 for packet 1',
      ],
      10,
      50,
    ],
    [
      'native-bridge.nft-trace',
      'native-bridge',
      [
        'a rule “meta nftrace set 1” stood in netdev guard in that the dump does not have',
        'a rule “meta nftrace set 1” stood in bridge filter pre that the dump does not have',
      ],
      11,
      23,
    ],
  ] as const)('%s', (name, backend, assumed, packets, lines) => {
    const c = check(dump(backend), linesOf(name));
    expect(c.parting).toBeNull();
    expect(c.assumed).toEqual(assumed);
    expect([c.results.length, c.results.reduce((n, r) => n + r.comparison.agreed, 0)]).toEqual([packets, lines]);
  });
  it('frames that are no IP packets are left out, and told', () => {
    const c = check(dump('native-bridge'), linesOf('native-bridge.nft-trace'));
    expect(renderLogCheck(c)).toContain('Frames that are no IP packets are not compared; their lines are left out: arp filter, bridge filter, netdev guard.');
    expect(JSON.parse(logCheckJson(c)).log.notIp).toEqual(['arp filter', 'bridge filter', 'netdev guard']);
  });
  it('a dump that was taken while the packets were traced: nothing is assumed', () => {
    const tracer = `table inet tracer {
	chain pre {
		type filter hook prerouting priority -350; policy accept;
		meta nftrace set 1
	}
	chain out {
		type filter hook output priority -350; policy accept;
		meta nftrace set 1
	}
}
`;
    const c = check(dump('native', { 'nft-ruleset': (t) => t + tracer }), ofPackets(all, PING));
    expect([c.parting, c.assumed]).toEqual([null, []]);
  });
  it('a flow that connection tracking had forgotten in between', () => {
    const ping = ofPackets(all, PING);
    const c = check(dump('native'), [...ping, ...ping]);
    expect(c.parting).toBeNull();
    expect(c.assumed[1]).toMatch(/^the flow of packet 2 was new again/);
  });
  it('a flow whose answers the log does not show', () => {
    const lines = [...ofPackets(all, SYN_TO(80)).slice(0, 12), ...ofPackets(all, /tcp dport 80 tcp flags == ack/).slice(0, 7)];
    const c = check(dump('native'), lines);
    expect(c.parting).toBeNull();
    expect(c.assumed).toContain('the flow of packet 2 had been answered, though the log does not show the answer');
  });
});

/** What other releases of nft print as well: a line for the end of every chain that a packet comes to. */
function withEnds(lines: readonly string[]): string[] {
  const out: string[] = [];
  let left: string | null = null;
  for (const l of lines) {
    const start = l.split(' ', 6).join(' ');
    if (left !== null && !l.startsWith(left)) out.push(`${left} verdict continue`);
    left = l.endsWith('(verdict jump web)') ? start.replace(/\S+$/, 'web') : null;
    if (/ policy (accept|drop) /.test(l)) out.push(`${start} verdict continue`);
    out.push(l);
  }
  return out;
}

describe('other releases and conditions', () => {
  it('ends of chains are compared where the log shows them', () => {
    const c = check(dump('native'), withEnds(ofPackets(all, PING)));
    expect(c.results[0].walk.lines.map((l) => `${l.chain} ${l.kind}`)).toContain('web return');
    expect([c.parting, c.results[0].comparison.agreed]).toEqual([null, c.results[0].walk.lines.length]);
  });
  it('a packet that came with a mark', () => {
    const c = check(
      dump('native'),
      ofPackets(all, PING).map((l) => l.replace(/policy accept $/, 'policy accept meta mark 0x00000009 ')),
    );
    expect(c.parting).toBeNull();
    expect(c.assumed).toContain('packet 1 came to the first hook with mark 0x9');
  });
  it('spelling of numbers, names, counters and sets makes no other rule', () => {
    const spelt = (l: string): string =>
      l
        .replace('{ icmp, ipv6-icmp }', '{ 58, 1 }')
        .replace(/counter packets \d+ bytes \d+/, 'counter packets 123 bytes 456')
        .replace('{ 53, 5353 }', '{ mdns, domain }')
        .replace('0x00000005', '5');
    const c = check(dump('native'), all.map(spelt));
    expect(c.parting).toBeNull();
  });
  it('a rule of nft drops what the kernel log of iptables shows to go on', () => {
    const node = dump('legacy');
    const [table] = dump('native').nftRuleset ?? [];
    const closed = { ...node, nftRuleset: [{ ...table, chains: table.chains.map((x) => (x.name === 'forward' ? { ...x, rules: [] } : x)) }] };
    const c = check(closed, linesOf('legacy.kernel-log').slice(0, 10));
    expect(c.parting?.candidates[0]).toMatchObject({ cause: 'policy', text: expect.stringContaining('the policy of inet filter forward was ACCEPT') });
  });
});

it('a spoilt log is compared as far as it goes', () => {
  const node = dump('native-bridge');
  fc.assert(
    fc.property(mutated([linesOf('native-bridge.nft-trace').join('\n')]), (text) => {
      const { value } = readTraceLog(text.split('\n'), 'x');
      if (value !== null) expect(checkLog(node, value, execute)).toHaveProperty('results');
    }),
    { numRuns: 15, seed: 7 },
  );
});

describe('beside the rules of iptables-nft', () => {
  const lines = linesOf('mixed.nft-trace');
  it('a chain of nft in a table of iptables', () => {
    const { parting } = check(dump('mixed', { 'nft-ruleset': (t) => t.replace(/\tchain mine \{[^}]*\}\n/, '') }), ofPackets(lines, PING));
    expect(parting?.candidates[0]).toMatchObject({
      cause: 'chain-missing',
      text: expect.stringContaining('the chain mine of table ip filter is not in the dump'),
      decide: 'nft -a list table ip filter',
    });
  });
  it('a rule of iptables that is missing', () => {
    const { parting } = check(
      dump('mixed', {
        'iptables-nft-save': (t) => t.replace('-A DOCKER -p icmp -j ACCEPT\n', ''),
        'nft-ruleset': (t) => t.replace(/\t\tmeta l4proto icmp counter packets \d+ bytes \d+ accept.*\n/, ''),
      }),
      ofPackets(lines, PING),
    );
    expect(parting?.candidates[0]).toMatchObject({ cause: 'rule-came', text: expect.stringMatching(/filter:DOCKER/) });
  });
});

describe('walks', () => {
  const hooks = (name: Recording, backend: 'native' | 'native-bridge') =>
    walksOf(logOf(linesOf(name)).lines, dump(backend)).map((w) => `${w.hook} ${w.lines.length}`);
  it('a frame that passes a device, a bridge and IP makes three', () => {
    expect(hooks('native-bridge.nft-trace', 'native-bridge').slice(3, 6)).toEqual(['INGRESS 2', 'PREROUTING 2', 'INPUT 1']);
  });
  it('traced from a user chain on: the hook of the base chain that leads there', () => {
    expect(hooks('native-user.nft-trace', 'native')).toEqual(['FORWARD 3', 'FORWARD 2', 'FORWARD 3']);
  });
  it.each([1, 2, 3, 4, 5])('lines of several packets between each other, seed %d', (seed) => {
    let s = seed;
    const draw = (n: number): number => (s = (s * 48271) % 0x7fffffff) % n;
    const packets = [PING, OTHER_PING, SYN_TO(82), SYN_TO(23), /ip6 saddr fd00:1::2 ip6 daddr fd00:2::2 .*echo-request/].map((re) => ofPackets(all, re));
    const texts = (lines: readonly string[]): string[] =>
      walksOf(logOf(lines).lines, dump('native'))
        .map((w) => w.lines.map((l) => l.text).join('\n'))
        .sort();
    const mixed: string[] = [];
    for (let live = packets.map((p) => [...p]); live.length > 0; live = live.filter((q) => q.length > 0)) mixed.push(live[draw(live.length)].shift() as string);
    expect(texts(mixed)).toEqual(packets.flatMap(texts).sort());
  });
  it('without any listing of the node the devices tell the hooks', () => {
    const given = dump('native');
    const texts = (n: typeof given): string[][] => walksOf(logOf(all).lines, n).map((w) => w.lines.map((l) => l.text));
    expect(texts({ ...given, nftRuleset: null })).toEqual(texts(given));
  });
});

interface Row {
  readonly cause: string;
  readonly what: string;
  readonly dump: Edits;
  readonly of: RegExp;
  readonly log?: (lines: string[]) => string[];
  readonly says: RegExp;
  readonly shows?: RegExp;
  /** What it says to do in the model. */
  readonly does?: readonly string[];
  /** It is the first one; default true. */
  readonly first?: boolean;
  /** With the change the whole packet agrees; default true. */
  readonly whole?: boolean;
}

const rows: readonly Row[] = [
  {
    cause: 'table-missing',
    what: 'a table that the dump does not have',
    dump: replace(/table inet mangle \{[\s\S]*\n\}\n/, ''),
    of: SYN_TO(8080),
    says: /^the dump has no table inet mangle$/,
    shows:
      /nft -a list ruleset\nline \d+ of the log is of inet mangle prerouting “iifname "r0" tcp dport 8080 .*\nthe dump has inet filter, ip nat, inet tracer/,
    whole: false,
  },
  {
    cause: 'table-missing',
    what: 'no listing at all',
    dump: { 'nft-ruleset': () => null },
    of: SYN_TO(8080),
    log: (l) => l.filter((x) => !/ inet tracer /.test(x)),
    says: /^the dump has no table inet mangle$/,
    shows: /the dump has no listing of nftables at all/,
    whole: false,
  },
  {
    cause: 'chain-missing',
    what: 'a chain and the jump to it',
    dump: { 'nft-ruleset': (t) => t.replace(/\tchain web \{[^}]*\{[^}]*\}[^}]*\}\n/, '').replace(/.*jump web.*\n/, '') },
    of: SYN_TO(80),
    says: /the chain web of table inet filter is not in the dump/,
    shows: /nft -a list table inet filter/,
    whole: false,
  },
  {
    cause: 'table-not-loaded',
    what: 'a table that the log never shows',
    dump: { 'nft-ruleset': (t) => `${t}table inet extra {\n\tchain fwd {\n\t\ttype filter hook forward priority 10; policy accept;\n\t}\n}\n` },
    of: PING,
    says: /the table inet extra was not loaded when the log was made/,
    does: ['nft delete table inet extra'],
    shows: /nft list table inet extra\nno line of the log is of that table/,
  },
  {
    cause: 'table-not-loaded',
    what: 'a base chain that the log never shows',
    dump: replace('table inet mangle {', 'table inet mangle {\n\tchain late {\n\t\ttype filter hook postrouting priority 300; policy accept;\n\t}\n'),
    of: PING,
    says: /the base chain inet mangle late was not there when the log was made/,
  },
  {
    cause: 'policy',
    what: 'input was drop',
    dump: replace('hook input priority filter; policy drop', 'hook input priority filter; policy accept'),
    of: SYN_TO(23),
    says: /the policy of inet filter input was DROP when the log was made; the dump says ACCEPT/,
    shows: /nft -a list chain inet filter input\nthe log says policy drop/,
    does: ['nft chain inet filter input { policy drop ; }'],
  },
  {
    cause: 'sysctl',
    what: 'forwarding off in the dump',
    dump: { 'sysctl.txt': (t) => t.replace('ip_forward = 1', 'ip_forward = 0').replace(/(ipv4\.conf\.\S+\.forwarding) = 1/g, '$1 = 0') },
    of: PING,
    says: /forwarding was on/,
  },
  {
    cause: 'rule-came',
    what: 'a rule that the dump does not have',
    dump: replace(/.*ip saddr @peers jump web.*\n/, ''),
    of: SYN_TO(80),
    says: /the rule “ip saddr @peers jump web” is not in the dump: it came since/,
    does: ['nft add rule inet filter forward ip saddr @peers jump web'],
    shows: /nft -a list chain inet filter forward/,
  },
  {
    cause: 'rule-came',
    what: 'a rule with words in quotes',
    dump: replace(/.*oifname "r1" ip saddr.*\n/, ''),
    of: PING,
    says: /the rule “oifname "r1" ip saddr 10\.1\.0\.0\/24 masquerade” is not in the dump/,
    does: ['nft add rule ip nat postrouting oifname \\"r1\\" ip saddr 10.1.0.0/24 masquerade'],
  },
  {
    cause: 'rule-came',
    what: 'a rule that nft monitor did not know either',
    dump: replace(/.*meta l4proto \{ icmp, ipv6-icmp \}.*\n/, ''),
    of: PING,
    log: (l) => l.map((x) => x.replace(/rule meta l4proto .* \(verdict/, 'unknown rule handle 77 (verdict')),
    says: /a rule with handle 77 is not in the dump: it came to inet filter forward since \(verdict accept\)/,
    does: ['nft add rule inet filter forward counter accept comment \\"came since\\"'],
  },
  {
    cause: 'rule-gone',
    what: 'a rule too many in the dump',
    dump: replace('\t\tip saddr @peers jump web', '\t\tip daddr 10.2.0.2 accept # handle 99\n\t\tip saddr @peers jump web'),
    of: PING,
    says: /the dump’s rule inet filter forward:2 was not there when the log was made/,
    does: ['nft delete rule inet filter forward handle 99'],
    shows: /ip daddr 10\.2\.0\.2 accept matches this packet in the model/,
  },
  {
    cause: 'rule-changed',
    what: 'other ports in the dump',
    dump: replace('udp dport { 53, 5353 }', 'udp dport { 5353, 54 }'),
    of: UDP,
    says: /the rule inet filter web:2 was another when the log was made, which shows “udp dport \{ 53, 5353 \} accept”/,
    shows: /the dump says udp dport \{ 5353, 54 \} accept/,
    does: ['nft replace rule inet filter web handle 11 udp dport { 53, 5353 } accept'],
  },
  {
    cause: 'rule-changed',
    what: 'DNAT to another address',
    dump: replace('dnat to 10.2.0.2:80', 'dnat to 10.2.0.3:80'),
    of: /tcp dport (8080|80) tcp flags == syn/,
    log: (l) => l.slice(l.findIndex((x) => x.includes('dport 8080'))),
    says: /the rule ip nat prerouting:1 was another when the log was made/,
  },
  {
    cause: 'set-member',
    what: 'the set lacks an address',
    dump: replace('elements = { 10.1.0.2, 10.9.0.0/16 }', 'elements = { 10.9.0.0/16 }'),
    of: PING,
    says: /the set @peers held 10\.1\.0\.2 when the log was made; in the dump it does not/,
    shows: /nft get element inet filter peers \{ 10\.1\.0\.2 \}\ninet filter forward:2 is ip saddr @peers jump web/,
    does: ['nft add element inet filter peers { 10.1.0.2 }'],
  },
  {
    cause: 'set-member',
    what: 'the set is empty',
    dump: replace(/\t\telements = \{ 10\.1\.0\.2, .*\n/, ''),
    of: PING,
    says: /the set @peers held 10\.1\.0\.2/,
  },
  {
    cause: 'set-member',
    what: 'a network of the set covers one that was not in it',
    dump: replace('elements = { 10.1.0.2, 10.9.0.0/16 }', 'elements = { 10.1.0.3/32, 10.9.0.0/16 }'),
    of: OTHER_PING,
    says: /the set @peers did not hold 10\.1\.0\.3 when the log was made; in the dump it does/,
    does: ['nft delete element inet filter peers { 10.1.0.3/32 }'],
  },
  {
    cause: 'set-member',
    what: 'a verdict map lacks a port',
    dump: replace('80 : accept, 81', '81'),
    of: SYN_TO(80),
    says: /the set @services held 80 when the log was made/,
  },
  {
    cause: 'set-member',
    what: 'a verdict map says something else',
    dump: replace('80 : accept', '80 : drop'),
    of: SYN_TO(80),
    says: /the map @services said accept of 80 when the log was made; the dump says 80 : drop/,
    does: ['nft delete element inet filter services { 80 }', 'nft add element inet filter services { 80 : accept }'],
  },
  {
    cause: 'rule-state',
    what: 'a limit that had been used up',
    dump: replace('limit rate 100/second', 'limit rate over 100/second'),
    of: /ip daddr 10\.1\.0\.1 .*echo-request/,
    log: (l) => l.map((x) => x.replace('limit rate 100/second', 'limit rate over 100/second')),
    says: /inet filter input:3 matched on the node and does not in the model: it asks limit rate/,
    first: false,
    whole: false,
  },
  {
    cause: 'conntrack',
    what: 'an answer alone, and more in the dump than was asked',
    dump: { 'nft-ruleset': (t) => `${t}table ip late {\n\tchain post {\n\t\ttype filter hook postrouting priority 300; policy accept;\n\t}\n}\n` },
    of: ANSWER,
    log: (l) => l.slice(0, 7),
    says: /the flow was known to connection tracking before the log began \(this packet answers it\)/,
    shows: /a rule that asks for the flow’s state decides here/,
    first: false,
    whole: false,
  },
  {
    cause: 'route',
    what: 'another route in the dump',
    dump: { 'ip-route.txt': (t) => t.replace('10.2.0.0/24 dev r1', '10.2.0.0/24 dev r0') },
    of: PING,
    says: /the node’s route to 10\.2\.0\.2 led out of r1/,
  },
  {
    cause: 'inconclusive',
    what: 'a rule that the model does not know',
    dump: replace('\t\tip saddr @peers jump web', '\t\tfrobnicate accept\n\t\tip saddr @peers jump web'),
    of: PING,
    says: /the model does not know: .*frobnicate/,
    whole: false,
  },
];

it.each(rows.map((r) => [r.cause, r.what, r] as const))('%s: %s', (_cause, _what, r) => {
  const lines = ofPackets(all, r.of);
  const log = r.log ? r.log(lines) : lines;
  const { parting } = check(dump('native', r.dump), log);
  const told = parting?.candidates.map((c) => `${c.cause}: ${c.text}`).join('\n');
  const found = parting?.candidates.filter((c) => c.cause === r.cause && r.says.test(c.text)) ?? [];
  expect(found, told).toHaveLength(1);
  if (r.shows) expect([found[0].decide, ...found[0].facts].join('\n')).toMatch(r.shows);
  if (r.first ?? true) expect(parting?.candidates[0], told).toBe(found[0]);
  expect(found[0].tried?.whole ?? false).toBe(r.whole ?? true);
  if (!r.does) return;
  expect(found[0].commands).toEqual(r.does);
  // They do in the model what was tried.
  expect(check(dump('native', r.dump), log, r.does).results[(parting?.result.walk.n ?? 1) - 1].comparison.parting).toBeNull();
});
