/** Addresses: `1.2.3.4`, in `add` and `del` of IPv4 sets also `1.2.3.4-1.2.3.9` and `1.2.3.0/24` (every address of it is a member). */
import { type Addr, addrBits, networkOf, parseIp4, parseIp6 } from '../../../base/addr.js';
import type { Skb } from '../../../packet/skb.js';
import { IpsetError } from '../types.js';
import { badCidr, type SetFamily } from './value.js';

/** Inclusive. */
export interface AddrRange {
  readonly lo: Addr;
  readonly hi: Addr;
  /** Written as a range or network: more than one member may be meant. */
  readonly many: boolean;
}

/** One address of the set's family. Host names are not resolved: the answer would be another machine's. */
function parseOneAddr(text: string, family: SetFamily): Addr {
  const a = family === 'ipv6' ? parseIp6(text) : (parseIp4(text) ?? inetAton(text));
  if (a !== null) return a;
  throw new IpsetError(
    'ipset-address',
    `Syntax error: cannot parse ${text}: resolving to ${family === 'ipv6' ? 'IPv6' : 'IPv4'} address failed`,
    text,
    'host names are not resolved',
  );
}

/** inet_aton(3)'s short, octal and hexadecimal forms, which getaddrinfo(3) lets through. */
function inetAton(text: string): number | null {
  const parts = text.split('.');
  if (parts.length > 4) return null;
  const n: number[] = [];
  for (const p of parts) {
    if (!/^(0[xX][0-9a-fA-F]+|[0-9]+)$/.test(p)) return null;
    if (/^0[0-9]/.test(p) && !/^0[0-7]+$/.test(p)) return null;
    n.push(/^0[0-7]/.test(p) ? Number.parseInt(p, 8) : Number(p));
  }
  const last = n.pop() as number;
  if (n.some((v) => v > 255) || last >= 2 ** (8 * (4 - n.length))) return null;
  return (n.reduce((v, p, i) => v + p * 2 ** (24 - 8 * i), 0) + last) >>> 0;
}

/** `ADDR/len`: the length, or null when there is none. */
export function splitCidr(text: string, family: SetFamily): { readonly addr: Addr; readonly len: number | null } {
  const slash = text.indexOf('/');
  if (slash < 0) return { addr: parseOneAddr(text, family), len: null };
  const max = family === 'ipv6' ? 128 : 32;
  const word = text.slice(slash + 1);
  const len = /^[0-9]+$/.test(word) ? Number(word) : -1;
  if (len < 0) throw new IpsetError('ipset-number', `Syntax error: '${word}' is invalid as number`, word);
  if (len > max) throw new IpsetError('ipset-range', `Syntax error: '${word}' is out of range 0-${max}`, word);
  return { addr: parseOneAddr(text.slice(0, slash), family), len };
}

/** `lo-hi` of an IPv4 set; null when there is no dash. Ends may be given in either order. */
export function splitRange(text: string): { readonly lo: number; readonly hi: number } | null {
  const dash = text.indexOf('-');
  if (dash < 0) return null;
  const a = parseOneAddr(text.slice(0, dash), 'ipv4') as number;
  const b = parseOneAddr(text.slice(dash + 1), 'ipv4') as number;
  return a <= b ? { lo: a, hi: b } : { lo: b, hi: a };
}

/** Neither range nor network; the length of a host may be written. */
export function parsePlainAddr(text: string, family: SetFamily): Addr {
  const host = family === 'ipv6' ? '/128' : '/32';
  const bare = text.endsWith(host) ? text.slice(0, -host.length) : text;
  if (/[-/]/.test(bare)) throw new IpsetError('ipset-plain-address', `Syntax error: plain IP address must be supplied: ${text}`, text);
  return parseOneAddr(bare, family);
}

export function parseIpPart(text: string, family: SetFamily): AddrRange {
  if (family === 'ipv6') {
    const a = parsePlainAddr(text, family);
    return { lo: a, hi: a, many: false };
  }
  const range = splitRange(text);
  if (range) return { ...range, many: true };
  const { addr, len } = splitCidr(text, family);
  if (len === null || len === 32) return { lo: addr, hi: addr, many: false };
  if (len === 0) throw badCidr();
  const lo = networkOf(addr, len) as number;
  return { lo, hi: lo + 2 ** (32 - len) - 1, many: true };
}

/** ip4addrptr(), ip6addrptr(). */
export const addrOfPacket = (skb: Skb, src: boolean): Addr => (src ? skb.saddr : skb.daddr);

export const hostBits = (family: SetFamily): number => addrBits(family === 'ipv6' ? 'ipv6' : 'ipv4');
