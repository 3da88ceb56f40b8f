/**
 * The packets in a frame: its own, those inside VXLAN and those quoted by ICMP errors, each by place. What the harness has to know about injected
 * frames without being told what the kernel did with them: identifications, flow labels, numbers in use, and to which step a segment belongs.
 */
import { type Addr, type Family, readAddr } from '../../base/addr.js';
import { findTransport } from '../../packet/ip6.js';
import { ETH_P_8021Q, ETH_P_IP, ETH_P_IPV6, IPPROTO } from '../../packet/skb.js';
import { fragmentIdentification, type InjectedFacts, idKey } from './frame-fields.js';

export interface PacketAt {
  readonly where: 'outer' | 'inner' | 'quoted';
  readonly family: Family;
  /** Offset of the network header. */
  readonly nhoff: number;
  /** Offset of the transport header, -1 when there is none (later fragment, truncated). */
  readonly thoff: number;
  readonly proto: number;
  readonly src: Addr;
  readonly dst: Addr;
  /** Ports, or 0. ICMP with an id: sport = id. */
  readonly sport: number;
  readonly dport: number;
}

const u16 = (b: Uint8Array, at: number): number => (b[at] << 8) | b[at + 1];
const u32 = (b: Uint8Array, at: number): number => ((b[at] << 24) | (b[at + 1] << 16) | (b[at + 2] << 8) | b[at + 3]) >>> 0;

const PORT_PROTOS: readonly number[] = [IPPROTO.TCP, IPPROTO.UDP, IPPROTO.SCTP, IPPROTO.DCCP, IPPROTO.UDPLITE];
const ICMP_ID_TYPES = [0, 8, 13, 14, 15, 16, 17, 18];
const ICMP_ERROR_TYPES = [3, 4, 5, 11, 12];

/** Every IP packet in an Ethernet frame, outermost first. */
export function packetsIn(b: Uint8Array, vxlanPorts: ReadonlySet<number>): PacketAt[] {
  const out: PacketAt[] = [];
  if (b.length >= 14) walk(b, 14, u16(b, 12), 'outer', vxlanPorts, out);
  return out;
}

function walk(b: Uint8Array, at: number, ethertype: number, where: PacketAt['where'], vxlanPorts: ReadonlySet<number>, out: PacketAt[]): void {
  if (ethertype === ETH_P_8021Q && at + 4 <= b.length) {
    walk(b, at + 4, u16(b, at + 2), where, vxlanPorts, out);
    return;
  }
  const head = ethertype === ETH_P_IP ? ip4Header(b, at) : ethertype === ETH_P_IPV6 ? ip6Header(b, at) : null;
  if (!head) return;
  const { proto, thoff } = head;
  let sport = 0;
  let dport = 0;
  if (thoff >= 0 && PORT_PROTOS.includes(proto) && thoff + 4 <= b.length) {
    sport = u16(b, thoff);
    dport = u16(b, thoff + 2);
  } else if (thoff >= 0 && thoff + 8 <= b.length && hasIcmpId(b[thoff], proto)) sport = u16(b, thoff + 4);
  out.push({ where, nhoff: at, sport, dport, ...head });
  if (thoff < 0 || thoff + 8 > b.length) return;
  if (proto === IPPROTO.ICMP && ICMP_ERROR_TYPES.includes(b[thoff])) walk(b, thoff + 8, ETH_P_IP, 'quoted', vxlanPorts, out);
  else if (proto === IPPROTO.ICMPV6 && b[thoff] >= 1 && b[thoff] <= 4) walk(b, thoff + 8, ETH_P_IPV6, 'quoted', vxlanPorts, out);
  else if (proto === IPPROTO.UDP && vxlanPorts.has(dport) && thoff + 30 <= b.length)
    walk(b, thoff + 30, u16(b, thoff + 28), where === 'quoted' ? 'quoted' : 'inner', vxlanPorts, out);
}

const hasIcmpId = (type: number, proto: number): boolean =>
  proto === IPPROTO.ICMP ? ICMP_ID_TYPES.includes(type) : proto === IPPROTO.ICMPV6 && (type === 128 || type === 129);

type Header = Pick<PacketAt, 'family' | 'proto' | 'thoff' | 'src' | 'dst'>;

function ip4Header(b: Uint8Array, at: number): Header | null {
  if (at + 20 > b.length || b[at] >> 4 !== 4) return null;
  const later = (u16(b, at + 6) & 0x1fff) !== 0;
  return { family: 'ipv4', proto: b[at + 9], thoff: later ? -1 : at + (b[at] & 15) * 4, src: u32(b, at + 12), dst: u32(b, at + 16) };
}

function ip6Header(b: Uint8Array, at: number): Header | null {
  if (at + 40 > b.length || b[at] >> 4 !== 6) return null;
  const t = findTransport(b.subarray(at));
  return {
    family: 'ipv6',
    proto: t.proto,
    thoff: t.offset < 0 || t.fragOffset !== 0 ? -1 : at + t.offset,
    src: readAddr(b, at + 8, 'ipv6'),
    dst: readAddr(b, at + 24, 'ipv6'),
  };
}

/** Adds every port and ICMP id of a frame, inner and quoted packets included, to the numbers in use (SCORING.md R1). */
export function noteNumbers(frame: Uint8Array, vxlanPorts: ReadonlySet<number>, seen: Set<number>): void {
  for (const p of packetsIn(frame, vxlanPorts)) {
    if (p.sport !== 0) seen.add(p.sport);
    if (p.dport !== 0) seen.add(p.dport);
  }
}

/** Facts about the frames injected so far, as section 3 of SCORING.md needs them. */
export class InjectedFrames implements InjectedFacts {
  readonly ids = new Set<number>();
  readonly labels = new Set<number>();
  readonly fragments = new Set<number>();
  readonly synSeqs = new Set<number>();
  constructor(readonly vxlanPorts: ReadonlySet<number>) {}

  note(frame: Uint8Array): void {
    for (const p of packetsIn(frame, this.vxlanPorts)) {
      // A quote is no injected packet: what an error quotes the node may have made itself.
      if (p.where === 'quoted') continue;
      if (p.family === 'ipv4') this.ids.add(idKey(u16(frame, p.nhoff + 4), p.proto));
      else this.#note6(frame.subarray(p.nhoff));
      if (p.proto === IPPROTO.TCP && p.thoff >= 0 && p.thoff + 14 <= frame.length && (frame[p.thoff + 13] & 2) !== 0) this.synSeqs.add(u32(frame, p.thoff + 4));
    }
  }

  #note6(packet: Uint8Array): void {
    this.labels.add(u32(packet, 0) & 0xfffff);
    const at = fragmentIdentification(packet, packet.length);
    if (at >= 0 && at + 4 <= packet.length) this.fragments.add(u32(packet, at));
  }
}

/** UDP ports of the node's VXLAN devices, from `ip -d -j link`. */
export function vxlanPortsOf(links: readonly unknown[]): Set<number> {
  const out = new Set<number>();
  for (const l of links as readonly { linkinfo?: { info_kind?: unknown; info_data?: { port?: unknown } } }[]) {
    if (l?.linkinfo?.info_kind === 'vxlan' && typeof l.linkinfo.info_data?.port === 'number') out.add(l.linkinfo.info_data.port);
  }
  return out;
}
