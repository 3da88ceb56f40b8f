/** A policy rule while it is read, and the words that text, JSON and the arguments of `ip rule` have in common (ip-rule(8); iproute2 ip/iprule.c). */
import type { Family } from '../base/addr.js';
import type { Reporter } from '../base/diagnostic.js';
import { protocolNumber } from '../base/well-known.js';
import type { PolicyRule } from '../fib/model.js';
import { type Prefix, parsePrefix } from './rt-names.js';
import { parseNumber } from './tokens.js';

export type RuleDraft = { -readonly [K in keyof PolicyRule]: PolicyRule[K] };

/** Was an error reported since there were `before` diagnostics? */
export const failedSince = (reporter: Reporter, before: number): boolean => reporter.diagnostics.slice(before).some((d) => d.severity === 'error');

/** `all` or a prefix of the family; null = neither. */
export const asPrefix =
  (family: Family) =>
  (t: string): Prefix | 'all' | null =>
    t === 'all' ? 'all' : parsePrefix(t, family);
/** What a message says was expected. */
export const rulePrefixWhat = (family: Family): string => (family === 'ipv4' ? 'all or an IPv4 prefix' : 'all or an IPv6 prefix');
/** `tcp`, `6` or `ipproto-6` to a protocol's number. */
export const parseIpproto = (t: string): number | null => {
  const m = /^(?:ipproto-)?(\d{1,3})$/.exec(t);
  return m ? (Number(m[1]) < 256 ? Number(m[1]) : null) : (protocolNumber(t) ?? null);
};
/** An interface group's number; only `default` has a name. */
export const parseGroup = (t: string): number | null => (t === 'default' ? 0 : parseNumber(t));

const actions = ['nop', 'blackhole', 'unreachable', 'prohibit'] as const;
export type RuleVerdict = (typeof actions)[number];
/** The words of rules that neither look into a table nor jump. */
export const ruleVerdicts: readonly string[] = actions;
/** Such a word; null = it is none. */
export const asRuleVerdict = (t: string): RuleVerdict | null => actions.find((a) => a === t) ?? null;
