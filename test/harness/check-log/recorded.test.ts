/** Logs of real kernels against the model of the node they are of: every packet agrees, and what had to be assumed is said. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTraceLog } from '../../../src/formats/trace-log.js';
import { checkLog, parts } from '../../../src/harness/check-log/check.js';
import { walksOf } from '../../../src/harness/check-log/walks.js';
import { renderLogCheck } from '../../../src/harness/report/check-log.js';
import { renderKernel } from '../../../src/render/kernel.js';
import { EVERYTHING } from '../../../src/render/narrow.js';
import { renderNftTrace } from '../../../src/render/nft-trace.js';
import { renderXtablesMonitor } from '../../../src/render/xtables-monitor.js';
import { loadScenario, parseScenario } from '../../../src/scenario/load.js';
import { runScenario } from '../../../src/stack/run-scenario.js';
import { execute } from '../../../src/tools/execute.js';
import { mutated } from '../../robust/mutate.js';
import { main, replay, root, files as seedFiles, variant } from '../../seed/replay.js';
import { runFile } from '../../stack/nft-lab.js';
import { check, dump, linesOf, logOf } from './lab.js';

describe('a router with forwarding, NAT, a bridge and a set, Linux 6.18', () => {
  it.each([
    ['legacy.kernel-log', 'legacy', 34, 189],
    ['nft.xtables-monitor', 'nft', 27, 113],
    ['nft.nft-trace', 'nft', 34, 139],
  ] as const)('%s', (name, backend, packets, lines) => {
    const c = check(dump(backend), linesOf(name));
    expect(c.results).toHaveLength(packets);
    expect(c.results.reduce((n, r) => n + r.comparison.agreed, 0)).toBe(lines);
    expect(c.parting).toBeNull();
    expect(c.assumed.every((a) => /TRACE|nftrace/.test(a))).toBe(true);
  });
  it('without nft list ruleset, which would tell the base chains that are there', () => {
    const c = check(dump('nft', { 'nft-ruleset': () => null }), linesOf('nft.xtables-monitor'));
    expect(c.parting).toBeNull();
    expect(c.assumed.some((a) => a.startsWith('base chains without rules'))).toBe(true);
  });
  it('from the middle on: flows that began before', () => {
    const c = check(dump('legacy'), linesOf('legacy.kernel-log').slice(10, 25));
    expect(c.parting).toBeNull();
    expect(c.assumed).toContain('the flow of packet 1 began before the log, and this packet is of its reply direction');
  });
  it('a snapshot of the log with the answers left out', () => {
    const lines = linesOf('legacy.kernel-log');
    const c = check(dump('legacy'), [...lines.slice(0, 10), ...lines.slice(15, 20)]);
    expect(c.parting).toBeNull();
    expect(c.assumed).toContain('the flow of packet 2 had been answered, though the log does not show the answer');
  });
});

describe('lines of several packets between each other', () => {
  const lines = linesOf('legacy.kernel-log').filter((l) => !/ (IN|OUT)=lo /.test(l));
  const walks = walksOf(logOf(lines).lines, dump('legacy'));
  const texts = (w: readonly { readonly lines: readonly { readonly text: string }[] }[]): string[] =>
    w.map((x) => x.lines.map((l) => l.text).join('\n')).sort();
  it.each([1, 2, 3, 4, 5])('seed %d', (seed) => {
    let s = seed;
    const draw = (n: number): number => (s = (s * 48271) % 0x7fffffff) % n;
    // Packets under way at once: of different flows, so that their order does not matter to one another.
    const queues = walks.filter((w) => w.lines.length > 4).map((w) => w.lines.map((l) => `TRACE: ${l.text}`));
    const mixed: string[] = [];
    for (let live = queues.splice(0, 4); live.length > 0; live = live.filter((q) => q.length > 0)) {
      const q = live[draw(live.length)];
      mixed.push(q.shift() as string);
      if (q.length === 0 && queues.length > 0) live.push(queues.shift() as string[]);
    }
    expect(texts(walksOf(logOf(mixed).lines, dump('legacy')))).toEqual(texts(walks.filter((w) => w.lines.length > 4)));
  });
});

describe('the cluster of the report', () => {
  const dir = `${root}test/seed/recorded/`;
  const nodes = new Map<string, ReturnType<typeof loadScenario>['value']>();
  const checked = (name: string, node: string, files: readonly string[]) => {
    const path = variant(name);
    if (!nodes.has(path)) nodes.set(path, loadScenario(path, seedFiles).value);
    const s = nodes.get(path);
    const n = s?.nodes.find((x) => x.name === node);
    if (!s || !n) throw new Error(`${name} ${node}`);
    const own = s.do.filter((c) => c.node === node).map((c) => c.command);
    return check(
      n,
      files.flatMap((f) => readFileSync(f, 'utf8').trimEnd().split('\n')),
      own,
    );
  };
  it.each([
    ['listing1', 'seed-master-to-node1.full'],
    ['listing2', 'seed-edge1-to-node1.full'],
  ])('%s', (name, file) => {
    expect(checked(name, 'node1', [dir + file]).parting).toBeNull();
  });
  const combinations = readdirSync(`${dir}3-rpfilter`).filter((d) => d.startsWith('all'));
  it.each(combinations)('rp_filter %s', (d) => {
    const files = ['request', 'reply'].map((x) => `${dir}3-rpfilter/${d}/node1.${x}.full`).filter((f) => existsSync(f));
    const c = checked(`rpfilter-${d}`, 'node1', files);
    expect(c.parting).toBeNull();
  });
  const cases = readdirSync(`${dir}4-nodes`);
  it.each(cases.flatMap((c) => ['edge1', 'master', 'node1'].map((n) => [c, n] as const)))('%s on %s', (c, node) => {
    const of = (which: RegExp): string[] =>
      readdirSync(`${dir}4-nodes/${c}`)
        .filter((f) => f.startsWith(`${node}.`) && f.endsWith('.full') && which.test(f))
        .sort((a, b) => Number(a.includes('reply')) - Number(b.includes('reply')))
        .map((f) => `${dir}4-nodes/${c}/${f}`);
    const inner = of(/request|reply/);
    if (inner.length > 0) expect(checked(c, node, inner).parting).toBeNull();
    // Outer packets were recorded in runs of their own, with other TRACE rules.
    for (const f of of(/ipip|esp/)) expect(checked(`${c}-outer`, node, [f]).parting, f).toBeNull();
  });
});

describe('what the model itself prints is agreed to', () => {
  const o = { narrow: EVERYTHING } as never;
  it('kernel log', () => {
    const s = loadScenario(main, seedFiles).value;
    for (const node of s?.nodes.filter((n) => ['edge1', 'master', 'node1'].includes(n.name)) ?? []) {
      // The second packet’s own command comes later.
      const text = renderKernel(replay(main, [], true), {
        narrow: { ...EVERYTHING, node: node.name, packet: node.name === 'edge1' ? null : 'master-to-node1' },
      });
      const own = (s?.do ?? []).filter((c) => c.node === node.name).map((c) => c.command);
      const c = check(node, text.split('\n'), own);
      expect(c.results.length).toBeGreaterThan(0);
      expect(
        c.results.filter(parts).map((r) => r.walk.lines[0].text),
        node.name,
      ).toEqual([]);
    }
  });
  it.each([
    ['nft monitor trace', renderNftTrace],
    ['xtables-monitor', renderXtablesMonitor],
  ])('%s', (_name, render) => {
    const run = runFile('router.yaml');
    const node = run.scenario.nodes.find((n) => n.iptablesNft !== null);
    if (!node) throw new Error('router.yaml has a node with nft rules');
    const c = check(node, String(render(run, o)).split('\n'));
    expect(c.results.length).toBeGreaterThan(3);
    expect(c.results.filter(parts).map((r) => r.walk.lines[0].text)).toEqual([]);
  });
  it('nft monitor trace of rules of nft itself', () => {
    const { value } = parseScenario(NATIVE, 'model', { read: () => null, list: () => null });
    if (!value) throw new Error('the scenario is wrong');
    const run = runScenario(value, { execute });
    const node = value.nodes[1];
    const text = renderNftTrace(run, { narrow: { ...EVERYTHING, node: 'r' } } as never);
    const c = check(node, text.split('\n'));
    expect(c.results.length).toBeGreaterThan(6);
    expect([c.parting, c.assumed]).toEqual([null, []]);
  });
});
const NATIVE = `version: 1
name: model
trace_all: true
nodes:
  a: { addresses: { eth0: 10.0.0.1/24 }, gateway: 10.0.0.2 }
  r:
    addresses: { eth0: 10.0.0.2/24, eth1: 10.1.0.1/24 }
    sysctl: { net.ipv4.ip_forward: 1 }
    iptables-nft: |
      *filter
      :FORWARD ACCEPT [0:0]
      -A FORWARD -p icmp -j ACCEPT
      COMMIT
    nft: |
      table inet filter {
        set ok { type ipv4_addr; flags interval; elements = { 10.0.0.0/24 } }
        map svc { type ipv4_addr . inet_service : verdict; elements = { 10.1.0.2 . 80 : goto web, 10.1.0.2 . 81 : drop } }
        chain web { ip saddr @ok counter accept
          drop }
        chain forward { type filter hook forward priority filter; policy drop;
          ct state established,related accept
          ip daddr . tcp dport vmap @svc
          meta l4proto { icmp, ipv6-icmp } accept
        }
        chain early { type filter hook forward priority -5; policy accept; }
      }
  b: { addresses: { eth0: 10.1.0.2/24 }, gateway: 10.1.0.1, listen: [tcp/80] }
wires: [[a:eth0, r:eth0],[r:eth1, b:eth0]]
packets:
  - { name: p, from: a, ping: 10.1.0.2 }
  - { name: t80, from: a, tcp: { to: "10.1.0.2:80" } }
  - { name: t81, from: a, tcp: { to: "10.1.0.2:81" } }
  - { name: t82, from: a, tcp: { to: "10.1.0.2:82" } }
`;

it('a spoilt log is compared as far as it goes', () => {
  const lines = linesOf('legacy.kernel-log').slice(0, 36).join('\n');
  const node = dump('legacy');
  fc.assert(
    fc.property(mutated([lines]), (text) => {
      const { value } = readTraceLog(text.split('\n'), 'x');
      if (value !== null) expect(checkLog(node, value, execute)).toHaveProperty('results');
    }),
    { numRuns: 15, seed: 7 },
  );
});

it('for people', () => {
  const edited = dump('legacy', { 'ipset-save': (t) => t.replace(/add peers.*\n/, '') });
  const text = renderLogCheck(check(edited, linesOf('legacy.kernel-log').slice(0, 10)));
  expect(text).toBe(`trace.log (kernel log): 1 packet, 10 lines. 0 of 1 packet and 6 of 10 lines agree with the model of gw.

Taken from the log, and not in the dump:
  a TRACE rule stood at raw:PREROUTING:2 that the dump does not have; the numbers behind it are one higher

They part at line 7, packet 1 (icmp 10.1.0.2 > 10.2.0.2):
  both   filter:FW:return:3 IN=r0 OUT=r1 MAC=02:00:00:00:01:01:02:00:00:00:01:02:08:00 SRC=10.1.0.2 DST=10.2.0.2 LEN=84 TOS=0x00 PREC=0x00 TTL=63 ID=48872 DF PROTO=ICMP TYPE=8 CODE=0 ID=25415 SEQ=1
  log    filter:FORWARD:rule:3 IN=r0 OUT=r1 MAC=02:00:00:00:01:01:02:00:00:00:01:02:08:00 SRC=10.1.0.2 DST=10.2.0.2 LEN=84 TOS=0x00 PREC=0x00 TTL=63 ID=48872 DF PROTO=ICMP TYPE=8 CODE=0 ID=25415 SEQ=1
  model  filter:FORWARD:policy:5 IN=r0 OUT=r1 MAC=02:00:00:00:01:01:02:00:00:00:01:02:08:00 SRC=10.1.0.2 DST=10.2.0.2 LEN=84 TOS=0x00 PREC=0x00 TTL=63 ID=48872 DF PROTO=ICMP TYPE=8 CODE=0 ID=25415 SEQ=1

Likely missing, the likeliest first:
  1. the set peers held 10.1.0.2 when the log was made; in the dump it does not
     tried: the whole packet agrees
     filter:FORWARD:3 is -A FORWARD -m set --match-set peers src -j SVC
     in the model’s set peers, 10.1.0.2 is not a member
     in the model: --do 'ipset add peers 10.1.0.2'
     to know: ipset test peers 10.1.0.2
  2. a rule came to filter:FORWARD:3 since the dump that matches this packet and jumps to SVC
     tried: the whole packet agrees
     in the dump filter:FORWARD:3 is -A FORWARD -m set --match-set peers src -j SVC
     in the model: --do 'iptables-legacy -t filter -I FORWARD 3 -m comment --comment "came since" -j SVC'
     to know: iptables-legacy -t filter -S FORWARD (and compare the numbers)
`);
});
