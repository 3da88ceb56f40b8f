/**
 * A frame as a row of named byte ranges: which of them the kernel chooses freely (SCORING.md section 3) and what each is called in a report.
 * The walk follows the recorded frame; since everything that decides the layout is compared, the model's frame either has the same layout or differs before it.
 */
import { findTransport, NEXTHDR } from '../../packet/ip6.js';
import { ETH_P_IP, ETH_P_IPV6, IPPROTO } from '../../packet/skb.js';

/** What the scorer knows of the frames injected so far. */
export interface InjectedFacts {
  /** Keys `idKey(id, protocol)` of every IPv4 header, inner packets of VXLAN frames included. */
  readonly ids: ReadonlySet<number>;
  /** Flow labels of IPv6 headers. */
  readonly labels: ReadonlySet<number>;
  /** Identifications of IPv6 fragments. */
  readonly fragments: ReadonlySet<number>;
  /** Sequence numbers of TCP segments with SYN. */
  readonly synSeqs: ReadonlySet<number>;
  /** UDP ports of the node's VXLAN devices. */
  readonly vxlanPorts: ReadonlySet<number>;
}

export const idKey = (id: number, proto: number): number => id * 256 + proto;

/** Bytes [from, to) of a frame. `mask`: which bits of each byte are compared; 0 where the kernel chose freely. */
export interface FieldRange {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly mask: number;
}

const VXLAN_HEADER = 8;
const ETH_HEADER = 14;
const ICMP_ERRORS = [3, 4, 5, 11, 12];
const ICMP_TIMESTAMP_REPLY = 14;
const TH_SYN = 2;

const u16 = (b: Uint8Array, at: number): number => (b[at] << 8) | b[at + 1];
const u32 = (b: Uint8Array, at: number): number => ((b[at] << 24) | (b[at + 1] << 16) | (b[at + 2] << 8) | b[at + 3]) >>> 0;

/** The fields of a whole Ethernet frame, in order and without gaps. */
export function frameFields(b: Uint8Array, facts: InjectedFacts): FieldRange[] {
  const out = new FieldList(b);
  ethernet(out, '', facts);
  out.rest('data');
  return out.fields;
}

/** Collects ranges in order; what lies beyond the end of the frame (cut quotes) is cut off. */
class FieldList {
  readonly fields: FieldRange[] = [];
  at = 0;
  constructor(readonly bytes: Uint8Array) {}
  /** The next `length` bytes. */
  add(name: string, length: number, free = false, mask = free ? 0 : 0xff): void {
    const to = Math.min(this.at + length, this.bytes.length);
    if (to > this.at) this.fields.push({ name, from: this.at, to, mask });
    this.at = Math.max(this.at, to);
  }
  rest(name: string): void {
    this.add(name, this.bytes.length - this.at);
  }
  /** Are `length` bytes left? */
  has(length: number): boolean {
    return this.at + length <= this.bytes.length;
  }
}

function ethernet(out: FieldList, prefix: string, facts: InjectedFacts): void {
  const at = out.at;
  if (!out.has(ETH_HEADER)) {
    out.rest(`${prefix}eth`);
    return;
  }
  out.add(`${prefix}eth.dst`, 6);
  out.add(`${prefix}eth.src`, 6);
  out.add(`${prefix}eth.type`, 2);
  network(out, u16(out.bytes, at + 12), prefix, facts);
}

function network(out: FieldList, ethertype: number, prefix: string, facts: InjectedFacts): void {
  if (ethertype === ETH_P_IP) ipv4(out, prefix, facts);
  else if (ethertype === ETH_P_IPV6) ipv6(out, prefix, facts);
  else out.rest(`${prefix}${ethertype === 0x0806 ? 'arp' : 'payload'}`);
}

function ipv4(out: FieldList, prefix: string, facts: InjectedFacts): void {
  const b = out.bytes;
  const at = out.at;
  if (!out.has(20)) {
    out.rest(`${prefix}ip`);
    return;
  }
  const proto = b[at + 9];
  const own = !facts.ids.has(idKey(u16(b, at + 4), proto));
  out.add(`${prefix}ip.version`, 1);
  out.add(`${prefix}ip.tos`, 1);
  out.add(`${prefix}ip.len`, 2);
  out.add(`${prefix}ip.id`, 2, own);
  out.add(`${prefix}ip.frag`, 2);
  out.add(`${prefix}ip.ttl`, 1);
  out.add(`${prefix}ip.proto`, 1);
  out.add(`${prefix}ip.check`, 2, true);
  out.add(`${prefix}ip.src`, 4);
  out.add(`${prefix}ip.dst`, 4);
  out.add(`${prefix}ip.options`, Math.max(0, (b[at] & 15) * 4 - 20));
  if ((u16(b, at + 6) & 0x1fff) !== 0) {
    out.rest(`${prefix}fragment data`);
    return;
  }
  transport(out, proto, prefix, facts, own);
}

function ipv6(out: FieldList, prefix: string, facts: InjectedFacts): void {
  const b = out.bytes;
  const at = out.at;
  if (!out.has(40)) {
    out.rest(`${prefix}ip6`);
    return;
  }
  const label = u32(b, at) & 0xfffff;
  const free = label !== 0 && !facts.labels.has(label);
  const header = b.subarray(at);
  const t = findTransport(header);
  out.add(`${prefix}ip6.class`, 1);
  // The upper four bits of this byte belong to the traffic class and count although the label is free.
  out.add(`${prefix}ip6.class/label`, 1, false, free ? 0xf0 : 0xff);
  out.add(`${prefix}ip6.label`, 2, free);
  out.add(`${prefix}ip6.plen`, 2);
  out.add(`${prefix}ip6.next`, 1);
  out.add(`${prefix}ip6.hlim`, 1);
  out.add(`${prefix}ip6.src`, 16);
  out.add(`${prefix}ip6.dst`, 16);
  if (t.offset < 0) {
    out.rest(`${prefix}ip6 data`);
    return;
  }
  const ident = fragmentIdentification(header, t.offset);
  if (ident < 0) out.add(`${prefix}ip6.ext`, t.offset - 40);
  else {
    out.add(`${prefix}ip6.ext`, ident - 40);
    out.add(`${prefix}ip6.fragment id`, 4, !facts.fragments.has(u32(header, ident)));
    out.add(`${prefix}ip6.ext`, t.offset - ident - 4);
  }
  if (t.fragOffset !== 0) {
    out.rest(`${prefix}fragment data`);
    return;
  }
  transport(out, t.proto, prefix, facts, false);
}

/** Where the identification of an IPv6 packet's fragment header stands, -1 without one. `end`: where its extension headers end. */
export function fragmentIdentification(b: Uint8Array, end: number): number {
  let next = b[6];
  for (let at = 40; at + 8 <= end && at + 8 <= b.length; ) {
    if (next === NEXTHDR.FRAGMENT) return at + 4;
    const length = next === NEXTHDR.AUTH ? (b[at + 1] + 2) * 4 : (b[at + 1] + 1) * 8;
    next = b[at];
    at += length;
  }
  return -1;
}

function transport(out: FieldList, proto: number, prefix: string, facts: InjectedFacts, own: boolean): void {
  switch (proto) {
    case IPPROTO.TCP:
      tcp(out, prefix, facts);
      return;
    case IPPROTO.UDP:
      udp(out, prefix, facts);
      return;
    case IPPROTO.ICMP:
    case IPPROTO.ICMPV6:
      icmp(out, proto, prefix, facts, own);
      return;
    case IPPROTO.SCTP:
      out.add(`${prefix}sctp.ports`, 4);
      out.add(`${prefix}sctp.vtag`, 4);
      out.add(`${prefix}sctp.check`, 4, true);
      out.rest(`${prefix}sctp.chunks`);
      return;
    default:
      out.rest(`${prefix}payload`);
      return;
  }
}

function tcp(out: FieldList, prefix: string, facts: InjectedFacts): void {
  const b = out.bytes;
  const at = out.at;
  // A quote may end before the flags; without them the segment cannot be known to be a SYN.
  const syn = out.has(14) && (b[at + 13] & TH_SYN) !== 0;
  out.add(`${prefix}tcp.sport`, 2);
  out.add(`${prefix}tcp.dport`, 2);
  out.add(`${prefix}tcp.seq`, 4, syn && !facts.synSeqs.has(u32(b, at + 4)));
  out.add(`${prefix}tcp.ack`, 4);
  out.add(`${prefix}tcp.offset`, 1);
  out.add(`${prefix}tcp.flags`, 1);
  out.add(`${prefix}tcp.window`, 2);
  out.add(`${prefix}tcp.check`, 2, true);
  out.add(`${prefix}tcp.urgent`, 2);
  if (b.length > at + 20) out.add(`${prefix}tcp.options`, Math.max(0, (b[at + 12] >> 4) * 4 - 20));
  out.rest(`${prefix}tcp.data`);
}

function udp(out: FieldList, prefix: string, facts: InjectedFacts): void {
  const vxlan = out.has(8) && facts.vxlanPorts.has(u16(out.bytes, out.at + 2));
  out.add(`${prefix}udp.sport`, 2);
  out.add(`${prefix}udp.dport`, 2);
  out.add(`${prefix}udp.len`, 2);
  out.add(`${prefix}udp.check`, 2, true);
  if (!vxlan) {
    out.rest(`${prefix}udp.data`);
    return;
  }
  out.add(`${prefix}vxlan`, VXLAN_HEADER);
  ethernet(out, `${prefix}inner `, facts);
}

function icmp(out: FieldList, proto: number, prefix: string, facts: InjectedFacts, own: boolean): void {
  const type = out.bytes[out.at];
  const name = proto === IPPROTO.ICMP ? 'icmp' : 'icmp6';
  out.add(`${prefix}${name}.type`, 1);
  out.add(`${prefix}${name}.code`, 1);
  out.add(`${prefix}${name}.check`, 2, true);
  out.add(`${prefix}${name}.rest`, 4);
  const error = proto === IPPROTO.ICMP ? ICMP_ERRORS.includes(type) : type >= 1 && type <= 4;
  if (error) {
    network(out, proto === IPPROTO.ICMP ? ETH_P_IP : ETH_P_IPV6, `${prefix}quoted `, facts);
  } else if (proto === IPPROTO.ICMP && type === ICMP_TIMESTAMP_REPLY && own) {
    out.add(`${prefix}icmp.originate`, 4);
    out.add(`${prefix}icmp.receive`, 4, true);
    out.add(`${prefix}icmp.transmit`, 4, true);
  }
  out.rest(`${prefix}${name}.data`);
}
