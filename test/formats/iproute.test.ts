/** What iproute2, bridge and sysctl print, read and printed again. The texts were printed by iproute2 6.1 on Linux 6.18. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Parsed } from '../../src/base/diagnostic.js';
import {
  readBridgeFdb,
  readBridgeLink,
  readBridgeVlan,
  withPort,
  writeBridgeFdb,
  writeBridgeFdbJson,
  writeBridgeLink,
  writeBridgeLinkJson,
  writeBridgeVlan,
} from '../../src/formats/bridge.js';
import { readIpAddr, writeIpAddr, writeIpAddrJson } from '../../src/formats/ip-addr.js';
import { readIpLink } from '../../src/formats/ip-link.js';
import { writeIpLink, writeIpLinkJson } from '../../src/formats/ip-link-print.js';
import { readIpNeigh, writeIpNeigh, writeIpNeighJson } from '../../src/formats/ip-neigh.js';
import { writeNetconf, writeNetconfJson } from '../../src/formats/netconf.js';
import { readSockets, writeSockets } from '../../src/formats/sockets.js';
import { readSysctl, sysctlName, writeSysctl } from '../../src/formats/sysctl.js';
import { readXfrmPolicy, readXfrmState, writeXfrmPolicy, writeXfrmState } from '../../src/formats/xfrm.js';

const o = { file: 'x' };
function clean<T>(p: Parsed<T>): T {
  expect(p.diagnostics).toEqual([]);
  return p.value;
}

const LINK = `1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
3: veth1@veth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000
    link/ether 9a:ab:c1:10:c5:6c brd ff:ff:ff:ff:ff:ff
    altname foo
4: veth0@if5: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master br0 state UP mode DEFAULT group default qlen 1000
    link/ether a6:2f:42:4a:6f:a1 brd ff:ff:ff:ff:ff:ff link-netnsid 0
5: tunl0@NONE: <NOARP,UP,LOWER_UP> mtu 1480 qdisc noqueue state UNKNOWN mode DEFAULT group default qlen 1000
    link/ipip 0.0.0.0 brd 0.0.0.0
6: gre1@NONE: <POINTOPOINT,NOARP> mtu 1476 qdisc noop state DOWN mode DEFAULT group default qlen 1000
    link/gre 10.0.0.1 peer 10.0.0.2
`;
const LINK_D = `2: br0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000
    link/ether a6:2f:42:4a:6f:a1 brd ff:ff:ff:ff:ff:ff promiscuity 0  allmulti 0 minmtu 68 maxmtu 65535 
    bridge forward_delay 1500 hello_time 200 max_age 2000 ageing_time 30000 stp_state 0 priority 32768 vlan_filtering 0 bridge_id 8000.a6:2f:42:4a:6f:a1 designated_root 8000.a6:2f:42:4a:6f:a1 root_port 0 root_path_cost 0 topology_change 0 topology_change_detected 0 hello_timer    0.00 tcn_timer    0.00 topology_change_timer    0.00 gc_timer  298.99 group_fwd_mask 0 group_address 01:80:c2:00:00:00 mcast_snooping 1 no_linklocal_learn 0 mcast_vlan_snooping 0 mcast_router 1 mcast_query_use_ifaddr 0 mcast_querier 0 mcast_hash_elasticity 16 mcast_hash_max 4096 mcast_last_member_count 2 mcast_startup_query_count 2 mcast_last_member_interval 100 mcast_membership_interval 26000 mcast_querier_interval 25500 mcast_query_interval 12500 mcast_query_response_interval 1000 mcast_startup_query_interval 3124 mcast_stats_enabled 0 mcast_igmp_version 2 mcast_mld_version 1 nf_call_iptables 0 nf_call_ip6tables 0 nf_call_arptables 0 addrgenmode eui64 numtxqueues 1 numrxqueues 1 gso_max_size 65536 gso_max_segs 65535 tso_max_size 524280 tso_max_segs 65535 gro_max_size 65536 
4: veth0@veth1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master br0 state UP mode DEFAULT group default qlen 1000
    link/ether a6:2f:42:4a:6f:a1 brd ff:ff:ff:ff:ff:ff promiscuity 1  allmulti 1 minmtu 68 maxmtu 65535 
    veth 
    bridge_slave state forwarding priority 32 cost 2 hairpin off guard off root_block off fastleave off learning on flood on port_id 0x8001 port_no 0x1 designated_port 32769 designated_cost 0 designated_bridge 8000.a6:2f:42:4a:6f:a1 designated_root 8000.a6:2f:42:4a:6f:a1 hold_timer    0.00 message_age_timer    0.00 forward_delay_timer   13.96 topology_change_ack 0 config_pending 0 proxy_arp off proxy_arp_wifi off mcast_router 1 mcast_fast_leave off mcast_flood on bcast_flood on mcast_to_unicast off neigh_suppress off group_fwd_mask 0 group_fwd_mask_str 0x0 vlan_tunnel off isolated off locked off addrgenmode eui64 numtxqueues 2 numrxqueues 2 gso_max_size 65536 gso_max_segs 65535 tso_max_size 524280 tso_max_segs 65535 gro_max_size 65536 
5: vx0: <BROADCAST,MULTICAST> mtu 1450 qdisc noop state DOWN mode DEFAULT group default qlen 1000
    link/ether 76:85:e9:17:8c:89 brd ff:ff:ff:ff:ff:ff promiscuity 0  allmulti 0 minmtu 68 maxmtu 65535 
    vxlan id 5 remote 10.0.0.5 local 10.0.0.1 dev br0 srcport 0 0 dstport 4789 ttl auto ageing 300 udpcsum noudp6zerocsumtx noudp6zerocsumrx addrgenmode eui64 numtxqueues 1 numrxqueues 1 gso_max_size 65536 gso_max_segs 65535 tso_max_size 524280 tso_max_segs 65535 gro_max_size 65536 
6: mv0@veth1: <BROADCAST,MULTICAST> mtu 1500 qdisc noop state DOWN mode DEFAULT group default qlen 1000
    link/ether 2e:6c:1e:a6:03:5a brd ff:ff:ff:ff:ff:ff promiscuity 0  allmulti 0 minmtu 68 maxmtu 65535 
    macvlan mode bridge bcqueuelen 1000 usedbcqueuelen 1000 addrgenmode eui64 numtxqueues 1 numrxqueues 1 gso_max_size 65536 gso_max_segs 65535 tso_max_size 524280 tso_max_segs 65535 gro_max_size 65536 
7: tunl0@NONE: <NOARP> mtu 1480 qdisc noop state DOWN mode DEFAULT group default qlen 1000
    link/ipip 0.0.0.0 brd 0.0.0.0 promiscuity 0  allmulti 0 minmtu 0 maxmtu 0 
    ipip any remote any local any ttl inherit nopmtudisc addrgenmode eui64 numtxqueues 1 numrxqueues 1 gso_max_size 65536 gso_max_segs 65535 tso_max_size 65536 tso_max_segs 65535 gro_max_size 65536 
`;
const ADDR = `1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    inet 127.0.0.1/8 scope host lo
       valid_lft forever preferred_lft forever
    inet6 ::1/128 scope host 
       valid_lft forever preferred_lft forever
2: br0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000
    link/ether a6:2f:42:4a:6f:a1 brd ff:ff:ff:ff:ff:ff
    inet 10.0.0.1/24 scope global br0
       valid_lft forever preferred_lft forever
    inet 10.0.0.9 peer 10.0.0.8/32 scope global br0:x
       valid_lft forever preferred_lft forever
    inet 10.9.0.1/24 brd 10.9.0.255 scope global dynamic br0
       valid_lft 999sec preferred_lft 499sec
    inet 10.0.0.2/24 scope global secondary br0
       valid_lft forever preferred_lft forever
    inet6 2001:db8::1/64 scope global tentative 
       valid_lft forever preferred_lft forever
    inet6 fe80::a42f:42ff:fe4a:6fa1/64 scope link tentative 
       valid_lft forever preferred_lft forever
`;
const ADDR_J =
  '[{"ifindex":1,"ifname":"lo","flags":["LOOPBACK","UP","LOWER_UP"],"mtu":65536,"qdisc":"noqueue","operstate":"UNKNOWN","group":"default","txqlen":1000,"link_type":"loopback","address":"00:00:00:00:00:00","broadcast":"00:00:00:00:00:00","addr_info":[{"family":"inet","local":"127.0.0.1","prefixlen":8,"scope":"host","label":"lo","valid_life_time":4294967295,"preferred_life_time":4294967295}]},{"ifindex":2,"ifname":"br0","flags":["BROADCAST","MULTICAST","UP","LOWER_UP"],"mtu":1500,"qdisc":"noqueue","operstate":"UP","group":"default","txqlen":1000,"link_type":"ether","address":"a6:2f:42:4a:6f:a1","broadcast":"ff:ff:ff:ff:ff:ff","addr_info":[{"family":"inet","local":"10.0.0.9","address":"10.0.0.8","prefixlen":32,"scope":"global","label":"br0:x","valid_life_time":4294967295,"preferred_life_time":4294967295},{"family":"inet","local":"10.9.0.1","prefixlen":24,"broadcast":"10.9.0.255","scope":"global","dynamic":true,"label":"br0","valid_life_time":999,"preferred_life_time":499},{"family":"inet","local":"10.0.0.2","prefixlen":24,"scope":"global","secondary":true,"label":"br0","valid_life_time":4294967295,"preferred_life_time":4294967295},{"family":"inet6","local":"2001:db8::1","prefixlen":64,"scope":"global","tentative":true,"valid_life_time":4294967295,"preferred_life_time":4294967295}]}]\n';
const NEIGH = `10.0.0.78 dev br0 FAILED 
224.0.0.22 dev br0 lladdr 01:00:5e:00:00:16 NOARP 
10.0.0.77 dev br0 lladdr 02:00:00:00:00:01 PERMANENT 
ff02::16 dev veth1 lladdr 33:33:00:00:00:16 NOARP 
10.0.0.79 dev br0 proxy 
`;
const NEIGH_J =
  '[{"dst":"10.0.0.78","dev":"br0","state":["FAILED"]},{"dst":"10.0.0.77","dev":"br0","lladdr":"02:00:00:00:00:01","state":["PERMANENT"]},{"dst":"10.0.0.79","dev":"br0","proxy":null}]\n';
const FDB = `33:33:00:00:00:01 dev br0 self permanent
9a:ab:c1:10:c5:6c dev veth0 master br0 
a6:2f:42:4a:6f:a1 dev veth0 master br0 permanent
a6:2f:42:4a:6f:a1 dev veth0 vlan 1 master br0 permanent
00:00:00:00:00:00 dev vx0 dst 10.0.0.5 via br0 self permanent
`;
const FDB_J =
  '[{"mac":"33:33:00:00:00:01","ifname":"br0","flags":["self"],"state":"permanent"},{"mac":"9a:ab:c1:10:c5:6c","ifname":"veth0","flags":[],"master":"br0","state":""},{"mac":"00:00:00:00:00:00","ifname":"vx0","dst":"10.0.0.5","viaIf":"br0","flags":["self"],"state":"permanent"}]\n';
const BRIDGE_LINK = `4: veth0@veth1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 master br0 state forwarding priority 32 cost 2 
    hairpin off guard off root_block off fastleave off learning on flood on mcast_flood on bcast_flood on mcast_router 1 mcast_to_unicast off neigh_suppress off vlan_tunnel off isolated off locked off 
`;
const BRIDGE_LINK_J =
  '[{"ifindex":4,"link":"veth1","ifname":"veth0","flags":["BROADCAST","MULTICAST","UP","LOWER_UP"],"mtu":1500,"master":"br0","state":"forwarding","priority":32,"cost":2,"hairpin":false,"guard":false,"root_block":false,"fastleave":false,"learning":true,"flood":true,"mcast_flood":true,"bcast_flood":true,"mcast_router":1,"mcast_to_unicast":false,"neigh_suppress":false,"vlan_tunnel":false,"isolated":false,"locked":false}]\n';
const VLAN = `port              vlan-id  
veth0             1 PVID Egress Untagged
                  10
br0               1 PVID Egress Untagged
`;
const POLICY = `src 2001:db8::/64 dst ::/0 
\tdir out priority 0 ptype main 
\ttmpl src :: dst ::
\t\tproto ah reqid 0 mode transport
\ttmpl src :: dst ::
\t\tproto comp reqid 0 mode transport
src 10.2.0.0/18 dst 192.168.0.0/24 proto icmp type 8 code 0 dev veth0 
\tdir out action block priority 0 ptype main 
src 10.1.0.0/18 dst 192.168.0.0/24 proto tcp sport 80 
\tdir fwd priority 5 ptype main 
\tmark 0x1/0xff 
\ttmpl src 10.22.46.11 dst 10.22.46.41
\t\tproto esp spi 0x00000123 reqid 1 mode tunnel
\t\tlevel use 
\tif_id 0x7
`;
const STATE = `src 10.22.46.11 dst 10.22.46.41
\tproto esp spi 0xc0ffee01 reqid 1 mode tunnel
\treplay-window 0 flag af-unspec
\tauth-trunc hmac(sha256) 0xbb 128
\tenc cbc(aes) 0xbb
\tanti-replay context: seq 0x0, oseq 0x0, bitmap 0x00000000
`;

describe('text and JSON as the tools print them', () => {
  const rows: [string, string, (t: string) => string][] = [
    ['ip link', LINK, (t) => writeIpLink(clean(readIpLink(t, o)))],
    ['ip -d link', LINK_D, (t) => writeIpLink(clean(readIpLink(t, o)), { details: true })],
    ['ip addr', ADDR, (t) => ((x) => writeIpAddr(x.links, x.addrs))(clean(readIpAddr(t, o)))],
    ['ip -j addr', ADDR_J, (t) => ((x) => writeIpAddrJson(x.links, x.addrs))(clean(readIpAddr(t, o)))],
    ['ip neigh', NEIGH, (t) => writeIpNeigh(clean(readIpNeigh(t, o)))],
    ['ip -j neigh', NEIGH_J, (t) => writeIpNeighJson(clean(readIpNeigh(t, o)))],
    ['bridge fdb', FDB, (t) => writeBridgeFdb(clean(readBridgeFdb(t, o)))],
    ['bridge -j fdb', FDB_J, (t) => writeBridgeFdbJson(clean(readBridgeFdb(t, o)))],
    ['bridge vlan', VLAN, (t) => writeBridgeVlan(clean(readBridgeVlan(t, o)))],
    ['ip xfrm policy', POLICY, (t) => writeXfrmPolicy(clean(readXfrmPolicy(t, o)))],
    ['ip xfrm state', STATE, (t) => writeXfrmState(clean(readXfrmState(t, o)))],
    ['sysctl -a', 'net.ipv4.conf.eth0/100.rp_filter = 1\nnet.ipv4.ip_local_port_range = 32768\t60999\n', (t) => writeSysctl(clean(readSysctl(t, o)))],
    ['sockets', 'tcp 0.0.0.0:80\nudp [::1]:53 dev lo uid 7 transparent\n', (t) => writeSockets(clean(readSockets(t, o)))],
  ];
  it.each(rows)('%s', (_name, text, again) => {
    expect(again(text)).toBe(text);
  });

  it('bridge -d link, onto the devices of ip link', () => {
    const link = clean(readIpLink(LINK_D, o)).find((l) => l.name === 'veth0');
    if (!link) throw new Error('no veth0');
    for (const text of [BRIDGE_LINK, BRIDGE_LINK_J]) {
      const [port] = clean(readBridgeLink(text, o));
      const joined = withPort({ ...link, slaveData: {}, slaveKind: null, master: null }, port);
      expect(writeBridgeLink([joined], { details: true })).toBe(BRIDGE_LINK);
      expect(writeBridgeLinkJson([joined], { details: true })).toBe(BRIDGE_LINK_J);
      expect(writeBridgeLink([link])).toBe(`${BRIDGE_LINK.split('\n')[0]}\n`);
    }
  });

  it('ip netconf', () => {
    const e = { dev: 'tunl0', forwarding: true, rpFilter: 1, mcForwarding: false, proxyNeigh: false, ignoreRoutesWithLinkdown: false };
    const both = [
      { ...e, family: 'ipv4' as const },
      { ...e, family: 'ipv6' as const, forwarding: false },
    ];
    expect(writeNetconf(both)).toBe(
      'inet tunl0 forwarding on rp_filter strict mc_forwarding off proxy_neigh off ignore_routes_with_linkdown off \ninet6 tunl0 forwarding off mc_forwarding off proxy_neigh off ignore_routes_with_linkdown off \n',
    );
    expect(JSON.parse(writeNetconfJson(both))[0]).toMatchObject({ family: 'inet', interface: 'tunl0', rp_filter: 'strict' });
  });

  it('one line a device (ip -o), and statistics passed over', () => {
    const one = '2: eth0    inet 10.0.0.1/24 scope global eth0\\       valid_lft forever preferred_lft forever';
    expect(readIpAddr(one, o).diagnostics.map((d) => d.code)).toEqual(['ip-link-line']);
    const link = `2: eth0: <UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000\\    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff`;
    expect(clean(readIpLink(link, o))[0]).toMatchObject({ name: 'eth0', mac: 0x020000000001, mtu: 1500 });
  });
});

describe('sysctl names', () => {
  const rows: [string, string | null][] = [
    ['net.ipv4.ip_forward', 'net/ipv4/ip_forward'],
    ['net/ipv4/ip_forward', 'net/ipv4/ip_forward'],
    ['/proc/sys/net/ipv4/ip_forward', 'net/ipv4/ip_forward'],
    ['net.ipv4.conf.eth0/100.rp_filter', 'net/ipv4/conf/eth0.100/rp_filter'],
    ['net/ipv4/conf/eth0.100/rp_filter', 'net/ipv4/conf/eth0.100/rp_filter'],
    ['net.ipv4.conf.eth0.100.rp_filter', 'net/ipv4/conf/eth0.100/rp_filter'],
    ['net.ipv4.neigh.a.b.c.mcast_solicit', 'net/ipv4/neigh/a.b.c/mcast_solicit'],
    ['ip_forward', null],
    ['a..b', null],
  ];
  it.each(rows)('%s', (text, name) => {
    expect(sysctlName(text)).toBe(name);
  });
});

const shared = new URL('../../../shared/', import.meta.url).pathname;
describe.skipIf(!existsSync(shared))('real dumps', () => {
  const of = (...globs: RegExp[]): string[] => {
    const out: string[] = [];
    for (const dir of [
      'dumps/hosts',
      'dumps/openshift-sos',
      'dumps/iproute-json',
      'dumps/bridge',
      'dumps/tool-outputs',
      ...['edge1', 'master', 'node1', 'pods/net-tool-edge1', 'pods/net-tool-master', 'pods/net-tool-node1'].map((n) => `seed-scenario/${n}`),
    ])
      for (const f of readdirSync(shared + dir)) if (globs.some((g) => g.test(f))) out.push(`${shared}${dir}/${f}`);
    expect(out.length).toBeGreaterThan(0);
    return out;
  };
  const read = (f: string): string => readFileSync(f, 'utf8');
  const squeezed = (t: string): string =>
    t
      .replace(/[ \t]+/g, ' ')
      .replace(/ $/gm, '')
      .trim();

  it('ip -j link and ip -j addr come back with every value', () => {
    for (const f of of(/ip-link\.json$/)) expect(JSON.parse(writeIpLinkJson(clean(readIpLink(read(f), o)), { details: true }))).toEqual(JSON.parse(read(f)));
    for (const f of of(/ip-?addr\.json$/)) {
      const x = clean(readIpAddr(read(f), o));
      expect(JSON.parse(writeIpAddrJson(x.links, x.addrs, { details: true })).map(withoutLinkmode)).toEqual(
        JSON.parse(read(f)).filter((e: object) => Object.keys(e).length > 0),
      );
    }
  });
  it('ip link and ip addr as text, but for blanks', () => {
    for (const f of of(/\.iplink$/)) expect(squeezed(writeIpLink(clean(readIpLink(read(f), o))))).toBe(squeezed(read(f)));
    for (const f of of(/\.ipaddr$/)) {
      const x = clean(readIpAddr(read(f), o));
      // busybox prints no group, older releases no allmulti.
      const groupless = !read(f).includes(' group ');
      const again = writeIpAddr(x.links, x.addrs, { details: read(f).includes('promiscuity') });
      expect(squeezed(groupless ? again.replace(/ group default/g, '') : again)).toBe(squeezed(read(f)).replace('302:03ff:fe04:0506', '302:3ff:fe04:506'));
    }
  });
  it('neighbours, forwarding databases and sysctls', () => {
    for (const f of of(/^neigh\.txt$/)) expect(writeIpNeigh(clean(readIpNeigh(read(f), o)))).toBe(read(f));
    for (const f of of(/\.ipneigh$/))
      expect(squeezed(writeIpNeigh(clean(readIpNeigh(read(f), o))))).toBe(squeezed(read(f).replace(/ (ref \d+ )?used \S+ probes \d+/g, '')));
    for (const f of of(/\.bridgefdb$/)) expect(squeezed(writeBridgeFdb(clean(readBridgeFdb(read(f), o))))).toBe(squeezed(read(f)).replace(/dev dev/g, 'dev'));
    for (const f of of(/sysctl(\.txt)?$/)) expect(squeezed(writeSysctl(clean(readSysctl(read(f), o))))).toBe(squeezed(read(f)));
  });
  it('recorded IPsec policies', () => {
    const f = `${shared}seed-scenario/expected/4-nodes/broken-off-xfrm/edge1.xfrm-policy.txt`;
    expect(writeXfrmPolicy(clean(readXfrmPolicy(read(f), o)))).toBe(read(f));
  });
});

function withoutLinkmode(e: Record<string, unknown>): Record<string, unknown> {
  const { linkmode: _, ...rest } = e;
  return rest;
}

describe('never throws', () => {
  const readers: [string, (t: string) => Parsed<unknown>, string[]][] = [
    ['readIpLink', (t) => readIpLink(t, o), [LINK, LINK_D]],
    ['readIpAddr', (t) => readIpAddr(t, o), [ADDR, ADDR_J]],
    ['readIpNeigh', (t) => readIpNeigh(t, o), [NEIGH, NEIGH_J]],
    ['readBridgeFdb', (t) => readBridgeFdb(t, o), [FDB, FDB_J]],
    ['readBridgeLink', (t) => readBridgeLink(t, o), [BRIDGE_LINK, BRIDGE_LINK_J]],
    ['readBridgeVlan', (t) => readBridgeVlan(t, o), [VLAN]],
    ['readSysctl', (t) => readSysctl(t, o), ['net.ipv4.ip_forward = 1\n']],
    ['readXfrmPolicy', (t) => readXfrmPolicy(t, o), [POLICY]],
    ['readXfrmState', (t) => readXfrmState(t, o), [STATE]],
    ['readSockets', (t) => readSockets(t, o), ['tcp 0.0.0.0:80\n', '[{"id":"a","proto":"tcp","addr":"0.0.0.0","port":80}]']],
  ];
  it.each(readers)('%s', (_name, read, samples) => {
    const words = samples.flatMap((s) => s.split(/(\s+|[,:{}[\]"])/)).filter((w) => w !== '');
    const mangled = fc.record({ sample: fc.constantFrom(...samples), at: fc.nat(), cut: fc.nat(40), add: fc.oneof(fc.string(), fc.constantFrom(...words)) });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(fc.constantFrom(...words), { maxLength: 30 }).map((w) => w.join(' ')),
          mangled.map((m) => splice(m)),
        ),
        (t) => {
          const r = read(t);
          for (const d of r.diagnostics) expect(d.span?.line).toBeGreaterThan(0);
        },
      ),
      { numRuns: 150, seed: 7 },
    );
  });
});

function splice(m: { sample: string; at: number; cut: number; add: string }): string {
  const at = m.at % (m.sample.length + 1);
  return m.sample.slice(0, at) + m.add + m.sample.slice(at + m.cut);
}
