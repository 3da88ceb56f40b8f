/** Named readers of the packet that rules test: what a match is lowered to, what an explanation names, what an index may hash. */
import { type Addr, formatAddr, formatMac, isMulticast4, isMulticast6 } from '../base/addr.js';
import { protocolName } from '../base/well-known.js';
import { IPPROTO } from '../packet/skb.js';
import { CTINFO, ctIsReply, IPS, type NfConn, type SkSocket } from '../packet/types.js';
import { absent, all, type Field, not, type PacketCtx, type Pred, type Scalar } from './pred.js';

const decimal = (v: Scalar): string => String(v);
const hex = (v: Scalar): string => `0x${(v as number).toString(16)}`;
const address = (v: Scalar): string => formatAddr(v as Addr);
const port = (p: number): number | undefined => (p < 0 ? undefined : p);

const field = (name: string, read: (c: PacketCtx) => Scalar | undefined, show: (v: Scalar) => string = decimal): Field => ({ name, read, show });

// --- devices ---
export const iifname = field('input device', (c) => c.in?.name);
/** Bridge ports, where br_netfilter carries the packet (physdev match). */
export const physin = field('input bridge port', (c) => c.skb.nfBridge?.physindev.name);
export const physout = field('output bridge port', (c) => c.skb.nfBridge?.physoutdev?.name);
export const iifgroup = field('input device group', (c) => c.in?.group);
export const oifgroup = field('output device group', (c) => c.out?.group);

// --- network header ---
export const saddr = field('source', (c) => c.skb.saddr, address);
export const daddr = field('destination', (c) => c.skb.daddr, address);
export const l4proto = field(
  'protocol',
  (c) => c.skb.l4proto,
  (v) => protocolName(v as number) ?? String(v),
);
export const tos = field('tos', (c) => c.skb.tos, hex);
export const dscp = field('dscp', (c) => c.skb.tos >>> 2, hex);
export const ttl = field('ttl', (c) => c.skb.ttl);
/** Length of the whole IP packet in bytes. */
export const length = field('length', (c) => c.skb.totLen);
/** In bytes; 0 also for whole packets. */
export const fragOffset = field('fragment offset', (c) => c.skb.fragOffset);

// --- transport header ---
/** First and second 16-bit word of the transport header; undefined for later fragments and truncated packets. */
export const sport = field('source port', (c) => port(c.skb.sport));
export const dport = field('destination port', (c) => port(c.skb.dport));

const TCP_FLAG_NAMES = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR'];
const flagNames = (v: Scalar): string => TCP_FLAG_NAMES.filter((_, i) => ((v as number) >>> i) & 1).join(',') || 'NONE';
/** Byte at `at` of the transport header, provided `need` bytes of it are there and it is not a later fragment. */
export function transportByte(c: PacketCtx, at: number, need: number): number | undefined {
  const th = c.skb.thoff;
  return c.skb.fragOffset === 0 && th >= 0 && c.skb.data.length >= th + need ? c.skb.u8(th + at) : undefined;
}
export const tcpFlags = field('tcp flags', (c) => (c.skb.l4proto === IPPROTO.TCP ? transportByte(c, 13, 20) : undefined), flagNames);
const isIcmp = (c: PacketCtx): boolean => c.skb.l4proto === (c.family === 'ipv6' ? IPPROTO.ICMPV6 : IPPROTO.ICMP);
export const icmpType = field('icmp type', (c) => (isIcmp(c) ? transportByte(c, 0, 8) : undefined));
/** type * 256 + code. */
export const icmpTypeCode = field(
  'icmp type/code',
  (c) => {
    const type = isIcmp(c) ? transportByte(c, 0, 8) : undefined;
    return type === undefined ? undefined : type * 256 + c.skb.u8(c.skb.thoff + 1);
  },
  (v) => `${(v as number) >>> 8}/${(v as number) & 255}`,
);

// --- link header ---
/** Source MAC of a packet on an Ethernet device (xt_mac). */
export const smac = field(
  'source mac',
  (c) => (c.skb.dev?.linkType === 'ether' && c.skb.eth ? c.skb.eth.src : undefined),
  (v) => formatMac(v as number),
);
/** pkt_type with the rewrite of loopback packets that xt_pkttype makes. */
export const pktType = field('packet type', (c) => {
  if (c.skb.pktType !== 'loopback') return c.skb.pktType;
  const first = typeof c.skb.daddr === 'number' ? isMulticast4(c.skb.daddr) : isMulticast6(c.skb.daddr);
  return first ? 'multicast' : 'broadcast';
});

// --- metadata ---
export const mark = field('mark', (c) => c.skb.mark, hex);
export const realm = field('realm', (c) => c.skb.dst?.realm, hex);
/** skb_to_full_sk(): a request socket stands for its listener; null where there is none, or only one in TIME_WAIT. */
export function fullSocket(c: PacketCtx): SkSocket | null {
  const sk = c.skb.sk?.listener ?? c.skb.sk;
  return sk && (sk.full || sk.kernel) ? sk : null;
}
/** The kernel's own sockets have no file, hence no owner. */
const owner = (c: PacketCtx): SkSocket | undefined => {
  const sk = fullSocket(c);
  return sk && !sk.kernel ? sk : undefined;
};
export const uid = field('uid', (c) => owner(c)?.uid);
export const gid = field('gid', (c) => owner(c)?.gid);

// --- connection tracking ---
/** XT_CONNTRACK_STATE_*: one bit per state, SNAT and DNAT beside the real one. */
export const CT_STATE = { INVALID: 1, ESTABLISHED: 2, RELATED: 4, NEW: 8, SNAT: 64, DNAT: 128, UNTRACKED: 256 } as const;
export const ctStateNames = (bits: number): string =>
  (['INVALID', 'NEW', 'RELATED', 'ESTABLISHED', 'UNTRACKED', 'SNAT', 'DNAT'] as const).filter((n) => bits & CT_STATE[n]).join(',');

function ctStateBits(c: PacketCtx): number {
  const ct = c.skb.ct;
  if (!ct) return c.skb.ctinfo === CTINFO.UNTRACKED ? CT_STATE.UNTRACKED : CT_STATE.INVALID;
  return (1 << ((c.skb.ctinfo % 3) + 1)) | (ct.status & IPS.SRC_NAT ? CT_STATE.SNAT : 0) | (ct.status & IPS.DST_NAT ? CT_STATE.DNAT : 0);
}

export const ctstate = field('ctstate', ctStateBits, (v) => ctStateNames(v as number));

/** A field of the connection; undefined where the packet has none (nf_ct_get() gives null). */
const ctField = (name: string, read: (ct: NfConn, c: PacketCtx) => Scalar, show: (v: Scalar) => string = decimal): Field =>
  field(name, (c) => (c.skb.ct ? read(c.skb.ct, c) : undefined), show);
export const ctmark = ctField('connmark', (ct) => ct.mark, hex);
export const ctstatus = ctField('ctstatus', (ct) => ct.status, hex);
export const ctproto = ctField('ctproto', (ct) => ct.orig.proto);
/** 0 original, 1 reply. */
export const ctdir = ctField(
  'ctdir',
  (_, c) => (ctIsReply(c.skb.ctinfo) ? 1 : 0),
  (v) => (v === 0 ? 'ORIGINAL' : 'REPLY'),
);
export const ctorigsrc = ctField('ctorigsrc', (ct) => ct.orig.src, address);
export const ctorigdst = ctField('ctorigdst', (ct) => ct.orig.dst, address);
export const ctreplsrc = ctField('ctreplsrc', (ct) => ct.reply.src, address);
export const ctrepldst = ctField('ctrepldst', (ct) => ct.reply.dst, address);
export const ctorigsrcport = ctField('ctorigsrcport', (ct) => ct.orig.sport);
export const ctorigdstport = ctField('ctorigdstport', (ct) => ct.orig.dport);
export const ctreplsrcport = ctField('ctreplsrcport', (ct) => ct.reply.sport);
export const ctrepldstport = ctField('ctrepldstport', (ct) => ct.reply.dport);
/** Whole seconds left. */
export const ctexpire = ctField('ctexpire', (ct, c) => Math.max(0, Math.floor((ct.expires - c.env.now()) / 1000)));
export const cthelper = ctField(
  'helper',
  (ct) => ct.master?.helper ?? '',
  (v) => (v === '' ? 'none' : String(v)),
);

/** The packet has the field. */
export const present = (f: Field): Pred => not(absent(f));
/** `p`, a test on `f`; negated where `invert`, but a packet without the field never satisfies it: the kernel's matches say no before they invert. */
export const whenPresent = (f: Field, invert: boolean, p: Pred): Pred => (invert ? all(present(f), not(p)) : p);
