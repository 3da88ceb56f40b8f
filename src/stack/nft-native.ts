/** Base chains of nftables' own rule sets in the hooks: filter and route chains are steps of their own, nat chains hang inside the nat step. */
import { byName, memoByIdentity } from '../base/memo.js';
import type { NatWalk } from '../netfilter/conntrack/index.js';
import type { EbtRuleset } from '../netfilter/ebtables/model.js';
import { compileNftTable, nftNeeds } from '../netfilter/nftables/compile.js';
import type { NftBaseChain, NftChain, NftFamily, NftTable } from '../netfilter/nftables/model.js';
import { NftTracer } from '../netfilter/nftables/trace.js';
import type { PacketCtx } from '../netfilter/pred.js';
import { RuleCounters } from '../netfilter/xtables/counters.js';
import { type WalkTable, type WalkVerdict, walkChain } from '../netfilter/xtables/walk.js';
import { ETH_P_IP, ETH_P_IPV6 } from '../packet/skb.js';
import type { NodeState } from '../scenario/model.js';
import { type HookPoint, hears, type RuleRef } from '../trace/event.js';
import type { HookRun, HookStep } from './hook-step.js';
import type { Kernel } from './kernel.js';
import { nftChainOf, nftTables } from './nft-steps.js';
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

/** What iptables-nft or ebtables-nft has under the name of a table; undefined: nothing. */
function madeTable(n: NodeState, t: NftTable): { readonly chains: readonly { readonly name: string }[] } | undefined {
  if (t.family === 'bridge') return (n.ebtables as EbtRuleset | null)?.tables.find((x) => x.name === t.name);
  const set = t.family === 'ip' ? n.iptablesNft : t.family === 'ip6' ? n.ip6tablesNft : null;
  return set?.tables.find((x) => x.name === t.name);
}
/** Is the chain one of iptables-nft or ebtables-nft? */
export const isMade = (n: NodeState, t: NftTable, c: NftChain): boolean => byName(madeTable(n, t)?.chains ?? [], c.name) !== undefined;

/** The table without iptables-nft's chains: nft may have hung its own into a table of that name. Null: there are none. */
function nativePart(n: NodeState, t: NftTable): NftTable | null {
  if (!madeTable(n, t)) return t;
  const chains = t.chains.filter((c) => !isMade(n, t, c));
  return chains.length > 0 ? { ...t, chains } : null;
}

/** What nft itself made, the tables first that are older than all of iptables-nft's. */
export function nativeTables(n: NodeState): { readonly early: readonly NftTable[]; readonly late: readonly NftTable[] } {
  const tables = nftTables(n);
  const first = tables.findIndex((t) => madeTable(n, t));
  const native = (of: readonly NftTable[]): readonly NftTable[] => of.flatMap((t) => nativePart(n, t) ?? []);
  return first < 0 ? { early: [], late: tables } : { early: tables.slice(0, first), late: native(tables.slice(first)) };
}

type HookFamily = HookStep['family'];

interface NativeChain {
  readonly table: NftTable;
  readonly chain: NftChain;
  readonly base: NftBaseChain;
  readonly point: HookPoint;
  /** Families in which it was made before what else hangs at its priority: a chain of iptables-nft, or nat's own hook. */
  readonly early: readonly HookFamily[];
}

/** Base chains of tables that nft itself made, those made last first: of equal priorities they run so (nf_hook_entries_grow). */
export const nativeChains = memoByIdentity((n: NodeState): readonly NativeChain[] => {
  const tables = nftTables(n).filter((t) => !t.dormant);
  const all = tables.flatMap((t) => t.chains.flatMap((chain) => (chain.base ? [{ t, chain, base: chain.base, made: isMade(n, t, chain) }] : [])));
  const isNat = ({ t, base }: (typeof all)[number]): boolean => base.type === 'nat' && t.family !== 'bridge';
  return all
    .flatMap((own, i): NativeChain[] => {
      const { t, chain, base } = own;
      const point = hookPoints.get(base.hook);
      if (own.made || !point) return [];
      const younger = all.slice(i + 1).filter((c) => c.made && c.base.hook === base.hook && c.base.priority === base.priority && isNat(c) === isNat(own));
      // All of nat's hooks come with the first of its chains (nf_nat_register_fn).
      const besideNat = !isNat(own) && base.priority === natPriority(point);
      const early = passing[t.family].filter(
        (f) => younger.some((c) => passing[c.t.family].includes(f)) || (besideNat && all.findIndex((c) => isNat(c) && passing[c.t.family].includes(f)) > i),
      );
      return [{ table: t, chain, base, point, early }];
    })
    .reverse();
});

/** NF_IP_PRI_NAT_DST, NF_IP_PRI_NAT_SRC: where nat is hooked, whatever the priorities of its chains. */
export const natPriority = (point: HookPoint): number => (point === 'PREROUTING' || point === 'OUTPUT' ? -100 : 100);

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

function stepsOf(chain: NativeChain, families: readonly HookFamily[]): readonly HookStep[] {
  const { table, point } = chain;
  const { type, priority } = chain.base;
  if (type === 'nat' && table.family !== 'bridge') return [];
  if (point === 'INGRESS' || point === 'EGRESS')
    return families.length === 0
      ? []
      : [{ family: 'netdev', point, priority, name: `nft_do_chain_${table.family}_${point.toLowerCase()}`, bind: () => deviceRun(chain) }];
  const bind = (): HookRun => {
    const walk = walkOf(chain);
    if (type === 'route' && point === 'OUTPUT') return rerouting(walk, rerouteHarder, false);
    return (k, f, h) => {
      const c = at(h, f);
      const { errno } = f;
      const v = settle(k, f, c, walk(k, c));
      // Whoever sends through a bridge hears nothing of what becomes of his frame (br_dev_xmit).
      if (table.family === 'bridge') f.errno = errno;
      return v;
    };
  };
  return families.map((family) => ({ family, point, priority, name: `nft_do_chain_${table.family}`, bind }));
}

/** Chains of devices, of which each names its own. Those of inet tables see IP packets only, as such (nft_do_chain_inet_ingress). */
function deviceRun(chain: NativeChain): HookRun {
  const walk = walkOf(chain);
  const devices = new Set(chain.base.devices);
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
    nativeChains(n).flatMap((c) =>
      stepsOf(
        c,
        passing[c.table.family].filter((f) => c.early.includes(f) === early),
      ),
    );
  return { first: of(false), last: of(true) };
});

interface NatChain {
  readonly priority: number;
  readonly early: boolean;
  readonly walk: NatWalk;
}

/** nat chains of a hook, those made last first. */
export const nativeNatChains = (n: NodeState, family: 'ipv4' | 'ipv6', point: HookPoint): readonly NatChain[] =>
  nativeChains(n)
    .filter((c) => c.base.type === 'nat' && c.point === point && passing[c.table.family].includes(family))
    .map((c) => {
      const walk = walkOf(c);
      return { priority: c.base.priority, early: c.early.includes(family), walk: (ctx: PacketCtx) => walk(ctx.env as Kernel, ctx) };
    });

/** Does the reference stand for the policy of a base chain? */
export function isNativePolicy(n: NodeState, r: RuleRef): boolean {
  const chain = nftChainOf(n, r);
  return chain !== undefined && chain.base !== null && r.num === chain.rules.length + 1;
}

/** Do rules of nftables ask for connection tracking or defragmentation of a family's packets? */
export function nativeNeeds(n: NodeState, family: 'ipv4' | 'ipv6', need: 'conntrack' | 'defrag'): boolean {
  const parts = nftTables(n).filter((t) => passing[t.family].includes(family) && nativePart(n, t));
  return parts.some((t) => nftNeeds(t).has(need) || (need === 'conntrack' && nftNeeds(t).has(`conntrack-${family}`)));
}
