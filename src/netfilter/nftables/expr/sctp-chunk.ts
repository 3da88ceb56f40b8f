/** `sctp chunk data exists`, `sctp chunk init num-inbound-streams 5`: parts of an SCTP packet (nft_exthdr_sctp_eval). */
import { IPPROTO } from '../../../packet/skb.js';
import type { PacketCtx } from '../../pred.js';
import type { NftReadDef } from '../expr.js';
import { NftError } from '../tokens.js';
import { typeNamed } from '../types.js';
import { bitsOf } from './bits.js';
import { fields } from './payload-fields.js';
import { pktInfo } from './pktinfo.js';

const COMMON = 'type 0 8; flags 8 8; length 16 16';
const INIT = `${COMMON}; init-tag 32 32; a-rwnd 64 32; num-outbound-streams 96 16; num-inbound-streams 112 16; initial-tsn 128 32`;
const chunk = (kind: number, text = COMMON) => ({ kind, fields: fields('th', text) });
const CHUNKS = new Map([
  ['data', chunk(0, `${COMMON}; tsn 32 32; stream 64 16; ssn 80 16; ppid 96 32`)],
  ['init', chunk(1, INIT)],
  ['init-ack', chunk(2, INIT)],
  ['sack', chunk(3, `${COMMON}; cum-tsn-ack 32 32; a-rwnd 64 32; num-gap-ack-blocks 96 16; num-dup-tsns 112 16`)],
  ['heartbeat', chunk(4)],
  ['heartbeat-ack', chunk(5)],
  ['abort', chunk(6)],
  ['shutdown', chunk(7, `${COMMON}; cum-tsn-ack 32 32`)],
  ['shutdown-ack', chunk(8)],
  ['error', chunk(9)],
  ['cookie-echo', chunk(10)],
  ['cookie-ack', chunk(11)],
  ['ecne', chunk(12, `${COMMON}; lowest-tsn 32 32`)],
  ['cwr', chunk(13, `${COMMON}; lowest-tsn 32 32`)],
  ['shutdown-complete', chunk(14)],
  ['asconf-ack', chunk(128, `${COMMON}; seqno 32 32`)],
  ['forward-tsn', chunk(192, `${COMMON}; new-cum-tsn 32 32`)],
  ['asconf', chunk(193, `${COMMON}; seqno 32 32`)],
]);
const SCTP_HEADER = 12;

/** Offset of the first chunk of that kind; null: there is none. */
function find(c: PacketCtx, kind: number): number | null {
  const info = pktInfo(c);
  if (info?.proto !== IPPROTO.SCTP) return null;
  const { data } = c.skb;
  let at = info.thoff + SCTP_HEADER;
  do {
    const length = at + 4 <= data.length ? (data[at + 2] << 8) | data[at + 3] : 0;
    if (length === 0) return null;
    if (data[at] === kind) return at;
    at += (length + 3) & ~3;
  } while (at < data.length);
  return null;
}

const parsed: NftReadDef = {
  words: ['sctp'],
  kernel: 'net/netfilter/nft_exthdr.c',
  parse: (t) => {
    if (!t.take('chunk')) return null;
    const name = t.word('the name of a chunk');
    const of = CHUNKS.get(name.text);
    if (!of) throw new NftError(`“${name.text}” is no chunk of SCTP`, name, [...CHUNKS.keys()].join(', '));
    const f = of.fields.get(t.peek().text);
    if (!f) return { type: typeNamed('boolean'), read: (c) => (find(c, of.kind) === null ? 0 : 1) };
    t.next();
    return {
      type: f.type,
      read: (c) => {
        const at = find(c, of.kind);
        if (at === null) return undefined;
        const { data } = c.skb;
        const length = (data[at + 2] << 8) | data[at + 3];
        return (f.at + f.bits) / 8 > length || at + length > data.length ? undefined : bitsOf(data, at * 8 + f.at, f.bits);
      },
    };
  },
};
export const sctpChunk: readonly NftReadDef[] = [parsed];
