/**
 * Skb: the mutable packet.
 *
 *   eth (link header, may be null)     data[0] = first byte of the network header
 *   +---------+------+------------+    +----------------+-------------------+-----------+
 *   | dst src | vlan | ethertype  |    | IPv4 / IPv6    | extension headers | thoff ... |
 *   +---------+------+------------+    +----------------+-------------------+-----------+
 *
 * The bytes are the truth, as in the kernel; getters read them and setters write them with the checksums carried along, so that a frame
 * leaves as it would from Linux. What does not stand in the bytes (mark, ct, dst, …) are fields; packet/skb-meta.ts says at which border each is cleared.
 */
import { type Addr, type Family, type Mac, readAddr, writeAddr } from '../base/addr.js';
import type { PacketView } from '../trace/event.js';
import { checksumReplace, replaceWord, replaceWords, transportChecksumOffset } from './checksum.js';
import { findTransport, type Transport } from './ip6.js';
import type { CtInfo, Dst, NetDevice, NfBridge, NfConn, SecpathStep, SkSocket } from './types.js';

/** EtherTypes (linux/if_ether.h). */
export const ETH_P_IP = 0x0800;
export const ETH_P_ARP = 0x0806;
export const ETH_P_IPV6 = 0x86dd;
export const ETH_P_8021Q = 0x8100;

/** Protocol numbers (linux/in.h). */
export const IPPROTO = {
  ICMP: 1,
  IGMP: 2,
  IPIP: 4,
  TCP: 6,
  UDP: 17,
  DCCP: 33,
  IPV6: 41,
  GRE: 47,
  ESP: 50,
  AH: 51,
  ICMPV6: 58,
  SCTP: 132,
  UDPLITE: 136,
} as const;

export type PktType = 'host' | 'broadcast' | 'multicast' | 'otherhost' | 'outgoing' | 'loopback';

export interface EthHeader {
  dst: Mac;
  src: Mac;
}

/** How this skb came to be. `of` is the id of the skb it stems from. */
export interface Origin {
  readonly kind: 'sent' | 'injected' | 'reassembled' | 'fragment' | 'clone' | 'encapsulated' | 'decapsulated' | 'icmp-error' | 'reply' | 'received';
  readonly of: number | null;
}

/** IPCB(skb) / IP6CB(skb). */
export interface ControlBlock {
  /** IPSKB_FORWARDED, IPSKB_REROUTED, … */
  flags: number;
  /** Input ifindex of the receive path (inet_iif of sockets). */
  iif: number;
}
export const IPSKB_FORWARDED = 1 << 0;
export const IPSKB_REROUTED = 1 << 5;
export const IPSKB_DOREDIRECT = 1 << 6;
export const IPSKB_XFRM_TRANSFORMED = 1 << 2;

/** sk_buff: the bytes from the network header on, and what the kernel keeps beside them; changed in place. IPv4 setters keep the header checksum right. */
export class Skb {
  readonly id: number;
  readonly origin: Origin;
  data: Uint8Array;
  /** Ethertype of `data`. */
  protocol: number;
  eth: EthHeader | null = null;
  /** VLAN tag (TCI) in front of the payload, or null. */
  vlan: number | null = null;
  pktType: PktType = 'host';
  dev: NetDevice | null = null;
  /** ifindex of the device it was received on (skb_iif); 0 when made here. */
  iif = 0;
  mark = 0;
  priority = 0;
  secmark = 0;
  ct: NfConn | null = null;
  /** With `ct` null: 7 = untracked; anything else = not seen by conntrack or INVALID (skb->_nfct of a fresh skb is 0). */
  ctinfo: CtInfo = 0;
  /** TRACE target seen. */
  nfTrace = false;
  dst: Dst | null = null;
  nfBridge: NfBridge | null = null;
  secpath: SecpathStep[] | null = null;
  sk: SkSocket | null = null;
  readonly cb: ControlBlock = { flags: 0, iif: 0 };
  /** Largest original fragment (bytes of IP packet), 0 when it never was in fragments. */
  fragMaxSize = 0;
  /** Lengths of the original fragments' IP packets, in order, where conntrack reassembled it; it is re-split like this on output, a copy is not. */
  fragGeometry: readonly number[] | null = null;
  /** Their VLAN tags, where any had one. */
  fragVlans: readonly (number | null)[] | null = null;
  /** IPv6: where in the reassembled packet the fragment header stood that was taken out of it; 0 = none. */
  fragAt = 0;
  /** Any original fragment had DF set (IPSKB_FRAG_PMTU). */
  fragDf = false;
  /** The sender wants no copy of its own multicasts (sk_mc_loop): neighbour discovery. */
  noMcLoop = false;
  /** skb->ignore_df: own packets that may be fragmented although DF is set. */
  ignoreDf = false;
  /**
   * What is known of the transport checksum (skb->ip_summed): that of a packet from a wire, or of what this node summed up itself (ICMPv6), is looked at when
   * somebody asks (packet/verify.ts).
   */
  csum: 'good' | 'bad' | 'unchecked' = 'good';
  /** Of IPv6: what conntrack summed up (skb->csum) no longer holds, since traffic class or hop limit were changed after it, or ip6_forward() gave it up (skb_forward_csum()). */
  csumStale = false;
  /** Id of the packet whose buffer and flow hash this one goes on with, as nft's trace ids see it; 0 = its own. */
  traceId = 0;
  tclassid = 0;
  /**
   * Where skb->mac_header points, in bytes from the network header, for a packet that a tunnel wrapped on this node; null: at the link header, if it has one. ipip and vxlan
   * leave it at the packet inside (skb_reset_mac_header() of __dev_queue_xmit()), IPsec at the protocol field of the header it wrote (xfrm4_tunnel_encap_add). Logs print those bytes as MAC=.
   */
  macAt: number | null = null;
  /** The last view that was taken of it (packet/view.ts). */
  lastView: PacketView | null = null;
  #v6: Transport | null = null;

  constructor(id: number, origin: Origin, data: Uint8Array, protocol: number) {
    this.id = id;
    this.origin = origin;
    this.data = data;
    this.protocol = protocol;
  }

  get family(): Family {
    return this.protocol === ETH_P_IPV6 ? 'ipv6' : 'ipv4';
  }

  u8(at: number): number {
    return this.data[at];
  }
  u16(at: number): number {
    return (this.data[at] << 8) | this.data[at + 1];
  }
  u32(at: number): number {
    const d = this.data;
    return ((d[at] << 24) | (d[at + 1] << 16) | (d[at + 2] << 8) | d[at + 3]) >>> 0;
  }
  setU8(at: number, v: number): void {
    this.data[at] = v;
  }
  setU16(at: number, v: number): void {
    this.data[at] = v >>> 8;
    this.data[at + 1] = v;
  }
  setU32(at: number, v: number): void {
    const d = this.data;
    d[at] = v >>> 24;
    d[at + 1] = v >>> 16;
    d[at + 2] = v >>> 8;
    d[at + 3] = v;
  }

  /** Replace all bytes (encapsulation, reassembly, mangling that changes the length). */
  setData(data: Uint8Array, protocol = this.protocol): void {
    this.data = data;
    this.protocol = protocol;
    this.#v6 = null;
  }

  // --- network header ---

  /** Header length in bytes: IHL * 4, or 40. */
  get nhlen(): number {
    return this.protocol === ETH_P_IPV6 ? 40 : (this.data[0] & 15) * 4;
  }
  get saddr(): Addr {
    return this.protocol === ETH_P_IPV6 ? readAddr(this.data, 8, 'ipv6') : this.u32(12);
  }
  get daddr(): Addr {
    return this.protocol === ETH_P_IPV6 ? readAddr(this.data, 24, 'ipv6') : this.u32(16);
  }
  /** Rewrites the source with IP and transport checksums carried along (transport only where this packet holds the header). */
  set saddr(a: Addr) {
    this.#setAddr(a, this.protocol === ETH_P_IPV6 ? 8 : 12);
  }
  set daddr(a: Addr) {
    this.#setAddr(a, this.protocol === ETH_P_IPV6 ? 24 : 16);
  }
  #setAddr(a: Addr, at: number): void {
    if (typeof a === 'number') {
      const before = this.u32(at);
      this.setU32(at, a);
      this.setU16(10, replaceWords(this.u16(10), before, a));
      this.#fixTransport((sum) => replaceWords(sum, before, a));
      return;
    }
    const before = this.data.slice(at, at + 16);
    writeAddr(this.data, at, a);
    this.#fixTransport((sum) => checksumReplace(sum, before, this.data.subarray(at, at + 16)));
  }
  #fixTransport(replaced: (sum: number) => number): void {
    if (this.fragOffset !== 0) return;
    const th = this.thoff;
    if (th < 0) return;
    const off = transportChecksumOffset(this.l4proto);
    if (off < 0 || this.l4proto === IPPROTO.ICMP || this.data.length < th + off + 2) return;
    const old = this.u16(th + off);
    if (old === 0 && this.l4proto === IPPROTO.UDP) return;
    let sum = replaced(old);
    if (sum === 0 && this.l4proto === IPPROTO.UDP) sum = 0xffff;
    this.setU16(th + off, sum);
  }
  /** Writes a 16-bit transport field (port, ICMP id) with the transport checksum carried along; SCTP's CRC is recomputed on output instead. */
  setTransport16(at: number, v: number): void {
    const before = this.u16(at);
    this.setU16(at, v);
    const th = this.thoff;
    const off = transportChecksumOffset(this.l4proto);
    if (off < 0 || this.data.length < th + off + 2) return;
    const old = this.u16(th + off);
    if (old === 0 && this.l4proto === IPPROTO.UDP) return;
    let sum = replaceWord(old, before, this.u16(at));
    if (sum === 0 && this.l4proto === IPPROTO.UDP) sum = 0xffff;
    this.setU16(th + off, sum);
  }

  /** TOS byte or traffic class. */
  get tos(): number {
    return this.protocol === ETH_P_IPV6 ? ((this.data[0] & 15) << 4) | (this.data[1] >>> 4) : this.data[1];
  }
  set tos(v: number) {
    if (this.protocol === ETH_P_IPV6) {
      if (this.ct !== null) this.csumStale = true;
      this.data[0] = (this.data[0] & 0xf0) | (v >>> 4);
      this.data[1] = (this.data[1] & 0x0f) | ((v & 15) << 4);
      return;
    }
    this.#ip16(0, (this.data[0] << 8) | v);
  }
  /** IPv4 total length; IPv6 payload length + 40. */
  get totLen(): number {
    return this.protocol === ETH_P_IPV6 ? this.u16(4) + 40 : this.u16(2);
  }
  get ttl(): number {
    return this.protocol === ETH_P_IPV6 ? this.data[7] : this.data[8];
  }
  set ttl(v: number) {
    if (this.protocol === ETH_P_IPV6) {
      if (this.ct !== null) this.csumStale = true;
      this.data[7] = v;
    } else this.#ip16(8, (v << 8) | this.data[9]);
  }
  /** IPv4 identification. */
  get ipId(): number {
    return this.u16(4);
  }
  get df(): boolean {
    return (this.data[6] & 0x40) !== 0;
  }
  get mf(): boolean {
    return this.protocol === ETH_P_IPV6 ? this.#transport().mf : (this.data[6] & 0x20) !== 0;
  }
  /** Fragment offset in bytes. */
  get fragOffset(): number {
    return this.protocol === ETH_P_IPV6 ? this.#transport().fragOffset : (this.u16(6) & 0x1fff) * 8;
  }
  get isFragment(): boolean {
    return this.protocol === ETH_P_IPV6 ? this.#transport().isFragment : (this.u16(6) & 0x3fff) !== 0;
  }
  #ip16(at: number, v: number): void {
    const before = this.u16(at);
    this.setU16(at, v);
    this.setU16(10, replaceWord(this.u16(10), before, this.u16(at)));
  }

  // --- transport header ---

  /** Transport protocol (IPv6: after the extension headers). */
  get l4proto(): number {
    return this.protocol === ETH_P_IPV6 ? this.#transport().proto : this.data[9];
  }
  /** Offset of the transport header in data; IPv6: -1 if there is none to be found. */
  get thoff(): number {
    return this.protocol === ETH_P_IPV6 ? this.#transport().offset : (this.data[0] & 15) * 4;
  }
  #transport(): Transport {
    this.#v6 ??= findTransport(this.data);
    return this.#v6;
  }
  /** First two 16-bit words of the transport header, whatever the protocol; -1 where the packet holds none (later fragment, truncated). */
  get sport(): number {
    const th = this.thoff;
    return this.fragOffset === 0 && th >= 0 && this.data.length >= th + 4 ? this.u16(th) : -1;
  }
  get dport(): number {
    const th = this.thoff;
    return this.fragOffset === 0 && th >= 0 && this.data.length >= th + 4 ? this.u16(th + 2) : -1;
  }
  /** Bytes behind the network header (IPv6: behind all extension headers), as the IP length says. */
  get payload(): Uint8Array {
    return this.data.subarray(Math.max(this.thoff, this.nhlen), Math.min(this.totLen, this.data.length));
  }

  /** A copy with an id of its own: bytes and metadata (skb_copy); `origin` says why. */
  copy(id: number, origin: Origin): Skb {
    const c = new Skb(id, origin, this.data.slice(), this.protocol);
    c.eth = this.eth ? { ...this.eth } : null;
    c.vlan = this.vlan;
    c.pktType = this.pktType;
    c.dev = this.dev;
    c.iif = this.iif;
    c.mark = this.mark;
    c.priority = this.priority;
    c.secmark = this.secmark;
    c.ct = this.ct;
    c.ctinfo = this.ctinfo;
    c.nfTrace = this.nfTrace;
    c.dst = this.dst;
    c.nfBridge = this.nfBridge ? { ...this.nfBridge } : null;
    c.secpath = this.secpath ? [...this.secpath] : null;
    c.sk = this.sk;
    c.cb.flags = this.cb.flags;
    c.cb.iif = this.cb.iif;
    c.fragMaxSize = this.fragMaxSize;
    // Its fragments are the original's as well (skb_cloned(), skb_shared()): how they were cut does not count for a copy.
    c.fragAt = this.fragAt;
    c.fragDf = this.fragDf;
    c.ignoreDf = this.ignoreDf;
    c.noMcLoop = this.noMcLoop;
    c.csum = this.csum;
    c.csumStale = this.csumStale;
    c.tclassid = this.tclassid;
    return c;
  }
}
