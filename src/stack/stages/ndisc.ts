/** Neighbour discovery: ndisc_solicit(), ndisc_send_redirect(), ndisc_rcv() (net/ipv6/ndisc.c). */
import { ANY6, type Ip6, inPrefix, isMulticast6, parseIp6, readAddr, writeAddr } from '../../base/addr.js';
import { isLinkLocal6 } from '../../fib/index.js';
import { buildIcmp6, buildIp6 } from '../../packet/build.js';
import { readMac, writeMac } from '../../packet/mac-bytes.js';
import { ETH_P_IPV6, IPPROTO, type Origin, type Skb } from '../../packet/skb.js';
import type { Dst, NetDevice } from '../../packet/types.js';
import { flight } from '../flight.js';
import { REDIRECT_INTERVAL } from '../inet-peers.js';
import type { Kernel } from '../kernel.js';
import { icmp6Sk } from '../kernel-socket.js';
import { icmp6Notify } from './icmp6-notify.js';
import { countOut, isSolicitedNode, solicitedNode } from './icmp6-send.js';

const RS = 133;
const RA = 134;
const NS = 135;
const NA = 136;
const REDIRECT = 137;
const OPT_SOURCE = 1;
const OPT_TARGET = 2;
const OPT_REDIRECTED_HEADER = 4;
const IPV6_MIN_MTU = 1280;
const IP6_HEADER = 40;
/** struct rd_msg: the ICMPv6 header, target and destination. */
const REDIRECT_LENGTH = 40;
/** Up to the options: struct nd_msg, rs_msg, ra_msg. */
const ND_LENGTH = 24;
const RS_LENGTH = 8;
const RA_LENGTH = 16;
/** Flags of an advertisement. */
const ROUTER = 0x80000000;
const SOLICITED = 0x40000000;
const OVERRIDE = 0x20000000;
const ALL_NODES = parseIp6('ff02::1') as Ip6;

/** `option`: the type of the option that holds the device's own address; null = none. */
function message(type: number, rest: number, target: Ip6, option: number | null, dev: NetDevice, src: Ip6, dst: Ip6): Uint8Array {
  const body = new Uint8Array(option === null ? 16 : 24);
  writeAddr(body, 0, target);
  if (option !== null) {
    body.set([option, 1], 16);
    writeMac(body, 18, dev.mac);
  }
  return buildIcmp6({ type, code: 0, rest, payload: body }, src, dst);
}

/** ndisc_send_skb(): through OUTPUT like any packet, hop limit 255, on a route of its own where none is given. */
function send(k: Kernel, dev: NetDevice, type: number, src: Ip6, dst: Ip6, payload: Uint8Array, origin: Origin, route: Dst | null = null): void {
  const made = k.newSkb(buildIp6({ src, dst, proto: IPPROTO.ICMPV6, ttl: 255, tos: 0, payload }), ETH_P_IPV6, origin, dev);
  made.dev = dev;
  made.csum = 'unchecked';
  made.noMcLoop = true;
  made.sk = icmp6Sk;
  made.dst = route ?? k.linkDst6(dev, dst);
  k.count('Ip6OutRequests');
  const f = flight(made);
  k.traverse('ip6_local_out', f);
  if (f.errno === 0) countOut(k, type);
}

/** ndisc_solicit(): from the packet's own source where it is the device's, else a link-local address; without one nothing is asked. */
export function sendNeighbourSolicit(k: Kernel, about: Skb, dev: NetDevice, target: Ip6): void {
  const own = about.protocol === ETH_P_IPV6 ? (about.saddr as Ip6) : ANY6;
  const src = k.given.addrs.some((a) => a.dev === dev.name && a.local === own) ? own : (k.linkLocal6(dev) as Ip6 | null);
  if (src === null) return;
  const to = solicitedNode(target);
  send(k, dev, NS, src, to, message(NS, 0, target, OPT_SOURCE, dev, src, to), { kind: 'sent', of: null });
}

/**
 * ndisc_send_redirect(): tells the source of a packet that goes back out of the device it came in on that `target` is nearer. Only from a link-local
 * address, and only to a neighbour; the limits per destination and per source are peers' token buckets of a second.
 */
export function sendRedirect6(k: Kernel, skb: Skb, target: Ip6): void {
  const dev = skb.dev!;
  const to = skb.saddr as Ip6;
  const src = k.linkLocal6(dev) as Ip6 | null;
  if (src === null || (skb.daddr !== target && !isLinkLocal6(target))) return;
  const r = k.outputTo6({ dst: to, src, oif: dev, proto: IPPROTO.ICMPV6, sport: REDIRECT });
  if (r.errno !== 0 || r.dst.gateway !== null || !k.icmp6Allowed(to, REDIRECT_INTERVAL)) return;
  const mac = k.neighbour(skb.dst!.dev, target);
  const address = new Uint8Array(mac === null ? 0 : 8);
  if (mac !== null) {
    address.set([OPT_TARGET, 1]);
    writeMac(address, 2, mac);
  }
  const room = Math.min(IPV6_MIN_MTU - IP6_HEADER - REDIRECT_LENGTH - address.length, skb.data.length + 8) & ~7;
  const body = new Uint8Array(REDIRECT_LENGTH - 8 + address.length + room);
  writeAddr(body, 0, target);
  writeAddr(body, 16, skb.daddr);
  body.set(address, 32);
  body.set([OPT_REDIRECTED_HEADER, room >>> 3], 32 + address.length);
  body.set(skb.data.subarray(0, room - 8), 40 + address.length);
  send(k, dev, REDIRECT, src, to, buildIcmp6({ type: REDIRECT, code: 0, rest: 0, payload: body }, src, to), { kind: 'icmp-error', of: skb.id }, r.dst);
}

/** A drop reason; null = consumed. */
type Reason = string | null;

/** ndisc_rcv(): answers solicitations for our addresses, learns from all. */
export function ndiscRcv(k: Kernel, skb: Skb, type: number, body: Uint8Array): Reason {
  if (skb.fragMaxSize > 0 && k.conf('ipv6', skb.dev!.name, 'suppress_frag_ndisc') !== 0) return 'IPV6_NDISC_FRAG';
  if (skb.ttl !== 255) return 'IPV6_NDISC_HOP_LIMIT';
  if (body[1] !== 0) return 'IPV6_NDISC_BAD_CODE';
  switch (type) {
    case RS:
      return routerSolicited(k, skb, body);
    case RA:
      return routerAdvertised(k, skb, body);
    case NS:
      return neighbourSolicited(k, skb, body);
    case NA:
      return neighbourAdvertised(k, skb, body);
    default:
      return redirected(k, skb, body);
  }
}

/** Does the device itself have that address (ipv6_get_ifaddr())? */
const hasAddress = (k: Kernel, dev: NetDevice, a: Ip6): boolean =>
  k.given.addrs.some((x) => x.dev === dev.name && x.local === a && (!x.flags.includes('tentative') || x.flags.includes('optimistic')));

function neighbourSolicited(k: Kernel, skb: Skb, body: Uint8Array): Reason {
  const dev = skb.dev!;
  if (body.length < ND_LENGTH) return 'PKT_TOO_SMALL';
  const target = readAddr(body, 8, 'ipv6') as Ip6;
  const from = skb.saddr as Ip6;
  const group = isMulticast6(skb.daddr as Ip6);
  const probe = from === ANY6;
  if (isMulticast6(target) || (probe && !isSolicitedNode(skb.daddr as Ip6))) return 'NOT_SPECIFIED';
  if (!wellFormed(body, ND_LENGTH)) return 'IPV6_NDISC_BAD_OPTIONS';
  const mac = lladdr(body, ND_LENGTH, OPT_SOURCE);
  if (mac === 'bad' || (mac !== null && probe)) return 'NOT_SPECIFIED';
  const own = hasAddress(k, dev, target);
  const proxy = own ? null : proxied(k, dev, target);
  if (!own && proxy === null && k.addrType('ipv6', target, dev) !== 'anycast') return 'IPV6_NDISC_NS_OTHERHOST';
  if (!own && skb.pktType !== 'host' && group)
    k.inconclusive('a delayed answer to neighbour solicitation', k.packetCtx(flight(skb), 'ipv6', 'INPUT', dev, null));
  const router = (proxy?.router ?? k.conf('ipv6', dev.name, 'forwarding') !== 0) ? ROUTER : 0;
  if (probe) {
    advertise(k, skb, ALL_NODES, target, own, router | (own ? OVERRIDE : 0), true);
    return 'NOT_SPECIFIED';
  }
  if (mac !== null) k.learnNeighbour(dev, from, mac);
  else if (group && !k.isKnownNeighbour(dev, from)) return 'NOT_SPECIFIED';
  advertise(k, skb, from, target, own, router | SOLICITED | (own && group ? OVERRIDE : 0), group);
  return null;
}

/** pndisc_is_router(): an entry of `ip neigh show proxy`, where a router answers for others. */
function proxied(k: Kernel, dev: NetDevice, target: Ip6): { router: boolean } | null {
  if (k.conf('ipv6', dev.name, 'forwarding') === 0) return null;
  if (k.conf('ipv6', 'all', 'proxy_ndp') === 0 && k.conf('ipv6', dev.name, 'proxy_ndp') === 0) return null;
  const entry = k.given.neighs.find((g) => g.proxy && g.dst === target && g.dev === dev.name);
  return entry ? { router: entry.router } : null;
}

/** ndisc_send_na(). `own`: the target is an address of the device, and the answer's source. */
function advertise(k: Kernel, about: Skb, to: Ip6, target: Ip6, own: boolean, flags: number, withAddress: boolean): void {
  const dev = about.dev!;
  const src = own ? target : (k.selectAddr('ipv6', dev, to, 'universe') as Ip6 | null);
  if (src === null) return;
  const option = withAddress || (own && k.conf('ipv6', dev.name, 'force_tllao') !== 0) ? OPT_TARGET : null;
  send(k, dev, NA, src, to, message(NA, flags >>> 0, target, option, dev, src, to), { kind: 'reply', of: about.id });
}

function neighbourAdvertised(k: Kernel, skb: Skb, body: Uint8Array): Reason {
  const dev = skb.dev!;
  if (body.length < ND_LENGTH) return 'PKT_TOO_SMALL';
  const target = readAddr(body, 8, 'ipv6') as Ip6;
  const solicited = (body[4] & 0x40) !== 0;
  if (isMulticast6(target) || (solicited && isMulticast6(skb.daddr as Ip6))) return 'NOT_SPECIFIED';
  if (!solicited && k.conf('ipv6', dev.name, 'drop_unsolicited_na') !== 0) return 'NOT_SPECIFIED';
  if (!wellFormed(body, ND_LENGTH)) return 'IPV6_NDISC_BAD_OPTIONS';
  const mac = lladdr(body, ND_LENGTH, OPT_TARGET);
  if (mac === 'bad' || hasAddress(k, dev, target)) return 'NOT_SPECIFIED';
  if (!k.isKnownNeighbour(dev, target)) {
    if (mac === null || k.conf('ipv6', dev.name, 'forwarding') === 0 || !acceptsUntracked(k, dev, skb.saddr as Ip6)) return 'NOT_SPECIFIED';
  }
  if (mac !== null && ((body[4] & 0x20) !== 0 || k.neighbour(dev, target) === null)) k.learnNeighbour(dev, target, mac);
  return null;
}

/** accept_untracked_na(): 1 = from anybody, 2 = from the subnet. */
function acceptsUntracked(k: Kernel, dev: NetDevice, from: Ip6): boolean {
  const mode = k.conf('ipv6', dev.name, 'accept_untracked_na');
  return mode === 1 || (mode === 2 && k.given.addrs.some((a) => a.dev === dev.name && a.family === 'ipv6' && inPrefix(from, a.local, a.prefixlen)));
}

function routerSolicited(k: Kernel, skb: Skb, body: Uint8Array): Reason {
  const dev = skb.dev!;
  if (k.conf('ipv6', dev.name, 'forwarding') === 0 || skb.saddr === ANY6) return 'NOT_SPECIFIED';
  if (!wellFormed(body, RS_LENGTH)) return 'IPV6_NDISC_BAD_OPTIONS';
  const mac = lladdr(body, RS_LENGTH, OPT_SOURCE);
  if (mac === 'bad') return 'NOT_SPECIFIED';
  if (mac !== null) k.learnNeighbour(dev, skb.saddr, mac);
  return null;
}

/** ndisc_router_discovery(): of who sends one its address of Ethernet is learnt; a host that takes its routes and prefixes is not modelled. */
function routerAdvertised(k: Kernel, skb: Skb, body: Uint8Array): Reason {
  const dev = skb.dev!;
  if (!isLinkLocal6(skb.saddr as Ip6)) return 'NOT_SPECIFIED';
  if (body.length < RA_LENGTH) return 'PKT_TOO_SMALL';
  if (!wellFormed(body, RA_LENGTH)) return 'IPV6_NDISC_BAD_OPTIONS';
  const accept = k.conf('ipv6', dev.name, 'accept_ra');
  if (k.conf('ipv6', dev.name, 'forwarding') !== 0 ? accept === 2 : accept !== 0)
    k.inconclusive('a router advertisement that is accepted', k.packetCtx(flight(skb), 'ipv6', 'INPUT', dev, null));
  const mac = lladdr(body, RA_LENGTH, OPT_SOURCE);
  if (mac === 'bad') return 'NOT_SPECIFIED';
  if (mac !== null) k.learnNeighbour(dev, skb.saddr, mac);
  return null;
}

/** ndisc_redirect_rcv(): the socket that sent the quoted packet is concerned. */
function redirected(k: Kernel, skb: Skb, body: Uint8Array): Reason {
  if (!isLinkLocal6(skb.saddr as Ip6)) return 'NOT_SPECIFIED';
  if (!wellFormed(body, REDIRECT_LENGTH)) return 'IPV6_NDISC_BAD_OPTIONS';
  const at = option(body, REDIRECT_LENGTH, OPT_REDIRECTED_HEADER);
  return at < 0 ? 'NOT_SPECIFIED' : icmp6Notify(k, skb, REDIRECT, 0, 0, body.subarray(at + 8));
}

/** ndisc_parse_options(): options fill the message. */
function wellFormed(body: Uint8Array, from: number): boolean {
  let at = from;
  while (at + 2 <= body.length && body[at + 1] > 0) at += body[at + 1] * 8;
  return at === body.length;
}

/** Where the first option of a type starts; -1 = there is none. */
function option(body: Uint8Array, from: number, type: number): number {
  for (let at = from; at + 8 <= body.length && body[at + 1] > 0; at += body[at + 1] * 8) if (body[at] === type) return at;
  return -1;
}

/** ndisc_opt_addr_data(): null without that option, 'bad' where it does not hold an address of Ethernet. */
function lladdr(body: Uint8Array, from: number, type: number): number | null | 'bad' {
  const at = option(body, from, type);
  if (at < 0) return null;
  return body[at + 1] === 1 ? readMac(body, at + 2) : 'bad';
}
