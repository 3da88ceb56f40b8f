/** `exthdr frag exists`, `rt type 0`, `frag id 5`: headers of IPv6 behind the first (nft_exthdr_ipv6_eval). */
import { NEXTHDR } from '../../../packet/ip6.js';
import { ETH_P_IPV6 } from '../../../packet/skb.js';
import type { NftReadDef } from '../expr.js';
import { NftError, type NftTokens } from '../tokens.js';
import { typeNamed } from '../types.js';
import { bitsOf } from './bits.js';
import { carries } from './payload.js';
import { fields, type PayloadField } from './payload-fields.js';
import { findHeader6 } from './pktinfo.js';

interface Header {
  readonly kind: number;
  readonly fields: ReadonlyMap<string, PayloadField>;
}
const LEADING = 'nexthdr 0 8 inet_proto; hdrlength 8 8';
const ROUTING = `${LEADING}; type 16 8; seg-left 24 8`;
const HEADERS: ReadonlyMap<string, Header> = new Map([
  ['hbh', { kind: NEXTHDR.HOP, fields: fields('nh', LEADING) }],
  ['dst', { kind: NEXTHDR.DEST, fields: fields('nh', LEADING) }],
  ['rt', { kind: NEXTHDR.ROUTING, fields: fields('nh', ROUTING) }],
  ['rt0', { kind: NEXTHDR.ROUTING, fields: fields('nh', 'reserved 32 32; addr 64 128 ipv6_addr') }],
  ['rt2', { kind: NEXTHDR.ROUTING, fields: fields('nh', 'reserved 32 32; addr 64 128 ipv6_addr') }],
  ['srh', { kind: NEXTHDR.ROUTING, fields: fields('nh', 'last-entry 32 8; flags 40 8; tag 48 16; sid 64 128 ipv6_addr') }],
  [
    'frag',
    { kind: NEXTHDR.FRAGMENT, fields: fields('nh', 'nexthdr 0 8 inet_proto; reserved 8 8; frag-off 16 13; reserved2 29 2; more-fragments 31 1; id 32 32') },
  ],
  ['mh', { kind: NEXTHDR.MOBILITY, fields: fields('nh', `${LEADING}; type 16 8 mh_type; reserved 24 8; checksum 32 16`) }],
]);

/** `sid[1]`: which address of a routing header; the first is 1. */
function indexOf(t: NftTokens): number {
  t.expect('[');
  const at = t.peek();
  const n = t.number('which address');
  if (n < 1 || n > 15) throw new NftError('addresses are numbered from 1 to 15', at);
  t.expect(']');
  return n - 1;
}

const field: NftReadDef = {
  words: [...HEADERS.keys()],
  kernel: 'net/netfilter/nft_exthdr.c',
  parse: (t, word, s) => {
    const isIp6 = carries(ETH_P_IPV6, s.family);
    const header = HEADERS.get(word) as Header;
    const f = header.fields.get(t.peek().text);
    if (!f) return null;
    t.next();
    const at = f.at + (f.type.name === 'ipv6_addr' ? 128 * indexOf(t) : 0);
    return {
      type: f.type,
      read: (c) => {
        const found = isIp6(c) ? findHeader6(c.skb.data, header.kind) : null;
        if (!found || c.skb.data.length * 8 < found.thoff * 8 + at + f.bits) return undefined;
        return bitsOf(c.skb.data, found.thoff * 8 + at, f.bits);
      },
      ...(f.bits % 8 === 0 ? { bytes: f.bits / 8 } : {}),
    };
  },
};

const presence: NftReadDef = {
  words: ['exthdr'],
  kernel: 'net/netfilter/nft_exthdr.c',
  parse: (t, _, s) => {
    const isIp6 = carries(ETH_P_IPV6, s.family);
    const name = t.word('the name of an extension header');
    const header = HEADERS.get(name.text);
    if (!header) throw new NftError(`“${name.text}” is no extension header`, name, [...HEADERS.keys()].join(', '));
    return { type: typeNamed('boolean'), read: (c) => (isIp6(c) ? (findHeader6(c.skb.data, header.kind) ? 1 : 0) : undefined) };
  },
};
export const exthdr6: readonly NftReadDef[] = [field, presence];
