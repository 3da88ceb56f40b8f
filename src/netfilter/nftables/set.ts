/** Sets and maps: what stands between their braces, and looking a key up (nft_set_hash.c, nft_set_rbtree.c, nft_set_pipapo.c: of equal answers). */
import { nearest } from '../../base/diagnostic.js';
import { byName } from '../../base/memo.js';
import type { PacketCtx, Scalar } from '../pred.js';
import { type NftElement, type PartRange, parseElements, SetIndex } from './elements.js';
import { type NftExpr, type NftScope, parseExpr } from './expr.js';
import { type NftFamily, NftSet, type NftTable } from './model.js';
import { SetRun } from './set-run.js';
import { statementsOf } from './statements.js';
import { NftError, type NftToken, NftTokens } from './tokens.js';
import { type NftType, nftDuration, nftType } from './types.js';

/** What the values of a map are: of types (one a part), verdicts, or names of objects. */
export type DataKind = readonly NftType[] | 'verdict' | 'object' | null;

export interface SetDef {
  readonly name: string;
  readonly key: readonly NftType[];
  readonly data: DataKind;
  readonly flags: ReadonlySet<string>;
  /** ms; null: elements stay. */
  readonly timeout: number | null;
  /** ms between two collections of what has timed out; null: the kernel's own. */
  readonly gcInterval: number | null;
  /** Elements that packets may add until it is full; null: any number. */
  readonly size: number | null;
  readonly elements: readonly NftElement[];
  readonly index: SetIndex;
  /** What its elements keep besides: `counter`, `limit rate 5/second`. */
  readonly statements: string;
  /** Some of its elements have statements of their own. */
  readonly stateful: boolean;
}

/** A set as a rule names it. */
export interface SetUse {
  readonly def: SetDef;
  /** Types of a map's values. */
  readonly data: readonly NftType[];
}

/** By the set itself: an edit of another part of its table leaves what it holds, and what packets made of it, as it is. */
const defs = new WeakMap<NftSet, SetDef>();

/** The set of that name; undefined where the table has none. Throws NftError where its text is wrong. */
export function setNamed(table: NftTable, name: string): SetDef | undefined {
  const set = byName(table.sets, name);
  if (!set) return undefined;
  let def = defs.get(set);
  if (!def) {
    def = within(set, table);
    defs.set(set, def);
  }
  return def;
}
/** `typeof` may name what another set has. */
const reading = new WeakSet<NftSet>();

/** What is wrong with a set stands in its text, not in that of the rule which names it. */
function within(set: NftSet, table: NftTable): SetDef {
  if (reading.has(set)) throw new NftError(`${set.kind} ${set.name} is made of itself`, null);
  reading.add(set);
  try {
    return readSet(set, table);
  } catch (e) {
    if (!(e instanceof NftError)) throw e;
    throw new NftError(`${set.kind} ${set.name}: ${e.message}`, null, e.hint, 'nft-set');
  } finally {
    reading.delete(set);
  }
}
/** What is wrong with the text of a set of the table; null: nothing. Its token is one of the text. */
export function setProblem(set: NftSet, table: NftTable): NftError | null {
  try {
    setNamed(table, set.name);
    return null;
  } catch (e) {
    if (!(e instanceof NftError)) throw e;
  }
  try {
    readSet(set, table);
    return null;
  } catch (e) {
    if (!(e instanceof NftError)) throw e;
    return e;
  }
}

/** A set's types and flags; its elements are not read. */
export function setHeader(set: NftSet, family: NftFamily): SetDef {
  const head = statementsOf(set.text).filter((s) => !/^elements\s*=/.test(s));
  return readSet(new NftSet(set.name, set.kind, head.join('\n'), null), { family, name: '', chains: [], sets: [], objects: [] });
}

/** Statements of a set's block that say nothing about what it holds. */
const ASIDE = ['policy', 'comment', 'auto-merge'];
const STATEFUL = ['counter', 'quota', 'limit', 'ct', 'last'];

function readSet(set: NftSet, table: NftTable): SetDef {
  const t = new NftTokens(set.text);
  const scope: NftScope = { family: table.family, table, needs: new Set() };
  let key: readonly NftType[] = [];
  let data: DataKind = null;
  const flags = new Set<string>();
  let timeout: number | null = null;
  let gcInterval: number | null = null;
  let size: number | null = null;
  let elements: readonly NftElement[] = [];
  let statements = '';
  let merge = false;
  while (t.peek().kind !== 'end') {
    const token = t.next();
    if (token.kind === 'newline' || token.text === ';') continue;
    switch (token.text) {
      case 'type':
        ({ key, data } = readType(t));
        break;
      case 'typeof':
        ({ key, data } = readTypeof(t, scope));
        break;
      case 'flags':
        do flags.add(t.word('a flag').text);
        while (t.take(','));
        break;
      case 'timeout':
        timeout = nftDuration(t.word('a time').text);
        break;
      case 'gc-interval':
        gcInterval = nftDuration(t.word('a time').text);
        break;
      case 'size':
        size = t.number('the size');
        break;
      case 'elements':
        t.expect('=');
        elements = parseElements(t, key, data);
        break;
      default:
        if (token.text === 'auto-merge') merge = true;
        if (!ASIDE.includes(token.text) && !STATEFUL.includes(token.text)) throw new NftError(`“${token.text}” is not known in a ${set.kind}`, token);
        while (t.peek().kind !== 'newline' && t.peek().kind !== 'end' && t.peek().text !== ';') t.next();
        if (STATEFUL.includes(token.text)) statements = `${statements} ${t.text.slice(token.from, t.mark())}`.trim();
    }
  }
  if (flags.has('interval')) elements = ranges(elements, merge);
  return {
    name: set.name,
    key,
    data,
    flags,
    timeout,
    gcInterval,
    size,
    elements,
    index: new SetIndex(elements),
    statements,
    stateful: elements.some((e) => e.statements !== ''),
  };
}

/** Ranges of one part, in order; those that overlap or touch are one where `merge` says so. Throws NftError where they overlap otherwise. */
function ranges(elements: readonly NftElement[], merge: boolean): readonly NftElement[] {
  const lo = (e: NftElement): Scalar => (e.key as readonly PartRange[])[0].lo;
  const hi = (e: NftElement): Scalar => (e.key as readonly PartRange[])[0].hi;
  if (elements.some((e) => e.key?.length !== 1) || elements.every((e) => lo(e) === hi(e))) return elements;
  const out: NftElement[] = [];
  for (const e of elements.toSorted((a, b) => (lo(a) < lo(b) ? -1 : lo(a) > lo(b) ? 1 : 0))) {
    const last = out.at(-1);
    if (!last || lo(e) > hi(last)) out.push(e);
    else if (!merge && (lo(e) !== lo(last) || hi(e) !== hi(last)))
      throw new NftError('conflicting intervals specified', null, 'auto-merge makes one of intervals that overlap', 'nft-refused');
    else if (hi(e) > hi(last)) out[out.length - 1] = { ...last, key: [{ lo: lo(last), hi: hi(e) }] };
  }
  return out;
}

function readType(t: NftTokens): { key: readonly NftType[]; data: DataKind } {
  const key = typeNames(t);
  if (!t.take(':')) return { key, data: null };
  if (t.take('verdict')) return { key, data: 'verdict' };
  if (t.take('counter', 'quota', 'limit', 'secmark', 'synproxy')) return { key, data: 'object' };
  if (t.take('ct')) {
    t.word('an object');
    return { key, data: 'object' };
  }
  t.take('interval');
  return { key, data: typeNames(t) };
}
function typeNames(t: NftTokens): readonly NftType[] {
  const out: NftType[] = [];
  do {
    const word = t.word('a type');
    const type = nftType(word.text);
    if (!type) throw new NftError(`“${word.text}” is no type`, word);
    out.push(type);
  } while (t.take('.'));
  return out;
}
function readTypeof(t: NftTokens, s: NftScope): { key: readonly NftType[]; data: DataKind } {
  const key = parseExpr(t, s).types;
  if (!t.take(':')) return { key, data: null };
  if (t.take('verdict')) return { key, data: 'verdict' };
  t.take('interval');
  return { key, data: parseExpr(t, s).types };
}

function missingSet(table: NftTable, name: NftToken): NftError {
  const names = table.sets.map((x) => x.name);
  const near = nearest(name.text, names);
  const hint = near ? `did you mean “${near}”?` : names.length === 0 ? 'the table has no sets' : `sets: ${names.slice(0, 12).join(', ')}`;
  return new NftError(`there is no set ${name.text} in table ${table.family} ${table.name}`, name, hint, 'nft-unknown-set');
}

/** `@name` or `{ … }` in a rule. */
export function setUse(t: NftTokens, s: NftScope, key: readonly NftType[], want: 'set' | 'map' | 'vmap'): SetUse {
  const token = t.peek();
  if (t.take('@')) {
    const name = t.word('the name of a set');
    const def = setNamed(s.table, name.text);
    if (!def) throw missingSet(s.table, name);
    if (want === 'vmap' ? def.data !== 'verdict' : want === 'map' ? def.data === null || def.data === 'verdict' : def.data !== null)
      throw new NftError(`${name.text} is not a ${want === 'vmap' ? 'map of verdicts' : want}`, name);
    return { def, data: Array.isArray(def.data) ? def.data : [] };
  }
  if (!t.is('{')) throw new NftError('a set is expected: @name or { … }', token);
  const written = parseElements(t, key, want === 'set' ? null : want === 'vmap' ? 'verdict' : 'any');
  const elements = ranges(written, want === 'set');
  const data = elements.find((e) => e.data?.kind === 'value')?.data;
  const types = data?.kind === 'value' ? data.types : [];
  return {
    def: {
      name: '',
      key,
      data: want === 'vmap' ? 'verdict' : want === 'map' ? types : null,
      flags: new Set(),
      timeout: null,
      gcInterval: null,
      size: null,
      elements,
      index: new SetIndex(elements),
      statements: '',
      stateful: elements.some((e) => e.statements !== ''),
    },
    data: types,
  };
}

/** What packets made of a set in this run. */
export const runOf = (def: SetDef, c: PacketCtx): SetRun => c.env.state(def, () => new SetRun(def, c.env.started()));

/** The element that has the key, null where none has. */
export function lookup(use: SetUse, key: readonly Scalar[], c: PacketCtx): NftElement | null {
  const { def } = use;
  return isPlain(def) ? def.index.find(key) : runOf(def, c).find(key, c.env.now());
}
/** Nothing of it changes, and packets leave nothing beside its elements. */
const isPlain = (def: SetDef): boolean => def.flags.size === 0 && def.timeout === null && def.statements === '' && !def.stateful;

/** Do the statements beside the element let the rule go on? */
export const passes = ({ def }: SetUse, e: NftElement, c: PacketCtx): boolean => isPlain(def) || runOf(def, c).passes(e, c);

/** The key of an expression that adds to a set. */
export const keyOf = (e: NftExpr, c: PacketCtx): readonly Scalar[] | undefined => e.all(c);
