/** HMARK: the mark is a hash of addresses, ports and protocol, the same for both ways of a flow (xt_HMARK.c). */
import { type Addr, addrBits, andAddr, type Family, prefixMask, readAddr } from '../../../base/addr.js';
import { jhash, reciprocalScale } from '../../../base/jhash.js';
import { findTransport, NEXTHDR } from '../../../packet/ip6.js';
import { IPPROTO, type Skb } from '../../../packet/skb.js';
import type { NfConn } from '../../../packet/types.js';
import { type Given, OptionError, type OptionSpec, type TargetAct, type TargetDef } from '../extension.js';
import { hexPad, parseUint, U32 } from '../numbers.js';
import { BOTH, maskPrefix, setMark, uintOption } from './common.js';

/** The printed parts of an HMARK rule in their order; a flag's presence is its value's. */
type HmarkData = ReadonlyMap<string, number | 'ct'>;

const HMARK_NUMBERS: readonly (readonly [string, number, (v: number) => string])[] = [
  ['hmark-sport-mask', 0xffff, (v) => hexPad(v, 4)],
  ['hmark-dport-mask', 0xffff, (v) => hexPad(v, 4)],
  ['hmark-spi-mask', U32, (v) => hexPad(v, 8)],
  ['hmark-sport', 0xffff, (v) => hexPad(v, 4)],
  ['hmark-dport', 0xffff, (v) => hexPad(v, 4)],
  ['hmark-spi', U32, (v) => hexPad(v, 8)],
  ['hmark-proto-mask', 0xffff, (v) => hexPad(v, 2)],
  ['hmark-rnd', U32, (v) => hexPad(v, 8)],
  ['hmark-mod', U32, String],
  ['hmark-offset', U32, String],
];
const HMARK_PREFIXES = ['hmark-src-prefix', 'hmark-dst-prefix'];
const HMARK_ORDER = [...HMARK_PREFIXES, ...HMARK_NUMBERS.map(([n]) => n), 'hmark-tuple'];
const HMARK_TUPLE: ReadonlyMap<string, readonly [string, number]> = new Map([
  ['sport', ['hmark-sport-mask', 0xffff]],
  ['dport', ['hmark-dport-mask', 0xffff]],
  ['spi', ['hmark-spi-mask', U32]],
  ['proto', ['hmark-proto-mask', 0xffff]],
]);

function hmarkPrefix(g: Given, family: Family): number {
  const n = parseUint(g.value, 0, addrBits(family)) ?? maskPrefix(g.value, family);
  if (n === null) throw new OptionError(`HMARK: bad value for option "--${g.name}"`, g.name);
  return n;
}

function hmarkTuple(g: Given, family: Family, data: Map<string, number | 'ct'>): void {
  for (const word of g.value.toLowerCase().split(',')) {
    const row = HMARK_TUPLE.get(word);
    if (row) data.set(...row);
    else if (word === 'src' || word === 'dst') data.set(`hmark-${word}-prefix`, addrBits(family));
    else if (word === 'ct') data.set('hmark-tuple', 'ct');
    else throw new OptionError(`Bad type "${word}"`, g.name, 'src, dst, sport, dport, spi, proto, ct');
  }
}

/** What the rule keeps: struct xt_hmark_info. Masks and values of ports as one word, as they stand in the packet. */
interface HmarkInfo {
  readonly srcMask: Addr;
  readonly dstMask: Addr;
  readonly portMask: number;
  readonly portSet: number;
  readonly protoMask: number;
  readonly rnd: number;
  readonly mod: number;
  readonly offset: number;
  readonly ct: boolean;
}

function kept(d: HmarkData, family: Family): HmarkInfo {
  const n = (name: string): number => Number(d.get(name) ?? 0);
  return {
    srcMask: prefixMask(family, n('hmark-src-prefix')),
    dstMask: prefixMask(family, n('hmark-dst-prefix')),
    portMask: ((n('hmark-sport-mask') << 16) | n('hmark-dport-mask') | n('hmark-spi-mask')) >>> 0,
    portSet: ((n('hmark-sport') << 16) | n('hmark-dport') | n('hmark-spi')) >>> 0,
    protoMask: n('hmark-proto-mask') & 0xff,
    rnd: n('hmark-rnd'),
    mod: n('hmark-mod'),
    offset: n('hmark-offset'),
    ct: d.get('hmark-tuple') === 'ct',
  };
}

/** struct hmark_tuple: addresses as one word each, both ports as one, the larger first. */
interface HmarkTuple {
  readonly src: number;
  readonly dst: number;
  readonly ports: number;
  readonly proto: number;
}

/** hmark_addr_mask(): of IPv6 the exclusive or of the four words. */
function word(a: Addr, mask: Addr): number {
  const m = andAddr(a, mask);
  if (typeof m === 'number') return m;
  let v = 0;
  for (let i = 0; i < 8; i += 2) v ^= (m.charCodeAt(i) << 16) | m.charCodeAt(i + 1);
  return v >>> 0;
}

/** hmark_swap_ports() */
function portsOf(raw: number, d: HmarkInfo): number {
  const v = ((raw & d.portMask) | d.portSet) >>> 0;
  const [a, b] = [v >>> 16, v & 0xffff];
  return (a > b ? (a << 16) | b : (b << 16) | a) >>> 0;
}

function ofConnection(ct: NfConn | null, d: HmarkInfo): HmarkTuple | null {
  if (ct === null) return null;
  const { orig, reply } = ct;
  const ports = orig.proto === IPPROTO.ICMP ? 0 : portsOf(((orig.sport << 16) | reply.sport) >>> 0, d);
  return { src: word(orig.src, d.srcMask), dst: word(reply.src, d.dstMask), ports, proto: orig.proto };
}

const PORTS_AT: ReadonlyMap<number, number> = new Map([
  [IPPROTO.TCP, 0],
  [IPPROTO.UDP, 0],
  [IPPROTO.DCCP, 0],
  [IPPROTO.ESP, 0],
  [IPPROTO.SCTP, 0],
  [IPPROTO.UDPLITE, 0],
  [IPPROTO.AH, 4],
]);

/** proto_ports_offset() and what stands there. */
function portsIn(skb: Skb, proto: number, thoff: number, d: HmarkInfo): number {
  const at = PORTS_AT.get(proto);
  return at === undefined || thoff + at + 4 > skb.data.length ? 0 : portsOf(skb.u32(thoff + at), d);
}

/** icmp_is_err() */
const ICMP_ERRORS: ReadonlySet<number> = new Set([3, 4, 5, 11, 12]);

/** hmark_pkt_set_htuple_ipv4(): of an ICMP error the packet that it quotes counts. Null: it is too short. */
function ofPacket4(skb: Skb, d: HmarkInfo): HmarkTuple | null {
  let at = 0;
  const inner = skb.nhlen + 8;
  if (skb.u8(9) === IPPROTO.ICMP && inner <= skb.data.length && ICMP_ERRORS.has(skb.u8(skb.nhlen))) at = inner;
  if (at + 20 > skb.data.length) return null;
  const proto = skb.u8(at + 9);
  const hasPorts = proto !== IPPROTO.ICMP && (skb.u16(at + 6) & 0x3fff) === 0;
  return {
    src: word(skb.u32(at + 12), d.srcMask),
    dst: word(skb.u32(at + 16), d.dstMask),
    ports: hasPorts ? portsIn(skb, proto, at + (skb.u8(at) & 15) * 4, d) : 0,
    proto,
  };
}

/** hmark_pkt_set_htuple_ipv6() */
function ofPacket6(skb: Skb, d: HmarkInfo): HmarkTuple | null {
  let at = 0;
  let t = findTransport(skb.data, true);
  if (t.offset < 0 && t.proto !== NEXTHDR.NONE) return NO_TUPLE;
  if (!t.isFragment && t.proto === IPPROTO.ICMPV6 && t.offset + 8 <= skb.data.length && skb.u8(t.offset) > 0 && skb.u8(t.offset) < 128) {
    at = t.offset + 8;
    if (at + 40 > skb.data.length) return null;
    t = findTransport(skb.data.subarray(at), true);
    if (t.offset < 0 && t.proto !== NEXTHDR.NONE) return null;
  }
  const hasPorts = t.proto !== IPPROTO.ICMPV6 && !t.isFragment;
  return {
    src: word(readAddr(skb.data, at + 8, 'ipv6'), d.srcMask),
    dst: word(readAddr(skb.data, at + 24, 'ipv6'), d.dstMask),
    ports: hasPorts ? portsIn(skb, t.proto, at + t.offset, d) : 0,
    proto: t.proto,
  };
}
const NO_TUPLE: HmarkTuple = { src: 0, dst: 0, ports: 0, proto: 0 };

/** hmark_hash() */
function hash(t: HmarkTuple, d: HmarkInfo): number {
  const h = jhash([Math.min(t.src, t.dst), Math.max(t.src, t.dst), t.ports], d.rnd) ^ (t.proto & d.protoMask);
  return (reciprocalScale(h >>> 0, d.mod) + d.offset) >>> 0;
}

const hmark =
  (d: HmarkInfo): TargetAct =>
  (c) => {
    const { skb } = c;
    const t = d.ct ? ofConnection(skb.ct, d) : skb.family === 'ipv4' ? ofPacket4(skb, d) : ofPacket6(skb, d);
    if (t !== null) setMark(c, hash(t, d));
    return 'CONTINUE';
  };

export const HMARK: TargetDef<HmarkData> = {
  name: 'HMARK',
  kernel: 'net/netfilter/xt_HMARK.c',
  families: BOTH,
  options: HMARK_ORDER.map((name): OptionSpec => ({ name, arg: 'required' })),
  parse(given, ctx) {
    const data = new Map<string, number | 'ct'>();
    for (const g of given) {
      const row = HMARK_NUMBERS.find(([n]) => n === g.name);
      if (row) data.set(g.name, uintOption('HMARK', g, row[1], g.name === 'hmark-mod' ? 1 : 0));
      else if (HMARK_PREFIXES.includes(g.name)) data.set(g.name, hmarkPrefix(g, ctx.family));
      else hmarkTuple(g, ctx.family, data);
    }
    if (!data.has('hmark-mod')) throw new OptionError('--hmark-mod is mandatory');
    if (!data.has('hmark-rnd')) throw new OptionError('--hmark-rnd is mandatory');
    if (data.has('hmark-spi-mask') && (data.has('hmark-sport-mask') || data.has('hmark-dport-mask'))) {
      throw new OptionError('you cannot use --hmark-spi-mask and --hmark-?port-mask,at the same time');
    }
    if (![...data.keys()].some((k) => !['hmark-mod', 'hmark-rnd', 'hmark-offset'].includes(k)))
      throw new OptionError('you have to specify --hmark-tuple at least');
    return data;
  },
  print: (d) =>
    HMARK_ORDER.filter((name) => d.has(name))
      .map((name) => {
        const v = d.get(name) as number | 'ct';
        return ` --${name} ${v === 'ct' ? v : (HMARK_NUMBERS.find(([n]) => n === name)?.[2] ?? String)(v)}`;
      })
      .join(''),
  check(d) {
    if (d.has('hmark-spi') && (d.has('hmark-sport') || d.has('hmark-dport'))) throw new OptionError('HMARK: spi-set and port-set can’t be combined');
  },
  lower: (d, { family }) => hmark(kept(d, family)),
};
