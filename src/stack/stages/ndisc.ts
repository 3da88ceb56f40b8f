/** Neighbour discovery: ndisc_solicit(), ndisc_rcv() (net/ipv6/ndisc.c). */
import { ANY6, type Ip6, readAddr, writeAddr } from '../../base/addr.js';
import { buildIcmp6, buildIp6 } from '../../packet/build.js';
import { readMac, writeMac } from '../../packet/mac-bytes.js';
import { ETH_P_IPV6, IPPROTO, type Skb } from '../../packet/skb.js';
import type { NetDevice } from '../../packet/types.js';
import { flight } from '../flight.js';
import type { Kernel } from '../kernel.js';
import { icmp6Sk } from '../kernel-socket.js';
import { countOut, solicitedNode } from './icmp6-send.js';

const NS = 135;
const NA = 136;
const OPT_SOURCE = 1;
const OPT_TARGET = 2;
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
function send(k: Kernel, dev: NetDevice, type: number, src: Ip6, dst: Ip6, payload: Uint8Array, of: number | null): void {
  const r = k.routeOutput('ipv6', { dst, src, oif: dev, proto: IPPROTO.ICMPV6, sport: type, purpose: 'other' });
  const made = k.newSkb(
    buildIp6({ src, dst, proto: IPPROTO.ICMPV6, ttl: 255, tos: 0, payload }),
    ETH_P_IPV6,
    { kind: of === null ? 'sent' : 'reply', of },
    dev,
  );
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
  send(k, dev, NS, src, to, message(NS, 0, target, OPT_SOURCE, dev, src, to), null);
}

/** ndisc_rcv(): answers solicitations for our addresses, learns from both. null = consumed. */
export function ndiscRcv(k: Kernel, skb: Skb, type: number, body: Uint8Array): string | null {
  const dev = skb.dev!;
  if (skb.ttl !== 255 || body[1] !== 0 || body.length < 24) return 'IPV6_NDISC_HOP_LIMIT';
  if (type !== NS && type !== NA) return 'NOT_SPECIFIED';
  const target = readAddr(body, 8, 'ipv6') as Ip6;
  const mac = lladdr(body, type === NS ? OPT_SOURCE : OPT_TARGET);
  const from = skb.saddr as Ip6;
  if (type === NS) {
    if (!k.isLocalAddr6(target, dev)) return 'NOT_SPECIFIED';
    if (mac !== null && from !== ANY6) k.learnNeighbour(dev, from, mac);
    const flags = SOLICITED_OVERRIDE | (k.conf('ipv6', dev.name, 'forwarding') !== 0 ? ROUTER : 0);
    send(k, dev, NA, target, from, message(NA, flags >>> 0, target, OPT_TARGET, dev, target, from), skb.id);
    return null;
  }
  if (mac !== null && k.isKnownNeighbour(dev, target)) k.learnNeighbour(dev, target, mac);
  return null;
}

function lladdr(body: Uint8Array, option: number): number | null {
  for (let at = 24; at + 8 <= body.length && body[at + 1] > 0; at += body[at + 1] * 8) if (body[at] === option) return readMac(body, at + 2);
  return null;
}
