/** tcp_v4_send_reset() / tcp_v6_send_response(): the answer to a segment that nobody wants. */
import type { Addr } from '../../base/addr.js';
import { needStrict6 } from '../../fib/index.js';
import { buildTcp, TCP_FLAG } from '../../packet/build.js';
import { IPPROTO, type Skb } from '../../packet/skb.js';
import { reflectedLabel } from '../flow-label.js';
import type { Kernel } from '../kernel.js';
import { tcpSk } from '../kernel-socket.js';
import type { TcpSock } from './sock.js';
import { ipXmit, routeTos } from './xmit.js';

export interface Segment {
  readonly sport: number;
  readonly dport: number;
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly window: number;
  readonly options: Uint8Array;
  readonly data: Uint8Array;
}

/** The TCP header of a packet; null when it is cut off. */
export function readSegment(skb: Skb): Segment | null {
  const d = skb.data;
  const th = skb.thoff;
  if (th < 0 || d.length < th + 20) return null;
  const doff = (d[th + 12] >> 4) * 4;
  if (doff < 20 || d.length < th + doff) return null;
  return {
    sport: skb.u16(th),
    dport: skb.u16(th + 2),
    seq: skb.u32(th + 4),
    ack: skb.u32(th + 8),
    flags: d[th + 13],
    window: skb.u16(th + 14),
    options: d.subarray(th + 20, th + doff),
    data: d.subarray(th + doff),
  };
}

/** Sequence numbers that a segment takes up: its data, SYN and FIN. */
export const segmentLength = (s: Segment): number => s.data.length + (s.flags & TCP_FLAG.SYN ? 1 : 0) + (s.flags & TCP_FLAG.FIN ? 1 : 0);

type Header = Pick<Segment, 'seq' | 'ack' | 'flags' | 'window'>;

/** `sock`: the socket that refused it, null when there is none; the RST belongs to it (skb_set_owner_edemux), else in IPv4 to the kernel's own. A RST is never answered, nor is what did not come to an address of ours. */
export function sendReset(k: Kernel, skb: Skb, s: Segment, sock: TcpSock | null): void {
  if (s.flags & TCP_FLAG.RST) return;
  if (sock === null && skb.dst?.type !== 'local') return;
  const hasAck = (s.flags & TCP_FLAG.ACK) !== 0;
  const header: Header = {
    seq: hasAck ? s.ack : 0,
    ack: hasAck ? 0 : (s.seq + segmentLength(s)) >>> 0,
    flags: TCP_FLAG.RST | (hasAck ? 0 : TCP_FLAG.ACK),
    window: 0,
  };
  if (answer(k, skb, s, sock, header, reflectedLabel(k, skb, sock ? 'established' : 'reset'))) k.count('TcpOutRsts');
}

/** tcp_v4_send_ack() / tcp_v6_send_ack() for a request socket of the listener `sock`. */
export function sendAck(k: Kernel, skb: Skb, s: Segment, sock: TcpSock, seq: number, ack: number, window: number): void {
  answer(k, skb, s, sock, { seq, ack, flags: TCP_FLAG.ACK, window }, 0);
}

/** ip_send_unicast_reply(), tcp_v6_send_response(); false where IPv6 has no route and nothing is counted. */
function answer(k: Kernel, skb: Skb, s: Segment, sock: TcpSock | null, header: Header, flowLabel: number): boolean {
  const family = skb.family;
  const src = skb.daddr;
  const to = skb.saddr;
  const reflect = k.sysctl(family === 'ipv4' ? 'net/ipv4/fwmark_reflect' : 'net/ipv6/fwmark_reflect') !== 0;
  const mark = (reflect ? skb.mark : 0) || (sock?.mark ?? 0);
  const tos = skb.tos;
  const oif = sock?.boundDev ?? (isStrict6(to) ? (k.deviceByIndex(skb.cb.iif) ?? skb.dev) : null);
  const r = k.routeOutput(family, {
    dst: to,
    src,
    oif,
    bound: sock?.boundDev != null,
    mark,
    tos: routeTos(tos),
    proto: IPPROTO.TCP,
    sport: s.dport,
    dport: s.sport,
    uid: sock?.uid ?? 0,
    // IP_REPLY_ARG_NOSRCCHECK
    anySource: sock?.transparent ?? false,
  });
  if (r.dst === null) {
    if (family === 'ipv6') {
      noRoute6(k, skb, r.errno);
      return false;
    }
    // It gives up silently; its caller counts all the same.
    k.count('TcpOutSegs');
    return true;
  }
  const errno = ipXmit(k, {
    src,
    to,
    proto: IPPROTO.TCP,
    payload: buildTcp({ sport: s.dport, dport: s.sport, ...header }, src, to),
    dst: r.dst,
    tos: tos & ~3,
    mark,
    sk: sock?.sk ?? (family === 'ipv4' ? tcpSk : null),
    origin: { kind: 'reply', of: skb.id },
    mayFragment: false,
    alwaysDf: true,
    unconnected: true,
    flowLabel,
  });
  if (errno !== 0 && family === 'ipv4') k.count('IpOutDiscards');
  k.count('TcpOutSegs');
  return true;
}

const ENETUNREACH = 101;

/** In IPv6 the segment is made before its route is looked up, so that it dies visibly. */
function noRoute6(k: Kernel, skb: Skb, errno: number): void {
  if (errno === ENETUNREACH) k.count('Ip6OutNoRoutes');
  k.drop(k.newSkb(new Uint8Array(60), skb.protocol, { kind: 'reply', of: skb.id }), 'NOT_SPECIFIED', 'tcp_v6_send_response', 'no-route', {
    dst: k.showAddr(skb.saddr),
  });
}

/** rt6_need_strict(): addresses that mean something on one link only. */
export const isStrict6 = (a: Addr): boolean => typeof a === 'string' && needStrict6(a);
