/** ip_route_me_harder() / ip6_route_me_harder(): a new output route after mark, TOS or destination changed in OUTPUT. */
import { type Addr, type Ip6, isMulticast6 } from '../base/addr.js';
import { isLinkLocal6 } from '../fib/index.js';
import { IPPROTO, type Skb } from '../packet/skb.js';
import type { SkSocket } from '../packet/types.js';
import type { Flight, HookVerdict } from './flight.js';
import type { Kernel } from './kernel.js';

/** 'accept' with the new route in skb.dst (the hook goes on with the old output device), or the packet is dropped with the route's errno. */
export function rerouteHarder(k: Kernel, f: Flight, by: 'nf_hook_slow' | 'nf_send_reset' = 'nf_hook_slow'): HookVerdict {
  const { skb } = f;
  if (skb.family === 'ipv6') return reroute6(k, f);
  const src: Addr = skb.saddr;
  const type = k.addrType('ipv4', src, null);
  const keepSource = type === 'local' || type === 'unicast';
  const r = k.routeOutput('ipv4', {
    dst: skb.daddr,
    ...(keepSource ? { src } : {}),
    anySource: true,
    oif: sender(f)?.boundDev ?? null,
    mark: skb.mark,
    tos: skb.tos & 0x1c,
    // fib4_rules_early_flow_dissect(): rules may ask for protocol and ports.
    proto: skb.l4proto,
    ...portsOf(skb),
    purpose: 'reroute',
  });
  if (r.dst === null || r.dst.error !== 0) {
    f.errno = r.dst?.error || r.errno;
    k.drop(skb, by === 'nf_hook_slow' ? 'NETFILTER_DROP' : 'NOT_SPECIFIED', by, 'reroute-failed', { dst: k.showAddr(skb.daddr), errno: f.errno });
    return 'drop';
  }
  skb.dst = r.dst;
  return k.xfrmReroute(f);
}

/** Whose device and, of IPv6, whose user the new route is asked for. */
const sender = (f: Flight): SkSocket | null => (f.sk === undefined ? f.skb.sk : f.sk);

/** ip6_route_me_harder(): what means nothing without a device keeps that of the route before; a route that refuses fails the packet. */
function reroute6(k: Kernel, f: Flight): HookVerdict {
  const { skb } = f;
  const sk = sender(f);
  const bound = sk?.boundDev ?? null;
  const daddr = skb.daddr as Ip6;
  const r = k.outputTo6({
    dst: daddr,
    src: skb.saddr,
    oif: bound ?? (isLinkLocal6(daddr) || isMulticast6(daddr) ? (skb.dst?.dev ?? null) : null),
    bound: bound !== null,
    mark: skb.mark,
    tos: 0,
    uid: sk?.uid ?? 0,
    proto: skb.l4proto,
    ...portsOf(skb),
    purpose: 'reroute',
  });
  if (r.errno !== 0) {
    k.count('Ip6OutNoRoutes');
    f.errno = r.errno;
    k.drop(skb, 'NETFILTER_DROP', 'nf_hook_slow', 'reroute-failed', { dst: k.showAddr(skb.daddr), errno: f.errno });
    return 'drop';
  }
  skb.dst = r.dst;
  return 'accept';
}

/** Ports as the flow dissector finds them; none for fragments and protocols without. */
export function portsOf(skb: Skb): { readonly sport: number; readonly dport: number } {
  const has = PORT_PROTOS.has(skb.l4proto) && skb.fragOffset === 0 && skb.sport >= 0;
  return has ? { sport: skb.sport, dport: skb.dport } : { sport: 0, dport: 0 };
}
const PORT_PROTOS: ReadonlySet<number> = new Set([IPPROTO.TCP, IPPROTO.UDP, IPPROTO.UDPLITE, IPPROTO.SCTP, IPPROTO.DCCP]);
