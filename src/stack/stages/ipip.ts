/** IP in IP: ipip_tunnel_xmit(), ip_tunnel_xmit(), ipip_rcv() (net/ipv4/ipip.c, ip_tunnel.c). */
import { type Addr, parseAddr } from '../../base/addr.js';
import { byName } from '../../base/memo.js';
import type { Link } from '../../link/model.js';
import { buildIp4 } from '../../packet/build.js';
import { ETH_P_IP, IPPROTO } from '../../packet/skb.js';
import { crossBorder } from '../../packet/skb-meta.js';
import type { Flight } from '../flight.js';
import type { Kernel } from '../kernel.js';
import { icmpSend } from './icmp-send.js';
import { tunnelDeeper } from './tunnel.js';

interface TunnelParms {
  readonly local: Addr | null;
  readonly remote: Addr | null;
  /** null = inherit. */
  readonly ttl: number | null;
  readonly tos: number | null;
  readonly pmtudisc: boolean;
}

function endpoint(v: unknown): Addr | null {
  const a = typeof v === 'string' ? parseAddr(v) : null;
  return a === 0 ? null : a;
}

/** `linkinfo.info_data` of an ipip device; all absent = the fallback device tunl0. */
function parmsOf(l: Link | undefined): TunnelParms {
  const d = l?.data ?? {};
  const ttl = Number(d.ttl ?? 0);
  return {
    local: endpoint(d.local),
    remote: endpoint(d.remote),
    ttl: ttl > 0 ? ttl : null,
    tos: d.tos === 'inherit' || d.tos === undefined ? null : Number(d.tos) || 0,
    pmtudisc: d.pmtudisc === true,
  };
}

/** A device without a remote is NBMA: the next hop of the inner route is the far end. */
export function ipipTunnelXmit(k: Kernel, f: Flight): 'ip_local_out' | 'gone' {
  const { skb } = f;
  const dev = skb.dev!;
  const p = parmsOf(byName(k.given.links, dev.name));
  const to = p.remote ?? skb.dst?.gateway ?? skb.daddr;
  const r = k.routeOutput('ipv4', {
    dst: to,
    ...(p.local === null ? {} : { src: p.local }),
    tos: (p.tos ?? 0) & 0x1c,
    mark: 0,
    proto: IPPROTO.IPIP,
    purpose: 'other',
  });
  if (r.dst === null) {
    k.drop(skb, 'NOT_SPECIFIED', 'ip_tunnel_xmit', 'no-route', { dst: k.showAddr(to), dev: dev.name });
    return 'gone';
  }
  if (r.dst.dev === dev) {
    k.drop(skb, 'NOT_SPECIFIED', 'ip_tunnel_xmit', 'loop', { dev: dev.name });
    return 'gone';
  }
  if (skb.df && p.pmtudisc && skb.data.length > r.dst.mtu - 20) {
    icmpSend(k, skb, 3, 4, r.dst.mtu - 20);
    k.drop(skb, 'PKT_TOO_BIG', 'ip_tunnel_xmit', 'too-big', { mtu: r.dst.mtu - 20, len: skb.data.length, dev: dev.name });
    return 'gone';
  }
  const df = p.pmtudisc || skb.df;
  const data = buildIp4({
    src: (r.src ?? 0) as number,
    dst: to as number,
    proto: IPPROTO.IPIP,
    ttl: p.ttl ?? skb.ttl,
    tos: p.tos ?? 0,
    id: df ? 0 : k.ipId(),
    df,
    payload: skb.data,
  });
  crossBorder(skb, 'ipip');
  skb.setData(data, ETH_P_IP);
  skb.eth = null;
  skb.macAt = OUTER_HEADER;
  skb.pktType = 'host';
  skb.dst = r.dst;
  f.sk = null;
  k.tell(skb, { t: 'consume', why: 'encapsulated', into: skb.id });
  k.world.xmits++;
  return tunnelDeeper(k, skb) ? 'ip_local_out' : 'gone';
}

const OUTER_HEADER = 20;

/** ip_tunnel_lookup(): (local, remote), (any, remote), (local, any), then the fallback device. */
function tunnelFor(k: Kernel, saddr: Addr, daddr: Addr): string | null {
  const ours = k.given.links.filter((l) => l.kind === 'ipip' && l.flags.includes('UP')).map((l) => ({ name: l.name, p: parmsOf(l) }));
  const found =
    ours.find((t) => t.p.local === daddr && t.p.remote === saddr) ??
    ours.find((t) => t.p.local === null && t.p.remote === saddr) ??
    ours.find((t) => t.p.local === daddr && t.p.remote === null) ??
    ours.find((t) => t.p.local === null && t.p.remote === null);
  return found?.name ?? null;
}

/** tunnel4_rcv(), ipip_rcv(): the inner packet comes in on the tunnel device. */
export function tunnel4Rcv(k: Kernel, f: Flight): 'gone' {
  const { skb } = f;
  const name = tunnelFor(k, skb.saddr, skb.daddr);
  const dev = name === null ? undefined : k.device(name);
  if (!dev) {
    icmpSend(k, skb, 3, 3, 0);
    k.drop(skb, 'NOT_SPECIFIED', 'tunnel4_rcv', 'tunnel-no-device', { src: k.showAddr(skb.saddr) });
    return 'gone';
  }
  if (!k.xfrmPolicyCheck(skb, 'in')) {
    k.drop(skb, 'XFRM_POLICY', 'ip_tunnel_rcv', 'xfrm-policy', k.xfrmFacts(skb, 'in'));
    return 'gone';
  }
  crossBorder(skb, 'ipip');
  skb.setData(skb.data.slice(skb.nhlen), ETH_P_IP);
  skb.csum = 'unchecked';
  skb.eth = null;
  k.tell(skb, { t: 'consume', why: 'decapsulated', into: skb.id });
  k.netifRx(skb, dev);
  return 'gone';
}
