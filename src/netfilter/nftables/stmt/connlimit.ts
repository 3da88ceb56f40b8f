/** `ct count over 10` (nft_connlimit.c): connections that came by and are open. */
import type { NftTokens } from '../tokens.js';
import type { Stateful } from './stateful.js';

/** What follows `ct count`. A packet of which no connection can be made is dropped. */
export function parseConnlimit(t: NftTokens): Stateful {
  const over = t.take('over', 'until') === 'over';
  const limit = t.number('the number of connections');
  return {
    name: 'ct count',
    make: () => ({}),
    run: (list, c) => {
      const count = c.env.ct.countOn(c, list);
      if (count === null) c.hotdrop = true;
      return count !== null && count > limit === over;
    },
  };
}
