/** The one implementation of RuleList and of Rule: classes, so that immer neither drafts nor freezes them. */
import type { Span } from '../../base/diagnostic.js';
import type { AddrMatch, IfaceMatch, MatchInstance, Rule, RuleList, Target, UnknownMatch, XtCounters } from './model.js';

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
    if (r === undefined) throw new RangeError(`no rule ${i} in a list of ${this.#rules.length}`);
    return r;
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

const NO_RULES: RuleList = new RuleArray([]);

/** A list of these rules; the array must not be changed afterwards. */
export const ruleList = (rules: readonly Rule[]): RuleList => (rules.length === 0 ? NO_RULES : new RuleArray(rules));

export function rulesOf(list: RuleList): Rule[] {
  const out: Rule[] = new Array(list.length);
  for (let i = 0; i < out.length; i++) out[i] = list.at(i);
  return out;
}
