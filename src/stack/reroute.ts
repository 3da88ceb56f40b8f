/** ip_route_me_harder() / ip6_route_me_harder(): a new output route after mark, TOS or destination changed in OUTPUT. */
import type { Addr } from '../base/addr.js';
import type { Flight, HookVerdict } from './flight.js';
import type { Kernel } from './kernel.js';

/** 'accept' with the new route in skb.dst (the hook goes on with the old output device), or the packet is dropped with the route's errno. */
export function rerouteHarder(k: Kernel, f: Flight, by: 'nf_hook_slow' | 'nf_send_reset' = 'nf_hook_slow'): HookVerdict {
  const { skb } = f;
  const family = skb.family;
  const src: Addr = skb.saddr;
  const type = family === 'ipv4' ? k.addrType(family, src, null) : 'local';
  const keepSource = family === 'ipv6' || type === 'local' || type === 'unicast';
  const r = k.routeOutput(family, {
    dst: skb.daddr,
    ...(keepSource ? { src } : {}),
    anySource: true,
    oif: skb.sk?.boundDev ?? null,
    mark: skb.mark,
    tos: skb.tos & 0x1c,
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
