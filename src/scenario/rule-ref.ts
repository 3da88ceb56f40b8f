/** Rules by place, as expectations name them: `filter:FORWARD:3`, `node1 nat:KUBE-SERVICES:17`, also as TRACE writes them (`filter:FORWARD:rule:3`). */
import type { NodeState } from './model.js';

export interface RuleName {
  /** null: any node. */
  readonly node: string | null;
  readonly table: string;
  readonly chain: string;
  /** From 1; rules + 1 is the end of the chain. null: any rule of the chain. */
  readonly num: number | null;
}

/** null if the text is no name of a rule. */
export function parseRuleName(text: string): RuleName | null {
  const m = /^(?:(\S+)\s+)?(raw|mangle|nat|filter|security):([^:\s]+)(?::(?:rule:|return:|policy:)?(\d{1,6}))?$/.exec(text.trim());
  return m ? { node: m[1] ?? null, table: m[2], chain: m[3], num: m[4] === undefined ? null : Number(m[4]) } : null;
}

/** Chains of that table in any rule set of a node, with the largest number that a TRACE line may show. */
export function chainsOf(n: NodeState, table: string): { readonly name: string; readonly last: number }[] {
  const out: { name: string; last: number }[] = [];
  for (const set of [n.iptables, n.ip6tables, n.iptablesNft, n.ip6tablesNft])
    for (const t of set?.tables ?? []) if (t.name === table) for (const c of t.chains) out.push({ name: c.name, last: c.rules.length + 1 });
  return out;
}
