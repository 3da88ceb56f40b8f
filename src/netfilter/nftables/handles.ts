/** Rule handles: what nft and xtables-monitor name rules by. */
import type { Family } from '../../base/addr.js';
import { byName } from '../../base/memo.js';
import type { RuleRef } from '../../trace/event.js';
import type { XtRuleset, XtTable } from '../xtables/model.js';
import type { NftTable } from './model.js';

export interface Handles {
  /** The handle of a rule; undefined for the end of a chain. */
  of(r: RuleRef): number | undefined;
  /** False: no listing with handles was given; they are those of a fresh iptables-nft-restore. */
  readonly listed: boolean;
}

type PerChain = ReadonlyMap<string, readonly (number | null)[]>;

/** Handles from a listing where it agrees with the rule set about the number of rules, else those of a fresh load. */
export function handlesOf(set: XtRuleset, family: Family, listing: readonly NftTable[]): Handles {
  const perTable = new Map<string, PerChain>();
  let listed = true;
  const nfFamily = family === 'ipv6' ? 'ip6' : 'ip';
  for (const t of set.tables) {
    const from = listing.find((l) => l.family === nfFamily && l.name === t.name);
    const known = from && listedHandles(t, from);
    if (!known) listed = false;
    perTable.set(t.name, known ?? freshHandles(t));
  }
  return {
    listed,
    of: (r) => perTable.get(r.table)?.get(r.chain)?.[r.num - 1] ?? undefined,
  };
}

/** Does the listing show these very rules: every table, every chain with as many rules, and at least one rule? Then iptables-nft loaded them. */
export function listsRules(set: XtRuleset, family: Family, listing: readonly NftTable[]): boolean {
  const nfFamily = family === 'ipv6' ? 'ip6' : 'ip';
  let rules = 0;
  for (const t of set.tables) {
    const from = listing.find((l) => l.family === nfFamily && l.name === t.name);
    for (const ch of t.chains) {
      if ((byName(from?.chains ?? [], ch.name)?.rules.length ?? 0) !== ch.rules.length) return false;
      rules += ch.rules.length;
    }
  }
  return rules > 0;
}

function listedHandles(t: XtTable, from: NftTable): PerChain | null {
  const out = new Map<string, readonly (number | null)[]>();
  for (const ch of t.chains) {
    const rules = byName(from.chains, ch.name)?.rules ?? [];
    if (rules.length !== ch.rules.length || rules.some((r) => r.handle === null)) return null;
    out.set(
      ch.name,
      rules.map((r) => r.handle),
    );
  }
  return out;
}

/**
 * Handles after iptables-nft-restore into an empty table: one counter per table (nf_tables_alloc_handle()), first over the chains, then over the rules in
 * the order of the text, which iptables-save writes chain by chain.
 */
export function freshHandles(t: XtTable): PerChain {
  const out = new Map<string, readonly number[]>();
  let next = t.chains.length + 1;
  for (const ch of t.chains)
    out.set(
      ch.name,
      Array.from({ length: ch.rules.length }, () => next++),
    );
  return out;
}
