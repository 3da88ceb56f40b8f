/** Routing of IPv6 packets: ip6_route_input(), ip6_route_output_flags(), ip6_dst_lookup_tail() (net/ipv6/route.c, ip6_output.c). */
import { ANY6, type Ip6, isMapped6, isMulticast6 } from '../base/addr.js';
import { type Dst, type NetDevice, RTCF_LOCAL, RTCF_MULTICAST } from '../packet/types.js';
import type { RouteStep } from '../trace/event.js';
import { isAnycast6, needStrict6, selectAddress6 } from './addr6.js';
import { realmOf } from './dst.js';
import type { RouteEnv6 } from './fib6.js';
import type { Route } from './model.js';
import { type ChooseNexthop, type FibResult, type FlowKeys, LOOPBACK_IFINDEX } from './types.js';

const IP6_MAX_MTU = 65535 + 40;
const MIN_ADVMSS6 = 1220;
export const EADDRNOTAVAIL = 99;
const EAFNOSUPPORT = 97;

/** idev->cnf.mtu6: the device's MTU unless its sysctl says less. */
const deviceMtu6 = (env: RouteEnv6, dev: NetDevice): number => env.conf.dev(dev.name, 'mtu') || dev.mtu;

/** ip6_mtu(). */
function routeMtu6(env: RouteEnv6, route: Route | null, dev: NetDevice): number {
  return Math.min(route?.metrics.mtu || deviceMtu6(env, dev), IP6_MAX_MTU);
}

/** ip6_default_advmss(). */
function advmss6(route: Route | null, mtu: number): number {
  if (route?.metrics.advmss) return route.metrics.advmss;
  const mss = Math.max(mtu - 60, MIN_ADVMSS6);
  return mss > 65535 - 20 ? 65535 : mss;
}

/** ip6_rt_copy_init(), ip6_rt_init_dst(); the null entry and rules that refuse stand on the loopback device. */
function makeDst6(env: RouteEnv6, r: FibResult): Dst {
  const own = r.errno === 0 && (r.type === 'local' || (r.route !== null && isAnycast6(r.route)));
  const lo = env.fib.loopback ?? env.fib.devices[0];
  const dev = own || r.dev === null ? lo : r.dev;
  const multicast = r.route !== null && isMulticast6(r.route.dst as Ip6);
  const mtu = routeMtu6(env, r.route, dev);
  return {
    family: 'ipv6',
    type: r.type,
    dev,
    gateway: r.gateway,
    mtu,
    mtuLock: r.route?.lock.includes('mtu') ?? false,
    advmss: advmss6(r.route, mtu),
    prefsrc: r.prefsrc,
    input: r.errno !== 0 ? 'error' : own || multicast || r.type === 'anycast' ? 'local' : 'forward',
    output: r.errno !== 0 ? 'error' : multicast ? 'multicast' : 'unicast',
    error: r.errno,
    flags: (own ? RTCF_LOCAL : 0) | (multicast ? RTCF_MULTICAST : 0),
    hoplimit: r.route?.metrics.hoplimit ?? 0,
    xfrm: null,
    route: r.route,
    realm: realmOf(r.route),
  };
}

export interface Input6Packet {
  readonly src: Ip6;
  readonly dst: Ip6;
  /** Traffic class. */
  readonly tos: number;
  readonly mark: number;
  readonly dev: NetDevice;
  /** First next header, as the kernel puts it into the flow; with rules that ask for ports the dissected ones. */
  readonly keys: FlowKeys;
  readonly chooseNexthop: ChooseNexthop;
  readonly steps?: RouteStep[];
}

export interface Route6Result {
  /** 0, or positive errno; dst then refuses (`error`), with the type of the route or rule that did: blackhole is silent, prohibit and unreachable answer. */
  readonly errno: number;
  readonly dst: Dst;
  readonly result: FibResult;
}

/** ip6_route_input(). Martian addresses were dropped by ip6_rcv_core() before. */
export function routeInput6(env: RouteEnv6, p: Input6Packet): Route6Result {
  const flow = { src: p.src, dst: p.dst, iif: p.dev.ifindex, oif: 0, mark: p.mark, tos: p.tos, ...p.keys, uid: 0, scope: 0 };
  const result = env.fib.lookup(flow, env.conf, { strict: needStrict6(p.dst), chooseNexthop: p.chooseNexthop, ...(p.steps ? { steps: p.steps } : {}) });
  return { errno: result.errno, dst: makeDst6(env, result), result };
}

export interface Output6Flow {
  /** `::`: to be chosen. */
  readonly src: Ip6;
  readonly dst: Ip6;
  readonly oif: number;
  /** The sender is bound to its device (sk_bound_dev_if): only routes of that device. */
  readonly bound: boolean;
  readonly mark: number;
  readonly tos: number;
  readonly keys: FlowKeys;
  readonly uid: number;
  readonly chooseNexthop: ChooseNexthop;
  readonly steps?: RouteStep[];
}

export interface Output6Result extends Omit<Route6Result, 'dst'> {
  readonly dst: Dst | null;
  readonly src: Ip6;
}

function lookupOutput(env: RouteEnv6, f: Output6Flow, src: Ip6, strict: boolean): FibResult {
  const flow = { src, dst: f.dst, iif: LOOPBACK_IFINDEX, oif: f.oif, mark: f.mark, tos: f.tos, ...f.keys, uid: f.uid, scope: 0 };
  const must = strict || f.bound || needStrict6(f.dst) || (f.oif !== 0 && src === ANY6);
  return env.fib.lookup(flow, env.conf, { strict: must, chooseNexthop: f.chooseNexthop, ...(f.steps ? { steps: f.steps } : {}) });
}

/** ip6_dst_lookup(): the route first without a source, then the source by it; where that route refuses, once more with the source. */
export function routeOutput6(env: RouteEnv6, f: Output6Flow): Output6Result {
  let src = f.src;
  let result: FibResult | null = null;
  if (src === ANY6) {
    const first = lookupOutput(env, f, ANY6, false);
    const chosen = typeof first.prefsrc === 'string' && first.errno === 0 ? first.prefsrc : selectAddress6(env, first.errno === 0 ? first.dev : null, f.dst);
    if (chosen === null) return { errno: EADDRNOTAVAIL, dst: null, result: first, src };
    src = chosen;
    if (first.errno === 0) result = first;
  }
  result ??= lookupOutput(env, f, src, f.src === ANY6 && f.oif !== 0);
  if (result.errno === 0 && isMapped6(src) && !isMapped6(f.dst)) return { errno: EAFNOSUPPORT, dst: null, result, src };
  return { errno: result.errno, dst: result.errno === 0 ? makeDst6(env, result) : null, result, src };
}

/** ip6_route_output() with a given source and no selection (re-routing, replies, errors): the dst also when it refuses. */
export function routeOutput6To(env: RouteEnv6, f: Output6Flow): Route6Result {
  const result = lookupOutput(env, f, f.src, false);
  return { errno: result.errno, dst: makeDst6(env, result), result };
}
