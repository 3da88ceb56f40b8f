/** A TRACE line in the corpus' schema: the fields that the kernel prints for that packet, decoded from the event's copy of it. */

import { formatAddr } from '../../base/addr.js';
import { isExtensionHeader, startsInside } from '../../packet/ip6.js';
import { ETH_P_IP, ETH_P_IPV6, Skb } from '../../packet/skb.js';
import type { EventOf, PacketView, RuleRef } from '../../trace/event.js';
import type { TracePoint } from './corpus.js';

const names = new Map<number, string>([
  [1, 'icmp'],
  [2, 'igmp'],
  [4, 'ipip'],
  [6, 'tcp'],
  [17, 'udp'],
  [33, 'dccp'],
  [47, 'gre'],
  [50, 'esp'],
  [51, 'ah'],
  [58, 'icmpv6'],
  [132, 'sctp'],
  [136, 'udplite'],
]);

const flagLetters: readonly (readonly [number, string])[] = [
  [1, 'F'],
  [2, 'S'],
  [4, 'R'],
  [8, 'P'],
  [16, 'A'],
  [32, 'U'],
  [64, 'E'],
  [128, 'C'],
];

const skbOf = (v: PacketView): Skb => new Skb(0, { kind: 'clone', of: null }, v.data, v.protocol);

const ESP = 50;

type Draft = { -readonly [K in keyof TracePoint]: TracePoint[K] };

export function tracePoint(e: EventOf<'trace'>): TracePoint {
  const s = skbOf(e.view);
  const p: Draft = {
    point: `${e.rule.table}:${e.rule.chain}:${e.kind}:${e.rule.num}`,
    in: e.in,
    out: e.out,
    src: formatAddr(s.saddr),
    dst: formatAddr(s.daddr),
    mark: e.view.mark,
  };
  if (e.physin) p.physin = e.physin;
  if (e.physout) p.physout = e.physout;
  const v6 = e.view.protocol === ETH_P_IPV6;
  p.len = v6 ? s.totLen : s.totLen;
  p.tos = v6 ? s.tos : s.tos & 0xfe;
  p.ttl = s.ttl;
  if (!v6) {
    p.id = s.ipId;
    if (s.df) p.df = true;
    if (s.mf) p.mf = true;
    if (s.fragOffset) p.frag_off = s.fragOffset;
  }
  transport(p, s, v6, true);
  // dump_ipv6_packet() stops at ESP: neither protocol nor owner nor mark is printed.
  if (v6 && s.l4proto === ESP) return { ...p, mark: 0 };
  if (e.view.uid !== null) p.uid = e.view.uid;
  return p;
}

function transport(p: Draft, s: Skb, v6: boolean, legacy: boolean): void {
  const proto = s.l4proto;
  if (!(legacy && v6 && proto === ESP)) p.proto = names.get(proto) ?? String(proto);
  const th = s.thoff;
  if (th < 0 || s.fragOffset !== 0) return;
  const left = s.data.length - th;
  if (proto === 6 || proto === 17 || proto === 136 || (!legacy && (proto === 132 || proto === 33))) {
    if (left < 4) return;
    p.sport = s.u16(th);
    p.dport = s.u16(th + 2);
    if (proto === 6 && legacy && left >= 20) {
      const flags = s.u8(th + 13);
      const text = flagLetters
        .filter(([bit]) => flags & bit)
        .map(([, l]) => l)
        .join('');
      if (text) p.flags = text;
    }
    return;
  }
  if ((proto === 1 && !v6) || (proto === 58 && v6)) {
    if (left < 2) return;
    p.type = s.u8(th);
    p.code = s.u8(th + 1);
    if (v6 && legacy && (p.type === 128 || p.type === 129) && left >= 6) p.id = s.u16(th + 4);
  }
}

/** What a message without a network header says of the packet. */
export const UNTOLD = new Uint8Array(40);

/** An event of the model, of whose packet nf_tables may tell nothing. */
export function modelPointNft(e: EventOf<'nft-trace'>, pkt: number): TracePoint {
  const told = e.view.protocol !== ETH_P_IPV6 || !startsInside(e.view.data);
  return tracePointNft(told ? e : { ...e, view: { ...e.view, data: UNTOLD } }, pkt);
}

/** A table of nft itself stands with its family, since another family may have one of that name: `inet filter:input:rule:3`. */
export const tableText = (r: Pick<RuleRef, 'backend' | 'family' | 'table'>): string => (r.backend === 'nftables' ? `${r.family} ${r.table}` : r.table);

/** A message: its packet is the network header and the transport header behind it. */
export function tracePointNft(e: EventOf<'nft-trace'>, pkt: number): TracePoint {
  const suffix = e.kind === 'rule' ? `rule:${e.rule.num}` : e.kind;
  const p: Draft = { point: `${tableText(e.rule)}:${e.rule.chain}:${suffix}`, in: e.in, out: e.out, src: '', dst: '', mark: e.mark, pkt };
  if (e.view.protocol === ETH_P_IP || e.view.protocol === ETH_P_IPV6) packet(p, skbOf(e.view), e.view.protocol === ETH_P_IPV6);
  if (e.kind === 'policy') p.policy = e.policy ?? 'accept';
  else p.verdict = e.verdict;
  if (e.rule.handle !== undefined && e.kind === 'rule') p.handle = e.rule.handle;
  return p;
}

function packet(p: Draft, s: Skb, v6: boolean): void {
  p.src = formatAddr(s.saddr);
  p.dst = formatAddr(s.daddr);
  p.len = s.totLen;
  p.tos = s.tos;
  p.ttl = s.ttl;
  if (v6) p.family = 'ip6';
  else p.id = s.ipId;
  // nf_tables tells the fixed header and the transport's, and not what leads from the one to the other.
  if (v6 && isExtensionHeader(s.data[6])) p.proto = names.get(s.data[6]) ?? String(s.data[6]);
  else transport(p, s, v6, false);
}
