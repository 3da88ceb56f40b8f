/**
 * What the kernel checks when a table is committed (translate_table): no loops on any way from a hook (mark_source_chains), and every match and target
 * where it may stand (xt_check_match, xt_check_target, checkentry).
 */
import type { HookPoint } from '../../trace/event.js';
import type { CheckContext, RuleContext } from './extension.js';
import { OptionError } from './extension.js';
import type { AnyExtension } from './getopt.js';
import type { Family } from '../../base/addr.js';
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

const NO_HOOKS: ReadonlySet<HookPoint> = new Set();

/** Findings of the first loop, or of every rule that the kernel would refuse. */
export function checkTable(table: XtTable, family: Family, sets: CheckContext['sets']): CheckFinding[] {
  const byName = new Map(table.chains.map((c) => [c.name, c]));
  const reach = new Map<string, Set<HookPoint>>();
  for (const base of table.chains) {
    if (base.policy === null) continue;
    const loop = markFrom(base, byName, reach);
    if (loop) return [loop];
  }
  const found: CheckFinding[] = [];
  for (const chain of table.chains) {
    const hooks = reach.get(chain.name) ?? NO_HOOKS;
    let open = true;
    for (let i = 0; i < chain.rules.length; i++) {
      const rule = chain.rules.at(i);
      const problem = checkRule(rule, table.name, family, open ? hooks : NO_HOOKS, sets);
      if (problem) found.push({ code: 'iptables-kernel', message: problem.message, ...(problem.hint ? { hint: problem.hint } : {}), chain: chain.name, num: i + 1, rule });
      if (endsChain(rule)) open = false;
    }
  }
  return found;
}

/** Nothing behind such a rule is reached; the kernel does not follow it either. */
const endsChain = (r: Rule): boolean => r.target.kind === 'verdict' && isUnconditional(r);

/** Depth first from one base chain, with a stack of our own: dumps may nest deeper than ours. */
function markFrom(base: XtChain, byName: ReadonlyMap<string, XtChain>, reach: Map<string, Set<HookPoint>>): CheckFinding | null {
  const hook = base.name as HookPoint;
  const onPath = new Set<string>([base.name]);
  const done = new Set<string>();
  const stack: { chain: XtChain; i: number }[] = [{ chain: base, i: 0 }];
  addHook(reach, base.name, hook);
  while (stack.length > 0) {
    const top = stack[stack.length - 1];
    const rule = top.i < top.chain.rules.length ? top.chain.rules.at(top.i) : null;
    top.i++;
    if (rule === null || endsChain(rule)) {
      stack.pop();
      onPath.delete(top.chain.name);
      done.add(top.chain.name);
      continue;
    }
    const t = rule.target;
    if (t.kind !== 'jump' && t.kind !== 'goto') continue;
    const next = byName.get(t.chain);
    if (!next || done.has(t.chain)) continue;
    if (onPath.has(t.chain)) {
      const path = [...stack.map((s) => s.chain.name), t.chain];
      return {
        code: 'iptables-loop',
        message: `Too many levels of symbolic links: the chains go round in a loop from ${base.name}`,
        hint: `the loop: ${path.slice(path.indexOf(t.chain)).join(' -> ')}`,
        chain: top.chain.name,
        num: top.i,
        rule,
      };
    }
    addHook(reach, t.chain, hook);
    onPath.add(t.chain);
    stack.push({ chain: next, i: 0 });
  }
  return null;
}

function addHook(reach: Map<string, Set<HookPoint>>, chain: string, hook: HookPoint): void {
  const s = reach.get(chain);
  if (s) s.add(hook);
  else reach.set(chain, new Set([hook]));
}

function checkRule(rule: Rule, table: string, family: Family, hooks: ReadonlySet<HookPoint>, sets: CheckContext['sets']): { message: string; hint?: string } | null {
  const proto = rule.proto;
  const ctx: CheckContext = {
    family,
    table,
    proto: proto?.value ?? 0,
    protoInverted: proto?.invert ?? false,
    hooks,
    ...(sets ? { sets } : {}),
  };
  try {
    for (const m of rule.matches) if (m.def) checkExtension(m.def, m.data, ctx, 'match');
    if (rule.target.kind === 'extension') {
      const { def, data } = rule.target;
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
