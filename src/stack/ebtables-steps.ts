/** ebtables in the bridge hooks, at the kernel's priorities, and the brouting decision (ebtable_filter.c, ebtable_nat.c, ebtable_broute.c). */
import { type EbtWalkChain, ebtTable } from '../netfilter/ebtables/compile.js';
import type { EbtRuleset, EbtTableName } from '../netfilter/ebtables/model.js';
import { RuleCounters } from '../netfilter/xtables/counters.js';
import { type WalkTable, walkTable } from '../netfilter/xtables/walk.js';
import type { NodeState } from '../scenario/model.js';
import type { HookPoint } from '../trace/event.js';
import type { Flight, HookVerdict } from './flight.js';
import type { HookState, HookStep } from './hook-step.js';
import type { Kernel } from './kernel.js';

/** enum nf_br_hook_priorities. */
const NF_BR_PRI = { NAT_DST_BRIDGED: -300, FILTER_BRIDGED: -200, NAT_DST_OTHER: 100, FILTER_OTHER: 200, NAT_SRC: 300 } as const;

const rulesetOf = (n: NodeState): EbtRuleset | null => n.ebtables as EbtRuleset | null;
const has = (n: NodeState, table: EbtTableName): boolean => rulesetOf(n)?.tables.some((t) => t.name === table) ?? false;
const COUNTERS = 'ebtables counters';

/** Packets and bytes per ebtables rule of this run. */
const ebtCounters = (k: Kernel): RuleCounters<WalkTable<EbtWalkChain>> => k.state(COUNTERS, () => new RuleCounters<WalkTable<EbtWalkChain>>());

function runTable(k: Kernel, f: Flight, h: HookState, table: EbtTableName, chain: string): HookVerdict {
  const t = ebtTable(rulesetOf(k.given), table);
  if (!t) return 'accept';
  const c = { ...h, skb: f.skb, rule: null };
  const verdict = walkTable(t, chain, c, ebtCounters(k));
  if (verdict === 'DROP') {
    k.drop(f.skb, 'NETFILTER_DROP', 'nf_hook_slow', 'ebtables-drop', { table, chain }, c.rule);
    return 'drop';
  }
  return verdict === 'ACCEPT' ? 'accept' : 'stolen';
}

const step = (table: EbtTableName, point: HookPoint, priority: number, backend: 'nft' | 'legacy' | 'any'): HookStep => ({
  family: 'bridge',
  point,
  priority,
  name: `ebtable_${table}`,
  needed: (n) => has(n, table) && (backend === 'any' || rulesetOf(n)?.backend === backend),
  run: (k, f, h) => runTable(k, f, h, table, point),
});

export const ebtablesSteps: readonly HookStep[] = [
  step('nat', 'PREROUTING', NF_BR_PRI.NAT_DST_BRIDGED, 'any'),
  step('filter', 'INPUT', NF_BR_PRI.FILTER_BRIDGED, 'any'),
  step('filter', 'FORWARD', NF_BR_PRI.FILTER_BRIDGED, 'any'),
  // In OUTPUT the two backends differ: nft filters first, legacy translates first.
  step('filter', 'OUTPUT', NF_BR_PRI.FILTER_BRIDGED, 'nft'),
  step('filter', 'OUTPUT', NF_BR_PRI.FILTER_OTHER, 'legacy'),
  step('nat', 'OUTPUT', NF_BR_PRI.NAT_DST_OTHER, 'any'),
  step('nat', 'POSTROUTING', NF_BR_PRI.NAT_SRC, 'any'),
];

/** ebt_broute(): DROP in table broute means "route it". */
export function ebtBroute(k: Kernel, f: Flight): 'route' | 'bridge' | 'gone' {
  const t = ebtTable(rulesetOf(k.given), 'broute');
  if (!t) return 'bridge';
  const c = k.packetCtx(f, 'bridge', 'BROUTING', f.skb.dev, null);
  const verdict = walkTable(t, 'BROUTING', c, ebtCounters(k));
  return verdict === 'DROP' ? 'route' : verdict === 'ACCEPT' ? 'bridge' : 'gone';
}
