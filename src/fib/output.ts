/** Routing of packets this node sends: ip_route_output_key_hash_rcu(), __mkroute_output() of 6.18 (net/ipv4/route.c). */
import { isMulticast4 } from '../base/addr.js';
import { type Dst, type NetDevice, type RouteType, RTCF_BROADCAST, RTCF_LOCAL, RTCF_MULTICAST } from '../packet/types.js';
import type { RouteStep } from '../trace/event.js';
import { ipDevFind, isLocalMulticast4, isLoopback4, LBCAST4, resultPrefsrc, selectAddress } from './addr.js';
import { makeDst } from './dst.js';
import type { RouteEnv } from './fib.js';
import { selectPath } from './multipath.js';
import { EINVAL, ENETUNREACH, ENODEV, RT_SCOPE } from './names.js';
import { type ChooseNexthop, type FibResult, type FlowKeys, LOOPBACK_IFINDEX, orConf } from './types.js';

export interface OutputFlow {
  /** 0: to be chosen. */
  readonly src: number;
  readonly dst: number;
  /** ifindex the sender is bound to; 0 = none. */
  readonly oif: number;
  readonly mark: number;
  readonly tos: number;
  readonly keys: FlowKeys;
  readonly uid: number;
  /** FLOWI_FLAG_ANYSRC: the source need not be ours (transparent sockets, forwarded packets re-routed). */
  readonly anySrc?: boolean;
  /** RT_SCOPE_LINK for SO_DONTROUTE and strict source routes; 0 else. */
  readonly scope?: number;
  readonly isMember: (dev: NetDevice, group: number) => boolean;
  readonly chooseNexthop: ChooseNexthop;
  readonly steps?: RouteStep[];
}

export interface OutputResult {
  /** 0, or the errno that the system call gets (positive). */
  readonly errno: number;
  readonly dst: Dst | null;
  /** fl4->saddr and daddr after routing. */
  readonly src: number;
  readonly daddr: number;
  readonly result: FibResult | null;
}

const LOOPBACK_ADDR = 0x7f000001;
const IGMP = 2;

interface Making {
  readonly env: RouteEnv;
  readonly f: OutputFlow;
  src: number;
  daddr: number;
  oif: number;
  result: FibResult | null;
}

const fail = (m: Making, errno: number): OutputResult => ({ errno, dst: null, src: m.src, daddr: m.daddr, result: m.result });

export function routeOutput(env: RouteEnv, f: OutputFlow): OutputResult {
  const m: Making = { env, f, src: f.src, daddr: f.dst, oif: f.oif, result: null };
  let dev: NetDevice | null = null;
  if (m.src !== 0) {
    if (isMulticast4(m.src) || m.src === LBCAST4) return fail(m, EINVAL);
    if (m.oif === 0 && (isMulticast4(m.daddr) || m.daddr === LBCAST4)) {
      dev = ipDevFind(env, m.src);
      if (!dev) return fail(m, ENETUNREACH);
      m.oif = dev.ifindex;
      return make(m, 'unicast', dev, 0);
    }
    if (!f.anySrc && !ipDevFind(env, m.src)) return fail(m, ENETUNREACH);
  }
  if (m.oif !== 0) {
    dev = env.fib.byIndex.get(m.oif) ?? null;
    if (!dev) return fail(m, ENODEV);
    if (!dev.up) return fail(m, ENETUNREACH);
    if (isLocalMulticast4(m.daddr) || m.daddr === LBCAST4 || f.keys.proto === IGMP) {
      if (m.src === 0) m.src = selectAddress(env, dev, 0, RT_SCOPE.LINK);
      return make(m, 'unicast', dev, 0);
    }
    if (m.src === 0) {
      if (isMulticast4(m.daddr)) m.src = selectAddress(env, dev, 0, f.scope ?? 0);
      else if (m.daddr === 0) m.src = selectAddress(env, dev, 0, RT_SCOPE.HOST);
    }
  }
  if (m.daddr === 0) {
    m.daddr = m.src;
    if (m.daddr === 0) m.daddr = m.src = LOOPBACK_ADDR;
    m.oif = LOOPBACK_IFINDEX;
    return make(m, 'local', loopback(env), RTCF_LOCAL);
  }
  return byTable(m, dev);
}

const loopback = (env: RouteEnv): NetDevice | null => env.fib.devices.find((d) => d.loopback) ?? null;

function byTable(m: Making, bound: NetDevice | null): OutputResult {
  const { env, f } = m;
  const flow = { src: m.src, dst: m.daddr, iif: LOOPBACK_IFINDEX, oif: m.oif, mark: f.mark, tos: f.tos, ...f.keys, uid: f.uid, scope: f.scope ?? 0 };
  let res = env.fib.lookup(flow, env.conf, false, f.steps);
  m.result = res;
  if (res.errno !== 0) {
    if (!bound) return fail(m, res.errno);
    // "Apparently the routing tables are wrong": a bound sender's destination is taken to be on link.
    if (m.src === 0) m.src = selectAddress(env, bound, 0, RT_SCOPE.LINK);
    m.result = null;
    return make(m, 'unicast', bound, 0);
  }
  if (res.type === 'local') {
    if (m.src === 0) m.src = typeof res.prefsrc === 'number' ? res.prefsrc : m.daddr;
    m.oif = LOOPBACK_IFINDEX;
    return make(m, 'local', loopback(env), RTCF_LOCAL);
  }
  if (m.oif === 0) res = selectPath(env, res, f.chooseNexthop, m.src);
  m.result = res;
  if (m.src === 0) m.src = resultPrefsrc(env, res);
  return make(m, res.type, res.dev, 0);
}

/** __mkroute_output(). */
function make(m: Making, found: RouteType, dev: NetDevice | null, flags: number): OutputResult {
  const { env, f } = m;
  if (!dev) return fail(m, ENODEV);
  if (isLoopback4(m.src) && !dev.loopback && !orConf(env.conf, dev.name, 'route_localnet')) return fail(m, EINVAL);
  if (m.daddr === 0) return fail(m, EINVAL);
  let type = found;
  let res = m.result;
  if (m.daddr === LBCAST4) {
    type = 'broadcast';
    res = null;
  } else if (isMulticast4(m.daddr)) type = 'multicast';
  let out = flags | (dev.loopback ? RTCF_LOCAL : 0);
  if (type === 'broadcast') out |= RTCF_BROADCAST | RTCF_LOCAL;
  else if (type === 'multicast') {
    out |= RTCF_MULTICAST;
    if (m.daddr === 0xe0000001 || f.isMember(dev, m.daddr)) out |= RTCF_LOCAL;
    else out &= ~RTCF_LOCAL;
    // A multicast that only the default route covers does not go to the gateway.
    if (res && res.prefixlen < 4) res = null;
  }
  const dst = makeDst(res, {
    type,
    dev,
    input: (out & RTCF_LOCAL) !== 0 ? 'local' : 'none',
    output: type === 'broadcast' ? 'broadcast' : type === 'multicast' ? 'multicast' : 'unicast',
    flags: out,
  });
  return { errno: 0, dst: { ...dst, prefsrc: m.src }, src: m.src, daddr: m.daddr, result: m.result };
}
