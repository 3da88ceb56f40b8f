/** Frames that each match must take (+) or leave (-): a FORWARD rule that drops what it matches, in a bridge with hosts a (p1) and b (p2). */
import { describe, expect, it } from 'vitest';
import { parseIp6 } from '../../../src/base/addr.js';
import { buildIcmp, buildIcmp6, buildIp4, buildIp6, buildTcp, buildUdp, echoRest } from '../../../src/packet/build.js';
import { bridgeNode, frame, HOST, mac, send } from '../../stack/bridge-lab.js';

const A = 0x0a00000a;
const B = 0x0a00000b;
const A6 = parseIp6('fd00::a')!;
const B6 = parseIp6('fd00::b')!;
const ip = (payload: Uint8Array, proto: number, more: object = {}): Uint8Array =>
  frame(HOST.b, HOST.a, 0x0800, buildIp4({ src: A, dst: B, proto, payload, ...more }));
const ip6 = (payload: Uint8Array, proto: number): Uint8Array => frame(HOST.b, HOST.a, 0x86dd, buildIp6({ src: A6, dst: B6, proto, tos: 0x20, payload }));
const arpBytes = (op: number, spa: readonly number[], tpa: readonly number[]): Uint8Array =>
  Uint8Array.from([0, 1, 8, 0, 6, 4, 0, op, 2, 0, 0, 0, 0, 0x0a, ...spa, 0, 0, 0, 0, 0, 0, ...tpa, ...new Array(18).fill(0)]);
const tagged = (tci: number): Uint8Array => {
  const f = ip(buildUdp({ sport: 1, dport: 2 }, A, B), 17);
  return Uint8Array.from([...f.slice(0, 12), 0x81, 0, tci >>> 8, tci & 255, ...f.slice(12)]);
};
const bpdu = Uint8Array.from([
  0x42, 0x42, 3, 0, 0, 0, 0, 1, 0x80, 0x00, 2, 0, 0, 0, 0, 1, 0, 0, 0, 4, 0x80, 0x01, 2, 0, 0, 0, 0, 2, 0x80, 0x02, 0, 0, 20, 0, 2, 0, 15, 0,
]);

const frames = {
  plain: frame(HOST.b, HOST.a),
  group: frame(mac('01:00:5e:00:00:05'), HOST.a),
  udp: ip(buildUdp({ sport: 1000, dport: 53 }, A, B), 17, { tos: 0x10 }),
  tcp: ip(buildTcp({ sport: 1000, dport: 80 }, A, B), 6),
  fragment: ip(new Uint8Array(16), 17, { fragOffset: 64 }),
  echo: ip(buildIcmp({ type: 8, rest: echoRest(1, 1) }), 1),
  igmp: ip(Uint8Array.from([0x16, 0, 0, 0, 0, 0, 0, 0]), 2),
  udp6: ip6(buildUdp({ sport: 1000, dport: 53 }, A6, B6), 17),
  echo6: ip6(buildIcmp6({ type: 128, rest: echoRest(1, 1) }, A6, B6), 58),
  arp: frame(HOST.b, HOST.a, 0x0806, arpBytes(1, [10, 0, 0, 10], [10, 0, 0, 11])),
  reply: frame(HOST.b, HOST.a, 0x0806, arpBytes(2, [10, 0, 0, 10], [10, 0, 0, 11])),
  gratuitous: frame(HOST.b, HOST.a, 0x0806, arpBytes(1, [10, 0, 0, 10], [10, 0, 0, 10])),
  tag5: tagged(0x6005),
  snap: frame(HOST.b, HOST.a, 46, Uint8Array.from([0xaa, 0xaa, 3, 0, 0, 0, 0x13, 0x37, ...new Array(38).fill(0)])),
  bpdu: frame(HOST.b, HOST.a, bpdu.length, bpdu),
} as const;
type Name = keyof typeof frames;

const rows: readonly (readonly [string, readonly Name[], readonly Name[]])[] = [
  ['-p IPv4', ['udp', 'tcp', 'fragment'], ['plain', 'udp6', 'arp', 'tag5']],
  ['-p ! IPv4', ['plain', 'udp6', 'tag5'], ['udp']],
  ['-p 802_1Q', ['tag5'], ['udp']],
  ['-p Length', ['snap', 'bpdu'], ['plain', 'udp']],
  ['-i p1 -o p2', ['plain'], []],
  ['-i p+', ['plain'], []],
  ['-o ! p2', [], ['plain']],
  ['--logical-in br0', ['plain'], []],
  ['-s 02:00:00:00:00:0a', ['plain'], []],
  ['-s 02:00:00:00:00:00/ff:ff:ff:ff:ff:f0', ['plain'], []],
  ['-s 02:00:00:00:00:00/ff:ff:ff:ff:ff:fe', [], ['plain']],
  ['-d Multicast', ['group'], ['plain']],
  ['-d Unicast', ['plain'], ['group']],
  ['-p IPv4 --ip-src 10.0.0.0/24 --ip-dst ! 10.0.0.12', ['udp'], []],
  ['-p IPv4 --ip-src 10.0.0.2/255.255.255.3', ['udp'], []],
  ['-p IPv4 --ip-tos 0x10', ['udp'], ['tcp']],
  ['-p IPv4 --ip-proto udp --ip-dport 50:60', ['udp'], ['tcp', 'fragment']],
  ['-p IPv4 --ip-proto udp --ip-sport ! 1000', ['fragment'], ['udp']],
  ['-p IPv4 --ip-proto icmp --ip-icmp-type echo-request', ['echo'], ['udp', 'tcp']],
  ['-p IPv4 --ip-proto icmp --ip-icmp-type 0:7/0:255', [], ['echo']],
  ['-p IPv4 --ip-proto igmp --ip-igmp-type membership-report-v2', ['igmp'], ['udp']],
  ['-p IPv6 --ip6-src fd00::/64 --ip6-tclass 0x20', ['udp6'], []],
  ['-p IPv6 --ip6-proto udp --ip6-dport 53', ['udp6'], ['echo6']],
  ['-p IPv6 --ip6-proto ipv6-icmp --ip6-icmp-type echo-request', ['echo6'], ['udp6']],
  ['-p ARP --arp-op Request', ['arp', 'gratuitous'], ['reply', 'udp']],
  ['-p ARP --arp-ip-src 10.0.0.10 --arp-ip-dst 10.0.0.11', ['arp', 'reply'], ['gratuitous']],
  ['-p ARP --arp-mac-src 02:00:00:00:00:0a', ['arp'], []],
  ['-p ARP --arp-mac-src ! 02:00:00:00:00:0a', [], ['arp']],
  ['-p ARP --arp-htype 1 --arp-ptype 0x800', ['arp'], []],
  ['-p ARP --arp-gratuitous', ['gratuitous'], ['arp']],
  ['-p 802_1Q --vlan-id 5 --vlan-prio 3 --vlan-encap 0800', ['tag5'], []],
  ['-p 802_1Q --vlan-id ! 5', [], ['tag5']],
  ['-p Length --802_3-sap 0xaa --802_3-type 0x1337', ['snap'], ['bpdu']],
  ['--stp-type config --stp-flags topology-change', ['bpdu'], ['snap', 'plain']],
  ['--stp-root-prio 32768 --stp-root-addr 02:00:00:00:00:01 --stp-root-cost 1:4', ['bpdu'], []],
  ['--stp-sender-prio 32769 --stp-port 32770 --stp-max-age 5120 --stp-hello-time 512', ['bpdu'], []],
  ['--pkttype-type multicast', ['group'], ['plain']],
  ['--pkttype-type otherhost', ['plain'], ['group']],
  ['--among-src 02:00:00:00:00:0a,02:00:00:00:00:0c', ['plain'], []],
  ['--among-src 02:00:00:00:00:0a=10.0.0.10', ['udp', 'arp'], ['plain', 'udp6']],
  ['--among-dst ! 02:00:00:00:00:0b=10.0.0.11', ['plain'], ['udp']],
  ['--mark 0', ['plain'], []],
  ['--mark /0xff', [], ['plain']],
  ['--log --log-prefix "seen"', ['plain'], []],
];

describe('each rule takes and leaves', () => {
  it.each(rows.map(([rule, yes, no]) => ({ rule, yes, no })))('$rule + $yes - $no', ({ rule, yes, no }) => {
    const node = bridgeNode({ ebtables: `*filter\n-A FORWARD ${rule} -j DROP\n`, sysctls: [['net/bridge/bridge-nf-call-iptables', '0']] });
    const taken = (name: Name): boolean => {
      const came = send(node, ['p1', frames[name]]);
      expect(came.inconclusive).toEqual([]);
      return came.drops.some((d) => d.endsWith('ebtables-drop'));
    };
    expect({ taken: [...yes, ...no].filter(taken) }).toEqual({ taken: yes });
  });
});
