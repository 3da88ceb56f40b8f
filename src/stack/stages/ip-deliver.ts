/** Local delivery of IPv4: ip_local_deliver(), ip_protocol_deliver_rcu() (net/ipv4/ip_input.c). */
import { foldChecksum, sum16 } from '../../packet/checksum.js';
import { IPPROTO, type Skb } from '../../packet/skb.js';
import type { Flight } from '../flight.js';
import type { Kernel } from '../kernel.js';
import { icmpSend } from './icmp-send.js';
import { vxlanListens } from './vxlan.js';

const IGMP_QUERY = 0x11;
const IGMP_REPORT = 0x12;
const IGMP_REPORT2 = 0x16;

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
  if (vxlanListens(k, f.skb.dport)) return k.sockets.udpIntact(f.skb) ? 'vxlan' : 'gone';
  k.sockets.udpRcv(f.skb);
  return 'gone';
}

/** __udp6_lib_rcv(). A VXLAN device with an IPv4 underlay has no IPv6 socket. */
export function udpv6Rcv(k: Kernel, f: Flight): 'gone' {
  k.sockets.udpRcv(f.skb);
  return 'gone';
}

/** igmp_rcv(): membership traffic. Queries, and reports of others to their group, are heard; all else is dropped. Reports that answer a query come later. */
export function igmpRcv(k: Kernel, f: Flight): 'gone' {
  const { skb } = f;
  if (igmpHeard(skb.data.subarray(skb.thoff), skb.pktType)) k.tell(skb, { t: 'consume', why: 'handled', into: null });
  else k.drop(skb, 'NOT_SPECIFIED', 'igmp_rcv', 'unclassified', {});
  return 'gone';
}

function igmpHeard(m: Uint8Array, pktType: Skb['pktType']): boolean {
  if (m.length < 8 || foldChecksum(sum16(m, 0, m.length)) !== 0) return false;
  switch (m[0]) {
    case IGMP_QUERY: {
      if (m.length < 12) return m.length === 8;
      const sources = (m[10] << 8) | m[11];
      const general = m.subarray(4, 8).every((b) => b === 0);
      return m.length >= 12 + 4 * sources && !(general && sources > 0);
    }
    case IGMP_REPORT:
    case IGMP_REPORT2:
      return pktType === 'multicast' || pktType === 'broadcast';
    default:
      return false;
  }
}
