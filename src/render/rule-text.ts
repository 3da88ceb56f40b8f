/** The words of a rule that an event refers to, as iptables-save prints it; the text belongs to the node's state at that time. */
import { byName } from '../base/memo.js';
import type { XtRuleset } from '../netfilter/xtables/model.js';
import { printRule } from '../netfilter/xtables/print.js';
import type { NodeState } from '../scenario/model.js';
import { nftChainOf, nftTableOf } from '../stack/nft-steps.js';
import { isXtRule, type RuleRef } from '../trace/event.js';

export function rulesetOf(n: NodeState, r: RuleRef): XtRuleset | null {
  if (!isXtRule(r)) return null;
  if (r.backend === 'nft') return r.family === 'ipv6' ? n.ip6tablesNft : n.iptablesNft;
  return r.family === 'ipv6' ? n.ip6tables : n.iptables;
}

/** A rule as its tool prints it; for the end of a chain `policy DROP` or `end of CHAIN`; null where the rule is not known any more. */
export function ruleText(n: NodeState | undefined, r: RuleRef): string | null {
  if (!n) return null;
  if (r.backend === 'nftables') return nftRuleText(n, r);
  if (!isXtRule(r)) return null;
  const table = byName(rulesetOf(n, r)?.tables ?? [], r.table);
  const chain = table && byName(table.chains, r.chain);
  if (!chain) return null;
  if (r.num === chain.rules.length + 1) return chain.policy === null ? `end of ${r.chain}` : `policy ${chain.policy}`;
  if (r.num < 1 || r.num > chain.rules.length) return null;
  return printRule(r.chain, chain.rules.at(r.num - 1), { family: r.family, table: r.table });
}

function nftRuleText(n: NodeState, r: RuleRef): string | null {
  const chain = nftChainOf(n, r);
  if (!chain) return null;
  if (r.num === chain.rules.length + 1) return chain.base === null ? `end of ${r.chain}` : `policy ${chain.base.policy}`;
  return chain.rules[r.num - 1]?.text.replace(/\s+/g, ' ') ?? null;
}

/** Does the rule's table filter, or translate? One of nftables may do both. */
export function tableDoes(n: NodeState | undefined, r: RuleRef, what: 'filter' | 'nat'): boolean {
  if (r.backend !== 'nftables') return r.table === what || (what === 'filter' && r.table === 'security');
  return (n && nftTableOf(n, r))?.chains.some((c) => c.base?.type === what) ?? false;
}
