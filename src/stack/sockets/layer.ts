/** What the IP stages need from the transport layer (implemented by sockets/sockets.ts). */
import type { Family } from '../../base/addr.js';
import type { SocketQuery } from '../../netfilter/env.js';
import type { Skb } from '../../packet/skb.js';
import type { SkSocket } from '../../packet/types.js';

export interface SocketLayer {
  /** tcp_v4_rcv / tcp_v6_rcv, udp_rcv: the packet is delivered, answered or dropped by them. */
  tcpRcv(skb: Skb): void;
  udpRcv(skb: Skb): void;
  /** What a tunnel's socket may be given: false when it was damaged and is dropped. */
  udpIntact(skb: Skb): boolean;
  /** raw_local_deliver(): true when a raw socket took a copy. */
  rawDeliver(skb: Skb, proto: number): boolean;
  /** ping_rcv(): echo replies; null = consumed, else the drop reason. */
  pingRcv(skb: Skb): string | null;
  /** The err_handler of the quoted protocol; `inner` is the quoted packet. Counts IcmpInErrors where nobody is concerned. */
  icmpError(skb: Skb, family: Family, type: number, code: number, info: number, inner: Uint8Array): void;
  lookup(q: SocketQuery): SkSocket | null;
  /** tcp_v4_early_demux: an established socket takes the packet before routing. */
  earlyDemux(skb: Skb): SkSocket | null;
}
