/** What several targets share. */
import { type Addr, andAddr, type Family, maskToPrefix, notAddr, orAddr, parseIp6 } from '../../../base/addr.js';
import { servicePort } from '../../../base/well-known.js';
import { NAT_NOTHING, NAT_RANGE, type NatRange } from '../../env.js';
import type { PacketCtx } from '../../pred.js';
import type { Given, RuleContext } from '../extension.js';
import { OptionError } from '../extension.js';
import { parseUint, U32 } from '../numbers.js';

/** Families of a target. */
export const BOTH: readonly Family[] = ['ipv4', 'ipv6'];
export const V4: readonly Family[] = ['ipv4'];
export const V6: readonly Family[] = ['ipv6'];

/** Tells that a target wrote a field of the packet; nothing is told where nothing changed. */
export function tellMangle(c: PacketCtx, field: string, before: number | string, after: number | string): void {
  if (!c.env.rec.on || before === after) return;
  c.env.rec.event({ t: 'mangle', node: c.env.node, skb: c.skb.id, time: c.env.now(), field, before, after, rule: c.rule });
}

/** Writes skb->mark (32 bits) and tells it. */
export function setMark(c: PacketCtx, mark: number): void {
  const before = c.skb.mark;
  c.skb.mark = mark >>> 0;
  tellMangle(c, 'mark', before, c.skb.mark);
}

/** The option of that name among those given, or undefined. */
export const find = (given: readonly Given[], name: string): Given | undefined => given.find((g) => g.name === name);
/** Was the option of that name given? */
export const has = (given: readonly Given[], name: string): boolean => given.some((g) => g.name === name);

/** Value of a whole-number option, refused in libxtables' words. */
export function uintOption(ext: string, g: Given, max: number, min = 0): number {
  const v = parseUint(g.value, min, max);
  if (v !== null) return v;
  if (max === U32 && min === 0) throw new OptionError(`${ext}: bad integer value for option "--${g.name}", or out of range.`, g.name, 'a number of 32 bits');
  throw new OptionError(`${ext}: bad value for option "--${g.name}", or out of range (${min}-${max}).`, g.name);
}

/** A text of 1 to `max` characters; what is longer is cut, as the tools do. */
export function textOption(g: Given, max: number): string {
  if (g.value === '') throw new OptionError('Argument must have a minimum length of 1 characters', g.name);
  return g.value.slice(0, max);
}

/** Value of a 32-bit option, refused in libxtables’ words (OptionError). */
export const u32Option = (ext: string, g: Given): number => uintOption(ext, g, U32);

/** Options of the NAT targets that are a bit of their range, in the order in which they are printed. */
const RANGE_FLAGS = [
  ['random', NAT_RANGE.RANDOM],
  ['random-fully', NAT_RANGE.RANDOM_FULLY],
  ['persistent', NAT_RANGE.PERSISTENT],
] as const;
export const rangeFlags = (given: readonly Given[]): number => RANGE_FLAGS.reduce((bits, [name, bit]) => (has(given, name) ? bits | bit : bits), 0);
export const printFlags = (r: NatRange): string => RANGE_FLAGS.reduce((text, [name, bit]) => (r.flags & bit ? `${text} --${name}` : text), '');

export interface PortRange {
  readonly min: number;
  readonly max: number;
  readonly base: number | null;
}

const PORT_PROTOCOLS = new Set([1, 6, 17, 33, 132]);

/** Ports of a NAT target: `80`, `80-90`, `ssh`, and for DNAT `80-90/1000`. */
export function parseNatPorts(ext: string, text: string, ctx: RuleContext, option: string, withBase: boolean): PortRange {
  if (!PORT_PROTOCOLS.has(ctx.proto))
    throw new OptionError('Need TCP, UDP, SCTP or DCCP with port specification', option, 'put -p tcp (or udp, …) in front of it');
  const whole = portNumber(text);
  if (whole !== null) return { min: whole, max: whole, base: null };
  const m = /^([0-9a-fA-Fx]+)(.)(.*)$/s.exec(text);
  const first = m ? parseUint(m[1], 0, 65535) : null;
  if (!m || first === null) throw new OptionError(`Port \`${text}' not valid`, option);
  if (m[2] === ':') throw new OptionError('Invalid port:port syntax - use dash', option);
  if (m[2] !== '-') throw new OptionError(`Garbage after port value: \`${m[2]}${m[3]}'`, option);
  const slash = m[3].indexOf('/');
  const last = slash < 0 ? m[3] : m[3].slice(0, slash);
  const max = parseUint(last, 0, 65535);
  if (max === null) throw new OptionError(`Port \`${m[3]}' not valid`, option);
  if (max < first) throw new OptionError(`Port range \`${last}' funky`, option);
  if (slash < 0) return { min: first, max, base: null };
  if (!withBase) throw new OptionError(`${ext}: garbage after port range: \`${m[3].slice(slash)}'`, option);
  const baseText = m[3].slice(slash + 1);
  // strtoul(3) reads as far as there are digits.
  const base = parseUint(/^[0-9]+/.exec(baseText)?.[0] ?? '', 1, 65535) ?? servicePort(baseText, null);
  if (base === undefined) throw new OptionError(`Port \`${baseText}' not valid`, option);
  return { min: first, max, base };
}

const portNumber = (text: string): number | null => parseUint(text, 0, 65535) ?? servicePort(text, null) ?? null;

export function formatPorts(p: PortRange): string {
  return `${p.min}${p.max !== p.min || p.base !== null ? `-${p.max}` : ''}${p.base === null ? '' : `/${p.base}`}`;
}

/** `--to-ports` of MASQUERADE and REDIRECT, and the flags beside it, as a range without addresses. */
export function toPorts(ext: string, given: readonly Given[], ctx: RuleContext): NatRange {
  const g = find(given, 'to-ports');
  const p = g ? parseNatPorts(ext, g.value, ctx, 'to-ports', false) : null;
  return { ...NAT_NOTHING, minPort: p?.min ?? null, maxPort: p?.max ?? null, flags: rangeFlags(given) };
}
export function printToPorts(r: NatRange): string {
  const ports = r.minPort === null || r.maxPort === null ? '' : ` --to-ports ${formatPorts({ min: r.minPort, max: r.maxPort, base: null })}`;
  return `${ports}${printFlags(r)}`;
}

/** (a & ~mask) | (b & mask) */
export const spliceAddr = (a: Addr, b: Addr, mask: Addr): Addr => orAddr(andAddr(a, notAddr(mask)), andAddr(b, mask));

/** A netmask as a text, as the length of its prefix; null where it is none. */
export function maskPrefix(text: string, family: Family): number | null {
  const parts = family === 'ipv4' && /^\d+(\.\d+){3}$/.test(text) ? text.split('.').map(Number) : null;
  const mask = parts ? parts.reduce((v, p) => v * 256 + p, 0) : parseIp6(text);
  const len = mask === null ? -1 : maskToPrefix(mask);
  return len < 0 ? null : len;
}
