/** `counter`, `limit rate …`, `quota …`, `last` as statements of a rule. */
import type { NftStmtDef, StmtScope } from '../stmt.js';
import type { NftTokens } from '../tokens.js';
import { objectStep } from './objref.js';
import { statefulStep } from './stateful.js';
import { PARSERS } from './stateful-text.js';

const KERNEL: Readonly<Record<string, string>> = {
  counter: 'net/netfilter/nft_counter.c',
  limit: 'net/netfilter/nft_limit.c',
  quota: 'net/netfilter/nft_quota.c',
  last: 'net/netfilter/nft_last.c',
};

/** In a rule: of its own, or an object of the table by name. */
export const stateful: readonly NftStmtDef[] = [...PARSERS].map(([word, parse]) => ({
  words: [word],
  kernel: KERNEL[word],
  parse: (t: NftTokens, _: string, s: StmtScope) => (t.take('name') ? objectStep(t, word, s) : statefulStep(parse(t), s.instance())),
}));
