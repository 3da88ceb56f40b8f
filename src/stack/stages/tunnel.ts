/** What tunnels over IPv4 have in common: iptunnel_xmit() (net/ipv4/ip_tunnel_core.c). */
import type { Flight } from '../flight.js';
import type { Kernel } from '../kernel.js';

/** IP_TUNNEL_RECURSION_LIMIT. */
const LIMIT = 5;

/** The outer packet sets out within the device that sends the inner one. False: tunnels within tunnels, too deep; it is dropped. */
export function tunnelDeeper(k: Kernel, inner: Flight, outer: Flight): boolean {
  const level = (inner.xmits ?? 0) + 1;
  outer.xmits = level + 1;
  if (level <= LIMIT) return true;
  k.drop(outer.skb, 'RECURSION_LIMIT', 'iptunnel_xmit', 'loop', { dev: outer.skb.dev?.name ?? null });
  return false;
}
