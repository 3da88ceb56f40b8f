/** `-m ipv6header [!] --header hop,route,… [--soft]`: which extension headers an IPv6 packet has. */
import { protocolName, protocolNumber } from '../../../base/well-known.js';
import { NEXTHDR } from '../../../packet/ip6.js';
import { call, type PacketCtx } from '../../pred.js';
import { type Given, type MatchDef, OptionError } from '../extension.js';
import { bang, isGiven } from '../values.js';

interface Ipv6headerMatch {
  /** Bits of HEADERS. */
  readonly bits: number;
  readonly invert: boolean;
  readonly soft: boolean;
}
const PROTO = 255;
/** Header number, bit, and how it prints; in the order printed. */
const HEADERS: readonly (readonly [number, number, string])[] = [
  [NEXTHDR.HOP, 128, 'hop-by-hop'],
  [NEXTHDR.DEST, 64, 'ipv6-opts'],
  [NEXTHDR.ROUTING, 32, 'ipv6-route'],
  [NEXTHDR.FRAGMENT, 16, 'ipv6-frag'],
  [NEXTHDR.AUTH, 8, 'ah'],
  [NEXTHDR.ESP, 4, 'esp'],
  [NEXTHDR.NONE, 2, 'ipv6-nonxt'],
  [PROTO, 1, 'protocol'],
];
const OWN_NAMES = new Map([
  ['hop-by-hop', NEXTHDR.HOP],
  ['protocol', PROTO],
  ['hop', NEXTHDR.HOP],
  ['dst', NEXTHDR.DEST],
  ['route', NEXTHDR.ROUTING],
  ['frag', NEXTHDR.FRAGMENT],
  ['auth', NEXTHDR.AUTH],
  ['esp', NEXTHDR.ESP],
  ['none', NEXTHDR.NONE],
  ['prot', PROTO],
  ...HEADERS.map(([n]) => [String(n), n] as const),
]);

/** Names of protocols(5) come first, then those of the extension. */
function headerBit(word: string): number {
  const named = protocolNumber(word);
  const n = named !== undefined && protocolName(named) === word ? named : (OWN_NAMES.get(word) ?? named);
  const bit = HEADERS.find(([number]) => number === n)?.[1];
  if (bit === undefined) throw new OptionError(`unknown header \`${n ?? word}' specified`, 'header', 'hop, dst, route, frag, auth, esp, none, prot');
  return bit;
}

function parseBits(g: Given): number {
  const bits = g.value.split(',').reduce((b, w) => (w === '' ? b : b | headerBit(w)), 0);
  if (bits === 0) throw new OptionError('ip6t_ipv6header: cannot parse header names', 'header');
  return bits;
}

/** ipv6header_mt6(): the headers that are there; null when the packet ends inside one. */
function headersOf(c: PacketCtx): number | null {
  const { data } = c.skb;
  let next = data[6];
  let at = 40;
  let bits = 0;
  for (let row = HEADERS.find(([n]) => n === next); row && row[0] !== PROTO; row = HEADERS.find(([n]) => n === next)) {
    if (next === NEXTHDR.NONE) return bits | row[1];
    if (data.length - at < 2) return null;
    bits |= row[1];
    if (next === NEXTHDR.ESP) return bits;
    const length = next === NEXTHDR.FRAGMENT ? 8 : next === NEXTHDR.AUTH ? (data[at + 1] + 2) * 4 : (data[at + 1] + 1) * 8;
    next = data[at];
    at += length;
    if (at > data.length) break;
  }
  return next === NEXTHDR.NONE || next === NEXTHDR.ESP ? bits : bits | 1;
}

const names = (bits: number): string =>
  HEADERS.filter(([, b]) => bits & b)
    .map(([, , n]) => n)
    .join(',');

function matches(d: Ipv6headerMatch, c: PacketCtx): boolean {
  const had = headersOf(c);
  if (had === null) return false;
  if (d.soft) return ((had ^ d.bits ^ (d.invert ? 0xff : 0)) & d.bits) === 0;
  return (had === d.bits) !== d.invert;
}

export const ipv6header: MatchDef<Ipv6headerMatch> = {
  name: 'ipv6header',
  kernel: 'net/ipv6/netfilter/ip6t_ipv6header.c',
  families: ['ipv6'],
  options: [
    { name: 'header', arg: 'required', invert: true, mandatory: true },
    { name: 'soft', arg: 'none' },
  ],
  parse: (gs) => {
    const g = gs.find((o) => o.name === 'header')!;
    return { bits: parseBits(g), invert: g.invert, soft: isGiven(gs, 'soft') };
  },
  print: (d) => `${bang(d.invert)} --header ${names(d.bits)}${d.soft ? ' --soft' : ''}`,
  lower: (d) => [
    {
      kind: 'test',
      pred: call(
        'ipv6 headers',
        [],
        (c) => matches(d, c),
        `${d.invert ? 'not ' : ''}${names(d.bits)}`,
        (c) => names(headersOf(c) ?? 0),
      ),
    },
  ],
};
