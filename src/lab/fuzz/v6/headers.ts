/** Extension headers of IPv6, and random chains of them. */
import { parseAddr, writeAddr } from '../../../base/addr.js';
import { NEXTHDR } from '../../../packet/ip6.js';
import type { Rng } from '../rng.js';

/** A header without its first byte, which names the next one. */
export interface Extension {
  readonly proto: number;
  readonly rest: readonly number[];
}

export interface Chain {
  /** Of the fixed header. */
  readonly proto: number;
  readonly payload: Uint8Array;
}

/** The headers in front of a payload, each naming the next. */
export function chain(headers: readonly Extension[], proto: number, payload: Uint8Array): Chain {
  let next = proto;
  const parts: Uint8Array[] = [payload];
  for (const h of [...headers].reverse()) {
    parts.unshift(Uint8Array.from([next, ...h.rest]));
    next = h.proto;
  }
  return { proto: next, payload: Uint8Array.from(parts.flatMap((p) => [...p])) };
}

/** Hop-by-hop or destination options: bytes of options, padded to whole words of eight. */
function options(proto: number, bytes: readonly number[]): Extension {
  const padded = [...bytes];
  const rest = (8 - ((padded.length + 2) % 8)) % 8;
  if (rest === 1) padded.push(0);
  else if (rest > 1) padded.push(1, rest - 2, ...new Array<number>(rest - 2).fill(0));
  return { proto, rest: [(padded.length + 2) / 8 - 1, ...padded] };
}

/** Type, length, value: padding, a router alert, unknown options by what is to be done about them (RFC 8200, 4.2), a home address. */
const OPTIONS = [[1, 4, 0, 0, 0, 0], [1, 1, 0], [0, 0], [5, 2, 0, 0], [30, 4, 1, 2, 3, 4], [0x5e, 1, 0], [0x9e, 1, 0], [0xde, 1, 0], []] as const;

function routing(r: Rng): Extension {
  const addr = (t: string): number[] => {
    const b = new Uint8Array(16);
    writeAddr(b, 0, parseAddr(t) ?? 0);
    return [...b];
  };
  const [type, left] = r.pick([
    [0, 0],
    [0, 1],
    [3, 0],
    [4, 0],
    [4, 1],
    [253, 1],
    [253, 0],
  ] as const);
  return { proto: NEXTHDR.ROUTING, rest: [2, type, left, 0, 0, 0, 0, ...addr(r.pick(['2001:db8:9::1', 'fd00:5::9', '2001:db8:0:1::5']))] };
}

const auth: Extension = { proto: NEXTHDR.AUTH, rest: [2, 0, 0, 0, 0, 1, 1, 0, 0, 0, 7, 1, 2, 3, 4] };

export const fragmentHeader = (offset: number, more: boolean, id: number): Extension => ({
  proto: NEXTHDR.FRAGMENT,
  rest: [0, offset >>> 8, (offset & 0xf8) | (more ? 1 : 0), id >>> 24, (id >>> 16) & 255, (id >>> 8) & 255, id & 255],
});

/** Most packets have none, some one, few several, in the order of RFC 8200 or not. */
export function someHeaders(r: Rng): Extension[] {
  const one = (): Extension =>
    r.weighed<() => Extension>([
      [35, () => options(NEXTHDR.HOP, r.pick(OPTIONS))],
      [35, () => options(NEXTHDR.DEST, r.chance(15) ? [...r.pick(OPTIONS), ...r.pick(OPTIONS)] : r.pick(OPTIONS))],
      [20, () => routing(r)],
      [10, () => fragmentHeader(0, false, 0x9000 + r.below(4096))],
      [8, () => auth],
    ])();
  const count = r.weighed([
    [82, 0],
    [12, 1],
    [5, 2],
    [1, 3],
  ]);
  const out = Array.from({ length: count }, one);
  const rank = (e: Extension): number => [NEXTHDR.HOP, NEXTHDR.DEST, NEXTHDR.ROUTING, NEXTHDR.FRAGMENT, NEXTHDR.AUTH].indexOf(e.proto as 0);
  return r.chance(85) ? out.sort((a, b) => rank(a) - rank(b)) : out;
}
