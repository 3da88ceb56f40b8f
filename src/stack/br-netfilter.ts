/**
 * br_netfilter: bridged packets meet iptables (net/bridge/br_netfilter_hooks.c, br_netfilter_ipv6.c). Every step below hangs in a bridge hook and runs the
 * whole inet hook inside of it; ip_sabotage_in hangs in inet PREROUTING and skips the second run for what the bridge passed up.
 */
import type { Addr, Family } from '../base/addr.js';
import { foldChecksum, sum16 } from '../packet/checksum.js';
import { ETH_P_ARP, ETH_P_IP, ETH_P_IPV6, type Skb } from '../packet/skb.js';
import type { Dst, NetDevice } from '../packet/types.js';
import type { NodeState } from '../scenario/model.js';
import { bridgePort } from './bridges.js';
import { fakeRtable } from './fake-rtable.js';
import type { Flight, HookVerdict } from './flight.js';
import type { HookState, HookStep } from './hook-step.js';
import type { Kernel } from './kernel.js';
import { hasVlanDevice } from './stages/dev.js';
import { ipDoFragment } from './stages/ip-output.js';

const NF_BR_PRI_BRNF = 0;
const NF_BR_PRI_LAST = 2 ** 31 - 1;
const ETH_P_PPP_SES = 0x8864;
const NF_IP_PRI_FIRST = -(2 ** 31);

/** The family whose hooks a frame may meet; a tagged one only with bridge-nf-filter-vlan-tagged (is_vlan_ip). */
function inetFamily(k: Kernel, skb: Skb): Family | null {
  if (skb.vlan !== null && !k.sysctl('net/bridge/bridge-nf-filter-vlan-tagged')) return null;
  return skb.protocol === ETH_P_IP ? 'ipv4' : skb.protocol === ETH_P_IPV6 ? 'ipv6' : null;
}

/** A drop by the hook's own verdict. */
function refuse(k: Kernel, skb: Skb, reason: string, where: string): 'drop' {
  k.drop(skb, reason, where, 'bad-header', { len: skb.data.length });
  return 'drop';
}

/** br_validate_ipv4(): what ip_rcv() checks, with its counters; trims the padding. */
function validateIp4(k: Kernel, skb: Skb): boolean {
  const d = skb.data;
  const bad = (counter: string): boolean => {
    k.count(counter);
    return false;
  };
  const hlen = (d[0] & 15) * 4;
  if (d.length < 20 || hlen < 20 || d[0] >>> 4 !== 4 || d.length < hlen) return bad('IpInHdrErrors');
  if (foldChecksum(sum16(d, 0, hlen)) !== 0) {
    k.count('IpExtInCsumErrors');
    return bad('IpInHdrErrors');
  }
  const len = skb.totLen;
  if (d.length < len) return bad('IpExtInTruncatedPkts');
  if (len < hlen) return bad('IpInHdrErrors');
  if (d.length > len) skb.setData(d.slice(0, len));
  skb.cb.flags = 0;
  skb.cb.iif = 0;
  return true;
}

/** br_validate_ipv6(). */
function validateIp6(k: Kernel, skb: Skb): boolean {
  const d = skb.data;
  if (d.length < 40 || d[0] >>> 4 !== 6) {
    k.count('Ip6InHdrErrors');
    return false;
  }
  const len = skb.totLen;
  if (skb.u16(4) !== 0 || d[6] !== 0) {
    if (len > d.length) {
      k.count('Ip6InTruncatedPkts');
      return false;
    }
    if (d.length > len) skb.setData(d.slice(0, len));
  }
  skb.cb.flags = 0;
  skb.cb.iif = 0;
  return true;
}

const validate = (k: Kernel, skb: Skb, family: Family): boolean => (family === 'ipv4' ? validateIp4(k, skb) : validateIp6(k, skb));

/** br_nf_pre_routing(): the whole inet PREROUTING, seen as coming in by the bridge. */
function brNfPreRouting(k: Kernel, f: Flight, h: HookState): HookVerdict {
  const { skb } = f;
  const at = bridgePort(k, h.in);
  const family = inetFamily(k, skb);
  if (skb.protocol === ETH_P_PPP_SES && k.sysctl('net/bridge/bridge-nf-filter-pppoe-tagged'))
    k.inconclusive('bridge-nf-filter-pppoe-tagged for a PPPoE frame', k.packetCtx(f, 'ipv4', 'PREROUTING', h.in, null));
  if (!at || family === null) return 'accept';
  const called =
    family === 'ipv4'
      ? at.plan.nfCallIptables || k.sysctl('net/bridge/bridge-nf-call-iptables')
      : at.plan.nfCallIp6tables || k.sysctl('net/bridge/bridge-nf-call-ip6tables');
  if (!called) return 'accept';
  if (skb.vlan !== null && k.sysctl('net/bridge/bridge-nf-pass-vlan-input-dev') && hasVlanDevice(k, at.brdev, skb.vlan)) {
    k.inconclusive('bridge-nf-pass-vlan-input-dev for a tagged frame', k.packetCtx(f, family, 'PREROUTING', h.in, null));
  }
  if (!validate(k, skb, family)) return refuse(k, skb, 'IP_INHDR', 'br_nf_pre_routing');
  const port = skb.dev!;
  const daddr = skb.daddr;
  const otherhost = skb.pktType === 'otherhost';
  if (otherhost) skb.pktType = 'host';
  skb.nfBridge = {
    physindev: port,
    physoutdev: null,
    pktOtherhost: otherhost,
    inPrerouting: true,
    savedSrcMac: null,
    encapLen: 0,
    fragMaxSize: 0,
    daddr,
    sabotageIn: false,
  };
  skb.dev = at.brdev;
  skb.sk = null;
  const verdict = k.hook(f, family, 'PREROUTING', at.brdev, null);
  return verdict === 'accept' ? brNfPreRoutingFinish(k, f, family, at.brdev, daddr) : verdict;
}

/** br_nf_pre_routing_finish(), br_nf_pre_routing_finish_ipv6(): back on the port; where DNAT changed the destination, a route decides between bridging and routing. */
function brNfPreRoutingFinish(k: Kernel, f: Flight, family: Family, brdev: NetDevice, daddr: Addr): HookVerdict {
  // Defragmentation may have put another skb in its place; its bridge facts are those of the first fragment.
  const { skb } = f;
  const nb = skb.nfBridge;
  if (!nb) return refuse(k, skb, 'NOT_SPECIFIED', 'br_nf_pre_routing_finish');
  const port = nb.physindev;
  nb.fragMaxSize = skb.fragMaxSize;
  if (nb.pktOtherhost) {
    skb.pktType = 'otherhost';
    nb.pktOtherhost = false;
  }
  nb.inPrerouting = false;
  if (skb.daddr === daddr) {
    skb.dst = fakeRtable(family, brdev);
    skb.dev = port;
    return 'accept';
  }
  if (!routeAgain(k, skb, family, brdev)) return 'drop';
  if (skb.dst?.dev === brdev) return finishBridged(k, f, port, brdev);
  if (skb.eth) skb.eth.dst = brdev.mac;
  skb.pktType = 'host';
  skb.dev = port;
  return 'accept';
}

/** A route for the new destination; false: dropped. In IPv4 a refusing route is taken along and answers later, in IPv6 it drops here. */
function routeAgain(k: Kernel, skb: Skb, family: Family, brdev: NetDevice): boolean {
  if (family === 'ipv4') {
    const r = k.routeInput4(skb, skb.daddr, skb.saddr, skb.tos, brdev);
    if (r.reason !== null) k.drop(skb, r.reason, 'br_nf_pre_routing_finish', r.cause, r.facts);
    return r.reason === null;
  }
  skb.dst = null;
  k.routeInput6(skb);
  const refused = (skb.dst as Dst | null)?.error ?? 0;
  if (refused !== 0) k.drop(skb, 'NOT_SPECIFIED', 'br_nf_pre_routing_finish_ipv6', 'no-route', { dst: k.showAddr(skb.daddr) });
  return refused === 0;
}

/** br_nf_pre_routing_finish_bridge(): still bridged, to the neighbour that now has the destination; the source MAC stays. */
function finishBridged(k: Kernel, f: Flight, port: NetDevice, brdev: NetDevice): HookVerdict {
  const { skb } = f;
  const mac = k.neighbour(brdev, skb.dst?.gateway ?? skb.daddr);
  if (mac === null) {
    // Waits for the neighbour in the bridge device's queue; br_dev_xmit() takes it up again where it stands now (bridged_dnat).
    if (skb.nfBridge && skb.eth) skb.nfBridge.savedSrcMac = skb.eth.src;
    skb.dev = brdev;
    k.traverse('neigh_output', f);
    return 'stolen';
  }
  if (skb.eth) skb.eth.dst = mac;
  skb.dev = port;
  return 'accept';
}

/** br_nf_dev_xmit(), br_nf_pre_routing_finish_bridge_slow(): a bridged frame that had to wait for its new neighbour goes on as if it had just come in. */
export function brNfDevXmit(skb: Skb): boolean {
  const nb = skb.nfBridge;
  if (!nb || nb.savedSrcMac === null) return false;
  if (skb.eth) skb.eth.src = nb.savedSrcMac;
  nb.savedSrcMac = null;
  nb.physoutdev = null;
  skb.dev = nb.physindev;
  return true;
}

/** br_nf_forward(): inet FORWARD, both devices the bridge. */
function brNfForward(k: Kernel, f: Flight, h: HookState): HookVerdict {
  const { skb } = f;
  if (skb.protocol === ETH_P_ARP && (skb.vlan === null || k.sysctl('net/bridge/bridge-nf-filter-vlan-tagged'))) return brNfForwardArp(k, f, h);
  const family = inetFamily(k, skb);
  if (family === null || !skb.nfBridge) return 'accept';
  const inBridge = bridgePort(k, h.in)?.brdev ?? null;
  const parent = bridgePort(k, h.out)?.brdev;
  if (!parent) return refuse(k, skb, 'DEV_READY', 'br_nf_forward_ip');
  // nf_bridge_unshare(): flooded copies have outgoing ports of their own.
  skb.nfBridge = { ...skb.nfBridge };
  otherhostOff(skb);
  if (!validate(k, skb, family)) return refuse(k, skb, 'IP_INHDR', 'br_nf_forward_ip');
  skb.nfBridge.physoutdev = skb.dev;
  const verdict = k.hook(f, family, 'FORWARD', inBridge, parent);
  if (verdict === 'accept') otherhostOn(f.skb);
  return verdict;
}

function otherhostOff(skb: Skb): void {
  if (skb.pktType !== 'otherhost' || !skb.nfBridge) return;
  skb.pktType = 'host';
  skb.nfBridge.pktOtherhost = true;
}
function otherhostOn(skb: Skb): void {
  if (!skb.nfBridge?.pktOtherhost) return;
  skb.pktType = 'otherhost';
  skb.nfBridge.pktOtherhost = false;
}

/** br_nf_forward_arp(). */
function brNfForwardArp(k: Kernel, f: Flight, h: HookState): HookVerdict {
  const at = bridgePort(k, h.out);
  const called = at?.plan.nfCallArptables || k.sysctl('net/bridge/bridge-nf-call-arptables');
  const PLN = 5;
  if (!called || f.skb.data[PLN] !== 4) return 'accept';
  return k.hook(f, 'arp', 'FORWARD', h.in, h.out);
}

/** br_nf_post_routing(), br_nf_dev_queue_xmit(): inet POSTROUTING of what was forwarded by the bridge, then split again what had come in fragments. */
function brNfPostRouting(k: Kernel, f: Flight): HookVerdict {
  const { skb } = f;
  const family = inetFamily(k, skb);
  if (!skb.nfBridge?.physoutdev || family === null) return 'accept';
  const parent = bridgePort(k, skb.dev)?.brdev;
  if (!parent) return refuse(k, skb, 'DEV_READY', 'br_nf_post_routing');
  otherhostOff(skb);
  const verdict = k.hook(f, family, 'POSTROUTING', null, parent);
  return verdict === 'accept' ? brNfDevQueueXmit(k, f, family) : verdict;
}

function brNfDevQueueXmit(k: Kernel, f: Flight, family: Family): HookVerdict {
  const { skb } = f;
  otherhostOn(skb);
  const largest = skb.nfBridge?.fragMaxSize ?? 0;
  let mtu = skb.dev!.mtu;
  if (largest > 0 && largest < mtu) mtu = largest;
  if (skb.data.length <= mtu) {
    skb.nfBridge = null;
    return 'accept';
  }
  if (family === 'ipv6') k.inconclusive('re-fragmenting a bridged IPv6 packet', k.packetCtx(f, family, 'POSTROUTING', null, skb.dev));
  if (!validateIp4(k, skb)) return refuse(k, skb, 'NOT_SPECIFIED', 'br_nf_dev_queue_xmit');
  const room = skb.dst?.mtu ?? mtu;
  if ((skb.df && !skb.ignoreDf) || largest > room) {
    k.count('IpFragFails');
    k.drop(skb, 'NOT_SPECIFIED', 'br_nf_ip_fragment', 'too-big', { mtu, len: skb.data.length, dev: skb.dev!.name });
    return 'drop';
  }
  skb.nfBridge = null;
  // br_validate_ipv4() has cleared IPCB(skb).
  skb.fragDf = false;
  ipDoFragment(k, f, room, 'br_dev_queue_push_xmit');
  return 'stolen';
}

/** br_nf_local_in(): group frames for this node were cloned to the ports before; their connection is confirmed here, once. */
function brNfLocalIn(k: Kernel, f: Flight): HookVerdict {
  const { skb } = f;
  if (f.br?.promisc) {
    skb.ct = null;
    skb.ctinfo = 0;
    return 'accept';
  }
  if (!skb.ct || skb.pktType === 'host' || skb.ct.inTable || skb.ct.template) return 'accept';
  return k.ctConfirm(f);
}

/** ip_sabotage_in(): inet PREROUTING was already run inside the bridge. */
function ipSabotageIn(_: Kernel, f: Flight): HookVerdict | 'okfn' {
  const nb = f.skb.nfBridge;
  if (!nb || nb.sabotageIn || nb.inPrerouting) return 'accept';
  nb.sabotageIn = true;
  return 'okfn';
}

const hasBridge = (given: NodeState): boolean => given.links.some((l) => l.kind === 'bridge');

/** br_nf_ops: registered in a namespace as soon as it has a bridge. */
export const brNetfilterSteps: readonly HookStep[] = [
  { family: 'bridge', point: 'PREROUTING', priority: NF_BR_PRI_BRNF, name: 'br_nf_pre_routing', needed: hasBridge, run: brNfPreRouting },
  { family: 'bridge', point: 'FORWARD', priority: NF_BR_PRI_BRNF, name: 'br_nf_forward', needed: hasBridge, run: brNfForward },
  { family: 'bridge', point: 'POSTROUTING', priority: NF_BR_PRI_LAST, name: 'br_nf_post_routing', needed: hasBridge, run: brNfPostRouting },
  { family: 'bridge', point: 'INPUT', priority: NF_BR_PRI_LAST, name: 'br_nf_local_in', needed: hasBridge, run: brNfLocalIn },
  { family: 'ipv4', point: 'PREROUTING', priority: NF_IP_PRI_FIRST, name: 'ip_sabotage_in', needed: hasBridge, run: ipSabotageIn },
  { family: 'ipv6', point: 'PREROUTING', priority: NF_IP_PRI_FIRST, name: 'ip_sabotage_in', needed: hasBridge, run: ipSabotageIn },
];
