/** Base chains of nftables' own rule sets in the hooks: filter and route chains are steps of their own, nat chains hang inside the nat step. */
import { byName, memoByIdentity } from '../base/memo.js';
import type { NatWalk } from '../netfilter/conntrack/index.js';
import { compileNftTable, nftNeeds } from '../netfilter/nftables/compile.js';
import type { NftChain, NftFamily, NftTable } from '../netfilter/nftables/model.js';
import { NftTracer } from '../netfilter/nftables/trace.js';
import type { PacketCtx } from '../netfilter/pred.js';
import { RuleCounters } from '../netfilter/xtables/counters.js';
import { type WalkTable, type WalkVerdict, walkChain } from '../netfilter/xtables/walk.js';
import { ETH_P_IP, ETH_P_IPV6 } from '../packet/skb.js';
import type { NodeState } from '../scenario/model.js';
import { type HookPoint, hears, type RuleRef } from '../trace/event.js';
import type { HookRun, HookStep } from './hook-step.js';
import type { Kernel } from './kernel.js';
import { nftTables } from './nft-steps.js';
import { rerouteHarder } from './reroute.js';
import { at, rerouting, settle } from './table-walk.js';

const hookPoints = new Map<string, HookPoint>([
  ['prerouting', 'PREROUTING'],
  ['input', 'INPUT'],
  ['forward', 'FORWARD'],
  ['output', 'OUTPUT'],
  ['postrouting', 'POSTROUTING'],
  ['ingress', 'INGRESS'],
  ['egress', 'EGRESS'],
]);

/** Families whose packets pass a base chain. */
const passing: Readonly<Record<NftFamily, readonly HookStep['family'][]>> = {
  ip: ['ipv4'],
  ip6: ['ipv6'],
  inet: ['ipv4', 'ipv6'],
  arp: ['arp'],
  bridge: ['bridge'],
  netdev: ['netdev'],
};

/** Is the table what iptables-nft or ebtables-nft made of a rule set that the node has? */
function hasModel(n: NodeState, t: NftTable): boolean {
  if (t.family === 'ip') return n.iptablesNft?.tables.some((x) => x.name === t.name) ?? false;
  if (t.family === 'ip6') return n.ip6tablesNft?.tables.some((x) => x.name === t.name) ?? false;
  return t.family === 'bridge' && n.ebtables !== null;
}

interface NativeChain {
  readonly table: NftTable;
  readonly chain: NftChain;
  readonly point: HookPoint;
  readonly priority: number;
  /** It was made before iptables-nft's tables of its family. */
  readonly early: boolean;
}

/** Base chains of tables that nft itself made, those made last first: of equal priorities they run so (nf_hook_entries_grow). */
export const nativeChains = memoByIdentity((n: NodeState): readonly NativeChain[] => {
  const out: NativeChain[] = [];
  const tables = nftTables(n);
  const made = (t: NftTable): boolean => hasModel(n, t);
  for (const [i, table] of tables.entries()) {
    if (made(table) || table.dormant) continue;
    const early = tables.slice(i + 1).some(made);
    for (const chain of table.chains) {
      const point = chain.base && hookPoints.get(chain.base.hook);
      if (point) out.push({ table, chain, point, priority: chain.base.priority, early });
    }
  }
  return out.reverse();
});

const counters = (k: Kernel): RuleCounters<WalkTable> => k.state('nftables counters', () => new RuleCounters<WalkTable>());

type Walk = (k: Kernel, c: PacketCtx) => WalkVerdict;

function walkOf({ table, chain }: NativeChain): Walk {
  const compiled = compileNftTable(table);
  return (k, c) => {
    const base = compiled.chain(chain.name);
    if (!base) return 'ACCEPT';
    const v = walkChain(compiled, base, c, counters(k).of(compiled), hears(k.rec, 'nft-trace') ? new NftTracer(null) : null);
    k.endTable();
    return v;
  };
}

function stepsOf(chain: NativeChain): readonly HookStep[] {
  const { table, point, priority } = chain;
  const type = chain.chain.base?.type;
  if (type === 'nat' && table.family !== 'bridge') return [];
  if (point === 'INGRESS' || point === 'EGRESS')
    return [{ family: 'netdev', point, priority, name: `nft_do_chain_${table.family}_${point.toLowerCase()}`, bind: () => deviceRun(chain) }];
  const bind = (): HookRun => {
    const walk = walkOf(chain);
    if (type === 'route' && point === 'OUTPUT') return rerouting(walk, rerouteHarder, false);
    return (k, f, h) => {
      const c = at(h, f);
      return settle(k, f, c, walk(k, c));
    };
  };
  return passing[table.family].map((family) => ({ family, point, priority, name: `nft_do_chain_${table.family}`, bind }));
}

/** Chains of devices, of which each names its own. Those of inet tables see IP packets only, as such (nft_do_chain_inet_ingress). */
function deviceRun(chain: NativeChain): HookRun {
  const walk = walkOf(chain);
  const devices = new Set(chain.chain.base?.devices);
  const inet = chain.table.family === 'inet';
  return (k, f, h) => {
    const dev = h.in ?? h.out;
    if (dev === null || !devices.has(dev.name)) return 'accept';
    const { protocol } = f.skb;
    if (inet && protocol !== ETH_P_IP && protocol !== ETH_P_IPV6) return 'accept';
    const c = at(inet ? { ...h, family: f.skb.family } : h, f);
    return settle(k, f, c, walk(k, c));
  };
}

/** Steps before those of other rule sets of the same priority, and behind them. */
export const nativeSteps = memoByIdentity((n: NodeState): { readonly first: readonly HookStep[]; readonly last: readonly HookStep[] } => {
  const of = (early: boolean): readonly HookStep[] =>
    nativeChains(n)
      .filter((c) => c.early === early)
      .flatMap(stepsOf);
  return { first: of(false), last: of(true) };
});

/** nat chains of a hook in the order of their priorities (nf_nat_register_fn). */
export function nativeNatWalks(n: NodeState, family: 'ipv4' | 'ipv6', point: HookPoint): readonly NatWalk[] {
  return nativeChains(n)
    .filter((c) => c.chain.base?.type === 'nat' && c.point === point && passing[c.table.family].includes(family))
    .toSorted((a, b) => a.priority - b.priority)
    .map((c) => {
      const walk = walkOf(c);
      return (ctx: PacketCtx) => walk(ctx.env as Kernel, ctx);
    });
}

/** Does the reference stand for the policy of a base chain? */
export function isNativePolicy(n: NodeState, r: RuleRef): boolean {
  const table = nftTables(n).find((t) => t.family === r.family && t.name === r.table);
  const chain = table && byName(table.chains, r.chain);
  return chain !== undefined && chain.base !== null && r.num === chain.rules.length + 1;
}

/** Do rules of nftables ask for connection tracking or defragmentation of a family's packets? */
export const nativeNeeds = (n: NodeState, family: 'ipv4' | 'ipv6', need: 'conntrack' | 'defrag'): boolean =>
  nftTables(n).some((t) => {
    if (!passing[t.family].includes(family) || hasModel(n, t)) return false;
    const needs = nftNeeds(t);
    return needs.has(need) || (need === 'conntrack' && needs.has(`conntrack-${family}`));
  });
