/** One IPv4 route table: fib_table_lookup() over an Lpm. */
import type { Addr } from '../base/addr.js';
import type { NetDevice } from '../packet/types.js';
import { Lpm } from './lpm.js';
import type { Nexthop, Route } from './model.js';
import { RT_SCOPE, routeTypeErrno, scopeNumber } from './names.js';
import { type DevConf, type FibResult, type Flow, orConf } from './types.js';

/** struct fib_nh_common. */
export interface CompiledNexthop {
  readonly nh: Nexthop;
  readonly dev: NetDevice | null;
  readonly oif: number;
  /** 253 behind a gateway, 254 on link, 255 this host. */
  readonly scope: number;
  readonly dead: boolean;
  readonly linkdown: boolean;
}

/** struct fib_alias with its fib_info. */
export interface Alias {
  readonly route: Route;
  readonly scope: number;
  readonly errno: number;
  readonly nexthops: readonly CompiledNexthop[];
  readonly dead: boolean;
  /** The answer of each nexthop; of a route that refuses the only one. Made once, since lookups give them out by the million. */
  readonly hits: readonly TableHit[];
  /** Routes of the same default prefix, tos and metric (this one included), where there are several: what fib_select_default() chooses among. */
  alternatives: readonly Route[];
}

export interface TableHit {
  readonly alias: Alias;
  /** -1 for a route that refuses. */
  readonly nexthop: number;
  readonly errno: number;
  /** The result last made of it: by the rule's priority. */
  result: FibResult | null;
}

export function compileAlias(route: Route, devices: ReadonlyMap<string, NetDevice>, ownAddrs: ReadonlyMap<Addr, NetDevice>): Alias {
  const scope = scopeNumber(route.scope);
  const nexthops = route.nexthops.map((nh): CompiledNexthop => {
    const dev = nh.dev === null ? null : (devices.get(nh.dev) ?? null);
    const hostRoute = scope === RT_SCOPE.HOST || scope === RT_SCOPE.NOWHERE;
    // A gateway that is this node itself makes the nexthop one of this host (fib_check_nh_v4_gw).
    const viaScope = nh.gateway !== null && ownAddrs.has(nh.gateway) ? RT_SCOPE.HOST : RT_SCOPE.LINK;
    return {
      nh,
      dev,
      oif: dev?.ifindex ?? -1,
      scope: hostRoute ? RT_SCOPE.NOWHERE : nh.gateway === null ? RT_SCOPE.HOST : viaScope,
      // Printed `dead` with `linkdown` only means that ignore_routes_with_linkdown is on; a lookup asks the sysctl itself.
      dead: (nh.flags.includes('dead') && !nh.flags.includes('linkdown')) || dev === null || (!dev.up && !hostRoute),
      // fib_sync_down_dev() passes over nexthops of this host: local routes never get linkdown.
      linkdown: !hostRoute && (dev === null ? nh.flags.includes('linkdown') : !dev.carrier),
    };
  });
  const errno = routeTypeErrno[route.type];
  const hits: TableHit[] = [];
  const alias: Alias = { route, scope, errno, nexthops, dead: nexthops.length > 0 && nexthops.every((n) => n.dead), hits, alternatives: [] };
  if (errno !== 0) hits.push({ alias, nexthop: -1, errno, result: null });
  else nexthops.forEach((_, nexthop) => void hits.push({ alias, nexthop, errno: 0, result: null }));
  return alias;
}

/** Order of aliases under one prefix: table (merged tables only), tos, both descending, then metric; equals as they were added. */
function byAliasOrder(a: Alias, b: Alias): number {
  return b.route.table - a.route.table || b.route.tos - a.route.tos || a.route.metric - b.route.metric;
}

const TOS_MASK = 0x1c;
export const ignoreLinkdown = (conf: DevConf, dev: NetDevice): boolean => orConf(conf, dev.name, 'ignore_routes_with_linkdown');

function goodNexthop(n: CompiledNexthop, oif: number, conf: DevConf, ignoreLinkstate: boolean): boolean {
  if (n.dead) return false;
  if (n.linkdown && !ignoreLinkstate && n.dev !== null && ignoreLinkdown(conf, n.dev)) return false;
  return oif === 0 || oif === n.oif;
}

export class Table4 {
  readonly #lpm: Lpm<Alias>;

  constructor(aliases: readonly Alias[]) {
    // Array.sort is stable: equals stay in the order of the dump.
    const sorted = [...aliases].sort(byAliasOrder);
    const defaults = sorted.filter((a) => a.route.dstLen === 0 && a.errno === 0);
    for (const a of defaults) {
      const equals = defaults.filter((b) => byAliasOrder(a, b) === 0);
      if (equals.length > 1) a.alternatives = equals.map((b) => b.route);
    }
    this.#lpm = new Lpm(
      'ipv4',
      sorted.map((item) => ({ addr: item.route.dst, len: item.route.dstLen, item })),
    );
  }

  /** null: nothing here (-EAGAIN); a throw route gives a hit with errno 11. */
  lookup(f: Flow, conf: DevConf, ignoreLinkstate: boolean): TableHit | null {
    for (let node = this.#lpm.find(f.dst); node !== null; node = node.parent) {
      for (const alias of node.items) {
        const r = alias.route;
        if (r.tos !== 0 && r.tos !== (f.tos & TOS_MASK)) continue;
        if (alias.scope < f.scope) continue;
        if (alias.errno !== 0) return alias.hits[0];
        if (alias.dead) continue;
        for (let i = 0; i < alias.nexthops.length; i++) {
          if (goodNexthop(alias.nexthops[i], f.oif, conf, ignoreLinkstate)) return alias.hits[i];
        }
      }
    }
    return null;
  }
}
