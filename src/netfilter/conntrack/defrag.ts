/** Reassembly: ip_fragment.c, nf_defrag_ipv4.c and nf_conntrack_reasm.c. Conntrack's users and local delivery keep separate queues. */

import { foldChecksum, sum16 } from '../../packet/checksum.js';
import { ETH_P_IPV6, IPPROTO, type Skb } from '../../packet/skb.js';
import { CTINFO } from '../../packet/types.js';
import { dirOf, zoneId } from './conn.js';
import type { ConntrackHost } from './host.js';

/** 'STOLEN': held, merged or freed (told and counted here). 'DROP': nf_hook_slow drops it (IPv6 only). */
export type DefragResult = { readonly skb: Skb } | 'STOLEN' | 'DROP';
/** enum ip_defrag_users: fragments of different users never meet. */
export type DefragUser = 'conntrack-in' | 'conntrack-out' | 'conntrack-bridge-in' | 'local-deliver';

interface Piece {
  readonly skb: Skb;
  /** Byte range of the datagram's payload. */
  readonly from: number;
  readonly to: number;
  /** Offset of the payload in skb.data. */
  readonly at: number;
  /** Length of the IP packet it came in. */
  readonly length: number;
  readonly df: boolean;
}
interface Queue {
  readonly pieces: Piece[];
  /** Payload length as known so far; exact once the last fragment was seen. */
  end: number;
  lastSeen: boolean;
  /** ECN code points seen, one bit each. */
  ecn: number;
  expires: number;
}
interface Incoming extends Piece {
  readonly more: boolean;
  readonly ecn: number;
}

const TIMEOUT = 30_000;
const MAX_PIECES = 8192;
/** ip_frag_ecn_table: ECN code points seen (bit 0 Not-ECT, 1 ECT(1), 2 ECT(0), 3 CE) -> bits to set; Not-ECT mixed with others is a fault. */
function mergedEcn(seen: number): number | null {
  if (seen & 1 && seen !== 1) return null;
  return seen & 8 ? 3 : 0;
}

export class Defrag {
  readonly #queues = new Map<string, Queue>();
  constructor(readonly host: ConntrackHost) {}

  /** ipv4_conntrack_defrag(), ipv6_defrag(). */
  atHook(skb: Skb, hook: 'PREROUTING' | 'OUTPUT'): DefragResult {
    if (!skb.ct && skb.ctinfo === CTINFO.UNTRACKED) return { skb };
    const v6 = skb.protocol === ETH_P_IPV6;
    if (v6 && skb.ct && !skb.ct.template) return { skb };
    if (!skb.isFragment) return { skb };
    const zone = skb.ct ? zoneId(skb.ct.zone, dirOf(skb.ctinfo)) : 0;
    const user: DefragUser = skb.nfBridge?.inPrerouting ? 'conntrack-bridge-in' : hook === 'PREROUTING' ? 'conntrack-in' : 'conntrack-out';
    return this.gather(skb, user, zone);
  }

  /** ip_defrag() / nf_ct_frag6_gather() for any user; 'local-deliver' is ip_local_deliver()'s. Not for packets that are no fragments. */
  gather(skb: Skb, user: DefragUser, zone = 0): DefragResult {
    const v6 = skb.protocol === ETH_P_IPV6;
    if (!v6) this.host.count('IpReasmReqds');
    else if (user === 'local-deliver') this.host.count('Ip6ReasmReqds');
    const piece = v6 ? this.#read6(skb) : this.#read4(skb);
    if (piece === 'not-gathered') return { skb };
    const key = this.#key(skb, user, zone);
    const q = this.#queue(key);
    const refused = this.#insert(q, piece, v6);
    if (refused) return this.#refuse(refused, key, q, skb, user, v6);
    if (!q.lastSeen || !complete(q)) {
      this.host.tell(skb, { t: 'consume', why: 'held', into: null });
      return 'STOLEN';
    }
    this.#queues.delete(key);
    return this.#reassemble(q, skb, user, v6);
  }

  #key(skb: Skb, user: DefragUser, zone: number): string {
    const id = skb.protocol === ETH_P_IPV6 ? skb.u32(fragmentHeader(skb) + 4) : skb.ipId * 256 + skb.data[9];
    // Link-local and multicast destinations mean another host on every link.
    const scoped = skb.protocol === ETH_P_IPV6 && (skb.data[24] === 0xff || (skb.data[24] === 0xfe && (skb.data[25] & 0xc0) === 0x80));
    return `${user} ${zone} ${skb.protocol} ${id} ${scoped ? (skb.dev?.ifindex ?? 0) : 0} ${skb.saddr} ${skb.daddr}`;
  }

  #queue(key: string): Queue {
    const known = this.#queues.get(key);
    if (known && known.expires > this.host.now()) return known;
    const q: Queue = { pieces: [], end: 0, lastSeen: false, ecn: 0, expires: this.host.now() + TIMEOUT };
    this.#queues.set(key, q);
    return q;
  }

  #read4(skb: Skb): Incoming {
    const header = skb.nhlen;
    const from = skb.fragOffset;
    const length = Math.min(skb.totLen, skb.data.length);
    const more = skb.mf;
    const bytes = length - header;
    // A middle piece that is no multiple of eight loses its tail.
    const to = from + (more ? bytes - ((from + bytes) & 7) : bytes);
    return { skb, from, to, at: header, length, df: skb.df, more, ecn: 1 << (skb.tos & 3) };
  }

  /** find_prev_fhdr(), ipv6frag_thdr_truncated(): a first fragment that does not hold all headers is left alone. */
  #read6(skb: Skb): Incoming | 'not-gathered' {
    const at = fragmentHeader(skb);
    if (at < 0 || skb.u16(4) === 0) return 'not-gathered';
    const from = skb.fragOffset;
    const length = Math.min(skb.totLen, skb.data.length);
    if (from === 0 && truncatedFirst(skb, length)) return 'not-gathered';
    return { skb, from, to: from + length - at - 8, at: at + 8, length, df: false, more: skb.mf, ecn: 1 << (skb.tos & 3) };
  }

  /** ip_frag_queue() / nf_ct_frag6_queue(): null = taken. */
  #insert(q: Queue, p: Incoming, v6: boolean): Refusal | null {
    if (p.to > 65535 && v6) return 'bad';
    if (!p.more) {
      if (p.to < q.end || (q.lastSeen && p.to !== q.end)) return 'corrupt';
      q.lastSeen = true;
      q.end = p.to;
    } else {
      if (v6 && p.to & 7) return 'unaligned';
      if (p.to > q.end) {
        if (q.lastSeen) return 'corrupt';
        q.end = p.to;
      }
    }
    if (p.to === p.from || q.pieces.length >= MAX_PIECES) return 'corrupt';
    let i = q.pieces.length;
    while (i > 0 && q.pieces[i - 1].from >= p.from) i--;
    const before = q.pieces[i - 1];
    const next = q.pieces[i];
    if (next && next.from === p.from && next.to === p.to) return 'duplicate';
    // A run already there that covers it is a duplicate too (inet_frag_queue_insert).
    if ((before && before.to > p.from) || (next && next.from < p.to)) return covered(q, p) ? 'duplicate' : 'overlap';
    q.pieces.splice(i, 0, p);
    q.ecn |= p.ecn;
    return null;
  }

  #refuse(why: Refusal, key: string, q: Queue, skb: Skb, user: DefragUser, v6: boolean): DefragResult {
    const kills = why === 'overlap' || why === 'unaligned' || (why === 'corrupt' && !v6);
    if (kills) this.#queues.delete(key);
    if (why === 'unaligned') return { skb };
    if (!v6 || user === 'local-deliver') {
      const mib = v6 ? 'Ip6' : 'Ip';
      if (why === 'overlap') this.host.count('IpExtReasmOverlaps');
      if (kills) this.host.count(`${mib}ReasmFails`);
      this.host.drop(skb, why === 'duplicate' ? 'DUP_FRAG' : 'NOT_SPECIFIED', v6 ? 'ip6_frag_queue' : 'ip_frag_queue', 'frag-incomplete');
    } else if (why === 'duplicate') this.host.drop(skb, 'DUP_FRAG', 'nf_ct_frag6_gather', 'frag-incomplete');
    else return 'DROP';
    for (const p of kills ? q.pieces : []) this.host.tell(p.skb, { t: 'consume', why: 'handled', into: null });
    return 'STOLEN';
  }

  /** ip_frag_reasm(), nf_ct_frag6_reasm(): the first fragment's header and metadata, the device of the one that came last. */
  #reassemble(q: Queue, last: Skb, user: DefragUser, v6: boolean): DefragResult {
    const first = q.pieces[0];
    const ecn = mergedEcn(q.ecn);
    const headerLength = v6 ? first.at - 8 : first.at;
    if (ecn === null || headerLength + q.end > 65535 + (v6 ? 40 : 0)) {
      if (!v6) this.host.count('IpReasmFails');
      for (const p of q.pieces) if (p.skb !== last) this.host.tell(p.skb, { t: 'consume', why: 'handled', into: null });
      if (!v6) this.host.drop(last, 'NOT_SPECIFIED', 'ip_frag_reasm', 'frag-incomplete');
      else this.host.tell(last, { t: 'consume', why: 'handled', into: null });
      return 'STOLEN';
    }
    const data = new Uint8Array(headerLength + q.end);
    data.set(first.skb.data.subarray(0, headerLength));
    for (const p of q.pieces) data.set(p.skb.data.subarray(p.at, p.at + p.to - p.from), headerLength + p.from);
    const skb = this.host.newSkb(data, last.protocol, { kind: 'reassembled', of: first.skb.id }, last.dev);
    inherit(skb, first.skb, last);
    const df = v6 ? finish6(skb, first, ecn) : finish4(skb, q.pieces, ecn);
    skb.fragGeometry = q.pieces.map((p) => p.at + p.to - p.from);
    if (q.pieces.some((p) => p.skb.vlan !== null)) skb.fragVlans = q.pieces.map((p) => p.skb.vlan);
    skb.fragMaxSize = Math.max(...q.pieces.map((p) => p.length));
    if (v6) skb.fragAt = headerLength;
    skb.fragDf = df;
    skb.ignoreDf = user !== 'local-deliver';
    skb.csum = 'unchecked';
    if (!v6) this.host.count('IpReasmOKs');
    else if (user === 'local-deliver') this.host.count('Ip6ReasmOKs');
    for (const p of q.pieces) this.host.tell(p.skb, { t: 'consume', why: 'merged', into: skb.id });
    return { skb };
  }
}

type Refusal = 'corrupt' | 'duplicate' | 'overlap' | 'bad' | 'unaligned';

/** Are all bytes of `p` there already, in one unbroken run? */
function covered(q: Queue, p: Piece): boolean {
  let start = -1;
  let end = -1;
  for (const x of q.pieces) {
    if (x.from !== end) start = x.from;
    end = x.to;
    if (start <= p.from && end >= p.to) return true;
  }
  return false;
}

function complete(q: Queue): boolean {
  let at = 0;
  for (const p of q.pieces) {
    if (p.from !== at) return false;
    at = p.to;
  }
  return at === q.end;
}

/** Offset of the fragment header, -1 without one. */
function fragmentHeader(skb: Skb): number {
  const d = skb.data;
  let next = d[6];
  for (let at = 40; at + 8 <= d.length; ) {
    if (next === 44) return at;
    if (next !== 0 && next !== 43 && next !== 60 && next !== 51) return -1;
    const length = next === 51 ? (d[at + 1] + 2) * 4 : (d[at + 1] + 1) * 8;
    next = d[at];
    at += length;
  }
  return -1;
}

/** RFC 8200, 4.5: the first fragment must hold all headers up to the transport's. */
export function truncatedFirst(skb: Skb, length = skb.data.length): boolean {
  const th = skb.thoff;
  if (th < 0) return false;
  const proto = skb.l4proto;
  const need = proto === IPPROTO.TCP ? 20 : proto === IPPROTO.UDP ? 8 : proto === IPPROTO.ICMPV6 ? 8 : 1;
  return th + need > length;
}

function inherit(skb: Skb, first: Skb, last: Skb): void {
  skb.eth = first.eth ? { ...first.eth } : null;
  skb.vlan = first.vlan;
  skb.pktType = first.pktType;
  skb.dev = last.dev;
  skb.iif = last.iif;
  skb.mark = first.mark;
  skb.priority = first.priority;
  skb.secmark = first.secmark;
  skb.ct = first.ct;
  skb.ctinfo = first.ctinfo;
  skb.nfTrace = first.nfTrace;
  skb.traceId = last.traceId || last.id;
  skb.nfBridge = first.nfBridge;
  skb.secpath = first.secpath;
  skb.dst = last.dst;
  skb.cb.flags = last.cb.flags;
  skb.cb.iif = last.cb.iif;
}

/** Length, flags and checksum of the datagram's header. True: DF is set, since the largest fragment had it. */
function finish4(skb: Skb, pieces: readonly Piece[], ecn: number): boolean {
  const largest = Math.max(...pieces.map((p) => p.length));
  const largestDf = Math.max(0, ...pieces.filter((p) => p.df).map((p) => p.length));
  const df = largestDf === largest;
  skb.setU16(2, skb.data.length);
  skb.setU8(1, skb.data[1] | ecn);
  skb.setU16(6, df ? 0x4000 : 0);
  skb.setU16(10, 0);
  skb.setU16(10, foldChecksum(sum16(skb.data, 0, skb.nhlen)));
  return df;
}

/** Takes the fragment header out of the chain. */
function finish6(skb: Skb, first: Piece, ecn: number): boolean {
  const d = skb.data;
  const at = first.at - 8;
  let prev = 6;
  let next = d[6];
  for (let o = 40; o < at && next !== 44; ) {
    const length = next === 51 ? (d[o + 1] + 2) * 4 : (d[o + 1] + 1) * 8;
    prev = o;
    next = d[o];
    o += length;
  }
  d[prev] = first.skb.data[at];
  skb.setU16(4, d.length - 40);
  d[1] |= ecn << 4;
  skb.setData(d);
  return false;
}
