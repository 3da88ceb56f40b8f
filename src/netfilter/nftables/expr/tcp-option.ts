/** `tcp option maxseg size 1400`, `tcp option sack-perm exists`, `tcp option @5,16,32` (nft_exthdr_tcp_eval). */
import { IPPROTO } from '../../../packet/skb.js';
import type { PacketCtx, Scalar } from '../../pred.js';
import type { NftReadDef } from '../expr.js';
import { NftError, type NftTokens } from '../tokens.js';
import { typeNamed } from '../types.js';
import { bitInteger, bitsOf } from './bits.js';
import { pktInfo } from './pktinfo.js';

/** Kinds by name; `sack1` is the second block of the option. */
const KINDS: ReadonlyMap<string, number> = new Map([
  ['eol', 0],
  ['nop', 1],
  ['maxseg', 2],
  ['mss', 2],
  ['window', 3],
  ['sack-perm', 4],
  ['sack-permitted', 4],
  ['sack', 5],
  ['sack0', 5],
  ['sack1', 5],
  ['sack2', 5],
  ['sack3', 5],
  ['timestamp', 8],
  ['md5sig', 19],
  ['mptcp', 30],
  ['fastopen', 34],
]);
/** Offset from the option's first byte and length, in bits. */
export type Place = readonly [at: number, bits: number];
const FIELDS: ReadonlyMap<string, Place> = new Map([
  ['2 size', [16, 16]],
  ['3 count', [16, 8]],
  ['5 left', [16, 32]],
  ['5 right', [48, 32]],
  ['8 tsval', [16, 32]],
  ['8 tsecr', [48, 32]],
  ['30 subtype', [16, 4]],
]);
const NOP = 1;

/** nft_tcp_header_pointer(): the header with its options, as it stands in the packet; null where it is not all there. */
export function headerOf(c: PacketCtx): Uint8Array | null {
  const info = pktInfo(c);
  if (!info || info.proto !== IPPROTO.TCP || info.fragoff !== 0) return null;
  const { data } = c.skb;
  if (data.length < info.thoff + 20) return null;
  const length = (data[info.thoff + 12] >>> 4) * 4;
  return length < 20 || data.length < info.thoff + length ? null : data.subarray(info.thoff, info.thoff + length);
}

/** Where the first option of that kind stands in the header, and how long it says it is; null: there is none. */
export function optionIn(h: Uint8Array, kind: number): { readonly at: number; readonly length: number } | null {
  for (let at = 20; at < h.length - 1; ) {
    const length = h[at] <= NOP || h[at + 1] === 0 ? 1 : h[at + 1];
    if (h[at] === kind) return { at, length };
    at += length;
  }
  return null;
}

/** The option of that kind from its first byte on, as long as `bytes` of it are there; null: none. */
function optionOf(c: PacketCtx, kind: number, bytes: number): Uint8Array | null {
  const h = headerOf(c);
  const o = h && optionIn(h, kind);
  return !h || !o || o.at + o.length > h.length || bytes > o.length ? null : h.subarray(o.at, o.at + o.length);
}

/** `@5,16,32`: kind, offset and length in bits. */
function rawOption(t: NftTokens): { readonly kind: number; readonly place: Place } {
  const kind = t.number('the kind of the option');
  t.expect(',');
  const at = t.number('the offset');
  t.expect(',');
  const token = t.peek();
  const bits = t.number('the length');
  if (kind > 255 || at > 320 || bits < 1 || bits > 128) throw new NftError('no option of TCP has that', token);
  return { kind, place: [at, bits] };
}

/** The field of an option of that name that follows; null: none does. */
export function placeOf(t: NftTokens, name: string, kind: number): Place | null {
  const word = t.peek().text;
  const place: Place | undefined = word === 'kind' ? [0, 8] : word === 'length' ? [8, 8] : FIELDS.get(`${kind} ${word}`);
  if (!place) return null;
  t.next();
  const block = /^sack[123]$/.test(name) ? Number(name[4]) : 0;
  return word === 'kind' || word === 'length' ? place : [place[0] + 64 * block, place[1]];
}

/** The option that a word names. */
export function optionNamed(t: NftTokens): { readonly name: string; readonly kind: number } {
  const { text } = t.peek();
  const name = t.word('the name of an option');
  const number = /^\d{1,3}$/.test(text) && Number(text) < 256 ? Number(text) : undefined;
  const kind = KINDS.get(text) ?? number;
  if (kind === undefined) throw new NftError(`“${text}” is no option of TCP`, name, [...KINDS.keys()].join(', '));
  return { name: text, kind };
}

const parsed: NftReadDef = {
  words: ['tcp'],
  kernel: 'net/netfilter/nft_exthdr.c',
  parse: (t) => {
    if (!t.take('option')) return null;
    if (t.take('@')) {
      const { kind, place } = rawOption(t);
      return reading(kind, place);
    }
    const { name, kind } = optionNamed(t);
    const place = placeOf(t, name, kind);
    if (place) return reading(kind, place);
    return { type: typeNamed('boolean'), read: (c) => (optionOf(c, kind, 1) ? 1 : 0) };
  },
};
function reading(kind: number, [at, bits]: Place): { readonly type: ReturnType<typeof bitInteger>; readonly read: (c: PacketCtx) => Scalar | undefined } {
  const bytes = (at + bits + 7) >>> 3;
  return {
    type: bitInteger(bits),
    read: (c) => {
      const option = optionOf(c, kind, bytes);
      return option === null ? undefined : bitsOf(option, at, bits);
    },
  };
}
export const tcpOption: readonly NftReadDef[] = [parsed];
