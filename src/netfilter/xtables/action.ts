/** What a matching rule does, compiled. */
import type { PacketCtx } from '../pred.js';
import type { TargetVerdict } from './extension.js';

export type Action =
  | { readonly kind: 'fallthrough' }
  | { readonly kind: 'verdict'; readonly verdict: 'ACCEPT' | 'DROP' | 'RETURN' | 'QUEUE' }
  | Jump
  | { readonly kind: 'call'; readonly run: (c: PacketCtx) => TargetVerdict; readonly name: string }
  | { readonly kind: 'unsupported'; readonly what: string };

/** A jump, and where it led in the table walked last: finding a chain by its name costs more than the rest of it. */
export class Jump {
  readonly kind = 'jump';
  #table: object | null = null;
  #target: object | undefined;
  constructor(
    readonly chain: string,
    readonly goto: boolean,
  ) {}
  /** The chain of that name; undefined where the table has none. */
  in<C extends object>(table: { chain(name: string): C | undefined }): C | undefined {
    if (this.#table !== table) {
      this.#target = table.chain(this.chain);
      this.#table = table;
    }
    return this.#target as C | undefined;
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
