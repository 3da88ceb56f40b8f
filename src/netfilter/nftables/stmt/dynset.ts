/** `add @set { ip saddr timeout 1m limit rate 5/second }`, `update`, `delete`, `meter NAME { … }`: packets that change sets (nft_dynset.c). */
import type { PacketCtx } from '../../pred.js';
import { type ElementData, parseVerdict, SetIndex } from '../elements.js';
import { type NftExpr, parseExpr } from '../expr.js';
import { runOf, type SetDef, setNamed } from '../set.js';
import type { NftStep, NftStmtDef, StmtScope } from '../stmt.js';
import { NftError, type NftTokens } from '../tokens.js';
import { type NftType, nftDuration } from '../types.js';
import type { Stateful } from './stateful.js';
import { parseStatefuls } from './stateful-text.js';

type Op = 'add' | 'update' | 'delete';
/** What goes into a map; undefined: the packet has no such value. */
type Data = (c: PacketCtx) => ElementData | null | undefined;

interface Entry {
  readonly key: NftExpr;
  readonly data: Data;
  readonly timeout: number | null;
  readonly statefuls: readonly Stateful[];
}

function parseData(t: NftTokens, s: StmtScope, def: SetDef): Data {
  if (def.data === 'verdict') {
    const verdict = parseVerdict(t);
    if (!verdict) throw new NftError('a verdict is expected', t.peek());
    if ('chain' in verdict) s.chain(verdict.chain);
    return () => ({ kind: 'verdict', verdict });
  }
  if (def.data === 'object') {
    const name = t.string('the name of an object');
    return () => ({ kind: 'object', name });
  }
  const types: readonly NftType[] = def.data ?? [];
  const value = parseExpr(t, s, types[0] ?? null);
  return (c) => {
    const values = value.all(c);
    return values && { kind: 'value', types, values, ends: values };
  };
}

/** `{ KEY timeout 1m limit … : DATA }` */
function parseEntry(t: NftTokens, s: StmtScope, def: SetDef | null): Entry {
  t.expect('{');
  t.nested++;
  const key = parseExpr(t, s);
  let timeout: number | null = null;
  let data: Data = () => null;
  const statefuls: Stateful[] = [];
  while (!t.is('}')) {
    const token = t.peek();
    if (t.take('timeout')) timeout = nftDuration(t.word('a time').text);
    else if (t.take('comment')) t.string('a comment');
    else if (def !== null && t.take(':')) data = parseData(t, s, def);
    else {
      const more = parseStatefuls(t, s);
      if (more.length === 0) throw new NftError(`“${token.text.trim()}” is not known here`, token);
      statefuls.push(...more);
    }
  }
  t.nested--;
  t.expect('}');
  return { key, data, timeout, statefuls };
}

function step(op: Op, def: SetDef, e: Entry, name: string): NftStep {
  const run = (c: PacketCtx): boolean => {
    const key = e.key.all(c);
    const data = e.data(c);
    if (key === undefined || data === undefined) return false;
    const set = runOf(def, c);
    if (op === 'delete') {
      set.delete(key, c.env.now());
      return true;
    }
    const element = set.add({ key, data, timeout: e.timeout, statefuls: e.statefuls, update: op === 'update' }, c);
    return element !== null && set.passes(element, c);
  };
  return { kind: 'effect', name, run };
}

/** `@set { … }` */
function parseChange(t: NftTokens, op: Op, s: StmtScope): NftStep {
  t.expect('@');
  const name = t.string('the name of a set');
  const def = setNamed(s.table, name);
  if (!def) throw new NftError(`there is no set ${name} in table ${s.table.family} ${s.table.name}`, t.peek());
  return step(op, def, parseEntry(t, s, def), `${op} @${name}`);
}

const changes: NftStmtDef = {
  words: ['add', 'update', 'delete'],
  kernel: 'net/netfilter/nft_dynset.c',
  parse: (t, op, s) => (t.is('@') ? parseChange(t, op as Op, s) : null),
};

/** `set add KEY @set`, as older releases write it. */
const old: NftStmtDef = {
  words: ['set'],
  kernel: 'net/netfilter/nft_dynset.c',
  parse: (t, _, s) => {
    const op = t.take('add', 'update', 'delete') as Op | null;
    if (!op) return null;
    const key = parseExpr(t, s);
    t.expect('@');
    const name = t.string('the name of a set');
    const def = setNamed(s.table, name);
    if (!def) throw new NftError(`there is no set ${name} in table ${s.table.family} ${s.table.name}`, t.peek());
    return step(op, def, { key, data: () => null, timeout: null, statefuls: [] }, `${op} @${name}`);
  },
};

const METERS = new WeakMap<object, SetDef>();

/** A set of the rule's own. */
const meter: NftStmtDef = {
  words: ['meter'],
  kernel: 'net/netfilter/nft_dynset.c',
  parse: (t, _, s) => {
    const name = t.string('the name of a meter');
    const size = t.take('size') ? t.number('the size') : null;
    const entry = parseEntry(t, s, null);
    let def = METERS.get(s.instance());
    if (!def) {
      const flags = new Set(['dynamic']);
      def = {
        name,
        key: entry.key.types,
        data: null,
        flags,
        timeout: null,
        gcInterval: null,
        size,
        elements: [],
        index: new SetIndex([]),
        statements: '',
        stateful: false,
      };
      METERS.set(s.instance(), def);
    }
    return step('add', def, entry, `meter ${name}`);
  },
};

export const dynset: readonly NftStmtDef[] = [changes, old, meter];
