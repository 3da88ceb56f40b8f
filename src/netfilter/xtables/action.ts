/** What a matching rule does, compiled. */
import type { PacketCtx } from '../pred.js';
import type { DataAct, TargetAct, TargetVerdict } from './extension.js';
import type { ChainIndex } from './index-chain.js';
import type { WalkChain, WalkRule, WalkTable } from './walk.js';

export type Action = Acting | Pick;
/** An action that is known before the packet comes. */
export type Acting =
  | { readonly kind: 'fallthrough' }
  | {
      readonly kind: 'verdict';
      readonly verdict: 'ACCEPT' | 'DROP' | 'RETURN' | 'QUEUE';
      /** Of a rule without any condition: traced as `policy:N` / `return:N` (get_chainname_rulenum). */
      readonly unconditional: boolean;
    }
  | Jump
  | Call
  | { readonly kind: 'unsupported'; readonly what: string };

/** A target with code of its own. */
export interface Call {
  readonly kind: 'call';
  readonly run: (c: PacketCtx, data: unknown) => TargetVerdict;
  readonly data: unknown;
  readonly name: string;
}
/** `KEY vmap @map` of nftables: the packet says which action it is; null: none, and the rule does not match. */
export interface Pick {
  readonly kind: 'pick';
  readonly pick: (c: PacketCtx) => Acting | null;
  /** What is looked for, and what the packet has, for telling. */
  readonly name: string;
  readonly had: (c: PacketCtx) => string;
}
export function callAction(name: string, a: TargetAct | DataAct<unknown>): Call {
  return typeof a === 'function' ? { kind: 'call', run: a, data: null, name } : { kind: 'call', run: a.act, data: a.data, name };
}

/**
 * A jump, and where it led in the table walked last: finding a chain by its name costs more than the rest of it. What a walk wants of that chain stands here as well,
 * since a chain that packets seldom come to is another place of memory.
 */
export class Jump {
  readonly kind = 'jump';
  #table: object | null = null;
  #target: WalkChain | undefined;
  /** Of that chain. */
  at = 0;
  first: WalkRule | null = null;
  index: ChainIndex | null = null;
  constructor(
    readonly chain: string,
    readonly goto: boolean,
  ) {}
  /** The chain of that name; undefined where the table has none. */
  in<C extends WalkChain>(table: WalkTable<C>): C | undefined {
    if (this.#table !== table) this.#find(table);
    return this.#target as C | undefined;
  }
  #find(table: WalkTable): void {
    const to = table.chain(this.chain);
    this.#target = to;
    this.#table = table;
    this.at = to?.at ?? 0;
    this.first = to?.first ?? null;
    this.index = to?.index ?? null;
  }
}

type Verdict = Extract<Action, { kind: 'verdict' }>['verdict'];
const verdicts = (unconditional: boolean): Readonly<Record<Verdict, Acting>> => ({
  ACCEPT: { kind: 'verdict', verdict: 'ACCEPT', unconditional },
  DROP: { kind: 'verdict', verdict: 'DROP', unconditional },
  RETURN: { kind: 'verdict', verdict: 'RETURN', unconditional },
  QUEUE: { kind: 'verdict', verdict: 'QUEUE', unconditional },
});
const conditionalVerdicts = verdicts(false);
const unconditionalVerdicts = verdicts(true);
/** One object a verdict. */
export const verdictAction = (v: Verdict, unconditional = false): Acting => (unconditional ? unconditionalVerdicts : conditionalVerdicts)[v];
export const FALL_THROUGH: Acting = { kind: 'fallthrough' };
