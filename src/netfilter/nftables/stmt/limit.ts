/** `limit rate over 5/second burst 5 packets`, `limit rate 10 mbytes/second` (nft_limit.c): a bucket of nanoseconds that each packet or byte takes its share of. */
import { NftError, type NftTokens } from '../tokens.js';
import { byteUnit } from './bytes.js';
import type { Stateful } from './stateful.js';

const SECONDS: ReadonlyMap<string, number> = new Map([
  ['second', 1],
  ['minute', 60],
  ['hour', 3600],
  ['day', 86400],
  ['week', 604800],
]);
const PACKET_BURST = 5n;
const NSEC_PER_SEC = 1_000_000_000n;

interface Rate {
  readonly rate: bigint;
  readonly nsecs: bigint;
  /** Of bytes, not of packets. */
  readonly bytes: boolean;
}
interface Bucket {
  tokens: bigint;
  /** ns */
  last: bigint;
}

/** `5/second`, `10 mbytes/second`. */
function parseRate(t: NftTokens): Rate {
  const first = t.word('a rate');
  let text = first.text;
  for (let m: RegExpExecArray | null; ; text += t.word('a time').text) {
    m = /^(\d{1,15})(bytes|kbytes|mbytes|)\/(\w+)$/.exec(text);
    if (m) {
      const seconds = SECONDS.get(m[3]);
      const rate = BigInt(m[1]) * byteUnit(m[2]);
      if (seconds === undefined || rate === 0n) throw new NftError(`“${text}” is no rate`, first, [...SECONDS.keys()].join(', '));
      return { rate, nsecs: BigInt(seconds) * NSEC_PER_SEC, bytes: m[2] !== '' };
    }
    if (!/^\d+\/?(bytes|kbytes|mbytes|)\/?$/.test(text)) throw new NftError(`“${text}” is no rate`, first, 'for example 5/second or 10 kbytes/second');
  }
}

function parseBurst(t: NftTokens, r: Rate): bigint {
  if (!t.take('burst')) return r.bytes ? 0n : PACKET_BURST;
  const n = BigInt(t.number('the burst'));
  const unit = t.word('packets or bytes');
  if ((unit.text === 'packets') === r.bytes) throw new NftError(`a burst of ${r.bytes ? 'bytes' : 'packets'} is expected`, unit);
  return n * byteUnit(unit.text) || (r.bytes ? 0n : PACKET_BURST);
}

const nsNow = (ms: number): bigint => BigInt(Math.round(ms * 1e6));

/** What follows the word. */
export function parseLimit(t: NftTokens): Stateful<Bucket> {
  t.expect('rate');
  const over = t.take('over', 'until') === 'over';
  const r = parseRate(t);
  const burst = parseBurst(t, r);
  const max = r.bytes ? (r.nsecs * (r.rate + burst)) / r.rate : (r.nsecs / r.rate) * burst;
  const cost = (length: number): bigint => (r.bytes ? (r.nsecs * BigInt(length)) / r.rate : r.nsecs / r.rate);
  return {
    name: 'limit',
    make: (c) => ({ tokens: max, last: nsNow(c.env.now()) }),
    run: (b, c) => {
      const now = nsNow(c.env.now());
      const grown = b.tokens + now - b.last;
      const tokens = grown > max ? max : grown;
      b.last = now;
      const left = tokens - cost(c.skb.data.length);
      b.tokens = left >= 0n ? left : tokens;
      return left >= 0n !== over;
    },
  };
}
