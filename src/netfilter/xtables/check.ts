/**
 * What the kernel checks when a table is committed (translate_table): no loops on any way from a hook (mark_source_chains), and every match and target
 * where it may stand (xt_check_match, xt_check_target, checkentry).
 */

import type { Family } from '../../base/addr.js';
import type { HookPoint } from '../../trace/event.js';
import type { CheckContext, RuleContext } from './extension.js';
import { OptionError } from './extension.js';
import type { AnyExtension } from './getopt.js';
import type { Rule, XtChain, XtTable } from './model.js';
import { isUnconditional } from './rule-list.js';

export interface CheckFinding {
  readonly code: 'iptables-loop' | 'iptables-kernel';
  readonly message: string;
  readonly hint?: string;
  readonly chain: string;
  /** From 1. */
  readonly num: number;
  readonly rule: Rule;
}

type Sets = CheckContext['sets'];

/** Bit of a hook in the masks of this file (par->hook_mask). */
const HOOKS: readonly HookPoint[] = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'];
const hookSets = new Map<number, ReadonlySet<HookPoint>>();
function hooksOf(mask: number): ReadonlySet<HookPoint> {
  let set = hookSets.get(mask);
  if (!set) {
    set = new Set(HOOKS.filter((_, i) => (mask & (1 << i)) !== 0));
    hookSets.set(mask, set);
  }
  return set;
}

/** Findings of the first loop, or of every rule that the kernel would refuse. */
export function checkTable(table: XtTable, family: Family, sets: Sets): CheckFinding[] {
  const byName = new Map(table.chains.map((c) => [c.name, c]));
  const reach = new Map<XtChain, number>();
  for (const base of table.chains) {
    if (base.policy === null) continue;
    const loop = markFrom(base, byName, reach);
    if (loop) return [loop];
  }
  const found: CheckFinding[] = [];
  for (const chain of table.chains) {
    let hooks = reach.get(chain) ?? 0;
    const { rules } = chain;
    for (let i = 0; i < rules.length; i++) {
      const rule = rules.at(i);
      const problem = checkRule(rule, table.name, family, hooks, sets);
      if (problem)
        found.push({ code: 'iptables-kernel', message: problem.message, ...(problem.hint ? { hint: problem.hint } : {}), chain: chain.name, num: i + 1, rule });
      if (endsChain(rule)) hooks = 0;
    }
  }
  return found;
}

/** Nothing behind such a rule is reached; the kernel does not follow it either. */
const endsChain = (r: Rule): boolean => r.target.kind === 'verdict' && isUnconditional(r);

interface Frame {
  readonly chain: XtChain;
  /** Next rule to look at. */
  i: number;
}

/** Depth first from one base chain, with a stack of our own: dumps may nest deeper than ours. */
function markFrom(base: XtChain, byName: ReadonlyMap<string, XtChain>, reach: Map<XtChain, number>): CheckFinding | null {
  const bit = 1 << HOOKS.indexOf(base.name as HookPoint);
  const onPath = new Set<XtChain>();
  const stack: Frame[] = [];
  const enter = (chain: XtChain): void => {
    reach.set(chain, (reach.get(chain) ?? 0) | bit);
    if (chain.rules.length === 0) return;
    onPath.add(chain);
    stack.push({ chain, i: 0 });
  };
  enter(base);
  while (stack.length > 0) {
    const top = stack[stack.length - 1];
    const rule = top.i < top.chain.rules.length ? top.chain.rules.at(top.i) : null;
    top.i++;
    if (rule === null || endsChain(rule)) {
      stack.pop();
      onPath.delete(top.chain);
      continue;
    }
    const t = rule.target;
    if (t.kind !== 'jump' && t.kind !== 'goto') continue;
    const next = byName.get(t.chain);
    if (!next) continue;
    if (onPath.has(next)) return loopFinding(base, next, stack, rule);
    if (((reach.get(next) ?? 0) & bit) === 0) enter(next);
  }
  return null;
}

function loopFinding(base: XtChain, again: XtChain, stack: readonly Frame[], rule: Rule): CheckFinding {
  const path = stack.slice(stack.findIndex((f) => f.chain === again)).map((f) => f.chain.name);
  const shown = path.length > 8 ? [...path.slice(0, 7), '…'] : path;
  const top = stack[stack.length - 1];
  return {
    code: 'iptables-loop',
    message: `Too many levels of symbolic links: the chains go round in a loop from ${base.name}`,
    hint: `the loop: ${[...shown, again.name].join(' -> ')}`,
    chain: top.chain.name,
    num: top.i,
    rule,
  };
}

type Problem = { message: string; hint?: string } | null;

/** Has an extension anything that could be refused? Most rules are done with this question. */
const isConstrained = (def: AnyExtension, proto: number): boolean =>
  def.check !== undefined || def.tables !== undefined || def.hooks !== undefined || (def.protocols !== undefined && !def.protocols.includes(proto));

function checkRule(rule: Rule, table: string, family: Family, hooks: number, sets: Sets): Problem {
  const proto = rule.proto !== null && !rule.proto.invert ? rule.proto.value : 0;
  let constrained = rule.target.kind === 'extension' && isConstrained(rule.target.def, proto);
  for (const m of rule.matches) constrained ||= m.def !== null && isConstrained(m.def, proto);
  return constrained ? checkExtensions(rule, table, family, hooks, sets) : null;
}

function checkExtensions(rule: Rule, table: string, family: Family, hooks: number, sets: Sets): Problem {
  const { proto, target } = rule;
  const ctx: CheckContext = {
    family,
    table,
    proto: proto?.value ?? 0,
    protoInverted: proto?.invert ?? false,
    hooks: hooksOf(hooks),
    ...(sets ? { sets } : {}),
  };
  try {
    for (const m of rule.matches) if (m.def) checkExtension(m.def, m.data, ctx, 'match');
    if (target.kind === 'extension') {
      const { def, data } = target;
      const matchTexts = def.check ? rule.matches.map((m) => (m.def ? m.def.name + m.def.print(m.data, ctx) : m.name + m.text)) : [];
      checkExtension(def, data, def.check ? { ...ctx, matchTexts } : ctx, 'target');
    }
    return null;
  } catch (e) {
    if (!(e instanceof OptionError)) throw e;
    return e.hint ? { message: e.message, hint: e.hint } : { message: e.message };
  }
}

/** xt_check_match() / xt_check_target(): table, hooks and protocol, then checkentry. */
function checkExtension(def: AnyExtension, data: unknown, ctx: CheckContext, what: 'match' | 'target'): void {
  if (def.tables && !def.tables.includes(ctx.table)) {
    throw new OptionError(`${def.name} ${what}: only valid in ${def.tables.join('/')} table, not ${ctx.table}`);
  }
  if (def.hooks) {
    const bad = [...ctx.hooks].filter((h) => !def.hooks?.includes(h));
    if (bad.length > 0) throw new OptionError(`${def.name} ${what}: used from hooks ${[...ctx.hooks].join('/')}, but only usable from ${def.hooks.join('/')}`);
  }
  if (def.protocols && (ctx.protoInverted || !def.protocols.includes(ctx.proto))) {
    throw new OptionError(`${def.name} ${what}: only valid for protocol ${def.protocols.join(', ')}`, undefined, 'name it with -p');
  }
  (def.check as ((d: unknown, c: RuleContext) => void) | undefined)?.(data, ctx);
}
