/** Arguments of `ip rule add|del` (ip-rule(8); iproute2 ip/iprule.c iprule_modify()). */
import { type Family, familyOf } from '../base/addr.js';
import type { Parsed } from '../base/diagnostic.js';
import { bareRule } from '../fib/defaults.js';
import type { PolicyRule } from '../fib/model.js';
import { FULL_MASK } from '../fib/rule-text.js';
import { type Args, matches, readArgs, u32 } from './ip-args.js';
import type { RouteArgsOptions } from './ip-route-args.js';
import { parseIpproto, type RuleDraft } from './ip-rule-draft.js';
import { type Prefix, parsePrefix, routeProtocol, tableNumber, tosNumber } from './rt-names.js';

export interface RuleArgs {
  readonly rule: PolicyRule;
  /** False: the kernel chooses the priority (add), any will do (del). */
  readonly hasPriority: boolean;
  /** What the command named, by field: a deletion compares only these. */
  readonly given: ReadonlySet<string>;
}

export function parseRuleArgs(command: 'add' | 'del', words: readonly string[], o: RouteArgsOptions): Parsed<RuleArgs | null> {
  return readArgs(`ip rule ${command}`, words, (a) => {
    if (a.done) a.fail('ip-usage', `"ip rule ${command}" requires arguments.`);
    const state: State = { r: bareRule(o.family ?? 'ipv4', 0), family: o.family, given: new Set(), o };
    while (!a.done) clause(a, a.next(), state);
    state.r.family = state.family ?? 'ipv4';
    if (!state.given.has('action') && state.r.l3mdev) state.given.add('action');
    return { rule: state.r, hasPriority: state.given.has('priority'), given: state.given };
  });
}

interface State {
  readonly r: RuleDraft;
  family: Family | null;
  readonly given: Set<string>;
  readonly o: RouteArgsOptions;
}

function prefix(a: Args, s: State): Prefix | null {
  const w = a.next();
  const p = s.family === null ? (parsePrefix(w, 'ipv4') ?? parsePrefix(w, 'ipv6')) : parsePrefix(w, s.family);
  if (!p) a.fail('ip-prefix', `Error: ${s.family === null ? 'any valid' : s.family === 'ipv4' ? 'inet' : 'inet6'} prefix is expected rather than "${w}".`);
  if (w === 'all' || w === 'any' || w === 'default') return null;
  s.family ??= familyOf(p.addr);
  return p.len === 0 ? null : p;
}

const ports = (t: string): { start: number; end: number } | null => {
  const m = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(t);
  const end = m ? Number(m[2] ?? m[1]) : 0;
  return m && Number(m[1]) <= end && end <= 65535 ? { start: Number(m[1]), end } : null;
};
const uids = (t: string): { start: number; end: number } | null => {
  const m = /^(\d{1,10})-(\d{1,10})$/.exec(t);
  return m && Number(m[2]) <= FULL_MASK ? { start: Number(m[1]), end: Number(m[2]) } : null;
};
const mark = (t: string): { mark: number; mask: number } | null => {
  const [m, k, more] = t.split('/');
  const value = u32(m);
  const mask = k === undefined ? FULL_MASK : u32(k);
  return value === null || mask === null || more !== undefined ? null : { mark: value, mask };
};

function clause(a: Args, w: string, s: State): void {
  const { r, given } = s;
  if (selector(a, w, s)) return;
  if (matches(w, 'lookup') || matches(w, 'table')) {
    r.action = { kind: 'lookup', table: a.value((t) => tableNumber(t, s.o.tables), 'invalid table ID') };
    given.add('action');
  } else if (w === 'l3mdev') r.l3mdev = true;
  else if (w === 'goto') {
    r.action = { kind: 'goto', target: a.value(u32, 'invalid target') };
    given.add('action');
  } else if (w === 'suppress_prefixlength' || w === 'sup_pl') r.suppressPrefixlen = a.value(u32, 'suppress_prefixlength value is invalid');
  else if (w === 'suppress_ifgroup' || w === 'sup_group')
    r.suppressIfgroup = a.value((t) => (t === 'default' ? 0 : u32(t)), 'Invalid "suppress_ifgroup" value');
  else if (matches(w, 'realms') && w.length > 1) r.realms = a.value((t) => (/^[^/]+(\/[^/]+)?$/.test(t) ? t : null), 'invalid realms');
  else if (matches(w, 'protocol') && w.length > 2) r.protocol = a.value(routeProtocol, '"protocol" value is invalid');
  else {
    const kind = w === 'type' ? a.next() : w;
    if (kind !== 'nop' && kind !== 'blackhole' && kind !== 'unreachable' && kind !== 'prohibit') {
      if (kind === 'unicast' && w === 'type') return;
      a.wrong(kind, 'Failed to parse rule type');
    }
    r.action = { kind };
    given.add('action');
  }
}

function selector(a: Args, w: string, s: State): boolean {
  const { r, given } = s;
  if (w === 'not') r.not = true;
  else if (w === 'from') r.src = prefix(a, s);
  else if (w === 'to') r.dst = prefix(a, s);
  else if (
    w === 'priority' ||
    w === 'preference' ||
    w === 'order' ||
    (w.length > 1 && (matches(w, 'preference') || matches(w, 'order') || matches(w, 'priority')) && w !== 'pro')
  ) {
    r.priority = a.value(u32, 'preference value is invalid');
    given.add('priority');
    return true;
  } else if (w === 'tos' || (w.length > 1 && matches(w, 'dsfield'))) r.tos = a.value(tosNumber, 'TOS value is invalid');
  else if (w === 'fwmark') r.fwmark = a.value(mark, 'fwmark value is invalid');
  else if (w === 'dev' || w === 'iif') r.iif = a.next();
  else if (w === 'oif') r.oif = a.next();
  else if (w === 'uidrange') r.uidrange = a.value(uids, 'invalid UID range');
  else if (w === 'ipproto') r.ipproto = a.value(parseIpproto, 'Invalid "ipproto" value');
  else if (w === 'sport') r.sport = a.value(ports, 'invalid port range');
  else if (w === 'dport') r.dport = a.value(ports, 'invalid dport range');
  else if (w === 'tun_id') r.tunId = a.value(u32, 'tun_id value is invalid');
  else return false;
  given.add(w === 'dev' ? 'iif' : w);
  return true;
}
