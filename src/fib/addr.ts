/** Addresses of this node and what an address is to it: inet_select_addr(), inet_addr_type(), ip_dev_find() (net/ipv4/devinet.c, fib_frontend.c). */
import { isMulticast4, networkOf } from '../base/addr.js';
import type { NetDevice, RouteType } from '../packet/types.js';
import type { RouteEnv } from './fib.js';
import { RT_SCOPE, RT_TABLE, scopeNumber } from './names.js';
import { type FibAddr, type Flow, orConf } from './types.js';

export const LBCAST4 = 0xffffffff;
/** 224.0.0.0/24. */
export const isLocalMulticast4 = (a: number): boolean => a >>> 8 === 0xe00000;
export const isLoopback4 = (a: number): boolean => a >>> 24 === 127;

/** A flow that asks about a destination alone. */
const flowTo = (dst: number, oif = 0): Flow => ({ src: 0, dst, iif: 0, oif, mark: 0, tos: 0, proto: 0, sport: 0, dport: 0, uid: 0, scope: 0 });

/** inet_ifa_match(): is `a` in the subnet of the address (of its peer on point-to-point links)? */
const ifaMatch = (a: number, ifa: FibAddr): boolean => networkOf(a, ifa.prefixlen) === networkOf(ifa.peer ?? ifa.local, ifa.prefixlen);

const addrsOf = (env: RouteEnv, dev: NetDevice): readonly FibAddr[] => env.fib.addrs.filter((a) => a.dev === dev.name);

/**
 * inet_select_addr(): the source address for a packet that leaves by `dev` towards `dst` (0 = any) with at least `scope`
 * (an address of scope `link` does not serve scope `global`). 0 when the node has none.
 */
export function selectAddress(env: RouteEnv, dev: NetDevice | null, dst: number, scope: number): number {
  let first = 0;
  if (dev) {
    const localnetScope = orConf(env.conf, dev.name, 'route_localnet') ? RT_SCOPE.LINK : RT_SCOPE.HOST;
    for (const ifa of addrsOf(env, dev)) {
      if (ifa.secondary || Math.min(scopeNumber(ifa.scope), localnetScope) > scope) continue;
      if (dst === 0 || ifaMatch(dst, ifa)) return ifa.local as number;
      if (first === 0) first = ifa.local as number;
    }
    if (first !== 0) return first;
  }
  for (const other of env.fib.devices) {
    for (const ifa of addrsOf(env, other)) {
      const s = scopeNumber(ifa.scope);
      if (!ifa.secondary && s !== RT_SCOPE.LINK && s <= scope) return ifa.local as number;
    }
  }
  return 0;
}

/** First address of a device that is not secondary, whatever its scope; 0 when none: what REDIRECT writes. */
export function primaryAddress(env: RouteEnv, dev: NetDevice): number {
  const list = addrsOf(env, dev);
  return ((list.find((a) => !a.secondary) ?? list[0])?.local ?? 0) as number;
}

/** inet_addr_onlink(): is `a` in a subnet of the device, and `b` (unless 0) in the same one? */
export function addrOnlink(env: RouteEnv, dev: NetDevice, a: number, b: number): boolean {
  return addrsOf(env, dev).some((ifa) => !ifa.secondary && ifaMatch(a, ifa) && (b === 0 || ifaMatch(b, ifa)));
}

/** __ip_dev_find(): the device that `a` is an own address of, else that of a local route covering it; null when it is not ours. */
export function ipDevFind(env: RouteEnv, a: number): NetDevice | null {
  const own = env.fib.ownAddrs.get(a);
  if (own) return own;
  const r = env.fib.lookupTable(RT_TABLE.LOCAL, flowTo(a), env.conf);
  return r.errno === 0 && r.type === 'local' ? r.dev : null;
}

/** inet_addr_type() without a device, inet_dev_addr_type() with one: a type other than unicast counts only if its route is on that device. */
export function addrType(env: RouteEnv, a: number, dev: NetDevice | null = null): RouteType {
  if (a === 0 || a === LBCAST4) return 'broadcast';
  if (isMulticast4(a)) return 'multicast';
  const r = env.fib.lookupTable(RT_TABLE.LOCAL, flowTo(a), env.conf);
  if (r.errno !== 0 || r.route === null) return 'unicast';
  return dev === null || r.route.nexthops[0]?.dev === dev.name ? r.type : 'unicast';
}

/** Address that a result gives its sender when no source is bound: fib_result_prefsrc(). */
export function resultPrefsrc(
  env: RouteEnv,
  r: { readonly prefsrc: unknown; readonly dev: NetDevice | null; readonly gateway: unknown; readonly scope: number },
): number {
  if (typeof r.prefsrc === 'number') return r.prefsrc;
  return selectAddress(env, r.dev, typeof r.gateway === 'number' ? r.gateway : 0, r.scope);
}
