/** The far ends' part of a conversation: a frame that answers, complains about or continues one that the node emitted. */
import { type Addr, type Ip6, readAddr } from '../base/addr.js';
import type { CorpusLink, EmittedFrame, InjectStep } from '../harness/conformance/corpus.js';
import { bytesHex, hexBytes } from '../harness/conformance/hex.js';
import { buildIcmp, buildIcmp6, buildIp, buildTcp, buildUdp, TCP_FLAG } from '../packet/build.js';
import { findTransport } from '../packet/ip6.js';
import type { FollowStep } from './case-spec.js';

const ETH = 14;
const ICMP = 1;
const TCP = 6;
const UDP = 17;
const ICMPV6 = 58;
const QUOTE6 = 1232;

export function ethernet(dst: string, src: string, ip: Uint8Array): string {
  const type = ip[0] >>> 4 === 6 ? '86dd' : '0800';
  return `${dst.replaceAll(':', '')}${src.replaceAll(':', '')}${type}${bytesHex(ip)}`;
}

interface Seen {
  /** Who answers, and whom. */
  readonly far: string;
  readonly near: string;
  readonly ip: Uint8Array;
  readonly th: number;
  readonly proto: number;
  readonly src: Addr;
  readonly dst: Addr;
  readonly v6: boolean;
}

const macText = (b: Uint8Array, at: number): string => bytesHex(b.subarray(at, at + 6)).replace(/..(?=.)/g, '$&:');

function read(e: EmittedFrame, links: readonly CorpusLink[]): Seen | null {
  const link = links.find((l) => l.name === e.dev);
  const b = hexBytes(e.frame);
  if (!link) return null;
  const type = (b[12] << 8) | b[13];
  const packet = type === 0x0800 ? read4(b.subarray(ETH)) : type === 0x86dd ? read6(b.subarray(ETH)) : null;
  // What a bridge passed on has the addresses of two hosts; a node's own frame is answered by the far end, whichever host the node thinks it is.
  const sent = macText(b, 6);
  const bridged = sent !== link.mac && (b[0] & 1) === 0;
  return packet && { far: bridged ? macText(b, 0) : link.far_mac, near: sent, ...packet };
}

type Packet = Omit<Seen, 'far' | 'near'>;

function read4(ip: Uint8Array): Packet | null {
  if (ip.length < 20) return null;
  const th = (ip[0] & 15) * 4;
  if (((ip[6] & 0x1f) << 8) | ip[7] || ip.length < th + 8) return null;
  return { ip, th, proto: ip[9], src: readAddr(ip, 12, 'ipv4'), dst: readAddr(ip, 16, 'ipv4'), v6: false };
}

/** Nobody answers neighbour discovery or for a group. */
function read6(ip: Uint8Array): Packet | null {
  if (ip.length < 48 || ip[24] === 0xff) return null;
  const t = findTransport(ip);
  if (t.offset < 0 || t.fragOffset !== 0 || t.mf || ip.length < t.offset + 8) return null;
  return { ip, th: t.offset, proto: t.proto, src: readAddr(ip, 8, 'ipv6'), dst: readAddr(ip, 24, 'ipv6'), v6: true };
}

/** null where nothing fitting was emitted. */
export function followFrame(s: FollowStep, emitted: readonly EmittedFrame[], links: readonly CorpusLink[]): InjectStep | null {
  for (const e of emitted) {
    const seen = read(e, links);
    const ip = seen && (tunnelled(seen, s) ?? (s.how === 'error' ? complaint(seen, s.n) : answer(seen, s.n, s.how)));
    if (seen && ip) return { kind: 'inject', n: s.n, derived_from: s.of, dev: e.dev, frame: ethernet(seen.near, seen.far, ip) };
  }
  return null;
}

const VXLAN_PORTS: ReadonlySet<number> = new Set([4789, 8472]);
const VXLAN_HLEN = 8;
const VXLAN_VNI = 0x08;

/** VXLAN's header in front of a frame. */
export function encapsulated(vni: number, frame: Uint8Array): Uint8Array {
  const out = new Uint8Array(VXLAN_HLEN + frame.length);
  out.set([VXLAN_VNI, 0, 0, 0, vni >>> 16, (vni >>> 8) & 255, vni & 255]);
  out.set(frame, VXLAN_HLEN);
  return out;
}

/** What comes back through a tunnel: the host behind it answers the inner frame. */
function tunnelled(p: Seen, s: FollowStep): Uint8Array | null {
  const u16 = (at: number): number => (p.ip[at] << 8) | p.ip[at + 1];
  const at = p.th + 8;
  if (p.proto !== UDP || !VXLAN_PORTS.has(u16(p.th + 2)) || p.ip.length < at + VXLAN_HLEN + ETH || p.ip[at] !== VXLAN_VNI) return null;
  const inner = p.ip.subarray(at + VXLAN_HLEN);
  // Its own Ethernet addresses are the ends, as on a bridge.
  const ends: CorpusLink = { name: '', mac: '', far_mac: macText(inner, 0), up: true };
  const back = followFrame(s, [{ dev: '', frame: bytesHex(inner) }], [ends]);
  if (back === null) return null;
  const vni = (p.ip[at + 4] << 16) | (p.ip[at + 5] << 8) | p.ip[at + 6];
  const payload = buildUdp({ sport: u16(p.th), dport: u16(p.th + 2), payload: encapsulated(vni, hexBytes(back.frame)) }, p.dst, p.src);
  return buildIp({ src: p.dst, dst: p.src, proto: UDP, ttl: 61, id: 0x6000 + s.n, payload });
}

/** Type, code and the rest of the header: port, host and protocol unreachable, too big for 1300 bytes, out of hops, prohibited, a wrong header. */
const COMPLAINTS = [
  [3, 3, 0],
  [11, 0, 0],
  [3, 1, 0],
  [3, 4, 1300],
  [3, 2, 0],
  [3, 13, 0],
  [12, 0, 0x14000000],
] as const;

/** Port, address and route unreachable, out of hops, too big for 1300 bytes, prohibited, a wrong header, an unknown one. */
const COMPLAINTS6 = [
  [1, 4, 0],
  [3, 0, 0],
  [1, 3, 0],
  [2, 0, 1300],
  [1, 0, 0],
  [1, 1, 0],
  [4, 0, 6],
  [4, 1, 6],
] as const;

function complaint(p: Seen, n: number): Uint8Array | null {
  if (p.v6) return complaint6(p, n);
  if (p.proto === ICMP && ![0, 8].includes(p.ip[p.th])) return null;
  const quote = p.ip.slice(0, Math.min(p.ip.length, p.th + 28));
  const [type, code, rest] = COMPLAINTS[(n + quote[quote.length - 1]) % COMPLAINTS.length];
  return buildIp({ src: p.dst, dst: p.src, proto: ICMP, ttl: 60, id: 0x5000 + n, payload: buildIcmp({ type, code, rest, payload: quote }) });
}

function complaint6(p: Seen, n: number): Uint8Array | null {
  if (p.proto === ICMPV6 && ![128, 129].includes(p.ip[p.th])) return null;
  const quote = p.ip.slice(0, QUOTE6);
  const [type, code, rest] = COMPLAINTS6[(n + quote[quote.length - 1]) % COMPLAINTS6.length];
  const payload = buildIcmp6({ type, code, rest, payload: quote }, p.dst as Ip6, p.src as Ip6);
  return buildIp({ src: p.dst, dst: p.src, proto: ICMPV6, ttl: 60, payload });
}

function answer(p: Seen, n: number, how: FollowStep['how']): Uint8Array | null {
  const b = p.ip;
  const u16 = (at: number): number => (b[at] << 8) | b[at + 1];
  const u32 = (at: number): number => ((b[at] << 24) | (b[at + 1] << 16) | (b[at + 2] << 8) | b[at + 3]) >>> 0;
  const ip = (payload: Uint8Array): Uint8Array => buildIp({ src: p.dst, dst: p.src, proto: p.proto, ttl: 61, id: 0x4000 + n, payload });
  if (p.proto === UDP) return ip(buildUdp({ sport: u16(p.th + 2), dport: u16(p.th), payload: new Uint8Array([0x61, n]) }, p.dst, p.src));
  if (p.proto === ICMP && !p.v6) {
    if (b[p.th] !== 8) return null;
    return ip(buildIcmp({ type: 0, code: 0, rest: u32(p.th + 4), payload: b.slice(p.th + 8) }));
  }
  if (p.proto === ICMPV6 && p.v6) {
    if (b[p.th] !== 128) return null;
    return ip(buildIcmp6({ type: 129, code: 0, rest: u32(p.th + 4), payload: b.slice(p.th + 8) }, p.dst as Ip6, p.src as Ip6));
  }
  if (p.proto !== TCP || b.length < p.th + 20) return null;
  const flags = b[p.th + 13];
  const data = b.length - p.th - (b[p.th + 12] >>> 4) * 4;
  if (flags & TCP_FLAG.RST) return null;
  const ack = (u32(p.th + 4) + data + (flags & (TCP_FLAG.SYN | TCP_FLAG.FIN) ? 1 : 0)) >>> 0;
  const syn = (flags & (TCP_FLAG.SYN | TCP_FLAG.ACK)) === TCP_FLAG.SYN;
  const seq = flags & TCP_FLAG.ACK ? u32(p.th + 8) : 0x77000000 + n;
  const more = how === 'data' ? TCP_FLAG.PSH : how === 'fin' ? TCP_FLAG.FIN : 0;
  const out = how === 'rst' ? TCP_FLAG.RST | TCP_FLAG.ACK : syn ? TCP_FLAG.SYN | TCP_FLAG.ACK : TCP_FLAG.ACK | more;
  const payload = new Uint8Array(how === 'data' && !syn ? [0x61, 0x62, n] : []);
  return ip(buildTcp({ sport: u16(p.th + 2), dport: u16(p.th), seq, ack, flags: out, window: 29200, payload }, p.dst, p.src));
}
