/**
 * The value types of iptables' option tables (XTTYPE_* of libxtables, xtables_strtoul, xtables_save_string, …): text to value with the tool's own
 * words when it is wrong, value to text as the save tools print it. `ext` is the extension's name, `option` the option's without dashes.
 */
import { type Addr, addrBits, anyAddr, type Family, formatAddr, maskToPrefix, notAddr, prefixMask } from '../../base/addr.js';
import { protocolNumber, servicePort } from '../../base/well-known.js';
import { parseHost } from './address.js';
import { type Given, OptionError } from './extension.js';
import { hex, parseUint, scanUint, U8, U16, U32, U64 } from './numbers.js';

/** XTTYPE_UINT8/16/32. */
export function uint(ext: string, g: Given, lo = 0, hi = U32): number {
  const v = parseUint(g.value, lo, hi);
  if (v === null) throw new OptionError(`${ext}: bad value for option "--${g.name}", or out of range (${lo}-${hi}).`, g.name);
  return v;
}

/** XTTYPE_UINT64. */
export function uint64(ext: string, g: Given, lo = 0n): bigint {
  const s = scanUint(g.value);
  if (s?.rest !== '' || s.value < lo || s.value > U64)
    throw new OptionError(`${ext}: bad value for option "--${g.name}", or out of range (${lo}-${U64}).`, g.name);
  return s.value;
}

/** XTTYPE_UINT*RC: `lo[:hi]`, at most `count` components; a missing first one is 0, a missing second one the largest. Numbers as they stand, 1 to `count` of them. */
export function uintRange(ext: string, g: Given, hi: bigint, count = 2): readonly bigint[] {
  const out: bigint[] = [];
  let rest = g.value;
  for (;;) {
    if (out.length === count) throw new OptionError(`${ext}: Too many components for option "--${g.name}" (max: ${count})`, g.name);
    if (rest === '' || rest[0] === ':') out.push(out.length === 1 ? hi : 0n);
    else {
      const s = scanUint(rest);
      if (!s || s.value > hi) throw new OptionError(`${ext}: bad value for option "--${g.name}" near "${rest}", or out of range (0-${hi}).`, g.name);
      if (s.rest !== '' && s.rest[0] !== ':') throw new OptionError(`${ext}: Argument to "--${g.name}" has unexpected characters near "${s.rest}".`, g.name);
      out.push(s.value);
      rest = s.rest;
    }
    if (rest === '') return out;
    rest = rest.slice(1);
  }
}

/** uintRange of at most 32 bits as a pair; one number stands for both ends. Reversed ranges are refused. */
export function uintPair(ext: string, g: Given, hi: number): readonly [number, number] {
  const [a, b = a] = uintRange(ext, g, BigInt(hi));
  if (a > b) throw new OptionError(`${ext}: range "${g.value}" of option "--${g.name}" is the wrong way round`, g.name);
  return [Number(a), Number(b)];
}

export interface ValueMask {
  readonly value: number;
  readonly mask: number;
}

/** XTTYPE_MARKMASK32: `mark[/mask]`; a mask left out is all ones. */
export function markMask(ext: string, g: Given): ValueMask {
  const slash = g.value.indexOf('/');
  const number = (text: string): number => {
    const s = scanUint(text);
    if (!s || s.value > BigInt(U32))
      throw new OptionError(`${ext}: bad integer value for option "--${g.name}", or out of range.`, g.name, 'a value of 32 bits, or value/mask');
    if (s.rest !== '') throw new OptionError(`${ext}: trailing garbage after value for option "--${g.name}".`, g.name);
    return Number(s.value);
  };
  return slash < 0 ? { value: number(g.value), mask: U32 } : { value: number(g.value.slice(0, slash)), mask: number(g.value.slice(slash + 1)) };
}

/** `0x10` or `0x10/0xff`, the mask left out where it is all ones. */
export const showMark = (value: number, mask: number): string => (mask === U32 ? hex(value) : `${hex(value)}/${hex(mask)}`);

const TOS: readonly (readonly [string, number])[] = [
  ['minimize-delay', 0x10],
  ['maximize-throughput', 0x08],
  ['maximize-reliability', 0x04],
  ['minimize-cost', 0x02],
  ['normal-service', 0x00],
];
/** XTTYPE_TOSMASK: `value[/mask]` or a name, which gets `nameMask`. */
export function tosMask(g: Given, nameMask: number): ValueMask {
  if (parseUint(g.value.split('/', 1)[0], 0, U8) !== null || /^\s*[0-9]/.test(g.value)) {
    const [v, m, ...more] = g.value.split('/');
    const value = parseUint(v, 0, U8);
    const mask = m === undefined ? U8 : parseUint(m, 0, U8);
    if (value === null || mask === null || more.length > 0) throw new OptionError(`Illegal value: "${g.value}"`, g.name);
    return { value, mask };
  }
  const named = TOS.find(([n]) => n === g.value.toLowerCase());
  if (!named) throw new OptionError(`Symbolic name "${g.value}" is unknown`, g.name, `one of ${TOS.map(([n]) => n).join(', ')}`);
  return { value: named[1], mask: nameMask };
}

/** xtables_parse_port(): a number or a service of that protocol. */
export function parsePort(text: string, proto: string | null, option: string): number {
  const v = parseUint(text, 0, U16) ?? servicePort(text, proto);
  if (v === undefined) throw new OptionError(`invalid port/service \`${text}' specified`, option);
  return v;
}

export type PortRange = readonly [lo: number, hi: number];

/** `--sport lo[:hi]` of tcp, udp, sctp and dccp; open ends are 0 and 65535. */
export function portRange(g: Given, proto: string, reversed = 'invalid portrange (min > max)'): PortRange {
  const colon = g.value.indexOf(':');
  if (colon < 0) {
    const p = parsePort(g.value, proto, g.name);
    return [p, p];
  }
  const a = g.value.slice(0, colon);
  const b = g.value.slice(colon + 1);
  const lo = a === '' ? 0 : parsePort(a, proto, g.name);
  const hi = b === '' ? U16 : parsePort(b, proto, g.name);
  if (lo > hi) throw new OptionError(reversed, g.name);
  return [lo, hi];
}
export const showPorts = ([lo, hi]: PortRange): string => (lo === hi ? `${lo}` : `${lo}:${hi}`);

/** XTTYPE_PORTRC: ports resolved by getaddrinfo(3). */
export function portRc(ext: string, g: Given): PortRange {
  const parts = g.value.split(':');
  if (parts.length > 2) throw new OptionError(`${ext}: Too many components for option "--${g.name}" (max: 2)`, g.name);
  const ports = parts.map((t, i) => {
    if (t === '') return i === 0 ? 0 : U16;
    const v = /^[0-9]+$/.test(t) ? Number(t) & U16 : servicePort(t, null);
    if (v === undefined) throw new OptionError(`Port "${t}" does not resolve to anything.`, g.name);
    return v;
  });
  const [lo, hi = lo] = ports;
  if (lo > hi) throw new OptionError(`${ext}: port range "${g.value}" of option "--${g.name}" is the wrong way round`, g.name);
  return [lo, hi];
}

/** XTTYPE_PROTOCOL: xtables_parse_protocol(). */
export function parseProtocol(g: Given): number {
  const v = parseUint(g.value, 0, U8) ?? protocolNumber(g.value);
  if (v === undefined) throw new OptionError(`unknown protocol "${g.value}" specified`, g.name);
  return v;
}

/** XTTYPE_HOST: an address; host names are not looked up. */
export function host(text: string, family: Family, option: string): Addr {
  const a = parseHost(text, family);
  if (a === null) throw new OptionError(`getaddrinfo: Name or service not known: ${text}`, option, 'host names are not resolved; give an address');
  return a;
}

export interface AddrMask {
  readonly addr: Addr;
  readonly mask: Addr;
}

/** XTTYPE_HOSTMASK: `address[/mask]`; the address is not cut to the mask. */
export function hostMask(ext: string, g: Given, family: Family): AddrMask {
  const slash = g.value.indexOf('/');
  if (slash < 0) return { addr: host(g.value, family, g.name), mask: notAddr(anyAddr(family)) };
  return { addr: host(g.value.slice(0, slash), family, g.name), mask: prefixMask(family, prefixLength(ext, g.name, g.value.slice(slash + 1), family)) };
}

/** XTTYPE_PLEN: a prefix length, or a mask written out. */
export function prefixLength(ext: string, option: string, text: string, family: Family): number {
  const bits = addrBits(family);
  const n = parseUint(text, 0, bits);
  if (n !== null) return n;
  const mask = parseHost(text, family);
  if (mask === null) throw new OptionError(`${ext}: bad value for option "--${option}", neither a valid network mask nor valid CIDR (0-${bits}).`, option);
  const len = maskToPrefix(mask);
  return len < 0 ? bits : len;
}

/** ` addr`, ` addr/len` or ` addr/mask` with a leading blank (xtables_ipaddr_to_numeric, xtables_ipmask_to_numeric). */
export function showAddrMask({ addr, mask }: AddrMask): string {
  const len = maskToPrefix(mask);
  const bits = addrBits(typeof addr === 'number' ? 'ipv4' : 'ipv6');
  return ` ${formatAddr(addr)}${len < 0 ? `/${formatAddr(mask)}` : len === bits ? '' : `/${len}`}`;
}

/** xtables_save_string(): a blank, then the text, in quotes unless it is of letters, digits, `-` and `_` only. */
export function saveString(text: string): string {
  if (/^[-_0-9A-Za-z]+$/.test(text)) return ` ${text}`;
  return ` "${text.replace(/["\\']/g, '\\$&')}"`;
}

/** ` !` where inverted. */
export const bang = (invert: boolean): string => (invert ? ' !' : '');

/** The option of that name, or undefined. */
export const given = (gs: readonly Given[], name: string): Given | undefined => gs.find((g) => g.name === name);

/** `text` given, else null. */
export const isGiven = (gs: readonly Given[], name: string): boolean => gs.some((g) => g.name === name);

/** xtables_param_act(XTF_BAD_VALUE). */
export const badValue = (ext: string, option: string, value: string): OptionError =>
  new OptionError(`${ext}: Bad value for "--${option}" option: "${value}"`, option);

/** xtables_parse_interface(): a name that the kernel can hold. */
export function interfaceName(g: Given): string {
  if (g.value.length > 15) throw new OptionError(`interface name \`${g.value}' must be shorter than IFNAMSIZ (15)`, g.name);
  return g.value;
}

/** Words of a comma-separated list, matched without case against names of which a beginning suffices (strncasecmp of the word's length). Null at a bad word. */
export function byBeginning<T>(word: string, names: readonly (readonly [string, T])[]): T | null {
  const w = word.toLowerCase();
  for (const [name, v] of names) if (w !== '' && name.toLowerCase().startsWith(w)) return v;
  return null;
}

/** A range option of 32-bit numbers, everything where it was not given; reversed ones are refused. */
export function numberRange(ext: string, g: Given | undefined, hi = U32): { readonly lo: number; readonly hi: number; readonly invert: boolean } {
  if (!g) return { lo: 0, hi, invert: false };
  const [a, b] = uintPair(ext, g, hi);
  return { lo: a, hi: b, invert: g.invert };
}

/** ` --name lo:hi`, nothing where the range allows all and is not inverted. */
export function showNumberRange(name: string, r: { readonly lo: number; readonly hi: number; readonly invert: boolean }, max = U32): string {
  if (r.lo === 0 && r.hi === max && !r.invert) return '';
  return `${bang(r.invert)} --${name} ${r.lo === r.hi ? r.lo : `${r.lo}:${r.hi}`}`;
}
