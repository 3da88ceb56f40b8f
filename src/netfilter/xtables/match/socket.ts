/** `-m socket [--nowildcard] [--transparent] [--restore-skmark]`: is there a local socket for the packet? */
import { type Addr, readAddr } from '../../../base/addr.js';
import { IPPROTO } from '../../../packet/skb.js';
import { CTINFO, IPS, type SkSocket } from '../../../packet/types.js';
import type { PacketCtx } from '../../pred.js';
import type { MatchDef } from '../extension.js';
import { isGiven } from '../values.js';

/** ICMP errors that quote a packet: unreachable, source quench, redirect, time exceeded, parameter problem. */
const ERRORS: ReadonlySet<number> = new Set([3, 4, 5, 11, 12]);

interface SocketMatch {
  readonly nowildcard: boolean;
  readonly transparent: boolean;
  readonly restoreMark: boolean;
}

interface Ends {
  readonly proto: number;
  readonly remote: Addr;
  readonly rport: number;
  readonly local: Addr;
  readonly lport: number;
}

/** extract_icmp4_fields(), extract_icmp6_fields(): the packet that an error quotes was sent by us, so that its source is the local end. */
function quotedEnds(c: PacketCtx): Ends | null {
  const { skb } = c;
  const v4 = skb.family === 'ipv4';
  const th = skb.thoff;
  if (th < 0 || skb.fragOffset !== 0 || skb.data.length < th + 8) return null;
  const type = skb.u8(th);
  if (v4 ? !ERRORS.has(type) : type >= 128) return null;
  const at = th + 8;
  const length = v4 ? 20 : 40;
  if (skb.data.length < at + length) return null;
  const proto = skb.u8(at + (v4 ? 9 : 6));
  if (proto !== IPPROTO.TCP && proto !== IPPROTO.UDP) return null;
  const ports = at + (v4 ? (skb.u8(at) & 15) * 4 : length);
  if (skb.data.length < ports + 4) return null;
  const family = skb.family;
  const [src, dst] = v4 ? [12, 16] : [8, 24];
  return { proto, remote: readAddr(skb.data, at + dst, family), rport: skb.u16(ports + 2), local: readAddr(skb.data, at + src, family), lport: skb.u16(ports) };
}

function ends(c: PacketCtx): Ends | null {
  const { skb } = c;
  const icmp = skb.l4proto === (skb.family === 'ipv4' ? IPPROTO.ICMP : IPPROTO.ICMPV6);
  if (!icmp && ((skb.l4proto !== IPPROTO.TCP && skb.l4proto !== IPPROTO.UDP) || skb.sport < 0)) return null;
  const e = icmp ? quotedEnds(c) : { proto: skb.l4proto, remote: skb.saddr, rport: skb.sport, local: skb.daddr, lport: skb.dport };
  const { ct } = skb;
  // The answer to a connection whose source we had changed: the socket knows the source from before. IPv6 does not look.
  if (!e || skb.family !== 'ipv4' || !ct || skb.ctinfo !== (icmp ? CTINFO.RELATED_REPLY : CTINFO.ESTABLISHED_REPLY) || (ct.status & IPS.SRC_NAT_DONE) === 0)
    return e;
  return { ...e, local: ct.orig.src, lport: ct.orig.sport };
}

/** nf_sk_lookup_slow_v4/v6(): the socket the packet is for. */
export function localSocket(c: PacketCtx): SkSocket | null {
  const { skb } = c;
  const e = ends(c);
  if (e === null) return null;
  return c.env.socket({ family: skb.family, proto: e.proto, src: e.remote, sport: e.rport, dst: e.local, dport: e.lport, dev: c.in, want: 'any' });
}

/** socket_match(): a socket bound to every address counts only with --nowildcard. */
function matches(d: SocketMatch, c: PacketCtx): boolean {
  const sk = c.skb.sk ?? localSocket(c);
  if (!sk) return false;
  if (!d.nowildcard && sk.full && sk.boundAny) return false;
  if (d.transparent && !sk.transparent) return false;
  if (d.restoreMark && sk.full) c.skb.mark = sk.mark;
  return true;
}

export const socket: MatchDef<SocketMatch> = {
  name: 'socket',
  kernel: 'net/netfilter/xt_socket.c',
  families: ['ipv4', 'ipv6'],
  hooks: ['PREROUTING', 'INPUT'],
  options: ['transparent', 'nowildcard', 'restore-skmark'].map((name) => ({ name, arg: 'none' })),
  parse: (gs) => ({ nowildcard: isGiven(gs, 'nowildcard'), transparent: isGiven(gs, 'transparent'), restoreMark: isGiven(gs, 'restore-skmark') }),
  print: (d) => (d.transparent ? ' --transparent' : '') + (d.nowildcard ? ' --nowildcard' : '') + (d.restoreMark ? ' --restore-skmark' : ''),
  lower: (d) => [{ kind: 'stateful', name: 'socket', test: (c) => matches(d, c), show: 'a local socket' }],
};
