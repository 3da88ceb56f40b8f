/** Statements by the words that begin them: one file each, one line here. */
import type { NftStmtDef } from '../stmt.js';
import { counter } from './counter.js';
import { verdict } from './verdict.js';

const all: readonly NftStmtDef[] = [verdict, counter];

/** Those that a word may begin. */
export const nftStatements: ReadonlyMap<string, readonly NftStmtDef[]> = all.reduce((map, def) => {
  for (const w of def.words) map.set(w, [...(map.get(w) ?? []), def]);
  return map;
}, new Map<string, NftStmtDef[]>());
