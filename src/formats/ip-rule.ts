/** `ip rule` of either family, as text and as `-j` JSON, and the arguments of `ip rule add|del` (ip-rule(8); iproute2 ip/iprule.c): one grammar. */
import { addrBits, type Family, formatAddr } from '../base/addr.js';
import { nearest, type Parsed, Reporter } from '../base/diagnostic.js';
import { protocolNumber } from '../base/well-known.js';
import type { PolicyRule } from '../fib/model.js';
import { RT_TABLE, tableName } from '../fib/names.js';
import { FULL_MASK, hexText, ipprotoText, type RuleTextOptions, ruleText } from '../fib/rule-text.js';
import { tosText } from '../fib/text.js';
import { type ReadRouteOptions, reportTable } from './ip-route-draft.js';
import { type JsonFields, jsonEntries, looksLikeJson } from './json.js';
import { type Prefix, parsePrefix, routeProtocol, tableNumber, tosNumber } from './rt-names.js';
import { linesOf, parseNumber, type Word, Words, wordsOf } from './tokens.js';

export type RuleDraft = { -readonly [K in keyof PolicyRule]: PolicyRule[K] };

export const newRule = (family: Family, priority: number): RuleDraft => ({
  family,
  priority,
  not: false,
  src: null,
  dst: null,
  tos: 0,
  fwmark: null,
  iif: null,
  oif: null,
  uidrange: null,
  ipproto: null,
  sport: null,
  dport: null,
  suppressPrefixlen: null,
  suppressIfgroup: null,
  l3mdev: false,
  tunId: null,
  action: { kind: 'lookup', table: RT_TABLE.MAIN },
  realms: null,
  protocol: null,
});

/** Rules in the order of the dump. A line that cannot be read is reported and left out. */
export function readIpRule(text: string, o: ReadRouteOptions): Parsed<readonly PolicyRule[]> {
  const reporter = new Reporter(o.file, text);
  const value = looksLikeJson(text) ? ofJson(text, reporter, o) : ofText(text, reporter, o);
  return { value, diagnostics: reporter.diagnostics };
}

const failedSince = (reporter: Reporter, before: number): boolean => reporter.diagnostics.slice(before).some((d) => d.severity === 'error');

function ofText(text: string, reporter: Reporter, o: ReadRouteOptions): PolicyRule[] {
  const out: PolicyRule[] = [];
  for (const line of linesOf(text)) {
    const all = wordsOf(line);
    if (all.length === 0) continue;
    const before = reporter.diagnostics.length;
    const head = all[0];
    const m = /^(\d{1,10}):$/.exec(head.text);
    if (!m || Number(m[1]) > 0xffffffff) {
      reporter.error('rule-line', 'this is no line of ip rule', head.line, head.column, head.text.length, 'PRIORITY: from … lookup TABLE');
      continue;
    }
    const r = newRule(o.family, Number(m[1]));
    readRuleClauses(r, new Words(all.slice(1), reporter, line.number), reporter, o);
    if (!failedSince(reporter, before)) out.push(r);
  }
  return out;
}

const asPrefix = (family: Family) => (t: string) => (t === 'all' ? ('all' as const) : parsePrefix(t, family));
const prefixWhat = (family: Family): string => (family === 'ipv4' ? 'all or an IPv4 prefix' : 'all or an IPv6 prefix');
const parseMark = (t: string): PolicyRule['fwmark'] => {
  const [mark, mask, extra] = t.split('/');
  const a = parseNumber(mark);
  const b = mask === undefined ? FULL_MASK : parseNumber(mask);
  return a === null || b === null || extra !== undefined || a > FULL_MASK || b > FULL_MASK ? null : { mark: a, mask: b };
};
const parseRange =
  (max: number, single: boolean) =>
  (t: string): { start: number; end: number } | null => {
    const m = /^(\d{1,10})(?:-(\d{1,10}))?$/.exec(t);
    if (!m || (m[2] === undefined && !single)) return null;
    const start = Number(m[1]);
    const end = m[2] === undefined ? start : Number(m[2]);
    return start <= end && end <= max ? { start, end } : null;
  };
const parsePorts = parseRange(65535, true);
const parseUids = parseRange(FULL_MASK, false);
export const parseIpproto = (t: string): number | null => {
  const m = /^(?:ipproto-)?(\d{1,3})$/.exec(t);
  return m ? (Number(m[1]) < 256 ? Number(m[1]) : null) : (protocolNumber(t) ?? null);
};
const parseGroup = (t: string): number | null => (t === 'default' ? 0 : parseNumber(t));

const actions = new Set(['nop', 'blackhole', 'unreachable', 'prohibit']);
const clauseWords = [
  'not',
  'from',
  'to',
  'tos',
  'dsfield',
  'fwmark',
  'iif',
  'oif',
  'dev',
  'uidrange',
  'ipproto',
  'sport',
  'dport',
  'tun_id',
  'lookup',
  'table',
  'suppress_prefixlength',
  'suppress_ifgroup',
  'realms',
  'goto',
  'l3mdev',
  'proto',
  'protocol',
  'priority',
  'preference',
  'order',
  'type',
  ...actions,
];

/** Reads selectors and the action up to the end of the line; what is wrong is reported. */
export function readRuleClauses(r: RuleDraft, words: Words, reporter: Reporter, o: ReadRouteOptions): void {
  for (let w = words.next(); w; w = words.next()) {
    if (selector(r, w, words, o.family) || action(r, w, words, reporter, o)) continue;
    const near = nearest(w.text, clauseWords);
    reporter.error('rule-word', `“${w.text}” is no word of ip rule`, w.line, w.column, w.text.length, near ? `did you mean “${near}”?` : undefined);
    return;
  }
}

function prefixOf(w: Word, words: Words, family: Family): Prefix | null {
  const p = words.parsed(w, asPrefix(family), 'bad-prefix', prefixWhat(family));
  return p === 'all' ? null : p;
}

function deviceOf(w: Word, words: Words): string | null {
  const name = words.value(w)?.text ?? null;
  if (words.peek() === '[detached]') words.next();
  return name;
}

function selector(r: RuleDraft, w: Word, words: Words, family: Family): boolean {
  switch (w.text) {
    case 'not':
      r.not = true;
      return true;
    case 'from':
      r.src = prefixOf(w, words, family);
      return true;
    case 'to':
      r.dst = prefixOf(w, words, family);
      return true;
    case 'tos':
    case 'dsfield':
      r.tos = words.parsed(w, tosNumber, 'rule-value', 'a TOS (0x10, CS1, …)') ?? 0;
      return true;
    case 'fwmark':
      r.fwmark = words.parsed(w, parseMark, 'rule-value', 'MARK[/MASK]');
      return true;
    case 'iif':
    case 'dev':
      r.iif = deviceOf(w, words);
      return true;
    case 'oif':
      r.oif = deviceOf(w, words);
      return true;
    case 'uidrange':
      r.uidrange = words.parsed(w, parseUids, 'rule-value', 'a range of user ids (START-END)');
      return true;
    case 'ipproto':
      r.ipproto = words.parsed(w, parseIpproto, 'rule-value', 'an IP protocol');
      return true;
    case 'sport':
      r.sport = words.parsed(w, parsePorts, 'rule-value', 'a port or range (LO-HI)');
      return true;
    case 'dport':
      r.dport = words.parsed(w, parsePorts, 'rule-value', 'a port or range (LO-HI)');
      return true;
    case 'tun_id':
      r.tunId = words.number(w);
      return true;
    case 'priority':
    case 'preference':
    case 'order':
      r.priority = words.number(w) ?? r.priority;
      return true;
    default:
      return false;
  }
}

function action(r: RuleDraft, w: Word, words: Words, reporter: Reporter, o: ReadRouteOptions): boolean {
  switch (w.text) {
    case 'lookup':
    case 'table':
      lookupClause(r, w, words, reporter, o);
      return true;
    case 'l3mdev':
      r.l3mdev = true;
      return true;
    case 'goto': {
      const none = words.peek() === 'none';
      r.action = { kind: 'goto', target: none ? null : words.number(w) };
      if (none) words.next();
      if (words.peek() === '[unresolved]') words.next();
      return true;
    }
    case 'suppress_prefixlength':
      r.suppressPrefixlen = words.number(w);
      return true;
    case 'suppress_ifgroup':
      r.suppressIfgroup = words.parsed(w, parseGroup, 'rule-value', 'an interface group (number)');
      return true;
    case 'realms':
      r.realms = words.value(w)?.text ?? null;
      return true;
    case 'proto':
    case 'protocol':
      r.protocol = words.parsed(w, routeProtocol, 'rule-value', 'a routing protocol');
      return true;
    case 'type':
      return true;
    default:
      if (!actions.has(w.text)) return false;
      r.action = { kind: w.text as 'nop' | 'blackhole' | 'unreachable' | 'prohibit' };
      return true;
  }
}

function lookupClause(r: RuleDraft, w: Word, words: Words, reporter: Reporter, o: ReadRouteOptions): void {
  const v = words.value(w);
  if (!v) return;
  if (v.text === '[l3mdev-table]') {
    r.l3mdev = true;
    return;
  }
  const n = tableNumber(v.text, o.tables);
  if (n === null) reportTable(v, reporter, o.tables);
  else r.action = { kind: 'lookup', table: n };
}

// --- JSON ---

function ofJson(text: string, reporter: Reporter, o: ReadRouteOptions): PolicyRule[] {
  const out: PolicyRule[] = [];
  for (const f of jsonEntries(text, reporter)) {
    const before = reporter.diagnostics.length;
    const r = ruleOfJson(f, o);
    if (!failedSince(reporter, before)) out.push(r);
  }
  return out;
}

function prefixOfJson(f: JsonFields, key: 'src' | 'dst', family: Family): Prefix | null {
  const lenKey = `${key}len`;
  const p = f.parsed(key, asPrefix(family), 'bad-prefix', prefixWhat(family));
  if (p === null || p === 'all') return null;
  const len = f.has(lenKey) ? f.number(lenKey) : p.len;
  if (len === null || !Number.isInteger(len) || len < 0 || len > addrBits(family)) {
    f.error('bad-prefix', 'this is no prefix length', f.get(lenKey));
    return null;
  }
  return { addr: p.addr, len };
}

function rangeOfJson(f: JsonFields, key: 'sport' | 'dport' | 'uid'): { start: number; end: number } | null {
  const one = key === 'uid' ? null : f.number(key);
  const start = one ?? f.number(`${key}_start`);
  const end = one ?? f.number(`${key}_end`);
  return start === null || end === null ? null : { start, end };
}

function actionOfJson(f: JsonFields, o: ReadRouteOptions): PolicyRule['action'] {
  if (f.has('goto')) {
    const text = f.get('goto');
    return { kind: 'goto', target: text?.t === 'string' ? null : f.number('goto') };
  }
  if (f.has('nop')) return { kind: 'nop' };
  if (f.has('action')) {
    const a = f.parsed(
      'action',
      (t) => (actions.has(t) ? (t as 'nop' | 'blackhole' | 'unreachable' | 'prohibit') : null),
      'rule-value',
      'blackhole, unreachable, prohibit or nop',
    );
    return { kind: a ?? 'nop' };
  }
  return { kind: 'lookup', table: f.parsed('table', (t) => tableNumber(t, o.tables), 'route-table-unknown', 'a route table known here') ?? RT_TABLE.MAIN };
}

function ruleOfJson(f: JsonFields, o: ReadRouteOptions): PolicyRule {
  const r = newRule(o.family, 0);
  r.priority = f.number('priority') ?? 0;
  r.not = f.has('not');
  r.src = prefixOfJson(f, 'src', o.family);
  r.dst = prefixOfJson(f, 'dst', o.family);
  r.tos = f.parsed('tos', tosNumber, 'rule-value', 'a TOS') ?? 0;
  const mark = f.parsed('fwmark', parseNumber, 'rule-value', 'a mark');
  if (mark !== null) r.fwmark = { mark, mask: f.parsed('fwmask', parseNumber, 'rule-value', 'a mask') ?? FULL_MASK };
  r.iif = f.string('iif');
  r.oif = f.string('oif');
  r.uidrange = rangeOfJson(f, 'uid');
  r.ipproto = f.parsed('ipproto', parseIpproto, 'rule-value', 'an IP protocol');
  r.sport = rangeOfJson(f, 'sport');
  r.dport = rangeOfJson(f, 'dport');
  r.tunId = f.number('tun_id');
  r.l3mdev = f.has('l3mdev');
  r.action = actionOfJson(f, o);
  r.suppressPrefixlen = f.number('suppress_prefixlen');
  r.suppressIfgroup = f.parsed('suppress_ifgroup', parseGroup, 'rule-value', 'an interface group (number)');
  r.protocol = f.parsed('protocol', routeProtocol, 'rule-value', 'a routing protocol');
  const [from, to] = [f.string('flow_from'), f.string('flow_to')];
  if (to !== null) r.realms = from === null ? to : `${from}/${to}`;
  return r;
}

// --- writing ---

export interface WriteRuleOptions {
  readonly family: Family;
  readonly hasDevice?: (name: string) => boolean;
}

function ofFamily(rules: readonly PolicyRule[], o: WriteRuleOptions): { rules: PolicyRule[]; text: RuleTextOptions } {
  const mine = rules.filter((r) => r.family === o.family).sort((a, b) => a.priority - b.priority);
  const priorities = new Set(mine.map((r) => r.priority));
  return { rules: mine, text: { hasPriority: (p) => priorities.has(p), ...(o.hasDevice ? { hasDevice: o.hasDevice } : {}) } };
}

/** What `ip [-6] rule` prints. */
export function writeIpRule(rules: readonly PolicyRule[], o: WriteRuleOptions): string {
  const { rules: mine, text } = ofFamily(rules, o);
  return mine.map((r) => `${r.priority}:\t${ruleText(r, text)}\n`).join('');
}

/** What `ip -j [-6] rule` prints. */
export function writeIpRuleJson(rules: readonly PolicyRule[], o: WriteRuleOptions): string {
  const { rules: mine, text } = ofFamily(rules, o);
  return `${JSON.stringify(mine.map((r) => ruleToJson(r, text)))}\n`;
}

function rangeJson(key: string, r: { readonly start: number; readonly end: number } | null): object {
  if (r === null) return {};
  return r.start === r.end && key !== 'uid' ? { [key]: r.start } : { [`${key}_start`]: r.start, [`${key}_end`]: r.end };
}

function deviceJson(key: 'iif' | 'oif', name: string | null, o: RuleTextOptions): object {
  return name === null ? {} : { [key]: name, ...(o.hasDevice && !o.hasDevice(name) ? { [`${key}_detached`]: null } : {}) };
}

function actionJson(r: PolicyRule, o: RuleTextOptions): object {
  const a = r.action;
  const [from, to] = r.realms === null ? [null, null] : r.realms.includes('/') ? r.realms.split('/') : [null, r.realms];
  return {
    ...(r.l3mdev ? { l3mdev: null } : a.kind === 'lookup' ? { table: tableName(a.table) } : {}),
    ...(a.kind === 'lookup' && r.suppressPrefixlen !== null ? { suppress_prefixlen: r.suppressPrefixlen } : {}),
    ...(a.kind === 'lookup' && r.suppressIfgroup !== null ? { suppress_ifgroup: r.suppressIfgroup === 0 ? 'default' : String(r.suppressIfgroup) } : {}),
    ...(from !== null ? { flow_from: from } : {}),
    ...(to !== null ? { flow_to: to } : {}),
    ...(a.kind === 'goto' ? { goto: a.target ?? 'none', ...(a.target !== null && o.hasPriority && !o.hasPriority(a.target) ? { unresolved: null } : {}) } : {}),
    ...(a.kind === 'nop' ? { nop: null } : a.kind !== 'lookup' && a.kind !== 'goto' ? { action: a.kind } : {}),
  };
}

function ruleToJson(r: PolicyRule, o: RuleTextOptions): object {
  const bits = addrBits(r.family);
  return {
    priority: r.priority,
    ...(r.not ? { not: null } : {}),
    src: r.src ? formatAddr(r.src.addr) : 'all',
    ...(r.src && r.src.len !== bits ? { srclen: r.src.len } : {}),
    ...(r.dst ? { dst: formatAddr(r.dst.addr) } : {}),
    ...(r.dst && r.dst.len !== bits ? { dstlen: r.dst.len } : {}),
    ...(r.tos !== 0 ? { tos: tosText(r.tos) } : {}),
    ...(r.fwmark ? { fwmark: hexText(r.fwmark.mark) } : {}),
    ...(r.fwmark && r.fwmark.mask !== FULL_MASK ? { fwmask: hexText(r.fwmark.mask) } : {}),
    ...deviceJson('iif', r.iif, o),
    ...deviceJson('oif', r.oif, o),
    ...rangeJson('uid', r.uidrange),
    ...(r.ipproto !== null ? { ipproto: ipprotoText(r.ipproto) } : {}),
    ...rangeJson('sport', r.sport),
    ...rangeJson('dport', r.dport),
    ...(r.tunId !== null ? { tun_id: r.tunId } : {}),
    ...actionJson(r, o),
    ...(r.protocol !== null && r.protocol !== 'kernel' && r.protocol !== 'unspec' ? { protocol: r.protocol } : {}),
  };
}
