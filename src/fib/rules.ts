/** Policy rules lowered to integers: fib_rule_match(), fib4_rule_match(), fib6_rule_match(). */
import { type Addr, ANY6, addrBits, type Family, inPrefix } from '../base/addr.js';
import type { NetDevice } from '../packet/types.js';
import { bareRule } from './defaults.js';
import type { PolicyRule } from './model.js';
import { RT_TABLE } from './names.js';
import type { Flow } from './types.js';

export interface CompiledRule {
  readonly rule: PolicyRule;
  /** ifindex; 0 = any, -1 = names a device that is not there. */
  readonly iif: number;
  readonly oif: number;
  readonly action: 'table' | 'goto' | 'nop' | 'blackhole' | 'unreachable' | 'prohibit';
  readonly table: number;
  /** Index of the rule to go on with; -1 = unresolved, rule is skipped. */
  readonly target: number;
  /** fib_rule_match() with no selector and no `not`. */
  readonly always: boolean;
}

export interface CompiledRules {
  readonly list: readonly CompiledRule[];
  /** Anything but the rules a fresh namespace has (fib_has_custom_rules). */
  readonly custom: boolean;
  /** A rule asks for ipproto, sport or dport; one with `iif lo` does not count (fib_rule_requires_fldissect). */
  readonly needsKeys: boolean;
  readonly l3mdev: boolean;
}

const DEFAULT4: readonly PolicyRule[] = [
  bareRule('ipv4', 0, RT_TABLE.LOCAL),
  bareRule('ipv4', 32766, RT_TABLE.MAIN),
  bareRule('ipv4', 32767, RT_TABLE.DEFAULT),
];
const DEFAULT6: readonly PolicyRule[] = [bareRule('ipv6', 0, RT_TABLE.LOCAL), bareRule('ipv6', 32766, RT_TABLE.MAIN)];

/** The rules of a fresh network namespace. */
export const defaultRules = (family: Family): readonly PolicyRule[] => (family === 'ipv4' ? DEFAULT4 : DEFAULT6);

function hasSelector(r: PolicyRule): boolean {
  return (
    r.not ||
    (r.src !== null && r.src.len > 0) ||
    (r.dst !== null && r.dst.len > 0) ||
    r.tos !== 0 ||
    r.fwmark !== null ||
    r.iif !== null ||
    r.oif !== null ||
    r.uidrange !== null ||
    r.ipproto !== null ||
    r.sport !== null ||
    r.dport !== null ||
    r.l3mdev ||
    (r.tunId !== null && r.tunId !== 0)
  );
}

function isDefault(list: readonly PolicyRule[], family: Family): boolean {
  const want = defaultRules(family);
  return (
    list.length === want.length &&
    list.every((r, i) => {
      const w = want[i];
      return (
        r.priority === w.priority &&
        !hasSelector(r) &&
        r.suppressPrefixlen === null &&
        r.suppressIfgroup === null &&
        r.action.kind === 'lookup' &&
        w.action.kind === 'lookup' &&
        r.action.table === w.action.table
      );
    })
  );
}

export function compileRules(family: Family, rules: readonly PolicyRule[] | null, devices: readonly NetDevice[]): CompiledRules {
  // Rules of equal priority keep the order in which they were added.
  const stated = (rules ?? []).filter((r) => r.family === family);
  // A list that holds the other family alone says nothing about this one.
  const sorted = (stated.length > 0 ? stated : [...defaultRules(family)]).sort((a, b) => a.priority - b.priority);
  const index = (name: string | null): number => (name === null ? 0 : (devices.find((d) => d.name === name)?.ifindex ?? -1));
  const list = sorted.map((rule, i): CompiledRule => {
    const a = rule.action;
    const target = a.kind === 'goto' ? sorted.findIndex((r, j) => j > i && r.priority === a.target) : -1;
    return {
      rule,
      iif: index(rule.iif),
      oif: index(rule.oif),
      action: a.kind === 'lookup' ? 'table' : a.kind,
      table: a.kind === 'lookup' ? a.table : 0,
      target,
      always: !hasSelector(rule),
    };
  });
  return {
    list,
    custom: !isDefault(sorted, family),
    needsKeys: sorted.some((r) => r.iif !== 'lo' && (r.ipproto !== null || r.sport !== null || r.dport !== null)),
    l3mdev: sorted.some((r) => r.l3mdev),
  };
}

const inRange = (v: number, r: { readonly start: number; readonly end: number } | null): boolean => r === null || (v >= r.start && v <= r.end);
const whole = (a: Addr, p: { readonly addr: Addr; readonly len: number } | null, family: Family): boolean =>
  p === null || (p.len === addrBits(family) ? a === p.addr : inPrefix(a, p.addr, p.len));

/** Bits of the TOS byte that a rule's `tos` is compared with: legacy TOS in IPv4, the whole DSCP in IPv6. */
const TOS_MASK4 = 0x1c;
const DSCP_MASK = 0xfc;

function matchesInner(c: CompiledRule, f: Flow): boolean {
  const r = c.rule;
  if (c.iif !== 0 && c.iif !== f.iif) return false;
  if (c.oif !== 0 && c.oif !== f.oif) return false;
  if (r.fwmark !== null && ((r.fwmark.mark ^ f.mark) & r.fwmark.mask) !== 0) return false;
  // Packets carry no tunnel key here: such a rule asks for one that is not there.
  if (r.tunId !== null && r.tunId !== 0) return false;
  // No device of this node is an l3 master (Fib says so before it walks), hence nothing to match.
  if (r.l3mdev) return false;
  if (!inRange(f.uid, r.uidrange)) return false;
  // IPv6 without a source yet (RT6_LOOKUP_F_HAS_SADDR clear): a rule with `from` does not apply.
  if (r.family === 'ipv6' && f.src === ANY6 && r.src !== null && r.src.len > 0) return false;
  if (!whole(f.src, r.src, r.family) || !whole(f.dst, r.dst, r.family)) return false;
  if (r.tos !== 0 && r.tos !== (f.tos & (r.family === 'ipv4' ? TOS_MASK4 : DSCP_MASK))) return false;
  if (r.ipproto !== null && r.ipproto !== f.proto) return false;
  return inRange(f.sport, r.sport) && inRange(f.dport, r.dport);
}

export const ruleMatches = (c: CompiledRule, f: Flow): boolean => c.always || matchesInner(c, f) !== c.rule.not;
