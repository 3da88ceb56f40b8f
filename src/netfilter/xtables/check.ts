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
import { ENDS, FIRST_CHAIN, NO_KIND, type Rule, type RuleKind, type XtChain, type XtTable } from './model.js';
import { type TableRows, tableRows } from './table-rows.js';

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
export function checkTable(table: XtTable, family: Family, sets: Sets): readonly CheckFinding[] {
  const rows = tableRows(table);
  const graph = new ChainGraph(table, rows);
  for (let n = 0; n < table.chains.length; n++) {
    const loop = table.chains[n].policy === null ? null : graph.markFrom(n);
    if (loop) return [loop];
  }
  return new RuleChecks(table, rows, family, sets).findings(graph.reach);
}

/** Of the hooks that reach a rule: the rules of its kind are right whatever they are, or it is not known with which they are. */
const ALL_HOOKS = -1;
const NOT_KNOWN = -2;
/** More than all bits of hooks. */
const HOOK_SETS = 1 << HOOKS.length;

/** Asks each rule only what its kind does not answer. */
class RuleChecks {
  /** By the number of a kind: ALL_HOOKS, or the last hooks with which its rules were found right, or NOT_KNOWN. */
  readonly #right: Int16Array;
  /** Kinds and hooks that were found right: number of the kind times HOOK_SETS, plus the hooks. */
  readonly #found = new Set<number>();
  readonly #findings: CheckFinding[] = [];
  constructor(
    readonly table: XtTable,
    readonly rows: TableRows,
    readonly family: Family,
    readonly sets: Sets,
  ) {
    this.#right = new Int16Array(NO_KIND + 1).fill(NOT_KNOWN);
    for (const [k, kind] of rows.kinds.entries()) if (this.#isRight(kind)) this.#right[k] = ALL_HOOKS;
  }

  /** `reach`: the hooks that reach each chain. */
  findings(reach: Uint8Array): readonly CheckFinding[] {
    const { first, kind, lead } = this.rows;
    const right = this.#right;
    for (let n = 0; n < first.length; n++) {
      let hooks = reach[n];
      const end = first[n] + this.table.chains[n].rules.length;
      for (let row = first[n]; row < end; row++) {
        const known = right[kind[row]];
        if (known !== ALL_HOOKS && known !== hooks) this.#ask(n, row - first[n], kind[row], hooks);
        if (lead[row] === ENDS) hooks = 0;
      }
    }
    return this.#findings;
  }

  #ask(n: number, i: number, k: number, hooks: number): void {
    const key = k * HOOK_SETS + hooks;
    if (this.#found.has(key)) {
      this.#right[k] = hooks;
      return;
    }
    const { name, rules } = this.table.chains[n];
    const rule = rules.at(i);
    const problem = checkRule(rule, this.table.name, this.family, hooks, this.sets);
    if (problem) this.#findings.push({ code: 'iptables-kernel', ...problem, chain: name, num: i + 1, rule });
    else if (k !== NO_KIND && !asksOptions(this.rows.kinds[k])) this.#found.add(key);
  }

  #isRight(kind: RuleKind): boolean {
    const { proto, extensions } = kind;
    const isAllowed = (def: AnyExtension): boolean =>
      (!def.tables || def.tables.includes(this.table.name)) &&
      !def.hooks &&
      (!def.protocols || (proto !== null && !proto.invert && def.protocols.includes(proto.value)));
    return !asksOptions(kind) && extensions.every(isAllowed);
  }
}

/** checkentry looks at the options; all else is the same for all rules of a kind. */
const asksOptions = ({ extensions }: RuleKind): boolean => extensions.some((def) => def.check);

/** Which chains lead to which, by their numbers in the table. */
class ChainGraph {
  /** Hooks that reach each chain, as bits. */
  readonly reach: Uint8Array;
  readonly #chains: readonly XtChain[];
  readonly #onPath: Uint8Array;
  /** The chains on the way, and the next row of each: a stack of our own, for dumps may nest deeper than ours. */
  readonly #path: Uint32Array;
  readonly #next: Uint32Array;
  #depth = 0;
  /** Where the chains that rules name stand in the table, NOT_THERE or NOT_ASKED, by their numbers among the rows' names. */
  readonly #places: Int32Array;
  #last = 0;

  constructor(
    table: XtTable,
    readonly rows: TableRows,
  ) {
    this.#chains = table.chains;
    const n = table.chains.length;
    this.reach = new Uint8Array(n);
    this.#onPath = new Uint8Array(n);
    this.#path = new Uint32Array(n);
    this.#next = new Uint32Array(n);
    this.#places = new Int32Array(rows.chains.length).fill(NOT_ASKED);
  }

  /** Depth first from one base chain. A loop ends it. */
  markFrom(base: number): CheckFinding | null {
    const { first, lead } = this.rows;
    const bit = 1 << HOOKS.indexOf(this.#chains[base].name as HookPoint);
    this.#depth = 0;
    this.#enter(base, bit);
    while (this.#depth > 0) {
      const chain = this.#path[this.#depth - 1];
      const row = this.#next[this.#depth - 1]++;
      if (row === first[chain] + this.#chains[chain].rules.length || lead[row] === ENDS) {
        this.#depth--;
        this.#onPath[chain] = 0;
      } else if (lead[row] >= FIRST_CHAIN) {
        const to = this.#placeOf(lead[row] - FIRST_CHAIN);
        if (to < 0) continue;
        if (this.#onPath[to] === 1) return this.#loop(base, to, row);
        if ((this.reach[to] & bit) === 0) this.#enter(to, bit);
      }
    }
    return null;
  }

  #enter(chain: number, bit: number): void {
    this.reach[chain] |= bit;
    this.#onPath[chain] = 1;
    this.#path[this.#depth] = chain;
    this.#next[this.#depth] = this.rows.first[chain];
    this.#depth++;
  }

  #placeOf(number: number): number {
    let place = this.#places[number];
    if (place !== NOT_ASKED) return place;
    const name = this.rows.chains[number];
    // Most often rules jump to one chain after the other.
    place = this.#last + 1;
    if (place >= this.#chains.length || this.#chains[place].name !== name) place = placesByName(this.#chains).get(name) ?? NOT_THERE;
    this.#places[number] = place;
    if (place >= 0) this.#last = place;
    return place;
  }

  #loop(base: number, again: number, row: number): CheckFinding {
    const name = (n: number): string => this.#chains[n].name;
    const way = [...this.#path.subarray(0, this.#depth)];
    const path = way.slice(way.indexOf(again)).map(name);
    const shown = path.length > 8 ? [...path.slice(0, 7), '…'] : path;
    const last = way[way.length - 1];
    const i = row - this.rows.first[last];
    return {
      code: 'iptables-loop',
      message: `Too many levels of symbolic links: the chains go round in a loop from ${name(base)}`,
      hint: `the loop: ${[...shown, name(again)].join(' -> ')}`,
      chain: name(last),
      num: i + 1,
      rule: this.#chains[last].rules.at(i),
    };
  }
}
const NOT_THERE = -1;
const NOT_ASKED = -2;

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
