/** `ip saddr 10.0.0.0/8`, `tcp flags & (syn | ack) == syn`, `ct state established,related`, `ip daddr . tcp dport @services`: a comparison as a predicate. */

import { whenPresent } from '../fields.js';
import { between, call, equals, type Field, type PacketCtx, type Pred, type Scalar } from '../pred.js';
import { bitAnd, bitOr, isZero } from './bitwise.js';
import { rangeOf, wordRange } from './elements.js';
import { find, type NftExpr, type NftScope, parseExpr } from './expr.js';
import { type SetUse, setUse } from './set.js';
import { NftError, type NftTokens } from './tokens.js';
import type { NftType } from './types.js';

const COMPARISONS = ['==', 'eq', '!=', 'ne', '<', 'lt', '>', 'gt', '<=', 'le', '>=', 'ge', '!'] as const;
const SIGNS: Readonly<Record<string, string>> = { eq: '==', ne: '!=', lt: '<', gt: '>', le: '<=', ge: '>=' };

/** What stands behind an expression that nothing else follows: the comparison with it. */
export function parseComparison(t: NftTokens, s: NftScope, left: NftExpr): Pred {
  const word = t.take(...COMPARISONS);
  const sign = word === null ? null : (SIGNS[word] ?? word);
  const invert = sign === '!=';
  if (t.is('{', '@')) {
    if (sign !== null && sign !== '==' && !invert) throw new NftError(`“${sign}” does not go with a set`, t.peek());
    const use = setUse(t, s, left.types, 'set');
    return (sign === null ? loneFlags(left, use) : null) ?? inSet(left, use, invert);
  }
  if (left.types.length > 1) return inParts(t, left, invert);
  const field: Field = { name: left.text, read: left.one, show: left.types[0].show };
  if (sign === '<' || sign === '>' || sign === '<=' || sign === '>=') return ordered(field, sign, value(t, s, left.types[0]));
  if (left.types[0].flags && !isRange(t, left.types[0])) return flagTest(t, s, field, left.types[0], sign ?? (left.computed ? '==' : null));
  if (sign === '!') throw new NftError('“!” goes with flags only', t.peek());
  return plainTest(t, s, field, left.types[0], invert);
}

/** `0x1-0x5`, which flags may be as well. */
const isRange = (t: NftTokens, type: NftType): boolean => {
  const token = t.peek();
  const found = token.kind === 'word' ? wordRange(token, type) : null;
  return found !== null && found.lo !== found.hi;
};

/** nft writes `{ a }` as `a`, which of flags is not the same: any of them. */
function loneFlags(left: NftExpr, use: SetUse): Pred | null {
  const key = use.def.name === '' && use.def.elements.length === 1 && left.types[0].flags && !left.computed ? use.def.elements[0].key : null;
  if (!key || key.length > 1 || key[0].lo !== key[0].hi) return null;
  return anyFlag({ name: left.text, read: left.one, show: left.types[0].show }, key[0].lo, false);
}

/** One value that may be computed of constants. */
function value(t: NftTokens, s: NftScope, type: NftType): Scalar {
  const token = t.peek();
  const e = parseExpr(t, s, type);
  if (e.constant === undefined) throw new NftError('a constant is expected', token);
  return e.constant;
}

const ordered = (f: Field, sign: '<' | '>' | '<=' | '>=', v: Scalar): Pred => {
  const holds: Readonly<Record<typeof sign, (a: Scalar) => boolean>> = { '<': (a) => a < v, '>': (a) => a > v, '<=': (a) => a <= v, '>=': (a) => a >= v };
  const test = (c: PacketCtx): boolean => {
    const a = f.read(c);
    return a !== undefined && holds[sign](a);
  };
  return call(f.name, [f], test, `${sign} ${f.show(v)}`, shown(f));
};
const shown =
  (f: Field) =>
  (c: PacketCtx): string => {
    const v = f.read(c);
    return v === undefined ? 'none' : f.show(v);
  };

function plainTest(t: NftTokens, s: NftScope, f: Field, type: NftType, invert: boolean): Pred {
  const token = t.peek();
  if (token.text === '(' || (token.kind === 'word' && type.parse(token.text) !== null)) return whenPresent(f, invert, equals(f, value(t, s, type)));
  const { lo, hi } = rangeOf(t, type);
  // Hours of two days: what is not between the end and the beginning (meta hour).
  if (lo > hi) return whenPresent(f, !invert, between(f, hi, lo));
  return whenPresent(f, invert, lo === hi ? equals(f, lo) : between(f, lo, hi));
}

/** Flags: `a,b` is any of them, `! a` none, `a / a,b` those of a mask, `== a` exactly these. */
function flagTest(t: NftTokens, s: NftScope, f: Field, type: NftType, sign: string | null): Pred {
  const bits = flagList(t, s, type);
  if (t.take('/')) return masked(f, flagList(t, s, type), bits, sign === '!=');
  if (sign === '==' || sign === '!=') return whenPresent(f, sign === '!=', equals(f, bits));
  return anyFlag(f, bits, sign === '!');
}
function anyFlag(f: Field, bits: Scalar, none: boolean): Pred {
  const test = (c: PacketCtx): boolean => {
    const v = f.read(c);
    return v !== undefined && isZero(bitAnd(v, bits)) === none;
  };
  return call(f.name, [f], test, `${none ? 'none' : 'any'} of ${f.show(bits)}`, shown(f));
}
function flagList(t: NftTokens, s: NftScope, type: NftType): Scalar {
  let bits = value(t, s, type);
  while (t.take(',')) bits = bitOr(bits, value(t, s, type));
  return bits;
}
function masked(f: Field, mask: Scalar, wanted: Scalar, invert: boolean): Pred {
  const test = (c: PacketCtx): boolean => {
    const v = f.read(c);
    return v !== undefined && (bitAnd(v, mask) === wanted) !== invert;
  };
  return call(f.name, [f], test, `${invert ? 'not ' : ''}${f.show(wanted)} of ${f.show(mask)}`, shown(f));
}

/** `ip saddr . tcp dport 10.0.0.1 . 80`. */
function inParts(t: NftTokens, left: NftExpr, invert: boolean): Pred {
  const from = t.mark();
  const parts = left.types.map((type, i) => {
    if (i > 0) t.expect('.');
    return rangeOf(t, type);
  });
  const test = (c: PacketCtx): boolean => {
    const had = left.all(c);
    return had !== undefined && had.every((v, i) => parts[i].lo <= v && v <= parts[i].hi) !== invert;
  };
  return call(left.text, [], test, `${invert ? 'not ' : ''}${t.text.slice(from, t.mark()).trim()}`, (c) => keyText(left, c));
}

function inSet(left: NftExpr, use: SetUse, invert: boolean): Pred {
  const name = use.def.name === '' ? 'one of the set' : `in @${use.def.name}`;
  const test = (c: PacketCtx): boolean => {
    const hit = find(use, left, c, invert);
    return hit !== undefined && (hit !== null) !== invert;
  };
  return call(left.text, [], test, `${invert ? 'not ' : ''}${name}`, (c) => keyText(left, c));
}

/** The key that a packet has, for telling. */
export function keyText(e: NftExpr, c: PacketCtx): string {
  const values = e.all(c);
  return values === undefined ? 'none' : values.map((v, i) => e.types[i].show(v)).join(' . ');
}
