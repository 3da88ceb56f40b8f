/**
 * REJECT: drop and answer (ipt_REJECT.c, ip6t_REJECT.c, nf_reject_ipv4.c, nf_reject_ipv6.c).
 * Here: what is never answered because of the packet itself (later fragments, RST, wrong checksums, broadcast). That ICMP errors are not answered, and that
 * multicast and rate limits silence an ICMP error, is icmp_send()'s business, behind Env.
 */
import { type Family, type Ip6, isMulticast6 } from '../../../base/addr.js';
import { foldChecksum, pseudoSum, sum16 } from '../../../packet/checksum.js';
import { IPPROTO, type Skb } from '../../../packet/skb.js';
import { RTCF_BROADCAST, RTCF_MULTICAST } from '../../../packet/types.js';
import type { PacketCtx } from '../../pred.js';
import type { TargetDef } from '../extension.js';
import { OptionError } from '../extension.js';
import { V4, V6 } from './common.js';

interface RejectKind {
  readonly name: string;
  readonly alias: string;
  /** -1: a TCP reset. */
  readonly code: number;
}

const kind = (name: string, alias: string, code: number): RejectKind => ({ name, alias, code });
const KINDS: Readonly<Record<Family, readonly RejectKind[]>> = {
  ipv4: [
    kind('icmp-net-unreachable', 'net-unreach', 0),
    kind('icmp-host-unreachable', 'host-unreach', 1),
    kind('icmp-proto-unreachable', 'proto-unreach', 2),
    kind('icmp-port-unreachable', 'port-unreach', 3),
    kind('icmp-net-prohibited', 'net-prohib', 9),
    kind('icmp-host-prohibited', 'host-prohib', 10),
    kind('tcp-reset', 'tcp-rst', -1),
    kind('icmp-admin-prohibited', 'admin-prohib', 13),
  ],
  ipv6: [
    kind('icmp6-no-route', 'no-route', 0),
    kind('icmp6-adm-prohibited', 'adm-prohibited', 1),
    kind('icmp6-addr-unreachable', 'addr-unreach', 3),
    kind('icmp6-port-unreachable', 'port-unreach', 4),
    kind('tcp-reset', 'tcp-reset', -1),
    kind('icmp6-policy-fail', 'policy-fail', 5),
    kind('icmp6-reject-route', 'reject-route', 6),
  ],
};
const DEFAULT: Readonly<Record<Family, number>> = { ipv4: 3, ipv6: 3 };
const DEST_UNREACH: Readonly<Record<Family, number>> = { ipv4: 3, ipv6: 1 };

function rejectTarget(family: Family): TargetDef<RejectKind> {
  const kinds = KINDS[family];
  return {
    name: 'REJECT',
    kernel: family === 'ipv4' ? 'net/ipv4/netfilter/ipt_REJECT.c' : 'net/ipv6/netfilter/ip6t_REJECT.c',
    families: family === 'ipv4' ? V4 : V6,
    tables: ['filter'],
    hooks: ['INPUT', 'FORWARD', 'OUTPUT'],
    options: [{ name: 'reject-with', arg: 'required' }],
    parse(given) {
      const g = given[0];
      if (!g) return kinds[DEFAULT[family]];
      const w = g.value.toLowerCase();
      const found = kinds.find((k) => k.name.startsWith(w) || k.alias.startsWith(w));
      if (!found) throw new OptionError(`unknown reject type "${g.value}"`, 'reject-with', kinds.map((k) => k.name).join(', '));
      return found;
    },
    print: (k) => ` --reject-with ${k.name}`,
    check(k, ctx) {
      if (k.code < 0 && (ctx.proto !== IPPROTO.TCP || ctx.protoInverted))
        throw new OptionError('REJECT: TCP_RESET invalid for non-tcp', 'reject-with', 'put -p tcp in front of it');
    },
    lower: (k) => (c) => {
      if (k.code < 0) answerReset(c);
      else answerUnreach(c, k.code);
      return 'DROP';
    },
  };
}

export const REJECT4 = rejectTarget('ipv4');
export const REJECT6 = rejectTarget('ipv6');

/** Protocols whose checksum does not cover the payload in 16-bit one's complement, or is optional (nf_reject_verify_csum). */
const UNVERIFIED = new Set<number>([IPPROTO.GRE, IPPROTO.AH, IPPROTO.ESP, IPPROTO.SCTP, IPPROTO.UDPLITE, IPPROTO.DCCP]);

/** nf_ip_checksum() / nf_ip6_checksum(): any other protocol is taken for one that sums up to nothing over its whole payload. */
function checksumHolds(skb: Skb): boolean {
  // skb_csum_unnecessary(): conntrack found it right, or a device is to fill it in.
  if (skb.csum === 'good') return true;
  const proto = skb.l4proto;
  const at = skb.thoff;
  const end = Math.min(skb.totLen, skb.data.length);
  if (UNVERIFIED.has(proto) || (proto === IPPROTO.UDP && end >= at + 8 && skb.u16(at + 6) === 0)) return true;
  const v6 = skb.family === 'ipv6';
  let start = 0;
  if (v6) start = pseudoSum(skb.data.subarray(8, 24), skb.data.subarray(24, 40), proto, end - at);
  else if (proto === IPPROTO.TCP || proto === IPPROTO.UDP) start = pseudoSum(skb.data.subarray(12, 16), skb.data.subarray(16, 20), proto, end - at);
  // In IPv4 the sum runs over the header as well, which adds 0xffff: a payload of zeros sums up to nothing.
  else start = foldChecksum(0);
  return foldChecksum(sum16(skb.data, at, end, start)) === 0;
}

/** nf_send_reset(), nf_send_reset6(). */
export function answerReset(c: PacketCtx): void {
  if (mayReset(c.skb)) c.env.sendReset(c);
}

/** nf_send_unreach(), nf_send_unreach6(): `code` of the family's destination unreachable. */
export function answerUnreach(c: PacketCtx, code: number): void {
  if (mayAnswer(c.skb)) c.env.sendIcmpError(c, DEST_UNREACH[c.skb.family], code);
}

function mayAnswer(skb: Skb): boolean {
  if (skb.fragOffset !== 0 || skb.thoff < 0 || (skb.family === 'ipv6' && skb.thoff >= skb.data.length)) return false;
  return checksumHolds(skb);
}

/** nf_reject_ip_tcphdr_get() and the start of nf_send_reset(). */
function mayReset(skb: Skb): boolean {
  const th = skb.thoff;
  if (skb.fragOffset !== 0 || th < 0 || skb.data.length < th + 20 || skb.l4proto !== IPPROTO.TCP) return false;
  if ((skb.u8(th + 13) & 0x04) !== 0) return false;
  if (skb.family === 'ipv6') {
    if (isMulticast6(skb.saddr as Ip6) || isMulticast6(skb.daddr as Ip6)) return false;
  } else if (skb.dst && (skb.dst.flags & (RTCF_BROADCAST | RTCF_MULTICAST)) !== 0) return false;
  return checksumHolds(skb);
}
