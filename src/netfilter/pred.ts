/**
 * Pred: the small closed language every match is lowered to. The test, the explanation of a "no", the list of fields read and the facts an
 * index may use all come from this one value; there is no second evaluator to disagree with it.
 */
import { type Addr, formatAddr, inPrefix } from '../base/addr.js';
import { assertNever } from '../base/assert.js';
import type { Skb } from '../packet/skb.js';
import type { NetDevice } from '../packet/types.js';
import type { HookPoint, RuleRef, WhyNot } from '../trace/event.js';
import type { Env } from './env.js';

/** What a rule sees (struct xt_action_param). Mutable only in `hotdrop`. */
export interface PacketCtx {
  readonly skb: Skb;
  readonly family: 'ipv4' | 'ipv6' | 'bridge' | 'arp' | 'netdev';
  readonly hook: HookPoint;
  readonly in: NetDevice | null;
  readonly out: NetDevice | null;
  readonly env: Env;
  /** The rule being evaluated, for events. */
  rule: RuleRef | null;
  hotdrop: boolean;
}

/** A value a field can have. Addresses compare by value in both families (base/addr.ts). */
export type Scalar = number | string;

/** A named reader of the packet. `undefined`: the packet has no such field (no transport header, no device): every test on it says no. */
export interface Field {
  readonly name: string;
  readonly read: (c: PacketCtx) => Scalar | undefined;
  /** How a value is shown to people. */
  readonly show: (v: Scalar) => string;
}

export type Pred =
  | { readonly op: 'between'; readonly field: Field; readonly lo: Scalar; readonly hi: Scalar }
  /** (field & mask) === value */
  | { readonly op: 'masked'; readonly field: Field; readonly mask: number; readonly value: number }
  | { readonly op: 'prefix'; readonly field: Field; readonly net: Addr; readonly len: number }
  | { readonly op: 'oneOf'; readonly field: Field; readonly values: ReadonlySet<Scalar> }
  /** The packet has no such field. */
  | { readonly op: 'absent'; readonly field: Field }
  | { readonly op: 'not'; readonly of: Pred }
  | { readonly op: 'all'; readonly of: readonly Pred[] }
  | { readonly op: 'any'; readonly of: readonly Pred[] }
  /** A pure question that needs code: sets, conntrack, routes, u32. `show` says what was wanted, `had` what the packet had. */
  | {
      readonly op: 'call';
      readonly name: string;
      readonly reads: readonly Field[];
      readonly test: (c: PacketCtx) => boolean;
      readonly show: string;
      readonly had?: (c: PacketCtx) => string;
    };

/** Holds for every packet. */
export const ALWAYS: Pred = { op: 'all', of: [] };
/** Holds for none. */
export const NEVER: Pred = { op: 'any', of: [] };
/** The field is there and lo <= it <= hi. */
export const between = (field: Field, lo: Scalar, hi: Scalar): Pred => ({ op: 'between', field, lo, hi });
/** The field is there and has this value. */
export const equals = (field: Field, v: Scalar): Pred => ({ op: 'between', field, lo: v, hi: v });
/** (field & mask) == value, both of 32 bits. */
export const masked = (field: Field, mask: number, value: number): Pred => ({ op: 'masked', field, mask: mask >>> 0, value: value >>> 0 });
/** The address lies in net/len. */
export const prefix = (field: Field, net: Addr, len: number): Pred => ({ op: 'prefix', field, net, len });
/** The field is there and has one of the values. */
export const oneOf = (field: Field, values: Iterable<Scalar>): Pred => ({ op: 'oneOf', field, values: new Set(values) });
/** The packet does not have the field. */
export const absent = (field: Field): Pred => ({ op: 'absent', field });
/** The negation; a field that is not there makes it true. */
export const not = (of: Pred): Pred => ({ op: 'not', of });
/** Every one holds; of none: true. */
export const all = (...of: Pred[]): Pred => (of.length === 1 ? of[0] : { op: 'all', of });
/** One holds; of none: false. */
export const any = (...of: Pred[]): Pred => (of.length === 1 ? of[0] : { op: 'any', of });
/** `p`, or its negation where `invert`. */
export const negateIf = (invert: boolean, p: Pred): Pred => (invert ? not(p) : p);
/** A question in code; `reads` are the fields that an explanation shows besides. */
export const call = (name: string, reads: readonly Field[], test: (c: PacketCtx) => boolean, show: string, had?: (c: PacketCtx) => string): Pred => ({
  op: 'call',
  name,
  reads,
  test,
  show,
  ...(had ? { had } : {}),
});

/** Does the predicate hold for this packet? A field that the packet does not have satisfies no comparison. */
export function test(p: Pred, c: PacketCtx): boolean {
  switch (p.op) {
    case 'between': {
      const v = p.field.read(c);
      return v !== undefined && v >= p.lo && v <= p.hi;
    }
    case 'masked': {
      const v = p.field.read(c);
      return v !== undefined && ((v as number) & p.mask) >>> 0 === p.value;
    }
    case 'prefix': {
      const v = p.field.read(c);
      return v !== undefined && inPrefix(v, p.net, p.len);
    }
    case 'oneOf': {
      const v = p.field.read(c);
      return v !== undefined && p.values.has(v);
    }
    case 'absent':
      return p.field.read(c) === undefined;
    case 'not':
      return !test(p.of, c);
    case 'all':
      for (const q of p.of) if (!test(q, c)) return false;
      return true;
    case 'any':
      for (const q of p.of) if (test(q, c)) return true;
      return false;
    case 'call':
      return p.test(c);
    default:
      return assertNever(p);
  }
}

/** Every field the predicate may look at. */
export function reads(p: Pred): readonly Field[] {
  switch (p.op) {
    case 'not':
      return reads(p.of);
    case 'all':
    case 'any':
      return p.of.flatMap(reads);
    case 'call':
      return p.reads;
    default:
      return [p.field];
  }
}

/** What the predicate wants, for people. */
export function show(p: Pred): string {
  switch (p.op) {
    case 'between':
      return p.lo === p.hi ? p.field.show(p.lo) : `${p.field.show(p.lo)} to ${p.field.show(p.hi)}`;
    case 'masked':
      return `0x${p.value.toString(16)}/0x${p.mask.toString(16)}`;
    case 'prefix':
      return `${formatAddr(p.net)}/${p.len}`;
    case 'oneOf':
      return `one of ${[...p.values].map(p.field.show).join(', ')}`;
    case 'absent':
      return 'none';
    case 'not':
      return `not ${show(p.of)}`;
    case 'all':
      return p.of.length === 0 ? 'anything' : p.of.map(show).join(' and ');
    case 'any':
      return p.of.length === 0 ? 'nothing' : p.of.map(show).join(' or ');
    case 'call':
      return p.show;
    default:
      return assertNever(p);
  }
}

/** Why `p` said no: the leaves that decided. Meant for a predicate that is false for `c`. */
export function whyNot(p: Pred, c: PacketCtx): readonly WhyNot[] {
  switch (p.op) {
    case 'all':
      for (const q of p.of) if (!test(q, c)) return whyNot(q, c);
      return [];
    case 'any':
      return p.of.length === 0 ? [{ field: 'rule', wanted: 'nothing', had: '' }] : p.of.flatMap((q) => whyNot(q, c));
    case 'not':
      return leafFields(p.of).map((f) => ({ field: f.name, wanted: show(p), had: had(p.of, f, c) }));
    default:
      return leafFields(p).map((f) => ({ field: f.name, wanted: show(p), had: had(p, f, c) }));
  }
}

function leafFields(p: Pred): readonly Field[] {
  if (p.op === 'call') return [{ name: p.name, read: () => undefined, show: String }];
  return reads(p).slice(0, 3);
}

function had(p: Pred, f: Field, c: PacketCtx): string {
  if (p.op === 'call') return p.had?.(c) ?? '';
  const v = f.read(c);
  return v === undefined ? 'none' : f.show(v);
}
