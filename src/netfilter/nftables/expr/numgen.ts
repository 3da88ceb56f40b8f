/** `numgen inc mod 3 offset 10`, `numgen random mod 3` (nft_numgen.c). */
import type { NftReadDef } from '../expr.js';
import { NftError } from '../tokens.js';
import { integer } from '../types.js';

const parsed: NftReadDef = {
  words: ['numgen'],
  kernel: 'net/netfilter/nft_numgen.c',
  parse: (t) => {
    const mode = t.take('inc', 'random');
    if (!mode) throw new NftError('“inc” or “random” is expected', t.peek());
    t.expect('mod');
    const mod = t.number('the modulus');
    const offset = t.take('offset') ? t.number('the offset') : 0;
    if (mod < 1) throw new NftError('the modulus is 0', t.peek());
    const instance = {};
    return {
      type: integer(32),
      read: (c) => {
        if (mode === 'random') return c.env.choose.below(mod, 'numgen', c.rule) + offset;
        const count = c.env.state(instance, () => ({ next: 0 }));
        const n = count.next;
        count.next = n + 1 < mod ? n + 1 : 0;
        return n + offset;
      },
    };
  },
};
export const numgen: readonly NftReadDef[] = [parsed];
