/** `last used never` (nft_last.c): when a packet last came by. */

import type { NftTokens } from '../tokens.js';
import { nftDuration } from '../types.js';
import type { Stateful } from './stateful.js';

export interface LastUse {
  /** Virtual ms; null: none has yet, in this run. */
  at: number | null;
}

/** What follows the word. */
export function parseLast(t: NftTokens): Stateful<LastUse> {
  if (t.take('used') && !t.take('never')) while (t.peek().kind === 'word' && nftDuration(t.peek().text) !== null) t.next();
  return {
    name: 'last',
    make: () => ({ at: null }),
    run: (l, c) => {
      l.at = c.env.now();
      return true;
    },
  };
}
