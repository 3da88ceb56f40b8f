/** icmpv6_rcv() (net/ipv6/icmp.c). */
import type { Skb } from '../../packet/skb.js';
import { receivedBad } from '../../packet/verify.js';
import type { Flight } from '../flight.js';
import type { Kernel } from '../kernel.js';
import { icmp6Notify } from './icmp6-notify.js';
import { echoReply6, icmp6Types } from './icmp6-send.js';
import { ndiscRcv } from './ndisc.js';

const ECHO_REQUEST = 128;
const ECHO_REPLY = 129;

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
  if (receivedBad(skb)) {
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
    // Listener queries and reports are put by for later.
    case 130:
    case 131:
      return null;
    case 133:
    case 134:
    case 135:
    case 136:
    case 137:
      return ndiscRcv(k, skb, type, body);
    default:
      if (type >= 128) return 'NOT_SPECIFIED';
      return icmp6Notify(k, skb, type, body[1], u32(body, 4), body.subarray(8));
  }
}
