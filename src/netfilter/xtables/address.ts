/** Addresses, masks and interfaces as `-s -d -i -o` take them (libxtables: xtables_ipparse_multiple, xtables_parse_interface). */
import { type Addr, addrBits, andAddr, anyAddr, type Family, formatAddr, ip4At, maskToPrefix, parseIp4, parseIp6, prefixMask } from '../../base/addr.js';
import { OptionError } from './extension.js';
import type { AddrMatch, IfaceMatch } from './model.js';
import { parseUint } from './numbers.js';

/**
 * Dotted address in numbers of any base; fewer than four parts are filled with zeros from the right, in a mask they are refused
 * (xtables_numeric_to_ipaddr, xtables_numeric_to_ipmask).
 */
function parseLooseIp4(text: string, isMask: boolean): number | null {
  const strict = parseIp4(text);
  if (strict !== null) return strict;
  const parts = text.split('.');
  if (parts.length > 4 || (isMask && parts.length < 4)) return null;
  let v = 0;
  for (let i = 0; i < 4; i++) {
    const n = i < parts.length ? parseUint(parts[i], 0, 255) : 0;
    if (n === null) return null;
    v = v * 256 + n;
  }
  return v;
}

export const parseFamilyAddr = (text: string, family: Family): Addr | null => (family === 'ipv4' ? parseLooseIp4(text, false) : parseIp6(text));

/** An IPv4 address as inet_aton(3) and getaddrinfo(3) read it: one to four parts, decimal, octal or hex; null otherwise. */
function parseAtonIp4(text: string): number | null {
  const strict = parseIp4(text);
  if (strict !== null) return strict;
  const parts = text.split('.');
  if (parts.length > 4) return null;
  let v = 0;
  for (let i = 0; i < parts.length; i++) {
    if (!/^(0[xX][0-9a-fA-F]+|[0-9]+)$/.test(parts[i])) return null;
    const last = i === parts.length - 1;
    const n = parseUint(parts[i], 0, last ? 256 ** (4 - i) - 1 : 255);
    if (n === null) return null;
    v += last ? n : n * 256 ** (3 - i);
  }
  return v;
}

/** A host option of an extension (XTTYPE_HOST). */
export const parseHost = (text: string, family: Family): Addr | null => (family === 'ipv4' ? parseAtonIp4(text) : parseIp6(text));

export function parseMask(text: string, family: Family): Addr {
  const whole = family === 'ipv4' ? parseLooseIp4(text, true) : parseIp6(text);
  if (whole !== null) return whole;
  const len = parseUint(text, 0, addrBits(family));
  if (len === null)
    throw new OptionError(`invalid mask \`${text}' specified`, undefined, `a prefix length 0..${addrBits(family)}, or a mask in the form of an address`);
  return prefixMask(family, len);
}

/** One `ADDRESS[/MASK]`. Host names are refused: there is no resolver here. */
function parseHostMask(text: string, family: Family): { addr: Addr; mask: Addr } {
  const slash = text.indexOf('/');
  const mask = slash < 0 ? prefixMask(family, addrBits(family)) : parseMask(text.slice(slash + 1), family);
  if (mask === anyAddr(family)) return { addr: mask, mask };
  const host = slash < 0 ? text : text.slice(0, slash);
  const addr = parseFamilyAddr(host, family);
  if (addr === null) {
    const other = parseFamilyAddr(host, family === 'ipv4' ? 'ipv6' : 'ipv4') !== null;
    const hint = other ? `that is an ${family === 'ipv4' ? 'IPv6' : 'IPv4'} address` : 'names are not resolved here: write the address';
    throw new OptionError(`host/network \`${host}' not found`, undefined, hint);
  }
  return { addr: andAddr(addr, mask), mask };
}

/** `-s a,b/24`: as many rules. */
export const parseHostList = (text: string, family: Family, invert: boolean): readonly (AddrMatch | null)[] =>
  text.includes(',') ? text.split(',').map((part) => addrMatch(part.replace(/^\s+/, ''), family, invert)) : [addrMatch(text, family, invert)];

function addrMatch(text: string, family: Family, invert: boolean): AddrMatch | null {
  const { addr, mask } = parseHostMask(text, family);
  return mask === anyAddr(family) && !invert ? null : { addr, mask, invert };
}

/** null: any. */
export function parseIface(name: string, invert: boolean): IfaceMatch | null {
  if (name === '') throw new OptionError('Empty interface is likely to be undesired');
  if (name.length > 15) throw new OptionError(`interface name \`${name}' must be shorter than IFNAMSIZ (15)`);
  return name === '+' && !invert ? null : { name, invert };
}

const SLASH = 47;
const QUOTE = 34;
const PLUS = 43;

/**
 * Is from..end of a text an address in its usual spelling, with or without a prefix length other than 0? Then parseHostList() makes one condition of it.
 * False: that one tells. Big dumps hold little else.
 */
export function isPlainHost(text: string, from: number, end: number, family: Family): boolean {
  let to = end - 1;
  while (to > end - 5 && to > from && text.charCodeAt(to) !== SLASH) to--;
  if (to <= from || text.charCodeAt(to) !== SLASH) to = end;
  else if (!isPlainLength(text, to + 1, end, addrBits(family))) return false;
  return family === 'ipv4' ? ip4At(text, from, to) >= 0 : parseIp6(text.slice(from, to)) !== null;
}

/** Digits of a number from 1 to `bits`, no zero in front. */
function isPlainLength(text: string, from: number, end: number, bits: number): boolean {
  let len = 0;
  for (let i = from; i < end; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (!(digit >= 0 && digit <= 9) || (digit === 0 && i === from)) return false;
    len = len * 10 + digit;
  }
  return len >= 1 && len <= bits;
}

/** Is from..end of a text the name of a device, or of some (`veth+`), as parseIface() takes it? False: that one tells. */
export const isPlainIface = (text: string, from: number, end: number): boolean => {
  const c = text.charCodeAt(from);
  return end > from && end - from <= 15 && c !== QUOTE && c !== PLUS;
};

/** As save prints it: `/24`, or `/255.0.255.0` where the mask has holes. */
export function formatAddrMatch(m: AddrMatch): string {
  const len = maskToPrefix(m.mask);
  return `${formatAddr(m.addr)}/${len >= 0 ? len : formatAddr(m.mask)}`;
}
