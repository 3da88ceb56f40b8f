/** What the tools are told to make a node. */
import { describe, expect, it } from 'vitest';
import { nftText } from '../../src/lab/nft-load.js';
import { addLink, bridgeCommands, conntrackCommands, familyLines, linkLines } from '../../src/lab/node-setup.js';
import { prepared, unbuildable } from '../../src/lab/scenario-bench.js';
import { loadScenario } from '../../src/scenario/load.js';
import { nativeTables } from '../../src/stack/nft-native.js';

const load = (text: string) => {
  const { value, diagnostics } = loadScenario('s.yaml', { read: (p) => (p === 's.yaml' ? text : null), list: () => null });
  expect(diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
  if (!value) throw new Error('not loaded');
  return value;
};

const SCENARIO = `
version: 1
nodes:
  a:
    addresses: { eth0: [10.0.0.1/24, 'fd00::1/64'], vx: 10.9.0.1/24 }
    links: { vx: { kind: vxlan, id: 7, local: 10.0.0.1, remote: 10.0.0.2, dstport: 4789, dev: eth0 }, br0: { kind: bridge, ports: [p1] }, p1: { hairpin: true } }
    gateway: 10.0.0.254
    sysctl: { net.ipv4.ip_forward: 1 }
  b: { address: 10.0.0.2/24 }
wires:
  - [a:eth0, b:eth0]
packets:
  - { name: p, from: b, ping: 10.0.0.1 }
`;

describe('a node', () => {
  const s = load(SCENARIO);
  const a = s.nodes[0];
  const device = (name: string) => a.links.find((l) => l.name === name)!;
  it('vxlan with the remote it was given, a bridge, ports', () => {
    expect(addLink(device('vx'))?.join(' ')).toMatch(
      /^link add vx index \d+ type vxlan id 7 dstport 4789 local 10\.0\.0\.1 remote 10\.0\.0\.2 dev eth0 learning$/,
    );
    expect(addLink(device('br0'))?.slice(0, 3)).toEqual(['link', 'add', 'br0']);
    expect(linkLines(a)).toContain('link set p1 master br0');
    expect(bridgeCommands(a)).toEqual(['bridge link set dev p1 hairpin on']);
  });
  it('addresses and routes of each family', () => {
    expect(familyLines(a, 'ipv4')).toContain('addr add 10.0.0.1/24 brd 10.0.0.255 dev eth0');
    expect(familyLines(a, 'ipv4')).toContainEqual(expect.stringMatching(/^route replace default via 10\.0\.0\.254 dev eth0/));
    expect(familyLines(a, 'ipv6')).toContain('addr replace fd00::1/64 dev eth0 nodad');
  });
  it('tracing is a command on each node, and a VXLAN source port is no chance', () => {
    const p = prepared(s, 'legacy');
    expect(p.do.map((c) => `${c.node}: ${c.command}`)).toContain('b: ip6tables -t raw -I OUTPUT -j TRACE');
    expect(p.nodes[0].links.find((l) => l.name === 'vx')?.data.port_range).toEqual({ low: 50000, high: 50001 });
  });
});

describe('rules of nft itself', () => {
  const nft = `
    nft: |
      table ip nat {
        map m { type inet_service : ipv4_addr; elements = { 80 : 10.0.0.9 } }
        chain pre { type nat hook prerouting priority dstnat; policy accept;
          dnat to tcp dport map @m }
        chain sub { ip saddr 10.0.0.1 return }
      }`;
  const given = load(SCENARIO.replace(/b: \{ (address: 10\.0\.0\.2\/24) \}/, `b:\n    $1${nft}`));
  const p = prepared(given, 'legacy');
  const b = p.nodes.find((n) => n.name === 'b')!;
  it('are traced by a table of its own, and iptables of that node is iptables-nft', () => {
    expect(p.do.map((c) => c.node)).not.toContain('b');
    expect(b.nftRuleset?.map((t) => `${t.family} ${t.name}`)).toEqual(['ip nat', 'inet nfsimtrace']);
    expect([b.iptables, b.iptablesNft?.tables]).toEqual([null, []]);
  });
  it('are loaded as text', () => {
    expect(nftText(nativeTables(b).late).split('\n').slice(0, 9)).toEqual([
      'table ip nat {',
      'map m {',
      expect.stringContaining('elements = { 80 : 10.0.0.9 }'),
      '}',
      'chain pre {',
      'type nat hook prerouting priority -100; policy accept;',
      'dnat to tcp dport map @m',
      '}',
      'chain sub {',
    ]);
  });
  it('that flush the rule set are not built', () => {
    const s = { ...given, do: [{ node: 'b', command: 'nft flush ruleset', span: null }], nodes: given.nodes.map((n) => ({ ...n, links: [] })) };
    expect(unbuildable(s)).toMatch(/flushes the rule set/);
  });
});

describe('what no lab can send is said', () => {
  it.each([
    ["{ name: p, at: 'b:br0', packet: 'icmp 10.0.0.1 > 10.0.0.2' }", 'has no far end'],
    ["{ name: p, from: b, packet: 'icmp 10.0.0.2 > 10.0.0.1' }", 'raw IP socket'],
  ])('%s', (packet, why) => {
    const bridge = SCENARIO.replace('b: { address: 10.0.0.2/24 }', 'b: { address: 10.0.0.2/24, links: { br0: { kind: bridge } } }')
      .replace(/ {4}links: .*\n/, '')
      .replace(', vx: 10.9.0.1/24', '');
    const s = load(bridge.replace('{ name: p, from: b, ping: 10.0.0.1 }', packet));
    const without = {
      ...s,
      nodes: s.nodes.map((n) => ({ ...n, links: n.links.map((l) => ({ ...l, kind: l.name === 'br0' && !packet.includes('br0') ? '' : l.kind })) })),
    };
    expect(unbuildable(without) ?? '').toMatch(new RegExp(`${why}|this kernel has no bridge`));
  });
});

describe('conntrack entries', () => {
  it.each([
    [
      'udp      17 29 src=10.0.0.1 dst=10.96.0.1 sport=5000 dport=53 [UNREPLIED] src=10.96.0.1 dst=10.0.0.1 sport=53 dport=5000 mark=0 use=1',
      'conntrack -I -p udp -s 10.0.0.1 -d 10.96.0.1 --timeout 29 --sport 5000 --dport 53',
    ],
    [
      'tcp      6 431999 ESTABLISHED src=10.0.0.1 dst=10.96.0.1 sport=5000 dport=80 src=10.1.0.5 dst=192.168.0.2 sport=8080 dport=5000 [ASSURED] mark=4 use=1',
      'conntrack -I -p tcp -s 10.0.0.1 -d 10.96.0.1 --timeout 431999 --sport 5000 --dport 80 --dst-nat 10.1.0.5:8080 --src-nat 192.168.0.2 --state ESTABLISHED -u SEEN_REPLY,ASSURED --mark 4',
    ],
    [
      'icmp     1 20 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=77 src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=77 mark=0 use=1',
      'conntrack -I -p icmp -s 10.0.0.1 -d 10.0.0.2 --timeout 20 --icmp-type 8 --icmp-code 0 --icmp-id 77 -u SEEN_REPLY',
    ],
  ])('%s', (listed, command) => expect(conntrackCommands(`${listed}\n`)).toEqual([command]));
});
