/**
 * Equal parts of a table's compiled rules are one object: long rule sets ask the same again and again (a protocol, a port, a jump to the same chain), and what
 * packets touch should be little enough to stay in the caches.
 */
import { ctstate, dport, mark, sport } from '../fields.js';
import type { Field, Pred, Scalar } from '../pred.js';
import { type Action, Jump } from './action.js';
import type { RuleStep } from './extension.js';
import { inIface, ipDst, ipProtocol, ipSrc, outIface } from './ip-fields.js';

/** Fields that stand for themselves; one made for a single rule is asked by that rule alone. */
const common: ReadonlySet<Field> = new Set([ipProtocol, sport, dport, ipSrc, ipDst, inIface, outIface, ctstate, mark]);

/** Addresses of single hosts are told apart by what rules ask, not shared. */
const HOST = 32;

const ASK_NOTHING: readonly RuleStep[] = [];

export class Interner {
  readonly #preds = new Map<Field, Map<string, Pred>>();
  readonly #negated = new Map<Pred, Pred>();
  readonly #steps = new Map<Pred, RuleStep>();
  /** Lists of shared steps, by their first one. */
  readonly #lists = new Map<RuleStep, (readonly RuleStep[])[]>();
  readonly #jumps = new Map<string, Action>();
  readonly #gotos = new Map<string, Action>();
  readonly #shared = new Set<RuleStep>();
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

  step(s: RuleStep): RuleStep {
    if (s.kind !== 'test') {
      if (s.shared) this.#shared.add(s);
      return s;
    }
    const pred = this.#pred(s.pred);
    if (pred === null) return s;
    const known = this.#steps.get(pred) ?? { kind: 'test', pred };
    this.#steps.set(pred, known);
    this.#shared.add(known);
    return known;
  }

  /** The list itself, or one of the same steps where all of them are shared. */
  list(steps: readonly RuleStep[]): readonly RuleStep[] {
    if (steps.length === 0) return ASK_NOTHING;
    if (!steps.every((s) => this.#shared.has(s))) return withoutSlack(steps);
    let lists = this.#lists.get(steps[0]);
    if (!lists) this.#lists.set(steps[0], (lists = []));
    const known = lists.find((l) => l.length === steps.length && l.every((s, i) => s === steps[i]));
    if (known) return known;
    const kept = withoutSlack(steps);
    lists.push(kept);
    return kept;
  }

  /** What a match was lowered to, by its options (equal ones are one value) and the rule's protocol; steps that keep something of their own are made for each rule. */
  lowered(options: unknown, proto: number, lower: () => readonly RuleStep[]): readonly RuleStep[] {
    if (typeof options !== 'object' || options === null) return lower();
    const first = this.#lowered.get(options);
    for (let l: Lowered | null = first ?? null; l !== null; l = l.next) if (l.proto === proto) return l.steps;
    const steps = lower();
    if (steps.every((s) => s.kind !== 'stateful' || s.shared)) {
      for (const s of steps) this.#shared.add(s);
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

/** An array that grew holds room for more. */
const withoutSlack = (steps: readonly RuleStep[]): readonly RuleStep[] => steps.slice();
