/** Neighbour output and ARP: neigh_output(), arp_constructor(), arp_solicit(), arp_process() (net/core/neighbour.c, net/ipv4/arp.c). */
import { type Addr, type Ip4, isMulticast4, isMulticast6, MAC_BROADCAST, type Mac, readAddr, writeAddr } from '../../base/addr.js';
import { readMac, writeMac } from '../../packet/mac-bytes.js';
import { ETH_P_ARP, ETH_P_IPV6, type Skb } from '../../packet/skb.js';
import type { NetDevice } from '../../packet/types.js';
import { hears } from '../../trace/event.js';
import { type Flight, flight } from '../flight.js';
import type { Kernel } from '../kernel.js';
import { sendNeighbourSolicit } from './ndisc.js';

/** The link header for the next hop, or the packet waits for an answer. */
export function neighOutput(k: Kernel, f: Flight): 'dev_queue_xmit' | 'gone' {
  const { skb } = f;
  const dst = skb.dst!;
  const dev = dst.dev;
  const hop = dst.gateway ?? skb.daddr;
  if (!hasLinkHeader(dev)) {
    skb.eth = null;
    return 'dev_queue_xmit';
  }
  // An entry of the table counts even for a broadcast address; the constructor only fills in new ones.
  const mac = k.neighbour(dev, hop) ?? constantMac(k, dev, hop);
  if (mac !== null) {
    skb.eth = { dst: mac, src: dev.mac };
    if (hears(k.rec, 'neigh')) k.tell(skb, { t: 'neigh', dev: dev.name, addr: hop, state: 'known', mac });
    return 'dev_queue_xmit';
  }
  const first = k.hold(f, dev, hop);
  k.tell(skb, { t: 'neigh', dev: dev.name, addr: hop, state: 'incomplete', mac: null });
  if (first) {
    if (typeof hop === 'number') arpSolicit(k, skb, dev, hop);
    else sendNeighbourSolicit(k, skb, dev, hop);
  }
  return 'gone';
}

const hasLinkHeader = (dev: NetDevice): boolean => dev.linkType === 'ether' || dev.linkType === 'loopback';

/** ip_eth_mc_map(). */
const groupMac = (group: number): Mac => 0x01005e000000 + (group & 0x7fffff);

/** Addresses that need no resolution: multicast, broadcast, NOARP and loopback devices. */
function constantMac(k: Kernel, dev: NetDevice, hop: Addr): Mac | null {
  if (typeof hop === 'string') {
    if (isMulticast6(hop)) return 0x333300000000 + hop.charCodeAt(6) * 65536 + hop.charCodeAt(7);
    return dev.noarp || dev.loopback ? dev.mac : null;
  }
  if (isMulticast4(hop)) return groupMac(hop);
  if (dev.noarp || dev.loopback) return dev.mac;
  // inet_addr_type_dev_table(): the device only names the table; the broadcast address of another subnet is one here, too.
  // A route may make any address one of a group (arp_constructor).
  const type = k.addrType('ipv4', hop, null);
  if (type === 'multicast') return groupMac(hop);
  return dev.pointToPoint || type === 'broadcast' ? MAC_BROADCAST : null;
}

function arpFrame(op: 1 | 2, sha: Mac, spa: Ip4, tha: Mac, tpa: Ip4): Uint8Array {
  const b = new Uint8Array(28);
  b.set([0, 1, 8, 0, 6, 4, 0, op]);
  writeMac(b, 8, sha);
  writeAddr(b, 14, spa);
  writeMac(b, 18, tha);
  writeAddr(b, 24, tpa);
  return b;
}

/** arp_solicit() with arp_announce 0: any local address, preferably the packet's own source; 1 and 2 prefer the device's. */
function arpSolicit(k: Kernel, about: Skb, dev: NetDevice, target: Ip4): void {
  const announce = k.maxConf('ipv4', dev.name, 'arp_announce');
  const own = about.protocol === ETH_P_IPV6 ? null : (about.saddr as Ip4);
  let from: Ip4 | null = null;
  if (own !== null && announce < 2 && k.addrType('ipv4', own, null) === 'local' && (announce === 0 || k.onLink(dev, own, target))) from = own;
  from ??= (k.selectAddr('ipv4', dev, target, 'link') as Ip4 | null) ?? 0;
  sendArp(k, dev, 1, dev.mac, from, 0, target, MAC_BROADCAST);
}

function sendArp(k: Kernel, dev: NetDevice, op: 1 | 2, sha: Mac, spa: Ip4, tha: Mac, tpa: Ip4, to: Mac): void {
  const skb = k.newSkb(arpFrame(op, sha, spa, tha, tpa), ETH_P_ARP, { kind: 'sent', of: null }, dev);
  skb.dev = dev;
  skb.eth = { dst: to, src: dev.mac };
  const f = flight(skb);
  if (k.hook(f, 'arp', 'OUTPUT', null, dev) === 'accept') k.traverse('dev_queue_xmit', f);
}

/** arp_rcv(), arp_process(): answers for our addresses if the way back to the asker is allowed; learns from whom it answers and about whom it knows. */
export function arpRcv(k: Kernel, f: Flight): 'gone' {
  const { skb } = f;
  const dev = skb.dev!;
  const b = skb.data;
  const ignore = (): 'gone' => {
    k.tell(skb, { t: 'consume', why: 'handled', into: null });
    return 'gone';
  };
  if (dev.noarp || skb.pktType === 'otherhost' || skb.pktType === 'loopback' || b.length < 28) return ignore();
  if (k.hook(f, 'arp', 'INPUT', dev, null) !== 'accept') return 'gone';
  const op = b[7];
  const sha = readMac(b, 8);
  const sip = readAddr(b, 14, 'ipv4') as Ip4;
  const tip = readAddr(b, 24, 'ipv4') as Ip4;
  const refuse = (): 'gone' => {
    k.drop(skb, 'NOT_SPECIFIED', 'arp_process', 'bad-header', { dev: dev.name });
    return 'gone';
  };
  if (op !== 1 && op !== 2) return refuse();
  if (isMulticast4(tip) || (tip >>> 24 === 127 && !k.orConf('ipv4', dev.name, 'route_localnet'))) return refuse();
  if (sip === tip && k.orConf('ipv4', dev.name, 'drop_gratuitous_arp')) return refuse();
  const reply = (): void => sendArp(k, dev, 2, dev.mac, tip, sha, sip, sha);
  if (sip === 0) {
    if (op === 1 && k.addrType('ipv4', tip, null) === 'local' && arpAnswers(k, dev, sip, tip)) reply();
    return ignore();
  }
  // A source that the reverse-path check refuses is not answered; nothing counts as dropped.
  if (op === 1 && k.routeInput4(skb, tip, sip, 0, dev).reason === null && skb.dst !== null) {
    if (skb.dst.type === 'local') {
      if (arpAnswers(k, dev, sip, tip) && !arpFilter(k, dev, sip, tip)) {
        k.learnNeighbour(dev, sip, sha);
        reply();
      }
      return ignore();
    }
    // What proxy_delay would put off is answered at once.
    if (k.conf('ipv4', dev.name, 'forwarding') !== 0 && skb.dst.type === 'unicast' && skb.dst.dev !== dev && k.orConf('ipv4', dev.name, 'proxy_arp')) {
      k.learnNeighbour(dev, sip, sha);
      reply();
      return ignore();
    }
  }
  const gratuitous = sip === tip && (op === 1 || readMac(b, 18) === sha) && k.addrType('ipv4', sip, null) === 'unicast';
  const accepts = k.orConf('ipv4', dev.name, 'arp_accept') && (gratuitous || (op === 2 && k.addrType('ipv4', sip, null) === 'unicast'));
  if (accepts || k.isKnownNeighbour(dev, sip)) k.learnNeighbour(dev, sip, sha, gratuitous);
  return ignore();
}

/** arp_filter(): set, the device answers only whom the route back reaches by it. */
function arpFilter(k: Kernel, dev: NetDevice, sip: Ip4, tip: Ip4): boolean {
  if (!k.orConf('ipv4', dev.name, 'arp_filter')) return false;
  const r = k.routeOutput('ipv4', { dst: sip, src: tip, purpose: 'other' });
  return r.dst === null || r.dst.dev !== dev;
}

/** arp_ignore: 0 any local address, 1 only those of the device, 2 also of the asker's subnet, 8 none. */
function arpAnswers(k: Kernel, dev: NetDevice, sip: Ip4, tip: Ip4): boolean {
  switch (k.maxConf('ipv4', dev.name, 'arp_ignore')) {
    case 0:
      return true;
    case 1:
      return k.addrType('ipv4', tip, dev) === 'local';
    case 2:
      return k.addrType('ipv4', tip, dev) === 'local' && k.onLink(dev, tip, sip);
    case 8:
      return false;
    default:
      return true;
  }
}
