/** Rule counters of a run: what they are now, and how they outlive an edit of their table (as the kernel's get_counters() and iptc_commit() keep them). */
import { byName } from '../base/memo.js';
import { type CompiledChain, compileTable } from '../netfilter/xtables/compile.js';
import type { TableCounters } from '../netfilter/xtables/counters.js';
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
  const source = compileTable(from, family, backend);
  const target = compileTable(to, family, backend);
  const counts = n.counters.met(source);
  if (!counts) return;
  const fresh = n.counters.of(target);
  const carry = (a: number, b: number): void => fresh.set(b, counts.packets(a), counts.bytes(a));
  for (const chain of source.made()) {
    const into = target.chain(chain.name);
    // A chain that no packet met has nothing to carry, and is not compiled for it.
    if (!into || !met(chain, counts)) continue;
    const place = new Map<Rule, number>(chain.source.rules.all().map((r, i) => [r, i]));
    into.source.rules.all().forEach((r, i) => {
      const at = place.get(r);
      if (at !== undefined) carry(chain.at + at, into.at + i);
    });
    if (chain.source.counters === into.source.counters) carry(chain.at + chain.length, into.at + into.length);
  }
}

/** Did a packet match a rule of the chain, or meet its policy? */
function met(chain: CompiledChain, counts: TableCounters): boolean {
  for (let i = 0; i <= chain.length; i++) if (counts.packets(chain.at + i) > 0) return true;
  return false;
}

const plus = (c: XtCounters, counts: TableCounters, slot: number): XtCounters => ({
  packets: c.packets + counts.packets(slot),
  bytes: c.bytes + counts.bytes(slot),
});

/** The rule set with its counters as `iptables-save -c` and `iptables -L -v` show them now. */
export function countedRuleset(n: NodeRun, r: XtRuleset, backend: Backend = 'legacy'): XtRuleset {
  return { ...r, tables: r.tables.map((t) => countedTable(n, t, r.family, backend)) };
}

function countedTable(n: NodeRun, t: XtTable, family: XtRuleset['family'], backend: Backend): XtTable {
  const compiled = compileTable(t, family, backend);
  const counts = n.counters.met(compiled);
  if (!counts) return t;
  const chains = t.chains.map((ch): XtChain => {
    const c = compiled.chain(ch.name);
    if (!c || !met(c, counts)) return ch;
    const rules = ch.rules.all().map((rule, i) => (rule instanceof ParsedRule ? rule.withCounters(plus(rule.counters, counts, c.at + i)) : rule));
    return { ...ch, rules: ruleList(rules), counters: ch.policy === null ? ch.counters : plus(ch.counters, counts, c.at + c.length) };
  });
  return { ...t, chains };
}
