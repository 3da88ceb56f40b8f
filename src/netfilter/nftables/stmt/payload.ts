/** `ip ttl set 5`, `tcp dport set 80`, `@nh,64,8 set 3`: bits of the packet written, with the checksums that nft asks for (nft_payload_set_eval). */
import { crc32c, transportChecksumOffset } from '../../../packet/checksum.js';
import { ETH_P_IPV6, IPPROTO, type Skb } from '../../../packet/skb.js';
import type { PacketCtx, Scalar } from '../../pred.js';
import { tellMangle } from '../../xtables/target/common.js';
import { namedField, type PayloadField, payloadProtocols, rawField, readPayload } from '../expr/payload.js';
import { pktInfo } from '../expr/pktinfo.js';
import { type NftExpr, parseExpr } from '../expr.js';
import type { NftStep, NftStmtDef } from '../stmt.js';

/** Where the header's own checksum stands, as nft knows it (proto_desc.checksum_key): an Internet checksum, or SCTP's CRC. */
const CHECKSUM: ReadonlyMap<string, number> = new Map([
  ['ip', 10],
  ['tcp', 16],
  ['udp', 6],
  ['icmp', 2],
  ['icmpv6', 2],
  ['igmp', 2],
]);
/** Fields that the transport checksum covers too (proto_desc.pseudohdr). */
const PSEUDO_HEADER: ReadonlySet<string> = new Set(['ip saddr', 'ip daddr', 'ip protocol', 'ip length', 'ip6 saddr', 'ip6 daddr', 'ip6 nexthdr', 'ip6 length']);

interface Write {
  readonly field: PayloadField;
  /** Offset from the base of what is written at once, and its length in bytes (stmt_evaluate_payload): the field itself or, to sum words up, those it lies in. */
  readonly first: number;
  readonly length: number;
  /** Offset of the header's checksum from the base; null: none is kept right. */
  readonly checksum: number | null;
  readonly sctp: boolean;
  readonly pseudo: boolean;
  readonly name: string;
}

function writeOf(proto: string, key: string, field: PayloadField): Write {
  const checksum = CHECKSUM.get(proto) ?? null;
  let first = Math.floor(field.at / 8);
  let end = Math.ceil((field.at + field.bits) / 8);
  if (checksum !== null || proto === 'sctp') {
    first -= first % 2;
    end += (end - first) % 2;
  }
  const name = `${proto} ${key}`;
  return { field, first, length: end - first, checksum, sctp: proto === 'sctp', pseudo: PSEUDO_HEADER.has(name), name };
}

/** nft_csum_replace(): a sum of nothing is written as its other zero. */
function replaced(sum: number, before: Uint8Array, after: Uint8Array): number {
  let s = ~sum & 0xffff;
  for (let i = 0; i < before.length; i += 2) {
    s += ~word(before, i) & 0xffff;
    s += word(after, i);
  }
  while (s > 0xffff) s = (s & 0xffff) + (s >>> 16);
  return ~s & 0xffff || 0xffff;
}
const word = (b: Uint8Array, at: number): number => (b[at] << 8) | (b[at + 1] ?? 0);

/** The bytes with the field's bits in them. */
function filled(before: Uint8Array, w: Write, v: Scalar): Uint8Array {
  const after = before.slice();
  const { at, bits } = w.field;
  const last = at - w.first * 8 + bits - 1;
  for (let i = 0; i < bits; i++) {
    const place = last - i;
    const mask = 0x80 >>> (place % 8);
    after[place >>> 3] = bitOf(v, i) === 1 ? after[place >>> 3] | mask : after[place >>> 3] & ~mask;
  }
  return after;
}
/** Counted from the lowest; longer values than numbers are texts of 16 bits a character. */
const bitOf = (v: Scalar, i: number): number =>
  typeof v === 'number' ? Math.floor(v / 2 ** i) % 2 : (v.charCodeAt(v.length - 1 - (i >>> 4)) >>> (i & 15)) & 1;

/** False: NFT_BREAK. */
function write(c: PacketCtx, w: Write, v: Scalar): boolean {
  const { skb } = c;
  if (w.field.base === 'll') return writeLinkHeader(c, w.field, v as number);
  const info = pktInfo(c);
  const base = w.field.base === 'nh' ? 0 : info?.fragoff === 0 ? info.thoff : -1;
  const from = base + w.first;
  if (base < 0 || skb.data.length < from + w.length) return false;
  const before = skb.data.slice(from, from + w.length);
  const after = filled(before, w, v);
  const shown = readPayload(c, w.field);
  if (w.checksum !== null) {
    if (skb.data.length < base + w.checksum + 2) return false;
    skb.setU16(base + w.checksum, replaced(skb.u16(base + w.checksum), before, after));
  }
  if (w.pseudo) carryTransport(skb, before, after);
  // Written behind the sums, the header's own checksum among it.
  const protocol = skb.protocol;
  skb.data.set(after, from);
  skb.setData(skb.data, protocol);
  settle(c, w);
  if (shown !== undefined) tellMangle(c, w.name, w.field.type.show(shown), w.field.type.show(v));
  return true;
}

/** nft_payload_l4csum_update(): the transport checksum, where the packet has one. */
function carryTransport(skb: Skb, before: Uint8Array, after: Uint8Array): void {
  if (skb.fragOffset !== 0 || skb.thoff < 0) return;
  const proto = skb.l4proto;
  const off = proto === IPPROTO.ICMP || proto === IPPROTO.DCCP ? -1 : transportChecksumOffset(proto);
  const at = skb.thoff + off;
  if (off < 0 || skb.data.length < at + 2 || (proto === IPPROTO.UDP && skb.u16(at) === 0)) return;
  skb.setU16(at, replaced(skb.u16(at), before, after));
}

/** What is summed up afterwards: SCTP's CRC, and what conntrack knows of the whole of an IPv6 packet. */
function settle(c: PacketCtx, w: Write): void {
  const { skb } = c;
  if (w.sctp && pktInfo(c)?.proto === IPPROTO.SCTP) {
    const th = skb.thoff;
    skb.data.fill(0, th + 8, th + 12);
    const crc = crc32c(skb.data, th, skb.data.length);
    for (let i = 0; i < 4; i++) skb.setU8(th + 8 + i, (crc >>> (8 * i)) & 255);
  }
  const summed = w.checksum !== null || w.pseudo || w.sctp;
  if (!summed && skb.protocol === ETH_P_IPV6 && skb.ct !== null) skb.csumStale = true;
}

function writeLinkHeader(c: PacketCtx, f: PayloadField, v: number): boolean {
  const { eth } = c.skb;
  if (!eth) return false;
  if (f.at === 0 && f.bits === 48) {
    tellMangle(c, 'ether daddr', f.type.show(eth.dst), f.type.show(v));
    eth.dst = v;
  } else if (f.at === 48 && f.bits === 48) {
    tellMangle(c, 'ether saddr', f.type.show(eth.src), f.type.show(v));
    eth.src = v;
  } else c.env.inconclusive('nft: other bits of the link header than its addresses written', c);
  return true;
}

function step(w: Write, holds: (c: PacketCtx) => boolean, value: NftExpr): NftStep {
  return {
    kind: 'effect',
    name: `${w.name} set`,
    run: (c) => {
      if (!holds(c)) return false;
      const v = value.one(c);
      return v !== undefined && write(c, w, v);
    },
  };
}

export const payload: NftStmtDef = {
  words: [...payloadProtocols, '@'],
  kernel: 'net/netfilter/nft_payload.c',
  parse: (t, proto, s) => {
    if (proto === '@') {
      const f = rawField(t);
      if (!f || !t.take('set')) return null;
      return step(writeOf('raw', '', f), () => true, parseExpr(t, s, f.type));
    }
    const found = namedField(t, proto, s.family);
    if (!found || !t.take('set')) return null;
    const value = parseExpr(t, s, found.field.type);
    // nft lists writes to headers of ICMP and IGMP so, and loses whether their checksum is kept right.
    if (proto === 'th' && value.text.startsWith(`th ${found.key} &`)) return { kind: 'unsupported', what: `nft: th ${found.key} set ${value.text}` };
    return step(writeOf(proto, found.key, found.field), found.fits, value);
  },
};
