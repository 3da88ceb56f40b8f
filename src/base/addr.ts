/**
 * Addresses as the engine computes with them.
 *
 * An IPv4 address is one uint32. An IPv6 address is a string of eight UTF-16 code units, one per 16-bit group. Both compare with `===`,
 * order with `<` as the kernel orders them in network byte order, and serve as Map keys, so that one predicate language covers both families.
 * Text is met at the door only: `parseAddr` and `formatAddr`. A MAC address is a 48-bit integer.
 */
import { numberOfIPv6 } from './ip-num.js';

export type Ip4 = number;
export type Ip6 = string;
export type Addr = Ip4 | Ip6;
export type Mac = number;
export type Family = 'ipv4' | 'ipv6';

/** IPv4 addresses are numbers, IPv6 addresses strings. */
export const familyOf = (a: Addr): Family => (typeof a === 'number' ? 'ipv4' : 'ipv6');
/** Length of an address in bits. */
export const addrBits = (family: Family): 32 | 128 => (family === 'ipv4' ? 32 : 128);
export const ANY4: Ip4 = 0;
export const ANY6: Ip6 = '\0\0\0\0\0\0\0\0';
export const anyAddr = (family: Family): Addr => (family === 'ipv4' ? ANY4 : ANY6);

/** Dotted quad as inet_pton(3) takes it (no leading zeros, exactly four parts); null otherwise. */
export function parseIp4(text: string): Ip4 | null {
  const value = ip4At(text, 0, text.length);
  return value < 0 ? null : value;
}

/** The same for from..end of a text; -1 where it is none. On the path of 100,000-rule loads, hence by hand. */
export function ip4At(text: string, from: number, end: number): number {
  if (end - from < 7 || end - from > 15) return -1;
  let value = 0;
  let part = -1;
  let dots = 0;
  for (let i = from; i < end; i++) {
    const c = text.charCodeAt(i);
    if (c === 46) {
      if (part < 0 || ++dots > 3) return -1;
      value = value * 256 + part;
      part = -1;
    } else if (c >= 48 && c <= 57) {
      if (part === 0) return -1;
      part = part < 0 ? c - 48 : part * 10 + c - 48;
      if (part > 255) return -1;
    } else return -1;
  }
  return dots === 3 && part >= 0 ? value * 256 + part : -1;
}

/** IPv6 text in any legal spelling (RFC 4291, embedded IPv4 included); null otherwise. No zone index. */
export function parseIp6(text: string): Ip6 | null {
  if (text.length < 2 || text.length > 45 || !text.includes(':')) return null;
  const plain = plainIp6(text);
  if (plain !== null) return plain;
  let t = text;
  const v4at = t.lastIndexOf(':') + 1;
  if (t.includes('.')) {
    const v4 = parseIp4(t.slice(v4at));
    if (v4 === null) return null;
    t = `${t.slice(0, v4at)}${(v4 >>> 16).toString(16)}:${(v4 & 0xffff).toString(16)}`;
  }
  let v = /^[0-9a-fA-F:]+$/.test(t) ? numberOfIPv6(t) : null;
  if (v === null) return null;
  const units = new Array<number>(8);
  for (let i = 7; i >= 0; i--) {
    units[i] = Number(v & 0xffffn);
    v >>= 16n;
  }
  return String.fromCharCode(...units);
}

/** As inet_ntop(3) writes most addresses: groups of one to four digits, at most one `::`; null: look closer. On the path of large loads, hence by hand. */
function plainIp6(text: string): Ip6 | null {
  const gap = text.indexOf('::');
  const head = hexGroups(text, 0, gap < 0 ? text.length : gap);
  const tail = gap < 0 ? '' : hexGroups(text, gap + 2, text.length);
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  return (gap < 0 ? missing === 0 : missing > 0) ? head + ANY6.slice(0, missing) + tail : null;
}

/** One code unit a group; '' for no text. */
function hexGroups(text: string, from: number, to: number): string | null {
  let out = '';
  let value = 0;
  let digits = 0;
  for (let i = from; i < to; i++) {
    const c = text.charCodeAt(i);
    if (c === 58) {
      if (digits === 0) return null;
      out += String.fromCharCode(value);
      value = digits = 0;
      continue;
    }
    const digit = c >= 48 && c <= 57 ? c - 48 : (c | 32) >= 97 && (c | 32) <= 102 ? (c | 32) - 87 : -1;
    if (digit < 0 || ++digits > 4) return null;
    value = value * 16 + digit;
  }
  if (digits === 0) return from === to ? '' : null;
  return out + String.fromCharCode(value);
}

/** An address of either family as inet_pton(3) reads it; null where it is none. */
export function parseAddr(text: string): Addr | null {
  return text.includes(':') ? parseIp6(text) : parseIp4(text);
}

export function formatIp4(a: Ip4): string {
  return `${a >>> 24}.${(a >>> 16) & 255}.${(a >>> 8) & 255}.${a & 255}`;
}

/** As inet_ntop(3) prints it: lower case, longest run of zero groups (two or more, the first of equals) shortened, IPv4-mapped and -compatible dotted. */
export function formatIp6(a: Ip6): string {
  let best = -1;
  let bestLen = 1;
  for (let i = 0; i < 8; ) {
    if (a.charCodeAt(i) !== 0) {
      i++;
      continue;
    }
    let j = i;
    while (j < 8 && a.charCodeAt(j) === 0) j++;
    if (j - i > bestLen) {
      best = i;
      bestLen = j - i;
    }
    i = j;
  }
  const dotted = best === 0 && (bestLen === 6 || (bestLen === 5 && a.charCodeAt(5) === 0xffff));
  let out = '';
  const groups = dotted ? 6 : 8;
  for (let i = 0; i < groups; i++) {
    if (best >= 0 && i >= best && i < best + bestLen) {
      if (i === best) out += ':';
      continue;
    }
    if (i > 0) out += ':';
    out += a.charCodeAt(i).toString(16);
  }
  if (dotted) return `${out}:${formatIp4(((a.charCodeAt(6) << 16) | a.charCodeAt(7)) >>> 0)}`;
  if (best >= 0 && best + bestLen === 8) out += ':';
  return out;
}

/** As inet_ntop(3) writes it. */
export function formatAddr(a: Addr): string {
  return typeof a === 'number' ? formatIp4(a) : formatIp6(a);
}

/** Netmask of a prefix length, as an address of that family. */
export function prefixMask(family: Family, len: number): Addr {
  if (family === 'ipv4') return len === 0 ? 0 : (0xffffffff << (32 - len)) >>> 0;
  let s = '';
  for (let i = 0; i < 8; i++) {
    const bits = Math.min(16, Math.max(0, len - 16 * i));
    s += String.fromCharCode(bits === 0 ? 0 : (0xffff << (16 - bits)) & 0xffff);
  }
  return s;
}

/** Prefix length of a contiguous mask, or -1. */
export function maskToPrefix(mask: Addr): number {
  const family = familyOf(mask);
  for (let len = addrBits(family); len >= 0; len--) if (prefixMask(family, len) === mask) return len;
  return -1;
}

/** Bitwise and; both of one family. */
export function andAddr(a: Addr, mask: Addr): Addr {
  if (typeof a === 'number') return (a & (mask as number)) >>> 0;
  let s = '';
  for (let i = 0; i < 8; i++) s += String.fromCharCode(a.charCodeAt(i) & (mask as string).charCodeAt(i));
  return s;
}

export function orAddr(a: Addr, b: Addr): Addr {
  if (typeof a === 'number') return (a | (b as number)) >>> 0;
  let s = '';
  for (let i = 0; i < 8; i++) s += String.fromCharCode(a.charCodeAt(i) | (b as string).charCodeAt(i));
  return s;
}

export function notAddr(a: Addr): Addr {
  if (typeof a === 'number') return ~a >>> 0;
  let s = '';
  for (let i = 0; i < 8; i++) s += String.fromCharCode(~a.charCodeAt(i) & 0xffff);
  return s;
}

/** a + n within its width, wrapping. */
export function addToAddr(a: Addr, n: number): Addr {
  if (typeof a === 'number') return (a + n) >>> 0;
  const u = new Array<number>(8);
  let carry = n;
  for (let i = 7; i >= 0; i--) {
    const v = a.charCodeAt(i) + carry;
    u[i] = ((v % 65536) + 65536) % 65536;
    carry = Math.floor(v / 65536);
  }
  return String.fromCharCode(...u);
}

/** Network part of an address. */
export const networkOf = (a: Addr, len: number): Addr => andAddr(a, prefixMask(familyOf(a), len));

/** Is `a` in net/len? False across families. */
export function inPrefix(a: Addr, net: Addr, len: number): boolean {
  if (typeof a === 'number') return typeof net === 'number' && (len === 0 || (a ^ net) >>> (32 - len) === 0);
  if (typeof net === 'number') return false;
  const whole = len >> 4;
  for (let i = 0; i < whole; i++) if (a.charCodeAt(i) !== net.charCodeAt(i)) return false;
  const rest = len & 15;
  return rest === 0 || (a.charCodeAt(whole) ^ net.charCodeAt(whole)) >>> (16 - rest) === 0;
}

/** Bytes at `at` of a buffer as an address. */
export function readAddr(b: Uint8Array, at: number, family: Family): Addr {
  if (family === 'ipv4') return ((b[at] << 24) | (b[at + 1] << 16) | (b[at + 2] << 8) | b[at + 3]) >>> 0;
  return String.fromCharCode(
    (b[at] << 8) | b[at + 1],
    (b[at + 2] << 8) | b[at + 3],
    (b[at + 4] << 8) | b[at + 5],
    (b[at + 6] << 8) | b[at + 7],
    (b[at + 8] << 8) | b[at + 9],
    (b[at + 10] << 8) | b[at + 11],
    (b[at + 12] << 8) | b[at + 13],
    (b[at + 14] << 8) | b[at + 15],
  );
}

export function writeAddr(b: Uint8Array, at: number, a: Addr): void {
  if (typeof a === 'number') {
    b[at] = a >>> 24;
    b[at + 1] = a >>> 16;
    b[at + 2] = a >>> 8;
    b[at + 3] = a;
    return;
  }
  for (let i = 0; i < 8; i++) {
    const u = a.charCodeAt(i);
    b[at + 2 * i] = u >>> 8;
    b[at + 2 * i + 1] = u;
  }
}

/** `02:00:00:00:00:10`, also one-digit parts as iptables prints and takes them; null otherwise. */
export function parseMac(text: string): Mac | null {
  const parts = text.split(':');
  if (parts.length !== 6) return null;
  let v = 0;
  for (const p of parts) {
    if (!/^[0-9a-fA-F]{1,2}$/.test(p)) return null;
    v = v * 256 + Number.parseInt(p, 16);
  }
  return v;
}

/** Six hexadecimal bytes, lower case, with colons. */
export function formatMac(m: Mac): string {
  const high = Math.floor(m / 2 ** 32);
  const low = m >>> 0;
  return `${HEX[high >>> 8]}:${HEX[high & 255]}:${HEX[low >>> 24]}:${HEX[(low >>> 16) & 255]}:${HEX[(low >>> 8) & 255]}:${HEX[low & 255]}`;
}
const HEX: readonly string[] = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));

export const MAC_BROADCAST: Mac = 0xffffffffffff;
/** Group bit of the first octet: multicast and broadcast. */
export const isMulticastMac = (m: Mac): boolean => Math.floor(m / 2 ** 40) % 2 === 1;

/** 224.0.0.0/4 */
export const isMulticast4 = (a: Ip4): boolean => a >>> 28 === 0xe;
/** ff00::/8 */
export const isMulticast6 = (a: Ip6): boolean => a.charCodeAt(0) >>> 8 === 0xff;

const MAPPED = '\0\0\0\0\0\uffff';
/** ::ffff:0:0/96: IPv4-mapped (ipv6_addr_v4mapped()). */
export const isMapped6 = (a: Ip6): boolean => a.startsWith(MAPPED);
/** The IPv4 address inside an IPv4-mapped one; null: it is none. */
export const mappedIp4 = (a: Addr): Ip4 | null => (typeof a === 'string' && isMapped6(a) ? ((a.charCodeAt(6) << 16) | a.charCodeAt(7)) >>> 0 : null);
/** IPv4 as a socket of both families shows it (getsockname(2)). */
export const mapped = (a: Ip4): Ip6 => `${MAPPED}${String.fromCharCode(a >>> 16, a & 0xffff)}`;
