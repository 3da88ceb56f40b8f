/**
 * Equal parts of a table's compiled rules are one object: long rule sets ask the same again and again (a protocol, a port, a jump to the same chain), and what
 * packets touch should be little enough to stay in the caches.
 */
import { ctstate, dport, mark, sport } from '../fields.js';
import type { Field, Pred, Scalar } from '../pred.js';
import { type Action, Jump } from './action.js';
import { type Ask, askOf } from './ask.js';
import type { RuleStep } from './extension.js';
import { inIface, ipDst, ipProtocol, ipSrc, outIface } from './ip-fields.js';

/** Fields that stand for themselves; one made for a single rule is asked by that rule alone. */
const common: ReadonlySet<Field> = new Set([ipProtocol, sport, dport, ipSrc, ipDst, inIface, outIface, ctstate, mark]);

/** Addresses of single hosts are told apart by what rules ask, not shared. */
const HOST = 32;

export class Interner {
  readonly #preds = new Map<Field, Map<string, Pred>>();
  readonly #negated = new Map<Pred, Pred>();
  /** Steps that many rules share, as the walk meets them. */
  readonly #asks = new Map<RuleStep, Ask>();
  /** Lists of shared questions, by their first one. */
  readonly #lists = new Map<Ask, (readonly Ask[])[]>();
  readonly #jumps = new Map<string, Action>();
  readonly #gotos = new Map<string, Action>();
  readonly #shared = new Set<Ask>();
  /** Options that no other rule has go with the rule they were read for. */
  readonly #lowered = new WeakMap<object, Lowered>();

  /** The predicate that says the same; null where each rule keeps its own. */
  #pred(p: Pred): Pred | null {
    switch (p.op) {
      case 'between':
        return common.has(p.field) ? this.#known(p, p.field, p.lo, p.hi) : null;
      case 'prefix':
        return p.len < HOST && common.has(p.field) ? this.#known(p, p.field, p.net, p.len) : null;
      case 'not': {
        const of = this.#pred(p.of);
        if (of === null) return null;
        const known = this.#negated.get(of);
        if (!known) this.#negated.set(of, p);
        return known ?? p;
      }
      default:
        return null;
    }
  }
  #known(p: Pred, field: Field, a: Scalar, b: Scalar): Pred {
    let of = this.#preds.get(field);
    if (!of) this.#preds.set(field, (of = new Map()));
    const key = `${p.op}${a}\0${b}`;
    const known = of.get(key);
    if (!known) of.set(key, p);
    return known ?? p;
  }

  ask(s: RuleStep): Ask {
    if (s.kind === 'test') {
      const pred = this.#pred(s.pred);
      if (pred !== null) this.#shared.add(pred);
      return pred ?? s.pred;
    }
    if (!s.shared) return askOf(s);
    let ask = this.#asks.get(s);
    if (!ask) {
      ask = askOf(s);
      this.#asks.set(s, ask);
      this.#shared.add(ask);
    }
    return ask;
  }

  /** The list itself, or one of the same questions where all of them are shared. */
  list(asks: readonly Ask[]): readonly Ask[] {
    if (!asks.every((s) => this.#shared.has(s))) return asks;
    let lists = this.#lists.get(asks[0]);
    if (!lists) this.#lists.set(asks[0], (lists = []));
    const known = lists.find((l) => l.length === asks.length && l.every((s, i) => s === asks[i]));
    if (!known) lists.push(asks);
    return known ?? asks;
  }

  /** What a match was lowered to, by its options (equal ones are one value) and the rule's protocol; steps that keep something of their own are made for each rule. */
  lowered(options: unknown, proto: number, lower: () => readonly RuleStep[]): readonly RuleStep[] {
    if (typeof options !== 'object' || options === null) return lower();
    const first = this.#lowered.get(options);
    for (let l: Lowered | null = first ?? null; l !== null; l = l.next) if (l.proto === proto) return l.steps;
    const steps = lower();
    if (steps.every((s) => s.kind !== 'stateful' || s.shared)) {
      for (const s of steps) if (s.kind === 'test') this.#shared.add(s.pred);
      this.#lowered.set(options, { proto, steps, next: first ?? null });
    }
    return steps;
  }

  jump(chain: string, goto: boolean): Action {
    const of = goto ? this.#gotos : this.#jumps;
    const known = of.get(chain) ?? new Jump(chain, goto);
    of.set(chain, known);
    return known;
  }
}

/** What options were lowered to for rules of a protocol, and for those of others. */
interface Lowered {
  readonly proto: number;
  readonly steps: readonly RuleStep[];
  readonly next: Lowered | null;
}
