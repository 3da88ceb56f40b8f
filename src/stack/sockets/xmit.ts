/** From a transport payload to the IP layer: ip_queue_xmit(), ip_send_skb(), ip_build_and_send_pkt(), ip6_xmit(). */
import { type Addr, ANY6, type Family, type Ip4, type Ip6 } from '../../base/addr.js';
import { LOOPBACK6 } from '../../fib/index.js';
import { buildIp4, buildIp6 } from '../../packet/build.js';
import { ETH_P_IP, ETH_P_IPV6, IPPROTO, type Origin } from '../../packet/skb.js';
import type { Dst, SkSocket } from '../../packet/types.js';
import { flight } from '../flight.js';
import type { Kernel } from '../kernel.js';

export interface Xmit {
  readonly src: Addr;
  readonly to: Addr;
  readonly proto: number;
  readonly payload: Uint8Array;
  readonly dst: Dst;
  readonly tos: number;
  /** What the socket asked for (IP_TTL, IPV6_UNICAST_HOPS); null = the route's or the node's. */
  readonly ttl?: number | null;
  readonly mark: number;
  readonly sk: SkSocket | null;
  readonly origin: Origin;
  /** Leave DF off where the packet is longer than the route's MTU, and let it be fragmented (UDP, raw). */
  readonly mayFragment: boolean;
  /**
   * DF whatever net.ipv4.ip_no_pmtu_disc and a locked MTU say: IP_PMTUDISC_DO, as the kernel's own socket for resets has it; SYN-ACKs are too short
   * to be worth an identification (IPV4_MIN_MTU in ip_build_and_send_pkt).
   */
  readonly alwaysDf?: boolean;
  /** The socket has no peer (the kernel's own for resets; a request that answers a SYN): identification 0 where DF is set (ip_select_ident_segs(), ip_build_and_send_pkt()). */
  readonly unconnected?: boolean;
  /** IPv6. */
  readonly flowLabel?: number;
}

/** Sends one packet; returns the errno of the IP layer (0 = fine). */
export function ipXmit(k: Kernel, x: Xmit): number {
  const family = x.dst.family;
  const data = family === 'ipv4' ? ip4(k, x) : ip6(k, x);
  const skb = k.newSkb(data, family === 'ipv4' ? ETH_P_IP : ETH_P_IPV6, x.origin);
  // TCP and UDP leave it to the device (CHECKSUM_PARTIAL).
  if (x.proto === IPPROTO.ICMPV6) skb.csum = 'unchecked';
  skb.mark = x.mark;
  skb.sk = x.sk;
  skb.dst = x.dst;
  skb.ignoreDf = x.mayFragment;
  if (family === 'ipv6') k.count('Ip6OutRequests');
  return k.traverse(family === 'ipv4' ? 'ip_local_out' : 'ip6_local_out', flight(skb));
}

function ip4(k: Kernel, x: Xmit): Uint8Array {
  const { dst } = x;
  const discovers = k.sysctl('net/ipv4/ip_no_pmtu_disc') === 0 && !dst.mtuLock;
  const df = x.alwaysDf === true || (discovers && (!x.mayFragment || 20 + x.payload.length <= dst.mtu));
  const ttl = x.ttl ?? (dst.type === 'multicast' ? 1 : dst.hoplimit || k.sysctl('net/ipv4/ip_default_ttl'));
  return buildIp4({
    src: x.src as Ip4,
    dst: x.to as Ip4,
    proto: x.proto,
    ttl,
    tos: x.tos,
    id: df && x.unconnected === true && !x.mayFragment ? 0 : k.ipId(),
    df,
    payload: x.payload,
  });
}

function ip6(k: Kernel, x: Xmit): Uint8Array {
  const { dst } = x;
  const hlim = x.ttl ?? (dst.type === 'multicast' ? 1 : dst.hoplimit || k.conf('ipv6', dst.dev.name, 'hop_limit'));
  return buildIp6({ src: x.src as Ip6, dst: x.to as Ip6, proto: x.proto, ttl: hlim, tos: x.tos, flowLabel: x.flowLabel ?? 0, payload: x.payload });
}

/** The unspecified address means the node itself: udpv6_sendmsg(), rawv6_sendmsg(), tcp_v6_connect(). For IPv4 the routing decision sees to that. */
export const meant = (to: Addr): Addr => (to === ANY6 ? LOOPBACK6 : to);

/** Routing key of a TOS byte: INET_DSCP_MASK. */
export const routeTos = (tos: number): number => tos & 0xfc;

export const ipHeaderLength = (family: Family): number => (family === 'ipv4' ? 20 : 40);
