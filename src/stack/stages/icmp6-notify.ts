/** icmpv6_notify(): ICMPv6 errors about packets that we may have sent (net/ipv6/icmp.c). */
import { findTransport } from '../../packet/ip6.js';
import type { Skb } from '../../packet/skb.js';
import type { Kernel } from '../kernel.js';

const PKT_TOOBIG = 2;

/** `inner`: the quoted packet. null = consumed, otherwise the drop reason. */
export function icmp6Notify(k: Kernel, skb: Skb, type: number, code: number, info: number, inner: Uint8Array): string | null {
  const bad = (reason: string): string => {
    k.count('Icmp6InErrors');
    return reason;
  };
  if (inner.length < 40) return type === PKT_TOOBIG ? bad('NOT_SPECIFIED') : bad('PKT_TOO_SMALL');
  const t = findTransport(inner);
  if (t.offset < 0) return bad('IPV6_BAD_EXTHDR');
  if (inner.length < t.offset + 8) return bad('PKT_TOO_SMALL');
  k.sockets.icmpError(skb, 'ipv6', type, code, info, inner);
  return null;
}
