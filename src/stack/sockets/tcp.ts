/** TCP of a node without timers: handshakes from both sides, data in order, resets, errors (net/ipv4/tcp_ipv4.c, tcp_input.c, tcp_output.c, tcp_minisocks.c). */
import type { Family } from '../../base/addr.js';
import { buildTcp, TCP_FLAG } from '../../packet/build.js';
import { IPPROTO, type Origin, type Skb } from '../../packet/skb.js';
import { type Dst, RTCF_BROADCAST, RTCF_MULTICAST, type NetDevice } from '../../packet/types.js';
import type { Kernel } from '../kernel.js';
import { lookupEstablished, lookupListener, makeSk, type RequestSock, type SocketOptions, type TcpSock } from './sock.js';
import { isStrict6, readSegment, type Segment, segmentLength, sendReset } from './tcp-reset.js';
import { ipHeaderLength, ipXmit, routeTos } from './xmit.js';
import type { SocketHost } from './sockets.js';

const { FIN, SYN, RST, PSH, ACK } = TCP_FLAG;
const WSCALE = 10;
const MAX_WINDOW = 65535;
/** tcp_full_space() of the default receive buffer (tcp_rmem 131072). */
const FULL_SPACE = 65536;
/** Errors that a connect() or a later call reports. */
const ECONNREFUSED = 111;
const ECONNRESET = 104;
const ENETUNREACH = 101;

const seqAfter = (a: number, b: number): boolean => ((b - a) | 0) < 0;

/** MSS to announce: the route's advmss; window: as many of them as 16 bits hold. */
export const windowFor = (mss: number): number => mss * Math.floor(MAX_WINDOW / mss);

function advertisedMss(dst: Dst): number {
  const most = dst.family === 'ipv4' ? 65495 : 65476;
  return Math.min(dst.advmss || dst.mtu - ipHeaderLength(dst.family) - 20, most);
}

/** MSS, NOP, NOP, SACK-permitted, NOP, window scale. */
const fullOptions = (mss: number): Uint8Array => Uint8Array.of(2, 4, mss >> 8, mss & 255, 1, 1, 4, 2, 1, 3, 3, WSCALE);
const mssOption = (mss: number): Uint8Array => Uint8Array.of(2, 4, mss >> 8, mss & 255);

/** Did a SYN or SYN-ACK offer window scaling? */
function offersScaling(options: Uint8Array): boolean {
  for (let i = 0; i < options.length; ) {
    const kind = options[i];
    if (kind === 0) return false;
    if (kind === 1) i++;
    else {
      if (kind === 3) return true;
      i += Math.max(2, options[i + 1] ?? 2);
    }
  }
  return false;
}

export class Tcp {
  readonly socks: TcpSock[] = [];
  readonly #requests: RequestSock[] = [];
  #order = 0;

  constructor(
    readonly k: Kernel,
    readonly host: SocketHost,
  ) {}

  open(o: SocketOptions, state: TcpSock['state']): TcpSock {
    const s: TcpSock = {
      ...o,
      proto: 6,
      sk: makeSk(o, IPPROTO.TCP),
      order: this.#order++,
      state,
      laddr: o.addr,
      raddr: o.addr,
      rport: 0,
      dst: null,
      sndUna: 0,
      sndNxt: 0,
      rcvNxt: 0,
      rcvEdge: 0,
      rcvWnd: MAX_WINDOW,
      wscale: 0,
      unread: 0,
      mss: 536,
      owned: false,
    };
    this.socks.push(s);
    return s;
  }

  // --- connect ---

  /** tcp_v4_connect(): routes twice, first for the source address, then with it. Returns errno. */
  connect(s: TcpSock, to: TcpSock['raddr'], dport: number, bound: boolean): number {
    const { k } = this;
    const q = { dst: to, oif: s.boundDev, bound: s.boundDev !== null, mark: s.mark, tos: routeTos(s.tos), proto: IPPROTO.TCP, sport: s.port, dport, uid: s.uid };
    let r = k.routeOutput(s.family, bound ? { ...q, src: s.addr } : q);
    const daddr = r.daddr ?? to;
    if (r.dst !== null && !bound && r.src !== null) r = k.routeOutput(s.family, { ...q, dst: daddr, src: r.src });
    if (r.dst === null) {
      if (r.errno === ENETUNREACH) k.count(s.family === 'ipv4' ? 'IpOutNoRoutes' : 'Ip6OutNoRoutes');
      return r.errno;
    }
    if (r.dst.flags & (RTCF_MULTICAST | RTCF_BROADCAST)) return ENETUNREACH;
    s.laddr = bound ? s.addr : (r.src ?? s.addr);
    s.sk.boundAny = false;
    s.raddr = daddr;
    s.rport = dport;
    s.dst = r.dst;
    s.state = 'SYN_SENT';
    s.sndUna = this.host.isn();
    s.sndNxt = (s.sndUna + 1) >>> 0;
    s.mss = advertisedMss(r.dst);
    s.rcvWnd = windowFor(s.mss);
    this.#transmit(s, { seq: s.sndUna, flags: SYN, window: s.rcvWnd, options: fullOptions(s.mss), ack: 0 }, { kind: 'sent', of: null });
    k.count('TcpActiveOpens');
    return 0;
  }

  /** tcp_sendmsg() on a connection: one segment (what is sent at once fits). */
  send(s: TcpSock, data: Uint8Array): number {
    const seq = s.sndNxt;
    s.sndNxt = (s.sndNxt + data.length) >>> 0;
    this.#transmit(s, { seq, flags: PSH | ACK, payload: data }, { kind: 'sent', of: null });
    return 0;
  }

  /** shutdown(SHUT_WR) or close(): our FIN. Data that still comes is taken. */
  shutdown(s: TcpSock): void {
    if (s.state !== 'ESTABLISHED' && s.state !== 'CLOSE_WAIT') {
      s.state = 'CLOSE';
      return;
    }
    s.state = s.state === 'ESTABLISHED' ? 'FIN_WAIT' : 'LAST_ACK';
    const seq = s.sndNxt;
    s.sndNxt = (s.sndNxt + 1) >>> 0;
    this.#transmit(s, { seq, flags: FIN | ACK }, { kind: 'sent', of: null });
  }

  // --- receive ---

  rcv(skb: Skb): void {
    const { k } = this;
    if (skb.pktType !== 'host') {
      k.drop(skb, 'NOT_SPECIFIED', 'tcp_v4_rcv', 'not-for-us', {});
      return;
    }
    k.count('TcpInSegs');
    const seg = readSegment(skb);
    if (!seg) {
      k.count('TcpInErrs');
      k.drop(skb, 'PKT_TOO_SMALL', 'tcp_v4_rcv', 'bad-header', {});
      return;
    }
    if (skb.csumBad) {
      k.count('TcpInCsumErrors');
      k.count('TcpInErrs');
      k.drop(skb, 'TCP_CSUM', 'tcp_v4_rcv', 'bad-checksum', {});
      return;
    }
    const dev = this.host.inputDev(skb);
    const found = lookupEstablished(this.socks, skb.saddr, seg.sport, skb.daddr, seg.dport, dev);
    if (found) return this.#established(found, skb, seg);
    const req = this.#requests.find((r) => r.laddr === skb.daddr && r.lport === seg.dport && r.raddr === skb.saddr && r.rport === seg.sport);
    if (req) return this.#request(req, skb, seg, dev);
    const listener = this.#listenerFor(skb, seg, dev);
    if (listener) return this.#listen(listener, skb, seg);
    this.#noSocket(skb, seg);
  }

  /** TPROXY has chosen a socket already, else the table of listeners. */
  #listenerFor(skb: Skb, seg: Segment, dev: NetDevice | null): TcpSock | null {
    const stolen = skb.sk ? this.socks.find((s) => s.sk === skb.sk) : undefined;
    return stolen ?? lookupListener(this.socks, skb.family, skb.daddr, seg.dport, dev);
  }

  #noSocket(skb: Skb, seg: Segment): void {
    sendReset(this.k, skb, seg, null);
    this.k.drop(skb, 'NO_SOCKET', 'tcp_v4_rcv', 'no-socket', { proto: 'tcp', port: seg.dport });
  }

  // --- listening ---

  #listen(l: TcpSock, skb: Skb, seg: Segment): void {
    const { k } = this;
    const refuse = (reason: string): void => k.drop(skb, reason, 'tcp_rcv_state_process', 'tcp-refused', { socket: l.id });
    if (seg.flags & ACK) {
      sendReset(k, skb, seg, l);
      return refuse('TCP_FLAGS');
    }
    if (seg.flags & RST) return refuse('TCP_RESET');
    if (!(seg.flags & SYN) || seg.flags & FIN) return refuse('TCP_FLAGS');
    this.#connRequest(l, skb, seg);
    k.tell(skb, { t: 'consume', why: 'handled', into: null });
  }

  /** tcp_conn_request(). */
  #connRequest(l: TcpSock, skb: Skb, seg: Segment): void {
    const { k } = this;
    const family = skb.family;
    if (family === 'ipv4' && skb.dst !== null && skb.dst.flags & (RTCF_BROADCAST | RTCF_MULTICAST)) {
      k.count('TcpExtListenDrops');
      return;
    }
    const r = k.routeOutput(family, {
      dst: skb.saddr,
      src: skb.daddr,
      oif: l.boundDev ?? (isStrict6(skb.saddr) ? skb.dev : null),
      bound: l.boundDev !== null,
      mark: l.mark,
      tos: routeTos(l.tos),
      proto: IPPROTO.TCP,
      sport: seg.dport,
      dport: seg.sport,
      uid: l.uid,
      anySource: l.transparent,
    });
    if (r.dst === null) {
      k.count(family === 'ipv4' ? 'IpOutNoRoutes' : 'Ip6OutNoRoutes');
      k.count('TcpExtListenDrops');
      return;
    }
    const mss = advertisedMss(r.dst);
    const scaled = offersScaling(seg.options);
    const isn = this.host.isn();
    const dst = r.dst;
    const [laddr, raddr] = [skb.daddr, skb.saddr];
    const window = windowFor(mss);
    const resend = (): void => {
      const payload = buildTcp(
        { sport: seg.dport, dport: seg.sport, seq: isn, ack: (seg.seq + 1) >>> 0, flags: SYN | ACK, window, options: scaled ? fullOptions(mss) : mssOption(mss) },
        laddr,
        raddr,
      );
      k.count('TcpOutSegs');
      ipXmit(k, { src: laddr, to: raddr, proto: IPPROTO.TCP, payload, dst, tos: l.tos, mark: l.mark, sk: this.#requestSk(l), origin: { kind: 'reply', of: skb.id }, mayFragment: false });
    };
    const req: RequestSock = { listener: l, family, laddr, lport: seg.dport, raddr, rport: seg.sport, isn, rcvIsn: seg.seq, mss, rcvWnd: window, wscale: scaled ? WSCALE : 0, resend };
    this.#requests.push(req);
    resend();
  }

  /** What rules see of the SYN-ACK: a request socket is no full socket. */
  #requestSk(l: TcpSock): TcpSock['sk'] {
    return { ...l.sk, full: false, listener: l.sk };
  }

  /** tcp_check_req(). */
  #request(req: RequestSock, skb: Skb, seg: Segment, _dev: NetDevice | null): void {
    const { k } = this;
    const discard = (): void => k.drop(skb, 'NOT_SPECIFIED', 'tcp_v4_rcv', 'tcp-refused', { socket: req.listener.id });
    let flags = seg.flags & (RST | SYN | ACK);
    const rcvNxt = (req.rcvIsn + 1) >>> 0;
    if (seg.seq === req.rcvIsn && flags === SYN) {
      req.resend();
      return discard();
    }
    if (flags & ACK && seg.ack !== (req.isn + 1) >>> 0) return this.#listen(req.listener, skb, seg);
    const end = (seg.seq + segmentLength(seg)) >>> 0;
    const inWindow = (seg.seq === rcvNxt && end === rcvNxt) || (seqAfter(end, rcvNxt) && !seqAfter(seg.seq, (rcvNxt + req.rcvWnd) >>> 0));
    if (!inWindow && seg.seq !== rcvNxt) return discard();
    if (seg.seq === req.rcvIsn) flags &= ~SYN;
    if (flags & (RST | SYN)) {
      k.count('TcpAttemptFails');
      if (!(flags & RST)) sendReset(k, skb, seg, req.listener);
      this.#requests.splice(this.#requests.indexOf(req), 1);
      return discard();
    }
    if (!(flags & ACK)) return discard();
    this.#accept(req, skb, seg);
  }

  #accept(req: RequestSock, skb: Skb, seg: Segment): void {
    const { k } = this;
    const l = req.listener;
    const r = k.routeOutput(req.family, { dst: req.raddr, src: req.laddr, oif: l.boundDev, mark: l.mark, tos: routeTos(l.tos), proto: IPPROTO.TCP, sport: req.lport, dport: req.rport, uid: l.uid });
    this.#requests.splice(this.#requests.indexOf(req), 1);
    if (r.dst === null) {
      k.count('TcpExtListenDrops');
      k.drop(skb, 'NOT_SPECIFIED', 'tcp_v4_rcv', 'tcp-refused', { socket: l.id });
      return;
    }
    k.count('TcpPassiveOpens');
    const c = this.open({ ...l, addr: req.laddr, port: req.lport }, 'ESTABLISHED');
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
    this.host.accepted(l, c);
    this.#segment(c, skb, seg);
  }

  // --- connections ---

  #established(s: TcpSock, skb: Skb, seg: Segment): void {
    if (s.state === 'SYN_SENT') return this.#synSent(s, skb, seg);
    const { k } = this;
    const refuse = (reason: string): void => k.drop(skb, reason, 'tcp_validate_incoming', 'tcp-refused', { socket: s.id });
    const end = (seg.seq + segmentLength(seg)) >>> 0;
    const old = seqAfter(s.rcvNxt, end);
    if (old || seqAfter(seg.seq, s.rcvEdge)) {
      if (!(seg.flags & RST)) this.#ack(s, skb);
      return refuse(old ? 'TCP_OLD_SEQUENCE' : 'TCP_INVALID_SEQUENCE');
    }
    if (seg.flags & RST) {
      if (seg.seq !== s.rcvNxt) {
        this.#ack(s, skb);
        return refuse('TCP_RESET');
      }
      k.count('TcpEstabResets');
      this.#fail(s, ECONNRESET);
      return refuse('TCP_RESET');
    }
    if (seg.flags & SYN) {
      if (s.state === 'ESTABLISHED') k.count('TcpInErrs');
      this.#ack(s, skb);
      return refuse('TCP_INVALID_SYN');
    }
    if (!(seg.flags & ACK)) return refuse('TCP_FLAGS');
    this.#segment(s, skb, seg);
  }

  /** An acceptable segment: its acknowledgement, its data, its FIN. */
  #segment(s: TcpSock, skb: Skb, seg: Segment): void {
    const { k } = this;
    if (seqAfter(seg.ack, s.sndUna) && !seqAfter(seg.ack, s.sndNxt)) s.sndUna = seg.ack;
    if (s.state === 'LAST_ACK' && s.sndUna === s.sndNxt) s.state = 'CLOSE';
    const length = seg.data.length;
    const fin = (seg.flags & FIN) !== 0;
    if (length === 0 && !fin) return k.tell(skb, { t: 'consume', why: 'handled', into: null });
    const skip = (s.rcvNxt - seg.seq) | 0;
    if (skip < 0) {
      k.tell(skb, { t: 'inconclusive', what: 'TCP segment out of order', rule: null });
      return;
    }
    if (skip > 0 && skip >= length + (fin ? 1 : 0)) {
      this.#ack(s, skb);
      k.drop(skb, 'TCP_OLD_DATA', 'tcp_data_queue', 'tcp-refused', { socket: s.id });
      return;
    }
    const data = seg.data.subarray(Math.min(skip, length));
    s.rcvNxt = (s.rcvNxt + data.length + (fin ? 1 : 0)) >>> 0;
    if (data.length > 0) {
      s.unread += data.length;
      this.host.received(s, data, skb);
    }
    if (fin) {
      s.state = s.state === 'FIN_WAIT' ? 'TIME_WAIT' : 'CLOSE_WAIT';
      this.host.ended(s);
    }
    k.tell(skb, { t: 'deliver', socket: s.id, what: fin && data.length === 0 ? 'eof' : 'data', view: this.host.view(skb) });
    this.#ack(s, skb);
  }

  /** tcp_rcv_synsent_state_process(). */
  #synSent(s: TcpSock, skb: Skb, seg: Segment): void {
    const { k } = this;
    const handled = (): void => k.tell(skb, { t: 'consume', why: 'handled', into: null });
    if (seg.flags & ACK && (!seqAfter(seg.ack, s.sndUna) || seqAfter(seg.ack, s.sndNxt))) {
      sendReset(k, skb, seg, s);
      k.drop(skb, 'TCP_INVALID_ACK_SEQUENCE', 'tcp_rcv_state_process', 'tcp-refused', { socket: s.id });
      return;
    }
    if (seg.flags & RST) {
      if (!(seg.flags & ACK)) return k.drop(skb, 'TCP_RESET', 'tcp_rcv_state_process', 'tcp-refused', { socket: s.id });
      this.#fail(s, ECONNREFUSED);
      return handled();
    }
    if (!(seg.flags & SYN)) return k.drop(skb, 'TCP_FLAGS', 'tcp_rcv_state_process', 'tcp-refused', { socket: s.id });
    if (!(seg.flags & ACK)) return k.tell(skb, { t: 'inconclusive', what: 'simultaneous TCP open', rule: null });
    s.sndUna = seg.ack;
    s.rcvNxt = (seg.seq + 1) >>> 0;
    s.rcvEdge = (s.rcvNxt + s.rcvWnd) >>> 0;
    s.wscale = offersScaling(seg.options) ? WSCALE : 0;
    s.state = 'ESTABLISHED';
    this.host.connected(s);
    handled();
    this.#ack(s, skb);
  }

  /** tcp_done() with an error: the owner is told. */
  #fail(s: TcpSock, errno: number): void {
    if (s.state === 'SYN_SENT') this.k.count('TcpAttemptFails');
    s.state = 'CLOSE';
    this.host.failed(s, errno);
  }

  // --- send ---

  /** tcp_select_window(): what was offered is not taken back, and grows again only by whole segments. */
  #selectWindow(s: TcpSock): number {
    let window = Math.max(0, (s.rcvEdge - s.rcvNxt) | 0);
    if (s.unread === 0 && window <= FULL_SPACE - s.mss) window = s.mss * Math.floor(FULL_SPACE / s.mss);
    s.rcvEdge = (s.rcvNxt + window) >>> 0;
    return Math.min(MAX_WINDOW, Math.ceil(window / 2 ** s.wscale));
  }

  #ack(s: TcpSock, cause: Skb): void {
    this.#transmit(s, { seq: s.sndNxt, flags: ACK }, { kind: 'reply', of: cause.id });
  }

  #transmit(
    s: TcpSock,
    t: { readonly seq: number; readonly flags: number; readonly ack?: number; readonly window?: number; readonly options?: Uint8Array; readonly payload?: Uint8Array },
    origin: Origin,
  ): void {
    const { k } = this;
    if (s.dst === null) return;
    const window = t.window ?? this.#selectWindow(s);
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
    ipXmit(k, { src: s.laddr, to: s.raddr, proto: IPPROTO.TCP, payload, dst: s.dst, tos: s.tos & ~3, ttl: s.ttl ?? null, mark: s.mark, sk: s.sk, origin, mayFragment: false });
  }

  // --- ICMP errors ---

  /** tcp_v4_err(): `errno` of the error; false when the quoted segment belongs to no connection of ours. */
  error(family: Family, src: TcpSock['laddr'], sport: number, dst: TcpSock['laddr'], dport: number, seq: number, errno: number, dev: NetDevice | null): boolean {
    const s = lookupEstablished(this.socks, dst, dport, src, sport, dev);
    if (!s) {
      return this.#requests.some((r) => r.family === family && r.laddr === src && r.lport === sport && r.raddr === dst && r.rport === dport);
    }
    if (errno === 0 || seqAfter(s.sndUna, seq) || seqAfter(seq, s.sndNxt)) return true;
    if (s.state === 'SYN_SENT' && !s.owned) this.#fail(s, errno);
    else this.host.failed(s, errno);
    return true;
  }
}
