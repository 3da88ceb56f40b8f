/** Devices: netif_receive_skb(), dev_queue_xmit() and the drivers that are boxes of the picture (net/core/dev.c, drivers/net/loopback.c). */
import { isMulticastMac, MAC_BROADCAST } from '../../base/addr.js';
import { ETH_P_ARP, ETH_P_IP, ETH_P_IPV6, type Skb } from '../../packet/skb.js';
import { crossBorder } from '../../packet/skb-meta.js';
import type { NetDevice } from '../../packet/types.js';
import type { Flight } from '../flight.js';
import type { Kernel } from '../kernel.js';
import { frameOf } from '../receive.js';

/** eth_type_trans(): whom the frame is for, by its destination MAC. */
export function classify(skb: Skb, dev: NetDevice): void {
  const dst = skb.eth?.dst;
  if (dst === undefined || dst === dev.mac) skb.pktType = 'host';
  else if (dst === MAC_BROADCAST) skb.pktType = 'broadcast';
  else if (isMulticastMac(dst)) skb.pktType = 'multicast';
  else skb.pktType = 'otherhost';
}

/** __netif_receive_skb_core(): taps, the device's ingress hook, then the bridge's rx_handler where the device is a port. */
export function netifReceive(k: Kernel, f: Flight): 'bridge' | 'deliver' | 'gone' {
  const { skb } = f;
  const dev = skb.dev!;
  skb.iif = dev.ifindex;
  if (!dev.up) {
    k.drop(skb, 'NOT_SPECIFIED', 'enqueue_to_backlog', 'device-down', { dev: dev.name });
    return 'gone';
  }
  tap(k, skb, dev, 'in');
  if (k.netdevHook(f, 'INGRESS', dev) !== 'accept') return 'gone';
  if (dev.takenBy !== undefined && !(skb.pktType === 'host' && dev.takenBy.startsWith('mac')))
    k.inconclusive(`what comes in by ${dev.name}, which a ${dev.takenBy} device may take`, k.packetCtx(f, skb.family, 'PREROUTING', dev, null));
  return dev.master !== null && k.device(dev.master)?.kind === 'bridge' ? 'bridge' : 'deliver';
}

const VLAN_VID_MASK = 0xfff;

/** __vlan_find_dev_deep_rcu(): is there a VLAN device on `dev` for the tag? */
export const hasVlanDevice = (k: Kernel, dev: NetDevice, tag: number): boolean =>
  k.given.links.some((l) => l.kind === 'vlan' && l.link === dev.name && Number(l.data.id) === (tag & VLAN_VID_MASK));

/** deliver_skb(): the protocol handlers, for what no rx_handler has kept. */
export function deliverSkb(k: Kernel, f: Flight): 'ip' | 'ip6' | 'arp' | 'gone' {
  const { skb } = f;
  // A tag that no VLAN device has taken: the frame is for somebody else. Tag 0 is a priority only.
  if (skb.vlan !== null && (skb.vlan & VLAN_VID_MASK) !== 0) {
    if (hasVlanDevice(k, skb.dev!, skb.vlan)) k.inconclusive('a VLAN device', k.packetCtx(f, 'ipv4', 'PREROUTING', skb.dev, null));
    skb.pktType = 'otherhost';
  }
  skb.vlan = null;
  switch (skb.protocol) {
    case ETH_P_IP:
      return 'ip';
    case ETH_P_IPV6:
      return 'ip6';
    case ETH_P_ARP:
      return 'arp';
    default:
      k.drop(skb, 'UNHANDLED_PROTO', '__netif_receive_skb_core', 'proto-unknown', { ethertype: skb.protocol });
      return 'gone';
  }
}

/** __dev_queue_xmit(): the device's egress hook; a device that is down or without carrier has the noop queueing discipline. */
export function devQueueXmit(k: Kernel, f: Flight): 'wire' | 'loopback' | 'bridge' | 'vxlan' | 'ipip' | 'gone' {
  const { skb } = f;
  const dev = skb.dev!;
  if (k.netdevHook(f, 'EGRESS', dev) !== 'accept') return 'gone';
  if (!dev.up) {
    f.errno = 100;
    k.drop(skb, 'NOT_SPECIFIED', '__dev_queue_xmit', 'device-down', { dev: dev.name });
    return 'gone';
  }
  if (!dev.loopback && dev.kind !== 'vxlan' && !dev.carrier) {
    f.notQueued = true;
    k.drop(skb, 'QDISC_DROP', '__dev_queue_xmit', 'no-carrier', { dev: dev.name });
    return 'gone';
  }
  tap(k, skb, dev, 'out');
  if (dev.loopback) return 'loopback';
  if (dev.kind === 'bridge' || dev.kind === 'vxlan' || dev.kind === 'ipip') return dev.kind;
  return 'wire';
}

/** Captures: deliver_skb() to ptype_all, dev_queue_xmit_nit(). */
function tap(k: Kernel, skb: Skb, dev: NetDevice, dir: 'in' | 'out'): void {
  if (!k.rec.on) return;
  const { name, ifindex, linkType } = dev;
  const pktType = dir === 'out' ? 'outgoing' : skb.pktType;
  k.tell(skb, { t: 'tap', dir, dev: name, ifindex, linkType, pktType, protocol: skb.protocol, eth: skb.eth !== null, frame: frameOf(skb) });
}

/** loopback_xmit(): the packet comes in again; what it carries stays with it (route, conntrack, mark, trace flag). */
export function loopbackXmit(k: Kernel, f: Flight): 'gone' {
  const { skb } = f;
  crossBorder(skb, 'loopback');
  k.netifRx(skb, skb.dev!);
  return 'gone';
}

export function wireXmit(k: Kernel, f: Flight): 'gone' {
  k.wire(f.skb, f.skb.dev!);
  return 'gone';
}
