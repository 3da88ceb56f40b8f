/** ICMPv6 errors that the node makes: icmp6_send() (net/ipv6/icmp.c). */
import type { Skb } from '../../packet/skb.js';
import { flight } from '../flight.js';
import type { Kernel } from '../kernel.js';

export function icmp6Send(k: Kernel, skb: Skb, type: number, code: number, _info: number): void {
  k.inconclusive(`ICMPv6 error type ${type} code ${code}`, k.packetCtx(flight(skb), 'ipv6', 'OUTPUT', skb.dev, null));
}
