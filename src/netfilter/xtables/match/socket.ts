/** `-m socket [--nowildcard] [--transparent] [--restore-skmark]`: is there a local socket for the packet? */
import { IPPROTO } from '../../../packet/skb.js';
import type { SkSocket } from '../../../packet/types.js';
import type { PacketCtx } from '../../pred.js';
import type { MatchDef } from '../extension.js';
import { isGiven } from '../values.js';

interface SocketMatch {
  readonly nowildcard: boolean;
  readonly transparent: boolean;
  readonly restoreMark: boolean;
}

/** nf_sk_lookup_slow_v4/v6(): the socket the packet is for. What ICMP errors quote is not followed. */
function lookup(c: PacketCtx): SkSocket | null {
  const { skb } = c;
  if (skb.sk) return skb.sk;
  if (skb.l4proto === IPPROTO.ICMP || skb.l4proto === IPPROTO.ICMPV6) return c.env.inconclusive('socket match on ICMP', c);
  if ((skb.l4proto !== IPPROTO.TCP && skb.l4proto !== IPPROTO.UDP) || skb.sport < 0) return null;
  return c.env.socket(skb.family, skb.l4proto, skb.saddr, skb.sport, skb.daddr, skb.dport, c.in, 'any');
}

/** socket_match(): a socket bound to every address counts only with --nowildcard. */
function matches(d: SocketMatch, c: PacketCtx): boolean {
  const sk = lookup(c);
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
