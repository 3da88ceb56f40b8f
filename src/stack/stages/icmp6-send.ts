/** ICMPv6 errors and echo replies that the node makes: icmp6_send(), icmpv6_echo_reply() (net/ipv6/icmp.c); group membership (mcast.c). */
import { ANY6, type Ip6, inPrefix, isMulticast6, parseIp6 } from '../../base/addr.js';
import { isLinkLocal6, LOOPBACK6, type Route } from '../../fib/index.js';
import { buildIcmp6, buildIp6 } from '../../packet/build.js';
import { ETH_P_IPV6, IPPROTO, type Origin, type Skb } from '../../packet/skb.js';
import { type Dst, type NetDevice, RTCF_LOCAL } from '../../packet/types.js';
import { flight } from '../flight.js';
import { reflectedLabel } from '../flow-label.js';
import type { Kernel, OutputQuery } from '../kernel.js';
import { icmp6Sk } from '../kernel-socket.js';
import { icmpSocket } from './icmp-send.js';

const IPV6_MIN_MTU = 1280;
const PKT_TOOBIG = 2;
const PARAMPROB = 4;
const UNK_OPTION = 2;
const INFO = 128;

/** ICMPv6 types by number with nstat's names. */
export const icmp6Types = new Map<number, string>([
  [1, 'DestUnreachs'],
  [2, 'PktTooBigs'],
  [3, 'TimeExcds'],
  [4, 'ParmProblems'],
  [128, 'Echos'],
  [129, 'EchoReplies'],
  [130, 'GroupMembQueries'],
  [131, 'GroupMembResponses'],
  [132, 'GroupMembReductions'],
  [133, 'RouterSolicits'],
  [134, 'RouterAdvertisements'],
  [135, 'NeighborSolicits'],
  [136, 'NeighborAdvertisements'],
  [137, 'Redirects'],
  [143, 'MLDv2Reports'],
]);

const ip6 = (t: string): Ip6 => parseIp6(t)!;
const SOLICITED_NODE = ip6('ff02::1:ff00:0');
const ALL_NODES = new Set([ip6('ff02::1'), ip6('ff01::1')]);
const ALL_ROUTERS = new Set([ip6('ff02::2'), ip6('ff01::2'), ip6('ff05::2')]);

export const solicitedNode = (a: Ip6): Ip6 => SOLICITED_NODE.slice(0, 6) + String.fromCharCode(0xff00 | (a.charCodeAt(6) & 0xff), a.charCodeAt(7));

export const isSolicitedNode = (a: Ip6): boolean => inPrefix(a, SOLICITED_NODE, 104);

/** ipv6_chk_mcast_addr(): groups that every node joins; solicited-node groups of the device's addresses. */
export function isGroupMember(k: Kernel, dev: NetDevice, group: Ip6): boolean {
  if (ALL_NODES.has(group)) return true;
  if (ALL_ROUTERS.has(group)) return k.conf('ipv6', dev.name, 'forwarding') !== 0;
  if (!isSolicitedNode(group)) return false;
  const { addrs, neighs } = k.given;
  // pndisc_constructor() joins for what the node answers for.
  return (
    addrs.some((a) => a.family === 'ipv6' && a.dev === dev.name && solicitedNode(a.local as Ip6) === group) ||
    neighs.some((g) => g.proxy && g.family === 'ipv6' && g.dev === dev.name && solicitedNode(g.dst as Ip6) === group)
  );
}

/** Errors must not answer errors (is_ineligible): an ICMPv6 error, or what cannot be told from one. */
function ineligible(skb: Skb): boolean {
  const th = skb.thoff;
  if (th < 0 || skb.l4proto !== IPPROTO.ICMPV6 || skb.fragOffset !== 0) return false;
  const type = skb.data[th];
  return type === undefined ? !skb.mf : (type & INFO) === 0;
}

/** opt_unrec(): an unknown option that asks for an error even where the packet was for many. */
const mustTell = (skb: Skb, pointer: number): boolean => pointer >= skb.data.length || (skb.data[pointer] & 0xc0) === 0x80;

export function icmp6Send(k: Kernel, skb: Skb, type: number, code: number, info: number): void {
  const dev = skb.dev;
  if (dev === null) return;
  const from = skb.saddr as Ip6;
  const to = skb.daddr as Ip6;
  let src: Ip6 | null = k.isLocalAddr6(to, dev) || k.addrType('ipv6', to, isLinkLocal6(to) ? dev : null) === 'anycast' ? to : null;
  if (isMulticast6(to) || skb.pktType !== 'host') {
    if (type !== PKT_TOOBIG && !(type === PARAMPROB && code === UNK_OPTION && mustTell(skb, info))) return;
    src = null;
  }
  if (from === ANY6 || isMulticast6(from) || ineligible(skb) || icmpSocket(k, 'ipv6').busy) return;
  const oif = isLinkLocal6(from) ? inputDevice(k, skb, dev) : null;
  const mark = k.sysctl('net/ipv6/fwmark_reflect') !== 0 ? skb.mark : 0;
  if (src === null) src = sourceTowards(k, skb, from, oif, mark);
  const q = { dst: from, ...(src === null ? {} : { src }), oif, mark, tos: 0, proto: IPPROTO.ICMPV6, sport: type, dport: code };
  if (!dev.loopback && type !== PKT_TOOBIG && !withinLimit(k, q)) {
    k.count('Icmp6OutRateLimitHost');
    return;
  }
  const r = k.routeOutput('ipv6', q);
  if (r.dst === null || r.src === null) {
    if (r.errno === 101) k.count('Ip6OutNoRoutes');
    return;
  }
  reverseLookup(k, skb);
  const quoted = skb.data.subarray(0, Math.min(skb.data.length, IPV6_MIN_MTU - 48));
  emit(k, { kind: 'icmp-error', of: skb.id }, r.dst, r.src as Ip6, from, 0, type, code, info, quoted, mark, skb);
}

/** icmpv6_xrlim_allow(): asks for the route once before, which counts as limited where it refuses. More may go to where its prefix is wider. */
function withinLimit(k: Kernel, q: OutputQuery): boolean {
  const { dst, errno } = k.outputTo6(q);
  if (errno !== 0) {
    k.count('Ip6OutNoRoutes');
    return false;
  }
  if (dst.dev.loopback) return true;
  const width = 128 - ((dst.route as Route | null)?.dstLen ?? 128);
  return k.icmp6Allowed(q.dst as Ip6, k.sysctl('net/ipv6/icmp/ratelimit') >> (width >> 5));
}

/** icmpv6_route_lookup() asks a second time, for an answer of the packet's own flow, which an IPsec policy may cover: where there is no route that way, it is counted. */
function reverseLookup(k: Kernel, skb: Skb): void {
  const dst = skb.saddr;
  const oif = k.deviceByIndex(skb.iif) ?? null;
  const { errno } = k.outputTo6({
    dst,
    src: skb.daddr,
    oif,
    mark: skb.mark,
    tos: 0,
    proto: skb.l4proto,
    sport: Math.max(skb.dport, 0),
    dport: Math.max(skb.sport, 0),
  });
  if (errno === 101) k.count('Ip6OutNoRoutes');
}

/** From where an error is sent that has no address of ours to come from: the route's preferred source (left to the route: null), else an address of the input device. */
function sourceTowards(k: Kernel, skb: Skb, to: Ip6, oif: NetDevice | null, mark: number): Ip6 | null {
  const route = k.outputTo6({ dst: to, oif, mark, proto: IPPROTO.ICMPV6 }).dst.route as Route | null;
  const input = k.deviceByIndex(skb.cb.iif);
  return route?.prefsrc != null || !input ? null : (k.selectAddr('ipv6', input, to, 'universe') as Ip6 | null);
}

/** icmp6_dev(): what comes in over lo is as if it had come in on the device of its address. */
function inputDevice(k: Kernel, skb: Skb, dev: NetDevice): NetDevice {
  const name = dev.loopback ? (skb.dst?.route as Route | null | undefined)?.nexthops[0]?.dev : null;
  return (name ? k.device(name) : null) ?? dev;
}

/** icmpv6_echo_reply(): false where it is not to be answered, or cannot be. */
export function echoReply6(k: Kernel, skb: Skb, rest: number, body: Uint8Array): boolean {
  const to = skb.saddr as Ip6;
  if (icmpSocket(k, 'ipv6').busy) return false;
  const anycast = skb.dst!.type === 'anycast';
  if (isMulticast6(skb.daddr as Ip6) && k.sysctl('net/ipv6/icmp/echo_ignore_multicast') !== 0) return false;
  if (anycast && k.sysctl('net/ipv6/icmp/echo_ignore_anycast') !== 0) return false;
  const unicast = (skb.dst!.flags & RTCF_LOCAL) !== 0 && skb.dst!.type === 'local';
  const src = unicast || (anycast && k.sysctl('net/ipv6/anycast_src_echo_reply') !== 0) ? { src: skb.daddr } : {};
  const mark = k.sysctl('net/ipv6/fwmark_reflect') !== 0 ? skb.mark : 0;
  const oif = to === LOOPBACK6 ? skb.dev : inputDevice(k, skb, skb.dev!);
  const r = k.routeOutput('ipv6', { dst: to, ...src, oif, mark, tos: 0, proto: IPPROTO.ICMPV6, sport: 129, dport: 0 });
  if (r.dst === null || r.src === null) {
    if (r.errno === 101) k.count('Ip6OutNoRoutes');
    return false;
  }
  emit(k, { kind: 'reply', of: skb.id }, r.dst, r.src as Ip6, to, skb.tos, 129, 0, rest, body, mark, null, reflectedLabel(k, skb, 'echo'));
  return true;
}

function emit(
  k: Kernel,
  origin: Origin,
  dst: Dst,
  src: Ip6,
  to: Ip6,
  tos: number,
  type: number,
  code: number,
  rest: number,
  body: Uint8Array,
  mark: number,
  about: Skb | null,
  flowLabel = 0,
): void {
  const payload = buildIcmp6({ type, code, rest, payload: body }, src, to);
  const hops = isMulticast6(to) ? 1 : dst.hoplimit || k.conf('ipv6', dst.dev.name, 'hop_limit');
  const made = k.newSkb(buildIp6({ src, dst: to, proto: IPPROTO.ICMPV6, ttl: hops, tos, flowLabel, payload }), ETH_P_IPV6, origin);
  made.csum = 'unchecked';
  made.mark = mark;
  made.sk = icmp6Sk;
  made.dst = dst;
  made.ignoreDf = true;
  if (about !== null) k.conntrack.attach(made, about);
  countOut(k, type);
  k.count('Ip6OutRequests');
  const f = flight(made);
  const socket = icmpSocket(k, 'ipv6');
  socket.busy = true;
  try {
    k.traverse('ip6_local_out', f);
  } finally {
    socket.busy = false;
  }
  if (f.errno !== 0) k.count('Ip6OutDiscards');
}

export function countOut(k: Kernel, type: number): void {
  k.count('Icmp6OutMsgs');
  k.count(`Icmp6OutType${type}`);
  const name = icmp6Types.get(type);
  if (name) k.count(`Icmp6Out${name}`);
}
