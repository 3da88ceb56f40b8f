/**
 * Statements that keep something: of a rule, of an object of the table, or of each element of a set (expressions with NFT_EXPR_STATEFUL). One shape for the
 * three; its files are counter.ts, limit.ts, quota.ts, last.ts and connlimit.ts.
 */
import type { PacketCtx } from '../../pred.js';
import type { NftStep } from '../stmt.js';
import type { NftTokens } from '../tokens.js';

export interface Stateful<S extends object = object> {
  readonly name: string;
  /** What a new owner starts with (nft_expr_clone). */
  readonly make: (c: PacketCtx) => S;
  /** Does the rule go on? With c.hotdrop set the packet is dropped instead. */
  run(state: S, c: PacketCtx): boolean;
}

/** Reads what follows the statement's word. */
export type StatefulParser = (t: NftTokens) => Stateful;

/** Runs it with what that owner keeps. */
export const runKept = (s: Stateful, owner: object, c: PacketCtx): boolean =>
  s.run(
    c.env.state(owner, () => s.make(c)),
    c,
  );

/** As a statement of a rule. */
export const statefulStep = (s: Stateful, owner: object): NftStep => ({ kind: 'effect', name: s.name, run: (c) => runKept(s, owner, c) });
