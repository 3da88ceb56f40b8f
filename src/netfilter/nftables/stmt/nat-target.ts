/** Addresses and ports that NAT and TPROXY statements name: constants, ranges, or what an expression says of the packet. */
import type { Family } from '../../../base/addr.js';
import type { PacketCtx, Scalar } from '../../pred.js';
import { type PartRange, rangeOf } from '../elements.js';
import { type NftExpr, type NftScope, parseExpr } from '../expr.js';
import { NftError, NftTokens } from '../tokens.js';
import { type NftType, typeNamed } from '../types.js';

/** First and last. */
export type Ends = readonly [Scalar, Scalar];

export interface AddrParts {
  /** Null: it is no address. */
  readonly family: Family | null;
  /** The port of a map whose values have one; else null. undefined: the packet has no such value, or the map no such key. */
  readonly of: (c: PacketCtx) => { readonly addr: Ends; readonly port: Ends | null } | undefined;
}

const SERVICE = typeNamed('inet_service');
const ADDRESS: Readonly<Record<Family, NftType>> = { ipv4: typeNamed('ipv4_addr'), ipv6: typeNamed('ipv6_addr') };
const FAMILY: ReadonlyMap<string, Family> = new Map([
  ['ipv4_addr', 'ipv4'],
  ['ipv6_addr', 'ipv6'],
]);

/** A text that is one word of that type. */
function rangeIn(text: string, type: NftType): PartRange | null {
  try {
    return rangeOf(new NftTokens(text), type);
  } catch (e) {
    if (e instanceof NftError) return null;
    throw e;
  }
}

const constant = (family: Family, lo: Scalar, hi: Scalar): AddrParts => {
  const found = { addr: [lo, hi] as const, port: null };
  return { family, of: () => found };
};

/** `10.0.0.1`, `10.0.0.1-10.0.0.9`, `10.0.0.0/24`, `2001:db8::1`, `[2001:db8::1]`; ports may follow behind a colon. Null: no address begins here. */
export function constantAddr(t: NftTokens): AddrParts | null {
  const token = t.peek();
  if (token.kind !== 'string' && token.text === '[') return bracketed(t);
  if (token.kind !== 'word') return null;
  // `2001:db8::/120:53`: nft lists ranges that are networks so, without brackets.
  const network = /^[0-9a-fA-F:.]+\/\d{1,3}(?=:)/.exec(token.text)?.[0];
  const v6 = rangeIn(network ?? token.text, ADDRESS.ipv6);
  if (v6) {
    t.next();
    if (network) t.split(token.from + network.length);
    return constant('ipv6', v6.lo, v6.hi);
  }
  const colon = token.text.indexOf(':');
  const text = colon < 0 ? token.text : token.text.slice(0, colon);
  const v4 = rangeIn(text, ADDRESS.ipv4);
  if (!v4) return null;
  t.next();
  t.split(token.from + text.length);
  return constant('ipv4', v4.lo, v4.hi);
}

/** `[a]`, `[a]-[b]`, `[a-b]`. */
function bracketed(t: NftTokens): AddrParts {
  const one = (): PartRange => {
    t.expect('[');
    const r = rangeOf(t, ADDRESS.ipv6);
    t.expect(']');
    return r;
  };
  const first = one();
  const last = t.take('-') ? one() : first;
  return constant('ipv6', first.lo, last.hi);
}

/** An expression that says the address, or address and port. */
export function partsOf(e: NftExpr): AddrParts {
  const withPort = e.types.length > 1 && e.types[1].name !== e.types[0].name;
  return {
    family: FAMILY.get(e.types[0]?.name ?? '') ?? null,
    of: (c) => {
      const v = endsOf(e, c);
      return v && { addr: [v.first[0], v.last[0]], port: withPort ? [v.first[1], v.last[1]] : null };
    },
  };
}
function endsOf(e: NftExpr, c: PacketCtx): { readonly first: readonly Scalar[]; readonly last: readonly Scalar[] } | undefined {
  if (e.element) {
    const data = e.element(c)?.data;
    return data?.kind === 'value' ? { first: data.values, last: data.ends } : undefined;
  }
  const v = e.all(c);
  return v && { first: v, last: v };
}

export type PortOf = (c: PacketCtx) => Ends | undefined;

/** `:80`, `:80-90`, `:http`, `: tcp dport map { … }`. Null: no ports follow. `bare`: the colon may be left out. */
export function portsBehind(t: NftTokens, s: NftScope, bare = false): PortOf | null {
  const token = t.peek();
  if (token.kind !== 'word') return null;
  if (token.text.startsWith(':')) {
    t.next();
    t.split(token.from + 1);
  } else if (!bare) return null;
  const word = t.peek();
  const range = word.kind === 'word' ? rangeIn(word.text, SERVICE) : null;
  if (range) {
    t.next();
    const ends: Ends = [range.lo, range.hi];
    return () => ends;
  }
  const e = parseExpr(t, s);
  return (c) => {
    const v = endsOf(e, c);
    return v && [v.first[0], v.last[0]];
  };
}
