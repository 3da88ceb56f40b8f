/** A node's devices, addresses, rules and routes as the kernel would hold them: what the scenario does not state is spelled out, so that it can be shown and edited. */
import { memoByIdentity } from '../base/memo.js';
import {
  changeRoutes,
  compileFib,
  compileFib6,
  type DevConf,
  defaultRules,
  derivedRoutes4,
  derivedRoutes6,
  type PolicyRule,
  type Route,
  RouteEnv,
  type RouteEnv6,
} from '../fib/index.js';
import { LOOPBACK } from '../link/defaults.js';
import type { IfAddr, Link } from '../link/model.js';
import type { NetDevice } from '../packet/types.js';
import type { NodeState } from '../scenario/model.js';
import { addrsOf, devicesOf } from '../stack/plan.js';
import { sysctlsOf } from '../stack/sysctls.js';

/** Devices, lo included, by ifindex. */
export const devices = (n: NodeState): readonly NetDevice[] => devicesOf(n.links).list;
/** Addresses; 127.0.0.1/8 included where lo is not listed. */
export const addresses = (n: NodeState): readonly IfAddr[] => addrsOf(n.addrs);

const confOf = (n: NodeState, family: 'ipv4' | 'ipv6'): DevConf => {
  const s = sysctlsOf(n.sysctls);
  return { all: (key) => s.conf(family, 'all', key), dev: (name, key) => s.conf(family, name, key) };
};
export const forwarding6 = (n: NodeState): boolean => sysctlsOf(n.sysctls).conf('ipv6', 'all', 'forwarding') !== 0;

/** The routes that the node's addresses make, of both families. */
export function derivedRoutes(n: NodeState): readonly Route[] {
  const addrs = addresses(n);
  return [...derivedRoutes4(addrs, devices(n)), ...derivedRoutes6(addrs, devices(n), forwarding6(n))];
}

/** All routes; where none are stated those that follow from the addresses, in the order of a dump. */
export const routesOf = memoByIdentity((n: NodeState): readonly Route[] => n.routes ?? marked(n, derivedRoutes(n)).reduce(withRoute, []));

/** Routes over a device without carrier say so; local ones do not depend on it (fib_check_nh_nongw()). */
function marked(n: NodeState, routes: readonly Route[]): readonly Route[] {
  const dark = new Set(
    devices(n)
      .filter((d) => d.up && !d.carrier)
      .map((d) => d.name),
  );
  if (dark.size === 0) return routes;
  return routes.map((r) =>
    r.type === 'local' || !r.nexthops.some((h) => dark.has(h.dev ?? ''))
      ? r
      : { ...r, nexthops: r.nexthops.map((h) => ({ ...h, flags: [...h.flags, 'linkdown'] })) },
  );
}

/** With one more route of the kernel's own, where it is not there yet. */
export function withRoute(list: readonly Route[], route: Route): readonly Route[] {
  return changeRoutes(list, { command: 'append', route, given: new Set() }).list;
}

export function rulesOf(n: NodeState): readonly PolicyRule[] {
  const stated = n.rules ?? [];
  const missing = (['ipv4', 'ipv6'] as const).filter((f) => !stated.some((r) => r.family === f));
  return [...stated, ...missing.flatMap((f) => defaultRules(f))];
}

export function routeEnv(n: NodeState): RouteEnv {
  return new RouteEnv(compileFib({ family: 'ipv4', routes: n.routes, rules: n.rules, addrs: addresses(n), devices: devices(n) }), confOf(n, 'ipv4'));
}
export function routeEnv6(n: NodeState): RouteEnv6 {
  const fib = compileFib6({ family: 'ipv6', routes: n.routes, rules: n.rules, addrs: addresses(n), devices: devices(n) }, forwarding6(n));
  return { fib, conf: confOf(n, 'ipv6') };
}

/** The links; lo, which every namespace has, included where the dumps do not list it. */
export const linksOf = memoByIdentity((links: readonly Link[]): readonly Link[] =>
  links.some((l) => l.name === 'lo' || l.linkType === 'loopback') ? links : [LOOPBACK, ...links],
);
