/** Frames that leave a bridge by its ports: br_forward(), br_flood(), the FORWARD and POSTROUTING hooks, and br_dev_xmit() (net/bridge/br_forward.c, br_device.c). */
import { isMulticastMac, MAC_BROADCAST } from '../../base/addr.js';
import type { BridgePlan, BridgePort } from '../../link/bridge.js';
import type { Skb } from '../../packet/skb.js';
import type { Cause } from '../../trace/cause.js';
import { brNfDevXmit } from '../br-netfilter.js';
import { bridgePlan, bridgeState } from '../bridges.js';
import { dropFakeRtable } from '../fake-rtable.js';
import { type BrInputCb, type Flight, flight } from '../flight.js';
import type { Kernel } from '../kernel.js';
import { snoopRefuses } from '../mcast-snooping.js';
import { answersForOthers } from './bridge-input.js';

/** Why should_deliver() says no; null: it says yes. */
function refusal(skb: Skb, port: BridgePort, br: BrInputCb): Cause | null {
  if (!port.hairpin && skb.dev?.name === port.name) return 'bridge-hairpin';
  if (port.state !== 'forwarding') return 'bridge-port-state';
  if (br.srcPortIsolated && port.isolated) return 'bridge-isolated';
  return null;
}

/** deliver_clone(): a copy of its own goes out by `to`, to its end, before the caller goes on. */
function deliverClone(k: Kernel, f: Flight, br: BrInputCb, to: BridgePort): void {
  const clone = flight(k.cloneSkb(f.skb, 'clone'));
  clone.br = { ...br, to: to.name, localRcv: false };
  k.traverse('__br_forward', clone);
}

/** To one known port. */
export function brForward(k: Kernel, f: Flight): '__br_forward' | 'br_pass_frame_up' | 'gone' {
  const { skb } = f;
  const br = f.br!;
  const plan = bridgePlan(k, br.brdev.name)!;
  const port = br.to === null ? undefined : usablePort(k, plan, br.to);
  const no = port ? refusal(skb, port, br) : 'bridge-no-port';
  if (port && no === null) {
    if (!br.localRcv) {
      f.br = { ...br, to: port.name };
      return '__br_forward';
    }
    deliverClone(k, f, br, port);
  }
  if (br.localRcv) return 'br_pass_frame_up';
  k.drop(skb, 'NOT_SPECIFIED', 'br_forward', no ?? 'bridge-no-port', {
    bridge: br.brdev.name,
    from: skb.dev?.name ?? null,
    to: br.to,
    mac: skb.eth?.dst ?? null,
  });
  return 'gone';
}

/** A port without carrier hands over to its backup port. */
function usablePort(k: Kernel, plan: BridgePlan, name: string): BridgePort | undefined {
  const port = plan.portByName.get(name);
  if (!port || port.backupPort === null) return port;
  const dev = k.device(name);
  return dev?.up && dev.carrier ? port : (plan.portByName.get(port.backupPort) ?? port);
}

/** To every port that floods, in descending order of port numbers; the last one gets the original unless it is also for this node. */
export function brFlood(k: Kernel, f: Flight): '__br_forward' | 'br_pass_frame_up' | 'gone' {
  const { skb } = f;
  const br = f.br!;
  const plan = bridgePlan(k, br.brdev.name)!;
  let prev: BridgePort | null = null;
  let cause: Cause = 'bridge-no-port';
  for (const port of plan.ports) {
    if (!floods(port, br) || port.proxyArp) {
      if (port.name !== skb.dev?.name) cause = 'bridge-flood-off';
      continue;
    }
    const no = refusal(skb, port, br);
    if (no !== null) {
      if (port.name !== skb.dev?.name) cause = no;
      continue;
    }
    if (prev) deliverClone(k, f, br, prev);
    prev = port;
  }
  if (k.rec.on) k.tell(skb, { t: 'bridge', what: 'flood', bridge: br.brdev.name, port: skb.dev?.name ?? '', to: null, mac: skb.eth?.dst ?? 0 });
  if (br.localRcv) {
    if (prev) deliverClone(k, f, br, prev);
    return 'br_pass_frame_up';
  }
  if (prev) {
    f.br = { ...br, to: prev.name };
    return '__br_forward';
  }
  k.drop(skb, 'NO_TX_TARGET', 'br_flood', cause, { bridge: br.brdev.name, from: skb.dev?.name ?? null, mac: skb.eth?.dst ?? null });
  return 'gone';
}

function floods(port: BridgePort, br: BrInputCb): boolean {
  switch (br.kind) {
    case 'unicast':
      return port.flood;
    case 'multicast':
      return port.mcastFlood || br.localOrig;
    case 'broadcast':
      return port.bcastFlood || br.localOrig;
  }
}

/** NF_BR_FORWARD, or NF_BR_LOCAL_OUT for what the bridge device sends. */
export function brForwardHook(k: Kernel, f: Flight): 'br_forward_finish' | 'gone' {
  const { skb } = f;
  const br = f.br!;
  const indev = br.localOrig ? null : skb.dev;
  const to = k.device(br.to!)!;
  if (k.rec.on) k.tell(skb, { t: 'bridge', what: 'forward', bridge: br.brdev.name, port: indev?.name ?? '', to: to.name, mac: skb.eth?.dst ?? 0 });
  skb.dev = to;
  return k.hook(f, 'bridge', br.localOrig ? 'OUTPUT' : 'FORWARD', indev, to) === 'accept' ? 'br_forward_finish' : 'gone';
}

export function brForwardFinish(k: Kernel, f: Flight): 'br_dev_queue_push_xmit' | 'gone' {
  return k.hook(f, 'bridge', 'POSTROUTING', null, f.skb.dev) === 'accept' ? 'br_dev_queue_push_xmit' : 'gone';
}

/** is_skb_forwardable(), then the port sends it. */
export function brDevQueuePushXmit(k: Kernel, f: Flight): 'dev_queue_xmit' | 'gone' {
  const { skb } = f;
  const dev = skb.dev!;
  const VLAN_HLEN = 4;
  if (!dev.up || skb.data.length > dev.mtu + VLAN_HLEN) {
    k.drop(skb, 'NOT_SPECIFIED', 'br_dev_queue_push_xmit', dev.up ? 'too-big' : 'device-down', { dev: dev.name, mtu: dev.mtu, len: skb.data.length });
    return 'gone';
  }
  f.br = undefined;
  dropFakeRtable(skb);
  return 'dev_queue_xmit';
}

/** ndo_start_xmit of the bridge device: what the node itself sends or routes into the bridge. */
export function brDevXmit(k: Kernel, f: Flight): 'br_forward' | 'br_flood' | 'br_handle_frame_finish' | 'gone' {
  const { skb } = f;
  if (brNfDevXmit(skb)) return 'br_handle_frame_finish';
  const brdev = skb.dev!;
  const plan = bridgePlan(k, brdev.name);
  k.world.xmits++;
  if (!plan || !skb.eth) {
    k.drop(skb, 'NOT_SPECIFIED', 'br_dev_xmit', 'bridge-no-port', { bridge: brdev.name });
    return 'gone';
  }
  if (plan.vlanFiltering) k.inconclusive('a bridge with vlan_filtering', k.packetCtx(f, 'ipv4', 'OUTPUT', null, brdev));
  if (answersForOthers(plan, skb))
    k.inconclusive('ARP or neighbour discovery on a bridge with neigh_suppress or proxy_arp', k.packetCtx(f, 'ipv4', 'OUTPUT', null, brdev));
  const dst = skb.eth.dst;
  const kind: BrInputCb['kind'] = !isMulticastMac(dst) ? 'unicast' : dst === MAC_BROADCAST ? 'broadcast' : 'multicast';
  if (kind === 'multicast' && snoopRefuses(k, f, plan)) {
    k.drop(skb, 'NOT_SPECIFIED', 'br_dev_xmit', 'bad-header', { bridge: brdev.name, mac: dst });
    return 'gone';
  }
  const known = kind === 'unicast' ? bridgeState(k, plan).find(dst, k.now()) : null;
  f.br = { brdev, srcPortIsolated: false, promisc: false, localRcv: false, localOrig: true, kind, to: known?.port ?? null };
  return known ? 'br_forward' : 'br_flood';
}
