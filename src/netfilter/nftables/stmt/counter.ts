/** `counter packets 0 bytes 0` (nft_counter.c). */
import type { NftTokens } from '../tokens.js';
import type { Stateful } from './stateful.js';

export interface Counted {
  packets: number;
  bytes: number;
}

/** What follows the word. */
export function parseCounter(t: NftTokens): Stateful<Counted> {
  const given = { packets: 0, bytes: 0 };
  if (t.take('packets')) {
    given.packets = t.number('packets');
    t.expect('bytes');
    given.bytes = t.number('bytes');
  }
  return {
    name: 'counter',
    make: () => ({ ...given }),
    run: (n, c) => {
      n.packets++;
      n.bytes += c.skb.data.length;
      return true;
    },
  };
}
