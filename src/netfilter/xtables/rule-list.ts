/** The one implementation of RuleList and of Rule: classes, so that immer neither drafts nor freezes them. */
import type { Span } from '../../base/diagnostic.js';
import {
  type AddrMatch,
  ENDS,
  FIRST_CHAIN,
  type IfaceMatch,
  type MatchInstance,
  type Rule,
  type RuleColumns,
  type RuleKind,
  type RuleList,
  type Target,
  type UnknownMatch,
  type XtCounters,
} from './model.js';

export const ZERO_COUNTERS: XtCounters = { packets: 0, bytes: 0 };
const NO_MATCHES: readonly never[] = [];

/** Everything of a rule but its place; what the parser fills. */
export interface RuleParts {
  src: AddrMatch | null;
  dst: AddrMatch | null;
  in: IfaceMatch | null;
  out: IfaceMatch | null;
  proto: { readonly value: number; readonly invert: boolean } | null;
  fragment: { readonly invert: boolean } | null;
  matches: readonly (MatchInstance | UnknownMatch)[];
  target: Target;
  counters: XtCounters;
}

/** A rule as read; its span is made when asked for (a span object a rule would cost more than the rule). */
export class ParsedRule implements Rule {
  readonly src: AddrMatch | null;
  readonly dst: AddrMatch | null;
  readonly in: IfaceMatch | null;
  readonly out: IfaceMatch | null;
  readonly proto: { readonly value: number; readonly invert: boolean } | null;
  readonly fragment: { readonly invert: boolean } | null;
  readonly matches: readonly (MatchInstance | UnknownMatch)[];
  readonly target: Target;
  readonly counters: XtCounters;
  readonly #file: string | null;
  readonly #line: number;
  readonly #length: number;

  constructor(p: RuleParts, file: string | null = null, line = 0, length = 0) {
    this.src = p.src;
    this.dst = p.dst;
    this.in = p.in;
    this.out = p.out;
    this.proto = p.proto;
    this.fragment = p.fragment;
    this.matches = p.matches.length === 0 ? NO_MATCHES : p.matches;
    this.target = p.target;
    this.counters = p.counters;
    this.#file = file;
    this.#line = line;
    this.#length = length;
  }

  get span(): Span | null {
    return this.#file === null ? null : { file: this.#file, line: this.#line, column: 1, length: this.#length };
  }

  /** The same rule with other counters (`-Z`, `[p:b]`). */
  withCounters(counters: XtCounters): ParsedRule {
    return new ParsedRule({ ...this, counters }, this.#file, this.#line, this.#length);
  }
}

/** ip_tables' unconditional(): no condition at all, not even a match extension. */
export const isUnconditional = (r: Rule): boolean =>
  r.matches.length === 0 && r.src === null && r.dst === null && r.in === null && r.out === null && r.proto === null && r.fragment === null;

const jumpOf = ({ target }: Rule): string | null => (target.kind === 'jump' || target.kind === 'goto' ? target.chain : null);

/** Nothing behind such a rule is reached; the kernel does not follow it either. */
export const endsChain = (r: Rule): boolean => r.target.kind === 'verdict' && isUnconditional(r);

export function ruleKind(r: Rule): RuleKind {
  const extensions: RuleKind['extensions'][number][] = [];
  for (const m of r.matches) if (m.def) extensions.push(m.def);
  if (r.target.kind === 'extension') extensions.push(r.target.def);
  return { proto: r.proto, extensions, hasUnknown: r.target.kind === 'unknown' || r.matches.some((m) => m.def === null) };
}

const noRule = (i: number, length: number): RangeError => new RangeError(`no rule ${i} in a list of ${length}`);

class RuleArray implements RuleList {
  readonly #rules: readonly Rule[];
  constructor(rules: readonly Rule[]) {
    this.#rules = rules;
  }
  get length(): number {
    return this.#rules.length;
  }
  at(i: number): Rule {
    const r = this.#rules[i];
    if (r === undefined) throw noRule(i, this.length);
    return r;
  }
  all(): readonly Rule[] {
    return this.#rules;
  }
  kind(i: number): RuleKind {
    return ruleKind(this.at(i));
  }
  jumpOf(i: number): string | null {
    return jumpOf(this.at(i));
  }
  endsChain(i: number): boolean {
    return endsChain(this.at(i));
  }
  columns(): null {
    return null;
  }
  get first(): number {
    return 0;
  }
  insert(i: number, rule: Rule): RuleList {
    return new RuleArray(this.#rules.toSpliced(i, 0, rule));
  }
  replace(i: number, rule: Rule): RuleList {
    return new RuleArray(this.#rules.with(i, rule));
  }
  remove(i: number): RuleList {
    return new RuleArray(this.#rules.toSpliced(i, 1));
  }
}

/** Rules kept in another form, which makes a rule when it is asked for. */
export interface RuleSource {
  rule(place: number): Rule;
  kind(place: number): RuleKind;
  /** By place. */
  readonly columns: RuleColumns;
  /** The rules of these stretches once more, one behind the other; gives the place of the first. */
  gather(stretches: readonly { readonly first: number; readonly length: number }[]): number;
}

/** Rules that stand together in a source: `length` of them from place `first` on. */
class SourcedRules implements RuleList {
  readonly source: RuleSource;
  readonly first: number;
  readonly length: number;
  #rules: RuleArray | null = null;
  constructor(source: RuleSource, first: number, length: number) {
    this.source = source;
    this.first = first;
    this.length = length;
  }
  #place(i: number): number {
    if (!(i >= 0 && i < this.length)) throw noRule(i, this.length);
    return this.first + i;
  }
  at(i: number): Rule {
    return this.#rules ? this.#rules.at(i) : this.source.rule(this.#place(i));
  }
  all(): readonly Rule[] {
    return this.#array().all();
  }
  kind(i: number): RuleKind {
    return this.source.kind(this.#place(i));
  }
  jumpOf(i: number): string | null {
    const { lead, chains } = this.source.columns;
    const to = lead[this.#place(i)];
    return to < FIRST_CHAIN ? null : chains[to - FIRST_CHAIN];
  }
  endsChain(i: number): boolean {
    return this.source.columns.lead[this.#place(i)] === ENDS;
  }
  columns(): RuleColumns {
    return this.source.columns;
  }
  insert(i: number, rule: Rule): RuleList {
    return this.#array().insert(i, rule);
  }
  replace(i: number, rule: Rule): RuleList {
    return this.#array().replace(i, rule);
  }
  remove(i: number): RuleList {
    return this.#array().remove(i);
  }
  /** Edited lists share their rules with the list they came from: counters follow a rule by its identity. */
  #array(): RuleArray {
    this.#rules ??= new RuleArray(Array.from({ length: this.length }, (_, i) => this.at(i)));
    return this.#rules;
  }
}

export const NO_RULES: RuleList = new RuleArray([]);

/** A list of these rules; the array must not be changed afterwards. */
export const ruleList = (rules: readonly Rule[]): RuleList => (rules.length === 0 ? NO_RULES : new RuleArray(rules));

/** A list of rules that stand together in a source. */
export const sourcedRules = (source: RuleSource, first: number, length: number): RuleList =>
  length === 0 ? NO_RULES : new SourcedRules(source, first, length);

/** One list behind the other. */
export function joined(lists: readonly RuleList[]): RuleList {
  if (lists.length < 2) return lists[0] ?? NO_RULES;
  const source = lists[0] instanceof SourcedRules ? lists[0].source : null;
  const stretches = lists.filter((l) => l instanceof SourcedRules && l.source === source);
  if (source === null || stretches.length < lists.length) return ruleList(lists.flatMap((l) => l.all()));
  const length = lists.reduce((n, l) => n + l.length, 0);
  return sourcedRules(source, source.gather(stretches), length);
}

/** The rules of a list in an array of its own. */
export const rulesOf = (list: RuleList): Rule[] => list.all().slice();
