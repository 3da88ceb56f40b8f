/** Sockets of a node as packets meet them, and their lookup: inet_hashtables.c, udp.c (compute_score), without hashing. */
import { type Addr, anyAddr, type Family } from '../../base/addr.js';
import type { Route } from '../../fib/model.js';
import { IPPROTO, type Skb } from '../../packet/skb.js';
import type { Dst, NetDevice, SkSocket } from '../../packet/types.js';
import type { Kernel } from '../kernel.js';
import { MAX_WINDOW } from './tcp-options.js';

const NO_BYTES = new Uint8Array(0);

/** What the owner of a socket can set before using it. */
export interface SocketOptions {
  /** Name in events and deliveries. */
  readonly id: string;
  readonly family: Family;
  /** bind(2) address; the family's any-address when not bound. */
  readonly addr: Addr;
  readonly port: number;
  readonly uid: number;
  readonly boundDev: NetDevice | null;
  readonly mark: number;
  /** IP_TOS / IPV6_TCLASS. */
  readonly tos: number;
  /** IP_TTL and IP_MULTICAST_TTL (IPV6_UNICAST_HOPS, IPV6_MULTICAST_HOPS), as `ping -t` sets both; null = the route's or the node's. */
  readonly ttl?: number | null;
  /** IP_PMTUDISC_DO: what does not fit into the route's MTU is refused (EMSGSIZE), not fragmented. */
  readonly dontFragment?: boolean;
  readonly broadcast: boolean;
  readonly transparent: boolean;
}

export type TcpState = 'LISTEN' | 'SYN_SENT' | 'ESTABLISHED' | 'FIN_WAIT' | 'TIME_WAIT' | 'CLOSE_WAIT' | 'LAST_ACK' | 'CLOSE';

/**
 * A socket. `sk` is what rules see of it. A class that copies what was asked for member by member: V8 makes new shapes, which stay, for every object that
 * starts with another one spread and goes on.
 */
export class Sock implements SocketOptions {
  readonly id: string;
  readonly family: Family;
  readonly addr: Addr;
  readonly port: number;
  readonly uid: number;
  readonly boundDev: NetDevice | null;
  readonly mark: number;
  readonly tos: number;
  readonly ttl: number | null;
  readonly dontFragment: boolean;
  readonly broadcast: boolean;
  readonly transparent: boolean;
  readonly sk: SkSocket;

  /** `order`: of creation; of equals the latest is found first. */
  constructor(
    o: SocketOptions,
    readonly proto: number,
    readonly order: number,
  ) {
    this.id = o.id;
    this.family = o.family;
    this.addr = o.addr;
    this.port = o.port;
    this.uid = o.uid;
    this.boundDev = o.boundDev;
    this.mark = o.mark;
    this.tos = o.tos;
    this.ttl = o.ttl ?? null;
    this.dontFragment = o.dontFragment ?? false;
    this.broadcast = o.broadcast;
    this.transparent = o.transparent;
    this.sk = makeSk(o, proto);
  }
}

export class UdpSock extends Sock {
  declare readonly proto: 17;
  constructor(o: SocketOptions, order: number) {
    super(o, IPPROTO.UDP, order);
  }
}

export class TcpSock extends Sock {
  declare readonly proto: 6;
  laddr: Addr;
  raddr: Addr;
  rport = 0;
  dst: Dst | null = null;
  /** Send side: oldest unacknowledged and next number. */
  sndUna = 0;
  sndNxt = 0;
  /** Written and not sent yet (Nagle). */
  unsent = NO_BYTES;
  /** Where the last segment ended that was smaller than the MSS (snd_sml); null: none was sent. */
  sndSml: number | null = null;
  /** Receive side: next expected number. */
  rcvNxt = 0;
  /** Right edge of the window offered. */
  rcvEdge = 0;
  /** Window offered at first, in bytes, and its scale (0 unless both sides agreed). */
  rcvWnd = MAX_WINDOW;
  wscale = 0;
  /** Bytes delivered but not yet read by the owner; until then the window does not grow. */
  unread = 0;
  mss = 536;
  /** Of the ACK that opened it, where labels are reflected. */
  flowLabel = 0;
  /** When something that did not fit was last answered (last_oow_ack_time); null: never. */
  lastOow: number | null = null;
  /** A system call of the owner is running: errors that arrive now are soft. */
  owned = false;

  constructor(
    o: SocketOptions,
    order: number,
    public state: TcpState,
  ) {
    super(o, IPPROTO.TCP, order);
    this.laddr = o.addr;
    this.raddr = o.addr;
  }
}

/** struct request_sock: a connection that awaits the last ACK of the handshake. */
export interface RequestSock {
  readonly listener: TcpSock;
  /** What rules see of it: no full socket. */
  readonly sk: SkSocket;
  readonly family: Family;
  readonly laddr: Addr;
  readonly lport: number;
  readonly raddr: Addr;
  readonly rport: number;
  /** ir_iif: the listener's device, or the one that a link-local address is asked on; the connection is bound to it. */
  readonly boundDev: NetDevice | null;
  readonly isn: number;
  /** ir_mark: what its SYN-ACKs and the connection carry. */
  readonly mark: number;
  readonly rcvIsn: number;
  readonly mss: number;
  readonly rcvWnd: number;
  readonly wscale: number;
  /** Resends the SYN-ACK. */
  readonly resend: () => void;
  /** When something that did not fit was last answered (last_oow_ack_time); null: never. */
  lastOow: number | null;
}

export function makeSk(o: SocketOptions, proto: number): SkSocket {
  return {
    id: o.id,
    family: o.family,
    proto,
    uid: o.uid,
    gid: 0,
    groups: [],
    mark: o.mark,
    priority: 0,
    boundDev: o.boundDev,
    transparent: o.transparent,
    boundAny: o.addr === anyAddr(o.family),
    full: true,
    cgroupPath: null,
    classid: 0,
  };
}

const devFits = (s: Pick<Sock, 'boundDev'>, dev: NetDevice | null): boolean => s.boundDev === null || s.boundDev.ifindex === dev?.ifindex;

/** The best of the sockets bound to `port`: an exact address before the any-address, a bound device before none, of equals the latest. */
function best<T extends Sock>(socks: readonly T[], family: Family, addr: Addr, port: number, dev: NetDevice | null, extra: (s: T) => boolean): T | null {
  let found: T | null = null;
  let score = -1;
  for (const s of socks) {
    if (s.family !== family || s.port !== port || !devFits(s, dev) || !extra(s)) continue;
    const any = s.addr === anyAddr(family);
    if (!any && s.addr !== addr) continue;
    const value = (any ? 0 : 8) + (s.boundDev ? 4 : 0);
    if (value > score || (value === score && found !== null && s.order > found.order)) {
      found = s;
      score = value;
    }
  }
  return found;
}

/** __inet_lookup_listener(). */
export const lookupListener = (socks: readonly TcpSock[], family: Family, daddr: Addr, dport: number, dev: NetDevice | null): TcpSock | null =>
  best(socks, family, daddr, dport, dev, (s) => s.state === 'LISTEN');

/** __udp4_lib_lookup() for sockets that are not connected. */
export const lookupUdp = (socks: readonly UdpSock[], family: Family, daddr: Addr, dport: number, dev: NetDevice | null): UdpSock | null =>
  best(socks, family, daddr, dport, dev, () => true);

/** __inet_lookup_established(): the connection that (src, sport) -> (dst, dport) belongs to. */
export function lookupEstablished(socks: readonly TcpSock[], src: Addr, sport: number, dst: Addr, dport: number, dev: NetDevice | null): TcpSock | null {
  for (const s of socks) {
    if (s.state === 'LISTEN' || s.state === 'CLOSE') continue;
    if (s.port === dport && s.rport === sport && s.laddr === dst && s.raddr === src && devFits(s, dev)) return s;
  }
  return null;
}

/** Requests are found where connections are (reqsk_queue_hash_req()). */
export const lookupRequest = (all: readonly RequestSock[], src: Addr, sport: number, dst: Addr, dport: number, dev: NetDevice | null): RequestSock | null =>
  all.find((r) => r.laddr === dst && r.lport === dport && r.raddr === src && r.rport === sport && devFits(r, dev)) ?? null;

/** __udp_is_mcast_sock(): does a broadcast or multicast to (daddr, dport) on `dev` concern this socket? */
export const udpTakesMulticast = (s: UdpSock, family: Family, daddr: Addr, dport: number, dev: NetDevice | null): boolean =>
  s.family === family && s.port === dport && devFits(s, dev) && (s.addr === anyAddr(family) || s.addr === daddr);

export const protoNumber = (name: 'tcp' | 'udp'): 6 | 17 => (name === 'tcp' ? IPPROTO.TCP : IPPROTO.UDP);

/** inet_iif(): a packet that came over lo with the route it was sent by counts as received on the device that owns the address. */
export function inputDev(k: Kernel, skb: Skb): NetDevice | null {
  const dst = skb.dst;
  if (skb.dev?.loopback && dst?.type === 'local' && dst.output === 'unicast') {
    const owner = (dst.route as Route | null)?.nexthops[0]?.dev;
    return (owner && k.device(owner)) || skb.dev;
  }
  return skb.dev;
}
