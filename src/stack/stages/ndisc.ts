/** Neighbour discovery: ndisc_solicit(), ndisc_send_redirect(), ndisc_rcv() (net/ipv6/ndisc.c). */
import { ANY6, type Ip6, readAddr, writeAddr } from '../../base/addr.js';
import { isLinkLocal6 } from '../../fib/index.js';
import { buildIcmp6, buildIp6 } from '../../packet/build.js';
import { readMac, writeMac } from '../../packet/mac-bytes.js';
import { ETH_P_IPV6, IPPROTO, type Origin, type Skb } from '../../packet/skb.js';
import type { NetDevice } from '../../packet/types.js';
import { flight } from '../flight.js';
import type { Kernel } from '../kernel.js';
import { icmp6Sk } from '../kernel-socket.js';
import { icmp6Notify } from './icmp6-notify.js';
import { countOut, solicitedNode } from './icmp6-send.js';

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
/** NA flags: solicited and override. */
const SOLICITED_OVERRIDE = 0x60000000;
const ROUTER = 0x80000000;

function message(type: number, rest: number, target: Ip6, option: number, dev: NetDevice, src: Ip6, dst: Ip6): Uint8Array {
  const body = new Uint8Array(24);
  writeAddr(body, 0, target);
  body[16] = option;
  body[17] = 1;
  writeMac(body, 18, dev.mac);
  return buildIcmp6({ type, code: 0, rest, payload: body }, src, dst);
}

/** ndisc_send_skb(): through OUTPUT like any packet, hop limit 255, on a route of its own. */
function send(k: Kernel, dev: NetDevice, type: number, src: Ip6, dst: Ip6, payload: Uint8Array, origin: Origin): void {
  const r = k.routeOutput('ipv6', { dst, src, oif: dev, proto: IPPROTO.ICMPV6, sport: type, purpose: 'other' });
  const made = k.newSkb(buildIp6({ src, dst, proto: IPPROTO.ICMPV6, ttl: 255, tos: 0, payload }), ETH_P_IPV6, origin, dev);
  made.dev = dev;
  made.noMcLoop = true;
  made.sk = icmp6Sk;
  made.dst = k.linkDst6(dev, dst, r.dst);
  k.conntrack.untrack(made);
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
  if (r.errno !== 0 || r.dst.gateway !== null || !k.redirect6Allowed(to)) return;
  const mac = k.neighbour(dev, target);
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
  send(k, dev, REDIRECT, src, to, buildIcmp6({ type: REDIRECT, code: 0, rest: 0, payload: body }, src, to), { kind: 'icmp-error', of: skb.id });
}

/** ndisc_rcv(): answers solicitations for our addresses, learns from both. null = consumed. */
export function ndiscRcv(k: Kernel, skb: Skb, type: number, body: Uint8Array): string | null {
  const dev = skb.dev!;
  if (skb.ttl !== 255) return 'IPV6_NDISC_HOP_LIMIT';
  if (body[1] !== 0) return 'IPV6_NDISC_BAD_CODE';
  if (type === REDIRECT) return redirected(k, skb, body);
  if ((type !== NS && type !== NA) || body.length < 24) return 'NOT_SPECIFIED';
  const target = readAddr(body, 8, 'ipv6') as Ip6;
  const mac = lladdr(body, type === NS ? OPT_SOURCE : OPT_TARGET);
  const from = skb.saddr as Ip6;
  if (type === NS) {
    if (!k.isLocalAddr6(target, dev)) return 'NOT_SPECIFIED';
    if (mac !== null && from !== ANY6) k.learnNeighbour(dev, from, mac);
    const flags = SOLICITED_OVERRIDE | (k.conf('ipv6', dev.name, 'forwarding') !== 0 ? ROUTER : 0);
    send(k, dev, NA, target, from, message(NA, flags >>> 0, target, OPT_TARGET, dev, target, from), { kind: 'reply', of: skb.id });
    return null;
  }
  if (mac !== null && k.isKnownNeighbour(dev, target)) k.learnNeighbour(dev, target, mac);
  return null;
}

/** ndisc_redirect_rcv(): the socket that sent the quoted packet is concerned. */
function redirected(k: Kernel, skb: Skb, body: Uint8Array): string | null {
  if (!isLinkLocal6(skb.saddr as Ip6) || body.length < REDIRECT_LENGTH) return 'NOT_SPECIFIED';
  const at = option(body, REDIRECT_LENGTH, OPT_REDIRECTED_HEADER);
  return at < 0 ? 'NOT_SPECIFIED' : icmp6Notify(k, skb, REDIRECT, 0, 0, body.subarray(at + 8));
}

/** Where the first option of a type starts; -1 = there is none. */
function option(body: Uint8Array, from: number, type: number): number {
  for (let at = from; at + 8 <= body.length && body[at + 1] > 0; at += body[at + 1] * 8) if (body[at] === type) return at;
  return -1;
}

function lladdr(body: Uint8Array, type: number): number | null {
  const at = option(body, 24, type);
  return at < 0 ? null : readMac(body, at + 2);
}
