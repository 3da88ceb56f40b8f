/** Local delivery of IPv4: ip_local_deliver(), ip_protocol_deliver_rcu() (net/ipv4/ip_input.c). */
import { IPPROTO } from '../../packet/skb.js';
import type { Flight } from '../flight.js';
import type { Kernel } from '../kernel.js';
import { icmpSend } from './icmp-send.js';
import { vxlanListens } from './vxlan.js';

/** Reassembly for ourselves, then the INPUT hook. */
export function ipLocalDeliver(k: Kernel, f: Flight): 'ip_local_deliver_finish' | 'gone' {
  if (f.skb.isFragment && !k.defragLocal(f)) return 'gone';
  return k.hook(f, 'ipv4', 'INPUT', f.skb.dev, null) === 'accept' ? 'ip_local_deliver_finish' : 'gone';
}

/** To raw sockets, then to the protocol that the header names. */
export function ipLocalDeliverFinish(k: Kernel, f: Flight): 'icmp' | 'tcp' | 'udp' | 'igmp' | 'ipip' | 'xfrm4' | 'gone' {
  const { skb } = f;
  const proto = skb.l4proto;
  const raw = k.sockets.rawDeliver(skb, proto);
  const handler = protocolOf(k, proto);
  if (handler === null) {
    if (raw) {
      k.count('IpInDelivers');
      k.tell(skb, { t: 'consume', why: 'handled', into: null });
      return 'gone';
    }
    if (k.xfrmPolicyCheck(skb, 'in')) {
      k.count('IpInUnknownProtos');
      icmpSend(k, skb, 3, 2, 0);
    }
    k.drop(skb, 'IP_NOPROTO', 'ip_local_deliver_finish', 'proto-unknown', { proto });
    return 'gone';
  }
  if (handler !== 'icmp' && handler !== 'xfrm4' && handler !== 'ipip') {
    if (!k.xfrmPolicyCheck(skb, 'in')) {
      k.drop(skb, 'XFRM_POLICY', 'ip_local_deliver_finish', 'xfrm-policy', k.xfrmFacts(skb, 'in'));
      return 'gone';
    }
    // nf_reset_ct(): sockets do not know of connection tracking.
    skb.ct = null;
    skb.ctinfo = 0;
  }
  k.count('IpInDelivers');
  return handler;
}

/** Which handlers are registered (inet_protos) on this node. */
function protocolOf(k: Kernel, proto: number): 'icmp' | 'tcp' | 'udp' | 'igmp' | 'ipip' | 'xfrm4' | null {
  switch (proto) {
    case IPPROTO.ICMP:
      return 'icmp';
    case IPPROTO.TCP:
      return 'tcp';
    case IPPROTO.UDP:
      return 'udp';
    case IPPROTO.IGMP:
      return 'igmp';
    case IPPROTO.IPIP:
      return k.devices.some((d) => d.kind === 'ipip') || k.hasXfrm ? 'ipip' : null;
    case IPPROTO.ESP:
    case IPPROTO.AH:
      return k.hasXfrm ? 'xfrm4' : null;
    default:
      return null;
  }
}

export function tcpRcv(k: Kernel, f: Flight): 'gone' {
  k.sockets.tcpRcv(f.skb);
  return 'gone';
}

/** __udp4_lib_rcv(): the socket of a tunnel device comes first (udp_encap_needed). */
export function udpRcv(k: Kernel, f: Flight): 'vxlan' | 'gone' {
  if (vxlanListens(k, f.skb.dport)) return 'vxlan';
  k.sockets.udpRcv(f.skb);
  return 'gone';
}

/** __udp6_lib_rcv(). A VXLAN device with an IPv4 underlay has no IPv6 socket. */
export function udpv6Rcv(k: Kernel, f: Flight): 'gone' {
  k.sockets.udpRcv(f.skb);
  return 'gone';
}

/** igmp_rcv(): membership traffic; nothing of it shows but that the buffer is released. */
export function igmpRcv(k: Kernel, f: Flight): 'gone' {
  k.drop(f.skb, 'NOT_SPECIFIED', 'igmp_rcv', 'unclassified', {});
  return 'gone';
}
