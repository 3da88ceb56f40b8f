/**
 * A member as words: where each dimension stands in the key, text to keys (uadt of the kernel's types), key to text, packet to key (kadt).
 *
 *   hash:ip,port,net  inet     ip | proto<<16|port | net | length          inet6: addresses take four words
 *   hash:ip,mac                ip | mac high 16 | mac low 32
 *   hash:net,iface             net | length | name number | physdev        names are numbered per set
 *   bitmap:*                   offset in the range
 */
import { andAddr, formatAddr } from '../../base/addr.js';
import type { PacketCtx } from '../pred.js';
import type { SetParams } from './create.js';
import { ifaceOfPacket, parseIfacePart, printIface } from './dim/iface.js';
import { addrOfPacket, hostBits, parseIpPart, parsePlainAddr } from './dim/ip.js';
import { macOfPacket, parseMacPart, printMac } from './dim/mac.js';
import { markOfPacket, parseMarkPart, printMark } from './dim/mark.js';
import { type Net, parseNetPart, printNet } from './dim/net.js';
import { barePortOfPacket, parseBarePort, parsePortPart, portOfPacket, printPort } from './dim/port.js';
import { addrWords, getAddr, maskWords, putAddr, zeroElement } from './dim/value.js';
import { type DimKind, IpsetError } from './types.js';

/** One network dimension inside a key. */
export interface NetSlot {
  readonly at: number;
  readonly words: 1 | 4;
  /** Where its prefix length stands. */
  readonly lenAt: number;
}
export interface Layout {
  readonly width: number;
  readonly at: readonly number[];
  readonly nets: readonly NetSlot[];
}

export function layoutOf(p: SetParams): Layout {
  if (p.type.storage === 'bitmap') return { width: 1, at: [0, 0], nets: [] };
  const words = addrWords(p.family);
  const size: Record<DimKind, number> = { ip: words, net: words + 1, port: 1, mac: 2, mark: 1, iface: 2, set: 1 };
  const at: number[] = [];
  const nets: NetSlot[] = [];
  let width = 0;
  for (const kind of p.type.dims) {
    at.push(width);
    if (kind === 'net') nets.push({ at: width, words, lenAt: width + words });
    width += size[kind];
  }
  return { width, at, nets };
}

/** Numbers for the interface names of one set; only ever grows. */
export class NameTable {
  readonly names: string[];
  #numbers: Map<string, number>;
  constructor(names: readonly string[] = []) {
    this.names = [...names];
    this.#numbers = new Map(this.names.map((n, i) => [n, i]));
  }
  number(name: string): number {
    let n = this.#numbers.get(name);
    if (n === undefined) {
      n = this.names.push(name) - 1;
      this.#numbers.set(name, n);
    }
    return n;
  }
}

/** Members that one command may stand for. */
export const LIMIT = 1 << 20;
export const tooMany = (): IpsetError =>
  new IpsetError('ipset-too-many', 'The specified range is too large, split it up into smaller ranges', undefined, `at most ${LIMIT} members in one command`);

/** What a member's text denotes: calls back with each key in the kernel's order. The key handed over is reused. */
export type Keys = (each: (key: Uint32Array) => void) => void;

export interface ParsedMember {
  readonly keys: Keys;
  /** bitmap:ip,mac only. */
  readonly mac: number | null;
}

const ORDINAL = ['', 'Second', 'Third'];
const COUNT = ['none', 'one', 'two'];
const SEEN = ['', 'Elem separator', 'Two elem separators', 'Three elem separators'];

function splitParts(text: string, p: SetParams): string[] {
  const want = p.type.dims.length;
  const parts = text.split(',');
  if (parts.length > want)
    throw new IpsetError('ipset-element', `Syntax error: ${SEEN[Math.min(3, want)]} in ${text}, but settype ${p.type.name} supports ${COUNT[want - 1]}.`, text);
  if (parts.length < want && !(p.type.name === 'bitmap:ip,mac' && parts.length === 1))
    throw new IpsetError('ipset-element', `Syntax error: ${ORDINAL[parts.length]} element is missing from ${text}.`, text);
  return parts;
}

/** `single`: `test`, where ranges are not allowed. Throws IpsetError. */
export function parseMember(text: string, p: SetParams, layout: Layout, names: NameTable, single: boolean): ParsedMember {
  const parts = splitParts(text, p);
  if (p.type.storage === 'bitmap') return parseBitmapMember(parts, p, single);
  const key = new Uint32Array(layout.width);
  type Step = (next: () => void) => void;
  const steps: Step[] = p.type.dims.map((kind, i) => {
    const at = layout.at[i];
    const part = parts[i];
    switch (kind) {
      case 'ip':
        return ipStep(part, p, key, at, single, i === 0);
      case 'net':
        return netStep(part, p, key, at, single);
      case 'port': {
        const port = parsePortPart(part, p.family);
        if (single && port.many) throw rangeInTest('FROM-TO port', p);
        return (next) => {
          for (let v = port.lo; v <= port.hi; v++) {
            key[at] = port.proto * 65536 + v;
            next();
          }
        };
      }
      case 'mac': {
        const mac = parseMacPart(part);
        return (next) => {
          key[at] = mac / 2 ** 32;
          key[at + 1] = mac % 2 ** 32;
          next();
        };
      }
      case 'mark': {
        const mark = (parseMarkPart(part) & p.markmask) >>> 0;
        return (next) => {
          key[at] = mark;
          next();
        };
      }
      case 'iface': {
        const iface = parseIfacePart(part);
        const number = names.number(iface.name);
        return (next) => {
          key[at] = number;
          key[at + 1] = iface.physdev ? 1 : 0;
          next();
        };
      }
      default:
        throw new IpsetError('ipset-element', `Internal error: missing parser function for ${kind}`, part);
    }
  });
  const keys: Keys = (each) => {
    const run = (i: number): void => (i === steps.length ? each(key) : steps[i](() => run(i + 1)));
    run(0);
  };
  return { keys, mac: null };
}

const rangeInTest = (what: string, p: SetParams): IpsetError =>
  new IpsetError(
    'ipset-element',
    `${what} range is not allowed in command test with set type ${p.type.name} and family ${p.family === 'ipv6' ? 'inet6' : 'inet'}`,
  );

function ipStep(part: string, p: SetParams, key: Uint32Array, at: number, single: boolean, first: boolean): (next: () => void) => void {
  // Only the first address of a member may be a range (hash:ip,port,ip takes one address as its third part).
  const range = first ? parseIpPart(part, p.family) : { lo: parsePlainAddr(part, p.family), hi: 0, many: false };
  const mask = p.type.masked ? p.mask : null;
  const lo = mask === null ? range.lo : andAddr(range.lo, mask);
  if (p.type.masked && isZero(lo)) {
    if (p.type.dims.length === 1) throw zeroElement();
    throw new IpsetError('ipset-null-element', 'Kernel error received: Invalid argument', part, 'the null address cannot be a member');
  }
  if (!range.many) {
    return (next) => {
      putAddr(key, at, lo);
      next();
    };
  }
  if (single) {
    if (p.type.dims.length > 1) throw rangeInTest('IP/CIDR', p);
    // `ipset test` of hash:ip takes a range and looks for its first address.
    return (next) => {
      putAddr(key, at, lo);
      next();
    };
  }
  const step = mask === null ? 1 : stepOf(mask as number);
  const hi = range.hi as number;
  if ((hi - (lo as number)) / step > LIMIT) throw tooMany();
  return (next) => {
    for (let a = lo as number; a <= hi; a += step) {
      key[at] = a;
      next();
    }
  };
}

const isZero = (a: number | string): boolean => a === 0 || a === '\0\0\0\0\0\0\0\0';
/** Addresses that share one member under a netmask. */
function stepOf(mask: number): number {
  let step = 1;
  while (step < 2 ** 32 && ((mask / step) & 1) === 0) step *= 2;
  return step;
}

function netStep(part: string, p: SetParams, key: Uint32Array, at: number, single: boolean): (next: () => void) => void {
  const { nets, many } = parseNetPart(part, p.family, p.type.net0);
  if (single && many) throw rangeInTest('FROM-TO IP', p);
  const words = addrWords(p.family);
  return (next) => {
    for (const n of nets) {
      putAddr(key, at, p.type.masked && p.mask !== null ? andAddr(n.addr, p.mask) : n.addr);
      key[at + words] = n.len;
      next();
    }
  };
}

const outOfRange = (word: string): IpsetError => new IpsetError('ipset-bitmap-range', 'Element is out of the range of the set', word);

function parseBitmapMember(parts: readonly string[], p: SetParams, single: boolean): ParsedMember {
  const port = p.type.dims[0] === 'port';
  const plain = p.type.dims.length > 1;
  const range = port ? parseBarePort(parts[0]) : plain ? onePlain(parts[0]) : parseIpPart(parts[0], 'ipv4');
  if (range.many && single) throw rangeInTest('FROM-TO IP', p);
  const lo = range.lo as number;
  const hi = range.hi as number;
  if (lo < p.first || hi > p.last) throw outOfRange(parts[0]);
  const key = new Uint32Array(1);
  const keys: Keys = (each) => {
    for (let v = lo; v <= hi; v += p.hosts) {
      key[0] = bitmapId(p, v);
      each(key);
    }
  };
  return { keys, mac: parts.length > 1 ? parseMacPart(parts[1]) : null };
}

function onePlain(text: string): { readonly lo: number; readonly hi: number; readonly many: false } {
  const lo = parsePlainAddr(text, 'ipv4') as number;
  return { lo, hi: lo, many: false };
}

const bitmapId = (p: SetParams, v: number): number => Math.floor((v - p.first) / p.hosts);

/** As `ipset save` prints it, without extensions. `mac`: of bitmap:ip,mac, null while unknown. */
export function printMember(key: ArrayLike<number>, p: SetParams, layout: Layout, names: readonly string[], mac: number | null): string {
  if (p.type.storage === 'bitmap') {
    const v = p.first + key[0] * p.hosts;
    if (p.type.dims[0] === 'port') return String(v);
    return mac === null ? formatAddr(v) : `${formatAddr(v)},${printMac(mac)}`;
  }
  const words = addrWords(p.family);
  return p.type.dims
    .map((kind, i) => {
      const at = layout.at[i];
      switch (kind) {
        case 'ip':
          return formatAddr(getAddr(key, at, p.family));
        case 'net':
          return printNet({ addr: getAddr(key, at, p.family), len: key[at + words] } satisfies Net, hostBits(p.family));
        case 'port':
          return printPort(key[at]);
        case 'mac':
          return printMac(key[at] * 2 ** 32 + key[at + 1]);
        case 'mark':
          return printMark(key[at]);
        case 'iface':
          return printIface({ name: names[key[at]] ?? '', physdev: key[at + 1] !== 0 });
        default:
          return '';
      }
    })
    .join(',');
}

/** What a packet offers to a set: kadt. */
export interface PacketKey {
  readonly key: Uint32Array;
  /** Name of the device of hash:net,iface; it may have no number in the set. */
  readonly iface: string;
  /** bitmap:ip,mac. */
  readonly mac: number | null;
}

/**
 * The member that a packet stands for; null where it has none (no port, no Ethernet header, no device, out of a bitmap's range, null address).
 * `lens`: prefix length of each network dimension. `dirs` has as many entries as the type has dimensions, or more.
 */
export function keyOfPacket(c: PacketCtx, p: SetParams, layout: Layout, dirs: readonly boolean[], lens: readonly number[]): PacketKey | null {
  if (p.type.storage === 'bitmap') return bitmapKeyOfPacket(c, p, dirs);
  const { skb } = c;
  const key = new Uint32Array(layout.width);
  let iface = '';
  let net = 0;
  for (let i = 0; i < p.type.dims.length; i++) {
    const at = layout.at[i];
    switch (p.type.dims[i]) {
      case 'ip':
        putAddr(key, at, p.type.masked && p.mask !== null ? andAddr(addrOfPacket(skb, dirs[i]), p.mask) : addrOfPacket(skb, dirs[i]));
        // hash:ip and hash:ip,port have no null address.
        if (p.type.masked && isZero(getAddr(key, at, p.family))) return null;
        break;
      case 'net': {
        const slot = layout.nets[net];
        putAddr(key, at, p.type.masked && p.mask !== null ? andAddr(addrOfPacket(skb, dirs[i]), p.mask) : addrOfPacket(skb, dirs[i]));
        maskWords(key, at, slot.words, lens[net]);
        key[slot.lenAt] = lens[net++];
        break;
      }
      case 'port': {
        const v = portOfPacket(skb, dirs[i]);
        if (v < 0) return null;
        key[at] = v;
        break;
      }
      case 'mac': {
        const m = macOfPacket(skb, dirs[i]);
        if (m < 0) return null;
        key[at] = m / 2 ** 32;
        key[at + 1] = m % 2 ** 32;
        break;
      }
      case 'mark':
        key[at] = markOfPacket(skb) & p.markmask;
        break;
      case 'iface':
        iface = ifaceOfPacket(c, dirs[i]);
        if (iface === '') return null;
        break;
    }
  }
  return { key, iface, mac: null };
}

function bitmapKeyOfPacket(c: PacketCtx, p: SetParams, dirs: readonly boolean[]): PacketKey | null {
  const port = p.type.dims[0] === 'port';
  const v = port ? barePortOfPacket(c.skb, dirs[0]) : (addrOfPacket(c.skb, dirs[0]) as number);
  if (v < p.first || v > p.last) return null;
  const mac = p.type.dims.length > 1 ? macOfPacket(c.skb, dirs[1]) : null;
  if (mac !== null && mac < 0) return null;
  return { key: Uint32Array.of(bitmapId(p, v)), iface: '', mac };
}
