/** The shape of a statement: one file each in stmt/. */
import type { PacketCtx, Pred } from '../pred.js';
import type { Action } from '../xtables/action.js';
import type { NftNeed, NftScope } from './expr.js';
import type { NftTokens } from './tokens.js';

/** What a statement of a rule does. */
export type NftStep =
  | { readonly kind: 'test'; readonly pred: Pred }
  /** Acts, and says whether the rule goes on (false: NFT_BREAK). */
  | { readonly kind: 'effect'; readonly name: string; readonly run: (c: PacketCtx) => boolean }
  /** The verdict of the rule; nothing follows it. */
  | { readonly kind: 'action'; readonly action: Action }
  /** Read, and not evaluated: a packet that comes here is inconclusive. */
  | { readonly kind: 'unsupported'; readonly what: string };

/** The rule around a statement. */
export interface StmtScope extends NftScope {
  /** Offset of the statement's first word. */
  readonly from: number;
  /** Identity of the table's object of that kind and name: what Env.state keeps it under. Throws NftError where there is none. */
  readonly object: (kind: string, name: string) => object;
  /** Identity of this statement, which outlives edits of the table around its rule: what Env.state keeps its own state under (a counter's numbers, a limit's tokens). */
  readonly instance: () => object;
  /** Throws NftError where the table has no such chain. */
  readonly chain: (name: string) => void;
}

export interface NftStmtDef {
  /** Words that begin it. */
  readonly words: readonly string[];
  /** Kernel source. */
  readonly kernel: string;
  readonly needs?: NftNeed;
  /** The word is taken; what follows is read. Null: here the word does not begin such a statement. */
  readonly parse: (t: NftTokens, word: string, s: StmtScope) => NftStep | null;
}
