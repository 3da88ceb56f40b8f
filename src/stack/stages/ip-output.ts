/** Output of IPv4: ip_local_out(), ip_output(), ip_mc_output(), ip_finish_output(), fragmentation, neighbour output (net/ipv4/ip_output.c). */
import { foldChecksum, sum16 } from '../../packet/checksum.js';
import { IPSKB_FORWARDED, IPSKB_REROUTED, type Skb } from '../../packet/skb.js';
import { RTCF_BROADCAST, RTCF_LOCAL, RTCF_MULTICAST } from '../../packet/types.js';
import { type Flight, flight } from '../flight.js';
import type { Kernel } from '../kernel.js';
import { icmpSend } from './icmp-send.js';

/** __ip_local_out(): length and checksum are final, then the OUTPUT hook. */
export function ipLocalOut(k: Kernel, f: Flight): 'dst_output' | 'gone' {
  const { skb } = f;
  k.count('IpOutRequests');
  skb.setU16(2, skb.data.length);
  skb.setU16(10, 0);
  skb.setU16(10, foldChecksum(sum16(skb.data, 0, skb.nhlen)));
  return k.hook(f, 'ipv4', 'OUTPUT', null, skb.dst!.dev) === 'accept' ? 'dst_output' : 'gone';
}

/** dst->output: what the route says is to become of it. */
export function dstOutput(k: Kernel, f: Flight): 'ip_output' | 'ip_mc_output' | 'ip6_output' | 'xfrm_output' | 'gone' {
  const { skb } = f;
  const dst = skb.dst!;
  if (dst.xfrm !== null) return 'xfrm_output';
  if (dst.output === 'error' || dst.output === 'discard') {
    f.errno = dst.error || 22;
    k.drop(skb, 'NOT_SPECIFIED', 'dst_discard_out', dst.type === 'blackhole' ? 'route-blackhole' : 'no-route', { dst: k.showAddr(skb.daddr) });
    return 'gone';
  }
  if (dst.family === 'ipv6') return 'ip6_output';
  if (dst.flags & (RTCF_BROADCAST | RTCF_MULTICAST) && dst.flags & RTCF_LOCAL && !dst.dev.loopback) return 'ip_mc_output';
  return 'ip_output';
}

export function ipOutput(k: Kernel, f: Flight): 'ip_finish_output' | 'gone' {
  const { skb } = f;
  const indev = skb.dev;
  skb.dev = skb.dst!.dev;
  if (skb.cb.flags & IPSKB_REROUTED) return 'ip_finish_output';
  return k.hook(f, 'ipv4', 'POSTROUTING', indev, skb.dst!.dev) === 'accept' ? 'ip_finish_output' : 'gone';
}

/** Multicast and broadcast: a copy for ourselves first, then the wire. */
export function ipMcOutput(k: Kernel, f: Flight): 'ip_finish_output' | 'gone' {
  const { skb } = f;
  const dst = skb.dst!;
  skb.dev = dst.dev;
  const loop = (dst.flags & RTCF_MULTICAST && (dst.flags & RTCF_LOCAL || !(skb.cb.flags & IPSKB_FORWARDED))) || (dst.flags & RTCF_BROADCAST) !== 0;
  if (loop) {
    const copy = flight(k.cloneSkb(skb));
    if (k.hook(copy, 'ipv4', 'POSTROUTING', null, dst.dev) === 'accept') devLoopbackXmit(k, copy.skb, dst.dev);
  }
  if (dst.flags & RTCF_MULTICAST && skb.ttl === 0) {
    k.drop(skb, 'NOT_SPECIFIED', 'ip_mc_output', 'ttl-expired', { ttl: 0 });
    return 'gone';
  }
  if (skb.cb.flags & IPSKB_REROUTED) return 'ip_finish_output';
  return k.hook(f, 'ipv4', 'POSTROUTING', null, dst.dev) === 'accept' ? 'ip_finish_output' : 'gone';
}

/** dev_loopback_xmit(): the copy comes in again on the very device. */
function devLoopbackXmit(k: Kernel, skb: Skb, dev: NonNullable<Skb['dev']>): void {
  skb.pktType = 'loopback';
  skb.dst = skb.dst ? { ...skb.dst, input: 'local' } : null;
  k.netifRx(skb, dev);
}

/** Fragments what is too long; a reassembled datagram is split as it came. A new policy after SNAT sends it round once more. */
export function ipFinishOutput(k: Kernel, f: Flight): 'ip_finish_output2' | 'dst_output' | 'gone' {
  const { skb } = f;
  const dst = skb.dst!;
  if (dst.xfrm !== null) {
    skb.cb.flags |= IPSKB_REROUTED;
    return 'dst_output';
  }
  const mtu = outputMtu(k, skb);
  if (skb.data.length <= mtu && skb.fragMaxSize === 0) return 'ip_finish_output2';
  if (skb.df && (!skb.ignoreDf || (skb.fragMaxSize > 0 && skb.fragMaxSize > mtu))) {
    k.count('IpFragFails');
    icmpSend(k, skb, 3, 4, mtu);
    f.errno = 90;
    k.drop(skb, 'NOT_SPECIFIED', 'ip_fragment', 'too-big', { mtu, len: skb.data.length, dev: dst.dev.name });
    return 'gone';
  }
  ipDoFragment(k, f, mtu, 'ip_finish_output2');
  return 'gone';
}

/** ip_skb_dst_mtu(): forwarded packets by the device, own ones by the path. */
function outputMtu(k: Kernel, skb: Skb): number {
  const dst = skb.dst!;
  if (skb.cb.flags & IPSKB_FORWARDED) return dst.mtuLock || k.forwardUsesPmtu ? dst.mtu : k.routeMtu(dst);
  return dst.mtu;
}

/** ip_do_fragment(), each piece going on at the box `output`: keeps the geometry of reassembled fragments where every piece fits, cuts anew otherwise. */
export function ipDoFragment(k: Kernel, f: Flight, mtuIn: number, output: 'ip_finish_output2' | 'br_dev_queue_push_xmit'): void {
  const { skb } = f;
  const hlen = skb.nhlen;
  let mtu = mtuIn;
  if (skb.fragMaxSize > 0 && skb.fragMaxSize < mtu) mtu = skb.fragMaxSize;
  const payload = skb.data.length - hlen;
  const geometry = piecesAsTheyCame(skb, payload, hlen, mtu - hlen);
  const sizes = geometry ?? piecesAnew(payload, mtu - hlen);
  // Only pieces cut anew remember that a fragment had DF set (IPSKB_FRAG_PMTU); those that leave as they came do not.
  const df = skb.fragDf && skb.fragGeometry?.length !== sizes.length ? 0x4000 : 0;
  const wasFragment = skb.isFragment;
  const base = skb.fragOffset;
  const tailMf = wasFragment && skb.mf;
  let at = 0;
  for (let i = 0; i < sizes.length; i++) {
    const last = i === sizes.length - 1;
    const head = i === 0 ? skb.data.slice(0, hlen) : fragmentHeader(skb.data, hlen);
    const data = new Uint8Array(head.length + sizes[i]);
    data.set(head);
    data.set(skb.data.subarray(hlen + at, hlen + at + sizes[i]), head.length);
    const piece = k.newSkb(data, skb.protocol, { kind: 'fragment', of: skb.id }, skb.dev);
    copyMeta(skb, piece);
    piece.vlan = (output === 'br_dev_queue_push_xmit' ? skb.vlan : null) ?? tagAsItCame(skb, i, geometry !== null);
    piece.setU16(2, data.length);
    piece.setU16(6, ((base + at) >> 3) | (!last || tailMf ? 0x2000 : 0) | df);
    piece.setU16(10, 0);
    piece.setU16(10, foldChecksum(sum16(data, 0, head.length)));
    at += sizes[i];
    const sent = flight(piece);
    f.errno = k.traverse(output, sent);
    if (f.errno !== 0 || sent.notQueued) {
      fragmentsLeft(k, skb, 'ip_do_fragment', sizes === geometry || cameInPieces(skb) ? sizes.length - 1 - i : 1);
      k.count('IpFragFails');
      return;
    }
    k.count('IpFragCreates');
  }
  k.count('IpFragOKs');
  k.tell(skb, { t: 'consume', why: 'fragmented', into: null });
}

/** The VLAN tag of a piece that leaves as it came (a bridge puts that of the first one on all of them, br_nf_push_frag_xmit()); who takes the tag off a packet does so from the first only. */
export const tagAsItCame = (skb: Skb, i: number, asItCame: boolean): number | null => (asItCame && i > 0 ? (skb.fragVlans?.[i] ?? null) : null);

/** A socket's own: ip_append_data() and ip6_append_data() have made it of pieces as long as the MTU allowed. */
export const cameInPieces = (skb: Skb): boolean => skb.sk !== null && skb.ignoreDf;

/** A piece was not sent: those that hang on the datagram (or, where they are cut from it, the datagram) go with it. */
export function fragmentsLeft(k: Kernel, skb: Skb, at: 'ip_do_fragment' | 'ip6_fragment', count: number): void {
  for (let n = 0; n < count; n++) k.drop(n === 0 ? skb : k.cloneSkb(skb, 'clone'), 'NOT_SPECIFIED', at, 'frag-incomplete', {});
  if (count === 0) k.tell(skb, { t: 'consume', why: 'fragmented', into: null });
}

function piecesAsTheyCame(skb: Skb, payload: number, hlen: number, room: number): number[] | null {
  const g = skb.fragGeometry?.map((n) => n - hlen);
  return g && g.reduce((s, n) => s + n, 0) === payload && g.every((n, i) => n <= room && (i === g.length - 1 || n % 8 === 0)) ? g : null;
}

function piecesAnew(payload: number, room: number): number[] {
  const step = room & ~7;
  const out: number[] = [];
  for (let left = payload; left > 0; ) {
    const n = left > room ? step : left;
    out.push(n);
    left -= n;
  }
  return out;
}

/** ip_options_fragment(): options without the copy bit stay in the first fragment only (they become NOPs). */
function fragmentHeader(data: Uint8Array, hlen: number): Uint8Array {
  const head = data.slice(0, hlen);
  for (let i = 20; i < hlen; ) {
    const type = head[i];
    if (type === 0) break;
    if (type === 1) {
      i++;
      continue;
    }
    const len = Math.max(2, head[i + 1]);
    if ((type & 0x80) === 0) head.fill(1, i, Math.min(hlen, i + len));
    i += len;
  }
  return head;
}

/** What ip_copy_metadata() hands on to a fragment. */
export function copyMeta(from: Skb, to: Skb): void {
  to.pktType = from.pktType;
  to.priority = from.priority;
  to.dst = from.dst;
  to.dev = from.dev;
  to.mark = from.mark;
  to.cb.flags = from.cb.flags;
  to.cb.iif = from.cb.iif;
  to.iif = from.iif;
  to.tclassid = from.tclassid;
  to.ct = from.ct;
  to.ctinfo = from.ctinfo;
  to.nfTrace = from.nfTrace;
  to.sk = from.sk;
  to.eth = from.eth ? { ...from.eth } : null;
  to.nfBridge = from.nfBridge;
  to.secpath = from.secpath;
}

/** ip_finish_output2(): MIB, neighbour, link header. */
export function ipFinishOutput2(k: Kernel, f: Flight): 'neigh_output' {
  const dst = f.skb.dst!;
  if (dst.type === 'multicast') k.count('IpExtOutMcastPkts');
  else if (dst.type === 'broadcast') k.count('IpExtOutBcastPkts');
  k.count('IpOutTransmits');
  return 'neigh_output';
}
