/** Random comparisons of nft rules, in the tool's own words. */
import { PORTS, type World } from '../node.js';
import type { Rng } from '../rng.js';
import type { NftHook, NftText } from './text.js';

/** What a rule set speaks of: the node as each family sees it. */
export interface NftWorld {
  readonly four: World | null;
  readonly six: World | null;
}

/** Where a rule stands. */
export interface NftPlace {
  readonly t: NftText;
  /** The hooks that can reach it. */
  readonly hooks: readonly NftHook[];
  readonly type: 'filter' | 'nat' | 'route';
  /** Chains further down, to jump to. */
  readonly down: readonly string[];
}

export const only = (p: NftPlace, ...hooks: NftHook[]): boolean => p.hooks.every((h) => hooks.includes(h));
const not = (r: Rng): string => (r.chance(18) ? '!= ' : '');

/** The families of IP that a table sees, as the node has them. */
export function families(w: NftWorld, p: NftPlace): readonly (4 | 6)[] {
  const { family } = p.t;
  const both: (4 | 6)[] = [...(w.four ? ([4] as const) : []), ...(w.six ? ([6] as const) : [])];
  return both.filter((f) => family === 'inet' || family === 'bridge' || family === (f === 4 ? 'ip' : 'ip6'));
}
export const worldOf = (w: NftWorld, f: 4 | 6): World => (f === 4 ? w.four : w.six) as World;
export const ipOf = (f: 4 | 6): 'ip' | 'ip6' => (f === 4 ? 'ip' : 'ip6');

export const address = (r: Rng, w: NftWorld, f: 4 | 6): string => r.pick(worldOf(w, f).addrs);
export function network(r: Rng, w: NftWorld, f: 4 | 6): string {
  const net = r.pick(worldOf(w, f).nets);
  if (f === 6) return r.chance(85) ? `${net}::/${r.pick([64, 64, 120])}` : r.pick(['fd00::/8', '2000::/3', 'fe80::/10', 'ff00::/8']);
  return r.chance(80) ? `${net}.0/${r.pick([24, 24, 25, 28])}` : r.pick(['10.0.0.0/8', '127.0.0.0/8', '0.0.0.0/1', '224.0.0.0/4', '192.168.0.0/16']);
}
const range = (r: Rng, w: NftWorld, f: 4 | 6): string => {
  const net = r.pick(worldOf(w, f).nets);
  return f === 4 ? `${net}.${r.pick([1, 2, 5])}-${net}.${r.pick([9, 77, 254])}` : `${net}::${r.pick(['1', '2'])}-${net}::${r.pick(['9', '4d', 'fe'])}`;
};
export const some = (r: Rng, one: () => string, least = 1, most = 4): string => [...new Set(Array.from({ length: r.between(least, most) }, one))].join(', ');

export const ports = (r: Rng): string =>
  r.weighed<() => string>([
    [55, () => `${r.pick(PORTS)}`],
    [12, () => r.pick(['1-1023', '1024-65535', '30000-32767', '80-443'])],
    [25, () => `{ ${some(r, () => `${r.pick(PORTS)}`)} }`],
    [8, () => `{ ${some(r, () => (r.chance(60) ? `${r.pick([22, 53, 80])}` : r.pick(['400-500', '8000-8999', '30000-32767'])))} }`],
  ])();

export function device(r: Rng, w: NftWorld): string {
  const links = (w.four ?? w.six)?.links ?? [];
  return `"${r.chance(80) ? r.pick(links).name : r.pick(['lo', 'eth*', 'cali*', 'nosuch'])}"`;
}

export const MARKS = ['0x1', '0x2', '0x4000', '0x10'] as const;
const STATES = ['established,related', 'new', 'invalid', 'established', 'related', 'untracked', 'new,untracked', 'invalid,new'] as const;

function addressMatch(r: Rng, w: NftWorld, p: NftPlace): string {
  const f = r.pick(families(w, p));
  const [ip, side] = [ipOf(f), r.pick(['saddr', 'daddr'])];
  const fitting = p.t.sets.filter((s) => s.data === null && s.key === (f === 4 ? 'ipv4_addr' : 'ipv6_addr'));
  if (fitting.length > 0 && r.chance(40)) return `${ip} ${side} ${not(r)}@${r.pick(fitting).name}`;
  return r.weighed<() => string>([
    [35, () => `${ip} ${side} ${not(r)}${address(r, w, f)}`],
    [30, () => `${ip} ${side} ${not(r)}${network(r, w, f)}`],
    [20, () => `${ip} ${side} ${not(r)}{ ${some(r, () => address(r, w, f))} }`],
    [8, () => `${ip} ${side} ${not(r)}${range(r, w, f)}`],
    [f === 4 ? 4 : 0, () => `ip ${side} & 255.255.255.0 ${r.pick(['==', '!='])} ${r.pick(worldOf(w, 4).nets)}.0`],
    [3, () => `${ip} ${r.pick(['saddr . ' + ip + ' daddr', 'daddr . ' + ip + ' saddr'])} { ${some(r, () => `${address(r, w, f)} . ${address(r, w, f)}`)} }`],
  ])();
}

function serviceMatch(r: Rng, w: NftWorld, p: NftPlace): string {
  const f = r.pick(families(w, p));
  const proto = r.pick(['tcp', 'udp', 'tcp', 'th']);
  const fitting = p.t.sets.filter((s) => s.data === null && s.key === `${f === 4 ? 'ipv4_addr' : 'ipv6_addr'} . inet_service`);
  return r.weighed<() => string>([
    [50, () => `${proto} ${r.pick(['dport', 'dport', 'sport'])} ${not(r)}${ports(r)}`],
    [14, () => `${ipOf(f)} daddr . ${proto} dport ${not(r)}{ ${some(r, () => `${address(r, w, f)} . ${r.pick(PORTS)}`)} }`],
    [10, () => `meta l4proto . th dport ${not(r)}{ ${some(r, () => `${r.pick(['tcp', 'udp'])} . ${r.pick(PORTS)}`)} }`],
    [fitting.length > 0 ? 14 : 0, () => `${ipOf(f)} ${r.pick(['saddr', 'daddr'])} . ${proto} dport ${not(r)}@${r.pick(fitting).name}`],
    [6, () => `${proto === 'th' ? 'tcp' : proto} dport ${r.pick(['< 1024', '>= 1024', '> 443', '<= 53'])}`],
  ])();
}

const tcpFlags = (r: Rng): string =>
  r.pick([
    'tcp flags syn',
    'tcp flags != syn',
    'tcp flags == syn',
    'tcp flags & (fin|syn|rst|ack) == syn',
    'tcp flags & (fin|syn|rst|ack) != syn',
    'tcp flags & (syn|ack) == syn|ack',
    'tcp flags syn / fin,syn,rst,ack',
    'tcp flags { syn, ack }',
    'tcp flags syn,ack',
    'tcp flags ! syn,ack',
  ]);

function icmpMatch(r: Rng, w: NftWorld, p: NftPlace): string {
  return r.pick(families(w, p)) === 4
    ? r.pick([
        'icmp type echo-request',
        'icmp type != echo-request',
        'icmp type { echo-request, echo-reply }',
        'icmp type { destination-unreachable, time-exceeded }',
        'icmp code 0',
        'icmp type . icmp code { 8 . 0, 3 . 3 }',
        'icmp id > 100',
        'icmp sequence 1',
      ])
    : r.pick([
        'icmpv6 type echo-request',
        'icmpv6 type != echo-request',
        'icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert }',
        'icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, echo-reply }',
        'icmpv6 code 0',
        'icmpv6 id > 100',
      ]);
}

function deviceMatch(r: Rng, w: NftWorld, p: NftPlace): string {
  const one = (word: string): string =>
    r.chance(70) ? `${word} ${not(r)}${device(r, w)}` : `${word} ${not(r)}{ ${some(r, () => device(r, w).replace('*', ''), 1, 3)} }`;
  if (only(p, 'output', 'postrouting')) return one('oifname');
  if (only(p, 'prerouting', 'input')) return r.chance(12) ? `iif ${not(r)}lo` : one('iifname');
  return one(r.pick(['iifname', 'oifname']));
}

function conntrackMatch(r: Rng, w: NftWorld, p: NftPlace): string {
  const f = r.pick(families(w, p));
  return r.weighed<() => string>([
    [60, () => `ct state ${not(r)}${r.pick(STATES)}`],
    [5, () => `ct state { ${some(r, () => r.pick(['new', 'established', 'related', 'invalid']), 2, 3)} }`],
    [8, () => `ct status ${r.pick(['dnat', 'snat', '! dnat', 'seen-reply', 'assured', 'confirmed', '!= dnat'])}`],
    [8, () => `ct mark ${not(r)}${r.pick(MARKS)}`],
    [4, () => `ct mark & 0xff ${r.pick(['==', '!='])} ${r.pick(['0x0', '0x1'])}`],
    [4, () => `ct direction ${r.pick(['original', 'reply'])}`],
    [4, () => `ct ${r.pick(['original', 'reply'])} ${ipOf(f)} ${r.pick(['saddr', 'daddr'])} ${not(r)}${r.chance(60) ? address(r, w, f) : network(r, w, f)}`],
    [3, () => `ct original proto-dst ${not(r)}${r.pick(PORTS)}`],
    [3, () => `ct ${r.pick(['original', 'reply', 'original'])} protocol ${r.pick(['tcp', 'udp', '!= tcp'])}`],
    [2, () => `ct zone ${not(r)}${r.pick([0, 1])}`],
    [2, () => `ct original packets ${r.pick(['> 1', '< 2', '0'])}`],
    [1, () => 'ct helper "ftp"'],
    [1, () => 'ct expiration > 1s'],
  ])();
}

const markMatch = (r: Rng): string =>
  r.pick([
    `meta mark ${not(r)}${r.pick(MARKS)}`,
    `meta mark & 0xff ${r.pick(['==', '!='])} ${r.pick(['0x0', '0x1', '0x2'])}`,
    `meta mark & 0x4000 ${r.pick(['==', '!='])} ${r.pick(['0x0', '0x4000'])}`,
    'meta mark { 0x1, 0x2 }',
    'meta mark 0x1-0xff',
  ]);

function headerMatch(r: Rng, w: NftWorld, p: NftPlace): string {
  const f = r.pick(families(w, p));
  return f === 4
    ? r.pick([
        `ip protocol ${not(r)}${r.pick(['tcp', 'udp', 'icmp'])}`,
        'ip protocol { tcp, udp }',
        'ip ttl < 64',
        `ip ttl ${not(r)}64`,
        `ip dscp ${not(r)}${r.pick(['cs1', 'af11', '0x04', 'ef'])}`,
        'ip ecn ect0',
        'ip length 28-100',
        'ip frag-off & 0x1fff != 0',
        'ip frag-off & 0x2000 == 0x2000',
        'ip hdrlength 5',
        'ip version 4',
        '@nh,72,8 17',
        '@th,16,16 80',
        'ip option ra exists',
      ])
    : r.pick([
        `ip6 nexthdr ${not(r)}${r.pick(['tcp', 'udp', 'icmpv6'])}`,
        'ip6 nexthdr { tcp, udp }',
        'ip6 hoplimit < 64',
        'ip6 hoplimit 255',
        `ip6 dscp ${not(r)}${r.pick(['cs1', 'af11', 'ef'])}`,
        'ip6 flowlabel 0',
        'ip6 length < 100',
        'ip6 version 6',
        'exthdr frag exists',
        'frag frag-off 0',
        'exthdr hbh missing',
        '@th,16,16 80',
      ]);
}

function metaMatch(r: Rng, w: NftWorld, p: NftPlace): string {
  const out = only(p, 'output', 'postrouting');
  return r.weighed<() => string>([
    [14, () => `meta l4proto ${not(r)}${r.pick(['tcp', 'udp', 'icmp', '{ tcp, udp }', '{ icmp, ipv6-icmp }', 'sctp'])}`],
    [8, () => `meta nfproto ${r.pick(['ipv4', 'ipv6', '!= ipv4'])}`],
    [4, () => `meta protocol ${r.pick(['ip', 'ip6', '{ ip, ip6 }', '!= ip'])}`],
    [6, () => `meta pkttype ${not(r)}${r.pick(['unicast', 'host', 'broadcast', 'multicast', '{ broadcast, multicast }'])}`],
    [5, () => `meta length ${r.pick(['> 60', '< 84', '28-100', '!= 84', '{ 84, 60 }'])}`],
    [out ? 8 : 1, () => `meta ${r.pick(['skuid', 'skuid', 'skgid'])} ${not(r)}${r.pick(['0', '1000', '{ 0, 1000 }', '> 0'])}`],
    [2, () => `meta ${only(p, 'output', 'postrouting') ? 'oiftype' : 'iiftype'} ${r.pick(['ether', 'loopback', '!= ether'])}`],
    [2, () => `meta ${only(p, 'output', 'postrouting') ? 'oifgroup' : 'iifgroup'} ${r.pick(['0', 'default', '1'])}`],
    [2, () => `meta priority ${r.pick(['none', '0:1', '!= none'])}`],
    [1, () => `rt classid ${not(r)}${r.pick(['0', '1'])}`],
    [out ? 3 : 0, () => (r.pick(families(w, p)) === 4 ? `rt ip nexthop ${not(r)}${address(r, w, 4)}` : `rt mtu < 1500`)],
    [only(p, 'prerouting', 'input') ? 3 : 0, () => r.pick(['socket transparent 0', 'socket wildcard 1', 'socket wildcard 0', 'socket mark 0x1'])],
    [1, () => `meta random < 4294967295`],
  ])();
}

const TYPES = ['local', 'unicast', 'broadcast', 'multicast', '{ local, broadcast, multicast }', '!= local', 'anycast', 'blackhole', 'unreachable'] as const;
function fibMatch(r: Rng, p: NftPlace): string {
  const [iif, oif] = [only(p, 'prerouting', 'input', 'forward'), only(p, 'forward', 'output', 'postrouting')];
  return r.weighed<() => string>([
    [40, () => `fib ${r.pick(['saddr', 'daddr', 'daddr'])} type ${r.pick(TYPES)}`],
    [iif ? 10 : 0, () => `fib ${r.pick(['saddr', 'daddr'])} . iif type ${r.pick(TYPES)}`],
    [oif ? 6 : 0, () => `fib daddr . oif type ${r.pick(TYPES)}`],
    [only(p, 'prerouting', 'input', 'forward') ? 16 : 0, () => `fib saddr . iif oif ${r.pick(['missing', 'exists'])}`],
    [only(p, 'prerouting', 'input', 'forward') ? 8 : 0, () => `fib saddr . mark . iif oif ${r.pick(['missing', 'exists'])}`],
    [iif ? 8 : 0, () => `fib ${r.pick(['saddr', 'daddr'])} oif ${r.pick(['exists', 'missing'])}`],
    [iif ? 6 : 0, () => `fib daddr oifname ${r.pick(['"eth0"', '"lo"', '!= "eth1"'])}`],
    [4, () => `fib daddr . mark type ${r.pick(['local', 'unicast'])}`],
  ])();
}

/** What is limited by time or number: once empty, it stays so for the case. */
const limitMatch = (r: Rng): string =>
  r.weighed<() => string>([
    [50, () => `limit rate ${r.chance(30) ? 'over ' : ''}1/hour burst ${r.between(1, 3)} packets`],
    [15, () => `limit rate ${r.chance(30) ? 'over ' : ''}1 bytes/hour burst ${r.pick([60, 100, 200])} bytes`],
    [15, () => `quota ${r.pick(['over ', '', 'until '])}${r.pick([60, 100, 400])} bytes`],
    [15, () => `ct count ${r.chance(50) ? 'over ' : ''}${r.between(1, 2)}`],
  ])();

/** One comparison; '' where none fits the place. */
export function match(r: Rng, w: NftWorld, p: NftPlace): string {
  return r.weighed<() => string>([
    [20, () => addressMatch(r, w, p)],
    [18, () => serviceMatch(r, w, p)],
    [5, () => tcpFlags(r)],
    [7, () => icmpMatch(r, w, p)],
    [9, () => deviceMatch(r, w, p)],
    [14, () => conntrackMatch(r, w, p)],
    [7, () => markMatch(r)],
    [6, () => headerMatch(r, w, p)],
    [9, () => metaMatch(r, w, p)],
    [6, () => fibMatch(r, p)],
    [4, () => limitMatch(r)],
  ])();
}
