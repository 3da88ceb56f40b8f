/** What a matching rule does, compiled. */
import type { PacketCtx } from '../pred.js';
import type { TargetVerdict } from './extension.js';

export type Action =
  | { readonly kind: 'fallthrough' }
  | { readonly kind: 'verdict'; readonly verdict: 'ACCEPT' | 'DROP' | 'RETURN' | 'QUEUE' }
  | { readonly kind: 'jump'; readonly chain: string; readonly goto: boolean; readonly target: JumpTarget }
  | { readonly kind: 'call'; readonly run: (c: PacketCtx) => TargetVerdict; readonly name: string }
  | { readonly kind: 'unsupported'; readonly what: string };

/** Where a jump led in the table walked last: finding a chain by its name costs more than the rest of a jump. */
export class JumpTarget {
  #table: object | null = null;
  #chain: object | undefined;
  /** The chain of that name; undefined where the table has none. */
  in<C extends object>(table: { readonly byName: ReadonlyMap<string, C> }, name: string): C | undefined {
    if (this.#table !== table) {
      this.#chain = table.byName.get(name);
      this.#table = table;
    }
    return this.#chain as C | undefined;
  }
}

type Verdict = Extract<Action, { kind: 'verdict' }>['verdict'];
const verdicts: Readonly<Record<Verdict, Action>> = {
  ACCEPT: { kind: 'verdict', verdict: 'ACCEPT' },
  DROP: { kind: 'verdict', verdict: 'DROP' },
  RETURN: { kind: 'verdict', verdict: 'RETURN' },
  QUEUE: { kind: 'verdict', verdict: 'QUEUE' },
};
/** One object a verdict. */
export const verdictAction = (v: Verdict): Action => verdicts[v];
export const FALL_THROUGH: Action = { kind: 'fallthrough' };
