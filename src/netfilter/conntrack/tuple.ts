/** Tuples: what identifies a direction of a flow. nf_conntrack_core.c (nf_ct_get_tuple, nf_ct_invert_tuple) and the protocols' pkt_to_tuple / invert_tuple. */
import { type Addr, type Family, formatAddr, readAddr } from '../../base/addr.js';
import { findTransport } from '../../packet/ip6.js';
import { IPPROTO } from '../../packet/skb.js';
import type { Tuple } from '../../packet/types.js';

/** Where the transport header of an IP packet inside `data` stands, and its protocol. */
export interface L4 {
  readonly proto: number;
  /** Offset into `data`. */
  readonly offset: number;
}

/** get_l4proto(): null for later fragments and headers that run past the end. `nhoff` is the offset of the IP header. */
export function l4Of(data: Uint8Array, nhoff: number, family: Family): L4 | null {
  if (family === 'ipv4') {
    if (data.length < nhoff + 20) return null;
    if ((((data[nhoff + 6] << 8) | data[nhoff + 7]) & 0x1fff) !== 0) return null;
    const offset = nhoff + (data[nhoff] & 15) * 4;
    return offset > data.length ? null : { proto: data[nhoff + 9], offset };
  }
  if (data.length < nhoff + 40) return null;
  const t = findTransport(nhoff === 0 ? data : data.subarray(nhoff));
  return t.offset < 0 || t.fragOffset !== 0 ? null : { proto: t.proto, offset: nhoff + t.offset };
}

const u16 = (d: Uint8Array, at: number): number => (d[at] << 8) | d[at + 1];

/** Protocols whose first two words are ports for connection tracking (6.18 has no DCCP tracker any more: DCCP is tracked by addresses alone). */
export const hasPorts = (proto: number): boolean => proto === IPPROTO.TCP || proto === IPPROTO.UDP || proto === IPPROTO.UDPLITE || proto === IPPROTO.SCTP;

/** nf_ct_get_tuple(), into `out`; null when the packet is too short for the protocol. */
export function tupleAt(data: Uint8Array, nhoff: number, l4: L4, family: Family, out = scratchTuple()): Tuple | null {
  const bytes = family === 'ipv4' ? 4 : 16;
  const at = nhoff + (family === 'ipv4' ? 12 : 8);
  const src = readAddr(data, at, family);
  const dst = readAddr(data, at + bytes, family);
  const { proto, offset } = l4;
  const room = data.length - offset;
  let sport = 0;
  let dport = 0;
  if (proto === IPPROTO.ICMP || proto === IPPROTO.ICMPV6) {
    if (room < 8) return null;
    sport = u16(data, offset + 4);
    dport = u16(data, offset);
  } else if (hasPorts(proto)) {
    if (room < 4) return null;
    sport = u16(data, offset);
    dport = u16(data, offset + 2);
  } else if (proto === IPPROTO.GRE && room >= 4 && (data[offset + 1] & 7) === 1) {
    // Enhanced GRE (PPTP): the call id is a key of the flow; the other one comes from the PPTP helper.
    if (room < 8 || u16(data, offset + 2) !== 0x880b) return null;
    dport = u16(data, offset + 6);
  }
  out.family = family;
  out.src = src;
  out.dst = dst;
  out.proto = proto;
  out.sport = sport;
  out.dport = dport;
  return out;
}

/** nf_ct_get_tuplepr(): the tuple of a whole packet, also of one quoted inside an ICMP error. */
export function packetTuple(data: Uint8Array, nhoff: number, family: Family): Tuple | null {
  const l4 = l4Of(data, nhoff, family);
  return l4 && tupleAt(data, nhoff, l4, family);
}

/** ICMP types that come in pairs: echo, timestamp, information, address mask. */
const ICMP_PAIR = new Map([
  [8, 0],
  [0, 8],
  [13, 14],
  [14, 13],
  [15, 16],
  [16, 15],
  [17, 18],
  [18, 17],
]);
/** ICMPv6: echo and node information. */
const ICMPV6_PAIR = new Map([
  [128, 129],
  [129, 128],
  [139, 140],
  [140, 139],
]);

/** nf_ct_invert_tuple(): the tuple of the answer; null for ICMP types that have none. */
export const invertTuple = (t: Tuple): Tuple | null => invertInto(t, scratchTuple());

/** A tuple to be filled in again and again, by a caller that nobody takes it from. */
export type ScratchTuple = { -readonly [K in keyof Tuple]: Tuple[K] };
export const scratchTuple = (): ScratchTuple => ({ family: 'ipv4', src: 0, dst: 0, proto: 0, sport: 0, dport: 0 });

/** invertTuple() into `out`. */
export function invertInto(t: Tuple, out: ScratchTuple): Tuple | null {
  let sport = t.dport;
  let dport = t.sport;
  if (t.proto === IPPROTO.ICMP || t.proto === IPPROTO.ICMPV6) {
    const type = (t.proto === IPPROTO.ICMP ? ICMP_PAIR : ICMPV6_PAIR).get(t.dport >>> 8);
    if (type === undefined) return null;
    sport = t.sport;
    dport = (type << 8) | (t.dport & 255);
  }
  out.family = t.family;
  out.src = t.dst;
  out.dst = t.src;
  out.proto = t.proto;
  out.sport = sport;
  out.dport = dport;
  return out;
}

export function tupleEqual(a: Tuple, b: Tuple): boolean {
  return a.src === b.src && a.dst === b.dst && a.sport === b.sport && a.dport === b.dport && a.proto === b.proto && a.family === b.family;
}

function mixAddr(h: number, a: Addr): number {
  if (typeof a === 'number') return Math.imul(h ^ a, 0x9e3779b1);
  let x = h;
  for (let i = 0; i < 8; i += 2) x = Math.imul(x ^ ((a.charCodeAt(i) << 16) | a.charCodeAt(i + 1)), 0x9e3779b1) ^ (x >>> 15);
  return x;
}

/** A 32-bit hash; order in the table never depends on it. */
export function hashTuple(t: Tuple): number {
  let h = mixAddr(t.proto + 1, t.src);
  h = mixAddr(h ^ (h >>> 15), t.dst);
  h = Math.imul(h ^ (h >>> 13) ^ ((t.sport << 16) | t.dport), 0x85ebca6b);
  return h ^ (h >>> 16);
}

/** same_src() of nf_nat_core.c: the halves that source NAT looks at. */
export const sourceEqual = (a: Tuple, b: Tuple): boolean => a.src === b.src && a.sport === b.sport && a.proto === b.proto && a.family === b.family;
export function hashSource(t: Tuple): number {
  const h = mixAddr(t.proto + 1, t.src);
  return Math.imul(h ^ (h >>> 15) ^ t.sport, 0x85ebca6b);
}

/** As `conntrack -L` prints a direction, for events: `src=… dst=… sport=… dport=…`. */
export function formatTuple(t: Tuple): string {
  const addrs = `src=${formatAddr(t.src)} dst=${formatAddr(t.dst)}`;
  if (t.proto === IPPROTO.ICMP || t.proto === IPPROTO.ICMPV6) return `${addrs} type=${t.dport >>> 8} code=${t.dport & 255} id=${t.sport}`;
  if (t.proto === IPPROTO.GRE) return `${addrs} srckey=0x${t.sport.toString(16)} dstkey=0x${t.dport.toString(16)}`;
  return hasPorts(t.proto) ? `${addrs} sport=${t.sport} dport=${t.dport}` : addrs;
}
