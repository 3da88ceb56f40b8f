/** TCP of a node without timers: handshakes from both sides, data in order, resets, errors (net/ipv4/tcp_ipv4.c, tcp_input.c, tcp_output.c, tcp_minisocks.c). */
import { isMulticast6 } from '../../base/addr.js';
import { isLinkLocal6 } from '../../fib/index.js';
import { TCP_FLAG } from '../../packet/build.js';
import { IPPROTO, type Skb } from '../../packet/skb.js';
import { type NetDevice, RTCF_BROADCAST, RTCF_MULTICAST } from '../../packet/types.js';
import { receivedBad } from '../../packet/verify.js';
import type { Kernel } from '../kernel.js';
import { lookupEstablished, lookupListener, lookupRequest, type RequestSock, type SocketOptions, TcpSock } from './sock.js';
import type { SocketHost } from './sockets.js';
import { established, failed } from './tcp-connection.js';
import { checkRequest, listen } from './tcp-listen.js';
import { advertisedMss, fullOptions, seqAfter, windowFor } from './tcp-options.js';
import { readSegment, type Segment, sendReset } from './tcp-reset.js';
import { push, transmit } from './tcp-send.js';
import { meant, routeTos } from './xmit.js';

const { SYN } = TCP_FLAG;
const ENETUNREACH = 101;
const EINVAL = 22;

export class Tcp {
  readonly socks: TcpSock[] = [];
  /** Connections that await the last ACK of their handshake. */
  readonly requests: RequestSock[] = [];
  #order = 0;

  constructor(
    readonly k: Kernel,
    readonly host: SocketHost,
  ) {}

  open(o: SocketOptions, state: TcpSock['state']): TcpSock {
    const s = new TcpSock(o, this.#order++, state);
    this.socks.push(s);
    return s;
  }

  // --- connect ---

  /** tcp_v4_connect(): routes twice, first for the source address, then with it; tcp_v6_connect() keeps the route that gave the address. Returns errno. */
  connect(s: TcpSock, given: TcpSock['raddr'], dport: number, bound: boolean): number {
    const { k } = this;
    const to = meant(given);
    if (typeof to === 'string' && isMulticast6(to)) return ENETUNREACH;
    // A link-local address says nothing without a device.
    if (s.boundDev === null && typeof to === 'string' && isLinkLocal6(to)) return EINVAL;
    const q = {
      dst: to,
      oif: s.boundDev,
      bound: s.boundDev !== null,
      mark: s.mark,
      tos: routeTos(s.tos),
      proto: IPPROTO.TCP,
      sport: s.port,
      dport,
      uid: s.uid,
    };
    let r = k.routeOutput(s.family, bound ? { ...q, src: s.addr } : q);
    const daddr = r.daddr ?? to;
    if (s.family === 'ipv4' && r.dst !== null && !bound && r.src !== null) r = k.routeOutput(s.family, { ...q, dst: daddr, src: r.src });
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
    transmit(this.k, s, { seq: s.sndUna, flags: SYN, window: s.rcvWnd, options: fullOptions(s.mss), ack: 0 }, { kind: 'sent', of: null });
    k.count('TcpActiveOpens');
    return 0;
  }

  /** tcp_sendmsg() on a connection. */
  send(s: TcpSock, data: Uint8Array): number {
    const all = new Uint8Array(s.unsent.length + data.length);
    all.set(s.unsent);
    all.set(data, s.unsent.length);
    s.unsent = all;
    push(this.k, s, { kind: 'sent', of: null });
    return 0;
  }

  /** shutdown(SHUT_WR) or close(): our FIN. Data that still comes is taken. */
  shutdown(s: TcpSock): void {
    if (s.state !== 'ESTABLISHED' && s.state !== 'CLOSE_WAIT') {
      s.state = 'CLOSE';
      return;
    }
    s.state = s.state === 'ESTABLISHED' ? 'FIN_WAIT' : 'LAST_ACK';
    push(this.k, s, { kind: 'sent', of: null }, true);
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
      // A header that says that it is shorter than one is an error; what ends within it is just let go.
      const says = skb.thoff >= 0 && skb.data.length >= skb.thoff + 20 && skb.u8(skb.thoff + 12) >>> 4 < 5;
      if (says) k.count('TcpInErrs');
      k.drop(skb, says ? 'PKT_TOO_SMALL' : 'NOT_SPECIFIED', 'tcp_v4_rcv', 'bad-header', {});
      return;
    }
    if (receivedBad(skb)) {
      k.count('TcpInCsumErrors');
      k.count('TcpInErrs');
      k.drop(skb, 'TCP_CSUM', 'tcp_v4_rcv', 'bad-checksum', {});
      return;
    }
    const dev = this.host.inputDev(skb);
    const found = lookupEstablished(this.socks, skb.saddr, seg.sport, skb.daddr, seg.dport, dev);
    if (found) {
      established(this, found, skb, seg);
      return;
    }
    const req = lookupRequest(this.requests, skb.saddr, seg.sport, skb.daddr, seg.dport, dev);
    if (req) {
      checkRequest(this, req, skb, seg);
      return;
    }
    const listener = this.#listenerFor(skb, seg, dev);
    if (listener) {
      listen(this, listener, skb, seg);
      return;
    }
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

  // --- ICMP errors ---

  /** tcp_v4_err(), tcp_req_err(): `errno` of the error, and whether it ends a handshake; false when the quoted segment belongs to no connection of ours. */
  error(
    src: TcpSock['laddr'],
    sport: number,
    dst: TcpSock['laddr'],
    dport: number,
    seq: number,
    errno: number,
    endsRequest: boolean,
    dev: NetDevice | null,
  ): boolean {
    const s = lookupEstablished(this.socks, dst, dport, src, sport, dev);
    if (!s) {
      const req = lookupRequest(this.requests, dst, dport, src, sport, dev);
      if (req && endsRequest && req.isn === seq) {
        this.requests.splice(this.requests.indexOf(req), 1);
        this.k.count('TcpExtListenDrops');
      }
      return req !== null;
    }
    if (errno === 0 || seqAfter(s.sndUna, seq) || seqAfter(seq, s.sndNxt)) return true;
    if (s.state === 'SYN_SENT' && !s.owned) failed(this, s, errno);
    else this.host.failed(s, errno);
    return true;
  }
}
