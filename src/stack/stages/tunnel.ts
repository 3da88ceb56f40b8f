/** What tunnels over IPv4 have in common: iptunnel_xmit() (net/ipv4/ip_tunnel_core.c). */
import type { Skb } from '../../packet/skb.js';
import type { Kernel } from '../kernel.js';

/** IP_TUNNEL_RECURSION_LIMIT. */
const LIMIT = 5;

/** The outer packet sets out within the device that sends the inner one. False: tunnels within tunnels, too deep; it is dropped. */
export function tunnelDeeper(k: Kernel, outer: Skb): boolean {
  if (k.world.xmits > LIMIT) {
    k.drop(outer, 'RECURSION_LIMIT', 'iptunnel_xmit', 'loop', { dev: outer.dev?.name ?? null });
    return false;
  }
  k.world.xmits++;
  return true;
}
