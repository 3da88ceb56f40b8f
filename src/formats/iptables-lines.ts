/**
 * The rules of a restore text, kept as the lines they were read from. A rule that was read (and found right) once is not kept as objects: its line's place, its
 * shape and where it leads are; asked for again, it is read again. So a node of 100,000 rules is little more than the text of its dump.
 */
import { ENDS, FIRST_CHAIN, NO_KIND, NOWHERE, type Rule, type RuleColumns, type RuleKind, type XtCounters } from '../netfilter/xtables/model.js';
import { endsChain, type RuleSource, ruleKind } from '../netfilter/xtables/rule-list.js';
import { newPlaces, type Shape } from './iptables-shape.js';

/** 16 bytes a rule; `kind` is the number of its shape as well, and NO_KIND where the rule itself is kept. */
const columns = (n: number) => ({
  start: new Uint32Array(n),
  line: new Uint32Array(n),
  lead: new Uint32Array(n),
  length: new Uint16Array(n),
  kind: new Uint16Array(n),
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
  readonly #kinds: RuleKind[] = [];
  #chains: string[] = [];
  /** Rules that no shape fits, and counters that are not 0. */
  readonly #kept = new Map<number, Rule>();
  readonly #counters = new Map<number, XtCounters>();
  /** Of #columns, until these grow. */
  #shown: RuleColumns | null = null;

  constructor(
    readonly text: string,
    readonly shapes: readonly Shape[],
  ) {}

  /** Number of rules so far. */
  get size(): number {
    return this.#size;
  }

  get columns(): RuleColumns {
    for (let n = this.#kinds.length; n < this.shapes.length; n++) this.#kinds.push(this.shapes[n].kind);
    this.#shown ??= { kind: this.#columns.kind, kinds: this.#kinds, lead: this.#columns.lead, chains: this.#chains };
    return this.#shown;
  }

  /** A number for a chain that rules jump to. */
  newChain(name: string): number {
    return this.#chains.push(name) - 1;
  }
  chainName(number: number): string {
    return this.#chains[number];
  }

  /** A rule of that shape that leads there (RuleColumns.lead), which stands at `start` of the text and is `length` long; counters null: 0. */
  add(shape: Shape, lead: number, counters: XtCounters | null, start: number, length: number, line: number): void {
    if (counters !== null && (counters.packets !== 0 || counters.bytes !== 0)) this.#counters.set(this.#size, counters);
    this.#push(shape.number, lead, start, length, line);
  }

  /** A rule that no shape fits. */
  keep(rule: Rule, start: number, length: number, line: number): void {
    this.#kept.set(this.#size, rule);
    this.#push(NO_KIND, this.leadOf(rule), start, length, line);
  }

  #push(kind: number, lead: number, start: number, length: number, line: number): void {
    const i = this.#size++;
    if (i === this.#columns.start.length) this.#resize(2 * i, i);
    const c = this.#columns;
    c.start[i] = start;
    c.length[i] = length;
    c.line[i] = line;
    c.kind[i] = kind;
    c.lead[i] = lead;
  }
  #resize(n: number, used: number): void {
    this.#columns = resized(this.#columns, n, used);
    this.#shown = null;
  }

  gather(stretches: readonly { readonly first: number; readonly length: number }[]): number {
    const at = this.#size;
    const size = stretches.reduce((n, s) => n + s.length, at);
    if (size > this.#columns.start.length) this.#resize(2 * size, at);
    for (const { first, length } of stretches) {
      for (const column of Object.values(this.#columns)) column.copyWithin(this.#size, first, first + length);
      if (this.#kept.size + this.#counters.size > 0) for (let i = 0; i < length; i++) this.#copyObjects(first + i, this.#size + i);
      this.#size += length;
    }
    return at;
  }
  #copyObjects(from: number, to: number): void {
    const rule = this.#kept.get(from);
    const counters = this.#counters.get(from);
    if (rule) this.#kept.set(to, rule);
    if (counters) this.#counters.set(to, counters);
  }

  /** All rules are there: no room for more is held. */
  close(): void {
    this.#chains = this.#chains.slice();
    this.#resize(this.#size, this.#size);
  }

  /** Where a rule leads. */
  leadOf(rule: Rule): number {
    const { target } = rule;
    if (target.kind === 'jump' || target.kind === 'goto') return this.newChain(target.chain) + FIRST_CHAIN;
    return endsChain(rule) ? ENDS : NOWHERE;
  }

  rule(place: number): Rule {
    const c = this.#columns;
    if (c.kind[place] === NO_KIND) return this.#kept.get(place) as Rule;
    const shape = this.shapes[c.kind[place]];
    const start = c.start[place];
    const end = start + c.length[place];
    shape.locate(this.text, start, end, this.#places);
    const lineStart = this.text.lastIndexOf('\n', start) + 1;
    const jump = c.lead[place] < FIRST_CHAIN ? null : this.#chains[c.lead[place] - FIRST_CHAIN];
    return shape.read(this.text, this.#places, jump, this.#counters.get(place) ?? null, c.line[place], end - lineStart) as Rule;
  }

  kind(place: number): RuleKind {
    const { kind } = this.#columns;
    return kind[place] === NO_KIND ? ruleKind(this.#kept.get(place) as Rule) : this.shapes[kind[place]].kind;
  }
}
