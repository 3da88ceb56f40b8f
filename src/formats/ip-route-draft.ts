/** A route while it is read, and the words that text, JSON and the arguments of `ip route` have in common (ip-route(8); iproute2 ip/iproute.c). */
import type { Addr, Family } from '../base/addr.js';
import { nearest, type Reporter } from '../base/diagnostic.js';
import type { Nexthop, Route } from '../fib/model.js';
import { ROUTE_TYPES, type RouteType } from '../packet/types.js';
import type { ReadOptions as FileOption } from './ip-link.js';
import { knownTables, type TableNames } from './rt-names.js';
import type { Word } from './tokens.js';

export interface ReadRouteOptions extends FileOption {
  readonly family: Family;
  /** What rt_tables of the node adds to local, main, default. */
  readonly tables?: TableNames;
}

/** A route has a type; `unspec` is what an address without a route has. */
const routeTypes: ReadonlySet<string> = new Set(ROUTE_TYPES.filter((t) => t !== 'unspec'));
/** A type's name as a RouteType; null = it is none. */
export const asRouteType = (t: string): RouteType | null => (routeTypes.has(t) ? (t as RouteType) : null);

const scopeWords: ReadonlySet<string> = new Set(['global', 'universe', 'site', 'link', 'host', 'nowhere']);
/** A scope's name or number (0..255) as it is kept: universe is global. */
export const asScope = (t: string): string | null => (t === 'universe' ? 'global' : scopeWords.has(t) ? t : /^\d{1,3}$/.test(t) && Number(t) < 256 ? t : null);
/** Router preference of an IPv6 route. */
export const asPref = (t: string): string | null => (t === 'low' || t === 'medium' || t === 'high' ? t : null);
/** What a message says was expected. */
export const prefixWhat = (family: Family): string => (family === 'ipv4' ? 'an IPv4 prefix (default, a.b.c.d[/n])' : 'an IPv6 prefix (default, addr[/n])');
/** `2s`, `300ms`, `1.5s`, `40` (ms) to milliseconds. */
export function parseMs(t: string): number | null {
  const m = /^(\d{1,9}(?:\.\d{1,6})?)(s|ms|sec|msec|secs|msecs)?$/.exec(t);
  if (!m) return null;
  return m[2]?.startsWith('s') ? Math.round(Number(m[1]) * 1000) : Math.round(Number(m[1]));
}

/** A route while it is read. */
export type RouteDraft = { -readonly [K in keyof Route]: Route[K] };

/** What cannot be put on the route at once: the plain nexthop's parts and those of a multipath route. */
export interface RouteParts {
  gateway: Addr | null;
  dev: string | null;
  readonly flags: string[];
  readonly nexthops: Nexthop[];
}

/** The route that a draft and its parts make. */
export function finishRoute(r: RouteDraft, p: RouteParts): Route {
  if (p.nexthops.length > 0) {
    r.nexthops = p.nexthops;
    r.flags = p.flags;
  } else if (p.gateway !== null || p.dev !== null) r.nexthops = [{ gateway: p.gateway, dev: p.dev, weight: 1, flags: p.flags }];
  else r.flags = p.flags;
  return r;
}

/** A table's name that nothing resolves. */
export function reportTable(v: Word, reporter: Reporter, tables: TableNames | undefined): void {
  const near = nearest(v.text, knownTables(tables));
  const hint = near ? `did you mean “${near}”?` : 'write the table’s number, or state the node’s rt_tables (lines “NUMBER NAME”)';
  reporter.error('route-table-unknown', `no route table is called “${v.text}”`, v.line, v.column, v.text.length, hint);
}
