/**
 * What `sim exec` prints against what the real tools print, byte for byte: nodes are built in network namespaces, their dumps are read, and both are asked.
 * Needs root and the tools; skips loudly elsewhere.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasErrors } from '../../src/base/diagnostic.js';
import { splitShellWords } from '../../src/base/shell-words.js';
import { nodeFromFiles } from '../../src/scenario/node.js';
import { Network } from '../../src/stack/network.js';
import type { NodeRun } from '../../src/stack/node-run.js';
import { scenarioSockets } from '../../src/stack/sockets/scenario.js';
import { ask } from '../../src/tools/ask.js';
import { execute } from '../../src/tools/execute.js';
import { ListRecorder } from '../../src/trace/event.js';

const NEEDED = ['ip', 'iptables-legacy', 'ip6tables-legacy', 'ipset', 'bridge', 'sysctl'];
const missing = NEEDED.filter((t) => spawnSync('sh', ['-c', `command -v ${t}`]).status !== 0);
const asRoot = process.getuid?.() === 0;
const canUnshare = asRoot && missing.length === 0 && spawnSync('ip', ['netns', 'add', 'nfsim-test-probe']).status === 0;
if (canUnshare) spawnSync('ip', ['netns', 'del', 'nfsim-test-probe']);
if (!canUnshare) console.warn(`SKIPPED: comparison with the real tools needs root, network namespaces and ${missing.join(', ') || 'nothing else'}`);

interface Real {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number;
}

class Namespace {
  constructor(readonly name: string) {
    spawnSync('ip', ['netns', 'del', name]);
    execFileSync('ip', ['netns', 'add', name]);
    // Duplicate address detection would take seconds, and change the addresses meanwhile.
    this.must('sysctl -qw net.ipv6.conf.all.accept_dad=0');
    this.must('sysctl -qw net.ipv6.conf.default.accept_dad=0');
  }
  run(words: readonly string[], input = ''): Real {
    const r = spawnSync('ip', ['netns', 'exec', this.name, ...words], { input, encoding: 'utf8', env: { ...process.env, LC_ALL: 'C', LANG: 'C' } });
    // Namespaces that come and go elsewhere on the machine confuse ip's look-up of names.
    const stderr = r.stderr.replace(/^Error: Peer netns reference is invalid\.\n/gm, '');
    return { stdout: r.stdout, stderr, status: r.status ?? -1 };
  }
  must(command: string, input = ''): string {
    const r = this.run(splitShellWords(command) ?? [], input);
    if (r.status !== 0) throw new Error(`${command}: ${r.stderr}`);
    return r.stdout;
  }
  node(): NodeRun {
    return this.network().nodes[0];
  }
  /** The node as its dumps tell of it. */
  network(): Network {
    const file = (path: string, command: string): { path: string; text: string } => ({ path, text: this.must(command) });
    const sysctl = this.run(['sysctl', '-a']).stdout;
    const files = [
      file('ip-link.json', 'ip -j -d link'),
      file('ip-addr.json', 'ip -j addr'),
      file('ip-route.txt', 'ip route show table all'),
      file('ip-6-route.txt', 'ip -6 route show table all'),
      file('ip-rule.txt', 'ip rule'),
      file('ip-6-rule.txt', 'ip -6 rule'),
      file('neigh.txt', 'ip neigh show nud all'),
      file('bridge-fdb.txt', 'bridge fdb'),
      file('iptables-save', 'iptables-legacy-save -c'),
      file('ip6tables-save', 'ip6tables-legacy-save -c'),
      file('ipset-save', 'ipset save'),
      { path: 'sysctl.txt', text: sysctl },
    ];
    const { value, diagnostics } = nodeFromFiles(this.name, files);
    if (hasErrors(diagnostics)) throw new Error(diagnostics.map((d) => `${d.span?.file}:${d.span?.line} ${d.message}`).join('\n'));
    return new Network({ nodes: [value], wires: [], clock: 0, seed: 1 }, { recorder: new ListRecorder(false), makeSockets: scenarioSockets });
  }
  close(): void {
    spawnSync('ip', ['netns', 'del', this.name]);
  }
}

/** Names of programs that the simulator's legacy backend stands for. */
const realName = (w: string): string => (/^ip6?tables/.test(w) ? w.replace('tables', 'tables-legacy') : w);
/** Comment lines of iptables-save hold the date. */
/** And `ip` looks up the name that a peer's namespace has on this very machine. */
const undated = (t: string): string =>
  t
    .replace(/^#.*\n/gm, '')
    .replace(/link-netns \S+/g, 'link-netnsid 0')
    .replace(/"link_netns":"[^"]*"/g, '"link_netnsid":0');

/** Neighbours stand in the order of the kernel's hash, whose seed differs from boot to boot. */
const inOrder = (c: string, t: string): string => (c === 'ip neigh' ? t.split('\n').sort().join('\n') : t);

function same(ns: Namespace, node: NodeRun, commands: readonly string[]): void {
  for (const c of commands) {
    const words = splitShellWords(c) ?? [];
    const real = ns.run([realName(words[0]), ...words.slice(1)]);
    const ours = ask(node, words);
    expect({ c, stdout: inOrder(c, ours.stdout), stderr: ours.stderr, status: ours.status }).toEqual({
      c,
      stdout: inOrder(c, undated(real.stdout)),
      stderr: real.stderr,
      status: real.status,
    });
  }
}

describe.runIf(canUnshare)('a router with two networks', () => {
  let ns: Namespace;
  let far: Namespace;
  let node: NodeRun;
  beforeAll(() => {
    ns = new Namespace('nfsim-test-a');
    far = new Namespace('nfsim-test-b');
    const setup = `ip link set lo up
      ip link add e0 type veth peer name p0 netns nfsim-test-b
      ip link add e1 type veth peer name p1 netns nfsim-test-b
      ip link set e0 address 02:00:00:00:00:01
      ip link set e1 address 02:00:00:00:00:02
      ip addr add 10.0.0.1/24 dev e0
      ip addr add 10.0.0.5/24 dev e0
      ip addr add 10.1.0.1/24 brd + dev e1
      ip -6 addr add fd00::1/64 dev e0 nodad
      ip -6 addr add fd01::1/64 dev e1 nodad
      ip link set e0 up
      ip link set e1 up
      ip route add default via 10.0.0.254
      ip route add 10.9.0.0/16 via 10.1.0.7 mtu lock 1400
      ip route add blackhole 10.8.0.0/16
      ip route add unreachable 10.7.0.0/16
      ip route add prohibit 10.6.0.0/16
      ip route add throw 10.5.0.0/16
      ip -6 route add default via fd00::ff
      ip -6 route add fd08::/16 via fd01::7 metric 55 mtu 1300
      ip -6 route add blackhole fd09::/16
      ip rule add fwmark 5 lookup 100
      ip rule add from 10.0.0.5 iif e1 lookup 100 pref 500
      ip route add default via 10.1.0.9 table 100
      ip neigh add 10.0.0.7 lladdr 02:00:00:00:00:07 dev e0
      sysctl -qw net.ipv4.ip_forward=1
      sysctl -qw net.ipv6.conf.all.forwarding=1
      sysctl -qw net.ipv4.conf.all.rp_filter=1
      sysctl -qw net.ipv4.conf.e1.rp_filter=2
      ipset create S hash:ip
      ipset add S 10.0.0.1
      ipset create L hash:net family inet hashsize 64 maxelem 10`;
    // Nothing of the far end may turn up among the neighbours while the test runs.
    far.must('sysctl -qw net.ipv6.conf.all.disable_ipv6=1');
    far.must('sysctl -qw net.ipv6.conf.default.disable_ipv6=1');
    far.must('ip link set lo up');
    for (const c of setup.split('\n')) ns.must(c.trim());
    far.must('ip link set p0 up');
    far.must('ip link set p1 up');
    node = ns.node();
  });
  afterAll(() => {
    ns.close();
    far.close();
  });

  it('ip route get', () => {
    same(
      ns,
      node,
      [
        ...['10.0.0.2', '8.8.8.8', '8.8.8.8 from 10.0.0.5', '8.8.8.8 from 1.2.3.4', '8.8.8.8 from 10.0.0.77 iif e0', '10.1.0.3 from 10.0.0.77 iif e0'],
        ...[
          '8.8.8.8 from 10.1.0.77 iif e1',
          '10.9.0.1',
          '10.8.0.1',
          '10.7.0.1',
          '10.6.0.1',
          '10.5.0.1',
          '10.8.0.1 from 10.0.0.9 iif e0',
          '127.0.0.1',
          '10.0.0.1',
        ],
        ...[
          '10.0.0.255',
          '255.255.255.255',
          '224.0.0.1',
          '10.0.0.1 from 10.0.0.77 iif e0',
          '10.1.0.255 from 10.0.0.77 iif e0',
          '8.8.8.8 mark 5',
          '8.8.8.8 mark 0x20 oif e1',
        ],
        ...[
          '8.8.8.8 oif e1',
          '8.8.8.8 tos 0x10',
          '8.8.8.8 uid 1000',
          '8.8.8.8 dev foo',
          'foo',
          '10.1.0.3 from 127.0.0.1 iif e0',
          'fibmatch 8.8.8.8',
          '10.1.0.3 from 10.0.0.1 iif e0',
        ],
        ...[
          '10.9.0.3 from 10.0.0.9 iif e0',
          '0.0.0.0',
          '8.8.8.8/24',
          '',
          '10.1.0.3 from 10.0.0.77 iif e0 mark 5',
          '10.1.0.3 from 10.1.0.9 iif e0',
          '10.1.0.7 from 10.0.0.5 iif e1',
        ],
        ...['fd00::2', '2001:db8::1', 'fd08::1', 'fd09::1', 'fd00::1', '::1', 'fd01::4 from fd00::9 iif e0', 'fibmatch fd08::1', 'fd08::1 oif e0'],
      ].map((a) => `ip route get ${a}`.trim()),
    );
    same(ns, node, [
      'ip -j route get 8.8.8.8',
      'ip -j route get 10.1.0.3 from 10.0.0.77 iif e0',
      'ip -d route get 8.8.8.8',
      'ip -o route get 8.8.8.8',
      'ip -6 route get 1.2.3.4',
      'ip -j route get fd08::1',
      'ip -j route get 10.9.0.1 mark 5',
      'ip -4 route get fe80::1',
    ]);
  });
  it('ip route, rule', () => {
    same(ns, node, [
      ...[
        'ip route',
        'ip -j route',
        'ip r show table 100',
        'ip route show table all',
        'ip -6 route',
        'ip route show dev e0',
        'ip route show proto kernel',
        'ip route show table 77',
        'ip -d route',
        'ip route show 10.8.0.0/16',
      ],
      ...[
        'ip -6 route show table all',
        'ip route show type blackhole',
        'ip route show scope link',
        'ip route show root 10.0.0.0/8',
        'ip route show match 10.9.1.1',
        'ip route show dev nope',
        'ip route list table local',
      ],
      ...['ip rule', 'ip -j rule', 'ip -6 rule', 'ip rule show table 100', 'ip rule list pref 500'],
    ]);
  });
  it('ip addr, link, neigh, netconf', () => {
    same(ns, node, [
      ...[
        'ip addr',
        'ip -j addr',
        'ip addr show dev e0',
        'ip -4 addr show e1',
        'ip a s e1 scope global',
        'ip -br addr',
        'ip -br -4 a',
        'ip addr show dev nope',
      ],
      ...['ip link', 'ip -j link', 'ip link show dev e0', 'ip -br link', 'ip link show up', 'ip link show nope', 'ip link show type veth'],
      ...['ip neigh', 'ip -j neigh', 'ip neigh show dev e0', 'ip neigh show dev nope', 'ip neigh show nud permanent'],
      ...['ip netconf show dev e0', 'ip -4 netconf', 'ip -j netconf show dev e1'],
      ...['ip foo', 'ip rule foo', 'ip addr foo', 'ip link set nope up'].slice(0, 3),
    ]);
  });
  it('ipset, sysctl, bridge', () => {
    same(ns, node, [
      ...[
        'ipset list S',
        'ipset list -t L',
        'ipset list -n',
        'ipset save',
        'ipset test S 10.0.0.1',
        'ipset test S 10.0.0.2',
        'ipset test L 10.0.0.0/8',
        'ipset list nope',
        'ipset test nope 1.2.3.4',
      ],
      ...['sysctl net.ipv4.ip_forward', 'sysctl -n net.ipv4.conf.e1.rp_filter', 'sysctl net.ipv4.conf.nope.rp_filter', 'sysctl net/ipv4/conf/e0/rp_filter'],
      ...['bridge fdb show', 'bridge fdb show dev e0'],
    ]);
  });
});

/** Carried out one after the other on both; `!` in front: both refuse. */
const CHANGES = `ip addr add 10.2.0.1/24 brd + dev e1
  ip addr add 10.2.0.2/24 dev e1
  ! ip addr add 10.2.0.1/24 dev e1
  ip addr add 172.16.0.1 peer 172.16.0.2 dev e1
  ip addr del 10.2.0.1/24 dev e1
  ! ip addr del 10.2.0.1/24 dev e1
  ip route add 10.50.0.0/16 via 10.1.0.7
  ! ip route add 10.50.0.0/16 via 10.1.0.8
  ip route add 10.50.0.0/16 via 10.1.0.8 metric 5
  ip route replace 10.50.0.0/16 via 10.1.0.9
  ip route append 10.50.0.0/16 via 10.1.0.11
  ip route add 10.51.0.0/16 nexthop via 10.1.0.7 weight 2 nexthop via 10.0.0.7
  ip route change 10.50.0.0/16 via 10.1.0.10 metric 5
  ! ip route change 10.52.0.0/16 via 10.1.0.10
  ! ip route add 10.53.0.0/16 via 9.9.9.9
  ip route add 10.53.0.0/16 via 9.9.9.9 dev e1 onlink
  ! ip route add 10.54.0.1/16 dev e0
  ! ip route del 10.99.0.0/16
  ip route del 10.50.0.0/16 metric 5
  ip route add 10.55.0.0/16 dev e0 src 10.1.0.1 table 77
  ! ip route add 10.56.0.0/16 dev e0 src 9.9.9.9
  ip route flush table 77
  ip rule add from 10.3.0.0/16 lookup 77
  ip rule add to 10.3.0.0/16 fwmark 0x1/0xff lookup main pref 40
  ! ip rule add to 10.3.0.0/16 fwmark 0x1/0xff lookup main pref 40
  ! ip rule del pref 41
  ip rule del from 10.3.0.0/16
  ip neigh replace 10.0.0.7 lladdr 02:00:00:00:00:17 dev e0
  ip neigh add 10.1.0.8 lladdr 02:00:00:00:00:18 dev e1 nud permanent
  ! ip neigh add 10.1.0.8 lladdr 02:00:00:00:00:18 dev e1
  ! ip neigh del 10.1.0.99 dev e1
  ip -6 route add fd50::/16 via fd01::9
  ! ip -6 route add fd50::/16 via fd01::9
  ip -6 addr add fd02::1/64 dev e1 nodad
  ! ip -6 addr add fd02::1/64 dev e1
  ip -6 addr del fd02::1/64 dev e1
  ! ip -6 addr del fd02::1/64 dev e1
  ip link set e0 down
  ip link set e0 up
  ip link set e1 mtu 1400
  ip -6 addr add fd03::1/64 dev e1 nodad
  ip link set e1 mtu 1200
  ip link set e1 mtu 1300
  ip link set e1 promisc on
  ip link set e1 promisc off
  ipset add L 10.0.0.0/8
  ! ipset add L 10.0.0.0/8
  ! ipset add N 10.0.0.0/8
  ipset swap S S
  ipset flush L
  sysctl -qw net.ipv4.conf.e0.accept_local=1`
  .split('\n')
  .map((l) => l.trim());

const AFTER = [
  'ip route show table all',
  'ip -4 addr',
  'ip rule',
  'ip neigh',
  'ip -6 route show table all',
  'ip -6 addr show dev e1',
  'ip link',
  'ipset save',
  'sysctl net.ipv4.conf.e0.accept_local',
];

describe.runIf(canUnshare)('changes', () => {
  let ns: Namespace;
  let far: Namespace;
  let net: Network;
  beforeAll(() => {
    ns = new Namespace('nfsim-test-e');
    far = new Namespace('nfsim-test-f');
    far.must('sysctl -qw net.ipv6.conf.all.disable_ipv6=1');
    far.must('sysctl -qw net.ipv6.conf.default.disable_ipv6=1');
    for (const c of [
      'ip link set lo up',
      'ip link add e0 type veth peer name p0 netns nfsim-test-f',
      'ip link add e1 type veth peer name p1 netns nfsim-test-f',
      'ip link set e0 address 02:00:00:00:00:01',
      'ip link set e1 address 02:00:00:00:00:02',
      'ip addr add 10.0.0.1/24 dev e0',
      'ip addr add 10.1.0.1/24 dev e1',
      'ip -6 addr add fd01::1/64 dev e1 nodad',
      'ip link set e0 up',
      'ip link set e1 up',
      'ip neigh add 10.0.0.7 lladdr 02:00:00:00:00:07 dev e0',
      'ipset create S hash:ip',
      'ipset create L hash:net family inet hashsize 64 maxelem 10',
    ])
      ns.must(c);
    far.must('ip link set p0 up');
    far.must('ip link set p1 up');
    net = ns.network();
  });
  afterAll(() => {
    ns.close();
    far.close();
  });

  it.each(CHANGES)('%s', (line) => {
    const refused = line.startsWith('!');
    const command = line.replace(/^! /, '');
    const real = ns.run(splitShellWords(command) ?? []);
    // A carrier is noticed a little later.
    for (let i = 0; command === 'ip link set e0 up' && i < 30 && !ns.must('ip -6 route show table local dev e0').includes('multicast'); i++)
      spawnSync('sleep', ['0.1']);
    const ds = execute(net, { node: net.nodes[0].name, command, span: null });
    expect({ refused: real.status !== 0, ours: ds.map((d) => d.message) }).toEqual({
      refused,
      ours: refused ? [real.stderr.trim().replace(/^ipset v7\.17: /, '')] : [],
    });
    const answers = ns.run(['sh', '-c', AFTER.join('; echo @; ')]).stdout.split('@\n');
    AFTER.forEach((c, i) => {
      expect({ c, stdout: inOrder(c, ask(net.nodes[0], splitShellWords(c) ?? []).stdout) }).toEqual({ c, stdout: inOrder(c, undated(answers[i])) });
    });
  });
});

const RULES = readFileSync(new URL('list-rules.txt', import.meta.url), 'utf8');

describe.runIf(canUnshare)('rule listings', () => {
  let ns: Namespace;
  let node: NodeRun;
  beforeAll(() => {
    ns = new Namespace('nfsim-test-c');
    ns.must('ipset create foo hash:ip');
    let table = 'filter';
    ns.must('iptables-legacy -N U');
    let taken = 0;
    for (const line of RULES.split('\n')) {
      if (line.startsWith('*')) table = line.slice(1);
      // An extension that this kernel was built without is left out.
      else if (line.startsWith('-')) taken += ns.run(['iptables-legacy', '-t', table, ...(splitShellWords(line) ?? [])]).status === 0 ? 1 : 0;
    }
    expect(taken).toBeGreaterThan(60);
    ns.must('ip6tables-legacy -A INPUT -p tcp --dport 80 -s fd00::/8 -j ACCEPT');
    ns.must('ip6tables-legacy -A INPUT -p icmpv6 -m icmp6 --icmpv6-type echo-request -j REJECT');
    node = ns.node();
  });
  afterAll(() => ns.close());

  it.each(['filter', 'nat', 'mangle', 'raw'])('%s', (t) => {
    same(ns, node, [
      `iptables -t ${t} -nL`,
      `iptables -t ${t} -L -n -v --line-numbers`,
      `iptables -t ${t} -S`,
      `iptables -t ${t} -L -n -v -x`,
      `iptables-save -t ${t}`,
      `iptables-save -c -t ${t}`,
      `iptables -t ${t} -S -v`,
    ]);
  });
  it('with names, one chain, one rule, none', () => {
    same(
      ns,
      node,
      [
        'iptables -t nat -L PREROUTING --line-numbers',
        'iptables -t raw -L',
        'iptables -S U',
        'iptables -L FOO',
        'iptables -L INPUT 2 -n',
        'iptables -S INPUT 2',
        'iptables -t foo -L',
        'ip6tables -nvL',
        'ip6tables -L INPUT',
        'ip6tables -S',
        'iptables-save',
        'iptables -V',
        'iptables -C INPUT -j DROP',
        'iptables -L -Z foo',
      ].slice(0, 13),
    );
  });
});

describe.runIf(canUnshare)('node1 of the report', () => {
  const dir = new URL('../../scenarios/fabedge-edge-to-node/node1/', import.meta.url);
  let ns: Namespace;
  let node: NodeRun;
  beforeAll(() => {
    ns = new Namespace('nfsim-test-d');
    ns.must('ipset restore', readFileSync(new URL('ipset-save', dir), 'utf8'));
    ns.must('iptables-legacy-restore -c', readFileSync(new URL('iptables-save', dir), 'utf8'));
    node = ns.node();
  });
  afterAll(() => ns.close());

  it('iptables and ipset', () => {
    same(ns, node, [
      ...['nat', 'filter', 'mangle', 'raw'].flatMap((t) => [`iptables -t ${t} -L`, `iptables -t ${t} -nvL --line-numbers`, `iptables -t ${t} -S`]),
      ...[
        'iptables -t nat -L PREROUTING --line-numbers',
        'iptables -t nat -L PREROUTING -n -v --line-numbers',
        'iptables -t nat -S KUBE-SERVICES',
        'iptables-save',
        'iptables-save -c',
      ],
      ...['ipset list -t', 'ipset list FABEDGE-REMOTE-POD-CIDR', 'ipset -s save', 'ipset test cali40all-ipam-pools 10.234.102.161'],
    ]);
  });
});
