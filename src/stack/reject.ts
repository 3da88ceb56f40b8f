/** nf_send_reset(): the RST of REJECT --reject-with tcp-reset (net/ipv4/netfilter/nf_reject_ipv4.c). */
import { buildIp4, buildTcp, TCP_FLAG } from '../packet/build.js';
import type { PacketCtx } from '../netfilter/pred.js';
import { ETH_P_IP, IPPROTO } from '../packet/skb.js';
import { RTCF_BROADCAST, RTCF_MULTICAST } from '../packet/types.js';
import { flight } from './flight.js';
import type { NodeRun } from './node-run.js';
import { rerouteHarder } from './reroute.js';

export function sendReset(n: NodeRun, c: PacketCtx): void {
  const old = c.skb;
  if (old.fragOffset !== 0 || old.l4proto !== IPPROTO.TCP || old.csumBad || old.dst === null) return;
  const th = old.thoff;
  if (old.data.length < th + 20) return;
  const flags = old.u8(th + 13);
  if (flags & TCP_FLAG.RST) return;
  if (old.dst.flags & (RTCF_BROADCAST | RTCF_MULTICAST)) return;
  const hasAck = (flags & TCP_FLAG.ACK) !== 0;
  const length = old.data.length - th - (old.u8(th + 12) >>> 4) * 4;
  const consumed = length + (flags & TCP_FLAG.SYN ? 1 : 0) + (flags & TCP_FLAG.FIN ? 1 : 0);
  const src = old.daddr as number;
  const dst = old.saddr as number;
  const tcp = buildTcp(
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
  const ttl = old.dst.hoplimit || n.sysctl('net/ipv4/ip_default_ttl');
  const data = buildIp4({ src, dst, proto: IPPROTO.TCP, ttl, tos: 0, id: 0, df: true, payload: tcp });
  const made = n.newSkb(data, ETH_P_IP, { kind: 'reply', of: old.id });
  made.mark = n.sysctl('net/ipv4/fwmark_reflect') !== 0 ? old.mark : 0;
  made.dst = old.dst;
  const f = flight(made);
  if (rerouteHarder(n, f, 'nf_send_reset') !== 'accept') return;
  if (data.length > made.dst.mtu) return;
  n.conntrack.attach(made, old);
  n.conntrack.setClosing(old);
  const port = old.nfBridge?.physindev;
  if (port && old.eth) {
    made.dev = port;
    made.eth = { dst: old.eth.src, src: old.eth.dst };
    n.traverse('dev_queue_xmit', f);
    return;
  }
  n.traverse('ip_local_out', f);
}
