/**
 * The hook table: rows of (family, hook, priority, step), sorted as nf_register_net_hook() sorts them. Nobody else decides order: xtables tables,
 * conntrack, NAT, defragmentation and br_netfilter are all just steps.
 */
import { memoByIdentity } from '../base/memo.js';
import type { PacketCtx } from '../netfilter/pred.js';
import { walkTable } from '../netfilter/xtables/walk.js';
import type { XtTableName } from '../netfilter/xtables/model.js';
import { IPSKB_XFRM_TRANSFORMED, type Skb } from '../packet/skb.js';
import { ctIsReply } from '../packet/types.js';
import type { NodeState } from '../scenario/model.js';
import type { HookPoint, RuleRef } from '../trace/event.js';
import type { Flight, HookVerdict } from './flight.js';
import { brNetfilterSteps } from './br-netfilter.js';
import { ebtablesSteps } from './ebtables-steps.js';
import type { HookState, HookStep } from './hook-step.js';
import type { Kernel } from './kernel.js';
import { needsConntrack, needsDefrag } from './plan-facts.js';
import { rerouteHarder } from './reroute.js';

type IpFamily = 'ipv4' | 'ipv6';

/** enum nf_ip_hook_priorities. */
export const PRI = {
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

/** NF_DROP of a step: the hook frees the packet, the caller gets -EPERM. */
function dropped(k: Kernel, f: Flight, rule: RuleRef | null, isPolicy: boolean): 'drop' {
  f.errno = EPERM;
  k.drop(f.skb, 'NETFILTER_DROP', 'nf_hook_slow', isPolicy ? 'policy-drop' : 'rule-drop', {}, rule);
  return 'drop';
}

function settle(k: Kernel, f: Flight, c: PacketCtx, v: 'ACCEPT' | 'DROP' | 'STOLEN' | 'QUEUE'): HookVerdict {
  switch (v) {
    case 'ACCEPT':
      return 'accept';
    case 'STOLEN':
      return 'stolen';
    case 'QUEUE':
      return k.inconclusive('QUEUE: a program in user space decides', c);
    case 'DROP':
      return dropped(k, f, c.rule, c.rule !== null && k.isPolicyRef(c.rule));
  }
}

function runTable(k: Kernel, f: Flight, h: HookState, family: IpFamily, table: XtTableName): HookVerdict {
  const t = k.table(family, table);
  if (!t) return 'accept';
  const c = k.packetCtx(f, family, h.point, h.indev, h.outdev);
  return settle(k, f, c, walkTable(t, h.point, c, k.counters));
}

const plainTable = (family: IpFamily, table: XtTableName, point: HookPoint, priority: number): HookStep => ({
  family,
  point,
  priority,
  name: `${family === 'ipv4' ? 'iptable' : 'ip6table'}_${table}`,
  needed: (n) => hasTable(n, family, table),
  run: (k, f, h) => runTable(k, f, h, family, table),
});

export const hasTable = (n: NodeState, family: IpFamily, table: XtTableName): boolean =>
  (family === 'ipv4' ? n.iptables : n.ip6tables)?.tables.some((t) => t.name === table) ?? false;

/** What mangle OUTPUT may change that asks for a new route. */
const routeKey = (s: Skb): string => `${s.saddr}\0${s.daddr}\0${s.mark}\0${s.tos}${s.family === 'ipv6' ? `\0${s.ttl}\0${s.u32(0)}` : ''}`;

/** iptable_mangle's OUTPUT: re-routes when mark, addresses or TOS changed (ipt_mangle_out). */
const mangleOutput = (family: IpFamily): HookStep => ({
  ...plainTable(family, 'mangle', 'OUTPUT', PRI.MANGLE),
  name: family === 'ipv4' ? 'ipt_mangle_out' : 'ip6t_mangle_out',
  run: (k, f, h) => {
    const before = routeKey(f.skb);
    const v = runTable(k, f, h, family, 'mangle');
    if (v !== 'accept' || routeKey(f.skb) === before) return v;
    return rerouteHarder(k, f);
  },
});

function natRun(k: Kernel, f: Flight, h: HookState, family: IpFamily): HookVerdict {
  const c = k.packetCtx(f, family, h.point, h.indev, h.outdev);
  const t = k.table(family, 'nat');
  let rule: RuleRef | null = null;
  let isPolicy = false;
  const v = k.conntrack.nat(
    c,
    t
      ? (cc) => {
          const verdict = walkTable(t, h.point, cc, k.counters);
          rule = cc.rule;
          isPolicy = rule !== null && k.isPolicyRef(rule);
          return verdict;
        }
      : null,
  );
  return v === 'DROP' ? dropped(k, f, rule, isPolicy) : 'accept';
}

/** nf_nat hooks: nat chains hang inside this step, run once per flow and manip while unbound (nf_nat_inet_fn, nf_nat_ipv4_pre_routing/local_fn/out). */
const natStep = (family: IpFamily, point: HookPoint, priority: number): HookStep => ({
  family,
  point,
  priority,
  name: 'nf_nat_inet_fn',
  needed: (n) => needsConntrack(n),
  run: (k, f, h) => {
    const { skb } = f;
    const before = skb.daddr;
    const v = natRun(k, f, h, family);
    if (v !== 'accept') return v;
    if (point === 'PREROUTING' && skb.daddr !== before) skb.dst = null;
    if (point === 'OUTPUT' && tupleChanged(skb, 'dst')) return rerouteHarder(k, f);
    if (point === 'OUTPUT' && portChanged(skb, 'dst')) return k.xfrmReroute(f);
    if (point === 'POSTROUTING' && (tupleChanged(skb, 'src') || portChanged(skb, 'src'))) return k.xfrmReroute(f);
    return 'accept';
  },
});

/** ct->tuplehash[dir].tuple.X.u3 against the other direction's. */
function tupleChanged(skb: Skb, side: 'src' | 'dst'): boolean {
  if (!skb.ct || skb.ctinfo === 7) return false;
  const mine = ctIsReply(skb.ctinfo) ? skb.ct.reply : skb.ct.orig;
  const other = ctIsReply(skb.ctinfo) ? skb.ct.orig : skb.ct.reply;
  return side === 'dst' ? mine.dst !== other.src : mine.src !== other.dst;
}

function portChanged(skb: Skb, side: 'src' | 'dst'): boolean {
  if (!skb.ct || skb.ctinfo === 7 || skb.cb.flags & IPSKB_XFRM_TRANSFORMED) return false;
  const mine = ctIsReply(skb.ctinfo) ? skb.ct.reply : skb.ct.orig;
  const other = ctIsReply(skb.ctinfo) ? skb.ct.orig : skb.ct.reply;
  if (mine.proto === 1 || mine.proto === 58) return false;
  return side === 'dst' ? mine.dport !== other.sport : mine.sport !== other.dport;
}

const defragStep = (family: IpFamily, point: 'PREROUTING' | 'OUTPUT'): HookStep => ({
  family,
  point,
  priority: PRI.CONNTRACK_DEFRAG,
  name: family === 'ipv4' ? 'ipv4_conntrack_defrag' : 'ipv6_defrag',
  needed: (n) => needsDefrag(n),
  run: (k, f) => k.defragConntrack(f, point),
});

const conntrackIn = (family: IpFamily, point: 'PREROUTING' | 'OUTPUT'): HookStep => ({
  family,
  point,
  priority: PRI.CONNTRACK,
  name: point === 'PREROUTING' ? 'ipv4_conntrack_in' : 'ipv4_conntrack_local',
  needed: (n) => needsConntrack(n),
  run: (k, f) => {
    const v = k.conntrack.conntrackIn(f.skb, point);
    if (v === 'ACCEPT') return 'accept';
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
  needed: (n) => needsConntrack(n),
  run: (k, f) => {
    if (k.conntrack.confirm(f.skb) === 'ACCEPT') return 'accept';
    f.errno = EPERM;
    k.drop(f.skb, 'NETFILTER_DROP', 'nf_hook_slow', 'ct-clash', {});
    return 'drop';
  },
});

const ipSteps = (family: IpFamily): readonly HookStep[] => [
  defragStep(family, 'PREROUTING'),
  defragStep(family, 'OUTPUT'),
  plainTable(family, 'raw', 'PREROUTING', PRI.RAW),
  plainTable(family, 'raw', 'OUTPUT', PRI.RAW),
  conntrackIn(family, 'PREROUTING'),
  conntrackIn(family, 'OUTPUT'),
  plainTable(family, 'mangle', 'PREROUTING', PRI.MANGLE),
  plainTable(family, 'mangle', 'INPUT', PRI.MANGLE),
  plainTable(family, 'mangle', 'FORWARD', PRI.MANGLE),
  mangleOutput(family),
  plainTable(family, 'mangle', 'POSTROUTING', PRI.MANGLE),
  natStep(family, 'PREROUTING', PRI.NAT_DST),
  natStep(family, 'OUTPUT', PRI.NAT_DST),
  natStep(family, 'INPUT', PRI.NAT_SRC),
  natStep(family, 'POSTROUTING', PRI.NAT_SRC),
  plainTable(family, 'filter', 'INPUT', PRI.FILTER),
  plainTable(family, 'filter', 'FORWARD', PRI.FILTER),
  plainTable(family, 'filter', 'OUTPUT', PRI.FILTER),
  plainTable(family, 'security', 'INPUT', PRI.SECURITY),
  plainTable(family, 'security', 'FORWARD', PRI.SECURITY),
  plainTable(family, 'security', 'OUTPUT', PRI.SECURITY),
  confirmStep(family, 'INPUT'),
  confirmStep(family, 'POSTROUTING'),
];

export const allSteps: readonly HookStep[] = [...ipSteps('ipv4'), ...ipSteps('ipv6'), ...brNetfilterSteps, ...ebtablesSteps];

export type HookTable = ReadonlyMap<string, readonly HookStep[]>;

/** The steps registered on such a node, by `family:point`, in the order they run. */
export const hookTable = memoByIdentity((n: NodeState): HookTable => {
  const map = new Map<string, HookStep[]>();
  for (const s of allSteps) {
    if (s.needed && !s.needed(n)) continue;
    const key = `${s.family}:${s.point}`;
    const list = map.get(key);
    if (list) list.push(s);
    else map.set(key, [s]);
  }
  for (const list of map.values()) list.sort((a, b) => a.priority - b.priority);
  return map;
});
