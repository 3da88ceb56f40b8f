/** `ip saddr`, `tcp dport`, `th dport`, `@nh,96,32`: bits of the packet (nft_payload.c), with the protocol that they imply. */
import { ETH_P_8021Q } from '../../../packet/skb.js';
import type { PacketCtx, Scalar } from '../../pred.js';
import type { NftReadDef } from '../expr.js';
import type { NftFamily } from '../model.js';
import { NftError, type NftTokens } from '../tokens.js';
import { bitInteger, bitsOf } from './bits.js';
import { ownDevice } from './meta.js';
import { BELOW, L3, L4, type PayloadBase, type PayloadField, payloadField, payloadProtocols } from './payload-fields.js';
import { pktInfo } from './pktinfo.js';

export { type PayloadBase, type PayloadField, payloadField, payloadProtocols } from './payload-fields.js';

/** Offset in skb.data of a base; -1: there is none. nft_payload_fast_eval() takes transport headers of later fragments as well. */
function baseOffset(c: PacketCtx, base: PayloadBase, fast: boolean): number {
  if (base === 'nh') return 0;
  const info = pktInfo(c);
  return info && (fast || info.fragoff === 0) ? info.thoff : -1;
}

/** nft_payload_select_ops(): one to four bytes at their own alignment. */
const isFast = (at: number, length: number): boolean => (length === 1 || length === 2 || length === 4) && at % length === 0;

/** The bits of a field; undefined where the packet ends before. */
export function readPayload(c: PacketCtx, f: PayloadField): Scalar | undefined {
  if (f.base === 'll') return readLinkHeader(c, f);
  const first = f.at >>> 3;
  const length = ((f.at + f.bits + 7) >>> 3) - first;
  const base = baseOffset(c, f.base, isFast(first, length));
  if (base < 0 || c.skb.data.length < base + first + length) return undefined;
  return bitsOf(c.skb.data, base * 8 + f.at, f.bits);
}

const ETH_HLEN = 14;
const VLAN_HLEN = 4;

/** nft_payload_copy_vlan() puts a tag back that the device had taken out. */
function readLinkHeader({ skb }: PacketCtx, f: PayloadField): Scalar | undefined {
  const { eth, vlan } = skb;
  if (!eth) return undefined;
  const header = ETH_HLEN + (vlan === null ? 0 : VLAN_HLEN);
  const bytes = new Uint8Array((f.at + f.bits + 7) >>> 3);
  if (bytes.length > header + skb.data.length) return undefined;
  const tag = vlan === null ? [] : [ETH_P_8021Q >>> 8, ETH_P_8021Q & 255, vlan >>> 8, vlan & 255];
  const front = [...macBytes(eth.dst), ...macBytes(eth.src), ...tag, skb.protocol >>> 8, skb.protocol & 255];
  bytes.set(front.slice(0, bytes.length));
  if (bytes.length > header) bytes.set(skb.data.subarray(0, bytes.length - header), header);
  return bitsOf(bytes, f.at, f.bits);
}
const macBytes = (mac: number): number[] => [40, 32, 24, 16, 8, 0].map((by) => Math.floor(mac / 2 ** by) & 255);

/** The Ethertype as the link header has it. */
export const etherType = (c: PacketCtx): number | undefined => (c.skb.eth === null ? undefined : c.skb.vlan === null ? c.skb.protocol : ETH_P_8021Q);

/** Does the packet have the protocol that a field of such a header implies? */
export function implied(c: PacketCtx, proto: string): boolean {
  const l3 = L3.get(proto);
  if (l3 !== undefined) return c.skb.protocol === l3;
  const l4 = L4.get(proto);
  return l4 === undefined || pktInfo(c)?.proto === l4;
}

type Holds = (c: PacketCtx) => boolean;
const ALWAYS: Holds = () => true;
const isLinked = (family: NftFamily): boolean => family === 'bridge' || family === 'netdev';

/** What is implied of a header of IPv4 or IPv6 that is found by its kind: tables below these ask the link header. */
export const carries =
  (type: number, family: NftFamily): Holds =>
  (c) =>
    c.skb.protocol === type && (!isLinked(family) || etherType(c) === type);

/** What payload_gen_dependency() puts in front of a field, by the family of the table. */
function dependency(proto: string, family: NftFamily): Holds {
  const linked = isLinked(family);
  if (proto === 'ether') return linked ? ALWAYS : (c) => ownDevice(c)?.linkType === 'ether';
  if (proto === 'vlan') return linked ? (c) => etherType(c) === ETH_P_8021Q : (c) => ownDevice(c)?.linkType === 'ether' && etherType(c) === ETH_P_8021Q;
  if (proto === 'arp' && linked) return (c) => etherType(c) === L3.get('arp');
  const below = BELOW.get(proto);
  if (below === undefined || family === 'ip' || family === 'ip6' || family === 'arp') return (c) => implied(c, proto);
  return (c) => (linked ? etherType(c) : c.skb.protocol) === below && implied(c, proto);
}

/** The field of that protocol that follows, and which packets have it; null: none does. */
export function namedField(
  t: NftTokens,
  proto: string,
  family: NftFamily,
): { readonly key: string; readonly field: PayloadField; readonly fits: Holds } | null {
  const key = t.peek();
  const field = key.kind === 'word' ? fieldAt(t, proto, key.text) : undefined;
  if (!field) return null;
  const holds = dependency(proto, family);
  const { kinds } = field;
  const first: PayloadField = { base: field.base, at: 0, bits: 8, type: field.type };
  return { key: key.text, field, fits: kinds ? (c) => holds(c) && kinds.includes(readPayload(c, first) as number) : holds };
}

const named: NftReadDef = {
  words: payloadProtocols,
  kernel: 'net/netfilter/nft_payload.c',
  parse: (t, proto, s) => {
    const found = namedField(t, proto, s.family);
    if (!found) return null;
    const { field, fits } = found;
    const labels = field === payloadField('ip6', 'flowlabel');
    const read = (c: PacketCtx): Scalar | undefined => {
      if (!fits(c)) return undefined;
      const v = readPayload(c, field);
      return labels && v === 0 && labelled(c) ? c.env.inconclusive('a flow label that the kernel chose', c) : v;
    };
    return { type: field.type, read, ...wire(field) };
  },
};

/** ip6_make_flowlabel(): a packet of the node's own gets a label of a hash with a key that nobody knows; neighbour discovery has none. */
function labelled({ skb, env }: PacketCtx): boolean {
  const discovery = skb.l4proto === 58 && skb.thoff >= 0 && skb.u8(skb.thoff) >= 133 && skb.u8(skb.thoff) <= 137;
  return skb.iif === 0 && !discovery && env.sysctl('net/ipv6/auto_flowlabels') !== 0;
}

/** `arp saddr ip` is of two words. */
function fieldAt(t: NftTokens, proto: string, key: string): PayloadField | undefined {
  const from = t.mark();
  t.next();
  const f = payloadField(proto, proto === 'arp' && (key === 'saddr' || key === 'daddr') ? `${key}-${t.next().text}` : key);
  if (!f) t.reset(from);
  return f;
}

/** In a register the bytes stand as on the wire. */
const wire = (f: PayloadField): { readonly bytes?: number; readonly behind?: number } =>
  f.bits % 8 === 0 ? { bytes: f.bits / 8 } : { behind: (8 - ((f.at + f.bits) % 8)) % 8 };

const BASES: ReadonlyMap<string, PayloadBase> = new Map([
  ['ll', 'll'],
  ['nh', 'nh'],
  ['th', 'th'],
]);
/** What a register set holds (NFT_REG_SIZE registers of it), and where an offset may be. */
const MAX_BITS = 128;
const MAX_OFFSET = 255 * 8;

/** `@th,16,32`: base, offset and length in bits. */
export function rawField(t: NftTokens): PayloadField | null {
  const base = BASES.get(t.peek().text);
  if (base === undefined) return null;
  const word = t.next();
  t.expect(',');
  const at = t.number('the offset');
  t.expect(',');
  const bits = t.number('the length');
  if (bits < 1 || bits > MAX_BITS) throw new NftError(`raw payload has 1 to ${MAX_BITS} bits`, word);
  if (at > MAX_OFFSET) throw new NftError('the offset is more than 255 bytes', word);
  return { base, at, bits, type: bitInteger(bits) };
}
const raw: NftReadDef = {
  words: ['@'],
  kernel: 'net/netfilter/nft_payload.c',
  parse: (t) => {
    const f = rawField(t);
    return f && { type: f.type, read: (c) => readPayload(c, f), ...wire(f) };
  },
};

export const payload: readonly NftReadDef[] = [named, raw];
