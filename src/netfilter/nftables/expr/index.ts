/** Expressions by the words that begin them: one file each, one line here. */
import type { NftReadDef } from '../expr.js';
import { ct } from './ct.js';
import { meta } from './meta.js';
import { numgen } from './numgen.js';
import { payload } from './payload.js';

const all: readonly NftReadDef[] = [...payload, ...meta, ...ct, ...numgen];

/** Those that a word may begin. */
export const nftReads: ReadonlyMap<string, readonly NftReadDef[]> = all.reduce((map, def) => {
  for (const w of def.words) map.set(w, [...(map.get(w) ?? []), def]);
  return map;
}, new Map<string, NftReadDef[]>());
