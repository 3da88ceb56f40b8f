/** `counter name "x"`, `quota name ip saddr map { … }`: objects of the table, one of them or the one that a map has for the packet (nft_objref.c). */
import { memoByIdentity } from '../../../base/memo.js';
import type { PacketCtx } from '../../pred.js';
import { parseExpr } from '../expr.js';
import type { NftObject } from '../model.js';
import type { NftStep, StmtScope } from '../stmt.js';
import { NftError, NftTokens } from '../tokens.js';
import { parseCounter } from './counter.js';
import { helperOf, setHelper } from './ct-helper.js';
import { parseLimit } from './limit.js';
import { parseQuota } from './quota.js';
import { runKept, type StatefulParser } from './stateful.js';

/** Does the rule go on? */
export type ObjectRun = (c: PacketCtx) => boolean;

const KINDS: ReadonlyMap<string, StatefulParser> = new Map<string, StatefulParser>([
  ['counter', parseCounter],
  ['limit', parseLimit],
  ['quota', parseQuota],
]);

/** What the object does to packets; null: its kind is not evaluated. Throws NftError where its text is wrong. */
export const objectRun = memoByIdentity((o: NftObject): ObjectRun | null => {
  if (o.kind === 'ct helper') {
    const helper = helperOf(o);
    return (c) => {
      setHelper(c, helper);
      return true;
    };
  }
  const parse = KINDS.get(o.kind);
  if (!parse) return null;
  const t = new NftTokens(o.text);
  t.nested = 1;
  while (t.take('comment', ';')) if (t.peek().kind === 'string') t.next();
  const kept = parse(t);
  return (c) => runKept(kept, o, c);
});

/** `"x"`, or a map behind an expression. */
export function objectStep(t: NftTokens, kind: string, s: StmtScope): NftStep {
  const token = t.peek();
  const name = token.kind === 'string' || (token.kind === 'word' && s.table.objects.some((o) => o.kind === kind && o.name === token.text));
  const found = name ? objectRun(s.object(kind, t.next().text) as NftObject) : mappedObject(t, kind, s);
  return found ? { kind: 'effect', name: `${kind} name`, run: found } : { kind: 'unsupported', what: `nft: ${kind} "${token.text}"` };
}

function mappedObject(t: NftTokens, kind: string, s: StmtScope): ObjectRun {
  const token = t.peek();
  const map = parseExpr(t, s);
  const element = map.element;
  if (!element) throw new NftError('the name of an object or a map of names is expected', token);
  const runs = new Map<string, ObjectRun>();
  const runOf = (name: string): ObjectRun => objectRun(s.object(kind, name) as NftObject) ?? ((c) => c.env.inconclusive(`nft: ${kind} "${name}"`, c));
  return (c) => {
    const data = element(c)?.data;
    const name = data?.kind === 'object' ? data.name : data?.kind === 'value' ? String(data.values[0]) : null;
    if (name === null) return false;
    let run = runs.get(name);
    if (!run) runs.set(name, (run = runOf(name)));
    return run(c);
  };
}
