/** Segments of a connection on their way out: tcp_transmit_skb(), tcp_send_ack(). */
import { buildTcp, TCP_FLAG } from '../../packet/build.js';
import { IPPROTO, type Origin, type Skb } from '../../packet/skb.js';
import type { Kernel } from '../kernel.js';
import type { TcpSock } from './sock.js';
import { FULL_SPACE, MAX_WINDOW, seqAfter } from './tcp-options.js';
import { type Segment, segmentLength } from './tcp-reset.js';
import { ipXmit } from './xmit.js';

const { ACK, FIN, PSH } = TCP_FLAG;

/** tcp_select_window(): what was offered is not taken back, and grows again only by whole segments. */
function selectWindow(s: TcpSock): number {
  let window = Math.max(0, (s.rcvEdge - s.rcvNxt) | 0);
  if (s.unread === 0 && window <= FULL_SPACE - s.mss) window = s.mss * Math.floor(FULL_SPACE / s.mss);
  s.rcvEdge = (s.rcvNxt + window) >>> 0;
  return Math.min(MAX_WINDOW, Math.ceil(window / 2 ** s.wscale));
}

/** tcp_send_ack(); `cause` is the segment that asked for it. */
export function sendAck(k: Kernel, s: TcpSock, cause: Skb): void {
  transmit(k, s, { seq: s.sndNxt, flags: ACK }, { kind: 'reply', of: cause.id });
}

/**
 * tcp_write_xmit(): what was written and not sent yet, in one go (a device cuts it into segments), as far as Nagle lets it: while a segment smaller than the
 * MSS is not acknowledged no other such goes out (tcp_nagle_test(), tcp_minshall_check()). A FIN waits for nothing and goes with the last bytes. True where
 * anything was sent.
 */
export function push(k: Kernel, s: TcpSock, origin: Origin, fin = false): boolean {
  const small = s.unsent.length % s.mss;
  const waits = small > 0 && !fin && s.sndSml !== null && seqAfter(s.sndSml, s.sndUna);
  const payload = s.unsent.subarray(0, s.unsent.length - (waits ? small : 0));
  if (payload.length === 0 && !fin) return false;
  s.unsent = s.unsent.subarray(payload.length);
  const seq = s.sndNxt;
  s.sndNxt = (seq + payload.length + (fin ? 1 : 0)) >>> 0;
  if (payload.length % s.mss > 0) s.sndSml = s.sndNxt;
  transmit(k, s, { seq, flags: ACK | (payload.length > 0 ? PSH : 0) | (fin ? FIN : 0), payload }, origin);
  return true;
}

/** One segment of the connection: numbers and window that are not given are the connection's own; nothing without a route. */
export function transmit(
  k: Kernel,
  s: TcpSock,
  t: {
    readonly seq: number;
    readonly flags: number;
    readonly ack?: number;
    readonly window?: number;
    readonly options?: Uint8Array;
    readonly payload?: Uint8Array;
  },
  origin: Origin,
): void {
  if (s.dst === null) return;
  const window = t.window ?? selectWindow(s);
  const payload = buildTcp(
    {
      sport: s.port,
      dport: s.rport,
      seq: t.seq,
      ack: t.ack ?? s.rcvNxt,
      flags: t.flags,
      window,
      ...(t.options ? { options: t.options } : {}),
      ...(t.payload ? { payload: t.payload } : {}),
    },
    s.laddr,
    s.raddr,
  );
  k.count('TcpOutSegs');
  ipXmit(k, {
    src: s.laddr,
    to: s.raddr,
    proto: IPPROTO.TCP,
    payload,
    dst: s.dst,
    tos: s.tos & ~3,
    ttl: s.ttl ?? null,
    mark: s.mark,
    sk: s.sk,
    origin,
    mayFragment: false,
    flowLabel: s.flowLabel,
  });
}

/** What remembers when something that did not fit was last answered (last_oow_ack_time). */
interface Answered {
  lastOow: number | null;
}

/** __tcp_oow_rate_limited(): such an answer is due once in tcp_invalid_ratelimit ms. */
function oowLimited(k: Kernel, of: Answered, counter: string): boolean {
  if (of.lastOow !== null && k.now() - of.lastOow < k.sysctl('net/ipv4/tcp_invalid_ratelimit')) {
    k.count(counter);
    return true;
  }
  of.lastOow = k.now();
  return false;
}

/** tcp_oow_rate_limited(): data without a SYN is no part of a loop of ACKs. */
export const misfitLimited = (k: Kernel, of: Answered, seg: Segment, counter: string): boolean =>
  (segmentLength(seg) === 0 || (seg.flags & TCP_FLAG.SYN) !== 0) && oowLimited(k, of, counter);

/** tcp_send_challenge_ack() */
export function challenge(k: Kernel, s: TcpSock, skb: Skb): void {
  if (!oowLimited(k, s, 'TcpExtTCPACKSkippedChallenge')) sendAck(k, s, skb);
}
