/** Compiled tables of nftables, walked by the same walker as iptables (xtables/walk.ts): nft_do_chain(). */
import { memoByIdentity } from '../../base/memo.js';
import type { RuleRef } from '../../trace/event.js';
import { asked } from '../xtables/ask.js';
import type { WalkChain, WalkRule, WalkTable } from '../xtables/walk.js';
import type { NftNeed } from './expr.js';
import type { NftChain, NftTable } from './model.js';
import { ruleCode } from './rule.js';
import { ruleHandles } from './rule-handles.js';

export interface NftWalkChain extends WalkChain {
  readonly source: NftChain;
}

type Chained = WalkRule & { next: WalkRule | null };

function compileChain(table: NftTable, source: NftChain, at: number): NftWalkChain {
  const handles = ruleHandles(table);
  const ref = (num: number): RuleRef => {
    const rule = source.rules[num - 1];
    const handle = rule && handles.get(rule);
    return { backend: 'nftables', family: table.family, table: table.name, chain: source.name, num, ...(handle === undefined ? {} : { handle }) };
  };
  const rules = source.rules.map((r, i): Chained => {
    const { asks, action } = ruleCode(table, r);
    return { ...asked(asks), action, ref: ref(i + 1), next: null };
  });
  for (let i = 1; i < rules.length; i++) rules[i - 1].next = rules[i];
  return {
    at,
    policy: source.base === null ? null : source.base.policy === 'drop' ? 'DROP' : 'ACCEPT',
    rules,
    first: rules[0] ?? null,
    length: rules.length,
    end: ref(source.rules.length + 1),
    source,
    named: (_, place) => ref(place + 1),
  };
}

/** A table whose chains are compiled when a packet first comes to them. */
export function compileNftTable(t: NftTable): WalkTable<NftWalkChain> {
  return tables(t);
}
const tables = memoByIdentity((t: NftTable): WalkTable<NftWalkChain> => {
  const made = new Map<string, NftWalkChain>();
  const places = new Map<string, { readonly chain: NftChain; readonly at: number }>();
  let slots = 0;
  for (const chain of t.chains) {
    places.set(chain.name, { chain, at: slots });
    slots += chain.rules.length + 1;
  }
  return {
    slots,
    chain: (name) => {
      const place = places.get(name);
      if (!place) return undefined;
      let c = made.get(name);
      if (!c) {
        c = compileChain(t, place.chain, place.at);
        made.set(name, c);
      }
      return c;
    },
  };
});

/** What rules of the table ask the kernel for. */
export function nftNeeds(t: NftTable): ReadonlySet<NftNeed> {
  return needs(t);
}
const needs = memoByIdentity((t: NftTable) => new Set(t.chains.flatMap((c) => c.rules.flatMap((r) => [...ruleCode(t, r).needs]))));
