/** The Internet checksum (RFC 1071, RFC 1624) and SCTP's CRC32c. */
import { IPPROTO } from './skb.js';

/** One's complement sum of 16-bit words, not yet folded or inverted. */
export function sum16(b: Uint8Array, from: number, to: number, start = 0): number {
  let s = start;
  let i = from;
  for (; i + 1 < to; i += 2) s += (b[i] << 8) | b[i + 1];
  if (i < to) s += b[i] << 8;
  return s;
}

/** `s` is below 2^32: a sum over at most 64 kB. */
export function foldChecksum(s: number): number {
  let v = s;
  while (v > 0xffff) v = (v & 0xffff) + (v >>> 16);
  return ~v & 0xffff;
}

/** New checksum after `before` became `after` (same even length), as csum_replace* do. */
export function checksumReplace(sum: number, before: Uint8Array, after: Uint8Array): number {
  let s = ~sum & 0xffff;
  for (let i = 0; i < before.length; i += 2) s += (~((before[i] << 8) | before[i + 1]) & 0xffff) + ((after[i] << 8) | after[i + 1]);
  return foldChecksum(s);
}

/** checksumReplace() for one 16-bit word. */
export const replaceWord = (sum: number, before: number, after: number): number => foldChecksum((~sum & 0xffff) + (~before & 0xffff) + after);

/** checksumReplace() for 32 bits. */
export const replaceWords = (sum: number, before: number, after: number): number =>
  foldChecksum((~sum & 0xffff) + (~(before >>> 16) & 0xffff) + (after >>> 16) + (~before & 0xffff) + (after & 0xffff));

/** Where the 16-bit Internet checksum stands in a transport header that has one; -1 otherwise. */
export function transportChecksumOffset(proto: number): number {
  switch (proto) {
    case IPPROTO.TCP:
      return 16;
    case IPPROTO.UDP:
    case IPPROTO.UDPLITE:
      return 6;
    case IPPROTO.ICMP:
    case IPPROTO.ICMPV6:
      return 2;
    case IPPROTO.DCCP:
      return 6;
    default:
      return -1;
  }
}

/** Sum of the pseudo header; `addrs` are the source and destination bytes. */
export function pseudoSum(src: Uint8Array, dst: Uint8Array, proto: number, length: number): number {
  return sum16(dst, 0, dst.length, sum16(src, 0, src.length, proto + (length & 0xffff) + (length >>> 16)));
}

let crcTable: Uint32Array | null = null;
/** CRC32c of SCTP (RFC 4960 appendix B), as it stands in the header read little-endian. */
export function crc32c(b: Uint8Array, from: number, to: number): number {
  if (!crcTable) {
    crcTable = new Uint32Array(256);
    for (let n = 0; n < 256; n++) {
      let c = n;
      for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
      crcTable[n] = c >>> 0;
    }
  }
  let crc = 0xffffffff;
  for (let i = from; i < to; i++) crc = (crc >>> 8) ^ crcTable[(crc ^ b[i]) & 255];
  return ~crc >>> 0;
}
