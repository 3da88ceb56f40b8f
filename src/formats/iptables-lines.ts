/**
 * The rules of a restore text, kept as the lines they were read from. A rule that was read (and found right) once is not kept as objects: its line's place, its
 * shape and where it leads are; asked for again, it is read again. So a node of 100,000 rules is little more than the text of its dump.
 */
import type { Rule, RuleKind, XtCounters } from '../netfilter/xtables/model.js';
import { endsChain, type RuleSource, ruleKind } from '../netfilter/xtables/rule-list.js';
import { newPlaces, type Shape } from './iptables-shapes.js';

/** Of `lead`: nowhere in particular, to the end of its chain, or else to the chain of that number less FIRST_CHAIN. */
const NOWHERE = 0;
const ENDS = 1;
const FIRST_CHAIN = 2;
/** Of `shape`: the rule itself is kept. */
const NO_SHAPE = 0xffff;

/** 16 bytes a rule. */
const columns = (n: number) => ({
  start: new Uint32Array(n),
  line: new Uint32Array(n),
  lead: new Uint32Array(n),
  length: new Uint16Array(n),
  shape: new Uint16Array(n),
});
type Columns = ReturnType<typeof columns>;

function resized(from: Columns, n: number, used: number): Columns {
  const to = columns(n);
  for (const k of Object.keys(to) as (keyof Columns)[]) to[k].set(from[k].subarray(0, used));
  return to;
}

export class RuleLines implements RuleSource {
  #columns = columns(64);
  #size = 0;
  readonly #places = newPlaces();
  #chains: string[] = [];
  /** Rules that no shape fits, and counters that are not 0. */
  readonly #kept = new Map<number, Rule>();
  readonly #counters = new Map<number, XtCounters>();

  constructor(
    readonly text: string,
    readonly shapes: readonly Shape[],
  ) {}

  /** Number of rules so far. */
  get size(): number {
    return this.#size;
  }

  /** A number for a chain that rules jump to. */
  newChain(name: string): number {
    return this.#chains.push(name) - 1;
  }

  /** A rule of that shape, which stands at `start` of the text and is `length` long. `jump`: number of the chain that it leads to; null: its target tells. */
  add(rule: Rule, jump: number | null, shape: Shape | null, start: number, length: number, line: number): void {
    const i = this.#size++;
    if (i === this.#columns.start.length) this.#columns = resized(this.#columns, 2 * i, i);
    const c = this.#columns;
    c.start[i] = start;
    c.length[i] = length;
    c.line[i] = line;
    c.shape[i] = shape?.number ?? NO_SHAPE;
    c.lead[i] = jump === null ? this.#leadOf(rule) : jump + FIRST_CHAIN;
    if (!shape) this.#kept.set(i, rule);
    else if (rule.counters.packets !== 0 || rule.counters.bytes !== 0) this.#counters.set(i, rule.counters);
  }

  /** All rules are there: no room for more is held. */
  close(): void {
    this.#columns = resized(this.#columns, this.#size, this.#size);
    this.#chains = this.#chains.slice();
  }

  #leadOf(rule: Rule): number {
    const { target } = rule;
    if (target.kind === 'jump' || target.kind === 'goto') return this.newChain(target.chain) + FIRST_CHAIN;
    return endsChain(rule) ? ENDS : NOWHERE;
  }

  rule(place: number): Rule {
    const kept = this.#kept.get(place);
    if (kept) return kept;
    const c = this.#columns;
    const shape = this.shapes[c.shape[place]];
    const start = c.start[place];
    const end = start + c.length[place];
    shape.locate(this.text, start, end, this.#places);
    const lineStart = this.text.lastIndexOf('\n', start) + 1;
    return shape.read(this.text, this.#places, this.jumpOf(place), this.#counters.get(place) ?? null, c.line[place], end - lineStart) as Rule;
  }

  kind(place: number): RuleKind {
    const kept = this.#kept.get(place);
    return kept ? ruleKind(kept) : this.shapes[this.#columns.shape[place]].kind;
  }

  jumpOf(place: number): string | null {
    const lead = this.#columns.lead[place];
    return lead < FIRST_CHAIN ? null : this.#chains[lead - FIRST_CHAIN];
  }

  endsChain(place: number): boolean {
    return this.#columns.lead[place] === ENDS;
  }
}
