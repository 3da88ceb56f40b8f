/** A snapshot with parts missing loads, says what that makes inconclusive, and the packet that depends on the part ends so, naming it. */
import { describe, expect, it } from 'vitest';
import { loadScenario } from '../../src/scenario/load.js';
import { type PacketRun, runScenario } from '../../src/stack/run-scenario.js';
import { ask } from '../../src/tools/ask.js';
import { execute } from '../../src/tools/execute.js';
import { memoryFiles } from '../diagnostics.readers.js';

/** A router: what its tools would print. */
const texts: readonly (readonly [string, string])[] = [
  ['kernel-release', '6.18.1'],
  [
    'ip-link.txt',
    `1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00 promiscuity 0
2: in0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000
    link/ether 02:00:00:00:00:02 brd ff:ff:ff:ff:ff:ff promiscuity 0
    veth numtxqueues 1
3: out0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000
    link/ether 02:00:00:00:00:03 brd ff:ff:ff:ff:ff:ff promiscuity 0
    veth numtxqueues 1
4: br0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000
    link/ether 02:00:00:00:00:04 brd ff:ff:ff:ff:ff:ff promiscuity 0
    bridge forward_delay 1500
5: p1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master br0 state UP mode DEFAULT group default qlen 1000
    link/ether 02:00:00:00:00:05 brd ff:ff:ff:ff:ff:ff promiscuity 1
    veth
    bridge_slave state forwarding
6: p2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master br0 state UP mode DEFAULT group default qlen 1000
    link/ether 02:00:00:00:00:06 brd ff:ff:ff:ff:ff:ff promiscuity 1
    veth
    bridge_slave state forwarding
`,
  ],
  [
    'ip-addr.txt',
    `2: in0: <UP> mtu 1500 state UP
    link/ether 02:00:00:00:00:02 brd ff:ff:ff:ff:ff:ff
    inet 10.0.1.1/24 brd 10.0.1.255 scope global in0
    inet6 2001:db8:1::1/64 scope global
3: out0: <UP> mtu 1500 state UP
    link/ether 02:00:00:00:00:03 brd ff:ff:ff:ff:ff:ff
    inet 10.0.2.1/24 brd 10.0.2.255 scope global out0
    inet6 2001:db8:2::1/64 scope global
`,
  ],
  ['ip-rule.txt', '0:\tfrom all lookup local\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n'],
  ['ip-rule6.txt', '0:\tfrom all lookup local\n32766:\tfrom all lookup main\n'],
  ['ip-route.txt', '10.0.1.0/24 dev in0 proto kernel scope link src 10.0.1.1\n10.0.2.0/24 dev out0 proto kernel scope link src 10.0.2.1\n'],
  ['ip-route6.txt', '2001:db8:1::/64 dev in0 proto kernel metric 256 pref medium\n2001:db8:2::/64 dev out0 proto kernel metric 256 pref medium\n'],
  ['neigh.txt', '10.0.2.9 dev out0 lladdr 02:00:00:00:09:09 PERMANENT\n2001:db8:2::9 dev out0 lladdr 02:00:00:00:09:09 PERMANENT\n'],
  ['bridge-fdb.txt', ''],
  ['xfrm-policy.txt', ''],
  ['xfrm-state.txt', ''],
  ['sockets.txt', ''],
  [
    'sysctl.txt',
    'net/ipv4/ip_forward = 1\nnet/ipv6/conf/all/forwarding = 1\nnet/bridge/bridge-nf-call-iptables = 0\nnet/bridge/bridge-nf-call-ip6tables = 0\n',
  ],
  [
    'iptables-legacy-save',
    '*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A FORWARD -p udp -m set --match-set blocked src -j DROP\nCOMMIT\n',
  ],
  ['ip6tables-legacy-save', ''],
  ['iptables-nft-save', ''],
  ['ip6tables-nft-save', ''],
  ['nft-ruleset', ''],
  ['ebtables-nft-save', ''],
  ['ebtables-legacy-save', ''],
  ['ipset-save', 'create blocked hash:ip family inet hashsize 1024 maxelem 65536\n'],
  ['conntrack.txt', ''],
];

/** `lost`: how parts ended that did not answer; null: left out altogether. */
function snapshot(lost: ReadonlyMap<string, string | null>): string {
  let out = 'netfilter-sim snapshot 1\n';
  for (const [name, text] of texts) {
    const end = lost.get(name);
    if (end === null) continue;
    out +=
      end === undefined
        ? `== ${name}: cmd\n${text
            .split('\n')
            .map((l) => `|${l}\n`)
            .join('')}-- exit 0\n`
        : `== ${name}: cmd\n!no\n-- ${end}\n`;
  }
  return `${out}== end\n`;
}

const packets = `packets:
  - { name: ping4, at: r:in0, packet: 'icmp 10.0.1.9 > 10.0.2.9' }
  - { name: udp4, at: r:in0, packet: 'udp 10.0.1.9:5 > 10.0.2.9:6' }
  - { name: ping6, at: r:in0, packet: 'icmp6 2001:db8:1::9 > 2001:db8:2::9' }
  - { name: own4, from: r, ping: 10.0.2.9 }
  - { name: bridged, at: r:p1, frame: 02000000aaaa02000000bbbb08004500001c00000000400166de0a0001090a0002090800f7ff00000000 }
`;

function run(lost: ReadonlyMap<string, string | null>, extra = ''): { warnings: string[]; fates: Record<string, string> } {
  const files = memoryFiles({ 's.yaml': `version: 1\nnodes: { r: { dumps: r.snapshot${extra} } }\n${packets}`, 'r.snapshot': snapshot(lost) });
  const { value, diagnostics } = loadScenario('s.yaml', files);
  if (!value) throw new Error(diagnostics.map((d) => d.message).join('\n'));
  const fateOf = (p: PacketRun): string => {
    const e = p.events.find((x) => x.t === 'inconclusive');
    const { kind, dev, drop } = p.outcome.request;
    return e?.t === 'inconclusive'
      ? `inconclusive: ${e.what}`
      : [kind, dev, drop?.reason, ...p.events.flatMap((x) => (x.t === 'hook' ? [x.hook] : []))].join(' ');
  };
  const runs = runScenario(value, { execute }).packets;
  return { warnings: diagnostics.map((d) => `${d.message} -> ${d.hint}`), fates: Object.fromEntries(runs.map((p) => [p.packet.name, fateOf(p)])) };
}

const whole = run(new Map());
const gone = (...names: string[]): ReadonlyMap<string, string> => new Map(names.map((n) => [n, 'missing tool']));

describe('missing parts', () => {
  it('a whole snapshot warns of nothing and knows all fates', () => {
    expect(whole.warnings).toEqual([]);
    expect(whole.fates).toEqual({
      ping4: 'left out0  PREROUTING FORWARD POSTROUTING',
      udp4: 'left out0  PREROUTING FORWARD POSTROUTING',
      ping6: 'left out0  PREROUTING FORWARD POSTROUTING',
      own4: 'left out0  OUTPUT POSTROUTING',
      bridged: 'left p2  PREROUTING FORWARD POSTROUTING',
    });
  });

  // The part; the packets that are inconclusive without it. All others end as they did.
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ['kernel-release', []],
    ['neigh.txt', []],
    ['bridge-fdb.txt', []],
    ['xfrm-policy.txt', []],
    ['sockets.txt', []],
    ['conntrack.txt', []],
    ['nft-ruleset', []],
    ['sysctl.txt', ['ping4', 'udp4', 'ping6', 'bridged']],
    ['ip-rule.txt', ['ping4', 'udp4', 'own4']],
    ['ip-route.txt', ['ping4', 'udp4', 'own4']],
    ['ip-rule6.txt', ['ping6']],
    ['ip-route6.txt', ['ping6']],
    ['iptables-legacy-save', ['ping4', 'udp4', 'own4']],
    ['ip6tables-legacy-save', ['ping6']],
    ['ebtables-legacy-save', ['bridged']],
    ['ipset-save', ['udp4']],
  ];
  it.each(rows)('%s', (part, expected) => {
    for (const end of ['missing tool', 'exit 1', 'unread: nobody asked', null]) {
      const r = run(new Map([[part, end]]));
      expect(r.warnings).toHaveLength(1);
      for (const [name, fate] of Object.entries(r.fates)) {
        if (expected.includes(name)) expect(fate).toMatch(/^inconclusive: (set blocked: )?not known of this node: .+; /);
        else if (part !== 'neigh.txt') expect([name, fate]).toEqual([name, whole.fates[name]]);
        else expect(fate).not.toMatch(/inconclusive/);
      }
    }
  });

  it('a part that the kernel has nothing of is not missing', () => {
    for (const part of ['conntrack.txt', 'ebtables-legacy-save', 'ip6tables-legacy-save', 'xfrm-policy.txt'])
      expect(run(new Map([[part, 'absent: no such module']]))).toEqual(whole);
  });

  it('nft list ruleset tells of iptables-nft as well', () => {
    expect(run(gone('iptables-nft-save', 'ip6tables-nft-save'))).toEqual(whole);
    const r = run(gone('iptables-nft-save', 'nft-ruleset'));
    expect(r.fates.ping4).toBe('inconclusive: not known of this node: the rules of iptables-nft; there is no tool on the node');
    expect(r.fates.ping6).toBe(whole.fates.ping6);
  });

  it('what the scenario says itself is known', () => {
    const r = run(
      gone('iptables-legacy-save', 'sysctl.txt'),
      ', iptables: "", sysctl: { net.ipv4.ip_forward: 1, net.ipv6.conf.all.forwarding: 1, net.bridge.bridge-nf-call-iptables: 0 }',
    );
    expect(r.fates).toEqual(whole.fates);
  });

  it('ip route get does not answer from what it does not know', () => {
    const files = memoryFiles({ 's.yaml': 'version: 1\nnodes: { r: { dumps: r.snapshot } }\n', 'r.snapshot': snapshot(gone('ip-route.txt')) });
    const node = runScenario(loadScenario('s.yaml', files).value!, { execute }).network.node('r')!;
    expect(ask(node, ['ip', 'route', 'get', '10.0.2.9'])).toEqual({
      status: 2,
      stdout: '',
      stderr: 'sim: not known of this node: the routes; there is no tool on the node\n',
    });
    expect(ask(node, ['ip', '-6', 'route', 'get', '2001:db8:2::9'])).toMatchObject({ status: 0 });
  });

  it('a reason that the tool gave is passed on', () => {
    expect(run(new Map([['iptables-legacy-save', 'exit 4']])).fates.ping4).toMatch(/“cmd” ended with 4: no$/);
  });
});
