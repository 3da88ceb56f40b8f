/** ICMP errors and replies that the node makes: icmp_send(), icmp_reply() (net/ipv4/icmp.c). The packet made runs to its end before this returns. */
import { type Addr, ANY4, type Family } from '../../base/addr.js';
import { buildIp4 } from '../../packet/build.js';
import { foldChecksum, sum16 } from '../../packet/checksum.js';
import { ETH_P_IP, type Origin, type Skb } from '../../packet/skb.js';
import { type Dst, RTCF_BROADCAST, RTCF_LOCAL, RTCF_MULTICAST } from '../../packet/types.js';
import { flight } from '../flight.js';
import type { Kernel } from '../kernel.js';
import { icmpSk } from '../kernel-socket.js';

/** ICMP types by number with nstat's names; `error`: an ICMP error is never answered by another. */
export const icmpTypes: Readonly<Record<number, { readonly name: string; readonly error: boolean }>> = {
  0: { name: 'EchoReps', error: false },
  3: { name: 'DestUnreachs', error: true },
  4: { name: 'SrcQuenchs', error: true },
  5: { name: 'Redirects', error: true },
  8: { name: 'Echos', error: false },
  11: { name: 'TimeExcds', error: true },
  12: { name: 'ParmProbs', error: true },
  13: { name: 'Timestamps', error: false },
  14: { name: 'TimestampReps', error: false },
  17: { name: 'AddrMasks', error: false },
  18: { name: 'AddrMaskReps', error: false },
};
const NR_ICMP_TYPES = 18;
/** icmp_pointers[].error: types without a row of their own (1, 2, 6, 7, 9, 10) are marked as errors in the kernel's table. */
const icmpIsError = (type: number): boolean => type > NR_ICMP_TYPES || (icmpTypes[type]?.error ?? !(type === 15 || type === 16));

const RTN_DUMMY = 0xc0000008; // 192.0.0.8, INADDR_DUMMY (RFC 7600)

/** icmp_xmit_lock(), icmpv6_xmit_lock(): while the node sends ICMP, nothing that happens to it makes the node send ICMP. */
export const icmpSocket = (k: Kernel, family: Family = 'ipv4'): { busy: boolean } => k.state(`icmp socket ${family}`, () => ({ busy: false }));

/** icmp_send(skb_in, type, code, info): says why a packet cannot go on, unless it must not be answered. */
export function icmpSend(k: Kernel, skb: Skb, type: number, code: number, info: number): void {
  const rt = skb.dst;
  if (rt === null || icmpSocket(k).busy) return;
  if (skb.pktType !== 'host') return;
  if (rt.flags & (RTCF_BROADCAST | RTCF_MULTICAST)) return;
  if (skb.fragOffset !== 0) return;
  const isError = icmpIsError(type);
  if (isError && skb.l4proto === 1) {
    const inner = skb.data[skb.nhlen];
    if (inner === undefined || icmpIsError(inner)) return;
  }
  const inDaddr = skb.daddr;
  let src: Addr | null = rt.flags & RTCF_LOCAL ? inDaddr : null;
  if (src === null && k.sysctl('net/ipv4/icmp_errors_use_inbound_ifaddr') !== 0 && rt.input !== 'none' && skb.iif !== 0) src = k.inboundAddress(skb);
  const tos = isError ? (skb.tos & 0x1e) | 0xc0 : skb.tos;
  const mark = k.sysctl('net/ipv4/fwmark_reflect') !== 0 ? skb.mark : 0;
  const r = k.routeOutput('ipv4', { dst: skb.saddr, ...(src === null ? {} : { src }), mark, tos: tos & 0x1e, proto: 1, sport: type, dport: code });
  if (r.dst === null) return;
  if (!r.dst.dev.loopback && !k.icmpAllowed(skb.saddr, type)) {
    k.count('IcmpOutRateLimitHost');
    return;
  }
  const room = Math.min(r.dst.mtu, 576) - 28;
  const quoted = skb.data.subarray(0, Math.min(room, skb.data.length));
  const from = (r.src ?? ANY4) === ANY4 ? RTN_DUMMY : r.src!;
  emit(k, { kind: 'icmp-error', of: skb.id }, r.dst, from, skb.saddr, tos, type, code, info, quoted, mark, isError ? skb : null);
}

/** icmp_reply(): echo and timestamp replies go back to the source, from the address that was asked (or the specific one of a broadcast). */
export function icmpReply(k: Kernel, skb: Skb, type: number, info: number, body: Uint8Array): void {
  if (icmpSocket(k).busy) return;
  const saddr = k.specificDst(skb);
  const mark = k.sysctl('net/ipv4/fwmark_reflect') !== 0 ? skb.mark : 0;
  const r = k.routeOutput('ipv4', { dst: skb.saddr, src: saddr, mark, tos: skb.tos & 0x1e, proto: 1 });
  if (r.dst === null) return;
  emit(k, { kind: 'reply', of: skb.id }, r.dst, r.src ?? saddr, skb.saddr, skb.tos, type, 0, info, body, mark, null);
}

function emit(
  k: Kernel,
  origin: Origin,
  dst: Dst,
  src: Addr,
  to: Addr,
  tos: number,
  type: number,
  code: number,
  info: number,
  body: Uint8Array,
  mark: number,
  /** The packet an error is about: its flow is the error's (icmp_glue_bits). */
  about: Skb | null,
): void {
  const icmp = new Uint8Array(8 + body.length);
  icmp[0] = type;
  icmp[1] = code;
  icmp[4] = info >>> 24;
  icmp[5] = info >>> 16;
  icmp[6] = info >>> 8;
  icmp[7] = info;
  icmp.set(body, 8);
  const sum = foldChecksum(sum16(icmp, 0, icmp.length));
  icmp[2] = sum >>> 8;
  icmp[3] = sum;
  const ttl = dst.hoplimit || k.sysctl('net/ipv4/ip_default_ttl');
  const data = buildIp4({
    src: src as number,
    dst: to as number,
    proto: 1,
    ttl: dst.type === 'multicast' ? 1 : ttl,
    tos,
    id: k.ipId(),
    df: false,
    payload: icmp,
  });
  const made = k.newSkb(data, ETH_P_IP, origin);
  made.mark = mark;
  made.sk = icmpSk;
  made.dst = dst;
  if (about !== null) k.conntrack.attach(made, about);
  // icmp_reply() leaves the flow's ICMP type unset, so that every reply counts as type 0 (ip_make_skb, icmp_out_count).
  const counted = about === null ? 0 : type;
  k.count('IcmpOutMsgs');
  k.count(`IcmpMsgOutType${counted}`);
  const row = icmpTypes[counted];
  if (row) k.count(`IcmpOut${row.name}`);
  const f = flight(made);
  const socket = icmpSocket(k);
  socket.busy = true;
  try {
    k.traverse('ip_local_out', f);
  } finally {
    socket.busy = false;
  }
  if (f.errno !== 0) k.count('IpOutDiscards');
}
