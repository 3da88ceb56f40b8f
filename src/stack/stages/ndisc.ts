/** Neighbour discovery of IPv6: ndisc_solicit() (net/ipv6/ndisc.c). */
import type { Ip6 } from '../../base/addr.js';
import type { Skb } from '../../packet/skb.js';
import type { NetDevice } from '../../packet/types.js';
import { flight } from '../flight.js';
import type { Kernel } from '../kernel.js';

export function sendNeighbourSolicit(k: Kernel, about: Skb, dev: NetDevice, target: Ip6): void {
  k.inconclusive(`neighbour discovery for an IPv6 next hop on ${dev.name}`, k.packetCtx(flight(about), 'ipv6', 'OUTPUT', null, dev));
  void target;
}
