/** The protocol trackers other than TCP and SCTP, and the table of them: nf_conntrack_handle_packet(). */
import { IPPROTO, type Skb } from '../../packet/skb.js';
import { type CtInfo, IPS } from '../../packet/types.js';
import { checksumBad } from '../../packet/verify.js';
import { type Conn, dirOf, IPS_NAT_CLASH } from './conn.js';
import { type ConntrackHost, seconds } from './host.js';

/** What a tracker gets. */
export interface TrackArgs {
  readonly host: ConntrackHost;
  readonly ct: Conn;
  readonly skb: Skb;
  /** Offset of the transport header. */
  readonly offset: number;
  /** Checksums count: at PREROUTING with nf_conntrack_checksum. */
  readonly checkSum: boolean;
  /** Takes the entry out of the table. */
  readonly kill: (ct: Conn) => boolean;
}
/** 'repeat': NF_REPEAT, look the tuple up again. */
export interface TrackVerdict {
  readonly kind: 'accept' | 'invalid' | 'repeat' | 'drop';
}
export const ACCEPT: TrackVerdict = { kind: 'accept' };
export const INVALID: TrackVerdict = { kind: 'invalid' };

/** nf_ct_refresh_acct(): a new time-out in ms, and the packet counted. */
export function refresh(a: TrackArgs, info: CtInfo, extra: number): void {
  const { ct, skb, host } = a;
  if (!(ct.status & IPS.FIXED_TIMEOUT)) ct.expires = ct.confirmed ? host.now() + extra : extra;
  ct.count(dirOf(info), 1, skb.data.length);
}

/** nf_conntrack_udp_packet(). `proto.streamAt` is the time from which an answered flow is a stream, two seconds after its start. */
export function trackUdp(a: TrackArgs, info: CtInfo): TrackVerdict {
  const { ct, skb, host, offset } = a;
  const room = skb.data.length - offset;
  if (room < 8) return INVALID;
  const length = skb.u16(offset + 4);
  if (length > room || length < 8) return INVALID;
  if (skb.u16(offset + 6) !== 0 && a.checkSum && checksumBad(skb)) return INVALID;
  if (!ct.confirmed) ct.proto = { streamAt: host.now() + 2000 };
  const short = seconds(host.settings.nf_conntrack_udp_timeout);
  if (!(ct.status & IPS.SEEN_REPLY)) {
    refresh(a, info, short);
    return ACCEPT;
  }
  const stream = host.now() > ((ct.proto as { streamAt: number } | null)?.streamAt ?? 0);
  refresh(a, info, stream ? seconds(host.settings.nf_conntrack_udp_timeout_stream) : short);
  if (stream && !(ct.status & IPS_NAT_CLASH)) ct.status |= IPS.ASSURED;
  return ACCEPT;
}

/** nf_conntrack_udplite_packet(). */
export function trackUdpLite(a: TrackArgs, info: CtInfo): TrackVerdict {
  const { ct, skb, host, offset } = a;
  const room = skb.data.length - offset;
  if (room < 8) return INVALID;
  const coverage = skb.u16(offset + 4);
  if (coverage !== 0 && (coverage < 8 || coverage > room)) return INVALID;
  if (skb.u16(offset + 6) === 0 || (a.checkSum && checksumBad(skb))) return INVALID;
  const replied = (ct.status & IPS.SEEN_REPLY) !== 0;
  refresh(a, info, seconds(host.settings[replied ? 'nf_conntrack_udp_timeout_stream' : 'nf_conntrack_udp_timeout']));
  if (replied && !(ct.status & IPS_NAT_CLASH)) ct.status |= IPS.ASSURED;
  return ACCEPT;
}

/** Requests that may start an entry: echo, timestamp, information, address mask. */
const ICMP_REQUESTS: ReadonlySet<number> = new Set([8, 13, 15, 17]);
/** nf_conntrack_icmp_packet(). */
export function trackIcmp(a: TrackArgs, info: CtInfo): TrackVerdict {
  if (a.skb.family !== 'ipv4' || !ICMP_REQUESTS.has(a.ct.orig.dport >>> 8)) return INVALID;
  refresh(a, info, seconds(a.host.settings.nf_conntrack_icmp_timeout));
  return ACCEPT;
}

/** Echo request and node information query. */
const ICMPV6_REQUESTS: ReadonlySet<number> = new Set([128, 139]);
/** nf_conntrack_icmpv6_packet(). */
export function trackIcmpv6(a: TrackArgs, info: CtInfo): TrackVerdict {
  if (a.skb.family !== 'ipv6' || (!a.ct.confirmed && !ICMPV6_REQUESTS.has(a.ct.orig.dport >>> 8))) return INVALID;
  refresh(a, info, seconds(a.host.settings.nf_conntrack_icmpv6_timeout));
  return ACCEPT;
}

/** nf_conntrack_gre_packet(). */
export function trackGre(a: TrackArgs, info: CtInfo): TrackVerdict {
  const replied = (a.ct.status & IPS.SEEN_REPLY) !== 0;
  refresh(a, info, seconds(a.host.settings[replied ? 'nf_conntrack_gre_timeout_stream' : 'nf_conntrack_gre_timeout']));
  if (replied && !(a.ct.status & IPS_NAT_CLASH)) a.ct.status |= IPS.ASSURED;
  return ACCEPT;
}

/** generic_packet(): every other protocol, by addresses alone. */
export function trackGeneric(a: TrackArgs, info: CtInfo): TrackVerdict {
  refresh(a, info, seconds(a.host.settings.nf_conntrack_generic_timeout));
  return ACCEPT;
}

/** l4proto->allow_clash: two packets that raced for one flow may share the entry. */
export const allowsClash = (proto: number): boolean =>
  proto !== IPPROTO.TCP && proto !== IPPROTO.SCTP && proto !== IPPROTO.ICMP && proto !== IPPROTO.ICMPV6 && proto !== IPPROTO.GRE;
