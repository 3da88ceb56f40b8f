/** What REJECT sends: nf_send_reset(), nf_send_reset6(), nf_send_unreach6() (nf_reject_ipv4.c, nf_reject_ipv6.c). */
import { ANY6, type Ip4, type Ip6, isMulticast6 } from '../base/addr.js';
import type { PacketCtx } from '../netfilter/pred.js';
import { buildIp4, buildIp6, buildTcp, TCP_FLAG } from '../packet/build.js';
import { ETH_P_IP, ETH_P_IPV6, IPPROTO, type Skb } from '../packet/skb.js';
import { RTCF_BROADCAST, RTCF_MULTICAST } from '../packet/types.js';
import { checksumBad } from '../packet/verify.js';
import { type Flight, flight } from './flight.js';
import type { NodeRun } from './node-run.js';
import { rerouteHarder } from './reroute.js';
import { icmpSend } from './stages/icmp-send.js';
import { icmp6Send } from './stages/icmp6-send.js';

/** Does it carry a TCP header that may be answered with a RST? */
function answerable(old: Skb): boolean {
  const th = old.thoff;
  return (
    old.l4proto === IPPROTO.TCP && old.fragOffset === 0 && th >= 0 && old.data.length >= th + 20 && !checksumBad(old) && (old.u8(th + 13) & TCP_FLAG.RST) === 0
  );
}

/** The RST segment: it takes the acknowledgement for its number, or acknowledges what came. */
function resetSegment(old: Skb): Uint8Array {
  const th = old.thoff;
  const flags = old.u8(th + 13);
  const hasAck = (flags & TCP_FLAG.ACK) !== 0;
  const length = old.data.length - th - (old.u8(th + 12) >>> 4) * 4;
  const consumed = length + (flags & TCP_FLAG.SYN ? 1 : 0) + (flags & TCP_FLAG.FIN ? 1 : 0);
  return buildTcp(
    {
      sport: old.u16(th + 2),
      dport: old.u16(th),
      seq: hasAck ? old.u32(th + 8) : 0,
      ack: hasAck ? 0 : (old.u32(th + 4) + consumed) >>> 0,
      flags: TCP_FLAG.RST | (hasAck ? 0 : TCP_FLAG.ACK),
      window: 0,
    },
    old.daddr,
    old.saddr,
  );
}

/** On a bridge the answer leaves at once by the port, with the MACs exchanged; else it is an own packet. */
function sendBack(n: NodeRun, f: Flight, old: Skb, box: 'ip_local_out' | 'ip6_local_out'): void {
  const made = f.skb;
  n.conntrack.attach(made, old);
  n.conntrack.setClosing(old);
  const port = old.nfBridge?.physindev;
  if (port && old.eth) {
    made.dev = port;
    made.eth = { dst: old.eth.src, src: old.eth.dst };
    n.traverse('dev_queue_xmit', f);
    return;
  }
  n.traverse(box, f);
}

/** nf_reject_fill_skb_dst(): ahead of the routing decision the way back stands in for it. False: there is none, and nothing is answered. */
function routed(n: NodeRun, c: PacketCtx): boolean {
  if (c.hook !== 'PREROUTING' && c.hook !== 'INGRESS') return true;
  const r = n.routeOutput('ipv4', { dst: c.skb.saddr, mark: 0, tos: 0, purpose: 'other' });
  if (r.dst === null || r.dst.error !== 0) return false;
  c.skb.dst = r.dst;
  return true;
}

export function rejectUnreach4(n: NodeRun, c: PacketCtx, type: number, code: number): void {
  if (routed(n, c)) icmpSend(n, c.skb, type, code, 0);
}

export function sendReset(n: NodeRun, c: PacketCtx): void {
  const old = c.skb;
  if (!routed(n, c)) return;
  if (old.dst === null || !answerable(old) || old.dst.flags & (RTCF_BROADCAST | RTCF_MULTICAST)) return;
  const ttl = old.dst.hoplimit || n.sysctl('net/ipv4/ip_default_ttl');
  const payload = resetSegment(old);
  const data = buildIp4({ src: old.daddr as Ip4, dst: old.saddr as Ip4, proto: IPPROTO.TCP, ttl, tos: 0, id: 0, df: true, payload });
  const made = n.newSkb(data, ETH_P_IP, { kind: 'reply', of: old.id });
  made.mark = n.sysctl('net/ipv4/fwmark_reflect') !== 0 ? old.mark : 0;
  made.dst = old.dst;
  // The route is asked for as if who sent the segment answered itself: by the device that its socket is bound to.
  if (rerouteHarder(n, { ...flight(made), sk: c.hook === 'OUTPUT' ? old.sk : null }, 'nf_send_reset') !== 'accept') return;
  if (data.length > made.dst.mtu) return;
  sendBack(n, flight(made), old, 'ip_local_out');
}

const isUnicast6 = (a: Ip6): boolean => a !== ANY6 && !isMulticast6(a);

export function sendReset6(n: NodeRun, c: PacketCtx): void {
  const old = c.skb;
  const src = old.daddr as Ip6;
  const dst = old.saddr as Ip6;
  if (!isUnicast6(src) || !isUnicast6(dst) || !answerable(old)) return;
  const mark = n.sysctl('net/ipv6/fwmark_reflect') !== 0 ? old.mark : 0;
  const th = old.thoff;
  const r = n.outputTo6({ dst, src, mark, proto: IPPROTO.TCP, sport: old.u16(th + 2), dport: old.u16(th) });
  if (r.errno !== 0) return;
  const ttl = r.dst.hoplimit || n.conf('ipv6', r.dst.dev.name, 'hop_limit');
  const data = buildIp6({ src, dst, proto: IPPROTO.TCP, ttl, tos: 0, payload: resetSegment(old) });
  const made = n.newSkb(data, ETH_P_IPV6, { kind: 'reply', of: old.id });
  made.csum = 'unchecked';
  made.mark = mark;
  made.dst = r.dst;
  sendBack(n, flight(made), old, 'ip6_local_out');
}

/** An own packet has no device yet; the error about it is made as if it came from lo. */
export function rejectUnreach6(n: NodeRun, c: PacketCtx, type: number, code: number): void {
  if (checksumBad(c.skb)) return;
  if (c.hook === 'OUTPUT' && c.skb.dev === null) c.skb.dev = n.devices.find((d) => d.loopback) ?? null;
  icmp6Send(n, c.skb, type, code, 0);
}
