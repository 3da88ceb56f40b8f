/**
 * Builders of whole packets and headers, with right lengths and checksums. What the node itself sends (stack/) and what tests and the command
 * line describe in words (packet/text.ts) is made here.
 */
import { type Addr, type Ip4, type Ip6, writeAddr } from '../base/addr.js';
import { crc32c, foldChecksum, pseudoSum, sum16 } from './checksum.js';
import { IPPROTO } from './skb.js';

export const TCP_FLAG = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32, ECE: 64, CWR: 128 } as const;
const NO_BYTES = new Uint8Array(0);

export interface Ip4Fields {
  readonly src: Ip4;
  readonly dst: Ip4;
  readonly proto: number;
  /** 64 by default. */
  readonly ttl?: number;
  readonly tos?: number;
  readonly id?: number;
  readonly df?: boolean;
  readonly mf?: boolean;
  /** In bytes, a multiple of 8. */
  readonly fragOffset?: number;
  /** IP options; padded with zeros to whole words. */
  readonly options?: Uint8Array;
  readonly payload: Uint8Array;
}

/** An IPv4 packet; the header checksum is filled in. */
export function buildIp4(f: Ip4Fields): Uint8Array {
  const options = f.options ?? NO_BYTES;
  const hlen = 20 + ((options.length + 3) & ~3);
  const b = new Uint8Array(hlen + f.payload.length);
  b[0] = 0x40 | (hlen >> 2);
  b[1] = f.tos ?? 0;
  put16(b, 2, b.length);
  put16(b, 4, f.id ?? 0);
  put16(b, 6, (f.df ? 0x4000 : 0) | (f.mf ? 0x2000 : 0) | ((f.fragOffset ?? 0) >> 3));
  b[8] = f.ttl ?? 64;
  b[9] = f.proto;
  writeAddr(b, 12, f.src);
  writeAddr(b, 16, f.dst);
  b.set(options, 20);
  put16(b, 10, foldChecksum(sum16(b, 0, hlen)));
  b.set(f.payload, hlen);
  return b;
}

export interface Ip6Fields {
  readonly src: Ip6;
  readonly dst: Ip6;
  /** Next header of the fixed header: the transport protocol, or the first extension header that `payload` starts with. */
  readonly proto: number;
  /** Hop limit, 64 by default. */
  readonly ttl?: number;
  /** Traffic class. */
  readonly tos?: number;
  readonly flowLabel?: number;
  readonly payload: Uint8Array;
}

export function buildIp6(f: Ip6Fields): Uint8Array {
  const b = new Uint8Array(40 + f.payload.length);
  put32(b, 0, ((6 << 28) | ((f.tos ?? 0) << 20) | ((f.flowLabel ?? 0) & 0xfffff)) >>> 0);
  put16(b, 4, f.payload.length);
  b[6] = f.proto;
  b[7] = f.ttl ?? 64;
  writeAddr(b, 8, f.src);
  writeAddr(b, 24, f.dst);
  b.set(f.payload, 40);
  return b;
}

/** Either family, told by the addresses, which must be of one family. `id`, `df`, `mf`, `fragOffset` and `options` are IPv4's. */
export function buildIp(f: Omit<Ip4Fields, 'src' | 'dst'> & { readonly src: Addr; readonly dst: Addr; readonly flowLabel?: number }): Uint8Array {
  return typeof f.src === 'number' ? buildIp4({ ...f, src: f.src, dst: f.dst as Ip4 }) : buildIp6({ ...f, src: f.src, dst: f.dst as Ip6 });
}

export interface TcpFields {
  readonly sport: number;
  readonly dport: number;
  readonly seq?: number;
  readonly ack?: number;
  /** TCP_FLAG bits. */
  readonly flags?: number;
  readonly window?: number;
  readonly urgent?: number;
  /** Option bytes; padded with zeros (end of options) to whole words. */
  readonly options?: Uint8Array;
  readonly payload?: Uint8Array;
}

/** A TCP segment, checksummed for `src` -> `dst`. */
export function buildTcp(f: TcpFields, src: Addr, dst: Addr): Uint8Array {
  const options = f.options ?? NO_BYTES;
  const payload = f.payload ?? NO_BYTES;
  const hlen = 20 + ((options.length + 3) & ~3);
  const b = new Uint8Array(hlen + payload.length);
  put16(b, 0, f.sport);
  put16(b, 2, f.dport);
  put32(b, 4, f.seq ?? 0);
  put32(b, 8, f.ack ?? 0);
  b[12] = (hlen >> 2) << 4;
  b[13] = f.flags ?? 0;
  put16(b, 14, f.window ?? 65535);
  put16(b, 18, f.urgent ?? 0);
  b.set(options, 20);
  b.set(payload, hlen);
  put16(b, 16, transportChecksum(b, src, dst, IPPROTO.TCP));
  return b;
}

export interface UdpFields {
  readonly sport: number;
  readonly dport: number;
  readonly payload?: Uint8Array;
}

export function buildUdp(f: UdpFields, src: Addr, dst: Addr): Uint8Array {
  const payload = f.payload ?? NO_BYTES;
  const b = new Uint8Array(8 + payload.length);
  put16(b, 0, f.sport);
  put16(b, 2, f.dport);
  put16(b, 4, b.length);
  b.set(payload, 8);
  put16(b, 6, transportChecksum(b, src, dst, IPPROTO.UDP) || 0xffff);
  return b;
}

export interface IcmpFields {
  readonly type: number;
  readonly code?: number;
  /** Second word of the header: id and sequence number of an echo, MTU, gateway, pointer. Default 0. */
  readonly rest?: number;
  readonly payload?: Uint8Array;
}

/** ICMP (IPv4). */
export function buildIcmp(f: IcmpFields): Uint8Array {
  const b = icmpBytes(f);
  put16(b, 2, foldChecksum(sum16(b, 0, b.length)));
  return b;
}

/** ICMPv6, checksummed for `src` -> `dst`. */
export function buildIcmp6(f: IcmpFields, src: Ip6, dst: Ip6): Uint8Array {
  const b = icmpBytes(f);
  put16(b, 2, transportChecksum(b, src, dst, IPPROTO.ICMPV6));
  return b;
}

function icmpBytes(f: IcmpFields): Uint8Array {
  const payload = f.payload ?? NO_BYTES;
  const b = new Uint8Array(8 + payload.length);
  b[0] = f.type;
  b[1] = f.code ?? 0;
  put32(b, 4, f.rest ?? 0);
  b.set(payload, 8);
  return b;
}

/** `id` and `seq` of an echo as the second word of the header. */
export const echoRest = (id: number, seq: number): number => ((id << 16) | (seq & 0xffff)) >>> 0;

export interface SctpFields {
  readonly sport: number;
  readonly dport: number;
  readonly vtag?: number;
  /** Chunks, each padded to whole words. */
  readonly chunks?: Uint8Array;
}

export function buildSctp(f: SctpFields): Uint8Array {
  const chunks = f.chunks ?? NO_BYTES;
  const b = new Uint8Array(12 + chunks.length);
  put16(b, 0, f.sport);
  put16(b, 2, f.dport);
  put32(b, 4, f.vtag ?? 0);
  b.set(chunks, 12);
  const crc = crc32c(b, 0, b.length);
  for (let i = 0; i < 4; i++) b[8 + i] = crc >>> (8 * i);
  return b;
}

/** One's complement checksum of a transport packet whose checksum field is still zero, pseudo header included. */
function transportChecksum(b: Uint8Array, src: Addr, dst: Addr, proto: number): number {
  const width = typeof src === 'number' ? 4 : 16;
  const s = new Uint8Array(width);
  const d = new Uint8Array(width);
  writeAddr(s, 0, src);
  writeAddr(d, 0, dst);
  return foldChecksum(sum16(b, 0, b.length, pseudoSum(s, d, proto, b.length)));
}

function put16(b: Uint8Array, at: number, v: number): void {
  b[at] = v >>> 8;
  b[at + 1] = v;
}

function put32(b: Uint8Array, at: number, v: number): void {
  b[at] = v >>> 24;
  b[at + 1] = v >>> 16;
  b[at + 2] = v >>> 8;
  b[at + 3] = v;
}
