/** Rewriting packets: nf_nat_proto.c. Works on bytes at an offset, since ICMP errors carry a second packet inside. */
import { type Addr, type Family, writeAddr } from '../../base/addr.js';
import { checksumReplace, crc32c, foldChecksum, pseudoSum, replaceWord, replaceWords, sum16 } from '../../packet/checksum.js';
import { findTransport } from '../../packet/ip6.js';
import { IPPROTO } from '../../packet/skb.js';
import type { Tuple } from '../../packet/types.js';
import type { Manip } from '../env.js';

const u16 = (d: Uint8Array, at: number): number => (d[at] << 8) | d[at + 1];
const put16 = (d: Uint8Array, at: number, v: number): void => {
  d[at] = v >>> 8;
  d[at + 1] = v;
};
const bytesOf = (a: Addr): Uint8Array => {
  const b = new Uint8Array(typeof a === 'number' ? 4 : 16);
  writeAddr(b, 0, a);
  return b;
};
const u32 = (d: Uint8Array, at: number): number => ((d[at] << 24) | (d[at + 1] << 16) | (d[at + 2] << 8) | d[at + 3]) >>> 0;

/** One packet inside a buffer, and what it is to look like. */
interface Job {
  readonly d: Uint8Array;
  /** Offset of the IP header and of the transport header. */
  readonly ip: number;
  readonly l4: number;
  readonly target: Tuple;
  readonly manip: Manip;
}

const addrAt = (j: Job): number => j.ip + (j.target.family === 'ipv4' ? (j.manip === 'SNAT' ? 12 : 16) : j.manip === 'SNAT' ? 8 : 24);
const wantedAddr = (j: Job): Addr => (j.manip === 'SNAT' ? j.target.src : j.target.dst);

/** nf_csum_update(): the pseudo header's address changes (the IP header is still the old one). */
function checksumForAddress(j: Job, sum: number): number {
  const at = addrAt(j);
  const wanted = wantedAddr(j);
  if (typeof wanted === 'number') return replaceWords(sum, u32(j.d, at), wanted);
  const after = bytesOf(wanted);
  return checksumReplace(sum, j.d.subarray(at, at + after.length), after);
}

const portAt = (j: Job): number => j.l4 + (j.manip === 'SNAT' ? 0 : 2);
const wantedPort = (j: Job): number => (j.manip === 'SNAT' ? j.target.sport : j.target.dport);

/** Writes address and port into a checksum (the IP header is still the old one) and the port into its place. */
function writePort(j: Job, sum: number): number {
  const at = portAt(j);
  const port = wantedPort(j);
  const after = replaceWord(checksumForAddress(j, sum), u16(j.d, at), port);
  put16(j.d, at, port);
  return after;
}

/** TCP and its like: 8 bytes suffice (a quoted header), the checksum is carried along where it is there. */
function manipPorts(j: Job, checksumOffset: number, headerLength: number): boolean {
  const room = j.d.length - j.l4;
  if (room < 8) return false;
  if (room < headerLength) {
    put16(j.d, portAt(j), wantedPort(j));
    return true;
  }
  const at = j.l4 + checksumOffset;
  put16(j.d, at, writePort(j, u16(j.d, at)));
  return true;
}

/** UDP: a zero checksum stays zero, a computed zero is written as 0xffff. UDP-Lite always has one. */
function manipUdp(j: Job, always: boolean): boolean {
  if (j.d.length - j.l4 < 8) return false;
  const at = j.l4 + 6;
  const before = u16(j.d, at);
  const after = writePort(j, before);
  if (before !== 0 || always) put16(j.d, at, after || 0xffff);
  return true;
}

function manipSctp(j: Job): boolean {
  const room = j.d.length - j.l4;
  if (room < 8) return false;
  put16(j.d, portAt(j), wantedPort(j));
  if (room < 12) return true;
  const at = j.l4 + 8;
  j.d.fill(0, at, at + 4);
  const crc = crc32c(j.d, j.l4, j.d.length);
  for (let i = 0; i < 4; i++) j.d[at + i] = crc >>> (8 * i);
  return true;
}

/** ICMP queries and answers carry an id; errors are left alone. */
function manipIcmp(j: Job): boolean {
  if (j.d.length - j.l4 < 8) return false;
  const type = j.d[j.l4];
  if (type !== 0 && type !== 8 && (type < 13 || type > 18)) return true;
  const old = u16(j.d, j.l4 + 4);
  put16(j.d, j.l4 + 4, j.target.sport);
  put16(j.d, j.l4 + 2, replaceWord(u16(j.d, j.l4 + 2), old, j.target.sport));
  return true;
}

function manipIcmpv6(j: Job): boolean {
  if (j.d.length - j.l4 < 8) return false;
  let sum = checksumForAddress(j, u16(j.d, j.l4 + 2));
  const type = j.d[j.l4];
  if (type === 128 || type === 129) {
    sum = replaceWord(sum, u16(j.d, j.l4 + 4), j.target.sport);
    put16(j.d, j.l4 + 4, j.target.sport);
  }
  put16(j.d, j.l4 + 2, sum);
  return true;
}

/** Only enhanced GRE (PPTP) has something to rewrite: the call id of the receiver. */
function manipGre(j: Job): boolean {
  if (j.d.length - j.l4 < 8) return false;
  if (j.manip !== 'DNAT') return true;
  const version = j.d[j.l4 + 1] & 7;
  if (version === 1) put16(j.d, j.l4 + 6, j.target.dport);
  return version <= 1;
}

function manipTransport(j: Job): boolean {
  switch (j.target.proto) {
    case IPPROTO.TCP:
      return manipPorts(j, 16, 20);
    case IPPROTO.UDP:
      return manipUdp(j, false);
    case IPPROTO.UDPLITE:
      return manipUdp(j, true);
    case IPPROTO.SCTP:
      return manipSctp(j);
    case IPPROTO.ICMP:
      return manipIcmp(j);
    case IPPROTO.ICMPV6:
      return manipIcmpv6(j);
    case IPPROTO.GRE:
      return manipGre(j);
    default:
      return true;
  }
}

/**
 * nf_nat_ipv4_manip_pkt(), nf_nat_ipv6_manip_pkt(): gives the packet at `ip` the source (SNAT) or destination (DNAT) half of `target`,
 * checksums carried along. False when it is too short (the packet is then dropped).
 */
export function manipPacket(d: Uint8Array, ip: number, target: Tuple, manip: Manip): boolean {
  if (target.family === 'ipv4') {
    if (d.length < ip + 20) return false;
    const j: Job = { d, ip, l4: ip + (d[ip] & 15) * 4, target, manip };
    if (!manipTransport(j)) return false;
    const at = addrAt(j);
    put16(d, ip + 10, replaceWords(u16(d, ip + 10), u32(d, at), wantedAddr(j) as number));
    writeAddr(d, at, wantedAddr(j));
    return true;
  }
  if (d.length < ip + 40) return false;
  const t = findTransport(ip === 0 ? d : d.subarray(ip));
  const j: Job = { d, ip, l4: ip + t.offset, target, manip };
  if (t.offset >= 0 && t.fragOffset === 0 && !manipTransport(j)) return false;
  writeAddr(d, addrAt(j), wantedAddr(j));
  return true;
}

/** Recomputes the checksum of the ICMP or ICMPv6 message at `l4`, which runs to the end of the packet. */
export function refreshIcmpChecksum(d: Uint8Array, family: Family, l4: number): void {
  put16(d, l4 + 2, 0);
  const start = family === 'ipv4' ? 0 : pseudoSum(d.subarray(8, 24), d.subarray(24, 40), IPPROTO.ICMPV6, d.length - l4);
  put16(d, l4 + 2, foldChecksum(sum16(d, l4, d.length, start)));
}
