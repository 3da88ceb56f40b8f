/** The receive path of IPv6: ipv6_rcv(), ip6_rcv_finish(), ip6_input(), ip6_mc_input(), ip6_protocol_deliver_rcu() (net/ipv6/ip6_input.c), ip6_pkt_drop() (route.c). */
import { ANY6, type Ip6 } from '../../base/addr.js';
import { isMulticast6, LOOPBACK6, type Route } from '../../fib/index.js';
import { NEXTHDR } from '../../packet/ip6.js';
import { IPPROTO, type Skb } from '../../packet/skb.js';
import { RTCF_MULTICAST } from '../../packet/types.js';
import type { Flight } from '../flight.js';
import type { Kernel } from '../kernel.js';
import { icmp6Send, isGroupMember } from './icmp6-send.js';

/** Scope nibble of a multicast address. */
const mcScope = (a: Ip6): number => a.charCodeAt(0) & 15;

/** ip6_rcv_core(): addresses that may never stand on a wire end here, before any hook. */
export function ipv6Rcv(k: Kernel, f: Flight): 'ip6_rcv_finish' | 'gone' {
  const { skb } = f;
  const dev = skb.dev!;
  if (skb.pktType === 'otherhost') return dropped(k, skb, 'OTHERHOST', 'not-for-us', null);
  k.count('Ip6InReceives');
  if (k.orConf('ipv6', dev.name, 'disable_ipv6') && k.conf('ipv6', dev.name, 'disable_ipv6') !== 0)
    return dropped(k, skb, 'IPV6DISABLED', 'device-down', 'Ip6InDiscards');
  const d = skb.data;
  if (d.length < 40) return dropped(k, skb, 'IP_INHDR', 'bad-header', 'Ip6InHdrErrors');
  if (d[0] >>> 4 !== 6) return dropped(k, skb, 'UNHANDLED_PROTO', 'bad-header', 'Ip6InHdrErrors');
  const src = skb.saddr as Ip6;
  const dst = skb.daddr as Ip6;
  if (!dev.loopback && (src === LOOPBACK6 || dst === LOOPBACK6))
    return dropped(k, skb, 'IP_INHDR', src === LOOPBACK6 ? 'martian-source' : 'martian-destination', 'Ip6InHdrErrors');
  if (isMulticast6(dst)) {
    if (mcScope(dst) === 0 || (mcScope(dst) === 1 && skb.pktType !== 'loopback' && !dev.loopback))
      return dropped(k, skb, 'IP_INHDR', 'scope', 'Ip6InHdrErrors');
  } else if ((skb.pktType === 'broadcast' || skb.pktType === 'multicast') && k.conf('ipv6', dev.name, 'drop_unicast_in_l2_multicast') !== 0) {
    return dropped(k, skb, 'UNICAST_IN_L2_MULTICAST', 'not-for-us', 'Ip6InHdrErrors');
  }
  if (isMulticast6(src)) return dropped(k, skb, 'IP_INHDR', 'martian-source', 'Ip6InHdrErrors');
  const length = skb.totLen;
  if (length > d.length) return dropped(k, skb, 'PKT_TOO_SMALL', 'bad-header', 'Ip6InTruncatedPkts');
  if (length < d.length) skb.setData(d.slice(0, length));
  if (d[6] === NEXTHDR.HOP) k.inconclusive('IPv6 hop-by-hop options', k.packetCtx(f, 'ipv6', 'PREROUTING', dev, null));
  skb.cb.flags = 0;
  // IP6CB(skb)->iif: the device of the address for what comes in over lo, whose route it still carries.
  skb.cb.iif = routedDevice(k, skb) ?? skb.iif;
  skb.fragMaxSize = 0;
  skb.sk = null;
  return k.hook(f, 'ipv6', 'PREROUTING', dev, null) === 'accept' ? 'ip6_rcv_finish' : 'gone';
}

function dropped(
  k: Kernel,
  skb: Skb,
  reason: string,
  cause: 'not-for-us' | 'device-down' | 'bad-header' | 'martian-source' | 'martian-destination' | 'scope',
  counter: string | null,
): 'gone' {
  if (counter !== null) k.count(counter);
  k.drop(skb, reason, 'ip6_rcv_core', cause, { dev: skb.dev!.name, src: k.showAddr(skb.saddr), dst: k.showAddr(skb.daddr) });
  return 'gone';
}

/** ip6_route_input() and what the route says. */
export function ip6RcvFinish(k: Kernel, f: Flight): 'local' | 'multicast' | 'forward' | 'error' {
  const { skb } = f;
  if (skb.dst === null && skb.sk === null && !skb.isFragment) skb.sk = k.sockets.earlyDemux(skb);
  if (skb.dst === null) k.routeInput6(skb);
  const dst = skb.dst!;
  if (dst.input === 'error') return 'error';
  if (dst.flags & RTCF_MULTICAST) return 'multicast';
  return dst.input === 'local' ? 'local' : 'forward';
}

/** ip6_pkt_discard(), ip6_pkt_prohibit(), dst_discard(): what a refusing route does to a received packet. */
export function ip6PktDrop(k: Kernel, f: Flight): 'gone' {
  const { skb } = f;
  const dst = skb.dst!;
  const facts = { dst: k.showAddr(skb.daddr), dev: skb.dev!.name };
  if (dst.error === 22) {
    k.drop(skb, 'NOT_SPECIFIED', 'dst_discard', 'route-blackhole', facts);
    return 'gone';
  }
  const prohibit = dst.error === 13;
  const reason = skb.daddr === ANY6 ? 'IP_INADDRERRORS' : 'IP_INNOROUTES';
  k.count(reason === 'IP_INADDRERRORS' ? 'Ip6InAddrErrors' : 'Ip6InNoRoutes');
  icmp6Send(k, skb, 1, prohibit ? 1 : 0, 0);
  const cause = prohibit ? 'route-prohibit' : dst.route !== null ? 'route-unreachable' : 'no-route';
  k.drop(skb, reason, prohibit ? 'ip6_pkt_prohibit' : 'ip6_pkt_discard', cause, facts);
  return 'gone';
}

/** ip6_mc_input(): only groups that somebody here joined. */
export function ip6McInput(k: Kernel, f: Flight): 'ip6_input' | 'gone' {
  const { skb } = f;
  k.count('Ip6InMcastPkts');
  if (isGroupMember(k, skb.dev!, skb.daddr as Ip6)) return 'ip6_input';
  k.drop(skb, 'NOT_SPECIFIED', 'ip6_mc_input', 'multicast-no-member', { dst: k.showAddr(skb.daddr), dev: skb.dev!.name });
  return 'gone';
}

export function ip6Input(k: Kernel, f: Flight): 'ip6_input_finish' | 'gone' {
  return k.hook(f, 'ipv6', 'INPUT', f.skb.dev, null) === 'accept' ? 'ip6_input_finish' : 'gone';
}

/** ip6_protocol_deliver_rcu(): extension headers, then the protocol. */
export function ip6InputFinish(k: Kernel, f: Flight): 'icmp6' | 'tcp' | 'udp' | 'gone' {
  if (f.skb.isFragment && !k.defragLocal(f)) return 'gone';
  const { skb } = f;
  const proto = skb.l4proto;
  const raw = k.sockets.rawDeliver(skb, proto);
  switch (proto) {
    case IPPROTO.ICMPV6:
      k.count('Ip6InDelivers');
      return 'icmp6';
    case IPPROTO.TCP:
    case IPPROTO.UDP:
      if (!k.xfrmPolicyCheck(skb, 'in')) {
        k.count('Ip6InDiscards');
        k.drop(skb, 'XFRM_POLICY', 'ip6_input_finish', 'xfrm-policy', k.xfrmFacts(skb, 'in'));
        return 'gone';
      }
      skb.ct = null;
      skb.ctinfo = 0;
      k.count('Ip6InDelivers');
      return proto === IPPROTO.TCP ? 'tcp' : 'udp';
    case NEXTHDR.NONE:
      k.count('Ip6InDelivers');
      k.drop(skb, 'NOT_SPECIFIED', 'dst_discard_out', 'proto-unknown', { proto });
      return 'gone';
    default:
      if (raw) {
        k.count('Ip6InDelivers');
        return 'gone';
      }
      k.count('Ip6InUnknownProtos');
      icmp6Send(k, skb, 4, 1, nextHeaderOffset(skb.data));
      k.drop(skb, 'IP_NOPROTO', 'ip6_input_finish', 'proto-unknown', { proto });
      return 'gone';
  }
}

/** Where the last next-header field stands: what an "unrecognized next header" points at. */
function nextHeaderOffset(d: Uint8Array): number {
  let at = 6;
  let next = d[6];
  let end = 40;
  while (next === NEXTHDR.HOP || next === NEXTHDR.ROUTING || next === NEXTHDR.DEST || next === NEXTHDR.FRAGMENT) {
    if (end + 8 > d.length) break;
    at = end;
    const len = next === NEXTHDR.FRAGMENT ? 8 : (d[end + 1] + 1) * 8;
    next = d[end];
    end += len;
  }
  return at;
}

function routedDevice(k: Kernel, skb: Skb): number | null {
  const route = skb.dst?.route as Route | null | undefined;
  const name = route?.nexthops[0]?.dev;
  return name ? (k.device(name)?.ifindex ?? null) : null;
}
