/** Changes in the administrators' own commands: what they do to a node, how they are refused, what they leave alone. */
import { describe, expect, it } from 'vitest';
import { hasErrors } from '../../src/base/diagnostic.js';
import { compileTable } from '../../src/netfilter/xtables/compile.js';
import type { NodeState } from '../../src/scenario/model.js';
import { nodeFromFiles } from '../../src/scenario/node.js';
import { Network } from '../../src/stack/network.js';
import { hasNftChain } from '../../src/stack/nft-steps.js';
import { scenarioSockets } from '../../src/stack/sockets/scenario.js';
import { ask } from '../../src/tools/ask.js';
import { execute, readCommandLine } from '../../src/tools/execute.js';
import { ListRecorder } from '../../src/trace/event.js';

const LINK = (index: number, name: string, rest = ''): string =>
  `${index}: ${name}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000\n    link/ether 02:00:00:00:00:0${index} brd ff:ff:ff:ff:ff:ff${rest}\n`;

const FILES = [
  {
    path: 'ip-link.txt',
    text: `1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT group default qlen 1000\n    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n${LINK(2, 'eth0')}${LINK(3, 'eth1')}`,
  },
  {
    path: 'ip-addr.txt',
    text: `2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000\n    link/ether 02:00:00:00:00:02 brd ff:ff:ff:ff:ff:ff\n    inet 10.0.0.1/24 brd 10.0.0.255 scope global eth0\n       valid_lft forever preferred_lft forever\n`,
  },
  {
    path: 'iptables-save',
    text: '*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:U - [0:0]\n-A INPUT -s 10.9.9.9/32 -j DROP\n-A U -j ACCEPT\n-A U -p tcp -j DROP\nCOMMIT\n',
  },
  {
    path: 'ipset-save',
    text: 'create S hash:net family inet hashsize 1024 maxelem 65536\nadd S 10.0.0.0/8\ncreate T hash:ip family inet hashsize 1024 maxelem 65536\n',
  },
  {
    path: 'sysctl.txt',
    text: 'net.ipv4.ip_forward = 0\nnet.ipv4.conf.all.rp_filter = 1\nnet.ipv4.conf.eth0.rp_filter = 1\nnet.ipv4.conf.eth0.forwarding = 0\n',
  },
];

function lab(): { net: Network; run: (c: string) => string; ask: (c: string) => string; state: () => NodeState } {
  const { value, diagnostics } = nodeFromFiles('n', FILES);
  expect(diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
  const net = new Network({ nodes: [value], wires: [], clock: 0, seed: 1 }, { recorder: new ListRecorder(false), makeSockets: scenarioSockets });
  return {
    net,
    run: (c) =>
      execute(net, { node: 'n', command: c, span: null })
        .map((d) => d.message)
        .join('; '),
    ask: (c) => {
      const a = ask(net.nodes[0], readCommandLine(c)?.words ?? []);
      return a.stdout + a.stderr;
    },
    state: () => net.nodes[0].given,
  };
}

/** Commands in order ; a question ; what it answers. */
const EFFECTS: readonly (readonly [name: string, commands: readonly string[], question: string, answer: string])[] = [
  [
    'an address brings its routes',
    ['ip addr add 10.1.0.1/24 brd + dev eth1'],
    'ip route show table all dev eth1',
    '10.1.0.0/24 proto kernel scope link src 10.1.0.1 \nlocal 10.1.0.1 table local proto kernel scope host src 10.1.0.1 \nbroadcast 10.1.0.255 table local proto kernel scope link src 10.1.0.1 \n',
  ],
  [
    'and they go with it',
    ['ip addr add 10.1.0.1/24 dev eth1', 'ip route add 10.5.0.0/16 via 10.1.0.9', 'ip addr del 10.1.0.1/24 dev eth1'],
    'ip route',
    '10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.1 \n10.5.0.0/16 via 10.1.0.9 dev eth1 \n',
  ],
  [
    'a second address is secondary',
    ['ip addr add 10.0.0.2/24 dev eth0'],
    'ip -4 -br addr show eth0',
    'eth0             UP             10.0.0.1/24 10.0.0.2/24 \n',
  ],
  ['secondaries go with their primary', ['ip addr add 10.0.0.2/24 dev eth0', 'ip addr del 10.0.0.1/24 dev eth0'], 'ip -4 addr show eth0', ''],
  [
    'unless they are promoted',
    ['sysctl -w net.ipv4.conf.all.promote_secondaries=1', 'ip addr add 10.0.0.2/24 dev eth0', 'ip addr del 10.0.0.1/24 dev eth0'],
    'ip route',
    '10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.2 \n',
  ],
  ['a device that goes down takes its routes', ['ip route add default via 10.0.0.9', 'ip link set eth0 down'], 'ip route', ''],
  [
    'only the kernel’s come back',
    ['ip route add default via 10.0.0.9', 'ip link set eth0 down', 'ip link set eth0 up'],
    'ip route',
    '10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.1 \n',
  ],
  [
    'its local address stays',
    ['ip route add default via 10.0.0.9', 'ip link set eth0 down'],
    'ip route show table local type local',
    'local 10.0.0.1 dev eth0 proto kernel scope host src 10.0.0.1 \nlocal 127.0.0.0/8 dev lo proto kernel scope host src 127.0.0.1 \nlocal 127.0.0.1 dev lo proto kernel scope host src 127.0.0.1 \n',
  ],
  [
    'routes replaced, flushed',
    [
      'ip route add 10.7.0.0/16 via 10.0.0.9 table 7',
      'ip route add 10.8.0.0/16 via 10.0.0.9',
      'ip route replace 10.8.0.0/16 via 10.0.0.8',
      'ip route flush table 7',
    ],
    'ip route show table all type unicast',
    '10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.1 \n10.8.0.0/16 via 10.0.0.8 dev eth0 \n',
  ],
  [
    'rules',
    ['ip rule add fwmark 0x1 lookup 7 pref 100', 'ip rule add from 10.0.0.0/8 lookup 8', 'ip rule del pref 100'],
    'ip rule',
    '0:\tfrom all lookup local\n99:\tfrom 10.0.0.0/8 lookup 8\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n',
  ],
  [
    'neighbours',
    ['ip neigh add 10.0.0.9 lladdr 02:00:00:00:00:99 dev eth0', 'ip neigh replace 10.0.0.9 lladdr 02:00:00:00:00:98 dev eth0 nud reachable'],
    'ip neigh',
    '10.0.0.9 dev eth0 lladdr 02:00:00:00:00:98 REACHABLE \n',
  ],
  ['neighbours go with the device', ['ip neigh add 10.0.0.9 lladdr 02:00:00:00:00:99 dev eth0', 'ip link set dev eth0 down'], 'ip neigh', ''],
  [
    'ip_forward sets every device',
    ['sysctl -w net.ipv4.ip_forward=1'],
    'ip -4 netconf show dev eth0',
    'inet eth0 forwarding on rp_filter strict mc_forwarding off proxy_neigh off ignore_routes_with_linkdown off \n',
  ],
  [
    'the default is for devices without an address',
    ['sysctl -w net.ipv4.conf.default.accept_local=1'],
    'sysctl net.ipv4.conf.eth0.accept_local net.ipv4.conf.eth1.accept_local',
    'net.ipv4.conf.eth0.accept_local = 0\nnet.ipv4.conf.eth1.accept_local = 1\n',
  ],
  [
    'sets',
    ['ipset add T 1.2.3.4', 'ipset create X hash:ip', 'ipset add X 9.9.9.9', 'ipset swap T X', 'ipset flush X', 'ipset rename X Y'],
    'ipset save T',
    'create T hash:ip family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x00000000\nadd T 9.9.9.9\n',
  ],
  ['ipset restore from standard input', ['ipset restore <<EOF\ncreate R hash:ip\nadd R 5.5.5.5\nEOF'], 'ipset list -n', 'S\nT\nR\n'],
  [
    'rules of iptables',
    [
      'iptables -I INPUT -j ACCEPT',
      'iptables -R INPUT 2 -s 10.9.9.8 -j DROP',
      'iptables -P FORWARD DROP',
      'iptables -N NEW',
      'iptables -E NEW OLD',
      'iptables -D U 2',
    ],
    'iptables -S',
    '-P INPUT ACCEPT\n-P FORWARD DROP\n-P OUTPUT ACCEPT\n-N OLD\n-N U\n-A INPUT -j ACCEPT\n-A INPUT -s 10.9.9.8/32 -j DROP\n-A U -j ACCEPT\n',
  ],
  [
    'restore --noflush empties the chains it declares',
    ['iptables-restore --noflush <<EOF\n*filter\n:U - [0:0]\n-A U -p udp -j ACCEPT\nCOMMIT\nEOF'],
    'iptables -S',
    '-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n-N U\n-A INPUT -s 10.9.9.9/32 -j DROP\n-A U -p udp -j ACCEPT\n',
  ],
  [
    'restore leaves what it committed, and nothing of what it did not',
    ['iptables-restore <<EOF\n*nat\n-A PREROUTING -j ACCEPT\nCOMMIT\n*filter\n-A INPUT -j MISSING\nCOMMIT\nEOF'],
    'iptables-save',
    '*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n-A PREROUTING -j ACCEPT\nCOMMIT\n*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:U - [0:0]\n-A INPUT -s 10.9.9.9/32 -j DROP\n-A U -j ACCEPT\n-A U -p tcp -j DROP\nCOMMIT\n',
  ],
  [
    'bridges',
    [
      'ip link add br0 type bridge',
      'ip link set eth1 master br0',
      'bridge link set dev eth1 hairpin on',
      'bridge fdb add 02:00:00:00:00:77 dev eth1 master static',
    ],
    'bridge fdb show br br0',
    '02:00:5e:00:00:04 dev br0 master br0 permanent\n02:00:00:00:00:03 dev eth1 master br0 permanent\n02:00:00:00:00:77 dev eth1 master br0 static\n',
  ],
  [
    'conntrack',
    ['conntrack -I -p udp -s 1.1.1.1 -d 2.2.2.2 --sport 5 --dport 53 -t 30'],
    'conntrack -L',
    'udp      17 30 src=1.1.1.1 dst=2.2.2.2 sport=5 dport=53 [UNREPLIED] src=2.2.2.2 dst=1.1.1.1 sport=53 dport=5 mark=0 use=1\nconntrack v1.4.7 (conntrack-tools): 1 flow entries have been shown.\n',
  ],
  ['conntrack -D', ['conntrack -I -p udp -s 1.1.1.1 -d 2.2.2.2 --sport 5 --dport 53 -t 30', 'conntrack -D -p udp'], 'conntrack -C', '0\n'],
  [
    'xfrm',
    [
      'ip xfrm policy add src 10.0.0.0/24 dst 10.1.0.0/24 dir out tmpl src 1.1.1.1 dst 2.2.2.2 proto esp reqid 5 mode tunnel',
      'ip xfrm policy add src 10.1.0.0/24 dst 10.0.0.0/24 dir in',
      'ip xfrm policy deleteall dir in',
    ],
    'ip xfrm policy',
    'src 10.0.0.0/24 dst 10.1.0.0/24 \n\tdir out priority 0 ptype main \n\ttmpl src 1.1.1.1 dst 2.2.2.2\n\t\tproto esp reqid 5 mode tunnel\n',
  ],
  ['ebtables', ['ebtables -A FORWARD -p ARP -j DROP'], 'ebtables-save', '*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\n-A FORWARD -p ARP -j DROP\n'],
];

describe('effects', () => {
  it.each(EFFECTS)('%s', (name, commands, question, answer) => {
    const l = lab();
    const said = commands.map((c) => l.run(c));
    // What a restore could not do is said; all others succeed.
    expect(said.filter((s) => s !== '')).toHaveLength(name.startsWith('restore leaves') ? 1 : 0);
    expect(l.ask(question)).toBe(answer);
  });
});

/** Command ; what the tool says ; word pointed at ; hint (a part of it). */
const REFUSALS: readonly (readonly [command: string, message: RegExp, word: string, hint?: string])[] = [
  ['ip route add 10.0.0.0/24 dev eth0', /^RTNETLINK answers: File exists$|^$/, ''],
  ['ip route add default via 7.7.7.7', /^Error: Nexthop has invalid gateway\.$/, ''],
  ['ip route del 10.44.0.0/16', /^RTNETLINK answers: No such process$/, ''],
  ['ip route add default dev ethX', /^Cannot find device "ethX"$/, 'ethX'],
  ['ip route add 10.0.0.0/33 dev eth0', /^Error: any valid prefix is expected rather than "10\.0\.0\.0\/33"\.$/, '10.0.0.0/33'],
  ['ip rotue add default', /^Object "rotue" is unknown, try "ip help"\.$/, 'rotue', 'route'],
  ['ip route bad', /^Command "bad" is unknown, try "ip route help"\.$/, 'bad'],
  ['ip addr add 10.0.0.1/24 dev eth0', /^Error: ipv4: Address already assigned\.$/, ''],
  ['ip addr del 10.0.0.77/24 dev eth0', /^Error: ipv4: Address not found\.$/, ''],
  ['ip link set ethX up', /^Cannot find device "ethX"$/, 'ethX'],
  ['ip link add v0 type veth', /not supported/, 'veth'],
  ['ip rule del pref 5', /^RTNETLINK answers: No such file or directory$/, ''],
  ['ip neigh del 10.0.0.9 dev eth0', /^RTNETLINK answers: No such file or directory$/, ''],
  ['ip xfrm policy delete src 1.0.0.0/8 dst 2.0.0.0/8 dir in', /^RTNETLINK answers: No such file or directory$/, ''],
  ['iptables -A FORWRD -j DROP', /^iptables: No chain\/target\/match by that name\.$/, '', 'FORWARD'],
  ['iptables -t net -F', /Table does not exist/, '', 'nat'],
  ['iptables -D INPUT 9', /^iptables: Index of deletion too big\.$/, ''],
  ['iptables -A INPUT --dprt 5 -j DROP', /unknown option/, ''],
  ['ipset add NOPE 1.2.3.4', /^The set with the given name does not exist$/, 'NOPE'],
  ['ipset add T 1.2.3.4.5', /./, '1.2.3.4.5'],
  [
    'sysctl -w net.ipv4.conf.eth9.rp_filter=1',
    /cannot stat \/proc\/sys\/net\/ipv4\/conf\/eth9\/rp_filter: No such file or directory$/,
    'net.ipv4.conf.eth9.rp_filter',
    'eth0',
  ],
  ['sysctl -w net.ipv4.conf.eth0.rp_fliter=1', /No such file or directory$/, 'net.ipv4.conf.eth0.rp_fliter', 'rp_filter'],
  ['sysctl -w net.ipv4.ip_forward=yes', /Invalid argument$/, 'yes'],
  ['bridge link set dev eth0 hairpin on', /^RTNETLINK answers: Operation not supported$/, ''],
  ['bridge lnk show', /^Object "lnk" is unknown/, 'lnk'],
  ['conntrack -D -s 1.2.3', /is not an address/, '1.2.3'],
  ['ebtables -A NOPE -j DROP', /No chain\/target\/match by that name/, ''],
  ['iptable -A INPUT -j DROP', /no command that is known here/, 'iptable', 'iptables'],
  ['ip addr show', /changes nothing/, '', 'sim exec'],
  ['ip route add "default', /a quote is not closed/, '"'],
];

describe('refusals leave the node as it was, in the tool’s own words', () => {
  it.each(REFUSALS.map((r) => [r[0], r] as const))('%s', (command, [, message, word, hint]) => {
    const l = lab();
    const before = l.state();
    const ds = execute(l.net, { node: 'n', command, span: null });
    expect(hasErrors(ds)).toBe(true);
    expect(ds[0].message).toMatch(message);
    expect(ds[0].message).not.toMatch(/undefined|\[object|NaN/);
    if (word !== '') expect(command.slice((ds[0].span?.column ?? 0) - 1, (ds[0].span?.column ?? 0) - 1 + (ds[0].span?.length ?? 0))).toBe(word);
    if (hint !== undefined) expect(ds[0].hint).toContain(hint);
    expect(l.state()).toBe(before);
  });

  it('points into the scenario file behind the command’s own place', () => {
    const l = lab();
    const command = 'ip link set ethX up';
    const [d] = execute(l.net, { node: 'n', command, span: { file: 's.yaml', line: 7, column: 10, length: command.length } });
    expect(d.span).toEqual({ file: 's.yaml', line: 7, column: 22, length: 4 });
  });
  it('names a node that is nearly right', () => {
    const l = lab();
    expect(execute(l.net, { node: 'm', command: 'ip a', span: null })[0].hint).toBe('did you mean “n”?');
  });
});

describe('what is not touched stays the same object', () => {
  it('a sysctl recompiles no chain', () => {
    const l = lab();
    const before = l.state();
    l.run('sysctl -w net.ipv4.conf.all.rp_filter=2');
    const after = l.state();
    expect(after.sysctls).not.toBe(before.sysctls);
    for (const key of ['iptables', 'sets', 'links', 'addrs', 'routes', 'neighs'] as const) expect(after[key]).toBe(before[key]);
  });
  it('one rule recompiles one chain', () => {
    const l = lab();
    const before = l.state().iptables!.tables[0];
    l.run('iptables -A INPUT -p udp -j DROP');
    const after = l.state().iptables!.tables[0];
    // Chains without rules share one list: there is nothing to compile.
    const full = after.chains.filter((c) => c.rules.length > 0).map((c) => c.name);
    const rules = (t: typeof before, name: string) => compileTable(t, 'ipv4').chain(name)?.first;
    expect(full.map((name) => [name, rules(after, name) === rules(before, name)])).toEqual([
      ['INPUT', false],
      ['U', true],
    ]);
  });
  it('one member leaves the other set alone', () => {
    const l = lab();
    const [s] = l.state().sets;
    l.run('ipset add T 1.2.3.4');
    expect(l.state().sets[0]).toBe(s);
  });
});

describe('iptables-nft makes of a table that is not there', () => {
  // As `nft list ruleset` showed after each command of iptables-nft 1.8.9.
  it.each([
    ['-A FORWARD -j ACCEPT', 'filter', ['FORWARD']],
    ['-t mangle -P INPUT DROP', 'mangle', ['INPUT']],
    ['-t nat -N U', 'nat', []],
    ['-t security -F INPUT', 'security', ['INPUT']],
  ])('%s', (command, table, chains) => {
    const l = lab();
    l.run(`iptables-nft ${command}`);
    const points = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'];
    expect(l.state().iptablesNft?.tables.map((t) => t.name)).toEqual([table]);
    expect(points.filter((p) => hasNftChain(l.state(), 'ipv4', table, p))).toEqual(chains);
    l.run(`iptables-nft -t ${table} -A OUTPUT -j ACCEPT`);
    expect(points.filter((p) => hasNftChain(l.state(), 'ipv4', table, p))).toEqual([...chains, 'OUTPUT']);
  });
  it('nothing where no chain is named', () => {
    const l = lab();
    l.run('iptables-nft -t mangle -F');
    expect(l.state().iptablesNft).toBeNull();
  });
});
