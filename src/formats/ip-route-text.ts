/** Routes as `ip route show` prints them (iproute2 ip/iproute.c print_route()). */
import { type Addr, type Family, familyOf, parseAddr } from '../base/addr.js';
import { nearest, type Reporter } from '../base/diagnostic.js';
import { bareRoute } from '../fib/defaults.js';
import type { Nexthop, Route } from '../fib/model.js';
import { METRIC_NAMES } from '../fib/text.js';
import {
  asPref,
  asRouteType,
  asScope,
  finishRoute,
  parseMs,
  prefixWhat,
  type ReadRouteOptions,
  type RouteDraft,
  type RouteParts,
  reportTable,
} from './ip-route-draft.js';
import { parsePrefix, routeProtocol, tableNumber, tosNumber } from './rt-names.js';
import { linesOf, parseNumber, parseWord, type Word, Words, wordsOf } from './tokens.js';

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
const parseSeconds = (t: string): number | null => (/^\d{1,10}(sec)?$/.test(t) ? Number.parseInt(t, 10) : null);
const parseErrno = (t: string): number | null => (/^-?\d{1,4}$/.test(t) ? Number(t) : null);

/** Routes in the order of the lines; an indented line goes on with the route above it. */
export function routesOfText(text: string, reporter: Reporter, o: ReadRouteOptions): Route[] {
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

function routeOfWords(words: Words, reporter: Reporter, o: ReadRouteOptions): Route | null {
  const r: RouteDraft = bareRoute(o.family);
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
  const parts: RouteParts = { gateway: null, dev: null, flags: [], nexthops: [] };
  for (let w = words.next(); w && dst; w = words.next()) {
    if (w.text === 'nexthop') parts.nexthops.push(nexthopOfWords(words, reporter, o.family));
    else if (!clause(r, parts, w, words, reporter, o)) {
      const hint = nearest(w.text, clauseWords);
      reporter.error('route-word', `“${w.text}” is no word of ip route`, w.line, w.column, w.text.length, hint ? `did you mean “${hint}”?` : undefined);
      break;
    }
  }
  return reporter.diagnostics.slice(before).some((d) => d.severity === 'error') ? null : finishRoute(r, parts);
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
const asIs = (t: string): string => t;
const setters: ReadonlyMap<string, readonly [what: string, set: Setter]> = new Map<string, readonly [string, Setter]>([
  ['proto', ['a routing protocol', set(routeProtocol, (r, v) => (r.protocol = v))]],
  ['scope', ['a scope (global, site, link, host, nowhere, number)', set(asScope, (r, v) => (r.scope = v))]],
  ['metric', ['a number', set(parseNumber, (r, v) => (r.metric = v))]],
  ['tos', ['a TOS (0x10, CS1, …)', set(tosNumber, (r, v) => (r.tos = v))]],
  ['pref', ['low, medium or high', set(asPref, (r, v) => (r.pref = v))]],
  ['expires', ['seconds', set(parseSeconds, (r, v) => (r.expires = v))]],
  ['error', ['an error number', set(parseErrno, (r, v) => (r.error = v))]],
  ['realms', ['a realm', set(asIs, (r, v) => (r.realms = v))]],
  ['realm', ['a realm', set(asIs, (r, v) => (r.realms = v))]],
  ['nhid', ['a number', set(parseNumber, (r, v) => (r.nhid = v))]],
  ['congctl', ['an algorithm', set(asIs, (r, v) => (r.congctl = v))]],
]);
/** Words with a value that says nothing about routing here (caches and counters of old kernels, ttl-propagate, …). */
const skipped: ReadonlySet<string> = new Set(['iif', 'mark', 'users', 'used', 'age', 'ttl-propagate', 'uid', 'ipid', 'ts', 'tsage']);
const clauseWords: readonly string[] = ['via', 'dev', 'table', 'src', 'from', 'nexthop', ...setters.keys(), ...metricSet, ...flagSet];

/** One `word value` pair or flag of a printed route; false where the word is none. */
function clause(r: RouteDraft, p: RouteParts, w: Word, words: Words, reporter: Reporter, o: ReadRouteOptions): boolean {
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
