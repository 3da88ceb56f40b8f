/** Forwarding IPv4: ip_forward() with its checks in the kernel's order (net/ipv4/ip_forward.c), ip_rt_send_redirect() (route.c). */
import type { Skb } from '../../packet/skb.js';
import { IPSKB_DOREDIRECT, IPSKB_FORWARDED } from '../../packet/skb.js';
import type { Dst } from '../../packet/types.js';
import type { Flight } from '../flight.js';
import type { Kernel } from '../kernel.js';
import { icmpSend } from './icmp-send.js';

/** rt_tos2priority(): best effort, bulk, interactive, interactive bulk, by the two high bits of the TOS. */
const TOS_PRIORITY = [0, 2, 6, 4] as const;

export function ipForward(k: Kernel, f: Flight): 'ip_forward_finish' | 'gone' {
  const { skb } = f;
  if (skb.pktType !== 'host') {
    k.drop(skb, 'NOT_SPECIFIED', 'ip_forward', 'not-for-us', { dev: skb.dev!.name, pktType: skb.pktType });
    return 'gone';
  }
  if (skb.sk !== null) {
    k.drop(skb, 'NOT_SPECIFIED', 'ip_forward', 'unclassified', {});
    return 'gone';
  }
  if (!k.xfrmPolicyCheck(skb, 'fwd')) {
    k.drop(skb, 'XFRM_POLICY', 'ip_forward', 'xfrm-policy', k.xfrmFacts(skb, 'fwd'));
    return 'gone';
  }
  if (skb.ttl <= 1) {
    k.count('IpInHdrErrors');
    icmpSend(k, skb, 11, 0, 0);
    k.drop(skb, 'IP_INHDR', 'ip_forward', 'ttl-expired', { ttl: skb.ttl });
    return 'gone';
  }
  if (!k.xfrmRouteForward(skb)) {
    k.drop(skb, 'XFRM_POLICY', 'ip_forward', 'xfrm-block', k.xfrmFacts(skb, 'out'));
    return 'gone';
  }
  const dst = skb.dst!;
  k.count('IpForwDatagrams');
  skb.cb.flags |= IPSKB_FORWARDED;
  const mtu = forwardMtu(k, dst);
  if (exceedsMtu(skb, mtu)) {
    k.count('IpFragFails');
    icmpSend(k, skb, 3, 4, mtu);
    k.drop(skb, 'PKT_TOO_BIG', 'ip_forward', 'too-big', { mtu, len: skb.data.length, dev: dst.dev.name });
    return 'gone';
  }
  skb.ttl = skb.ttl - 1;
  skb.priority = TOS_PRIORITY[(skb.tos & 0x1e) >>> 3];
  if (skb.cb.flags & IPSKB_DOREDIRECT && skb.secpath === null) sendRedirect(k, skb, dst);
  return k.hook(f, 'ipv4', 'FORWARD', skb.dev, dst.dev) === 'accept' ? 'ip_forward_finish' : 'gone';
}

/** ip_dst_mtu_maybe_forward(): the device's MTU unless the route locks its own or ip_forward_use_pmtu is set. */
function forwardMtu(k: Kernel, dst: Dst): number {
  if (dst.xfrm !== null) return k.xfrmMtu(dst);
  if (dst.mtuLock || k.forwardUsesPmtu) return dst.mtu;
  return k.routeMtu(dst);
}

/** ip_exceeds_mtu(). */
function exceedsMtu(skb: Skb, mtu: number): boolean {
  if (skb.data.length <= mtu) return false;
  if (!skb.df) return false;
  return skb.fragMaxSize > mtu || !skb.ignoreDf;
}

/** At most one redirect to a source until it has been silent or the back-off has passed (ip_rt_send_redirect). */
function sendRedirect(k: Kernel, skb: Skb, dst: Dst): void {
  if (!k.orConf('ipv4', dst.dev.name, 'send_redirects')) return;
  if (!k.redirectAllowed(skb.saddr)) return;
  icmpSend(k, skb, 5, 1, (dst.gateway ?? skb.daddr) as number);
}
