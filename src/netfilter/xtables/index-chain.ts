/**
 * An index per chain: which rules of a chain a packet can match at all. It only leaves out rules whose own predicates would say no, so that a walk over
 * what is left matches the same rules in the same order as the linear walk.
 *
 *   facts of a rule      what its tests demand of addresses, ports, protocol and devices, before the first step that decides or acts in its own way
 *   node                 one question (`destination/16`, `destination port`); a branch for each value asked for, and the rules that do not ask
 *   leaf                 rules that no further question tells apart
 *
 * Only fields that stand still while a table is walked are asked: no target that lets the walk go on rewrites addresses, ports or devices.
 */
import { dport, sport } from '../fields.js';
import { type Field, type PacketCtx, type Pred, type Scalar, test } from '../pred.js';
import { type Asked, asksOf } from './ask.js';
import { Branches } from './index-branches.js';
import { inIface, ipDst, ipProtocol, ipSrc, outIface } from './ip-fields.js';
import { loadedDport } from './transport.js';

/** Chains shorter than this are walked as they are. */
export const SHORTEST = 9;
/** Rules that are not worth another question. */
const LEAF = 4;
/** Rules looked at to choose a question. */
const SAMPLE = 256;
/** A question must save that share of the tests. */
const WORTHWHILE = 0.75;

/** Not loadedSport: in later fragments of IPv6 it is the start of the IP header, which TOS and DSCP rewrite. */
const stable: ReadonlySet<Field> = new Set([ipSrc, ipDst, ipProtocol, inIface, outIface, sport, dport, loadedDport]);

/** What a rule demands of a field: its value, or for addresses the first `len` bits of it. */
interface Fact {
  readonly field: Field;
  readonly value: Scalar;
  /** null: the value as it is. */
  readonly len: number | null;
}

/** A hotdrop in front of facts, with the protocol that its rule names: while it is false for the packet, those facts may be used. */
interface Guard {
  readonly proto: Scalar | null;
  readonly pred: Pred;
}

interface Question {
  readonly field: Field;
  readonly len: number | null;
}
interface Split extends Question {
  readonly branches: Branches<Split>;
  /** Rules that do not ask; null where there are none. */
  readonly others: Tree | null;
  /** The others stand in every branch as well: they were few. */
  readonly spread: boolean;
}
/** The place of a rule in the chain; below 0: of several, which stand in the index's pool. */
type Leaf = number;
type Tree = Split | Leaf;

/** The first `len` bits of an address, the others 0; an IPv4 address as number, an IPv6 address as its words. */
export function cut(v: Scalar, len: number): Scalar {
  if (typeof v === 'number') return len === 0 ? 0 : (v & (-1 << (32 - len))) >>> 0;
  const whole = len >> 4;
  const rest = len & 15;
  const head = v.slice(0, whole);
  return rest === 0 ? head : head + String.fromCharCode(v.charCodeAt(whole) & (0xffff << (16 - rest)));
}

const answer = (q: Question, v: Scalar): Scalar => (q.len === null ? v : cut(v, q.len));

function addFacts(p: Pred, out: Fact[]): void {
  switch (p.op) {
    case 'between':
      if (p.lo === p.hi && stable.has(p.field)) out.push({ field: p.field, value: p.lo, len: null });
      return;
    case 'prefix':
      if (p.len > 0 && stable.has(p.field)) out.push({ field: p.field, value: p.net, len: p.len });
      return;
    case 'all':
      for (const q of p.of) addFacts(q, out);
  }
}

/** A question that tells (a set test leaves an event) or may give up (inconclusive): what stands behind it must not keep it from being asked. */
function asks(p: Pred): boolean {
  switch (p.op) {
    case 'call':
      return true;
    case 'not':
      return asks(p.of);
    case 'all':
    case 'any':
      return p.of.some(asks);
    default:
      return false;
  }
}

function factsOf(rule: Asked, guards: Guard[]): readonly Fact[] {
  const facts: Fact[] = [];
  for (const a of asksOf(rule)) {
    if (a.op === 'stateful' || (a.op !== 'hotdrop' && asks(a))) break;
    if (a.op !== 'hotdrop') addFacts(a, facts);
    else if (!a.shared) break;
    else {
      const proto = facts.find((f) => f.field === ipProtocol)?.value ?? null;
      if (!guards.some((g) => g.pred === a.pred && g.proto === proto)) guards.push({ proto, pred: a.pred });
    }
  }
  return facts;
}

const fits = (q: Question, f: Fact): boolean => f.field === q.field && (q.len === null ? f.len === null : f.len !== null && f.len >= q.len);
const valueFor = (q: Question, facts: readonly Fact[]): Scalar | undefined => {
  const f = facts.find((x) => fits(q, x));
  return f && answer(q, f.value);
};

/** Rules left to try when the packet is one that such a rule looks for, on average: those asking for the same, and those that do not ask. */
function costOf(q: Question, sample: readonly (readonly Fact[])[]): number {
  const count = new Map<Scalar, number>();
  let others = 0;
  for (const facts of sample) {
    const v = valueFor(q, facts);
    if (v === undefined) others++;
    else count.set(v, (count.get(v) ?? 0) + 1);
  }
  let squares = 0;
  for (const n of count.values()) squares += n * n;
  return others === sample.length ? sample.length : others + squares / (sample.length - others);
}

function bestQuestion(rules: readonly number[], facts: readonly (readonly Fact[])[]): Question | null {
  const step = Math.max(1, rules.length / SAMPLE);
  const sample: (readonly Fact[])[] = [];
  for (let i = 0; i < rules.length; i += step) sample.push(facts[rules[Math.floor(i)]]);
  const questions: Question[] = [];
  for (const fs of sample)
    for (const f of fs) if (!questions.some((q) => q.field === f.field && q.len === f.len)) questions.push({ field: f.field, len: f.len });
  let best: Question | null = null;
  let least = sample.length * WORTHWHILE;
  for (const q of questions) {
    const cost = costOf(q, sample);
    if (cost < least) [best, least] = [q, cost];
  }
  return best;
}

/** Places of the rules of leaves with several, ascending: their number, then they. One array for a chain, so that packets touch little memory. */
class Pool {
  readonly #places: number[] = [];
  leaf(rules: readonly number[]): Leaf {
    if (rules.length === 1) return rules[0];
    const at = this.#places.push(rules.length) - 1;
    for (const r of rules) this.#places.push(r);
    return ~at;
  }
  get places(): Int32Array {
    return Int32Array.from(this.#places);
  }
}

function grow(rules: readonly number[], facts: readonly (readonly Fact[])[], pool: Pool): Tree {
  const q = rules.length <= LEAF ? null : bestQuestion(rules, facts);
  if (!q) return pool.leaf(rules);
  const groups = new Map<Scalar, number[]>();
  const others: number[] = [];
  for (const r of rules) {
    const v = valueFor(q, facts[r]);
    const group = v === undefined ? others : groups.get(v);
    if (group) group.push(r);
    else groups.set(v as Scalar, [r]);
  }
  const spread = others.length > 0 && others.length <= LEAF;
  const branches = new Branches([...groups].map(([v, group]) => [v, grow(spread ? [...group, ...others].sort((a, b) => a - b) : group, facts, pool)]));
  return { ...q, branches, others: others.length > 0 ? grow(others, facts, pool) : null, spread };
}

export class ChainIndex {
  readonly #tree: Tree;
  readonly #guards: readonly Guard[];
  readonly #length: number;
  readonly #pool: Int32Array;
  /** A leaf without rules. */
  readonly #none: Leaf;

  private constructor(tree: Tree, guards: readonly Guard[], length: number, pool: Pool) {
    this.#tree = tree;
    this.#guards = guards;
    this.#length = length;
    this.#none = pool.leaf([]);
    this.#pool = pool.places;
  }

  /** null where walking the chain as it stands is as good. */
  static of(rules: readonly Asked[]): ChainIndex | null {
    if (rules.length < SHORTEST) return null;
    const guards: Guard[] = [];
    const facts = rules.map((r) => factsOf(r, guards));
    const pool = new Pool();
    const tree = grow([...rules.keys()], facts, pool);
    return typeof tree === 'object' ? new ChainIndex(tree, guards, rules.length, pool) : null;
  }

  /** The rules that the packet may match, for `place`; null = try them all. */
  candidates(c: PacketCtx): Candidates | null {
    for (const g of this.#guards) if ((g.proto === null || g.proto === ipProtocol.read(c)) && test(g.pred, c)) return null;
    let t: Tree = this.#tree;
    // Mostly there is one way to go.
    while (typeof t === 'object') {
      const branch = branchFor(t, c);
      if (branch !== undefined && t.others !== null && !t.spread) return this.#several(t, c);
      t = branch ?? t.others ?? this.#none;
    }
    return t;
  }

  /** Place in the chain of candidate number `n`, ascending; -1 behind the last. */
  place(of: Candidates, n: number): number {
    if (typeof of === 'object') return of.at(n);
    if (of >= 0) return n === 0 ? of : -1;
    return n < this.#pool[~of] ? this.#pool[~of + 1 + n] : -1;
  }

  #several(from: Tree, c: PacketCtx): Candidates | null {
    const leaves: Leaf[] = [];
    collect(from, c, leaves);
    if (leaves.length <= 1) return leaves[0] ?? this.#none;
    // So many are left that keeping them in order costs more than trying all.
    const n = leaves.reduce((sum, l) => sum + (l < 0 ? this.#pool[~l] : 1), 0);
    return n * 8 > this.#length && n > 64 ? null : new Merge(leaves, this);
  }
}

function branchFor(t: Split, c: PacketCtx): Tree | undefined {
  const v = t.field.read(c);
  return v === undefined ? undefined : t.branches.get(answer(t, v));
}

function collect(from: Tree, c: PacketCtx, leaves: Leaf[]): void {
  for (let t: Tree | null = from; t !== null; ) {
    if (typeof t === 'number') {
      leaves.push(t);
      return;
    }
    const branch: Tree | undefined = branchFor(t, c);
    if (branch !== undefined) {
      if (t.spread || t.others === null) {
        t = branch;
        continue;
      }
      collect(branch, c, leaves);
    }
    t = t.others;
  }
}

/** Several leaves as one list, ascending; put together as far as a walk goes, since most walks end early. */
class Merge {
  readonly #leaves: readonly Leaf[];
  readonly #index: ChainIndex;
  /** How many of each leaf are taken. */
  readonly #taken: number[];
  readonly #found: number[] = [];

  constructor(leaves: readonly Leaf[], index: ChainIndex) {
    this.#leaves = leaves;
    this.#index = index;
    this.#taken = leaves.map(() => 0);
  }

  at(n: number): number {
    while (this.#found.length <= n) {
      const place = this.#least();
      if (place < 0) return -1;
      this.#found.push(place);
    }
    return this.#found[n];
  }

  #least(): number {
    let from = -1;
    let least = -1;
    for (let i = 0; i < this.#leaves.length; i++) {
      const place = this.#index.place(this.#leaves[i], this.#taken[i]);
      if (place < 0 || (from >= 0 && place >= least)) continue;
      from = i;
      least = place;
    }
    if (from >= 0) this.#taken[from]++;
    return least;
  }
}

/** Rules of a chain, as ChainIndex.place() counts them up. */
export type Candidates = Leaf | Merge;
