/** The words of a rule that an event refers to, as iptables-save prints it; the text belongs to the node's state at that time. */
import { byName } from '../base/memo.js';
import type { XtRuleset } from '../netfilter/xtables/model.js';
import { printRule } from '../netfilter/xtables/print.js';
import type { NodeState } from '../scenario/model.js';
import type { RuleRef } from '../trace/event.js';

export function rulesetOf(n: NodeState, r: RuleRef): XtRuleset | null {
  if (r.backend === 'nft') return r.family === 'ipv6' ? n.ip6tablesNft : n.iptablesNft;
  return r.family === 'ipv6' ? n.ip6tables : n.iptables;
}

/** `-A CHAIN …`; for the end of a chain `policy DROP` or `end of CHAIN`; null where the rule is not known any more. */
export function ruleText(n: NodeState | undefined, r: RuleRef): string | null {
  if (!n || r.backend === 'ebtables' || r.family === 'bridge') return null;
  const table = byName(rulesetOf(n, r)?.tables ?? [], r.table);
  const chain = table && byName(table.chains, r.chain);
  if (!chain) return null;
  if (r.num === chain.rules.length + 1) return chain.policy === null ? `end of ${r.chain}` : `policy ${chain.policy}`;
  if (r.num < 1 || r.num > chain.rules.length) return null;
  return printRule(r.chain, chain.rules.at(r.num - 1), { family: r.family, table: r.table });
}

/** `table:CHAIN:N`. */
export const rulePlace = (r: RuleRef): string => `${r.table}:${r.chain}:${r.num}`;
