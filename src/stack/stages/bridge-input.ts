/**
 * Frames that come in by a bridge port: br_handle_frame(), the brouting decision, NF_BR_PRE_ROUTING, the bridging decision, and the way up to the
 * bridge device itself (net/bridge/br_input.c).
 */
import { isMulticastMac, MAC_BROADCAST } from '../../base/addr.js';
import type { BridgePlan, BridgePort } from '../../link/bridge.js';
import { ETH_P_ARP, ETH_P_IPV6, IPPROTO, type Skb } from '../../packet/skb.js';
import { bridgePort, bridgeState } from '../bridges.js';
import { ebtBroute } from '../ebtables-steps.js';
import { dropFakeRtable } from '../fake-rtable.js';
import type { BrInputCb, Flight } from '../flight.js';
import type { Kernel } from '../kernel.js';
import { snoopRefuses } from '../mcast-snooping.js';

/** 01:80:c2:00:00:00 … 0f: reserved by IEEE 802.1D. */
const GROUP_BASE = 0x0180c2000000;

/** rx handler of a port. 'pass': not bridged, the port's own protocol handlers get it. */
export function brHandleFrame(k: Kernel, f: Flight): 'ebt_broute' | 'pass' | 'gone' {
  const { skb } = f;
  if (skb.pktType === 'loopback') return 'pass';
  const at = bridgePort(k, skb.dev);
  if (!at || !skb.eth) return 'pass';
  const { plan, port, brdev } = at;
  const { src, dst } = skb.eth;
  if (src === 0 || isMulticastMac(src)) {
    k.drop(skb, 'MAC_INVALID_SOURCE', 'br_handle_frame', 'bridge-local-frame', { port: port.name, mac: src });
    return 'gone';
  }
  if (plan.vlanFiltering) k.inconclusive('a bridge with vlan_filtering', k.packetCtx(f, 'ipv4', 'PREROUTING', skb.dev, null));
  if (dst >= GROUP_BASE && dst <= GROUP_BASE + 15) {
    const group = dst - GROUP_BASE;
    if (group === 1) {
      k.drop(skb, 'MAC_IEEE_MAC_CONTROL', 'br_handle_frame', 'bridge-local-frame', { port: port.name });
      return 'gone';
    }
    const mask = port.groupFwdMask | (group === 0 ? 0 : plan.groupFwdMask);
    const forward = (mask & (1 << group)) !== 0 || (group === 0 && !plan.stp);
    if (!forward) {
      if (group !== 0 && group !== 14 && k.hook(f, 'bridge', 'INPUT', skb.dev, null) !== 'accept') return 'gone';
      // __br_handle_local_finish(): the bridge knows its sender from now on.
      if (learns(port) && !plan.noLinklocalLearn) learn(k, f, bridgeState(k, plan).learn(port.name, src, k.now()), brdev.name, port.name);
      return 'pass';
    }
  }
  if (port.state !== 'forwarding' && port.state !== 'learning') {
    k.drop(skb, 'BRIDGE_INGRESS_STP_STATE', 'br_handle_frame', 'bridge-port-state', { port: port.name, state: port.state });
    return 'gone';
  }
  if (brdev.mac === dst) skb.pktType = 'host';
  return 'ebt_broute';
}

const learns = (port: BridgePort): boolean => port.learning && (port.state === 'learning' || port.state === 'forwarding');

/** The brouting decision: ebtables -t broute says DROP = route it, as if the port were no bridge port. */
export function brouting(k: Kernel, f: Flight): 'route' | 'bridge' | 'gone' {
  const { skb } = f;
  const at = bridgePort(k, skb.dev);
  if (at?.port.state !== 'forwarding') return 'bridge';
  const verdict = ebtBroute(k, f);
  if (verdict === 'gone' || verdict === 'bridge') return verdict;
  if (skb.pktType === 'host' && skb.eth?.dst !== skb.dev?.mac && skb.eth?.dst === at.brdev.mac) skb.pktType = 'otherhost';
  return 'route';
}

/** nf_hook_bridge_pre(). */
export function nfHookBridgePre(k: Kernel, f: Flight): 'br_handle_frame_finish' | 'gone' {
  return k.hook(f, 'bridge', 'PREROUTING', f.skb.dev, null) === 'accept' ? 'br_handle_frame_finish' : 'gone';
}

/** The bridging decision: learn, then local, one port, or all. */
export function brHandleFrameFinish(k: Kernel, f: Flight): 'br_pass_frame_up' | 'br_forward' | 'br_flood' | 'gone' {
  const { skb } = f;
  const at = bridgePort(k, skb.dev);
  if (!at || !skb.eth) {
    k.drop(skb, 'NOT_SPECIFIED', 'br_handle_frame_finish', 'bridge-no-port', {});
    return 'gone';
  }
  const { plan, port, brdev } = at;
  const state = bridgeState(k, plan);
  const { src, dst } = skb.eth;
  if (port.locked) {
    const from = state.find(src, k.now());
    if (from?.port !== port.name || from.local) {
      k.drop(skb, 'NOT_SPECIFIED', 'br_handle_frame_finish', 'bridge-no-port', { port: port.name, mac: src, locked: true });
      return 'gone';
    }
  }
  if (port.learning) learn(k, f, state.learn(port.name, src, k.now()), brdev.name, port.name);
  const kind: BrInputCb['kind'] = !isMulticastMac(dst) ? 'unicast' : dst === MAC_BROADCAST ? 'broadcast' : 'multicast';
  if (kind === 'multicast' && snoopRefuses(k, f, plan)) {
    k.drop(skb, 'NOT_SPECIFIED', 'br_handle_frame_finish', 'bad-header', { port: port.name, mac: dst });
    return 'gone';
  }
  if (port.state === 'learning') {
    k.drop(skb, 'BRIDGE_INGRESS_STP_STATE', 'br_handle_frame_finish', 'bridge-port-state', { port: port.name, state: port.state });
    return 'gone';
  }
  if (answersForOthers(plan, skb))
    k.inconclusive('ARP or neighbour discovery on a bridge with neigh_suppress or proxy_arp', k.packetCtx(f, 'ipv4', 'FORWARD', skb.dev, null));
  const known = kind === 'unicast' ? state.find(dst, k.now()) : null;
  // Without a querier, multicast goes everywhere and to the node as well, whether or not it is snooped.
  f.br = {
    brdev,
    srcPortIsolated: port.isolated,
    promisc: brdev.promisc,
    localRcv: brdev.promisc || kind !== 'unicast',
    localOrig: false,
    kind,
    to: known?.port ?? null,
  };
  if (known?.local) {
    f.br = { ...f.br, promisc: false };
    return 'br_pass_frame_up';
  }
  return known ? 'br_forward' : 'br_flood';
}

function learn(k: Kernel, f: Flight, what: 'learnt' | 'moved' | 'known' | 'own' | 'off', bridge: string, port: string): void {
  const mac = f.skb.eth?.src ?? 0;
  if (what === 'learnt' || what === 'moved') k.tell(f.skb, { t: 'bridge', what: 'learn', bridge, port, to: null, mac });
}

/** br_do_proxy_suppress_arp(), br_do_suppress_nd(): the bridge may answer in a host's place. */
export function answersForOthers(plan: BridgePlan, skb: Skb): boolean {
  if (!plan.ports.some((p) => p.neighSuppress || p.proxyArp || p.proxyArpWifi)) return false;
  return skb.protocol === ETH_P_ARP || (skb.protocol === ETH_P_IPV6 && skb.l4proto === IPPROTO.ICMPV6);
}

/** To the bridge device: NF_BR_LOCAL_IN, then received once more, now by the bridge. */
export function brPassFrameUp(k: Kernel, f: Flight): 'netif_receive_skb' | 'gone' {
  const { skb } = f;
  const port = skb.dev;
  const brdev = f.br?.brdev ?? bridgePort(k, port)?.brdev;
  if (!brdev) {
    k.drop(skb, 'NOT_SPECIFIED', 'br_pass_frame_up', 'bridge-no-port', {});
    return 'gone';
  }
  if (k.rec.on) k.tell(skb, { t: 'bridge', what: 'local', bridge: brdev.name, port: port?.name ?? '', to: brdev.name, mac: skb.eth?.dst ?? 0 });
  skb.dev = brdev;
  if (k.hook(f, 'bridge', 'INPUT', port, null) !== 'accept') return 'gone';
  dropFakeRtable(skb);
  return 'netif_receive_skb';
}
