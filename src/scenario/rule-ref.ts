/**
 * Rules by place, as expectations name them: `filter:FORWARD:3`, `node1 nat:KUBE-SERVICES:17`, also as TRACE writes them (`filter:FORWARD:rule:3`); of nftables
 * with the family in front: `inet filter forward:3`.
 */
import type { RuleRef } from '../trace/event.js';
import type { NodeState } from './model.js';

export interface RuleName {
  /** null: any node. */
  readonly node: string | null;
  /** Of nftables family and name, with a blank between. */
  readonly table: string;
  readonly chain: string;
  /** From 1; rules + 1 is the end of the chain. null: any rule of the chain. */
  readonly num: number | null;
}

const XTABLES = /^(?:(\S+)\s+)?(raw|mangle|nat|filter|security):([^:\s]+)(?::(?:rule:|return:|policy:)?(\d{1,6}))?$/;
const NFTABLES = /^(?:(\S+)\s+)??((?:ip|ip6|inet|arp|bridge|netdev)\s+[^\s:]+)\s+([^\s:]+)(?:[:\s]\s*(\d{1,6}))?$/;

/** null if the text is no name of a rule. */
export function parseRuleName(text: string): RuleName | null {
  const m = XTABLES.exec(text.trim()) ?? NFTABLES.exec(text.trim());
  return m ? { node: m[1] ?? null, table: m[2].replace(/\s+/, ' '), chain: m[3], num: m[4] === undefined ? null : Number(m[4]) } : null;
}

/** The table of a rule as names of rules have it. */
export const tableOfRule = (r: RuleRef): string => (r.backend === 'nftables' ? `${r.family} ${r.table}` : r.table);

/** `filter:FORWARD`, `inet filter forward`. */
export const chainWords = (table: string, chain: string): string => `${table}${table.includes(' ') ? ' ' : ':'}${chain}`;

/** Every table that names of rules may name. */
export const tablesOf = (n: NodeState): readonly string[] => [...XT_TABLES, ...(n.nftRuleset ?? []).map((t) => `${t.family} ${t.name}`)];
const XT_TABLES = ['raw', 'mangle', 'nat', 'filter', 'security'];

/** Chains of that table in any rule set of a node, with the largest number that a TRACE line may show. */
export function chainsOf(n: NodeState, table: string): { readonly name: string; readonly last: number }[] {
  const out: { name: string; last: number }[] = [];
  for (const set of [n.iptables, n.ip6tables, n.iptablesNft, n.ip6tablesNft])
    for (const t of set?.tables ?? []) if (t.name === table) for (const c of t.chains) out.push({ name: c.name, last: c.rules.length + 1 });
  for (const t of table.includes(' ') ? (n.nftRuleset ?? []) : [])
    if (`${t.family} ${t.name}` === table) for (const c of t.chains) out.push({ name: c.name, last: c.rules.length + 1 });
  return out;
}
