/** What rules and sets know of each other on one node. */
import { memoByIdentity } from '../base/memo.js';
import { SetStore } from '../netfilter/ipset/store.js';
import type { CheckContext } from '../netfilter/xtables/extension.js';
import type { Rule, XtRuleset } from '../netfilter/xtables/model.js';
import type { NodeState } from '../scenario/model.js';

/** What rule checks may know of the node's sets. */
export function describeSets(n: NodeState): NonNullable<CheckContext['sets']> {
  const store = new SetStore(n.sets, () => 0);
  return { describe: (name) => store.describe(name) };
}

const nameIn = (v: unknown): string | null => (typeof v === 'object' && v !== null && 'set' in v && typeof v.set === 'string' ? v.set : null);

const holdsSets: ReadonlySet<string> = new Set(['set', 'SET']);

/** Sets that a rule holds: each instance of the match one, the SET target one for each of its actions (ip_set_nfnl_get_byindex). */
function setsOf(r: Rule): string[] {
  const out: (string | null)[] = r.matches.map((m) => (m.def !== null && m.def.name === 'set' ? nameIn(m.data) : null));
  const t = r.target;
  if (t.kind === 'extension' && t.def.name === 'SET' && typeof t.data === 'object' && t.data !== null) out.push(...Object.values(t.data).map(nameIn));
  return out.filter((n) => n !== null);
}

const references = memoByIdentity((r: XtRuleset): ReadonlyMap<string, number> => {
  const out = new Map<string, number>();
  for (const t of r.tables)
    for (const { rules } of t.chains) {
      for (let i = 0; i < rules.length; i++) {
        if (!rules.kind(i).extensions.some((def) => holdsSets.has(def.name))) continue;
        for (const name of setsOf(rules.at(i))) out.set(name, (out.get(name) ?? 0) + 1);
      }
    }
  return out;
});

/** Number of rules that hold a set. */
export function ruleReferences(n: NodeState): (name: string) => number {
  const all = [n.iptables, n.ip6tables, n.iptablesNft, n.ip6tablesNft].filter((r) => r !== null).map((r) => references(r));
  return (name) => all.reduce((sum, m) => sum + (m.get(name) ?? 0), 0);
}
