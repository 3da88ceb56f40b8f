/** Rules as `ip -j rule` prints them, read and written (iproute2 ip/iprule.c print_rule()). */
import { addrBits, type Family, formatAddr } from '../base/addr.js';
import type { Reporter } from '../base/diagnostic.js';
import { bareRule } from '../fib/defaults.js';
import type { PolicyRule } from '../fib/model.js';
import { RT_TABLE, tableName } from '../fib/names.js';
import { FULL_MASK, hexText, ipprotoText, type RuleTextOptions } from '../fib/rule-text.js';
import { tosText } from '../fib/text.js';
import type { ReadRouteOptions } from './ip-route-draft.js';
import { asPrefix, asRuleVerdict, failedSince, parseGroup, parseIpproto, type RuleDraft, rulePrefixWhat } from './ip-rule-draft.js';
import { type JsonFields, jsonEntries } from './json.js';
import { type Prefix, routeProtocol, tableNumber, tosNumber } from './rt-names.js';
import { parseNumber } from './tokens.js';

/** Rules in the order of the array; an entry that cannot be read is reported and left out. */
export function rulesOfJson(text: string, reporter: Reporter, o: ReadRouteOptions): PolicyRule[] {
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
  const p = f.parsed(key, asPrefix(family), 'bad-prefix', rulePrefixWhat(family));
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
    const a = f.parsed('action', asRuleVerdict, 'rule-value', 'blackhole, unreachable, prohibit or nop');
    return { kind: a ?? 'nop' };
  }
  return { kind: 'lookup', table: f.parsed('table', (t) => tableNumber(t, o.tables), 'route-table-unknown', 'a route table known here') ?? RT_TABLE.MAIN };
}

function ruleOfJson(f: JsonFields, o: ReadRouteOptions): PolicyRule {
  const r: RuleDraft = bareRule(o.family, 0);
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

/** One entry of the array. */
export function ruleToJson(r: PolicyRule, o: RuleTextOptions): object {
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
