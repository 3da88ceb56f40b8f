/** What `ip route` and `ip rule` do to a node's tables: fib_table_insert(), fib_table_delete(), fib6_add(), fib_nl_newrule(), fib_nl_delrule(). Pure: new lists, or what the tool prints. */
import { type Addr, inPrefix, isMulticast4, networkOf } from '../base/addr.js';
import type { NetDevice } from '../packet/types.js';
import type { Fib } from './fib.js';
import type { Nexthop, PolicyRule, Route } from './model.js';
import { RT_SCOPE, scopeNumber } from './names.js';
import type { DevConf } from './types.js';

export type RouteCommand = 'add' | 'append' | 'prepend' | 'change' | 'replace' | 'del';

export interface RouteChange {
  readonly command: RouteCommand;
  readonly route: Route;
  /** Fields the command named ('type', 'scope', 'src', 'proto', 'metric', 'via', 'dev', 'table', 'tos'): a deletion compares only these. */
  readonly given: ReadonlySet<string>;
}

/** `error`: what `ip` prints on stderr (exit status 2); the list is then unchanged. */
export interface Changed<T> {
  readonly list: readonly T[];
  readonly error: string | null;
}

const answers = (text: string): string => `RTNETLINK answers: ${text}`;
const EEXIST = answers('File exists');
const ENOENT = answers('No such file or directory');
const BAD_PREFIX = 'Error: Invalid prefix for given prefix length.';
const ESRCH = answers('No such process');

const sameKey = (a: Route, b: Route): boolean =>
  a.family === b.family &&
  a.table === b.table &&
  a.dst === b.dst &&
  a.dstLen === b.dstLen &&
  a.tos === b.tos &&
  (a.src?.addr ?? null) === (b.src?.addr ?? null) &&
  (a.src?.len ?? 0) === (b.src?.len ?? 0);
const sameNexthops = (a: readonly Nexthop[], b: readonly Nexthop[]): boolean =>
  a.length === b.length && a.every((n, i) => n.gateway === b[i].gateway && n.dev === b[i].dev && n.weight === b[i].weight);
/** Would the kernel call it the same route? IPv6 compares device and gateway alone (rt6_duplicate_nexthop()). */
const sameInfo = (a: Route, b: Route): boolean =>
  (a.family === 'ipv6' && sameNexthops(a.nexthops, b.nexthops)) ||
  (a.type === b.type && a.scope === b.scope && a.prefsrc === b.prefsrc && a.protocol === b.protocol && sameNexthops(a.nexthops, b.nexthops));

/**
 * Applies one change. The route must be complete (completeRoute()). A new one goes before the first of its table with a greater destination,
 * as listings stand sorted; among equals of destination and tos by metric.
 */
export function changeRoutes(routes: readonly Route[], c: RouteChange): Changed<Route> {
  const refuse = (error: string): Changed<Route> => ({ list: routes, error });
  const route = c.route.family === 'ipv6' ? { ...c.route, dst: networkOf(c.route.dst, c.route.dstLen) } : c.route;
  if (networkOf(route.dst, route.dstLen) !== route.dst) return refuse(BAD_PREFIX);
  if (c.command === 'del') return deleteRoute(routes, { ...c, route });
  const equals = routes.filter((r) => sameKey(r, route) && r.metric === route.metric);
  if (equals.length === 0) {
    if (c.command === 'change') return refuse(route.family === 'ipv6' ? 'Error: Can not replace route - no match found.' : ENOENT);
    return { list: insert(routes, route, 'last'), error: null };
  }
  if (c.command === 'add') return refuse(EEXIST);
  if (c.command === 'replace' || c.command === 'change') {
    const at = routes.indexOf(equals[0]);
    return { list: routes.map((r, i) => (i === at ? route : r)), error: null };
  }
  if (equals.some((r) => sameInfo(r, route))) return refuse(EEXIST);
  return { list: insert(routes, route, c.command === 'append' ? 'last' : 'first'), error: null };
}

/**
 * Order of `ip route show table all`: tables by the low byte of their number (the kernel's hash), IPv4 by destination and then the longer prefix
 * (leaves of the trie), IPv6 each prefix behind those inside it (fib6_walk()); then tos descending, metric.
 */
function before(a: Route, b: Route): number {
  const byTable = (a.table & 0xff) - (b.table & 0xff);
  if (byTable !== 0) return byTable;
  if (a.family === 'ipv6' && a.dstLen !== b.dstLen) {
    if (inPrefix(a.dst, b.dst, b.dstLen)) return a.dstLen > b.dstLen ? -1 : a.dst < b.dst ? -1 : 1;
    if (inPrefix(b.dst, a.dst, a.dstLen)) return 1;
  }
  if (a.dst !== b.dst) return a.dst < b.dst ? -1 : 1;
  return b.dstLen - a.dstLen || b.tos - a.tos || a.metric - b.metric;
}

function insert(routes: readonly Route[], r: Route, among: 'first' | 'last'): Route[] {
  const mine = (x: Route): boolean => x.family === r.family;
  let at = routes.findIndex((x) => mine(x) && (among === 'last' ? before(r, x) < 0 : before(r, x) <= 0));
  if (at < 0) {
    const last = routes.findLastIndex(mine);
    at = last < 0 ? routes.length : last + 1;
  }
  return [...routes.slice(0, at), r, ...routes.slice(at)];
}

function deleteRoute(routes: readonly Route[], c: RouteChange): Changed<Route> {
  const { route: w, given } = c;
  const at = routes.findIndex(
    (r) =>
      sameKey(r, w) &&
      (!given.has('type') || r.type === w.type) &&
      (!given.has('scope') || r.scope === w.scope) &&
      (!given.has('src') || r.prefsrc === w.prefsrc) &&
      (!given.has('proto') || r.protocol === w.protocol) &&
      (!given.has('metric') || r.metric === w.metric) &&
      nexthopsMatch(r, w),
  );
  return at < 0 ? { list: routes, error: ESRCH } : { list: routes.filter((_, i) => i !== at), error: null };
}

/** fib_nh_match(): each gateway and device that was named must be the route's. */
const nexthopsMatch = (r: Route, w: Route): boolean =>
  w.nexthops.every((n, i) => (n.gateway === null || r.nexthops[i]?.gateway === n.gateway) && (n.dev === null || r.nexthops[i]?.dev === n.dev));

/** fib_props[].scope: a route of this type may not reach further. */
const LEAST_SCOPE: ReadonlyMap<string, number> = new Map([
  ['local', RT_SCOPE.HOST],
  ['broadcast', RT_SCOPE.LINK],
  ['anycast', RT_SCOPE.LINK],
]);
const REFUSING = new Set(['blackhole', 'unreachable', 'prohibit', 'throw']);

/**
 * fib_create_info(), fib_check_nh() for IPv4: fills in devices that follow from gateways and refuses what the kernel refuses.
 * `error` is what `ip` prints; null when the route may be added.
 */
export function completeRoute(fib: Fib, conf: DevConf, route: Route): { readonly route: Route; readonly error: string | null } {
  const fail = (error: string): { route: Route; error: string } => ({ route, error });
  if (networkOf(route.dst, route.dstLen) !== route.dst) return fail(BAD_PREFIX);
  if (scopeNumber(route.scope) < (LEAST_SCOPE.get(route.type) ?? RT_SCOPE.UNIVERSE)) return fail('Error: Invalid scope.');
  if (REFUSING.has(route.type)) {
    return route.nexthops.length > 0 ? fail('Error: Gateway, device and multipath can not be specified for this route type.') : { route, error: null };
  }
  if (route.nexthops.length === 0 && route.nhid === null) return fail(answers('No such device'));
  if (scopeNumber(route.scope) >= RT_SCOPE.HOST && route.nexthops.some((n) => n.gateway !== null))
    return fail('Error: Route with host scope can not have a gateway.');
  const nexthops: Nexthop[] = [];
  for (const nh of route.nexthops) {
    if (nh.dev !== null && !fib.byName.has(nh.dev)) return fail(`Cannot find device "${nh.dev}"`);
    const r = nh.gateway === null ? checkOnLink(fib, nh) : checkGateway(fib, conf, route, nh, nh.gateway);
    if (typeof r === 'string') return fail(r);
    nexthops.push({ ...nh, dev: r.name, flags: r.carrier ? nh.flags : [...nh.flags.filter((f) => f !== 'linkdown'), 'linkdown'] });
  }
  if (route.prefsrc !== null && !fib.ownAddrs.has(route.prefsrc) && !(route.type === 'local' && route.prefsrc === route.dst))
    return fail('Error: Invalid prefsrc address.');
  return { route: { ...route, nexthops }, error: null };
}

function checkOnLink(fib: Fib, nh: Nexthop): NetDevice | string {
  const dev = nh.dev === null ? undefined : fib.byName.get(nh.dev);
  if (!dev) return answers('No such device');
  return dev.up ? dev : 'Error: Device for nexthop is not up.';
}

/** Was it the gateway for which a route was refused: none of its node's networks, and of no route without a gateway (of either family)? */
export const refusesGateway = (error: string): boolean => error === INVALID_GATEWAY || error === answers('No route to host');

const INVALID_GATEWAY = 'Error: Nexthop has invalid gateway.';

function checkGateway(fib: Fib, conf: DevConf, route: Route, nh: Nexthop, gateway: Addr): NetDevice | string {
  const dev = nh.dev === null ? null : (fib.byName.get(nh.dev) ?? null);
  const scope = scopeNumber(route.scope);
  if (nh.flags.includes('onlink')) {
    if (!dev) return 'Error: Nexthop device required for onlink.';
    if (!dev.up) return 'Error: Nexthop device is not up.';
    return typeof gateway === 'number' && (isMulticast4(gateway) || fib.ownAddrs.has(gateway)) ? INVALID_GATEWAY : dev;
  }
  // An IPv6 next hop of an IPv4 route is not looked up in these tables.
  if (typeof gateway !== 'number') return dev ?? answers('No such device');
  if (scope >= RT_SCOPE.LINK) return INVALID_GATEWAY;
  const flow = {
    src: 0,
    dst: gateway,
    iif: 1,
    oif: dev?.ifindex ?? 0,
    mark: 0,
    tos: 0,
    proto: 0,
    sport: 0,
    dport: 0,
    uid: 0,
    scope: Math.max(scope + 1, RT_SCOPE.LINK),
  };
  const inTable = route.table === 254 ? null : fib.lookupTable(route.table, flow, conf, true);
  const r = inTable && inTable.errno === 0 ? inTable : fib.lookup(flow, conf, true);
  if (r.errno !== 0 || (r.type !== 'unicast' && r.type !== 'local') || !r.dev) return INVALID_GATEWAY;
  return r.dev.up ? r.dev : answers('Network is down');
}

// --- rules ---

export interface RuleChange {
  readonly command: 'add' | 'del';
  readonly rule: PolicyRule;
  readonly hasPriority: boolean;
  readonly given: ReadonlySet<string>;
}

const flat = (v: unknown): string => JSON.stringify(v);
const sameRule = (a: PolicyRule, b: PolicyRule): boolean => flat({ ...a, priority: 0, protocol: null }) === flat({ ...b, priority: 0, protocol: null });

/** fib_default_rule_pref(): one less than the second rule's. */
function freePriority(mine: readonly PolicyRule[]): number {
  const second = [...mine].sort((a, b) => a.priority - b.priority)[1];
  return second && second.priority > 0 ? second.priority - 1 : 0;
}

const fieldOf: ReadonlyMap<string, keyof PolicyRule> = new Map<string, keyof PolicyRule>([
  ['not', 'not'],
  ['from', 'src'],
  ['to', 'dst'],
  ['tos', 'tos'],
  ['fwmark', 'fwmark'],
  ['iif', 'iif'],
  ['oif', 'oif'],
  ['uidrange', 'uidrange'],
  ['ipproto', 'ipproto'],
  ['sport', 'sport'],
  ['dport', 'dport'],
  ['tun_id', 'tunId'],
  ['action', 'action'],
  ['priority', 'priority'],
]);

/** fib_nl_newrule(), fib_nl_delrule(). `rules` holds both families; the default ones must be stated (defaultRules()). */
export function changeRules(rules: readonly PolicyRule[], c: RuleChange): Changed<PolicyRule> {
  const mine = rules.filter((r) => r.family === c.rule.family);
  if (c.command === 'del') {
    const at = rules.findIndex(
      (r) =>
        r.family === c.rule.family &&
        [...c.given].every((g) => {
          const field = fieldOf.get(g);
          return field === undefined || flat(r[field]) === flat(c.rule[field]);
        }),
    );
    return at < 0 ? { list: rules, error: ENOENT } : { list: rules.filter((_, i) => i !== at), error: null };
  }
  const rule = c.hasPriority ? c.rule : { ...c.rule, priority: freePriority(mine) };
  if (rule.action.kind === 'goto' && rule.action.target !== null && rule.action.target <= rule.priority)
    return { list: rules, error: 'Error: Backward goto not supported.' };
  if (mine.some((r) => r.priority === rule.priority && sameRule(r, rule))) return { list: rules, error: EEXIST };
  const after = rules.findIndex((r) => r.family === rule.family && r.priority > rule.priority);
  return { list: after < 0 ? [...rules, rule] : [...rules.slice(0, after), rule, ...rules.slice(after)], error: null };
}
