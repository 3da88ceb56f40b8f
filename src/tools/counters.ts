/** Rule counters of a run: what they are now, and how they outlive an edit of their table (as the kernel's get_counters() and iptc_commit() keep them). */
import { byName } from '../base/memo.js';
import { compileTable } from '../netfilter/xtables/compile.js';
import type { Rule, XtChain, XtCounters, XtRuleset, XtTable } from '../netfilter/xtables/model.js';
import { ParsedRule, ruleList } from '../netfilter/xtables/rule-list.js';
import type { NodeState } from '../scenario/model.js';
import type { NodeRun } from '../stack/node-run.js';

type Backend = 'legacy' | 'nft';
const KEYS = [
  ['iptables', 'legacy'],
  ['ip6tables', 'legacy'],
  ['iptablesNft', 'nft'],
  ['ip6tablesNft', 'nft'],
] as const;

/** After a change: rules that are still the same objects keep what the run counted for them; a policy whose counters were not set anew does so too. */
export function carryCounters(n: NodeRun, before: NodeState): void {
  for (const [key, backend] of KEYS) {
    const old = before[key];
    const now = n.given[key];
    if (!old || !now || old === now) continue;
    for (const t of old.tables) {
      const next = byName(now.tables, t.name);
      if (next && next !== t) carryTable(n, t, next, old.family, backend);
    }
  }
}

function carryTable(n: NodeRun, from: XtTable, to: XtTable, family: XtRuleset['family'], backend: Backend): void {
  const target = compileTable(to, family, backend);
  const counted = new Map(n.counters.entries());
  // A chain that no packet met has nothing to carry, and is not compiled for it.
  for (const chain of compileTable(from, family, backend).chains) {
    const into = target.byName.get(chain.name);
    const counts = counted.get(chain);
    if (!into || !counts) continue;
    const fresh = n.counters.of(into);
    const place = new Map<Rule, number>(chain.rules.map((r, i) => [r.rule, i]));
    into.rules.forEach((r, i) => {
      const at = place.get(r.rule);
      if (at !== undefined) fresh.set(counts.subarray(2 * at, 2 * at + 2), 2 * i);
    });
    if (chain.source.counters === into.source.counters) fresh.set(counts.subarray(2 * chain.rules.length), 2 * into.rules.length);
  }
}

const plus = (c: XtCounters, counts: Float64Array, i: number): XtCounters => ({ packets: c.packets + counts[2 * i], bytes: c.bytes + counts[2 * i + 1] });

/** The rule set with its counters as `iptables-save -c` and `iptables -L -v` show them now. */
export function countedRuleset(n: NodeRun, r: XtRuleset, backend: Backend = 'legacy'): XtRuleset {
  return { ...r, tables: r.tables.map((t) => countedTable(n, t, r.family, backend)) };
}

function countedTable(n: NodeRun, t: XtTable, family: XtRuleset['family'], backend: Backend): XtTable {
  const compiled = compileTable(t, family, backend);
  const counted = new Map(n.counters.entries());
  const chains = t.chains.map((ch): XtChain => {
    const c = compiled.byName.get(ch.name);
    const counts = c && counted.get(c);
    if (!c || !counts) return ch;
    const rules = c.rules.map(({ rule }, i) => (rule instanceof ParsedRule ? rule.withCounters(plus(rule.counters, counts, i)) : rule));
    return { ...ch, rules: ruleList(rules), counters: ch.policy === null ? ch.counters : plus(ch.counters, counts, c.rules.length) };
  });
  return { ...t, chains };
}
