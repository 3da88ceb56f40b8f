/** One table while the lines of its rules are read and added to its chains. */
import type { Family } from '../base/addr.js';
import type { CommandDraft } from '../netfilter/xtables/command-draft.js';
import { CommandError } from '../netfilter/xtables/command-types.js';
import { OptionError } from '../netfilter/xtables/extension.js';
import { FIRST_CHAIN, type Rule, type XtCounters } from '../netfilter/xtables/model.js';
import { sourcedRules } from '../netfilter/xtables/rule-list.js';
import type { ChainHandle, TableEdit } from '../netfilter/xtables/table-edit.js';
import { LineChains } from './iptables-chains.js';
import { RuleLines } from './iptables-lines.js';
import { newPlaces, type Shape } from './iptables-shape.js';
import { Shapes } from './iptables-shapes.js';
import { WordEnds } from './iptables-words.js';

/** What all tables of one text share. */
export class Load {
  readonly ends: WordEnds;
  readonly shapes: Shape[] = [];
  readonly lines: RuleLines;
  readonly places = newPlaces();
  constructor(
    readonly text: string,
    readonly family: Family,
  ) {
    this.ends = new WordEnds(text);
    this.lines = new RuleLines(text, this.shapes);
  }
}

/** A line: it begins at `at` of the text, its rule (behind counters) at `from`. */
export interface RuleLine {
  at: number;
  from: number;
  end: number;
  /** From 1. */
  number: number;
  counters: XtCounters | null;
}

export class TableLines {
  readonly #chains: LineChains;
  #shapes: Shapes;
  /** The chain that rules are being added to, and the first of them among the lines: rules of a chain stand together. */
  #home: ChainHandle | null = null;
  #first: number;

  constructor(
    readonly edit: TableEdit,
    readonly load: Load,
  ) {
    this.#chains = new LineChains(load.text, load.family, edit, load.lines);
    this.#shapes = new Shapes(load.ends, this.#chains, load.shapes);
    this.#first = load.lines.size;
  }

  /** Adds the rule of a line that differs from one before in values only; false: it does not, or a value is wrong. */
  addKnown({ at, from, end, number, counters }: RuleLine): boolean {
    const { text, lines, places } = this.load;
    const shape = this.#shapes.find(from, end, places);
    if (!shape) return false;
    const { home, jump } = this.#shapes;
    let lead = jump < 0 ? shape.lead : jump + FIRST_CHAIN;
    try {
      if (!shape.fits(text, places)) {
        const rule = shape.read(text, places, jump < 0 ? null : lines.chainName(jump), counters, number, end - at);
        if (!rule) return false;
        if (jump < 0) lead = lines.leadOf(rule);
      }
    } catch (e) {
      // Read word by word it fails again, and is located.
      if (e instanceof CommandError || e instanceof OptionError) return false;
      throw e;
    }
    this.#enter(home ?? this.#chainOf(shape.home));
    lines.add(shape, lead, counters ?? shape.counters, from, end - from, number);
    return true;
  }

  /** Adds the rules that a line made, which was read word by word. The draft is not to be used afterwards. */
  add(chain: ChainHandle, rules: readonly Rule[], draft: CommandDraft, { at, from, end, number }: RuleLine): void {
    const { lines } = this.load;
    this.#enter(chain);
    const lead = lines.leadOf(rules[0]);
    const shape = rules.length === 1 ? this.#shapes.learn(draft, at, from, end, lead) : null;
    if (shape) lines.add(shape, lead, rules[0].counters, from, end - from, number);
    else for (const r of rules) lines.keep(r, from, end - from, number);
  }

  #chainOf(name: string | null): ChainHandle {
    const chain = this.#home?.name === name ? this.#home : this.edit.chain(name ?? '');
    if (!chain) throw new Error(`no chain ${name}`);
    return chain;
  }

  #enter(chain: ChainHandle): void {
    if (chain === this.#home) return;
    this.leaveHome();
    this.#home = chain;
  }

  /** Hands the rules read for a chain over to it. */
  leaveHome(): void {
    const { lines } = this.load;
    if (this.#home !== null && lines.size > this.#first) this.edit.appendAll(this.#home, sourcedRules(lines, this.#first, lines.size - this.#first));
    this.#home = null;
    this.#first = lines.size;
  }

  /** `from` to `end` of the text declares a chain of that name; false: there is one, or there cannot be. */
  declare(from: number, end: number): boolean {
    const chain = this.edit.create(this.load.text.slice(from, end));
    if (!chain) return false;
    this.leaveHome();
    this.#chains.declared(from, end, chain);
    this.#rename(chain.name);
    return true;
  }

  /** Chains came or went, of these names (the first null: any). */
  changed(name: string | null, newName: string | null): void {
    this.#chains.forget();
    this.#rename(name);
    if (newName !== null) this.#rename(newName);
  }
  /** What was learnt of lines that always say that name holds no more. */
  #rename(name: string | null): void {
    if (name === null || this.#shapes.alwaysSay(name)) this.#shapes = new Shapes(this.load.ends, this.#chains, this.load.shapes);
  }
}
