/** Routes as `ip -j route show` prints them, read and written (iproute2 ip/iproute.c print_route()). */
import { type Addr, type Family, familyOf, formatAddr, parseAddr } from '../base/addr.js';
import type { Reporter } from '../base/diagnostic.js';
import { bareRoute } from '../fib/defaults.js';
import type { Nexthop, Route } from '../fib/model.js';
import { RT_TABLE, tableName } from '../fib/names.js';
import { METRIC_NAMES, prefixText, tosText } from '../fib/text.js';
import { asPref, asRouteType, asScope, finishRoute, prefixWhat, type ReadRouteOptions, type RouteDraft, type RouteParts } from './ip-route-draft.js';
import { type JsonFields, jsonEntries } from './json.js';
import { parsePrefix, routeProtocol, tableNumber, tosNumber } from './rt-names.js';

/** Routes in the order of the array; an entry that cannot be read is reported and left out. */
export function routesOfJson(text: string, reporter: Reporter, o: ReadRouteOptions): Route[] {
  const out: Route[] = [];
  let family = o.family;
  for (const f of jsonEntries(text, reporter)) {
    const before = reporter.diagnostics.length;
    family = familyOfJson(f, family);
    const r = routeOfJson(f, { ...o, family });
    if (!reporter.diagnostics.slice(before).some((d) => d.severity === 'error')) out.push(r);
  }
  return out;
}

function familyOfJson(f: JsonFields, family: Family): Family {
  const text = (key: string): string => {
    const n = f.get(key);
    return n?.t === 'string' ? n.value : '';
  };
  const dst = text('dst');
  return family === 'ipv6' || dst.includes(':') || (dst === 'default' && text('gateway').includes(':')) ? 'ipv6' : 'ipv4';
}

function routeOfJson(f: JsonFields, o: ReadRouteOptions): Route {
  const r: RouteDraft = bareRoute(o.family);
  r.type = f.parsed('type', asRouteType, 'route-type', 'a route type') ?? 'unicast';
  if (f.need('dst') !== null) {
    const dst = f.parsed('dst', (t) => parsePrefix(t, o.family), 'bad-prefix', prefixWhat(o.family));
    if (dst) {
      r.dst = dst.addr;
      r.dstLen = dst.len;
    }
  }
  r.src = f.parsed('from', (t) => parsePrefix(t, o.family), 'bad-prefix', prefixWhat(o.family));
  r.tos = f.parsed('tos', tosNumber, 'route-value', 'a TOS') ?? 0;
  r.nhid = f.number('nhid');
  r.table = f.parsed('table', (t) => tableNumber(t, o.tables), 'route-table-unknown', 'a route table known here') ?? RT_TABLE.MAIN;
  r.protocol = f.parsed('protocol', routeProtocol, 'route-value', 'a routing protocol') ?? 'boot';
  r.scope = f.parsed('scope', asScope, 'route-value', 'a scope') ?? 'global';
  r.prefsrc = f.parsed('prefsrc', parseAddr, 'bad-address', 'an IP address');
  r.metric = f.number('metric') ?? r.metric;
  r.pref = f.parsed('pref', asPref, 'route-value', 'low, medium or high');
  r.expires = f.number('expires');
  r.error = f.number('error');
  const flow = f.object('flow');
  if (flow) r.realms = [flow.string('from'), flow.string('to')].filter((x) => x !== null).join('/');
  metricsOfJson(r, f);
  return finishRoute(r, partsOfJson(f, o.family));
}

function metricsOfJson(r: RouteDraft, f: JsonFields): void {
  const metrics: Record<string, number> = {};
  for (const m of f.objects('metrics')) {
    for (const name of METRIC_NAMES) {
      const v = name !== 'features' && m.has(name) ? m.number(name) : null;
      if (v !== null) metrics[name] = v;
    }
    if (m.has('ecn')) metrics.features = 1;
    const algorithm = m.has('congestion') ? m.string('congestion') : m.string('congctl');
    if (algorithm !== null) r.congctl = algorithm;
  }
  r.metrics = metrics;
}

function gatewayOfJson(f: JsonFields): Addr | null {
  const via = f.object('via');
  return via ? via.parsed('host', parseAddr, 'bad-address', 'an IP address') : f.parsed('gateway', parseAddr, 'bad-address', 'an IP address');
}

function partsOfJson(f: JsonFields, family: Family): RouteParts {
  const nexthops = f
    .objects('nexthops')
    .map((n): Nexthop => ({ gateway: gatewayOfJson(n), dev: n.string('dev'), weight: n.number('weight') ?? 1, flags: n.strings('flags') }));
  const gateway = gatewayOfJson(f);
  if (gateway !== null && familyOf(gateway) !== family && !f.has('via')) f.error('bad-address', 'this gateway is of the other family', f.get('gateway'));
  return { gateway, dev: f.string('dev'), flags: f.strings('flags'), nexthops };
}

// --- writing ---

function viaJson(gateway: Addr | null, family: Family): object {
  if (gateway === null) return {};
  const of = familyOf(gateway);
  return of === family ? { gateway: formatAddr(gateway) } : { via: { family: of === 'ipv4' ? 'inet' : 'inet6', host: formatAddr(gateway) } };
}

function metricsJson(r: Route): object {
  const m: Record<string, number | string | null> = {};
  for (const name of METRIC_NAMES) {
    const v = r.metrics[name];
    if (v === undefined) continue;
    if (name === 'features') m.ecn = null;
    else m[name] = v;
  }
  if (r.congctl !== undefined) m.congestion = r.congctl;
  return Object.keys(m).length > 0 ? { metrics: [m] } : {};
}

/** One entry of the array; `showTable`: as behind `table all`, where the table is named. */
export function routeToJson(r: Route, showTable: boolean): object {
  const one = r.nexthops.length === 1 ? r.nexthops[0] : null;
  const [from, to] = r.realms === null ? [null, null] : r.realms.includes('/') ? r.realms.split('/') : [null, r.realms];
  return {
    ...(r.type === 'unicast' ? {} : { type: r.type }),
    dst: prefixText(r.dst, r.dstLen),
    ...(r.src ? { from: prefixText(r.src.addr, r.src.len) } : {}),
    ...(r.tos !== 0 ? { tos: tosText(r.tos) } : {}),
    ...(r.nhid !== null ? { nhid: r.nhid } : {}),
    ...(one ? viaJson(one.gateway, r.family) : {}),
    ...(one?.dev != null ? { dev: one.dev } : {}),
    ...(showTable && r.table !== RT_TABLE.MAIN ? { table: tableName(r.table) } : {}),
    ...(r.protocol !== 'boot' ? { protocol: r.protocol } : {}),
    ...(r.scope !== 'global' ? { scope: r.scope } : {}),
    ...(r.prefsrc !== null ? { prefsrc: formatAddr(r.prefsrc) } : {}),
    ...(r.metric !== 0 || r.family === 'ipv6' ? { metric: r.metric } : {}),
    flags: [...r.flags, ...(one?.flags ?? [])],
    ...(to !== null ? { flow: { ...(from !== null ? { from } : {}), to } } : {}),
    ...(r.expires !== null ? { expires: r.expires } : {}),
    ...(r.error !== null && r.error !== 0 ? { error: r.error } : {}),
    ...metricsJson(r),
    ...(r.pref !== null ? { pref: r.pref } : {}),
    ...(r.nexthops.length > 1
      ? { nexthops: r.nexthops.map((n) => ({ ...viaJson(n.gateway, r.family), ...(n.dev !== null ? { dev: n.dev } : {}), weight: n.weight, flags: n.flags })) }
      : {}),
  };
}
