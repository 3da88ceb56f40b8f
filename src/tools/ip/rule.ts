/** `ip rule`: changes through fib/edit.ts, listings. */

import { changeRules, type PolicyRule } from '../../fib/index.js';
import { writeIpRule, writeIpRuleJson } from '../../formats/ip-rule.js';
import { parseRuleArgs } from '../../formats/ip-rule-args.js';
import { tableNumber } from '../../formats/rt-names.js';
import type { NodeState } from '../../scenario/model.js';
import { devices, rulesOf } from '../netlink.js';
import { kernelSays, must, Refusal } from '../refusal.js';
import { said } from '../tool.js';
import { byBeginning, Clauses, type IpObject, verb, wrong } from './command.js';

const VERBS = ['list', 'show', 'lst', 'add', 'delete', 'flush', 'save', 'restore', 'help'];

/** `table T`, `pref P` of `ip rule list|flush`. */
function filter(words: readonly string[]): (r: PolicyRule) => boolean {
  const tests: ((r: PolicyRule) => boolean)[] = [];
  const w = new Clauses(words);
  for (let k = w.next(); k !== undefined; k = w.next()) {
    if (k.length > 1 && (byBeginning(k, ['table']) || byBeginning(k, ['lookup']))) {
      const t = w.value(k);
      const id = tableNumber(t) ?? wrong(t, 'invalid table ID');
      tests.push((r) => r.action.kind === 'lookup' && r.action.table === id);
    } else if (byBeginning(k, ['preference', 'priority', 'order'])) {
      const p = Number(w.value(k));
      tests.push((r) => r.priority === p);
    } else throw new Refusal(`Error: argument "${k}" is not supported in a list of rules`, { code: 'not-supported', word: k, status: 255 });
  }
  return (r) => tests.every((t) => t(r));
}

function change(n: NodeState, v: string, words: readonly string[], family: 'ipv4' | 'ipv6' | null): NodeState | null {
  if (v === 'flush') {
    const chosen = filter(words);
    const f = family ?? 'ipv4';
    // Rule 0 stays; only the table local would be left without it.
    return { ...n, rules: rulesOf(n).filter((r) => r.family !== f || r.priority === 0 || !chosen(r)) };
  }
  if (v !== 'add' && v !== 'delete') return null;
  const command = v === 'add' ? 'add' : 'del';
  const args = must(parseRuleArgs(command, words, { family, tables: n.routeTableNames }));
  const r = changeRules(rulesOf(n), { command, ...args });
  if (r.error !== null) kernelSays(r.error);
  return { ...n, rules: r.list };
}

export const ruleObject: IpObject = {
  names: ['rule'],
  change: (n, c) => change(n, verb(c, 'rule', VERBS), c.words.slice(1), c.family),
  answer(n, c) {
    const v = verb(c, 'rule', VERBS);
    if (v !== 'list' && v !== 'show' && v !== 'lst') return null;
    const chosen = filter(c.words.slice(1));
    const rules = rulesOf(n.given).filter(chosen);
    const names = new Set(devices(n.given).map((d) => d.name));
    const o = { family: c.family ?? 'ipv4', hasDevice: (d: string) => names.has(d) } as const;
    return said(c.json ? writeIpRuleJson(rules, o) : writeIpRule(rules, o));
  },
};
