/** Handles of rules: those of the listing, else those of a fresh `nft -f` of the text (nf_tables_alloc_handle()). */
import { memoByIdentity } from '../../base/memo.js';
import type { NftRule, NftTable } from './model.js';

/** One counter a table: first over chains, then objects, sets, and rules, of which each takes one more for every set written in it. */
export const ruleHandles = memoByIdentity((t: NftTable): ReadonlyMap<NftRule, number> => {
  const out = new Map<NftRule, number>();
  let next = t.chains.length + t.objects.length + t.sets.length;
  for (const chain of t.chains) {
    for (const r of chain.rules) {
      next += 1 + (r.text.replace(/"[^"]*"/g, '').match(/\{/g)?.length ?? 0);
      out.set(r, r.handle ?? next);
    }
  }
  return out;
});
