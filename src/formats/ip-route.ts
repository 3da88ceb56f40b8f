/** `ip route show [table all]` of either family, as text and as `-j` JSON (ip-route(8); iproute2 ip/iproute.c print_route()). */
import { type Addr, anyAddr, type Family, familyOf, formatAddr, parseAddr } from '../base/addr.js';
import { nearest, type Parsed, Reporter } from '../base/diagnostic.js';
import type { Nexthop, Route } from '../fib/model.js';
import { RT_TABLE, tableName } from '../fib/names.js';
import { METRIC_NAMES, prefixText, routeText, tosText } from '../fib/text.js';
import type { RouteType } from '../packet/types.js';
import type { ReadOptions as FileOption } from './ip-link.js';
import { type JsonFields, jsonEntries, looksLikeJson } from './json.js';
import { knownTables, parsePrefix, routeProtocol, type TableNames, tableNumber, tosNumber } from './rt-names.js';
import { linesOf, parseNumber, parseWord, type Word, Words, wordsOf } from './tokens.js';

export interface ReadRouteOptions extends FileOption {
  readonly family: Family;
  /** What rt_tables of the node adds to local, main, default. */
  readonly tables?: TableNames;
}

export const routeTypes: ReadonlySet<string> = new Set<RouteType>([
  'unicast',
  'local',
  'broadcast',
  'anycast',
  'multicast',
  'blackhole',
  'unreachable',
  'prohibit',
  'throw',
  'nat',
  'xresolve',
]);
export const asRouteType = (t: string): RouteType | null => (routeTypes.has(t) ? (t as RouteType) : null);

/** Flag words of print_rt_flags(), in its order. */
const flagWords: readonly string[] = [
  'dead',
  'onlink',
  'pervasive',
  'offload',
  'trap',
  'notify',
  'linkdown',
  'unresolved',
  'rt_offload',
  'rt_trap',
  'rt_offload_failed',
  'used',
];
const flagSet: ReadonlySet<string> = new Set(flagWords);
const metricSet: ReadonlySet<string> = new Set(METRIC_NAMES);
const scopeWords: ReadonlySet<string> = new Set(['global', 'universe', 'site', 'link', 'host', 'nowhere']);
const asScope = (t: string): string | null => (t === 'universe' ? 'global' : scopeWords.has(t) ? t : /^\d{1,3}$/.test(t) && Number(t) < 256 ? t : null);
const asPref = (t: string): string | null => (t === 'low' || t === 'medium' || t === 'high' ? t : null);
/** `2s`, `300ms`, `1.5s`, `40` (ms) to milliseconds. */
export function parseMs(t: string): number | null {
  const m = /^(\d{1,9}(?:\.\d{1,6})?)(s|ms|sec|msec|secs|msecs)?$/.exec(t);
  if (!m) return null;
  return m[2]?.startsWith('s') ? Math.round(Number(m[1]) * 1000) : Math.round(Number(m[1]));
}
const parseSeconds = (t: string): number | null => (/^\d{1,10}(sec)?$/.test(t) ? Number.parseInt(t, 10) : null);
const parseErrno = (t: string): number | null => (/^-?\d{1,4}$/.test(t) ? Number(t) : null);

/** A route while it is read. */
export type RouteDraft = { -readonly [K in keyof Route]: Route[K] };

export function newRoute(family: Family): RouteDraft {
  return {
    family,
    type: 'unicast',
    dst: anyAddr(family),
    dstLen: 0,
    src: null,
    table: RT_TABLE.MAIN,
    tos: 0,
    metric: family === 'ipv6' ? 1024 : 0,
    prefsrc: null,
    scope: 'global',
    protocol: 'boot',
    nexthops: [],
    metrics: {},
    lock: [],
    pref: null,
    expires: null,
    error: null,
    realms: null,
    flags: [],
    nhid: null,
  };
}

/**
 * Routes in the order of the dump; an IPv4 dump may go on with IPv6 routes (`ip route show table all`). A line that cannot be read is reported and left out.
 */
export function readIpRoute(text: string, o: ReadRouteOptions): Parsed<readonly Route[]> {
  const reporter = new Reporter(o.file, text);
  const value = looksLikeJson(text) ? ofJson(text, reporter, o) : ofText(text, reporter, o);
  return { value, diagnostics: reporter.diagnostics };
}

// --- text ---

function ofText(text: string, reporter: Reporter, o: ReadRouteOptions): Route[] {
  const entries: Word[][] = [];
  for (const line of linesOf(text)) {
    const words = wordsOf(line);
    if (words.length === 0) continue;
    const last = entries.at(-1);
    if (line.indented && last) for (const w of words) last.push(w);
    else entries.push(words);
  }
  const out: Route[] = [];
  let family = o.family;
  for (const words of entries) {
    family = familyOfLine(words, family);
    const r = routeOfWords(new Words(words, reporter, words[0].line), reporter, { ...o, family });
    if (r) out.push(r);
  }
  return out;
}

/** `ip route show table all` without -4 goes on with the IPv6 routes: there, and only in that direction, the family changes on the way. */
function familyOfLine(words: readonly Word[], family: Family): Family {
  if (family === 'ipv6') return family;
  const dst = words[asRouteType(words[0].text) ? 1 : 0]?.text ?? '';
  if (dst.includes(':') && parsePrefix(dst, 'ipv6') !== null) return 'ipv6';
  const via = words.findIndex((w) => w.text === 'via');
  return dst === 'default' && via > 0 && (words[via + 1]?.text ?? '').includes(':') ? 'ipv6' : family;
}

/** What cannot be put on the route at once: the plain nexthop's parts and those of a multipath route. */
interface Parts {
  gateway: Addr | null;
  dev: string | null;
  readonly flags: string[];
  readonly nexthops: Nexthop[];
}

function routeOfWords(words: Words, reporter: Reporter, o: ReadRouteOptions): Route | null {
  const r = newRoute(o.family);
  const before = reporter.diagnostics.length;
  const type = asRouteType(words.peek() ?? '');
  if (type) {
    r.type = type;
    words.next();
  }
  const first = words.next();
  if (!first) {
    reporter.error('route-no-destination', 'this route has no destination', words.line, 1, 1, 'default, ADDRESS or ADDRESS/LENGTH');
    return null;
  }
  const dst = parseWord(first, reporter, (t) => parsePrefix(t, o.family), 'bad-prefix', prefixWhat(o.family));
  if (dst) {
    r.dst = dst.addr;
    r.dstLen = dst.len;
  }
  const parts: Parts = { gateway: null, dev: null, flags: [], nexthops: [] };
  for (let w = words.next(); w && dst; w = words.next()) {
    if (w.text === 'nexthop') parts.nexthops.push(nexthopOfWords(words, reporter, o.family));
    else if (!clause(r, parts, w, words, reporter, o)) {
      const hint = nearest(w.text, clauseWords);
      reporter.error('route-word', `“${w.text}” is no word of ip route`, w.line, w.column, w.text.length, hint ? `did you mean “${hint}”?` : undefined);
      break;
    }
  }
  return reporter.diagnostics.slice(before).some((d) => d.severity === 'error') ? null : finish(r, parts);
}

const prefixWhat = (family: Family): string => (family === 'ipv4' ? 'an IPv4 prefix (default, a.b.c.d[/n])' : 'an IPv6 prefix (default, addr[/n])');

function finish(r: RouteDraft, p: Parts): Route {
  if (p.nexthops.length > 0) {
    r.nexthops = p.nexthops;
    r.flags = p.flags;
  } else if (p.gateway !== null || p.dev !== null) r.nexthops = [{ gateway: p.gateway, dev: p.dev, weight: 1, flags: p.flags }];
  else r.flags = p.flags;
  return r;
}

/** Words with a value that only set a field; null = not taken. */
type Setter = (r: RouteDraft, v: string) => boolean;
function set<T>(parse: (t: string) => T | null, put: (r: RouteDraft, v: T) => void): Setter {
  return (r, v) => {
    const x = parse(v);
    if (x === null) return false;
    put(r, x);
    return true;
  };
}
const setters: ReadonlyMap<string, readonly [what: string, set: Setter]> = new Map<string, readonly [string, Setter]>([
  ['proto', ['a routing protocol', set(routeProtocol, (r, v) => (r.protocol = v))]],
  ['scope', ['a scope (global, site, link, host, nowhere, number)', set(asScope, (r, v) => (r.scope = v))]],
  ['metric', ['a number', set(parseNumber, (r, v) => (r.metric = v))]],
  ['tos', ['a TOS (0x10, CS1, …)', set(tosNumber, (r, v) => (r.tos = v))]],
  ['pref', ['low, medium or high', set(asPref, (r, v) => (r.pref = v))]],
  ['expires', ['seconds', set(parseSeconds, (r, v) => (r.expires = v))]],
  ['error', ['an error number', set(parseErrno, (r, v) => (r.error = v))]],
  [
    'realms',
    [
      'a realm',
      set(
        (t) => t,
        (r, v) => (r.realms = v),
      ),
    ],
  ],
  [
    'realm',
    [
      'a realm',
      set(
        (t) => t,
        (r, v) => (r.realms = v),
      ),
    ],
  ],
  ['nhid', ['a number', set(parseNumber, (r, v) => (r.nhid = v))]],
  [
    'congctl',
    [
      'an algorithm',
      set(
        (t) => t,
        (r, v) => (r.congctl = v),
      ),
    ],
  ],
]);
/** Words with a value that says nothing about routing here (caches and counters of old kernels, ttl-propagate, …). */
const skipped: ReadonlySet<string> = new Set(['iif', 'mark', 'users', 'used', 'age', 'ttl-propagate', 'uid', 'ipid', 'ts', 'tsage']);
const clauseWords: readonly string[] = ['via', 'dev', 'table', 'src', 'from', 'nexthop', ...setters.keys(), ...metricSet, ...flagSet];

/** One `word value` pair or flag of a printed route; false where the word is none. */
function clause(r: RouteDraft, p: Parts, w: Word, words: Words, reporter: Reporter, o: ReadRouteOptions): boolean {
  const t = w.text;
  const setter = setters.get(t);
  if (setter) {
    const v = words.value(w);
    if (v && !setter[1](r, v.text)) reporter.error('route-value', `“${v.text}” is not ${setter[0]}`, v.line, v.column, v.text.length);
    return true;
  }
  if (metricSet.has(t)) return metricClause(r, w, words, reporter);
  if (flagSet.has(t)) p.flags.push(t);
  else if (t === 'via') p.gateway = gatewayOfWords(w, words, o.family);
  else if (t === 'dev') p.dev = words.value(w)?.text ?? null;
  else if (t === 'src') r.prefsrc = words.parsed(w, parseAddr, 'bad-address', 'an IP address');
  else if (t === 'from') r.src = words.parsed(w, (v) => parsePrefix(v, o.family), 'bad-prefix', prefixWhat(o.family));
  else if (t === 'table') tableClause(r, w, words, reporter, o);
  else if (t === 'weight' || skipped.has(t)) words.value(w);
  else if (t === 'cache' || t === 'offload_failed' || /^<.*>$/.test(t)) return true;
  else return false;
  return true;
}

function tableClause(r: RouteDraft, w: Word, words: Words, reporter: Reporter, o: ReadRouteOptions): void {
  const v = words.value(w);
  if (!v) return;
  const n = tableNumber(v.text, o.tables);
  if (n === null) reportTable(v, reporter, o.tables);
  else r.table = n;
}

/** A table's name that nothing resolves. */
export function reportTable(v: Word, reporter: Reporter, tables: TableNames | undefined): void {
  const near = nearest(v.text, knownTables(tables));
  const hint = near ? `did you mean “${near}”?` : 'write the table’s number, or state the node’s rt_tables (lines “NUMBER NAME”)';
  reporter.error('route-table-unknown', `no route table is called “${v.text}”`, v.line, v.column, v.text.length, hint);
}

function metricClause(r: RouteDraft, w: Word, words: Words, reporter: Reporter): boolean {
  if (words.peek() === 'lock') {
    r.lock = [...r.lock, w.text];
    words.next();
  }
  const v = words.value(w);
  if (!v) return true;
  const n = w.text === 'features' ? featureBits(v, words) : parseMs(v.text);
  if (n === null) reporter.error('route-value', `“${v.text}” is not a number`, v.line, v.column, v.text.length);
  else r.metrics = { ...r.metrics, [w.text]: n };
  return true;
}

/** `features ecn 0x2`: names and a hexadecimal rest. */
function featureBits(first: Word, words: Words): number | null {
  let bits = 0;
  let any = false;
  for (let t: string | undefined = first.text; t !== undefined; t = words.peek()) {
    const known = t === 'ecn' ? 1 : /^0x[0-9a-f]{1,8}$/.test(t) ? Number(t) : t === 'tcp_usec_ts' ? 16 : null;
    if (known === null) break;
    if (any) words.next();
    bits |= known;
    any = true;
  }
  return any ? bits : null;
}

function gatewayOfWords(w: Word, words: Words, family: Family): Addr | null {
  let want = family;
  if (words.peek() === 'inet' || words.peek() === 'inet6') want = words.next()?.text === 'inet' ? 'ipv4' : 'ipv6';
  return words.parsed(w, (t) => familyAddr(t, want), 'bad-address', want === 'ipv4' ? 'an IPv4 address' : 'an IPv6 address');
}
function familyAddr(t: string, family: Family): Addr | null {
  const a = parseAddr(t);
  return a !== null && familyOf(a) === family ? a : null;
}

function nexthopOfWords(words: Words, reporter: Reporter, family: Family): Nexthop {
  let gateway: Addr | null = null;
  let dev: string | null = null;
  let weight = 1;
  const flags: string[] = [];
  for (let w = words.next(); w; w = words.next()) {
    if (w.text === 'nexthop') {
      words.back();
      break;
    }
    if (w.text === 'via') gateway = gatewayOfWords(w, words, family);
    else if (w.text === 'dev') dev = words.value(w)?.text ?? null;
    else if (w.text === 'weight') weight = words.number(w) ?? 1;
    else if (w.text === 'realm' || w.text === 'realms') words.value(w);
    else if (flagSet.has(w.text)) flags.push(w.text);
    else reporter.error('route-word', `“${w.text}” is no word of a nexthop`, w.line, w.column, w.text.length);
  }
  return { gateway, dev, weight, flags };
}

// --- JSON ---

function ofJson(text: string, reporter: Reporter, o: ReadRouteOptions): Route[] {
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
  const r = newRoute(o.family);
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
  return finish(r, partsOfJson(f, o.family));
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

function partsOfJson(f: JsonFields, family: Family): Parts {
  const nexthops = f
    .objects('nexthops')
    .map((n): Nexthop => ({ gateway: gatewayOfJson(n), dev: n.string('dev'), weight: n.number('weight') ?? 1, flags: n.strings('flags') }));
  const gateway = gatewayOfJson(f);
  if (gateway !== null && familyOf(gateway) !== family && !f.has('via')) f.error('bad-address', 'this gateway is of the other family', f.get('gateway'));
  return { gateway, dev: f.string('dev'), flags: f.strings('flags'), nexthops };
}

// --- writing ---

export interface WriteRouteOptions {
  readonly family: Family;
  /** 'all', or the one table shown (main when absent). */
  readonly table?: number | 'all';
}

const shown = (routes: readonly Route[], o: WriteRouteOptions): readonly Route[] =>
  routes.filter((r) => r.family === o.family && (o.table === 'all' || r.table === (o.table ?? RT_TABLE.MAIN)));

/** What `ip [-6] route show [table T]` prints. */
export const writeIpRoute = (routes: readonly Route[], o: WriteRouteOptions): string =>
  shown(routes, o)
    .map((r) => `${routeText(r, o.table === 'all')}\n`)
    .join('');

/** What `ip -j [-6] route show [table T]` prints. */
export const writeIpRouteJson = (routes: readonly Route[], o: WriteRouteOptions): string =>
  `${JSON.stringify(shown(routes, o).map((r) => routeToJson(r, o.table === 'all')))}\n`;

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

function routeToJson(r: Route, showTable: boolean): object {
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
