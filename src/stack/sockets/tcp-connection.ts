/** Segments that arrive at a connection (net/ipv4/tcp_input.c). */
import { TCP_FLAG } from '../../packet/build.js';
import type { Skb } from '../../packet/skb.js';
import type { TcpSock } from './sock.js';
import type { Tcp } from './tcp.js';
import { offersScaling, seqAfter, WSCALE } from './tcp-options.js';
import { type Segment, segmentLength, sendReset } from './tcp-reset.js';
import { challenge, misfitLimited, push, sendAck } from './tcp-send.js';

const { FIN, SYN, RST, ACK } = TCP_FLAG;
/** Errors that a connect() or a later call reports. */
const EPIPE = 32;
const ECONNREFUSED = 111;
const ECONNRESET = 104;

/** tcp_rcv_established(), tcp_rcv_state_process(): a segment for a connection that is or is being opened. */
export function established(t: Tcp, s: TcpSock, skb: Skb, seg: Segment): void {
  if (s.state === 'SYN_SENT') {
    synSent(t, s, skb, seg);
    return;
  }
  const { k } = t;
  const refuse = (reason: string): void => k.drop(skb, reason, 'tcp_validate_incoming', 'tcp-refused', { socket: s.id });
  const end = (seg.seq + segmentLength(seg)) >>> 0;
  const old = seqAfter(s.rcvNxt, end);
  const misfit = old || seqAfter(seg.seq, s.rcvEdge);
  if (misfit && (seg.flags & (SYN | RST)) !== SYN) {
    if (!(seg.flags & RST) && !misfitLimited(k, s, seg, 'TcpExtTCPACKSkippedSeq')) sendAck(k, s, skb);
    refuse(old ? 'TCP_OLD_SEQUENCE' : 'TCP_INVALID_SEQUENCE');
    return;
  }
  if (seg.flags & RST) {
    if (seg.seq !== s.rcvNxt) {
      challenge(k, s, skb);
      refuse('TCP_RESET');
      return;
    }
    if (s.state === 'ESTABLISHED' || s.state === 'CLOSE_WAIT') k.count('TcpEstabResets');
    failed(t, s, s.state === 'CLOSE_WAIT' ? EPIPE : ECONNRESET);
    k.tell(skb, { t: 'consume', why: 'handled', into: null });
    return;
  }
  if (seg.flags & SYN) {
    if (s.state === 'ESTABLISHED') k.count('TcpInErrs');
    challenge(k, s, skb);
    refuse('TCP_INVALID_SYN');
    return;
  }
  if (!(seg.flags & ACK)) {
    refuse('TCP_FLAGS');
    return;
  }
  segment(t, s, skb, seg);
}

/** An acceptable segment: its acknowledgement, its data, its FIN. */
export function segment(t: Tcp, s: TcpSock, skb: Skb, seg: Segment): void {
  const { k } = t;
  if (seqAfter(seg.ack, s.sndUna) && !seqAfter(seg.ack, s.sndNxt)) s.sndUna = seg.ack;
  if (s.state === 'LAST_ACK' && s.sndUna === s.sndNxt) s.state = 'CLOSE';
  if ((s.state === 'CLOSE_WAIT' || s.state === 'LAST_ACK') && !seqAfter(s.rcvNxt, seg.seq)) {
    // Behind the end of the stream nothing is queued.
    k.drop(skb, 'NOT_SPECIFIED', 'tcp_rcv_state_process', 'tcp-refused', { socket: s.id });
    return;
  }
  const length = seg.data.length;
  const fin = (seg.flags & FIN) !== 0;
  const origin = { kind: 'reply', of: skb.id } as const;
  if (length === 0 && !fin) {
    k.tell(skb, { t: 'consume', why: 'handled', into: null });
    push(k, s, origin);
    return;
  }
  const skip = (s.rcvNxt - seg.seq) | 0;
  if (skip < 0) {
    k.tell(skb, { t: 'inconclusive', what: 'TCP segment out of order', rule: null });
    return;
  }
  if (skip > 0 && skip >= length + (fin ? 1 : 0)) {
    sendAck(t.k, s, skb);
    k.drop(skb, 'TCP_OLD_DATA', 'tcp_data_queue', 'tcp-refused', { socket: s.id });
    return;
  }
  const data = seg.data.subarray(Math.min(skip, length));
  s.rcvNxt = (s.rcvNxt + data.length + (fin ? 1 : 0)) >>> 0;
  if (data.length > 0) {
    s.unread += data.length;
    t.host.received(s, data, skb);
  }
  if (fin) {
    s.state = s.state === 'FIN_WAIT' ? 'TIME_WAIT' : 'CLOSE_WAIT';
    t.host.ended(s);
  }
  k.tell(skb, { t: 'deliver', socket: s.id, what: fin && data.length === 0 ? 'eof' : 'data', view: t.host.view(skb) });
  // What waited for the acknowledgement carries ours (tcp_data_snd_check()).
  if (!push(k, s, origin)) sendAck(k, s, skb);
}

/** tcp_rcv_synsent_state_process(). */
function synSent(t: Tcp, s: TcpSock, skb: Skb, seg: Segment): void {
  const { k } = t;
  const handled = (): void => k.tell(skb, { t: 'consume', why: 'handled', into: null });
  if (seg.flags & ACK && (!seqAfter(seg.ack, s.sndUna) || seqAfter(seg.ack, s.sndNxt))) {
    sendReset(k, skb, seg, s);
    k.drop(skb, 'TCP_INVALID_ACK_SEQUENCE', 'tcp_rcv_state_process', 'tcp-refused', { socket: s.id });
    return;
  }
  if (seg.flags & RST) {
    if (!(seg.flags & ACK)) {
      k.drop(skb, 'TCP_RESET', 'tcp_rcv_state_process', 'tcp-refused', { socket: s.id });
      return;
    }
    failed(t, s, ECONNREFUSED);
    handled();
    return;
  }
  if (!(seg.flags & SYN)) {
    k.drop(skb, 'TCP_FLAGS', 'tcp_rcv_state_process', 'tcp-refused', { socket: s.id });
    return;
  }
  if (!(seg.flags & ACK)) {
    k.tell(skb, { t: 'inconclusive', what: 'simultaneous TCP open', rule: null });
    return;
  }
  s.sndUna = seg.ack;
  s.rcvNxt = (seg.seq + 1) >>> 0;
  s.rcvEdge = (s.rcvNxt + s.rcvWnd) >>> 0;
  s.wscale = offersScaling(seg.options) ? WSCALE : 0;
  s.state = 'ESTABLISHED';
  t.host.connected(s);
  handled();
  sendAck(t.k, s, skb);
}

/** tcp_done() with an error: the owner is told. */
export function failed(t: Tcp, s: TcpSock, errno: number): void {
  if (s.state === 'SYN_SENT') t.k.count('TcpAttemptFails');
  s.state = 'CLOSE';
  t.host.failed(s, errno);
}
