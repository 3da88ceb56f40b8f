/** What the tools are told to make a namespace into a node of a scenario: lines of `ip`, `bridge`, `conntrack` and settings, as text. */
import { type Addr, formatAddr, formatMac } from '../base/addr.js';
import { protoName, readConntrack } from '../formats/conntrack.js';
import { writeIpRoute } from '../formats/ip-route.js';
import { writeIpRule } from '../formats/ip-rule.js';
import type { Link } from '../link/model.js';
import type { CtEntry } from '../netfilter/conntrack/entry.js';
import type { NodeState } from '../scenario/model.js';

/** Does anything of the node speak IPv6? */
export const speaksIpv6 = (n: NodeState): boolean => n.addrs.some((a) => a.family === 'ipv6' && a.dev !== 'lo');

/** Devices that the lab makes as veth pairs. */
export const isWired = (l: Link): boolean => l.linkType === 'ether' && (l.kind === '' || l.kind === 'veth');

/** Neighbours of the devices that are there: how long one stays reachable, when one in use is probed, when one that does not answer is asked again. */
export const UNHURRIED_NEIGHBOURS = `for d in /proc/sys/net/ipv4/neigh/* /proc/sys/net/ipv6/neigh/*; do
[ -e $d/retrans_time_ms ] || continue
echo 3600000 > $d/base_reachable_time_ms
echo 1000 > $d/delay_first_probe_time
echo 600000 > $d/retrans_time_ms
done`;

/**
 * Settings of a namespace before it has devices. Nothing is to happen in a lab by itself: no duplicate address detection, no router solicitation, no addresses
 * but those given; reports of multicast listeners go out at once; neighbours are asked once, and TCP sends nothing twice while the lab runs.
 */
export function namespaceSettings(ipv6: boolean): string {
  const set = (pairs: readonly (readonly [string, string])[]): string =>
    pairs.map(([k, v]) => `[ -e /proc/sys/${k} ] && echo '${v}' > /proc/sys/${k}`).join('\n');
  const both = (k: string, v: string): (readonly [string, string])[] => ['all', 'default'].map((d) => [`net/ipv6/conf/${d}/${k}`, v] as const);
  const v6 = ipv6
    ? [
        ...both('accept_dad', '0'),
        ...both('router_solicitations', '0'),
        ...both('mldv2_unsolicited_report_interval', '1'),
        ...both('mldv1_unsolicited_report_interval', '1'),
        ['net/ipv6/conf/default/addr_gen_mode', '1'] as const,
        ['net/ipv6/icmp/ratelimit', '0'] as const,
      ]
    : ['all', 'default', 'lo'].map((d) => [`net/ipv6/conf/${d}/disable_ipv6`, '1'] as const);
  return set([
    ...v6,
    ['net/ipv4/tcp_synack_retries', '0'],
    ['net/ipv4/tcp_rto_min_us', '60000000'],
    ['net/ipv4/tcp_early_retrans', '0'],
    ['net/ipv4/conf/all/igmpv3_unsolicited_report_interval', '1'],
    ['net/ipv4/conf/default/igmpv3_unsolicited_report_interval', '1'],
    ['net/ipv4/icmp_ratelimit', '0'],
    ['net/ipv4/icmp_msgs_per_sec', '100000'],
    ['net/ipv4/icmp_msgs_burst', '10000'],
    ['net/ipv4/tcp_timestamps', '0'],
    ['net/ipv4/tcp_ecn', '0'],
    ['net/netfilter/nf_log/2', 'nfnetlink_log'],
    ['net/netfilter/nf_log/10', 'nfnetlink_log'],
  ]);
}

/** `ip` words that make a device that is no veth; null for kinds that the lab does not build. */
export function addLink(l: Link): readonly string[] | null {
  if (l.kind === 'bridge') return ['link', 'add', l.name, 'index', String(l.ifindex), 'type', 'bridge', ...bridgeOptions(l)];
  return l.kind === 'vxlan' ? ['link', 'add', l.name, 'index', String(l.ifindex), 'type', 'vxlan', ...vxlanOptions(l)] : null;
}

function bridgeOptions(l: Link): string[] {
  const out: string[] = [];
  for (const k of ['stp_state', 'vlan_filtering', 'mcast_snooping', 'nf_call_iptables', 'nf_call_ip6tables', 'nf_call_arptables', 'ageing_time']) {
    const v = l.data[k];
    if (v !== undefined) out.push(k, String(Number(v)));
  }
  return out;
}

function vxlanOptions(l: Link): string[] {
  const d = l.data as Record<string, string | number | boolean | { low?: number; high?: number } | undefined>;
  const words = ['id', `${d.id ?? 1}`, 'dstport', `${d.port ?? 8472}`];
  for (const [key, word] of [
    ['local', 'local'],
    ['local6', 'local'],
    ['remote', 'remote'],
    ['remote6', 'remote'],
    ['group', 'group'],
    ['group6', 'group'],
    ['link', 'dev'],
  ] as const)
    if (d[key] !== undefined) words.push(word, `${d[key]}`);
  if (typeof d.ttl === 'number' && d.ttl > 0) words.push('ttl', `${d.ttl}`);
  if (typeof d.tos === 'number' && d.tos > 0) words.push('tos', `${d.tos}`);
  const range = d.port_range;
  if (typeof range === 'object' && range.high) words.push('srcport', `${range.low ?? 0}`, `${range.high}`);
  if (d.udp_csum === true) words.push('udpcsum');
  words.push(d.learning === false ? 'nolearning' : 'learning');
  return words;
}

/** Lines of `ip -batch`: addresses of Ethernet, masters, up and down. */
export function linkLines(n: NodeState): string[] {
  return n.links.flatMap((l) => [
    ...(l.linkType === 'ether' ? [`link set ${l.name} address ${formatMac(l.mac)} mtu ${l.mtu}`] : []),
    ...(l.linkType === 'loopback' && l.mtu !== 65536 ? [`link set ${l.name} mtu ${l.mtu}`] : []),
    ...(l.master === null ? [] : [`link set ${l.name} master ${l.master}`]),
    `link set ${l.name} ${l.flags.includes('UP') ? 'up' : 'down'}`,
  ]);
}

const PORT_FLAGS = ['hairpin', 'isolated', 'learning', 'flood', 'mcast_flood', 'bcast_flood', 'neigh_suppress', 'proxy_arp'] as const;

/** Commands for ports of bridges and forwarding databases. */
export function bridgeCommands(n: NodeState): string[] {
  const out: string[] = [];
  for (const l of n.links) {
    const flags = PORT_FLAGS.filter((f) => typeof l.slaveData[f] === 'boolean').map((f) => `${f} ${l.slaveData[f] ? 'on' : 'off'}`);
    if (l.master !== null && flags.length > 0) out.push(`bridge link set dev ${l.name} ${flags.join(' ')}`);
  }
  for (const e of n.fdb) {
    const extra = `${e.port === null ? '' : ` port ${e.port}`}${e.vni === null ? '' : ` vni ${e.vni}`}${e.via === null ? '' : ` via ${e.via}`}`;
    if (e.dst !== null) out.push(`bridge fdb append ${formatMac(e.mac)} dev ${e.dev} dst ${formatAddr(e.dst)}${extra}`);
    else if (e.master !== null && e.state === 'static') out.push(`bridge fdb replace ${formatMac(e.mac)} dev ${e.dev} master static`);
  }
  return out;
}

/** Lines of `ip -force -batch`: addresses, neighbours, routes and rules of one family. */
export function familyLines(n: NodeState, family: 'ipv4' | 'ipv6'): string[] {
  const lines: string[] = [];
  const v6 = family === 'ipv6';
  for (const a of n.addrs) {
    if (a.family !== family || (a.dev === 'lo' && a.scope === 'host')) continue;
    const peer = a.peer === null ? '' : ` peer ${formatAddr(a.peer)}`;
    const brd = a.broadcast === null ? '' : ` brd ${formatAddr(a.broadcast)}`;
    const scope = a.scope === 'global' ? '' : ` scope ${a.scope}`;
    lines.push(
      // A link-local address may be there already: the kernel makes one when the device comes up.
      `addr ${v6 ? 'replace' : 'add'} ${formatAddr(a.local)}${peer}/${a.prefixlen}${brd}${scope} dev ${a.dev}${v6 ? ' nodad' : ''}${a.flags.includes('noprefixroute') ? ' noprefixroute' : ''}`,
    );
  }
  for (const g of n.neighs) {
    if (g.family !== family) continue;
    if (g.proxy) lines.push(`neigh add proxy ${formatAddr(g.dst)} dev ${g.dev}`);
    else if (g.lladdr !== null) lines.push(`neigh replace ${formatAddr(g.dst)} lladdr ${formatMac(g.lladdr)} dev ${g.dev} nud permanent`);
  }
  for (const r of writeIpRoute(n.routes ?? [], { family, table: 'all' }).split('\n'))
    if (r !== '' && !/table local|proto kernel/.test(r)) lines.push(`route replace ${r.replace(/ (linkdown|dead)\b/g, '')}`);
  for (const r of writeIpRule(n.rules ?? [], { family }).split('\n')) {
    const m = /^(\d+):\t(.*)$/.exec(r);
    if (m && !['0', '32766', '32767'].includes(m[1])) lines.push(`rule add pref ${m[1]} ${m[2].replace(/\blookup\b/, 'table')}`);
  }
  return lines;
}

/** `conntrack -I` for each entry of a table that `conntrack -L` printed. */
export const conntrackCommands = (text: string): string[] => readConntrack(text).value.map(insertion);

function insertion(e: CtEntry): string {
  const proto = protoName(e.orig.proto);
  const words = ['conntrack', '-I', '-p', proto, '-s', formatAddr(e.orig.src), '-d', formatAddr(e.orig.dst), '--timeout', String(e.timeout || 600)];
  const icmp = proto === 'icmp' || proto === 'icmpv6';
  if (icmp) words.push('--icmp-type', String(e.orig.dport >>> 8), '--icmp-code', String(e.orig.dport & 255), '--icmp-id', String(e.orig.sport));
  else if (e.orig.sport !== 0 || e.orig.dport !== 0) words.push('--sport', String(e.orig.sport), '--dport', String(e.orig.dport));
  // NAT has to be asked for: a reply tuple alone translates nothing.
  const nat = (to: Addr, port: number, was: number): string => (icmp || port === was ? formatAddr(to) : `${bracketed(to)}:${port}`);
  if (e.reply.src !== e.orig.dst || (!icmp && e.reply.sport !== e.orig.dport)) words.push('--dst-nat', nat(e.reply.src, e.reply.sport, e.orig.dport));
  if (e.reply.dst !== e.orig.src || (!icmp && e.reply.dport !== e.orig.sport)) words.push('--src-nat', nat(e.reply.dst, e.reply.dport, e.orig.sport));
  if (e.state !== null) words.push('--state', e.state);
  const status = [...(e.unreplied ? [] : ['SEEN_REPLY']), ...(e.assured ? ['ASSURED'] : [])];
  if (status.length > 0) words.push('-u', status.join(','));
  if (e.mark !== 0) words.push('--mark', String(e.mark));
  if (e.zone.id !== 0) words.push('--zone', String(e.zone.id));
  return words.join(' ');
}

const bracketed = (a: Addr): string => (typeof a === 'string' ? `[${formatAddr(a)}]` : formatAddr(a));
