/** `ip route`: changes through fib/edit.ts with the kernel's answers; listings; `ip route get`. */
import { type Family, inPrefix } from '../../base/addr.js';
import { changeRoutes, completeRoute, completeRoute6, type Route, type RouteCommand, RT_TABLE, routeText } from '../../fib/index.js';
import { writeIpRoute, writeIpRouteJson } from '../../formats/ip-route.js';
import { parseRouteArgs } from '../../formats/ip-route-args.js';
import { asRouteType } from '../../formats/ip-route-draft.js';
import { type Prefix, parsePrefix, routeProtocol, tableNumber } from '../../formats/rt-names.js';
import type { NodeState } from '../../scenario/model.js';
import { devices, routeEnv, routeEnv6, routesOf } from '../netlink.js';
import { kernelSays, must, Refusal } from '../refusal.js';
import { type Answer, complained, said } from '../tool.js';
import { byBeginning, Clauses, type IpCommand, type IpObject, noDevice, verb, wrong } from './command.js';
import { routeGet } from './route-get.js';

const VERBS = ['list', 'show', 'lst', 'get', 'add', 'change', 'chg', 'replace', 'prepend', 'append', 'test', 'delete', 'flush', 'save', 'help'];
const EDITS = new Map<string, RouteCommand>([
  ['add', 'add'],
  ['change', 'change'],
  ['chg', 'change'],
  ['replace', 'replace'],
  ['prepend', 'prepend'],
  ['append', 'append'],
  ['delete', 'del'],
]);

function edit(n: NodeState, command: RouteCommand, words: readonly string[], family: Family | null): NodeState {
  const asked = must(parseRouteArgs(command, words, { family, tables: n.routeTableNames }));
  let route = asked.route;
  for (const nh of route.nexthops) if (nh.dev !== null && !devices(n).some((d) => d.name === nh.dev)) noDevice(nh.dev);
  if (command !== 'del') {
    const done = route.family === 'ipv4' ? completeRoute(routeEnv(n).fib, routeEnv(n).conf, route) : completeRoute6(routeEnv6(n), route);
    if (done.error !== null) kernelSays(done.error);
    route = done.route;
  }
  const r = changeRoutes(routesOf(n), { ...asked, route });
  if (r.error !== null) kernelSays(r.error);
  return { ...n, routes: r.list };
}

/** What `ip route list|flush` selects by; null = not asked. */
interface Filter {
  table: number | 'all' | 'cache' | null;
  root: Prefix | null;
  match: Prefix | null;
  dev: string | null;
  proto: string | null;
  type: string | null;
  scope: string | null;
  via: string | null;
}

function readFilter(n: NodeState, words: readonly string[], family: Family): Filter {
  const f: Filter = { table: null, root: null, match: null, dev: null, proto: null, type: null, scope: null, via: null };
  const w = new Clauses(words);
  const prefix = (text: string): Prefix => parsePrefix(text, family) ?? badPrefix(text, family);
  for (let k = w.next(); k !== undefined; k = w.next()) {
    if (k.length > 1 && byBeginning(k, ['table'])) {
      const t = w.value(k);
      f.table =
        t === 'all' || t === '0'
          ? 'all'
          : byBeginning(t, ['cache']) && t.length > 1
            ? 'cache'
            : (tableNumber(t, n.routeTableNames) ?? wrong(t, 'table id value is invalid'));
    } else if (k === 'dev' || k === 'oif') f.dev = w.value(k);
    else if (byBeginning(k, ['protocol'])) f.proto = routeProtocol(w.value(k));
    else if (k === 'scope') f.scope = w.value(k);
    else if (k === 'type') f.type = w.value(k);
    else if (k === 'via') f.via = w.value(k);
    else if (k === 'cache') f.table = 'cache';
    else if (k === 'root') f.root = prefix(w.value(k));
    else if (k === 'match') f.match = prefix(w.value(k));
    else if (asRouteType(k) !== null && f.type === null && w.peek() !== undefined) f.type = k;
    else f.root = f.match = prefix(k === 'exact' || k === 'to' ? w.value(k) : k);
  }
  if (f.dev !== null && !devices(n).some((d) => d.name === f.dev)) noDevice(f.dev);
  return f;
}

function badPrefix(text: string, family: Family): never {
  throw new Refusal(`Error: ${family === 'ipv4' ? 'inet' : 'inet6'} prefix is expected rather than "${text}".`, { code: 'ip-prefix', word: text, status: 1 });
}

const selects = (f: Filter, r: Route, family: Family): boolean =>
  r.family === family &&
  (f.table === 'all' || r.table === (f.table ?? RT_TABLE.MAIN)) &&
  (f.dev === null || r.nexthops.some((h) => h.dev === f.dev)) &&
  (f.proto === null || r.protocol === f.proto) &&
  (f.type === null || r.type === f.type) &&
  (f.scope === null || r.scope === f.scope) &&
  (f.root === null || (r.dstLen >= f.root.len && inPrefix(r.dst, f.root.addr, f.root.len))) &&
  (f.match === null || (r.dstLen <= f.match.len && inPrefix(f.match.addr, r.dst, r.dstLen)));

function flush(n: NodeState, words: readonly string[], family: Family): NodeState {
  if (words.length === 0) throw new Refusal('"ip route flush" requires arguments.', { code: 'ip-incomplete', status: 1 });
  const f = readFilter(n, words, family);
  if (f.table === 'cache') return n;
  const all = routesOf(n);
  const kept = all.filter((r) => !selects(f, r, family));
  return kept.length === all.length ? n : { ...n, routes: kept };
}

/** What a filter fixes is not printed again (print_route()). */
const shownAs = (r: Route, f: Filter): Route => ({
  ...r,
  ...(f.proto === null ? {} : { protocol: 'boot' }),
  ...(f.scope === null ? {} : { scope: 'global' }),
  ...(f.dev === null ? {} : { nexthops: r.nexthops.map((h) => ({ ...h, dev: r.nexthops.length > 1 ? h.dev : null })) }),
});

function show(n: NodeState, words: readonly string[], c: IpCommand): Answer {
  const family = c.family ?? 'ipv4';
  const f = readFilter(n, words, family);
  if (f.table === 'cache') return said('');
  const all = routesOf(n);
  if (typeof f.table === 'number' && f.table !== RT_TABLE.MAIN && f.table !== RT_TABLE.LOCAL && !all.some((r) => r.family === family && r.table === f.table)) {
    // IPv6 says so only of a table that was never there; its dump of one that is empty is empty (inet6_dump_fib()).
    return complained(`Error: ${family === 'ipv4' ? 'ipv4' : 'ipv6'}: FIB table does not exist.\nDump terminated`, 2);
  }
  const table = f.table === 'all' ? ('all' as const) : (f.table ?? RT_TABLE.MAIN);
  // All tables without a family: IPv4, then IPv6.
  const families: readonly Family[] = c.family === null && table === 'all' ? ['ipv4', 'ipv6'] : [family];
  const list = families.flatMap((x) => all.filter((r) => selects(f, r, x)).map((r) => shownAs(r, f)));
  if (c.json)
    return said(families.length === 1 ? writeIpRouteJson(list, { family, table }) : joined(families.map((x) => writeIpRouteJson(list, { family: x, table }))));
  if (c.details) return said(list.map((r) => `${routeText(r, table === 'all', true)}\n`).join(''));
  return said(families.map((x) => writeIpRoute(list, { family: x, table })).join(''));
}

/** JSON lists as one. */
const joined = (lists: readonly string[]): string => `${JSON.stringify(lists.flatMap((l) => JSON.parse(l)))}\n`;

export const routeObject: IpObject = {
  names: ['route'],
  change(n, c) {
    const v = verb(c, 'route', VERBS);
    const command = EDITS.get(v);
    if (command) return edit(n, command, c.words.slice(1), c.family);
    return v === 'flush' ? flush(n, c.words.slice(1), c.family ?? 'ipv4') : null;
  },
  answer(n, c) {
    const v = verb(c, 'route', VERBS);
    if (v === 'get') return routeGet(n, c.words.slice(1), c);
    if (v !== 'list' && v !== 'show' && v !== 'lst') return null;
    return show(n.given, c.words.slice(1), c);
  },
};
