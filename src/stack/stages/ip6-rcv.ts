/** The receive path of IPv6: ipv6_rcv(), ip6_rcv_finish(), ip6_input(), ip6_mc_input(), ip6_protocol_deliver_rcu() (net/ipv6/ip6_input.c), ip6_pkt_drop() (route.c). */
import { ANY6, type Ip6, isMulticast6 } from '../../base/addr.js';
import { LOOPBACK6, type Route } from '../../fib/index.js';
import { NEXTHDR } from '../../packet/ip6.js';
import { IPPROTO, type Skb } from '../../packet/skb.js';
import { RTCF_MULTICAST } from '../../packet/types.js';
import type { Flight } from '../flight.js';
import type { Kernel } from '../kernel.js';
import { icmp6Send, isGroupMember } from './icmp6-send.js';
import { destinationOptions, fragmentHeader, headerLength, parseHopOptions, routingHeader } from './ip6-exthdrs.js';

const IPV6_MIN_MTU = 1280;

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
  // Below that a device has no inet6_dev.
  if (dev.mtu < IPV6_MIN_MTU) return dropped(k, skb, 'NOT_SPECIFIED', 'device-down', 'Ip6InDiscards');
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
  const hopByHop = d[6] === NEXTHDR.HOP;
  // A length of zero is a jumbogram's where options follow.
  if (length < d.length && (length > 40 || !hopByHop)) skb.setData(d.slice(0, length));
  skb.cb.flags = 0;
  skb.fragMaxSize = 0;
  // IP6CB(skb)->iif: the device of the address for what comes in over lo, whose route it still carries.
  skb.cb.iif = routedDevice(k, skb) ?? skb.iif;
  if (hopByHop && !parseHopOptions(k, f)) {
    k.count('Ip6InHdrErrors');
    return 'gone';
  }
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

/**
 * ip6_protocol_deliver_rcu(): extension headers, then the protocol. `nhoff` is where the next header is named, `at` where it stands. What connection tracking has
 * put together is read from where its fragment header was, also where other headers stand before that: nf_ct_frag6_reasm() leaves the transport header there.
 */
export function ip6InputFinish(k: Kernel, f: Flight): 'icmp6' | 'tcp' | 'udp' | 'gone' {
  let nhoff = 6;
  let at: number | null = 40;
  if (f.skb.data[6] === NEXTHDR.HOP) [nhoff, at] = [40, 40 + (headerLength(f.skb.data, 40) ?? 0)];
  at = f.skb.fragAt || at;
  for (;;) {
    const header: number = at;
    switch (f.skb.data[nhoff]) {
      case NEXTHDR.ROUTING:
        at = routingHeader(k, f, header);
        break;
      case NEXTHDR.DEST:
        at = destinationOptions(k, f, header);
        break;
      case NEXTHDR.FRAGMENT: {
        const next: ReturnType<typeof fragmentHeader> = fragmentHeader(k, f, header);
        if (next === 'gather') {
          const piece = f.skb;
          if (!k.defragLocal(f)) return 'gone';
          if (f.skb !== piece) continue;
          k.drop(piece, 'NOT_SPECIFIED', 'ipv6_frag_rcv', 'frag-incomplete');
          return 'gone';
        }
        at = next;
        break;
      }
      default:
        return deliver(k, f, f.skb.data[nhoff], nhoff);
    }
    if (at === null) return 'gone';
    nhoff = header;
  }
}

/** The handler of the protocol; `nhoff` is what an "unrecognized next header" points at. */
function deliver(k: Kernel, f: Flight, proto: number, nhoff: number): 'icmp6' | 'tcp' | 'udp' | 'gone' {
  const { skb } = f;
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
      icmp6Send(k, skb, 4, 1, nhoff);
      k.drop(skb, 'IP_NOPROTO', 'ip6_input_finish', 'proto-unknown', { proto });
      return 'gone';
  }
}

function routedDevice(k: Kernel, skb: Skb): number | null {
  const route = skb.dst?.route as Route | null | undefined;
  const name = route?.nexthops[0]?.dev;
  return name ? (k.device(name)?.ifindex ?? null) : null;
}
