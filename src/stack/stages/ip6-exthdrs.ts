/** Extension headers of IPv6 on the receiving side (net/ipv6/exthdrs.c), and the fragment header of what is no fragment (reassembly.c). */
import { type Ip6, isMulticast6 } from '../../base/addr.js';
import { truncatedFirst } from '../../netfilter/conntrack/defrag.js';
import type { Skb } from '../../packet/skb.js';
import type { Flight } from '../flight.js';
import type { Kernel } from '../kernel.js';
import { icmp6Send } from './icmp6-send.js';

const PARAMPROB = 4;
const HDR_FIELD = 0;
const UNK_OPTION = 2;
const HDR_INCOMP = 3;

/** struct ipv6_opt_hdr and what it says: null where the packet ends before. */
export function headerLength(d: Uint8Array, at: number): number | null {
  if (d.length < at + 8) return null;
  const length = (d[at + 1] + 1) * 8;
  return d.length < at + length ? null : length;
}

function lost(k: Kernel, skb: Skb, reason: string, where: string, facts: Readonly<Record<string, string | number>> = {}): false {
  k.drop(skb, reason, where, 'ipv6-extension', facts);
  return false;
}

/** icmpv6_param_prob_reason(). `pointer`: what is wrong, as an offset in the packet. */
function paramProblem(k: Kernel, skb: Skb, code: number, pointer: number, reason: string, where: string): false {
  icmp6Send(k, skb, PARAMPROB, code, pointer);
  return lost(k, skb, reason, where, { pointer });
}

/** ipv6_parse_hopopts(): false = dropped. */
export function parseHopOptions(k: Kernel, f: Flight): boolean {
  const { skb } = f;
  const length = headerLength(skb.data, 40);
  if (length === null || length > k.sysctl('net/ipv6/max_hbh_length')) return lost(k, skb, 'NOT_SPECIFIED', 'ipv6_parse_hopopts');
  return parseOptions(k, f, 40, length, true);
}

/** ipv6_destopt_rcv(): the offset behind it, null = dropped. */
export function destinationOptions(k: Kernel, f: Flight, at: number): number | null {
  const { skb } = f;
  const length = headerLength(skb.data, at);
  if (length === null || length > k.sysctl('net/ipv6/max_dst_opts_length')) {
    if (length === null) k.count('Ip6InHdrErrors');
    lost(k, skb, 'NOT_SPECIFIED', 'ipv6_destopt_rcv');
    return null;
  }
  if (parseOptions(k, f, at, length, false)) return at + length;
  k.count('Ip6InHdrErrors');
  return null;
}

const OPT = { PAD1: 0, PADN: 1, ROUTER_ALERT: 5, CALIPSO: 7, IOAM: 49, JUMBO: 194, HOME_ADDRESS: 201 } as const;

/** ip6_parse_tlv(): false = dropped. */
function parseOptions(k: Kernel, f: Flight, at: number, length: number, hop: boolean): boolean {
  const { skb } = f;
  const d = skb.data;
  const bad = (): false => lost(k, skb, 'IP_INHDR', 'ip6_parse_tlv');
  const limit = k.sysctl(hop ? 'net/ipv6/max_hbh_opts_number' : 'net/ipv6/max_dst_opts_number');
  const end = at + length;
  let options = 0;
  let padding = 0;
  for (let o = at + 2; o < end; ) {
    const type = d[o];
    if (type === OPT.PAD1) {
      if (++padding > 7) return bad();
      o++;
      continue;
    }
    const size = o + 1 < end ? d[o + 1] + 2 : Number.POSITIVE_INFINITY;
    if (o + size > end) return bad();
    if (type === OPT.PADN) {
      padding += size;
      if (padding > 7 || d.subarray(o + 2, o + size).some((v) => v !== 0)) return bad();
    } else {
      if (++options > Math.abs(limit)) return bad();
      if (!(hop ? hopOption(k, f, o, limit < 0) : unknownOption(k, f, o, limit < 0))) return false;
      padding = 0;
    }
    o += size;
  }
  return true;
}

function hopOption(k: Kernel, f: Flight, o: number, strict: boolean): boolean {
  const { skb } = f;
  const d = skb.data;
  switch (d[o]) {
    case OPT.ROUTER_ALERT:
      return d[o + 1] === 2 || lost(k, skb, 'IP_INHDR', 'ipv6_hop_ra');
    case OPT.IOAM:
      if (o & 3) return lost(k, skb, 'IP_INHDR', 'ipv6_hop_ioam');
      if (k.conf('ipv6', skb.dev!.name, 'ioam6_enabled') !== 0) unsupported(k, f, 'an IOAM option');
      return true;
    case OPT.CALIPSO:
      return unsupported(k, f, 'a CALIPSO option');
    case OPT.JUMBO:
      if (d[o + 1] !== 4 || (o & 3) !== 2) return lost(k, skb, 'IP_INHDR', 'ipv6_hop_jumbo');
      if (skb.u32(o + 2) <= 65535) return paramProblem(k, skb, HDR_FIELD, o + 2, 'IP_INHDR', 'ipv6_hop_jumbo');
      if (skb.u16(4) !== 0) return paramProblem(k, skb, HDR_FIELD, o, 'IP_INHDR', 'ipv6_hop_jumbo');
      return unsupported(k, f, 'an IPv6 jumbogram');
    default:
      return unknownOption(k, f, o, strict);
  }
}

const unsupported = (k: Kernel, f: Flight, what: string): never => k.inconclusive(what, k.packetCtx(f, 'ipv6', 'PREROUTING', f.skb.dev, null));

/** ip6_tlvopt_unknown(): the two highest bits say what to do (RFC 8200, 4.2). */
function unknownOption(k: Kernel, f: Flight, o: number, strict: boolean): boolean {
  const { skb } = f;
  if (skb.data[o] === OPT.HOME_ADDRESS) return unsupported(k, f, 'a Home Address option (Mobile IPv6)');
  const action = strict ? 1 : skb.data[o] >>> 6;
  if (action === 0) return true;
  const tell = action === 2 || (action === 3 && !isMulticast6(skb.daddr as Ip6));
  if (tell) return paramProblem(k, skb, UNK_OPTION, o, 'UNHANDLED_PROTO', 'ip6_tlvopt_unknown');
  return lost(k, skb, 'UNHANDLED_PROTO', 'ip6_tlvopt_unknown');
}

const ROUTING = { TYPE2: 2, RPL: 3, SEGMENT: 4 } as const;

/** ipv6_rthdr_rcv(): the offset behind it, null = dropped. Of source routes only those that are used up are taken. */
export function routingHeader(k: Kernel, f: Flight, at: number): number | null {
  const { skb } = f;
  const refused = (counter: string | null): null => {
    if (counter !== null) k.count(counter);
    lost(k, skb, 'NOT_SPECIFIED', 'ipv6_rthdr_rcv');
    return null;
  };
  const length = headerLength(skb.data, at);
  if (length === null) return refused('Ip6InHdrErrors');
  if (isMulticast6(skb.daddr as Ip6) || skb.pktType !== 'host') return refused('Ip6InAddrErrors');
  const type = skb.data[at + 2];
  if (type === ROUTING.SEGMENT || type === ROUTING.RPL) {
    const key = type === ROUTING.SEGMENT ? 'seg6_enabled' : 'rpl_seg_enabled';
    if (Math.min(k.conf('ipv6', 'all', key), k.conf('ipv6', skb.dev!.name, key)) !== 0) return unsupported(k, f, 'a segment routing header');
    return refused(null);
  }
  if (type === ROUTING.TYPE2) return unsupported(k, f, 'a type 2 routing header (Mobile IPv6)');
  if (skb.data[at + 3] === 0) return at + length;
  k.count('Ip6InHdrErrors');
  paramProblem(k, skb, HDR_FIELD, at + 2, 'NOT_SPECIFIED', 'ipv6_rthdr_rcv');
  return null;
}

/** ipv6_frag_rcv() for what says that it is all there is: the offset behind it. 'gather': a fragment. null = dropped. */
export function fragmentHeader(k: Kernel, f: Flight, at: number): number | 'gather' | null {
  const { skb } = f;
  const wrong = (code: number, pointer: number): null => {
    k.count('Ip6InHdrErrors');
    paramProblem(k, skb, code, pointer, 'NOT_SPECIFIED', 'ipv6_frag_rcv');
    return null;
  };
  const malformed = skb.u16(4) === 0 || skb.data.length < at + 8;
  // IP6SKB_FRAGMENTED: it has had one before.
  if (skb.fragMaxSize > 0) return wrong(HDR_FIELD, at);
  if (malformed || (skb.u16(at + 2) & 0xfff9) === 0) {
    k.count('Ip6ReasmReqds');
    if (malformed) return wrong(HDR_FIELD, at);
    k.count('Ip6ReasmOKs');
    skb.fragMaxSize = skb.data.length;
    return at + 8;
  }
  if ((skb.u16(at + 2) & 0xfff8) === 0 && truncatedFirst(skb)) {
    k.count('Ip6ReasmReqds');
    return wrong(HDR_INCOMP, 0);
  }
  // ip6_frag_queue(): no more than a datagram holds, and whole words of eight in all but the last.
  const end = (skb.u16(at + 2) & 0xfff8) + skb.data.length - at - 8;
  const pointer = end > 65535 ? at + 2 : (skb.u8(at + 3) & 1) !== 0 && (end & 7) !== 0 ? 4 : null;
  if (pointer === null) return 'gather';
  k.count('Ip6ReasmReqds');
  return wrong(HDR_FIELD, pointer);
}
