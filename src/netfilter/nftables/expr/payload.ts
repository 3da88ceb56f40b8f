/** `ip saddr`, `tcp dport`, `th dport`, `@nh,96,32`: bits of the packet (nft_payload.c), with the protocol that they imply. */

import { readAddr } from '../../../base/addr.js';
import { ETH_P_ARP, ETH_P_IP, ETH_P_IPV6, IPPROTO } from '../../../packet/skb.js';
import type { PacketCtx, Scalar } from '../../pred.js';
import { nftProtocol } from '../../xtables/ip-fields.js';
import type { NftReadDef } from '../expr.js';
import { NftError, type NftTokens } from '../tokens.js';
import { integer, type NftType, typeNamed } from '../types.js';

export type PayloadBase = 'll' | 'nh' | 'th';
/** A field: offset and length in bits. */
export interface PayloadField {
  readonly base: PayloadBase;
  readonly at: number;
  readonly bits: number;
  readonly type: NftType;
}

/** key offset length type, in bits. */
const fields = (base: PayloadBase, text: string): ReadonlyMap<string, PayloadField> =>
  new Map(
    text
      .trim()
      .split(/\s*;\s*/)
      .map((row) => {
        const [key, at, bits, type] = row.split(' ');
        return [key, { base, at: Number(at), bits: Number(bits), type: type ? typeNamed(type) : integer(Number(bits)) }];
      }),
  );

const PORTS = 'sport 0 16 inet_service; dport 16 16 inet_service';
const FIELDS: Readonly<Record<string, ReadonlyMap<string, PayloadField>>> = {
  ether: fields('ll', 'daddr 0 48 ether_addr; saddr 48 48 ether_addr; type 96 16 ether_type'),
  arp: fields('nh', 'htype 0 16; ptype 16 16 ether_type; hlen 32 8; plen 40 8; operation 48 16 arp_op'),
  ip: fields(
    'nh',
    `version 0 4; hdrlength 4 4; dscp 8 6 dscp; ecn 14 2 ecn; length 16 16; id 32 16; frag-off 51 13; ttl 64 8; protocol 72 8 inet_proto; checksum 80 16;
    saddr 96 32 ipv4_addr; daddr 128 32 ipv4_addr`,
  ),
  ip6: fields(
    'nh',
    'version 0 4; dscp 4 6 dscp; ecn 10 2 ecn; flowlabel 12 20; length 32 16; nexthdr 48 8 inet_proto; hoplimit 56 8; saddr 64 128 ipv6_addr; daddr 192 128 ipv6_addr',
  ),
  tcp: fields('th', `${PORTS}; sequence 32 32; ackseq 64 32; doff 96 4; reserved 100 4; flags 104 8 tcp_flag; window 112 16; checksum 128 16; urgptr 144 16`),
  udp: fields('th', `${PORTS}; length 32 16; checksum 48 16`),
  udplite: fields('th', `${PORTS}; csumcov 32 16; checksum 48 16`),
  sctp: fields('th', `${PORTS}; vtag 32 32; checksum 64 32`),
  dccp: fields('th', PORTS),
  th: fields('th', PORTS),
  icmp: fields('th', 'type 0 8 icmp_type; code 8 8 icmp_code; checksum 16 16; id 32 16; sequence 48 16; gateway 32 32; mtu 48 16'),
  icmpv6: fields(
    'th',
    'type 0 8 icmpv6_type; code 8 8 icmpv6_code; checksum 16 16; parameter-problem 32 32; packet-too-big 32 32; mtu 32 32; id 32 16; sequence 48 16; max-delay 32 16',
  ),
  esp: fields('th', 'spi 0 32; sequence 32 32'),
  ah: fields('th', 'nexthdr 0 8 inet_proto; hdrlength 8 8; reserved 16 16; spi 32 32; sequence 64 32'),
  comp: fields('th', 'nexthdr 0 8 inet_proto; flags 8 8; cpi 16 16'),
};
const L4: Readonly<Record<string, number>> = {
  tcp: IPPROTO.TCP,
  udp: IPPROTO.UDP,
  udplite: 136,
  sctp: 132,
  dccp: 33,
  icmp: IPPROTO.ICMP,
  icmpv6: IPPROTO.ICMPV6,
  esp: 50,
  ah: 51,
  comp: 108,
};
const L3: Readonly<Record<string, number>> = { ip: ETH_P_IP, ip6: ETH_P_IPV6, arp: ETH_P_ARP };

/** Offset in skb.data of a base; -1: there is none. nft_payload_fast_eval() takes transport headers of later fragments as well. */
function baseOffset(c: PacketCtx, base: PayloadBase, fast: boolean): number {
  const { skb } = c;
  if (base === 'nh') return 0;
  if (skb.protocol !== ETH_P_IP && skb.protocol !== ETH_P_IPV6) return -1;
  if (skb.fragOffset === 0) return skb.thoff;
  if (!fast) return -1;
  return skb.protocol === ETH_P_IPV6 ? 0 : skb.thoff;
}

/** nft_payload_select_ops(): one to four bytes at their own alignment. */
const isFast = (at: number, length: number): boolean => (length === 1 || length === 2 || length === 4) && at % length === 0;

/** The bits of a field; undefined where the packet ends before. */
export function readPayload(c: PacketCtx, f: PayloadField): Scalar | undefined {
  if (f.base === 'll') return readLinkHeader(c, f);
  const first = Math.floor(f.at / 8);
  const length = Math.ceil((f.at + f.bits) / 8) - first;
  const base = baseOffset(c, f.base, isFast(first, length));
  if (base < 0 || c.skb.data.length < base + first + length) return undefined;
  if (f.bits === 128) return readAddr(c.skb.data, base + first, 'ipv6');
  return bitsOf(c.skb.data, base + first, length, f);
}
function bitsOf(data: Uint8Array, from: number, length: number, f: PayloadField): number {
  let v = 0;
  for (let i = 0; i < length; i++) v = v * 256 + data[from + i];
  const behind = length * 8 - (f.at % 8) - f.bits;
  return f.bits % 8 === 0 && behind === 0 ? v : Math.floor(v / 2 ** behind) % 2 ** f.bits;
}
function readLinkHeader({ skb }: PacketCtx, f: PayloadField): number | undefined {
  if (!skb.eth) return undefined;
  if (f.at === 0 && f.bits === 48) return skb.eth.dst;
  if (f.at === 48 && f.bits === 48) return skb.eth.src;
  return f.at === 96 && f.bits === 16 ? skb.protocol : undefined;
}

/** Does the packet have the protocol that such a field implies? */
export function implied(c: PacketCtx, proto: string): boolean {
  const l3 = L3[proto];
  if (l3 !== undefined) return c.skb.protocol === l3;
  const l4 = L4[proto];
  return l4 === undefined || nftProtocol.read(c) === l4;
}

/** Protocols that have fields. */
export const payloadProtocols: readonly string[] = Object.keys(FIELDS);
/** The field of that name; undefined: the protocol has none such. */
export const payloadField = (proto: string, key: string): PayloadField | undefined => FIELDS[proto]?.get(key);

const named: NftReadDef = {
  words: Object.keys(FIELDS),
  kernel: 'net/netfilter/nft_payload.c',
  parse: (t, proto) => {
    const key = t.peek();
    const f = key.kind === 'word' ? payloadField(proto, key.text) : undefined;
    if (!f) return null;
    t.next();
    return { type: f.type, read: (c) => (implied(c, proto) ? readPayload(c, f) : undefined) };
  },
};

const BASES: Readonly<Record<string, PayloadBase>> = { ll: 'll', nh: 'nh', th: 'th' };

/** `@th,16,32`: base, offset and length in bits. */
export function rawField(t: NftTokens): PayloadField | null {
  const base = BASES[t.peek().text];
  if (base === undefined) return null;
  const word = t.next();
  t.expect(',');
  const at = t.number('the offset');
  t.expect(',');
  const bits = t.number('the length');
  if (bits < 1 || bits > 48) throw new NftError('raw payload of more than 48 bits is not supported', word);
  return { base, at, bits, type: integer(bits) };
}
const raw: NftReadDef = {
  words: ['@'],
  kernel: 'net/netfilter/nft_payload.c',
  parse: (t) => {
    const f = rawField(t);
    return f && { type: f.type, read: (c) => readPayload(c, f) };
  },
};

export const payload: readonly NftReadDef[] = [named, raw];
