/** `quota over 500 mbytes used 3 kbytes` (nft_quota.c): until so many bytes have come by or, with `over`, from then on. */
import { NftError, type NftTokens } from '../tokens.js';
import { byteUnit, isByteUnit } from './bytes.js';
import type { Stateful } from './stateful.js';

export interface Consumed {
  bytes: bigint;
}

function parseBytes(t: NftTokens): bigint {
  const n = BigInt(t.number('an amount'));
  const unit = t.word('bytes, kbytes or mbytes');
  if (!isByteUnit(unit.text)) throw new NftError(`“${unit.text}” is no unit`, unit, 'bytes, kbytes, mbytes');
  return n * byteUnit(unit.text);
}

/** What follows the word. */
export function parseQuota(t: NftTokens): Stateful<Consumed> {
  const over = t.take('over', 'until') === 'over';
  const quota = parseBytes(t);
  const used = t.take('used') ? parseBytes(t) : 0n;
  return {
    name: 'quota',
    make: () => ({ bytes: used }),
    run: (q, c) => {
      q.bytes += BigInt(c.skb.data.length);
      return q.bytes > quota === over;
    },
  };
}
