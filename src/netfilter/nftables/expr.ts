/**
 * Expressions of a rule: what is read of the packet, computed with, looked up in maps. An expression that the packet cannot answer (no such header, no
 * connection) breaks the rule, whatever it is compared with (NFT_BREAK).
 *
 *   concat: binary { . binary }         binary: primary { & | ^ << >> primary }         primary: ( … ) | read | constant, and `map` behind any
 */
import type { PacketCtx, Scalar } from '../pred.js';
import { bitAnd, bitOr, bitXor, type Operator, shiftLeft, shiftRight } from './bitwise.js';
import { nftReads } from './expr/index.js';
import type { NftFamily, NftTable } from './model.js';
import { lookup, passes, type SetUse, setUse } from './set.js';
import { NftError, type NftToken, type NftTokens } from './tokens.js';
import { integer, type NftType } from './types.js';

/** Where a rule stands. */
export interface NftScope {
  readonly family: NftFamily;
  readonly table: NftTable;
  /** What the rule asks of the kernel: filled while it is read. */
  readonly needs: Set<NftNeed>;
}
/** nf_ct_netns_get(), nf_defrag_ipv4_enable(). */
export type NftNeed = 'conntrack' | 'conntrack-ipv4' | 'conntrack-ipv6' | 'defrag';

export interface NftExpr {
  /** As written. */
  readonly text: string;
  /** One a part of a concatenation. */
  readonly types: readonly NftType[];
  /** The first part, mostly the only one. */
  readonly one: (c: PacketCtx) => Scalar | undefined;
  readonly all: (c: PacketCtx) => readonly Scalar[] | undefined;
  /** It reads nothing. */
  readonly constant?: Scalar;
  /** Of a map: the element itself, whose values may be ranges or names of objects. */
  readonly element?: (c: PacketCtx) => ReturnType<typeof find>;
  /** What was read is computed with: nothing is implied of flags any more. */
  readonly computed?: true;
  /** Every part stands in the kernel's registers as whole bytes in the order of the wire. */
  readonly wire?: true;
  /** Bits of its last byte behind it. */
  readonly behind?: number;
  /** `ip dscp >> 2` inside of a concatenation: so nft lists what moves `ip dscp` to the end of its byte, which is `ip dscp`. */
  readonly moved?: NftExpr;
}

/** A key of an expression: `ip saddr`, `meta mark`. */
export interface NftRead {
  readonly type: NftType;
  readonly read: (c: PacketCtx) => Scalar | undefined;
  /** It stands in a register as that many bytes in the order of the wire. */
  readonly bytes?: number;
  /** Of a field that does not end with a byte: how many bits of it are behind. */
  readonly behind?: number;
}

/** One file each in expr/. */
export interface NftReadDef {
  /** Words that begin it. */
  readonly words: readonly string[];
  /** Kernel source. */
  readonly kernel: string;
  readonly needs?: NftNeed;
  /** The word is taken; what follows is read. Null: here the word does not begin such an expression. */
  readonly parse: (t: NftTokens, word: string, s: NftScope) => NftRead | null;
}

export const single = (text: string, type: NftType, read: NftRead['read']): NftExpr => ({
  text,
  types: [type],
  one: read,
  all: (c) => {
    const v = read(c);
    return v === undefined ? undefined : [v];
  },
});

const constant = (text: string, type: NftType, v: Scalar): NftExpr => ({ ...single(text, type, () => v), constant: v });

/** A whole expression. `type`: of the constants that may stand in it, null where it has to begin with something read. */
export function parseExpr(t: NftTokens, s: NftScope, type: NftType | null = null): NftExpr {
  const from = t.mark();
  const parts = [parseBinary(t, s, type)];
  while (t.take('.')) parts.push(parseBinary(t, s, null));
  const key =
    parts.length === 1
      ? parts[0]
      : concat(
          t.text.slice(from, t.mark()).trim(),
          parts.map((p) => p.moved ?? p),
        );
  return t.is('map') ? mapped(t, s, key, from) : key;
}

function concat(text: string, parts: readonly NftExpr[]): NftExpr {
  return {
    text,
    types: parts.flatMap((p) => p.types),
    ...(parts.every((p) => p.wire) ? { wire: true as const } : {}),
    one: parts[0].one,
    all: (c) => {
      const out: Scalar[] = [];
      for (const p of parts) {
        const v = p.one(c);
        if (v === undefined) return undefined;
        out.push(v);
      }
      return out;
    },
  };
}

/** nft_lookup with a destination: what the map has for the key. */
function mapped(t: NftTokens, s: NftScope, key: NftExpr, from: number): NftExpr {
  t.expect('map');
  const use = setUse(t, s, key.types, 'map');
  const element = (c: PacketCtx): ReturnType<typeof find> => find(use, key, c);
  const all = (c: PacketCtx): readonly Scalar[] | undefined => {
    const data = element(c)?.data;
    return data?.kind === 'value' ? data.values : undefined;
  };
  return { text: t.text.slice(from, t.mark()).trim(), types: use.data, one: (c) => all(c)?.[0], all, element };
}

/**
 * The element that has the key; null: none; undefined: the packet has no such key, or statements beside the element end the rule. `negated`: none is wanted, and what stands
 * beside the element is not asked.
 */
export function find(use: SetUse, key: NftExpr, c: PacketCtx, negated = false): ReturnType<typeof lookup> | undefined {
  const values = key.all(c);
  if (values === undefined) return undefined;
  const hit = lookup(use, values, c);
  if (c.env.rec.on && use.def.name !== '') tellLookup(use, key, values, hit !== null, c);
  return hit !== null && !negated && !passes(use, hit, c) ? undefined : hit;
}

function tellLookup(use: SetUse, key: NftExpr, values: readonly Scalar[], hit: boolean, c: PacketCtx): void {
  const member = values.map((v, i) => key.types[i].show(v)).join(' . ');
  c.env.rec.event({ t: 'set-test', node: c.env.node, skb: c.skb.id, time: c.env.now(), set: `@${use.def.name}`, member, hit, rule: c.rule });
}

const OPERATORS = new Map([
  ['|', 1],
  ['or', 1],
  ['^', 2],
  ['xor', 2],
  ['&', 3],
  ['and', 3],
  ['<<', 4],
  ['lshift', 4],
  ['>>', 4],
  ['rshift', 4],
]);

function parseBinary(t: NftTokens, s: NftScope, type: NftType | null, above = 0): NftExpr {
  const from = t.mark();
  let left = parsePrimary(t, s, type);
  for (;;) {
    const sign = t.peek();
    const rank = sign.kind === 'string' ? undefined : OPERATORS.get(sign.text);
    if (rank === undefined || rank <= above) return left;
    t.next();
    const right = parseBinary(t, s, rank === 4 ? integer(8) : left.types[0], rank);
    left = computed(t.text.slice(from, t.mark()).trim(), left, sign, right);
  }
}

function computed(text: string, left: NftExpr, sign: NftToken, right: NftExpr): NftExpr {
  const op = compute(sign);
  const type = left.types[0];
  if ((op === shiftLeft || op === shiftRight) && type.bits > 48) throw new NftError('not modelled: more than 48 bits shifted', sign);
  if (left.constant !== undefined && right.constant !== undefined) return constant(text, type, op(left.constant, right.constant));
  const read = (c: PacketCtx): Scalar | undefined => {
    const a = left.one(c);
    const b = right.one(c);
    return a === undefined || b === undefined ? undefined : op(a, b);
  };
  const moved = op === shiftRight && left.behind !== undefined && left.behind === right.constant ? { moved: left } : {};
  return { ...single(text, type, read), ...moved, computed: true };
}

const OPS: Readonly<Record<string, Operator>> = { '&': bitAnd, '|': bitOr, '^': bitXor, '<<': shiftLeft, '>>': shiftRight };
const WORDS = new Map([
  ['and', '&'],
  ['or', '|'],
  ['xor', '^'],
  ['lshift', '<<'],
  ['rshift', '>>'],
]);
const compute = (sign: NftToken): Operator => OPS[WORDS.get(sign.text) ?? sign.text];

const parsePrimary = (t: NftTokens, s: NftScope, type: NftType | null): NftExpr => t.inside(() => primary(t, s, type));

function primary(t: NftTokens, s: NftScope, type: NftType | null): NftExpr {
  const token = t.peek();
  if (t.take('(')) {
    t.nested++;
    const e = parseExpr(t, s, type);
    t.nested--;
    t.expect(')');
    return e;
  }
  const read = token.kind === 'word' || token.text === '@' ? readAt(t, s) : null;
  if (read) return read;
  if (type) {
    const v = token.kind === 'word' || token.kind === 'string' ? type.parse(token.text) : null;
    if (v !== null) {
      t.next();
      return constant(token.text, type, v);
    }
    throw new NftError(`“${token.text.trim()}” is no ${type.name}`, token);
  }
  throw new NftError(token.kind === 'end' ? 'something is missing' : `“${token.text.trim()}” is not known`, token);
}

/** A key of the packet that begins here; null: none does. */
function readAt(t: NftTokens, s: NftScope): NftExpr | null {
  const token = t.peek();
  const defs = nftReads.get(token.text);
  if (!defs) return null;
  const from = t.mark();
  for (const def of defs) {
    t.next();
    const read = def.parse(t, token.text, s);
    if (read && def.needs) s.needs.add(def.needs);
    if (read) {
      const wire = read.bytes === undefined ? {} : { wire: true as const };
      const behind = read.behind === undefined ? {} : { behind: read.behind };
      return { ...single(t.text.slice(from, t.mark()).trim(), read.type, read.read), ...wire, ...behind };
    }
    t.reset(from);
  }
  return null;
}
