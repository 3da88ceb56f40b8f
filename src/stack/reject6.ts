/** nf_send_reset6() and nf_send_unreach6(): REJECT of ip6tables (net/ipv6/netfilter/nf_reject_ipv6.c). */
import { ANY6, type Ip6 } from '../base/addr.js';
import { isMulticast6 } from '../fib/index.js';
import type { PacketCtx } from '../netfilter/pred.js';
import { buildIp6, buildTcp, TCP_FLAG } from '../packet/build.js';
import { ETH_P_IPV6, IPPROTO } from '../packet/skb.js';
import { flight } from './flight.js';
import type { NodeRun } from './node-run.js';
import { icmp6Send } from './stages/icmp6-send.js';

const isUnicast = (a: Ip6): boolean => a !== ANY6 && !isMulticast6(a);

export function sendReset6(n: NodeRun, c: PacketCtx): void {
  const old = c.skb;
  const src = old.daddr as Ip6;
  const dst = old.saddr as Ip6;
  const th = old.thoff;
  if (!isUnicast(src) || !isUnicast(dst) || old.l4proto !== IPPROTO.TCP || old.fragOffset !== 0 || th < 0 || old.data.length < th + 20 || old.csumBad) return;
  const flags = old.u8(th + 13);
  if (flags & TCP_FLAG.RST) return;
  const hasAck = (flags & TCP_FLAG.ACK) !== 0;
  const length = old.data.length - th - (old.u8(th + 12) >>> 4) * 4;
  const consumed = length + (flags & TCP_FLAG.SYN ? 1 : 0) + (flags & TCP_FLAG.FIN ? 1 : 0);
  const mark = n.sysctl('net/ipv6/fwmark_reflect') !== 0 ? old.mark : 0;
  const r = n.outputTo6({ dst, src, mark, proto: IPPROTO.TCP, sport: old.u16(th + 2), dport: old.u16(th) });
  if (r.errno !== 0) return;
  const payload = buildTcp(
    {
      sport: old.u16(th + 2),
      dport: old.u16(th),
      seq: hasAck ? old.u32(th + 8) : 0,
      ack: hasAck ? 0 : (old.u32(th + 4) + consumed) >>> 0,
      flags: TCP_FLAG.RST | (hasAck ? 0 : TCP_FLAG.ACK),
      window: 0,
    },
    src,
    dst,
  );
  const ttl = r.dst.hoplimit || n.conf('ipv6', r.dst.dev.name, 'hop_limit');
  const made = n.newSkb(buildIp6({ src, dst, proto: IPPROTO.TCP, ttl, tos: 0, payload }), ETH_P_IPV6, { kind: 'reply', of: old.id });
  made.mark = mark;
  made.dst = r.dst;
  n.conntrack.attach(made, old);
  n.conntrack.setClosing(old);
  const port = old.nfBridge?.physindev;
  const f = flight(made);
  if (port && old.eth) {
    made.dev = port;
    made.eth = { dst: old.eth.src, src: old.eth.dst };
    n.traverse('dev_queue_xmit', f);
    return;
  }
  n.traverse('ip6_local_out', f);
}

/** An own packet has no device yet; the error about it is made as if it came from lo. */
export function rejectUnreach6(n: NodeRun, c: PacketCtx, type: number, code: number): void {
  if (c.skb.csumBad) return;
  if (c.hook === 'OUTPUT' && c.skb.dev === null) c.skb.dev = n.devices.find((d) => d.loopback) ?? null;
  icmp6Send(n, c.skb, type, code, 0);
}
