/** UDP and raw ICMP sockets: udp_sendmsg(), __udp4_lib_rcv(), raw_sendmsg() (net/ipv4/udp.c, raw.c and their IPv6 twins). */
import { type Addr, ANY6, type Family } from '../../base/addr.js';
import { isLinkLocal6 } from '../../fib/index.js';
import { buildIcmp, buildIcmp6, buildUdp } from '../../packet/build.js';
import { IPPROTO, type Origin, type Skb } from '../../packet/skb.js';
import { type Dst, type NetDevice, RTCF_BROADCAST, RTCF_MULTICAST } from '../../packet/types.js';
import { receivedBad } from '../../packet/verify.js';
import type { Kernel } from '../kernel.js';
import { icmpSend, icmpTypes } from '../stages/icmp-send.js';
import { countOut } from '../stages/icmp6-send.js';
import { lookupUdp, makeSk, type SocketOptions, UdpSock, udpTakesMulticast } from './sock.js';
import type { SocketHost } from './sockets.js';
import { ipHeaderLength, ipXmit, meant, routeTos } from './xmit.js';

const EACCES = 13;
const EMSGSIZE = 90;
const ENETUNREACH = 101;
const ENOBUFS = 105;
const DEST_UNREACH = 3;
const PORT_UNREACH = 3;
/** Bytes up to which __skb_checksum_validate_complete() sums up at once. */
const CHECKSUM_BREAK = 76;

/** UDP counters are kept by family: UdpInDatagrams, Udp6InDatagrams. */
const udpCounter = (family: Family, name: string): string => `${family === 'ipv4' ? 'Udp' : 'Udp6'}${name}`;

export class Udp {
  readonly socks: UdpSock[] = [];
  #order = 0;

  constructor(
    readonly k: Kernel,
    readonly host: SocketHost,
  ) {}

  open(o: SocketOptions): UdpSock {
    const s = new UdpSock(o, this.#order++);
    this.socks.push(s);
    return s;
  }

  close(s: UdpSock): void {
    const at = this.socks.indexOf(s);
    if (at >= 0) this.socks.splice(at, 1);
  }

  /** sendto(); returns errno. `scope`: the device that sin6_scope_id names, as recvfrom() gave it; heeded of link-local addresses. */
  send(s: UdpSock, to: Addr, dport: number, data: Uint8Array, origin: Origin = { kind: 'sent', of: null }, scope: NetDevice | null = null): number {
    const { k } = this;
    const r = route(k, s, IPPROTO.UDP, to, s.port, dport, scope);
    if (r.dst === null) {
      if (r.errno === ENETUNREACH) k.count(s.family === 'ipv4' ? 'IpOutNoRoutes' : 'Ip6OutNoRoutes');
      return r.errno;
    }
    if (r.dst.flags & RTCF_BROADCAST && !s.broadcast) return EACCES;
    const { src, to: daddr } = r;
    const payload = buildUdp({ sport: s.port, dport, payload: data }, src, daddr);
    const errno = ipXmit(k, {
      src,
      to: daddr,
      proto: IPPROTO.UDP,
      payload,
      dst: r.dst,
      tos: s.tos,
      ttl: s.ttl ?? null,
      mark: s.mark,
      sk: s.sk,
      origin,
      mayFragment: true,
    });
    if (errno !== 0) k.count(s.family === 'ipv4' ? 'IpOutDiscards' : 'Ip6OutDiscards');
    if (errno !== 0 && errno !== ENOBUFS) return errno;
    k.count(udpCounter(s.family, 'OutDatagrams'));
    return 0;
  }

  // --- receive ---

  /** For a tunnel's socket (encap_rcv): header and checksum are looked at before it is asked. False: dropped. */
  intact(skb: Skb): boolean {
    if (this.#length(skb) < 0) return false;
    if (!receivedBad(skb)) return true;
    this.#csumError(skb);
    return false;
  }

  /** Of the datagram; negative: its header is damaged, it has been dropped. */
  #length(skb: Skb): number {
    const room = skb.data.length - skb.thoff;
    if (skb.thoff < 0 || room < 8) {
      // udp6 counts what has no header among its errors and names no reason; udp4 does the reverse.
      if (skb.family === 'ipv6') this.#bad(skb, 'NOT_SPECIFIED', 'bad-header');
      else this.k.drop(skb, 'PKT_TOO_SMALL', '__udp4_lib_rcv', 'bad-header', {});
      return -1;
    }
    const length = skb.u16(skb.thoff + 4) || room;
    if (length <= room && length >= 8) return length;
    this.#bad(skb, 'PKT_TOO_SMALL', 'bad-header');
    return -1;
  }

  rcv(skb: Skb): void {
    const { k } = this;
    const family = skb.family;
    const th = skb.thoff;
    const d = skb.data;
    const length = this.#length(skb);
    if (length < 0) return;
    const payload = d.subarray(th + 8, th + length);
    const [sport, dport] = [skb.u16(th), skb.u16(th + 2)];
    const dev = this.host.inputDev(skb);
    if (family === 'ipv6' && this.#staleChecksum(skb, length)) {
      this.#csumError(skb);
      return;
    }
    // What is short is summed up before anything else (udp4_csum_init, udp6_csum_init).
    if (receivedBad(skb) && length <= CHECKSUM_BREAK) {
      this.#csumError(skb);
      return;
    }
    const many = family === 'ipv4' ? skb.dst !== null && (skb.dst.flags & (RTCF_BROADCAST | RTCF_MULTICAST)) !== 0 : isMulticast6(skb.daddr);
    if (many) {
      this.#multicast(skb, sport, dport, payload, dev);
      return;
    }
    const stolen = skb.sk ? this.socks.find((s) => s.sk === skb.sk) : undefined;
    const s = stolen ?? lookupUdp(this.socks, family, skb.daddr, dport, dev);
    if (s) {
      this.#deliver(s, skb, sport, payload);
      return;
    }
    if (receivedBad(skb)) {
      this.#csumError(skb);
      return;
    }
    k.count(udpCounter(family, 'NoPorts'));
    if (family === 'ipv4') icmpSend(k, skb, DEST_UNREACH, PORT_UNREACH, 0);
    else this.host.icmp6Send(skb, 1, 4, 0);
    k.drop(skb, 'NO_SOCKET', receiver(family), 'no-socket', { proto: 'udp', port: dport });
  }

  #bad(skb: Skb, reason: string, cause: 'bad-header' | 'bad-checksum'): void {
    this.k.count(udpCounter(skb.family, 'InErrors'));
    this.k.drop(skb, reason, receiver(skb.family), cause, {});
  }

  #csumError(skb: Skb): void {
    this.k.count(udpCounter(skb.family, 'InCsumErrors'));
    this.#bad(skb, 'UDP_CSUM', 'bad-checksum');
  }

  /**
   * udp6_csum_init(): conntrack has summed up the packet as it came (skb->csum) and a target has edited the header since; what is short is summed up again,
   * what is long is believed to be damaged.
   */
  #staleChecksum(skb: Skb, length: number): boolean {
    return skb.csumStale && skb.dev?.loopback !== true && length > CHECKSUM_BREAK;
  }

  #deliver(s: UdpSock, skb: Skb, sport: number, payload: Uint8Array): void {
    const { k } = this;
    if (receivedBad(skb)) {
      this.#csumError(skb);
      return;
    }
    k.count(udpCounter(skb.family, 'InDatagrams'));
    k.tell(skb, { t: 'deliver', socket: s.id, what: 'data', view: this.host.view(skb) });
    this.host.datagram(s, payload, skb, sport);
  }

  /** __udp4_lib_mcast_deliver(): every socket that it concerns gets a copy. */
  #multicast(skb: Skb, sport: number, dport: number, payload: Uint8Array, dev: NetDevice | null): void {
    const { k } = this;
    const takers = this.socks.filter((s) => udpTakesMulticast(s, skb.family, skb.daddr, dport, dev));
    if (takers.length === 0) {
      k.count(udpCounter(skb.family, 'IgnoredMulti'));
      k.drop(skb, 'NOT_SPECIFIED', receiver(skb.family), 'no-socket', { proto: 'udp', port: dport });
      return;
    }
    for (const [i, s] of takers.entries()) this.#deliver(s, i === 0 ? skb : k.cloneSkb(skb), sport, payload);
  }

  /** __udp4_lib_err(): false when the quoted datagram is no socket's of ours. These sockets are not connected and so learn nothing. */
  error(family: Family, src: Addr, sport: number, dev: NetDevice | null): boolean {
    return lookupUdp(this.socks, family, src, sport, dev) !== null;
  }
}

const receiver = (family: Family): string => (family === 'ipv4' ? '__udp4_lib_rcv' : '__udp6_lib_rcv');

const isMulticast6 = (a: Addr): boolean => typeof a === 'string' && a.charCodeAt(0) >> 8 === 0xff;

type Routed =
  | { readonly dst: Dst; readonly src: Addr; readonly to: Addr; readonly errno: 0 }
  | { readonly dst: null; readonly src: null; readonly to: null; readonly errno: number };

function route(k: Kernel, s: SocketOptions, proto: number, given: Addr, sport: number, dport: number, scope: NetDevice | null = null): Routed {
  const to = meant(given);
  const oif = scope !== null && typeof to === 'string' && isLinkLocal6(to) ? scope : s.boundDev;
  const bound = typeof s.addr === 'number' ? s.addr !== 0 : s.addr !== ANY6;
  const r = k.routeOutput(s.family, {
    dst: to,
    ...(bound ? { src: s.addr } : {}),
    oif,
    bound: s.boundDev !== null,
    mark: s.mark,
    tos: routeTos(s.tos),
    proto,
    sport,
    dport,
    uid: s.uid,
    anySource: s.transparent,
  });
  if (r.dst === null) return { dst: null, src: null, to: null, errno: r.errno };
  return { dst: r.dst, src: bound ? s.addr : (r.src ?? s.addr), to: r.daddr ?? to, errno: 0 };
}

export interface RawIcmp {
  readonly type: number;
  readonly code: number;
  readonly id: number;
  readonly seq: number;
  readonly payload: Uint8Array;
}

/** raw_sendmsg() of an ICMP socket; returns errno. */
export function sendRawIcmp(k: Kernel, o: SocketOptions, to: Addr, m: RawIcmp): number {
  const v4 = o.family === 'ipv4';
  const proto = v4 ? IPPROTO.ICMP : IPPROTO.ICMPV6;
  const r = route(k, o, proto, to, m.type, m.code);
  if (r.dst === null) {
    if (!v4 && r.errno === ENETUNREACH) k.count('Ip6OutNoRoutes');
    return r.errno;
  }
  if (r.dst.flags & RTCF_BROADCAST && !o.broadcast) return EACCES;
  const { src, to: daddr } = r;
  const rest = ((m.id << 16) | m.seq) >>> 0;
  const payload = v4
    ? buildIcmp({ type: m.type, code: m.code, rest, payload: m.payload })
    : buildIcmp6({ type: m.type, code: m.code, rest, payload: m.payload }, src as string, daddr as string);
  const strict = o.dontFragment ?? false;
  if (strict && ipHeaderLength(o.family) + payload.length > r.dst.mtu) return EMSGSIZE;
  if (v4) countOut4(k, m.type);
  else countOut(k, m.type);
  const sk = makeSk(o, proto);
  const errno = ipXmit(k, {
    src,
    to: daddr,
    proto,
    payload,
    dst: r.dst,
    tos: o.tos,
    ttl: o.ttl ?? null,
    mark: o.mark,
    sk,
    origin: { kind: 'sent', of: null },
    mayFragment: !strict,
    alwaysDf: strict,
    unconnected: true,
  });
  if (errno !== 0) k.count(v4 ? 'IpOutDiscards' : 'Ip6OutDiscards');
  return errno === ENOBUFS ? 0 : errno;
}

/** icmp_out_count(). */
function countOut4(k: Kernel, type: number): void {
  k.count('IcmpOutMsgs');
  k.count(`IcmpMsgOutType${type}`);
  const row = icmpTypes[type];
  if (row) k.count(`IcmpOut${row.name}`);
}
