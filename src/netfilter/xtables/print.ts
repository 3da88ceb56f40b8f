/** Rules as iptables-legacy-save 1.8.9 prints them. */
import type { Family } from '../../base/addr.js';
import { protocolName } from '../../base/well-known.js';
import { formatAddrMatch } from './address.js';
import type { RuleContext } from './extension.js';
import type { IfaceMatch, Rule } from './model.js';

export interface PrintContext {
  readonly family: Family;
  readonly table: string;
}

/** `-A CHAIN …`, without counters. */
export function printRule(chain: string, rule: Rule, ctx: PrintContext): string {
  return `-A ${chain}${printRuleSpec(rule, ctx)}`;
}

/** What stands behind the chain's name, with a leading blank where not empty. */
export function printRuleSpec(rule: Rule, ctx: PrintContext): string {
  const proto = rule.proto;
  const rc: RuleContext = { family: ctx.family, table: ctx.table, proto: proto?.value ?? 0, protoInverted: proto?.invert ?? false };
  let out = '';
  if (rule.src) out += `${bang(rule.src.invert)} -s ${formatAddrMatch(rule.src)}`;
  if (rule.dst) out += `${bang(rule.dst.invert)} -d ${formatAddrMatch(rule.dst)}`;
  out += printIface('i', rule.in) + printIface('o', rule.out);
  if (proto) out += `${bang(proto.invert)} -p ${protocolName(proto.value) ?? proto.value}`;
  if (rule.fragment) out += `${bang(rule.fragment.invert)} -f`;
  for (const m of rule.matches) out += m.def ? ` -m ${m.def.name}${m.def.print(m.data, rc)}` : ` -m ${m.name}${m.text}`;
  const t = rule.target;
  switch (t.kind) {
    case 'none':
      return out;
    case 'verdict':
      return `${out} -j ${t.verdict}`;
    case 'jump':
      return `${out} -j ${t.chain}`;
    case 'goto':
      return `${out} -g ${t.chain}`;
    case 'extension':
      return `${out} -j ${t.def.name}${t.def.print(t.data, rc)}`;
    case 'unknown':
      return `${out} -j ${t.name}${t.text}`;
  }
}

const bang = (invert: boolean): string => (invert ? ' !' : '');

/** `+` alone has an empty mask and is not printed, negated or not. */
function printIface(letter: 'i' | 'o', m: IfaceMatch | null): string {
  return m === null || m.name === '+' ? '' : `${bang(m.invert)} -${letter} ${m.name}`;
}
