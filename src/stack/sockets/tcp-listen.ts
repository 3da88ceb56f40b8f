/** Connections that are being opened from the other side: listeners and request sockets (net/ipv4/tcp_input.c, tcp_minisocks.c). */

import { type Ip6, isMapped6 } from '../../base/addr.js';
import { isLinkLocal6 } from '../../fib/index.js';
import { buildTcp, TCP_FLAG } from '../../packet/build.js';
import { IPPROTO, type Skb } from '../../packet/skb.js';
import { RTCF_BROADCAST, RTCF_MULTICAST } from '../../packet/types.js';
import { reflectedLabel } from '../flow-label.js';
import type { RequestSock, TcpSock } from './sock.js';
import type { Tcp } from './tcp.js';
import { segment } from './tcp-connection.js';
import { advertisedMss, fullOptions, mssOption, offersScaling, seqAfter, WSCALE, windowFor } from './tcp-options.js';
import { type Segment, segmentLength, sendAck, sendReset } from './tcp-reset.js';
import { misfitLimited } from './tcp-send.js';
import { ipXmit, routeTos } from './xmit.js';

const ENETUNREACH = 101;
const { FIN, SYN, RST, ACK } = TCP_FLAG;

/** tcp_rcv_state_process() of a listener. */
export function listen(t: Tcp, l: TcpSock, skb: Skb, seg: Segment): void {
  const { k } = t;
  const refuse = (reason: string): void => k.drop(skb, reason, 'tcp_rcv_state_process', 'tcp-refused', { socket: l.id });
  if (seg.flags & ACK) {
    sendReset(k, skb, seg, l);
    refuse('TCP_FLAGS');
    return;
  }
  if (seg.flags & RST) {
    refuse('TCP_RESET');
    return;
  }
  if (!(seg.flags & SYN) || seg.flags & FIN) {
    refuse('TCP_FLAGS');
    return;
  }
  connRequest(t, l, skb, seg);
  k.tell(skb, { t: 'consume', why: 'handled', into: null });
}

/** tcp_conn_request(). */
function connRequest(t: Tcp, l: TcpSock, skb: Skb, seg: Segment): void {
  const { k } = t;
  const family = skb.family;
  // tcp_v4_conn_request(); tcp_v6_conn_request(): to an anycast address nobody connects.
  if (skb.dst !== null && (family === 'ipv4' ? skb.dst.flags & (RTCF_BROADCAST | RTCF_MULTICAST) : skb.dst.type !== 'local')) {
    k.count('TcpExtListenDrops');
    return;
  }
  if (family === 'ipv6' && isMapped6(skb.saddr as Ip6)) {
    k.count('Ip6InHdrErrors');
    return;
  }
  // inet_request_mark()
  const mark = l.mark === 0 && k.sysctl('net/ipv4/tcp_fwmark_accept') !== 0 ? skb.mark : l.mark;
  const boundDev = l.boundDev ?? (typeof skb.saddr === 'string' && isLinkLocal6(skb.saddr) ? t.host.inputDev(skb) : null);
  const r = k.routeOutput(family, {
    dst: skb.saddr,
    src: skb.daddr,
    oif: boundDev,
    bound: l.boundDev !== null,
    mark,
    tos: routeTos(l.tos),
    proto: IPPROTO.TCP,
    sport: seg.dport,
    dport: seg.sport,
    uid: l.uid,
    anySource: l.transparent,
  });
  if (r.dst === null) {
    if (family === 'ipv4') k.count('IpOutNoRoutes');
    else if (r.errno === ENETUNREACH) k.count('Ip6OutNoRoutes');
    k.count('TcpExtListenDrops');
    return;
  }
  const mss = advertisedMss(r.dst);
  const scaled = offersScaling(seg.options);
  const isn = t.host.isn();
  const dst = r.dst;
  const [laddr, raddr] = [skb.daddr, skb.saddr];
  const window = windowFor(mss);
  const flowLabel = reflectedLabel(k, skb, 'established');
  const sk = { ...l.sk, full: false, listener: l.sk };
  const resend = (): void => {
    const payload = buildTcp(
      { sport: seg.dport, dport: seg.sport, seq: isn, ack: (seg.seq + 1) >>> 0, flags: SYN | ACK, window, options: scaled ? fullOptions(mss) : mssOption(mss) },
      laddr,
      raddr,
    );
    k.count('TcpOutSegs');
    ipXmit(k, {
      src: laddr,
      to: raddr,
      proto: IPPROTO.TCP,
      payload,
      dst,
      tos: l.tos,
      mark,
      sk,
      origin: { kind: 'reply', of: skb.id },
      mayFragment: false,
      alwaysDf: true,
      unconnected: true,
      flowLabel,
    });
  };
  const req: RequestSock = {
    listener: l,
    sk,
    family,
    laddr,
    lport: seg.dport,
    raddr,
    rport: seg.sport,
    boundDev,
    isn,
    mark,
    rcvIsn: seg.seq,
    mss,
    rcvWnd: window,
    wscale: scaled ? WSCALE : 0,
    resend,
    lastOow: null,
  };
  t.requests.push(req);
  resend();
}

/** tcp_check_req(). */
export function checkRequest(t: Tcp, req: RequestSock, skb: Skb, seg: Segment): void {
  const { k } = t;
  const discard = (): void => k.drop(skb, 'NOT_SPECIFIED', 'tcp_v4_rcv', 'tcp-refused', { socket: req.listener.id });
  let flags = seg.flags & (RST | SYN | ACK);
  const rcvNxt = (req.rcvIsn + 1) >>> 0;
  if (seg.seq === req.rcvIsn && flags === SYN) {
    if (!misfitLimited(k, req, seg, 'TcpExtTCPACKSkippedSynRecv')) req.resend();
    discard();
    return;
  }
  if (flags & ACK && seg.ack !== (req.isn + 1) >>> 0) {
    listen(t, req.listener, skb, seg);
    return;
  }
  if (!inWindow(seg.seq, (seg.seq + segmentLength(seg)) >>> 0, rcvNxt, (rcvNxt + req.rcvWnd) >>> 0)) {
    if (!(flags & RST) && !misfitLimited(k, req, seg, 'TcpExtTCPACKSkippedSynRecv'))
      sendAck(k, skb, seg, req.listener, (req.isn + 1) >>> 0, rcvNxt, req.rcvWnd >>> req.wscale);
    k.drop(skb, 'TCP_OVERWINDOW', 'tcp_v4_rcv', 'tcp-refused', { socket: req.listener.id });
    return;
  }
  if (seg.seq === req.rcvIsn) flags &= ~SYN;
  if (flags & (RST | SYN)) {
    k.count('TcpAttemptFails');
    if (!(flags & RST)) sendReset(k, skb, seg, req.listener);
    t.requests.splice(t.requests.indexOf(req), 1);
    discard();
    return;
  }
  if (!(flags & ACK)) {
    discard();
    return;
  }
  accept(t, req, skb, seg);
}

/** tcp_in_window(). */
const inWindow = (seq: number, end: number, from: number, to: number): boolean =>
  seq === from || (seqAfter(end, from) && seqAfter(to, seq)) || (seq === to && seq === end);

function accept(t: Tcp, req: RequestSock, skb: Skb, seg: Segment): void {
  const { k } = t;
  const l = req.listener;
  const r = k.routeOutput(req.family, {
    dst: req.raddr,
    src: req.laddr,
    oif: req.boundDev,
    mark: req.mark,
    tos: routeTos(l.tos),
    proto: IPPROTO.TCP,
    sport: req.lport,
    dport: req.rport,
    uid: l.uid,
    // inet_sk_flowi_flags()
    anySource: l.transparent,
  });
  t.requests.splice(t.requests.indexOf(req), 1);
  if (r.dst === null) {
    k.count('TcpExtListenDrops');
    k.drop(skb, 'NOT_SPECIFIED', 'tcp_v4_rcv', 'tcp-refused', { socket: l.id });
    return;
  }
  k.count('TcpPassiveOpens');
  const c = t.open({ ...l, boundDev: req.boundDev, addr: req.laddr, port: req.lport, mark: req.mark }, 'ESTABLISHED');
  c.laddr = req.laddr;
  c.raddr = req.raddr;
  c.rport = req.rport;
  c.dst = r.dst;
  c.sndUna = c.sndNxt = (req.isn + 1) >>> 0;
  c.rcvNxt = (req.rcvIsn + 1) >>> 0;
  c.rcvEdge = (c.rcvNxt + req.rcvWnd) >>> 0;
  c.mss = req.mss;
  c.rcvWnd = req.rcvWnd;
  c.wscale = req.wscale;
  c.flowLabel = reflectedLabel(k, skb, 'established');
  t.host.accepted(l, c);
  // What the segment itself sets off comes before the program's accept(2); the end of the stream is acknowledged later.
  c.sk.full = (seg.flags & FIN) !== 0;
  c.sk.kernel = !c.sk.full;
  segment(t, c, skb, seg);
  c.sk.full = true;
  c.sk.kernel = false;
}
