/**
 * What the kernel checks when a table is committed (translate_table): no loops on any way from a hook (mark_source_chains), and every match and target
 * where it may stand (xt_check_match, xt_check_target, checkentry).
 */

import type { Family } from '../../base/addr.js';
import { placesByName } from '../../base/memo.js';
import type { HookPoint } from '../../trace/event.js';
import type { CheckContext, RuleContext } from './extension.js';
import { OptionError } from './extension.js';
import type { AnyExtension } from './getopt.js';
import type { Rule, RuleKind, RuleList, XtChain, XtTable } from './model.js';

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
  const graph = new ChainGraph(table);
  for (const [n, base] of table.chains.entries()) {
    if (base.policy === null) continue;
    const loop = graph.markFrom(n);
    if (loop) return [loop];
  }
  const found: CheckFinding[] = [];
  const checks = new KindChecks(table.name, family, sets);
  for (let n = 0; n < table.chains.length; n++) {
    const { name, rules } = table.chains[n];
    let hooks = graph.reach[n];
    for (let i = 0; i < rules.length; i++) {
      const problem = checks.problem(rules, i, hooks);
      if (problem) {
        const { message, hint } = problem;
        found.push({ code: 'iptables-kernel', message, ...(hint ? { hint } : {}), chain: name, num: i + 1, rule: rules.at(i) });
      }
      if (hooks !== 0 && rules.endsChain(i)) hooks = 0;
    }
  }
  return found;
}

/** What is known of the rules of one kind: nothing can be refused, or (by the hooks that reach them) whether it is, or each has to be asked. */
type Known = 'fine' | 'ask' | Map<number, Problem>;

/** Asks each rule only what its kind does not answer. */
class KindChecks {
  readonly #known = new Map<RuleKind, Known>();
  #last: RuleKind | null = null;
  #lastKnown: Known = 'fine';
  constructor(
    readonly table: string,
    readonly family: Family,
    readonly sets: Sets,
  ) {}

  problem(rules: RuleList, i: number, hooks: number): Problem {
    const known = this.#of(rules.kind(i));
    if (known === 'fine') return null;
    const ask = (): Problem => checkRule(rules.at(i), this.table, this.family, hooks, this.sets);
    if (known === 'ask') return ask();
    let problem = known.get(hooks);
    if (problem === undefined) known.set(hooks, (problem = ask()));
    return problem;
  }

  #of(kind: RuleKind): Known {
    if (kind === this.#last) return this.#lastKnown;
    let known = this.#known.get(kind);
    if (known === undefined) this.#known.set(kind, (known = this.#look(kind)));
    this.#last = kind;
    this.#lastKnown = known;
    return known;
  }
  #look({ proto, extensions }: RuleKind): Known {
    // checkentry looks at the options; all else is the same for all.
    if (extensions.some((def) => def.check)) return 'ask';
    const number = proto !== null && !proto.invert ? proto.value : 0;
    return extensions.some((def) => def.tables || def.hooks || (def.protocols && !def.protocols.includes(number))) ? new Map() : 'fine';
  }
}

interface Frame {
  readonly chain: number;
  /** Next jump to follow. */
  jump: number;
}

/** Which chains lead to which, by their numbers in the table. */
class ChainGraph {
  /** Hooks that reach each chain, as bits. */
  readonly reach: Uint8Array;
  readonly #chains: readonly XtChain[];
  readonly #onPath: Uint8Array;
  /** The jumps of chain n, in the order of its rules, are those from #first[n] up to #first[n + 1]: the rule, and the chain it leads to. */
  readonly #first: Uint32Array;
  readonly #rule: number[] = [];
  readonly #to: number[] = [];

  constructor(table: XtTable) {
    this.#chains = table.chains;
    const n = table.chains.length;
    this.reach = new Uint8Array(n);
    this.#onPath = new Uint8Array(n);
    this.#first = new Uint32Array(n + 1);
    const numbers = placesByName(table.chains);
    for (let i = 0; i < n; i++) {
      this.#addJumps(table.chains[i].rules, numbers);
      this.#first[i + 1] = this.#to.length;
    }
  }
  #addJumps(rules: RuleList, numbers: ReadonlyMap<string, number>): void {
    for (let i = 0; i < rules.length && !rules.endsChain(i); i++) {
      const name = rules.jumpOf(i);
      const to = name === null ? undefined : numbers.get(name);
      if (to === undefined) continue;
      this.#rule.push(i);
      this.#to.push(to);
    }
  }

  /** Depth first from one base chain, with a stack of our own: dumps may nest deeper than ours. A loop ends it. */
  markFrom(base: number): CheckFinding | null {
    const bit = 1 << HOOKS.indexOf(this.#chains[base].name as HookPoint);
    const stack: Frame[] = [];
    this.#enter(base, bit, stack);
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      const jump = top.jump++;
      if (jump === this.#first[top.chain + 1]) {
        stack.pop();
        this.#onPath[top.chain] = 0;
        continue;
      }
      const next = this.#to[jump];
      if (this.#onPath[next] === 1) return this.#loop(base, next, stack);
      if ((this.reach[next] & bit) === 0) this.#enter(next, bit, stack);
    }
    return null;
  }

  #enter(chain: number, bit: number, stack: Frame[]): void {
    this.reach[chain] |= bit;
    if (this.#first[chain] === this.#first[chain + 1]) return;
    this.#onPath[chain] = 1;
    stack.push({ chain, jump: this.#first[chain] });
  }

  #loop(base: number, again: number, stack: readonly Frame[]): CheckFinding {
    const name = (n: number): string => this.#chains[n].name;
    const path = stack.slice(stack.findIndex((f) => f.chain === again)).map((f) => name(f.chain));
    const shown = path.length > 8 ? [...path.slice(0, 7), '…'] : path;
    const top = stack[stack.length - 1];
    const i = this.#rule[top.jump - 1];
    return {
      code: 'iptables-loop',
      message: `Too many levels of symbolic links: the chains go round in a loop from ${name(base)}`,
      hint: `the loop: ${[...shown, name(again)].join(' -> ')}`,
      chain: name(top.chain),
      num: i + 1,
      rule: this.#chains[top.chain].rules.at(i),
    };
  }
}

type Problem = { message: string; hint?: string } | null;

/** Asks the extensions of a rule; `hooks` are those that reach it. */
function checkRule(rule: Rule, table: string, family: Family, hooks: number, sets: Sets): Problem {
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
