/**
 * The transport layer of a node: its sockets, what they send and what reaches them. Implements SocketLayer for the IP stages; the owner of the sockets
 * (a scenario's programs, the conformance harness) opens them, sends through them and is told what they receive by SocketEvents.
 */
import { type Addr, anyAddr, type Family, readAddr } from '../../base/addr.js';
import type { SocketQuery } from '../../netfilter/env.js';
import { findTransport } from '../../packet/ip6.js';
import { IPPROTO, type Skb } from '../../packet/skb.js';
import type { NetDevice, SkSocket } from '../../packet/types.js';
import { packetView } from '../../packet/view.js';
import type { PacketView } from '../../trace/event.js';
import type { Kernel } from '../kernel.js';
import { vxlanSk } from '../kernel-socket.js';
import { vxlanListens, vxlanSent } from '../stages/vxlan.js';
import { endsRequest, errnoOf, errnoOf6 } from './icmp-errno.js';
import type { SocketLayer } from './layer.js';
import {
  inputDev,
  lookupEstablished,
  lookupListener,
  lookupRequest,
  lookupUdp,
  type SocketOptions,
  type TcpSock,
  type UdpSock,
  udpTakesMulticast,
} from './sock.js';
import { Tcp } from './tcp.js';
import { type RawIcmp, sendRawIcmp, Udp } from './udp.js';

const EADDRNOTAVAIL = 99;

/** What the owner of the sockets is told. Addresses and ports are those of the packet as the socket sees it. */
export interface SocketEvents {
  /** Initial sequence number for a connection that is opened or accepted now. */
  isn(): number;
  accepted(listener: TcpSock, child: TcpSock): void;
  connected(s: TcpSock): void;
  received(s: TcpSock, data: Uint8Array): void;
  ended(s: TcpSock): void;
  failed(s: TcpSock, errno: number): void;
  datagram(s: UdpSock, data: Uint8Array, from: Addr, sport: number, to: Addr, dev: NetDevice | null): void;
}

/** What tcp.ts and udp.ts ask of the layer around them. */
export interface SocketHost extends Omit<SocketEvents, 'datagram' | 'received'> {
  received(s: TcpSock, data: Uint8Array, skb: Skb): void;
  datagram(s: UdpSock, data: Uint8Array, skb: Skb, sport: number): void;
  /** inet_iif(): the device that a socket takes the packet to have come from. */
  inputDev(skb: Skb): NetDevice | null;
  icmp6Send(skb: Skb, type: number, code: number, info: number): void;
  view(skb: Skb): PacketView;
}

/** icmpv6_send(), which lives among the IPv6 stages. */
export type Icmp6Send = (k: Kernel, skb: Skb, type: number, code: number, info: number) => void;

export class Sockets implements SocketLayer, SocketHost {
  readonly tcp: Tcp;
  readonly udp: Udp;

  constructor(
    readonly k: Kernel,
    readonly events: SocketEvents,
    readonly icmp6: Icmp6Send,
  ) {
    this.tcp = new Tcp(k, this);
    this.udp = new Udp(k, this);
  }

  // --- for the owner ---

  listen(o: SocketOptions): TcpSock {
    return this.tcp.open(o, 'LISTEN');
  }
  /** inet_bind(), __inet6_bind(): errno of binding to an address that is not this node's, 0 for what may be bound. */
  bindErrno(o: SocketOptions): number {
    if (o.addr === anyAddr(o.family) || o.transparent || this.k.sysctl(`net/${o.family}/ip_nonlocal_bind`)) return 0;
    if (o.family === 'ipv6' && this.k.isLocalAddr6(o.addr, o.boundDev)) return 0;
    const type = this.k.addrType(o.family, o.addr, null);
    return type === 'multicast' || (o.family === 'ipv4' && (type === 'local' || type === 'broadcast')) ? 0 : EADDRNOTAVAIL;
  }
  bindUdp(o: SocketOptions): UdpSock {
    return this.udp.open(o);
  }
  sendRawIcmp(o: SocketOptions, to: Addr, m: RawIcmp): number {
    return sendRawIcmp(this.k, o, to, m);
  }

  // --- SocketLayer ---

  tcpRcv(skb: Skb): void {
    this.tcp.rcv(skb);
  }
  udpRcv(skb: Skb): void {
    this.udp.rcv(skb);
  }
  udpIntact(skb: Skb): boolean {
    return this.udp.intact(skb);
  }
  /** Raw sockets here send and are closed; none stays to receive. */
  rawDeliver(): boolean {
    return false;
  }
  pingRcv(): string | null {
    return 'NO_SOCKET';
  }
  /** tcp_v4_early_demux(): an established connection, no request or listener; udp_v4_early_demux(): the only socket that a multicast concerns. */
  earlyDemux(skb: Skb): SkSocket | null {
    const th = skb.thoff;
    if (th < 0 || skb.data.length < th + 8) return null;
    const [sport, dport] = [skb.u16(th), skb.u16(th + 2)];
    if (skb.l4proto === IPPROTO.TCP && skb.pktType === 'host') {
      return skb.data.length < th + 20
        ? null
        : (lookupEstablished(this.tcp.socks, skb.saddr, sport, skb.daddr, dport, skb.family === 'ipv4' ? skb.dev : this.inputDev(skb))?.sk ?? null);
    }
    if (skb.l4proto !== IPPROTO.UDP || skb.pktType !== 'multicast' || skb.daddr !== ALL_HOSTS) return null;
    const takers = this.udp.socks.filter((s) => udpTakesMulticast(s, skb.family, skb.daddr, dport, skb.dev));
    return takers.length === 1 ? takers[0].sk : null;
  }

  icmpError(skb: Skb, family: Family, type: number, code: number, _info: number, inner: Uint8Array): void {
    const q = readQuoted(family, inner);
    if (!q) return;
    const errno = family === 'ipv4' ? errnoOf(type, code) : errnoOf6(type, code);
    // tcp_v4_err() and udpv6_err() ask for the input device as sockets see it, the other two for skb->dev.
    const seen = this.inputDev(skb);
    const v4 = family === 'ipv4';
    let concerned = true;
    if (q.proto === IPPROTO.TCP) concerned = this.tcp.error(q.src, q.sport, q.dst, q.dport, q.seq, errno, endsRequest(family, type, code), v4 ? seen : skb.dev);
    else if (q.proto === IPPROTO.UDP)
      concerned = this.udp.error(family, q.src, q.sport, v4 ? skb.dev : seen) || (v4 && vxlanSent(this.k, q.dport, inner.subarray((inner[0] & 15) * 4 + 8)));
    if (!concerned) this.k.count(family === 'ipv4' ? 'IcmpInErrors' : 'Icmp6InErrors');
  }

  lookup({ family, proto, src, sport, dst, dport, dev, want }: SocketQuery): SkSocket | null {
    if (proto === IPPROTO.TCP) {
      const s =
        want === 'listener'
          ? null
          : (lookupEstablished(this.tcp.socks, src, sport, dst, dport, dev) ?? lookupRequest(this.tcp.requests, src, sport, dst, dport, dev));
      return (s ?? (want === 'established' ? null : lookupListener(this.tcp.socks, family, dst, dport, dev)))?.sk ?? null;
    }
    if (proto !== IPPROTO.UDP || want === 'established') return null;
    const s = lookupUdp(this.udp.socks, family, dst, dport, dev)?.sk;
    return s ?? (family === 'ipv4' && vxlanListens(this.k, dport) ? vxlanSk : null);
  }

  // --- SocketHost ---

  isn(): number {
    return this.events.isn();
  }
  accepted(listener: TcpSock, child: TcpSock): void {
    this.events.accepted(listener, child);
  }
  connected(s: TcpSock): void {
    this.events.connected(s);
  }
  received(s: TcpSock, data: Uint8Array): void {
    this.events.received(s, data);
  }
  ended(s: TcpSock): void {
    this.events.ended(s);
  }
  failed(s: TcpSock, errno: number): void {
    this.events.failed(s, errno);
  }
  datagram(s: UdpSock, data: Uint8Array, skb: Skb, sport: number): void {
    this.events.datagram(s, data, skb.saddr, sport, skb.daddr, this.inputDev(skb));
  }
  view(skb: Skb): PacketView {
    return packetView(skb);
  }
  icmp6Send(skb: Skb, type: number, code: number, info: number): void {
    this.icmp6(this.k, skb, type, code, info);
  }
  inputDev(skb: Skb): NetDevice | null {
    return inputDev(this.k, skb);
  }
}

/** 224.0.0.1, the one IPv4 group that every device has joined. */
const ALL_HOSTS = 0xe0000001;

interface Quoted {
  readonly proto: number;
  readonly src: Addr;
  readonly dst: Addr;
  readonly sport: number;
  readonly dport: number;
  readonly seq: number;
}

/** The quoted packet's ends; null when it is cut before its ports. */
function readQuoted(family: Family, b: Uint8Array): Quoted | null {
  const v4 = family === 'ipv4';
  if (b.length < (v4 ? 20 : 40)) return null;
  const t = v4 ? { proto: b[9], offset: (b[0] & 15) * 4 } : findTransport(b);
  const th = t.offset;
  if (th < 0 || th + 8 > b.length) return null;
  const u16 = (at: number): number => (b[at] << 8) | b[at + 1];
  const seq = ((u16(th + 4) << 16) | u16(th + 6)) >>> 0;
  return { proto: t.proto, src: readAddr(b, v4 ? 12 : 8, family), dst: readAddr(b, v4 ? 16 : 24, family), sport: u16(th), dport: u16(th + 2), seq };
}
