/** What a puzzled person reads first, for causes that do not lie where the packet was lost: the lines in front of the walk. */
import { describe, expect, it } from 'vitest';
import { diskFiles, findScenario } from '../../src/cli/files.js';
import { EVERYTHING } from '../../src/render/narrow.js';
import { renderStory } from '../../src/render/story.js';
import { parseScenario } from '../../src/scenario/load.js';
import { runScenario } from '../../src/stack/run-scenario.js';
import { applyAll } from '../../src/tools/apply.js';
import { execute } from '../../src/tools/execute.js';

function answer(text: string, file = 's.yaml', packet: string | null = null): string {
  const { value, diagnostics } = parseScenario(text, file, diskFiles);
  if (!value) throw new Error(diagnostics.map((d) => d.message).join('; '));
  const run = runScenario(value, { execute, apply: applyAll });
  return renderStory(run, { verbose: false, colour: false, narrow: { ...EVERYTHING, packet } }).split('\n--- ')[0];
}

const library = (name: string, packet: string | null = null): string => {
  const file = findScenario(name) as string;
  return answer(diskFiles.read(file) ?? '', file, packet);
};

describe('the cause stands in the first ten lines', () => {
  it.each([
    ['arp-not-answered', null, ['r got the ARP request for 10.0.1.1 on eth0 and does not answer it: the route back to 10.0.9.9 uses eth1', 'all=1 and eth0=0']],
    ['docker-firewall-ipv6', null, ['Its neighbour solicitation for the next hop fd00:5::30 dies on host in the bridge, at FORWARD']],
    ['docker-makes-the-bridge-a-firewall', null, ['because net.bridge.bridge-nf-call-iptables is 1 on host']],
    ['tproxy-on-a-bridge', null, ['because TPROXY chose its socket while the packet was within the bridge', 'mangle:PREROUTING:2']],
    ['same-node-cluster-ip', 'query', ['An answer came back from 10.5.0.3:53 instead of 10.96.0.1:53', 'the answer is only bridged (cni0: vb to va)']],
    ['hairpin-nat', null, ['on server the request came in on eth0 from router, and the answer goes by eth0 straight to client (table main: 10.0.1.0/24']],
    ['external-traffic-policy-local', null, ['on pod the request came in on veth0 from node, and the answer leaves by eth0 via 172.20.0.1 to router']],
    ['multi-wan', null, ['on router the request came in on wan2 from isp2, and the answer leaves by wan1 via 198.51.100.1 to isp1']],
    ['mark-reroute-keeps-source', null, ['on host it was routed again after OUTPUT changed it, with mark 0x1: out of eth1', 'still from 10.1.0.2']],
    ['mask-versus-exact-mark', null, ['ip rule 100 “from all fwmark 0x1 lookup 100” asks for the mark 0x1 exactly and it has 0x101']],
    ['wg-quick-in-a-container', null, ['since it is looked up without the mark 0xca6c (src_valid_mark is 0)']],
    ['ipsec-masquerade-first', null, ['so it left left in clear: NAT comes before IPsec']],
    [
      'stale-udp-entry',
      'same-ports-afterwards',
      ['node knew this flow already, untranslated', 'conntrack -L -p udp -s 10.5.0.2 -d 10.96.0.10 --sport 40000 --dport 53'],
    ],
    ['net-iface-on-a-bridge', null, ['because set foo, which has 1 entry, lacks 192.168.1.10,br1']],
    ['remote-cluster-not-in-the-pool', null, ['because set cali40all-ipam-pools, which has 1 entry, lacks 10.245.1.5\n']],
    ['docker-bypasses-ufw', null, ['went client > host (eth0 > docker0) > container', 'let through on host by filter:DOCKER:1']],
    ['vxlan-outer-masqueraded', null, ['on node1 the outer packet’s source port 60486 became']],
    ['jump-behind-flannel', null, ['on connector its source 10.234.64.5 became 172.31.0.1, by nat:POSTROUTING:1']],
  ] as const)('%s', (name, packet, parts) => {
    const ten = library(name, packet).split('\n').slice(0, 10).join('\n');
    for (const part of parts) expect(ten).toContain(part);
  });
});

const ROUTER = `version: 1
nodes:
  router:
    addresses: { lan: 10.0.0.1/24, wan: 203.0.113.1/24 }
    gateway: 203.0.113.254
    sysctl: { net.ipv4.ip_forward: 1 }
`;

describe('an answer from elsewhere', () => {
  it('is not explained by what the client has no socket for', () => expect(library('noflush-empties-a-chain')).not.toContain('assumed'));
  it('is sent back where its way parts', () =>
    expect(library('external-traffic-policy-local')).toContain('on pod the request came in on veth0 from node, and the answer leaves by eth0'));
});

describe('a next hop that nobody shows', () => {
  it('is no failure: the files end there', () => {
    const text = answer(`${ROUTER}packets:\n  - { name: p, at: router:lan, packet: 'icmp 10.0.0.9 > 8.8.8.8' }\n`);
    expect(text).toContain('leaves router by wan to the next hop 203.0.113.254 (no dump says whose MAC address that is)');
    expect(text).not.toContain('LOST');
  });
  it('is one where the dump says FAILED', () => {
    const neigh = '    neigh: |\n      203.0.113.254 dev wan FAILED\n';
    const text = answer(`${ROUTER}${neigh}packets:\n  - { name: p, at: router:lan, packet: 'icmp 10.0.0.9 > 8.8.8.8' }\n`);
    expect(text).toContain('Nobody answers for the next hop 203.0.113.254 on wan: already in the dump it is FAILED.');
  });
  it('is one where a wire leads to somebody else', () => {
    const peer = '  peer: { address: 203.0.113.9/24 }\nwires:\n  - [router:wan, peer:eth0]\n';
    const text = answer(`${ROUTER}${peer}packets:\n  - { name: p, at: router:lan, packet: 'icmp 10.0.0.9 > 8.8.8.8' }\n`);
    expect(text).toContain('the ARP request reached peer, and that is no address there');
  });
});

const PAIR = `version: 1
nodes:
  c: { address: 10.0.0.9/24, gateway: 10.0.0.1 }
  r:
    addresses: { lan: 10.0.0.1/24, wan: 203.0.113.1/24 }
    sysctl: { net.ipv4.ip_forward: 1 }
    iptables: |
      *filter
      :INPUT ACCEPT [0:0]
      :FORWARD ACCEPT [0:0]
      :OUTPUT ACCEPT [0:0]
      RULE
      COMMIT
  s: { address: 203.0.113.7/24 }
wires:
  - [c:eth0, r:lan]
  - [r:wan, s:eth0]
packets:
  - { name: p, PACKET }
`;
const pair = (packet: string, rule = '-A FORWARD -m conntrack --ctstate INVALID -j DROP'): string =>
  answer(PAIR.replace('RULE', rule).replace('PACKET', packet));

describe('what the last step does not show', () => {
  it('an answer that its node has no route for', () => {
    const text = pair('from: c, ping: 203.0.113.7');
    expect(text).toContain('its answer is NOT SENT by s: Network is unreachable');
    expect(text).toContain('that node has no route to 10.0.0.9 for its answer');
    expect(text).toContain("--do 's: ip route add 10.0.0.9 via 203.0.113.1 dev eth0'");
    expect(text).toContain("--do 'r: iptables -t nat -I POSTROUTING 1 -o wan -d 203.0.113.7 -j MASQUERADE'");
  });
  it('what INVALID means', () =>
    expect(pair("at: r:lan, packet: 'tcp 10.0.0.9:4000 > 203.0.113.7:80 syn ack'")).toContain('because connection tracking of r calls it INVALID'));
  it('whether the sender is told', () => {
    const ttl = "at: r:lan, packet: 'icmp 10.0.0.9 > 203.0.113.7 ttl 1'";
    expect(pair(ttl)).toContain('its sender is told: icmp 10.0.0.1 > 10.0.0.9 time exceeded');
    expect(pair(ttl, '-A OUTPUT -p icmp -j DROP')).toContain('its sender is NOT told: icmp 10.0.0.1 > 10.0.0.9 time exceeded dies on r at OUTPUT.');
  });
  it('a connection that breaks off after its handshake', () => {
    const tcp = "from: c, tcp: { to: '203.0.113.7:80', send: [a], close: false }";
    const more = (rule: string): string =>
      answer(
        PAIR.replace('RULE', rule)
          .replace('PACKET', tcp)
          .replace('s: { address: 203.0.113.7/24 }', "s: { address: 203.0.113.7/24, gateway: 203.0.113.1, listen: ['tcp/80'] }"),
      );
    expect(more('-A FORWARD -p tcp --dport 81 -j DROP')).toContain('connected');
    const stalled = more('-A FORWARD -p tcp --tcp-flags PSH PSH -j DROP');
    expect(stalled).toContain('connected, then LOST on r: NETFILTER_DROP (rule-drop)');
    expect(stalled).toContain('The connection to 203.0.113.7:80 was established; what c sent then was never acknowledged.');
    expect(more('-A FORWARD -p tcp --tcp-flags PSH PSH -j REJECT --reject-with tcp-reset')).toContain('connected, then RESET on r: NETFILTER_DROP (rule-drop)');
  });
  it('a command with a comma in { }', () => {
    const { diagnostics } = parseScenario(
      'version: 1\nnodes: { a: { address: 10.0.0.1/24 } }\ndo: [{ a: iptables --tcp-flags SYN,RST SYN }]\n',
      's.yaml',
      diskFiles,
    );
    expect(diagnostics[0]?.span).toMatchObject({ line: 3, column: 36 });
    expect(diagnostics[0]?.hint).toContain('within { } a comma begins the next key');
  });
  it('that a rule rejects', () =>
    expect(pair('from: c, ping: 203.0.113.7', '-A FORWARD -j REJECT')).toMatch(
      /Rule filter:FORWARD:1 rejected icmp[\s\S]*its sender is told: .* port unreachable/,
    ));
});

describe('a frame that a bridge keeps', () => {
  it('says by which port it came, and that it is isolated', () => {
    const text = answer(`version: 1
nodes:
  a: { address: 10.5.0.2/24 }
  b: { address: 10.5.0.3/24 }
  h:
    links:
      br0: { kind: bridge, ports: [va, vb] }
      va: { isolated: true }
      vb: { isolated: true }
wires:
  - [a:eth0, h:va]
  - [b:eth0, h:vb]
packets:
  - { name: p, from: a, ping: 10.5.0.3 }
`);
    expect(text).toContain('entered bridge br0 of h by va and left it by no other port (va is isolated)');
  });
});

describe('no packets', () => {
  it('is said', () => expect(answer('version: 1\nnodes:\n  a: { address: 10.0.0.1/24 }\n')).toMatch(/^No packet is sent/));
});
