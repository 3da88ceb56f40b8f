/** What rules with ipproto, sport, dport see of a received packet: fib4_rules_early_flow_dissect(), skb_flow_get_ports(), proto_ports_offset(). */
import { IPPROTO, type Skb } from '../packet/skb.js';
import type { FlowKeys } from './types.js';

/** Where the two ports lie behind the transport header; -1: the protocol has none. ESP gives its SPI, as the kernel reads it. */
function portsOffset(proto: number): number {
  switch (proto) {
    case IPPROTO.TCP:
    case IPPROTO.UDP:
    case IPPROTO.DCCP:
    case IPPROTO.ESP:
    case IPPROTO.SCTP:
    case IPPROTO.UDPLITE:
      return 0;
    case IPPROTO.AH:
      return 4;
    default:
      return -1;
  }
}

/** Protocol and ports of a packet; a fragment, also the first, has no ports. */
export function flowKeys(skb: Skb): FlowKeys {
  const proto = skb.l4proto;
  const offset = skb.isFragment || skb.thoff < 0 ? -1 : portsOffset(proto);
  const at = skb.thoff + offset;
  if (offset < 0 || skb.data.length < at + 4) return { proto, sport: 0, dport: 0 };
  return { proto, sport: skb.u16(at), dport: skb.u16(at + 2) };
}
