/**
 * The hook table: rows of (family, hook, priority, step), sorted as nf_register_net_hook() sorts them. Nobody else decides order: xtables tables,
 * conntrack, NAT, defragmentation and br_netfilter are all just steps.
 */
import { byName, memoByIdentity } from '../base/memo.js';
import { type Conn, dirOf, type NatWalk } from '../netfilter/conntrack/index.js';
import type { PacketCtx } from '../netfilter/pred.js';
import { type CompiledTable, compileTable } from '../netfilter/xtables/compile.js';
import { builtinChains, type XtRuleset, type XtTableName } from '../netfilter/xtables/model.js';
import { type WalkVerdict, walkChain } from '../netfilter/xtables/walk.js';
import { IPPROTO, IPSKB_XFRM_TRANSFORMED, type Skb } from '../packet/skb.js';
import { CTINFO } from '../packet/types.js';
import type { NodeState } from '../scenario/model.js';
import type { HookPoint, RuleRef } from '../trace/event.js';
import { brNetfilterSteps } from './br-netfilter.js';
import { ebtablesSteps } from './ebtables-steps.js';
import type { Flight, HookVerdict } from './flight.js';
import type { HookRun, HookState, HookStep } from './hook-step.js';
import type { Kernel } from './kernel.js';
import { missingSteps } from './missing.js';
import { isNativePolicy, nativeNatChains, nativeSteps, natPriority } from './nft-native.js';
import { hasNftChain, nftTracer } from './nft-steps.js';
import { needsConntrack, needsDefrag } from './plan-facts.js';
import { rerouteHarder } from './reroute.js';
import { at, rerouting, settle } from './table-walk.js';

type IpFamily = 'ipv4' | 'ipv6';
type Backend = 'legacy' | 'nft';

/** enum nf_ip_hook_priorities. */
const PRI = {
  FIRST: -2147483648,
  RAW_BEFORE_DEFRAG: -450,
  CONNTRACK_DEFRAG: -400,
  RAW: -300,
  CONNTRACK: -200,
  MANGLE: -150,
  NAT_DST: -100,
  FILTER: 0,
  SECURITY: 50,
  NAT_SRC: 100,
  CONNTRACK_CONFIRM: 2147483647,
} as const;

const EPERM = 1;

/** Said once per node: the order of two rule sets at one priority rests on it. */
function tellOrder(k: Kernel, skb: Skb): void {
  const said = k.state('order of two backends', () => ({ yes: false }));
  if (said.yes) return;
  said.yes = true;
  k.tell(skb, { t: 'assumed', what: 'which backend runs first at the same priority', value: 'nft, as where its rules were loaded after the legacy ones' });
}

type Walk = (k: Kernel, c: PacketCtx) => WalkVerdict;

/** The walk of a table that the node has, from the base chain of a hook. */
function walkAt(n: NodeState, family: IpFamily, table: XtTableName, point: HookPoint, backend: Backend): Walk {
  const t = tableOf(n, family, table, backend) as CompiledTable;
  const base = t.chain(point);
  return (k, c) => {
    if (!base) return 'ACCEPT';
    const v = walkChain(t, base, c, k.counters.of(t), backend === 'nft' && k.rec.on ? nftTracer(n, family) : undefined);
    k.endTable();
    return v;
  };
}

/** Whether rules of the other backend hang at the same priority. */
const isSecond = (n: NodeState, family: IpFamily, table: XtTableName, backend: Backend): boolean =>
  backend === 'nft' && table !== 'security' && hasTable(n, family, table, 'legacy');

function toldWalk(n: NodeState, family: IpFamily, table: XtTableName, point: HookPoint, backend: Backend): Walk {
  const walk = walkAt(n, family, table, point, backend);
  if (!isSecond(n, family, table, backend)) return walk;
  return (k, c) => {
    tellOrder(k, c.skb);
    return walk(k, c);
  };
}

function runTable(n: NodeState, family: IpFamily, table: XtTableName, point: HookPoint, backend: Backend): (k: Kernel, f: Flight, h: HookState) => HookVerdict {
  const walk = toldWalk(n, family, table, point, backend);
  return (k, f, h) => {
    const c = at(h, f);
    return settle(k, f, c, walk(k, c));
  };
}

const stepNames = { legacy: { ipv4: 'iptable', ipv6: 'ip6table' }, nft: { ipv4: 'nft_ip', ipv6: 'nft_ip6' } } as const;

const plainTable = (family: IpFamily, table: XtTableName, point: HookPoint, priority: number, backend: Backend) => ({
  family,
  point,
  priority,
  name: `${stepNames[backend][family]}_${table}`,
  needed: (n: NodeState) => hasTable(n, family, table, backend) && (backend === 'legacy' || hasNftChain(n, family, table, point)),
  bind: (n: NodeState): HookRun => runTable(n, family, table, point, backend),
});

const rulesetOf = (n: NodeState, family: IpFamily, backend: Backend): XtRuleset | null =>
  backend === 'nft' ? (family === 'ipv4' ? n.iptablesNft : n.ip6tablesNft) : family === 'ipv4' ? n.iptables : n.ip6tables;

const hasTable = (n: NodeState, family: IpFamily, table: XtTableName, backend: Backend = 'legacy'): boolean =>
  rulesetOf(n, family, backend)?.tables.some((t) => t.name === table) ?? false;

/** A loaded table, compiled; undefined when it is not loaded (and so prints nothing). */
export function tableOf(n: NodeState, family: IpFamily, table: XtTableName, backend: Backend): CompiledTable | undefined {
  const t = byName(rulesetOf(n, family, backend)?.tables ?? [], table);
  return t && compileTable(t, family, backend);
}

/** Does the reference stand for the policy of a base chain? */
export function isPolicy(n: NodeState, r: RuleRef): boolean {
  if (r.backend === 'nftables') return isNativePolicy(n, r);
  if (!builtinChains[r.table as XtTableName]?.includes(r.chain)) return false;
  const t = tableOf(n, r.family === 'ipv6' ? 'ipv6' : 'ipv4', r.table as XtTableName, r.backend === 'nft' ? 'nft' : 'legacy');
  return t?.chain(r.chain)?.length === r.num - 1;
}

/** iptable_mangle's OUTPUT: re-routes when mark, addresses or TOS changed (ipt_mangle_out, nf_route_table_hook4); what goes to a queue by the legacy backend only. */
const mangleOutput = (family: IpFamily, backend: Backend): HookStep => ({
  ...plainTable(family, 'mangle', 'OUTPUT', PRI.MANGLE, backend),
  name: backend === 'nft' ? 'nf_route_table_hook' : family === 'ipv4' ? 'ipt_mangle_out' : 'ip6t_mangle_out',
  bind: (n) => rerouting(toldWalk(n, family, 'mangle', 'OUTPUT', backend), rerouteHarder, backend === 'legacy'),
});

/** The nat chains of a hook, in order: nf_nat_inet_fn() asks them until one has bound the flow. */
const natBackends: readonly Backend[] = ['nft', 'legacy'];

/** By priority (nf_nat_register_fn); of equals the youngest first. */
function natWalks(n: NodeState, family: IpFamily, point: HookPoint): readonly NatWalk[] {
  const native = nativeNatChains(n, family, point);
  const priority = natPriority(point);
  const tables = natBackends
    .filter((backend) => hasTable(n, family, 'nat', backend) && (backend === 'legacy' || hasNftChain(n, family, 'nat', point)))
    .map((backend) => {
      const walk = walkAt(n, family, 'nat', point, backend);
      return { priority, walk: (c: PacketCtx) => walk(c.env as Kernel, c) };
    });
  return [...native.filter((c) => !c.early), ...tables, ...native.filter((c) => c.early)].toSorted((a, b) => a.priority - b.priority).map((c) => c.walk);
}

/** nf_nat hooks: nat chains hang inside this step, run once per flow and manip while unbound (nf_nat_inet_fn, nf_nat_ipv4_pre_routing/local_fn/out). */
function natHook(k: Kernel, f: Flight, h: HookState, walks: readonly NatWalk[]): HookVerdict {
  const { skb } = f;
  const point = h.hook;
  const before = skb.daddr;
  const c = at(h, f);
  const v = k.conntrack.nat(c, walks);
  if (v !== 'ACCEPT') return settle(k, f, c, v);
  if (point === 'PREROUTING' && skb.daddr !== before) skb.dst = null;
  if (point === 'OUTPUT' && addrChanged(skb, 'dst')) return rerouteHarder(k, f);
  if (point === 'OUTPUT' && portChanged(skb, 'dst')) return k.xfrmReroute(f);
  if (point === 'POSTROUTING' && (addrChanged(skb, 'src') || portChanged(skb, 'src'))) return k.xfrmReroute(f);
  return 'accept';
}

const NAT_POINTS: readonly HookPoint[] = ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'];
/** nf_nat_register_fn(): the first nat chain of a family, at whichever hook, brings all of them. */
const hasNat = (n: NodeState, family: IpFamily): boolean =>
  hasTable(n, family, 'nat') ||
  NAT_POINTS.some((point) => (hasTable(n, family, 'nat', 'nft') && hasNftChain(n, family, 'nat', point)) || nativeNatChains(n, family, point).length > 0);

const natStep = (family: IpFamily, point: HookPoint, priority: number): HookStep => ({
  family,
  point,
  priority,
  name: 'nf_nat_inet_fn',
  needed: (n) => needsConntrack(n, family) && hasNat(n, family),
  bind: (n) => {
    const walks = natWalks(n, family, point);
    return (k, f, h) => natHook(k, f, h, walks);
  },
});

const tracked = (skb: Skb): Conn | null => (skb.ctinfo === CTINFO.UNTRACKED ? null : (skb.ct as Conn | null));
const addrChanged = (skb: Skb, side: 'src' | 'dst'): boolean => tracked(skb)?.translates(dirOf(skb.ctinfo), side) ?? false;

function portChanged(skb: Skb, side: 'src' | 'dst'): boolean {
  const ct = tracked(skb);
  if (ct === null || skb.cb.flags & IPSKB_XFRM_TRANSFORMED || ct.l4proto === IPPROTO.ICMP || ct.l4proto === IPPROTO.ICMPV6) return false;
  return ct.translatesPort(dirOf(skb.ctinfo), side);
}

const defragStep = (family: IpFamily, point: 'PREROUTING' | 'OUTPUT'): HookStep => ({
  family,
  point,
  priority: PRI.CONNTRACK_DEFRAG,
  name: family === 'ipv4' ? 'ipv4_conntrack_defrag' : 'ipv6_defrag',
  needed: (n) => needsDefrag(n, family),
  run: (k, f) => k.defragConntrack(f, point),
});

/** A new flow beside one that has a helper: whether it is RELATED depends on expectations, which are not modelled. */
function expected(k: Kernel, f: Flight, h: HookState): HookVerdict {
  const { ct, ctinfo } = f.skb;
  const helper = ct !== null && ctinfo === CTINFO.NEW && !ct.inTable ? k.conntrack.helperBetween(ct) : null;
  if (helper !== null) k.inconclusive(`conntrack helper ${helper}: it may expect this connection`, at(h, f));
  return 'accept';
}

const conntrackIn = (family: IpFamily, point: 'PREROUTING' | 'OUTPUT'): HookStep => ({
  family,
  point,
  priority: PRI.CONNTRACK,
  name: point === 'PREROUTING' ? 'ipv4_conntrack_in' : 'ipv4_conntrack_local',
  needed: (n) => needsConntrack(n, family),
  run: (k, f, h) => {
    const v = k.conntrack.conntrackIn(f.skb, point);
    if (v === 'ACCEPT') return expected(k, f, h);
    f.errno = EPERM;
    k.drop(f.skb, 'NETFILTER_DROP', 'nf_hook_slow', 'ct-invalid-drop', {});
    return 'drop';
  },
});

const confirmStep = (family: IpFamily, point: 'INPUT' | 'POSTROUTING'): HookStep => ({
  family,
  point,
  priority: PRI.CONNTRACK_CONFIRM,
  name: 'nf_confirm',
  needed: (n) => needsConntrack(n, family),
  run: (k, f) => {
    if (k.conntrack.confirm(f.skb) === 'ACCEPT') return 'accept';
    f.errno = EPERM;
    k.drop(f.skb, 'NETFILTER_DROP', 'nf_hook_slow', 'ct-clash', {});
    return 'drop';
  },
});

/** The tables of a backend. Only iptables-nft hangs its security chains behind nat INPUT: NF_IP_PRI_SECURITY is 150 to it. */
const tableSteps = (family: IpFamily, backend: Backend): readonly HookStep[] => [
  plainTable(family, 'raw', 'PREROUTING', PRI.RAW, backend),
  plainTable(family, 'raw', 'OUTPUT', PRI.RAW, backend),
  plainTable(family, 'mangle', 'PREROUTING', PRI.MANGLE, backend),
  plainTable(family, 'mangle', 'INPUT', PRI.MANGLE, backend),
  plainTable(family, 'mangle', 'FORWARD', PRI.MANGLE, backend),
  mangleOutput(family, backend),
  plainTable(family, 'mangle', 'POSTROUTING', PRI.MANGLE, backend),
  plainTable(family, 'filter', 'INPUT', PRI.FILTER, backend),
  plainTable(family, 'filter', 'FORWARD', PRI.FILTER, backend),
  plainTable(family, 'filter', 'OUTPUT', PRI.FILTER, backend),
  plainTable(family, 'security', 'INPUT', securityPriority[backend], backend),
  plainTable(family, 'security', 'FORWARD', securityPriority[backend], backend),
  plainTable(family, 'security', 'OUTPUT', securityPriority[backend], backend),
];

const securityPriority: Readonly<Record<Backend, number>> = { legacy: PRI.SECURITY, nft: 150 };

/**
 * Of equal priorities the one registered last runs first (nf_hook_entries_grow()). Which backend that is, no dump tells; nf_tables first is how a host
 * is that loaded its nft rules when the legacy modules were there already.
 */
const ipSteps = (family: IpFamily): readonly HookStep[] => [
  defragStep(family, 'PREROUTING'),
  defragStep(family, 'OUTPUT'),
  conntrackIn(family, 'PREROUTING'),
  conntrackIn(family, 'OUTPUT'),
  natStep(family, 'PREROUTING', PRI.NAT_DST),
  natStep(family, 'OUTPUT', PRI.NAT_DST),
  natStep(family, 'INPUT', PRI.NAT_SRC),
  natStep(family, 'POSTROUTING', PRI.NAT_SRC),
  ...tableSteps(family, 'nft'),
  ...tableSteps(family, 'legacy'),
  confirmStep(family, 'INPUT'),
  confirmStep(family, 'POSTROUTING'),
];

const allSteps: readonly HookStep[] = [...ipSteps('ipv4'), ...ipSteps('ipv6'), ...brNetfilterSteps, ...ebtablesSteps];

/** The steps of one family. Every packet asks several times: telling five words apart is quicker than hashing one. */
export class FamilyHooks {
  readonly #points = new Map<HookPoint, readonly HookRun[]>();
  readonly #prerouting: readonly HookRun[] | undefined;
  readonly #forward: readonly HookRun[] | undefined;
  readonly #postrouting: readonly HookRun[] | undefined;

  constructor(n: NodeState, steps: readonly HookStep[]) {
    for (const s of steps.toSorted((a, b) => a.priority - b.priority)) {
      this.#points.set(s.point, [...(this.#points.get(s.point) ?? []), 'bind' in s ? s.bind(n) : s.run]);
    }
    this.#prerouting = this.#points.get('PREROUTING');
    this.#forward = this.#points.get('FORWARD');
    this.#postrouting = this.#points.get('POSTROUTING');
  }

  get any(): boolean {
    return this.#points.size > 0;
  }

  /** What runs there, in order; undefined: nothing is registered. */
  at(point: HookPoint): readonly HookRun[] | undefined {
    switch (point) {
      case 'PREROUTING':
        return this.#prerouting;
      case 'FORWARD':
        return this.#forward;
      case 'POSTROUTING':
        return this.#postrouting;
      default:
        return this.#points.get(point);
    }
  }
}

export type HookTable = ReadonlyMap<HookStep['family'], FamilyHooks>;

/** The steps registered on such a node, by family and point, in the order they run. */
export const hookTable = memoByIdentity((n: NodeState): HookTable => {
  const native = nativeSteps(n);
  const steps = [...missingSteps(n), ...native.first, ...allSteps, ...native.last].filter((s) => !s.needed || s.needed(n));
  return new Map(
    (['ipv4', 'ipv6', 'bridge', 'arp', 'netdev'] as const).map((family) => [
      family,
      new FamilyHooks(
        n,
        steps.filter((s) => s.family === family),
      ),
    ]),
  );
});
