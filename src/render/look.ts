/** What to type next on the node where a packet died: the commands with this case's values, and the sysctls that its fate rests on. A cause without a row is a compile error. */
import { byName } from '../base/memo.js';
import type { NodeState } from '../scenario/model.js';
import { sysctlsOf } from '../stack/sysctls.js';
import type { Cause } from '../trace/cause.js';
import { chainPlace } from '../trace/place.js';
import { type DropContext, macFact } from './drop-context.js';

interface LookRow {
  readonly commands: (c: DropContext) => readonly string[];
  /** Paths below /proc/sys that decided. */
  readonly sysctls?: (c: DropContext) => readonly string[];
}

const devOf = (c: DropContext): string => (typeof c.facts.dev === 'string' ? c.facts.dev : c.dev || c.out);
const ip = (c: DropContext): string => (c.family === 'ipv6' ? 'ip -6' : 'ip');
/** On a node with two rule sets, the tool of the one that decided. */
export function iptables(c: DropContext): string {
  const [tool, legacy, nft] =
    c.family === 'ipv6' ? ['ip6tables', c.state?.ip6tables, c.state?.ip6tablesNft] : ['iptables', c.state?.iptables, c.state?.iptablesNft];
  return legacy && nft ? `${tool}-${c.location === 'nft_do_chain' ? 'nft' : 'legacy'}` : tool;
}
const mark = (c: DropContext): string => (c.mark ? ` mark 0x${c.mark.toString(16)}` : '');
const conf = (c: DropContext, dev: string, key: string): string => `net/${c.family}/conf/${dev}/${key}`;

/** How the kernel was asked. */
const routeGet = (c: DropContext): string =>
  c.dev ? `${ip(c)} route get ${c.dst} from ${c.src} iif ${c.dev}${mark(c)}` : `${ip(c)} route get ${c.dst}${mark(c)}`;
/** How source validation asked: from the packet's destination, through the device that it would leave by, which matters where rules choose by source. */
function routeBack(c: DropContext): string {
  const plain = `${ip(c)} route get ${c.src}`;
  const byRule = c.check !== null && / table /.test(String(c.facts.reverse_route ?? ''));
  if (!byRule) return plain;
  return c.route?.type === 'unicast' && c.route.dev ? `${plain} from ${c.dst} iif ${c.route.dev}; ip rule` : `${plain} from ${c.dst}; ip rule`;
}
/** A marked packet whose source was validated without the mark. */
export const unmarked = (c: DropContext): boolean => c.mark !== 0 && c.check !== null && !c.check.srcValidMark;
function listRule(c: DropContext): readonly string[] {
  if (c.chain === '') return [`${iptables(c)}-save -c`];
  return [c.ref?.backend === 'nftables' ? `nft -a list chain ${chainPlace(c.ref)}` : `${iptables(c)} -t ${c.table} -S ${c.chain}`];
}
const bridgeOf = (c: DropContext): string => String(c.facts.bridge ?? byName(c.state?.links ?? [], devOf(c))?.master ?? devOf(c));
const fdb = (c: DropContext): string => `bridge fdb show br ${bridgeOf(c)}${c.facts.mac === undefined ? '' : ` | grep ${macFact(c.facts.mac)}`}`;
const port = (c: DropContext): string => `bridge -d link show dev ${c.facts.to ?? c.facts.port ?? c.facts.from ?? devOf(c)}`;
const listeners = (c: DropContext): string => `ss -${c.proto === 'udp' ? 'lunp' : 'ltnp'} 'sport = :${c.facts.port ?? c.dport}'`;
const typed = (type: string): LookRow => ({ commands: (c) => [routeGet(c), `${ip(c)} route show table all type ${type}`] });

const rows = {
  'rule-drop': { commands: listRule },
  'policy-drop': { commands: listRule },
  'rp-filter': {
    commands: (c) => [routeGet(c), routeBack(c)],
    sysctls: (c) => [conf(c, 'all', 'rp_filter'), conf(c, devOf(c), 'rp_filter'), ...(unmarked(c) ? [conf(c, devOf(c), 'src_valid_mark')] : [])],
  },
  'source-is-ours': { commands: () => ['ip -br addr'], sysctls: (c) => [conf(c, devOf(c), 'accept_local')] },
  'source-unroutable': { commands: (c) => [routeBack(c)], sysctls: (c) => [conf(c, 'all', 'rp_filter'), conf(c, devOf(c), 'rp_filter')] },
  'martian-source': { commands: (c) => [routeGet(c), `tcpdump -eni ${devOf(c)} src ${c.src}`] },
  'martian-destination': { commands: (c) => [routeGet(c), 'iptables -t nat -S PREROUTING'] },
  localnet: { commands: (c) => [routeGet(c)], sysctls: (c) => [conf(c, 'all', 'route_localnet'), conf(c, devOf(c), 'route_localnet')] },
  'no-route': { commands: (c) => [routeGet(c), `${ip(c)} rule`] },
  'route-blackhole': typed('blackhole'),
  'route-unreachable': typed('unreachable'),
  'route-prohibit': typed('prohibit'),
  'forwarding-off': {
    commands: (c) => [routeGet(c)],
    sysctls: (c) => [c.family === 'ipv4' ? 'net/ipv4/ip_forward' : 'net/ipv6/conf/all/forwarding', conf(c, devOf(c), 'forwarding')],
  },
  'ttl-expired': { commands: (c) => [routeGet(c), `traceroute -n ${c.dst}`] },
  'too-big': { commands: (c) => [`ip link show dev ${c.facts.dev ?? c.out}`, `tracepath -n ${c.dst}`] },
  'not-for-us': { commands: (c) => [`ip link show dev ${devOf(c)}`, `tcpdump -eni ${devOf(c)} host ${c.dst}`] },
  'device-down': { commands: (c) => [`ip link show dev ${devOf(c)}`, `ip link set ${devOf(c)} up`] },
  'no-carrier': { commands: (c) => [`ip link show dev ${c.facts.dev ?? c.out}`, routeGet(c)] },
  'neighbour-unresolved': { commands: (c) => [`ip neigh show dev ${c.facts.dev ?? c.out}`, `arping -I ${c.facts.dev ?? c.out} ${c.facts.hop ?? c.dst}`] },
  'bad-header': { commands: (c) => [`tcpdump -vvveni ${devOf(c)}`] },
  'bad-checksum': { commands: (c) => [`tcpdump -vvni ${devOf(c)} host ${c.src}`, `ethtool -k ${devOf(c)}`] },
  'bad-options': {
    commands: (c) => [`tcpdump -vvni ${devOf(c)} host ${c.src}`],
    sysctls: (c) => [conf(c, 'all', 'accept_source_route'), conf(c, devOf(c), 'accept_source_route')],
  },
  'no-socket': { commands: (c) => [listeners(c)] },
  'proto-unknown': { commands: (c) => [`tcpdump -eni ${devOf(c)}`, 'ip -d link'] },
  'icmp-ignored': { commands: () => ['nstat -az | grep Icmp'], sysctls: () => ['net/ipv4/icmp_echo_ignore_all', 'net/ipv4/icmp_echo_ignore_broadcasts'] },
  'tcp-refused': { commands: (c) => [`ss -tan '( sport = :${c.dport} )'`, 'nstat -az | grep TcpExt'] },
  'sk-filter': { commands: (c) => [listeners(c)] },
  'queue-unheard': { commands: (c) => ['cat /proc/net/netfilter/nfnetlink_queue', ...listRule(c)] },
  hotdrop: { commands: listRule },
  'ct-invalid-drop': { commands: () => ['conntrack -S', 'conntrack -C'], sysctls: () => ['net/netfilter/nf_conntrack_max'] },
  'ct-clash': { commands: (c) => ['conntrack -S', `conntrack -L -d ${c.dst}`] },
  'nat-exhausted': { commands: (c) => ['conntrack -S', `conntrack -L -d ${c.dst}`, ...listRule(c)] },
  'nat-no-address': { commands: (c) => [`ip addr show dev ${c.out}`] },
  'reroute-failed': { commands: (c) => [`${ip(c)} rule`, `${ip(c)} route get ${c.dst}${mark(c)}`] },
  'tproxy-no-socket': { commands: (c) => [listeners(c)] },
  'bridge-no-port': { commands: (c) => [fdb(c), `bridge link show master ${bridgeOf(c)}`] },
  'bridge-hairpin': { commands: (c) => [port(c), `bridge link set dev ${c.facts.to ?? c.facts.from ?? devOf(c)} hairpin on`] },
  'bridge-isolated': { commands: (c) => [port(c)] },
  'bridge-port-state': { commands: (c) => [port(c)] },
  'bridge-flood-off': { commands: (c) => [fdb(c), `bridge -d link show master ${bridgeOf(c)}`] },
  'bridge-local-frame': { commands: (c) => [port(c), `cat /sys/class/net/${bridgeOf(c)}/bridge/group_fwd_mask`] },
  'ebtables-drop': { commands: (c) => [c.facts.table ? `ebtables -t ${c.facts.table} -L ${c.facts.chain} --Lc` : 'ebtables-save'] },
  'xfrm-policy': { commands: (c) => [`ip xfrm policy list dir ${c.facts.dir ?? 'in'}`, `nstat -az ${c.facts.counter ?? 'XfrmInTmplMismatch'}`] },
  'xfrm-no-state': { commands: (c) => ['ip xfrm state', `ip xfrm policy list dir ${c.facts.dir ?? 'out'}`] },
  'xfrm-block': { commands: (c) => [`ip xfrm policy list dir ${c.facts.dir ?? 'out'}`] },
  'tunnel-no-device': { commands: () => ['ip -d link show type ipip', 'ip -d link show type vxlan'] },
  'tunnel-static-entry': { commands: (c) => [`bridge fdb show dev ${c.facts.dev}`] },
  'frag-incomplete': { commands: (c) => [`tcpdump -vni ${devOf(c)} 'ip[6:2] & 0x3fff != 0 and host ${c.src}'`, 'nstat -az | grep Reasm'] },
  'no-source-address': { commands: (c) => [`ip addr show dev ${c.out}`] },
  loop: { commands: (c) => [routeGet(c)] },
  'multicast-no-member': { commands: (c) => [`ip maddr show dev ${devOf(c)}`] },
  scope: { commands: (c) => [routeGet(c)] },
  'ipv6-extension': { commands: (c) => [`tcpdump -vvni ${devOf(c)} ip6 and host ${c.src}`] },
  unclassified: { commands: () => ['perf trace -e skb:kfree_skb', 'nstat -az'] },
} as const satisfies Record<Cause, LookRow>;

/** A path below /proc/sys as sysctl(8) writes it. */
export const dotted = (path: string): string => path.replace(/[./]/g, (ch) => (ch === '/' ? '.' : '/'));

/** Commands to type, the `sysctl` one last. */
export function lookAt(c: DropContext): readonly string[] {
  const row: LookRow = rows[c.cause];
  const paths = row.sysctls?.(c) ?? [];
  return [...row.commands(c), ...(paths.length > 0 ? [`sysctl ${paths.map(dotted).join(' ')}`] : [])];
}

/** Sysctls that the fate rests on and that the node's dump does not state: `name = value`, Linux's default. */
export function assumedSysctls(c: DropContext): readonly string[] {
  const row: LookRow = rows[c.cause];
  const n = c.state;
  return n ? (row.sysctls?.(c) ?? []).filter((p) => !isStated(n, p)).map((p) => `${dotted(p)} = ${sysctlValue(n, p)}`) : [];
}

const CONF = /^net\/(ipv4|ipv6)\/conf\/(.+)\/([^/]+)$/;

function isStated(n: NodeState, path: string): boolean {
  const m = CONF.exec(path);
  return m ? sysctlsOf(n.sysctls).isStated(m[1] as 'ipv4' | 'ipv6', m[2], m[3]) : sysctlsOf(n.sysctls).stated(path) !== undefined;
}

function sysctlValue(n: NodeState, path: string): number {
  const m = CONF.exec(path);
  return m ? sysctlsOf(n.sysctls).conf(m[1] as 'ipv4' | 'ipv6', m[2], m[3]) : sysctlsOf(n.sysctls).get(path);
}
