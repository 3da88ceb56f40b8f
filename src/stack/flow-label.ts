/** Whose answers take over the flow label of what they answer (net.ipv6.flowlabel_reflect); all other labels are left at 0, where the kernel makes up its own. */
import type { Skb } from '../packet/skb.js';
import type { Kernel } from './kernel.js';

/** FLOWLABEL_REFLECT_*: connections that were accepted, RSTs without a socket, echo replies. */
const BITS = { established: 1, reset: 2, echo: 4 } as const;

/** ip6_flowlabel() of the packet, 0 where it is not to be reflected. */
export const reflectedLabel = (k: Kernel, skb: Skb, what: keyof typeof BITS): number =>
  skb.family === 'ipv6' && (k.sysctl('net/ipv6/flowlabel_reflect') & BITS[what]) !== 0 ? skb.u32(0) & 0xfffff : 0;
