/** iptables-nft in the hooks: tracers with rule handles, and which base chains it made. */
import { byName, memoByIdentity } from '../base/memo.js';
import { type Handles, handlesOf } from '../netfilter/nftables/handles.js';
import type { NftChain, NftTable } from '../netfilter/nftables/model.js';
import { NftTracer } from '../netfilter/nftables/trace.js';
import type { NodeState } from '../scenario/model.js';
import type { RuleRef } from '../trace/event.js';

type IpFamily = 'ipv4' | 'ipv6';

/** What `nft list ruleset` shows of the node, rules of iptables-nft among it; none where it is not known. */
export const nftTables = (n: NodeState): readonly NftTable[] => n.nftRuleset ?? [];

const handles4 = memoByIdentity((n: NodeState): Handles | null => n.iptablesNft && handlesOf(n.iptablesNft, 'ipv4', nftTables(n)));
const handles6 = memoByIdentity((n: NodeState): Handles | null => n.ip6tablesNft && handlesOf(n.ip6tablesNft, 'ipv6', nftTables(n)));

/** Handles of the node's iptables-nft rules; null where it has none. */
export const nftHandles = (n: NodeState, family: IpFamily): Handles | null => (family === 'ipv4' ? handles4(n) : handles6(n));

export function nftTracer(n: NodeState, family: IpFamily): NftTracer | undefined {
  const h = nftHandles(n, family);
  return h ? new NftTracer(h) : undefined;
}

/** Does the base chain exist? iptables-nft makes only those that it is asked for; of tables that were there from the start, without a listing, all are taken to be there. */
export function hasNftChain(n: NodeState, family: IpFamily, table: string, chain: string): boolean {
  const set = family === 'ipv4' ? n.iptablesNft : n.ip6tablesNft;
  const rules = byName(set?.tables ?? [], table);
  if (rules?.hooked) return rules.hooked.includes(chain);
  const t = nftTables(n).find((x) => x.family === (family === 'ipv4' ? 'ip' : 'ip6') && x.name === table);
  if (t === undefined || byName(t.chains, chain)) return true;
  const model = byName(rules?.chains ?? [], chain);
  // Commands since the listing may have made it.
  return model !== undefined && (model.rules.length > 0 || model.policy === 'DROP');
}

/** The table that a rule of nftables stands in; undefined: the node has it no more. */
export const nftTableOf = (n: NodeState, r: Pick<RuleRef, 'family' | 'table'>): NftTable | undefined =>
  nftTables(n).find((t) => t.family === r.family && t.name === r.table);
/** Its chain likewise. */
export function nftChainOf(n: NodeState, r: Pick<RuleRef, 'family' | 'table' | 'chain'>): NftChain | undefined {
  const t = nftTableOf(n, r);
  return t && byName(t.chains, r.chain);
}
