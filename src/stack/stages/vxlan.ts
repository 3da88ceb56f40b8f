/** VXLAN: vxlan_xmit() puts a frame into UDP, vxlan_rcv() takes it out again (drivers/net/vxlan/vxlan_core.c, net/ipv4/udp_tunnel_core.c). */
import { isMulticast4, isMulticastMac, MAC_BROADCAST, type Mac } from '../../base/addr.js';
import { type VxlanPlan, type VxlanRemote, VxlanState, vxlanPlans } from '../../link/vxlan.js';
import { buildIp4, buildUdp } from '../../packet/build.js';
import { ETH_P_IP, ETH_P_IPV6, IPPROTO, IPSKB_FORWARDED, type Skb } from '../../packet/skb.js';
import { carryMeta } from '../../packet/skb-meta.js';
import { RTCF_BROADCAST, RTCF_LOCAL, RTCF_MULTICAST } from '../../packet/types.js';
import { type Flight, flight } from '../flight.js';
import type { Kernel } from '../kernel.js';
import { tunnelDeeper } from './tunnel.js';

const UDP_AND_VXLAN = 16;
const UDP_HLEN = 8;
const VXLAN_HLEN = 8;
const ETH_HLEN = 14;
const ECN_MASK = 3;
const ECN_ECT_0 = 2;
const ECN_CE = 3;

const stateOf = (k: Kernel, plan: VxlanPlan): VxlanState => k.state(plan, () => new VxlanState(plan));
const unsupported: (k: Kernel, f: Flight, what: string) => never = (k, f, what) =>
  k.inconclusive(`VXLAN: ${what}`, k.packetCtx(f, 'ipv4', 'OUTPUT', null, f.skb.dev));

/** ndo_start_xmit of a vxlan device: one outer packet for each remote of the destination's entry. */
export function vxlanXmit(k: Kernel, f: Flight): 'gone' {
  const { skb } = f;
  const plan = vxlanPlans(k.given.links, k.given.fdb).find((p) => p.name === skb.dev?.name);
  if (!plan || !skb.eth) {
    k.drop(skb, 'NOT_SPECIFIED', 'vxlan_xmit', 'tunnel-no-device', { dev: skb.dev?.name ?? null });
    return 'gone';
  }
  if (plan.unsupported.length > 0) unsupported(k, f, plan.unsupported.join(', '));
  const remotes = stateOf(k, plan).find(skb.eth.dst);
  if (!remotes || remotes.length === 0) {
    k.drop(skb, 'NO_TX_TARGET', 'vxlan_xmit', 'tunnel-no-device', { dev: plan.name, mac: skb.eth.dst });
    return 'gone';
  }
  k.world.xmits++;
  for (const r of remotes.slice(1)) {
    const clone = flight(k.cloneSkb(skb, 'clone'));
    clone.errno = 0;
    vxlanXmitOne(k, clone, plan, r);
  }
  vxlanXmitOne(k, f, plan, remotes[0]);
  return 'gone';
}

/** vxlan_xmit_one(). The outer packet keeps the mark and the socket; its device is the vxlan device until it is routed out. */
function vxlanXmitOne(k: Kernel, f: Flight, plan: VxlanPlan, r: VxlanRemote): void {
  const { skb } = f;
  const dev = skb.dev!;
  const remote = r.addr;
  if (typeof remote !== 'number') unsupported(k, f, 'an IPv6 underlay');
  const sport = sourcePort(k, plan, skb);
  const dport = r.port ?? plan.dstPort;
  const inner = innerTos(skb);
  const tos = plan.tosInherit ? inner : plan.tos;
  const via = r.via === null ? null : (k.device(r.via) ?? null);
  const route = k.routeOutput('ipv4', {
    dst: remote,
    ...(plan.local === null ? {} : { src: plan.local }),
    oif: via,
    mark: skb.mark,
    tos,
    proto: IPPROTO.UDP,
    sport,
    dport,
  });
  const dst = route.dst;
  if (!dst || dst.dev.name === dev.name) {
    k.drop(skb, 'IP_OUTNOROUTES', 'vxlan_xmit_one', dst ? 'loop' : 'no-route', { remote: k.showAddr(remote) });
    return;
  }
  if (dst.flags & RTCF_LOCAL && !(dst.flags & (RTCF_BROADCAST | RTCF_MULTICAST))) unsupported(k, f, 'a remote that is this node');
  const headroom = 20 + UDP_HLEN + VXLAN_HLEN + ETH_HLEN;
  // Too long: the outer packet is fragmented. What skb_tunnel_check_pmtu() does besides (ICMP for a bridge port's sender, a smaller path MTU for our own
  // later packets) is not simulated; a forwarded packet is touched by neither.
  const tooLong = dst.mtu > 0 && skb.data.length + headroom > dst.mtu;
  if (tooLong && (dev.master !== null || (skb.cb.flags & IPSKB_FORWARDED) === 0)) unsupported(k, f, 'an inner packet larger than the tunnel takes');
  const src = plan.local ?? route.src ?? 0;
  const multicastTtl = isMulticast4(remote) ? 1 : 0;
  const asked = plan.ttlInherit ? innerTtl(skb) : plan.ttl || multicastTtl;
  const ttl = asked || (dst.hoplimit > 0 ? dst.hoplimit : k.sysctl('net/ipv4/ip_default_ttl') || 64);
  const udp = buildUdp({ sport, dport, payload: encapsulate(skb, r.vni ?? plan.vni) }, src, remote);
  if (!plan.udpCsum) udp[6] = udp[7] = 0;
  const df = plan.df === 'set' || (plan.df === 'inherit' && (skb.protocol === ETH_P_IPV6 || (skb.protocol === ETH_P_IP && skb.df)));
  const ecn = (inner & ECN_MASK) === ECN_CE ? ECN_ECT_0 : inner & ECN_MASK;
  const data = buildIp4({ src: src as number, dst: remote, proto: IPPROTO.UDP, ttl, tos: (tos & ~ECN_MASK) | ecn, df, payload: udp });
  const outer = k.newSkb(data, ETH_P_IP, { kind: 'encapsulated', of: skb.id }, dev);
  carryMeta(skb, outer, 'vxlan');
  if (hasL4Hash(skb)) outer.traceId = skb.traceId || skb.id;
  outer.macAt = outer.nhlen + UDP_AND_VXLAN;
  outer.dst = dst;
  outer.dev = dev;
  k.tell(skb, { t: 'consume', why: 'encapsulated', into: outer.id });
  if (!tunnelDeeper(k, outer)) return;
  k.traverse('ip_local_out', { ...flight(outer), sk: null });
  k.world.xmits--;
}

const withPorts: ReadonlySet<number> = new Set([IPPROTO.TCP, IPPROTO.UDP, IPPROTO.DCCP, IPPROTO.ESP, IPPROTO.SCTP, IPPROTO.UDPLITE]);
/** skb_clear_hash_if_not_l4() of iptunnel_xmit() keeps the flow hash of a packet with ports. */
const hasL4Hash = (skb: Skb): boolean => withPorts.has(skb.l4proto) && !skb.isFragment && (skb.sport > 0 || skb.dport > 0);

/** udp_flow_src_port(): a hash of the inner flow within the range, so one port for a flow, both directions alike; a range of one port leaves no choice. */
function sourcePort(k: Kernel, plan: VxlanPlan, skb: Skb): number {
  const min = plan.portMax > plan.portMin ? plan.portMin : 32768;
  const max = plan.portMax > plan.portMin ? plan.portMax : 60999;
  if (max - min === 1) return min;
  const { ports } = stateOf(k, plan);
  const flow = flowOf(skb);
  const known = ports.get(flow) ?? min + k.choose.below(max - min, 'vxlan-source-port');
  ports.set(flow, known);
  return known;
}

/** What the flow dissector hashes: both ends, in one order; Ethernet addresses where there is no IP. */
function flowOf(skb: Skb): string {
  if (skb.protocol !== ETH_P_IP && skb.protocol !== ETH_P_IPV6) return `${skb.protocol} ${skb.eth?.dst} ${skb.eth?.src}`;
  const ports = hasL4Hash(skb);
  const ends = [`${skb.saddr} ${ports ? skb.sport : 0}`, `${skb.daddr} ${ports ? skb.dport : 0}`];
  return `${skb.l4proto} ${ends.sort().join(' ')}`;
}

/** ip_tunnel_get_ttl(). */
const innerTtl = (skb: Skb): number => (skb.protocol === ETH_P_IP || skb.protocol === ETH_P_IPV6 ? skb.ttl : 0);
const innerTos = (skb: Skb): number => (skb.protocol === ETH_P_IP || skb.protocol === ETH_P_IPV6 ? skb.tos : 0);

/** VXLAN header and the whole inner frame. */
function encapsulate(skb: Skb, vni: number): Uint8Array {
  const tag = skb.vlan === null ? 0 : 4;
  const b = new Uint8Array(VXLAN_HLEN + ETH_HLEN + tag + skb.data.length);
  b[0] = 0x08;
  b[4] = vni >>> 16;
  b[5] = vni >>> 8;
  b[6] = vni;
  writeMac(b, VXLAN_HLEN, skb.eth!.dst);
  writeMac(b, VXLAN_HLEN + 6, skb.eth!.src);
  let at = VXLAN_HLEN + 12;
  if (skb.vlan !== null) {
    b.set([0x81, 0x00, skb.vlan >>> 8, skb.vlan & 255], at);
    at += 4;
  }
  b[at] = skb.protocol >>> 8;
  b[at + 1] = skb.protocol;
  b.set(skb.data, at + 2);
  return b;
}

function writeMac(b: Uint8Array, at: number, mac: Mac): void {
  for (let i = 0, v = mac; i < 6; i++, v = Math.floor(v / 256)) b[at + 5 - i] = v % 256;
}
const readMac = (b: Uint8Array, at: number): Mac => b.subarray(at, at + 6).reduce((v, x) => v * 256 + x, 0);

/** Is a VXLAN device listening on this UDP port? (The kernel's socket of vxlan_sock_add().) */
export const vxlanListens = (k: Kernel, dport: number): boolean =>
  vxlanPlans(k.given.links, k.given.fdb).some((p) => p.dstPort === dport && k.device(p.name)?.up);

/** vxlan_err_lookup(): is what an ICMP error quotes, behind its UDP header to port `dport`, of a device of ours? */
export function vxlanSent(k: Kernel, dport: number, quoted: Uint8Array): boolean {
  if (quoted.length < VXLAN_HLEN || (quoted[0] & 0x08) === 0) return false;
  const vni = (quoted[4] << 16) | (quoted[5] << 8) | quoted[6];
  return vxlanPlans(k.given.links, k.given.fdb).some((p) => p.vni === vni && p.dstPort === dport && k.device(p.name)?.up === true);
}

/**
 * encap_rcv of that socket. `f.skb` is the outer packet, its network header in front. The inner frame is queued on its vxlan device; the outer
 * datagram counts as delivered whatever becomes of it.
 */
export function vxlanRcv(k: Kernel, f: Flight): 'gone' {
  const { skb } = f;
  k.count('UdpInDatagrams');
  const at = skb.thoff + UDP_HLEN;
  const d = skb.data;
  const drop = (reason: string, cause: 'bad-header' | 'tunnel-no-device' | 'loop'): 'gone' => {
    k.drop(skb, reason, 'vxlan_rcv', cause, { dport: skb.dport });
    return 'gone';
  };
  if (d.length < at + VXLAN_HLEN) return drop('PKT_TOO_SMALL', 'bad-header');
  if ((d[at] & 0x08) === 0) return drop('VXLAN_INVALID_HDR', 'bad-header');
  const vni = (d[at + 4] << 16) | (d[at + 5] << 8) | d[at + 6];
  // A device that is down is not on the socket's list (vxlan_open()).
  const plan = vxlanPlans(k.given.links, k.given.fdb).find((p) => p.vni === vni && p.dstPort === skb.dport && k.device(p.name)?.up);
  const dev = plan && k.device(plan.name);
  if (!plan || !dev) return drop('VXLAN_VNI_NOT_FOUND', 'tunnel-no-device');
  if (plan.unsupported.length > 0) unsupported(k, f, plan.unsupported.join(', '));
  // cfg.reserved_bits: all but the flag of the VNI and the VNI itself.
  if (d[at] !== 0x08 || d[at + 1] !== 0 || d[at + 2] !== 0 || d[at + 3] !== 0 || d[at + 7] !== 0) return drop('VXLAN_INVALID_HDR', 'bad-header');
  const frame = d.subarray(at + VXLAN_HLEN);
  if (frame.length < ETH_HLEN) return drop('NOMEM', 'bad-header');
  const eth = { dst: readMac(frame, 0), src: readMac(frame, 6) };
  if (eth.src === dev.mac) return drop('LOCAL_MAC', 'loop');
  if (plan.learning) {
    if (eth.src === 0 || isMulticastMac(eth.src)) return drop('MAC_INVALID_SOURCE', 'bad-header');
    if (!stateOf(k, plan).learn(eth.src, skb.saddr)) {
      k.drop(skb, 'VXLAN_ENTRY_EXISTS', 'vxlan_rcv', 'tunnel-static-entry', { dev: plan.name, mac: eth.src });
      return 'gone';
    }
  }
  const tagged = frame.length >= ETH_HLEN + 4 && frame[12] === 0x81 && frame[13] === 0;
  const head = tagged ? ETH_HLEN + 4 : ETH_HLEN;
  const inner = k.newSkb(frame.slice(head), (frame[head - 2] << 8) | frame[head - 1], { kind: 'decapsulated', of: skb.id }, dev);
  carryMeta(skb, inner, 'vxlan');
  inner.eth = eth;
  if (tagged) inner.vlan = (frame[14] << 8) | frame[15];
  inner.csum = 'unchecked';
  inner.pktType = eth.dst === MAC_BROADCAST ? 'broadcast' : isMulticastMac(eth.dst) ? 'multicast' : eth.dst === dev.mac ? 'host' : 'otherhost';
  // pskb_inet_may_pull()
  if (inner.data.length < (inner.protocol === ETH_P_IP ? 20 : inner.protocol === ETH_P_IPV6 ? 40 : 0)) return drop('PKT_TOO_SMALL', 'bad-header');
  if (!ecnDecapsulate(skb.tos, inner)) return drop('IP_TUNNEL_ECN', 'bad-header');
  k.tell(skb, { t: 'consume', why: 'decapsulated', into: inner.id });
  k.netifRx(inner, dev);
  return 'gone';
}

/** INET_ECN_decapsulate(): congestion seen outside is carried inside; impossible combinations drop. Behind a VLAN tag no IP header is found (vlan_get_protocol()). */
function ecnDecapsulate(outerTos: number, inner: Skb): boolean {
  if (inner.vlan !== null) return true;
  if (inner.protocol !== ETH_P_IP && inner.protocol !== ETH_P_IPV6) return true;
  if ((outerTos & ECN_MASK) !== ECN_CE) return true;
  if ((inner.tos & ECN_MASK) === 0) return false;
  inner.tos |= ECN_CE;
  return true;
}
