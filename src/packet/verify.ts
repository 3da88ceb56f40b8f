/** The transport checksum of a received packet: what nf_ip_checksum() and the protocols' receive paths find. */
import { crc32c, foldChecksum, sum16 } from './checksum.js';
import { ETH_P_IP, ETH_P_IPV6, IPPROTO, type Skb } from './skb.js';

/** Is it wrong, so that conntrack calls the packet INVALID and the stack drops it? Summed up once (nf_ip_checksum(), skb_checksum_complete()). */
export function checksumBad(skb: Skb): boolean {
  if (skb.csum === 'unchecked') skb.csum = transportChecksumBad(skb) ? 'bad' : 'good';
  return skb.csum === 'bad';
}

/**
 * What the receive path of a protocol finds (skb_checksum_validate()): it takes today's header off the sum of the packet as conntrack summed it up, so that addresses
 * changed since (DNPT, SNPT) are made up for. Otherwise, and where that sum is wrong, the packet is summed up as it is now.
 */
export function receivedBad(skb: Skb): boolean {
  if (skb.csum === 'unchecked') return checksumBad(skb);
  return (skb.csum === 'bad' || (skb.csumStale && skb.dev?.loopback !== true)) && transportChecksumBad(skb);
}

/** False for fragments (nothing can be said yet), protocols without one, and UDP/IPv4 without a checksum. */
export function transportChecksumBad(skb: Skb): boolean {
  if (skb.protocol !== ETH_P_IP && skb.protocol !== ETH_P_IPV6) return false;
  const v6 = skb.protocol === ETH_P_IPV6;
  if (skb.data.length < (v6 ? 40 : 20) || skb.isFragment) return false;
  const th = skb.thoff;
  const end = Math.min(skb.totLen, skb.data.length);
  const d = skb.data;
  const proto = skb.l4proto;
  // Of ICMPv6 the sum comes before the length, also of nothing at all (icmpv6_rcv).
  if (th < 0 || th > end || (th === end && !(v6 && proto === IPPROTO.ICMPV6))) return false;
  switch (proto) {
    case IPPROTO.TCP:
      return end - th >= 20 && badWithPseudo(d, th, end, v6, proto);
    case IPPROTO.UDP:
      return end - th >= 8 && !(skb.u16(th + 6) === 0 && !v6) && badWithPseudo(d, th, end, v6, proto);
    case IPPROTO.ICMP:
      return !v6 && end - th >= 8 && foldChecksum(sum16(d, th, end)) !== 0;
    case IPPROTO.ICMPV6:
      return v6 && badWithPseudo(d, th, end, v6, proto);
    case IPPROTO.SCTP: {
      if (end - th < 12) return false;
      const copy = d.slice(th, end);
      const stored = (copy[8] | (copy[9] << 8) | (copy[10] << 16) | (copy[11] << 24)) >>> 0;
      copy.fill(0, 8, 12);
      return crc32c(copy, 0, copy.length) !== stored;
    }
    default:
      return false;
  }
}

/** Source and destination stand side by side: the pseudo header's sum goes over both at once. */
function badWithPseudo(d: Uint8Array, th: number, end: number, v6: boolean, proto: number): boolean {
  return foldChecksum(sum16(d, th, end, sum16(d, v6 ? 8 : 12, v6 ? 40 : 20, proto + end - th))) !== 0;
}
