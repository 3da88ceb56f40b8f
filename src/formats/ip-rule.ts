/** `ip rule` of either family, as text and as `-j` JSON (ip-rule(8); iproute2 ip/iprule.c print_rule()). */
import type { Family } from '../base/addr.js';
import { type Parsed, Reporter } from '../base/diagnostic.js';
import type { PolicyRule } from '../fib/model.js';
import { type RuleTextOptions, ruleText } from '../fib/rule-text.js';
import type { ReadRouteOptions } from './ip-route-draft.js';
import { rulesOfJson, ruleToJson } from './ip-rule-json.js';
import { rulesOfText } from './ip-rule-text.js';
import { looksLikeJson } from './json.js';

/** Rules in the order of the dump. A line that cannot be read is reported and left out. */
export function readIpRule(text: string, o: ReadRouteOptions): Parsed<readonly PolicyRule[]> {
  const reporter = new Reporter(o.file, text);
  const value = looksLikeJson(text) ? rulesOfJson(text, reporter, o) : rulesOfText(text, reporter, o);
  return { value, diagnostics: reporter.diagnostics };
}

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
