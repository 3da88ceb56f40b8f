/** icmpv6_rcv(), icmpv6_notify() (net/ipv6/icmp.c). */
import { findTransport } from '../../packet/ip6.js';
import type { Skb } from '../../packet/skb.js';
import { transportChecksumBad } from '../../packet/verify.js';
import type { Flight } from '../flight.js';
import type { Kernel } from '../kernel.js';
import { echoReply6, icmp6Types } from './icmp6-send.js';
import { ndiscRcv } from './ndisc.js';

const ECHO_REQUEST = 128;
const ECHO_REPLY = 129;
const PKT_TOOBIG = 2;

/** null = consumed. The IPv6 path calls everything else a drop, also what was only looked at. */
type Reason = string | null;

export function icmpv6Rcv(k: Kernel, f: Flight): 'gone' {
  const { skb } = f;
  if (!k.xfrmPolicyCheck(skb, 'in')) {
    k.drop(skb, 'XFRM_POLICY', 'icmpv6_rcv', 'xfrm-policy', k.xfrmFacts(skb, 'in'));
    return 'gone';
  }
  k.count('Icmp6InMsgs');
  const body = skb.data.subarray(skb.thoff);
  if (transportChecksumBad(skb)) {
    k.count('Icmp6InCsumErrors');
    k.count('Icmp6InErrors');
    k.drop(skb, 'ICMP_CSUM', 'icmpv6_rcv', 'bad-checksum', {});
    return 'gone';
  }
  if (body.length < 8) {
    k.count('Icmp6InErrors');
    k.drop(skb, 'NOT_SPECIFIED', 'icmpv6_rcv', 'bad-header', {});
    return 'gone';
  }
  const type = body[0];
  k.count(`Icmp6InType${type}`);
  const name = icmp6Types.get(type);
  if (name) k.count(`Icmp6In${name}`);
  const reason = handle(k, skb, type, body);
  if (reason === null) k.tell(skb, { t: 'consume', why: type === ECHO_REQUEST ? 'echo-replied' : 'handled', into: null });
  else k.drop(skb, reason, 'icmpv6_rcv', reason === 'NO_SOCKET' ? 'no-socket' : 'icmp-ignored', { type });
  return 'gone';
}

const u32 = (b: Uint8Array, at: number): number => ((b[at] << 24) | (b[at + 1] << 16) | (b[at + 2] << 8) | b[at + 3]) >>> 0;

function handle(k: Kernel, skb: Skb, type: number, body: Uint8Array): Reason {
  switch (type) {
    case ECHO_REQUEST:
      if (k.sysctl('net/ipv6/icmp/echo_ignore_all') !== 0) return 'NOT_SPECIFIED';
      return echoReply6(k, skb, u32(body, 4), body.subarray(8)) ? null : 'NOT_SPECIFIED';
    case ECHO_REPLY:
      return k.sockets.pingRcv(skb);
    case 133:
    case 134:
    case 135:
    case 136:
    case 137:
      return ndiscRcv(k, skb, type, body);
    default:
      if (type >= 128) return 'NOT_SPECIFIED';
      return notify(k, skb, type, body);
  }
}

/** Errors about packets that we may have sent. */
function notify(k: Kernel, skb: Skb, type: number, body: Uint8Array): Reason {
  const inner = body.subarray(8);
  const bad = (reason: string): Reason => {
    k.count('Icmp6InErrors');
    return reason;
  };
  if (inner.length < 40) return type === PKT_TOOBIG ? bad('NOT_SPECIFIED') : bad('PKT_TOO_SMALL');
  const t = findTransport(inner);
  if (t.offset < 0) return bad('IPV6_BAD_EXTHDR');
  if (inner.length < t.offset + 8) return bad('PKT_TOO_SMALL');
  k.sockets.icmpError(skb, 'ipv6', type, body[1], u32(body, 4), inner);
  return null;
}
