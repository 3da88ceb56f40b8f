/** Handles of rules: those of the listing, else those that the kernel gives out while `nft -f` loads the text (nf_tables_alloc_handle()). */
import { memoByIdentity } from '../../base/memo.js';
import type { NftRule, NftTable } from './model.js';
import { NftError, NftTokens } from './tokens.js';

export const ruleHandles = memoByIdentity((t: NftTable): ReadonlyMap<NftRule, number> => t.numbers ?? freshNumbers(t));

/** One counter a table: first over chains, then objects, sets, and rules. */
function freshNumbers(t: NftTable): ReadonlyMap<NftRule, number> {
  const out = new Map<NftRule, number>();
  let next = t.chains.length + t.objects.length + t.sets.length;
  for (const chain of t.chains) {
    for (const r of chain.rules) {
      next += 1 + setsWithin(r.text);
      out.set(r, r.handle ?? next);
    }
  }
  return out;
}

/** Sets written in a rule, which are numbered before it. One of a single value is none: nft compares with the value. */
export function setsWithin(rule: string): number {
  if (!rule.includes('{')) return 0;
  const t = new NftTokens(rule);
  let sets = 0;
  try {
    for (let before = ['', '']; !t.ended; ) {
      const { text, kind } = t.next();
      if (kind === 'punct' && text === '{') sets += isSet(t, before) ? 1 : 0;
      before = [before[1], kind === 'string' ? '' : text];
    }
  } catch (e) {
    if (!(e instanceof NftError)) throw e;
  }
  return sets;
}

/** Behind `@name` stands what a packet adds to a set that is there; a meter is a set of its own. */
function isSet(t: NftTokens, [second, last]: readonly string[]): boolean {
  if (second === '@') return false;
  if (second === 'meter' || second === 'size' || last === 'map' || last === 'vmap') return true;
  const from = t.mark();
  let plain = true;
  for (let token = t.next(); token.kind !== 'end' && !(token.kind === 'punct' && token.text === '}'); token = t.next())
    if (token.kind !== 'string' && [',', '.', ':', '{'].includes(token.text)) plain = false;
  t.reset(from);
  return !plain;
}
