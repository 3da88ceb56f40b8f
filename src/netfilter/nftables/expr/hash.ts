/** `jhash ip saddr . tcp dport mod 4 seed 0xbeef offset 5`, `symhash mod 2` (nft_hash.c). */
import { jhash, reciprocalScale } from '../../../base/jhash.js';
import { IPPROTO } from '../../../packet/skb.js';
import type { PacketCtx, Scalar } from '../../pred.js';
import { type NftExpr, type NftRead, type NftReadDef, parseExpr } from '../expr.js';
import { NftError, type NftTokens } from '../tokens.js';
import { integer, type NftType } from '../types.js';
import { pktInfo } from './pktinfo.js';

const WORD = 2 ** 32;

/** Words of a register as a little-endian host reads the bytes of the wire that stand in it. */
function wordsOf(v: Scalar, bytes: number): number[] {
  const b = new Uint8Array(Math.ceil(bytes / 4) * 4);
  if (typeof v === 'string') {
    for (let i = 0; i < bytes; i++) b[bytes - 1 - i] = (v.charCodeAt(v.length - 1 - (i >>> 1)) >>> (8 * (i & 1))) & 255;
  } else for (let i = 0; i < bytes; i++) b[bytes - 1 - i] = Math.floor(v / 2 ** (8 * i)) & 255;
  return Array.from({ length: b.length / 4 }, (_, i) => (b[4 * i] | (b[4 * i + 1] << 8) | (b[4 * i + 2] << 16) | (b[4 * i + 3] << 24)) >>> 0);
}

const bytesOf = (t: NftType): number => t.bits / 8;

function hashOf(values: readonly Scalar[], key: NftExpr, seed: number): number {
  const words = values.flatMap((v, i) => wordsOf(v, bytesOf(key.types[i])));
  // Parts of a concatenation are filled up to whole words; a part that stands alone is as long as it is.
  const length = key.types.length === 1 ? bytesOf(key.types[0]) : words.length * 4;
  return jhash(words, seed + length - words.length * 4);
}

interface Scale {
  readonly mod: number;
  readonly offset: number;
  readonly seed: number | null;
}

function scaleOf(t: NftTokens, seeded: boolean): Scale {
  t.expect('mod');
  const at = t.peek();
  const mod = t.number('the modulus');
  const seed = seeded && t.take('seed') ? t.number('the seed') : null;
  const offset = t.take('offset') ? t.number('the offset') : 0;
  if (mod < 1 || mod >= WORD || offset + mod > WORD || (seed ?? 0) >= WORD) throw new NftError('a number is not between 1 and 0xffffffff', at);
  return { mod, offset, seed };
}

function parseJhash(t: NftTokens, s: Parameters<NftReadDef['parse']>[2]): NftRead {
  const at = t.peek();
  const key = parseExpr(t, s);
  if (!key.wire) throw new NftError('not modelled: a hash of what the kernel does not keep as it is on the wire', at);
  const { mod, offset, seed } = scaleOf(t, true);
  const instance = {};
  // Without a seed the kernel draws one when the rule is loaded.
  const seedOf = (c: PacketCtx): number => seed ?? c.env.state(instance, () => ({ seed: c.env.choose.below(WORD, 'jhash seed', c.rule) })).seed;
  return {
    type: integer(32),
    read: (c) => {
      const values = key.all(c);
      return values && reciprocalScale(hashOf(values, key, seedOf(c)), mod) + offset;
    },
  };
}

/** Protocols whose packets are hashed by what is inside of them. */
const TUNNELS: ReadonlySet<number> = new Set([IPPROTO.IPIP, IPPROTO.IPV6, IPPROTO.GRE]);
const SYMHASH = 'symmetric hashes of flows';

/** What __skb_get_hash_symmetric() tells flows apart by, the same in both directions. */
function flowOf(c: PacketCtx): string {
  const { skb } = c;
  const proto = pktInfo(c)?.proto ?? 0;
  if (TUNNELS.has(proto)) return c.env.inconclusive(`not modelled: the hash of a packet of protocol ${proto}, which has another inside`, c);
  const ends = [`${skb.saddr}`, `${skb.daddr}`].sort();
  const ports = proto === IPPROTO.ICMP || proto === IPPROTO.ICMPV6 || skb.isFragment ? [] : [skb.sport, skb.dport].sort((a, b) => a - b);
  return [...ends, proto, ...ports].join('\0');
}

/** The hash has a secret of the machine's in it: it is drawn once for a flow. */
function symmetricHash(c: PacketCtx): number {
  const known = c.env.state(SYMHASH, () => new Map<string, number>());
  const flow = flowOf(c);
  let hash = known.get(flow);
  if (hash === undefined) {
    hash = c.env.choose.below(WORD, 'symhash', c.rule);
    known.set(flow, hash);
  }
  return hash;
}

const parsed: NftReadDef = {
  words: ['jhash', 'symhash'],
  kernel: 'net/netfilter/nft_hash.c',
  parse: (t, word, s) => {
    if (word === 'jhash') return parseJhash(t, s);
    const { mod, offset } = scaleOf(t, false);
    return { type: integer(32), read: (c) => (mod === 1 ? 0 : reciprocalScale(symmetricHash(c), mod)) + offset };
  },
};
export const hash: readonly NftReadDef[] = [parsed];
