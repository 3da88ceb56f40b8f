/** A network written in code: a router that masquerades its LAN, and a property of it over many packets. */
import * as fc from 'fast-check';
import { network, type PacketRun, packet, ping, tcp } from 'netfilter-sim';
import { inSet, outsideSet, packetsFrom } from 'netfilter-sim/fast-check';
import 'netfilter-sim/vitest';
import { describe, expect, it } from 'vitest';

const net = network({
  nodes: {
    pc: { address: '192.168.1.10/24', gateway: '192.168.1.1' },
    router: {
      addresses: { lan: '192.168.1.1/24', wan: '203.0.113.1/24' },
      sysctl: { 'net.ipv4.ip_forward': 1 },
      ipset: 'create OFFICE hash:net family inet hashsize 1024 maxelem 65536\nadd OFFICE 203.0.113.64/26\n',
      iptables: `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -s 192.168.1.0/24 -m set --match-set OFFICE dst -j ACCEPT
-A POSTROUTING -s 192.168.1.0/24 -o wan -j MASQUERADE
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i lan -j ACCEPT
COMMIT
`,
    },
    server: { address: '203.0.113.80/24', listen: ['tcp/80'] },
    world: { address: '203.0.113.9/24', listen: ['tcp/80'] },
  },
  wires: [['pc:eth0', 'router:lan'], { switch: 'internet', ends: ['router:wan', 'server:eth0', 'world:eth0'] }],
});

describe('the router', () => {
  it('gives the LAN its own address towards the world', () => {
    expect(net.send(tcp('pc', 'world:80'))).toBeAnswered();
    expect(net.send(tcp('pc', 'world:80'))).toBeSourceNatedTo('203.0.113.1');
  });

  it('lets nobody in', () => {
    expect(net.send(packet('icmp 203.0.113.9 > 192.168.1.10', { at: 'router:wan' }))).toBeDroppedAt('router filter:FORWARD');
    expect(net.send(ping('world', '192.168.1.10'))).not.toBeDelivered();
  });

  it('never masquerades towards the office, and always towards the rest', () => {
    const towards = (to: fc.Arbitrary<string>, check: (sent: PacketRun) => void): void =>
      fc.assert(
        fc.property(packetsFrom(net, 'pc', { to }), (p) => {
          check(net.send(p));
        }),
        { numRuns: 30 },
      );
    towards(inSet(net, 'router', 'OFFICE'), (sent) => expect(sent).not.toBeSourceNatedTo());
    towards(outsideSet(net, 'router', 'OFFICE', '203.0.113.2-203.0.113.254'), (sent) => expect(sent).toBeSourceNatedTo('203.0.113.1'));
  });
});
