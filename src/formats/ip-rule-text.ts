/** Rules as `ip rule` prints them (iproute2 ip/iprule.c print_rule()). */
import type { Family } from '../base/addr.js';
import { nearest, type Reporter } from '../base/diagnostic.js';
import { bareRule } from '../fib/defaults.js';
import type { PolicyRule } from '../fib/model.js';
import { FULL_MASK } from '../fib/rule-text.js';
import { type ReadRouteOptions, reportTable } from './ip-route-draft.js';
import { asPrefix, asRuleVerdict, failedSince, parseGroup, parseIpproto, type RuleDraft, rulePrefixWhat, ruleVerdicts } from './ip-rule-draft.js';
import { type Prefix, routeProtocol, tableNumber, tosNumber } from './rt-names.js';
import { linesOf, parseNumber, type Word, Words, wordsOf } from './tokens.js';

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
  ...ruleVerdicts,
];

/** Rules in the order of the lines. */
export function rulesOfText(text: string, reporter: Reporter, o: ReadRouteOptions): PolicyRule[] {
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
    const r: RuleDraft = bareRule(o.family, Number(m[1]));
    readRuleClauses(r, new Words(all.slice(1), reporter, line.number), reporter, o);
    if (!failedSince(reporter, before)) out.push(r);
  }
  return out;
}

/** Reads selectors and the action up to the end of the line; what is wrong is reported. */
function readRuleClauses(r: RuleDraft, words: Words, reporter: Reporter, o: ReadRouteOptions): void {
  for (let w = words.next(); w; w = words.next()) {
    if (selector(r, w, words, o.family) || action(r, w, words, reporter, o)) continue;
    const near = nearest(w.text, clauseWords);
    reporter.error('rule-word', `“${w.text}” is no word of ip rule`, w.line, w.column, w.text.length, near ? `did you mean “${near}”?` : undefined);
    return;
  }
}

function prefixOf(w: Word, words: Words, family: Family): Prefix | null {
  const p = words.parsed(w, asPrefix(family), 'bad-prefix', rulePrefixWhat(family));
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
      return verdict(r, w.text);
  }
}

function verdict(r: RuleDraft, word: string): boolean {
  const kind = asRuleVerdict(word);
  if (kind !== null) r.action = { kind };
  return kind !== null;
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
