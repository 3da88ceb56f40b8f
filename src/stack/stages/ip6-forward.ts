/** Forwarding IPv6: ip6_forward() with its checks in the kernel's order (net/ipv6/ip6_output.c). */
import { ANY6, type Ip6, isMulticast6 } from '../../base/addr.js';
import { isLinkLocal6, LOOPBACK6 } from '../../fib/index.js';
import { IPPROTO, IPSKB_FORWARDED, type Skb } from '../../packet/skb.js';
import type { Cause } from '../../trace/cause.js';
import type { Flight } from '../flight.js';
import { REDIRECT_INTERVAL } from '../inet-peers.js';
import type { Kernel } from '../kernel.js';
import { icmp6Send } from './icmp6-send.js';
import { sendRedirect6 } from './ndisc.js';

const IPV6_MIN_MTU = 1280;

/** ip6_forward_proxy_check(): neighbour discovery with an address that the node answers for is its own; to link-local addresses nothing is forwarded. */
function forProxy(k: Kernel, skb: Skb): 'input' | 'gone' | null {
  if (k.conf('ipv6', 'all', 'proxy_ndp') === 0 || !k.given.neighs.some((g) => g.proxy && g.dst === skb.daddr && g.dev === skb.dev?.name)) return null;
  const th = skb.thoff;
  if (th >= 0 && skb.l4proto === IPPROTO.ICMPV6) {
    if (th >= skb.data.length) return null;
    const type = skb.u8(th);
    if (type >= FIRST_ND && type <= LAST_ND) {
      skb.csumStale = true;
      return 'input';
    }
  }
  if (!isLinkLocal6(skb.daddr as Ip6)) return null;
  icmp6Send(k, skb, 1, 3, 0);
  return 'gone';
}

/** Router solicitation to redirect. */
const FIRST_ND = 133;
const LAST_ND = 137;

export function ip6Forward(k: Kernel, f: Flight): 'ip6_forward_finish' | 'ip6_input' | 'gone' {
  const { skb } = f;
  const dev = skb.dev!;
  const lost = (reason: string, cause: Cause, facts = {}): 'gone' => {
    k.drop(skb, reason, 'ip6_forward', cause, { dev: dev.name, src: k.showAddr(skb.saddr), dst: k.showAddr(skb.daddr), ...facts });
    return 'gone';
  };
  const addressError = (cause: Cause): 'gone' => {
    k.count('Ip6InAddrErrors');
    return lost('IP_INADDRERRORS', cause);
  };
  if (k.conf('ipv6', 'all', 'forwarding') === 0) {
    k.assume('ipv6', 'all', 'forwarding');
    return addressError('forwarding-off');
  }
  if (skb.pktType !== 'host') return lost('NOT_SPECIFIED', 'not-for-us', { pktType: skb.pktType });
  if (skb.sk !== null) return lost('NOT_SPECIFIED', 'unclassified');
  if (!k.xfrmPolicyCheck(skb, 'fwd')) {
    k.count('Ip6InDiscards');
    return lost('NOT_SPECIFIED', 'xfrm-policy', k.xfrmFacts(skb, 'fwd'));
  }
  if (skb.ttl <= 1) {
    icmp6Send(k, skb, 3, 0, 0);
    k.count('Ip6InHdrErrors');
    return lost('IP_INHDR', 'ttl-expired', { ttl: skb.ttl });
  }
  const proxied = forProxy(k, skb);
  if (proxied === 'input') return 'ip6_input';
  if (proxied === 'gone') {
    k.count('Ip6InDiscards');
    return lost('NOT_SPECIFIED', 'scope', { dst: k.showAddr(skb.daddr) });
  }
  if (!k.xfrmRouteForward(skb)) {
    k.count('Ip6InDiscards');
    return lost('XFRM_POLICY', 'xfrm-block', k.xfrmFacts(skb, 'out'));
  }
  const dst = skb.dst!;
  if (skb.cb.iif === dst.dev.ifindex && skb.secpath === null) {
    // No sysctl governs it, unlike send_redirects of IPv4.
    if (k.icmp6Allowed(skb.daddr, REDIRECT_INTERVAL)) sendRedirect6(k, skb, (dst.gateway ?? skb.daddr) as Ip6);
  } else {
    const src = skb.saddr as Ip6;
    if (src === ANY6 || src === LOOPBACK6 || isMulticast6(src)) return addressError('martian-source');
    if (isLinkLocal6(src)) {
      icmp6Send(k, skb, 1, 2, 0);
      return addressError('scope');
    }
  }
  k.count('Ip6OutForwDatagrams');
  // ip6_dst_mtu_maybe_forward(): a route's MTU counts here only where it is locked; ip6_finish_output() looks at it in any case.
  const mtu = Math.max(dst.mtuLock ? dst.mtu : k.conf('ipv6', dst.dev.name, 'mtu') || dst.dev.mtu, IPV6_MIN_MTU);
  if (skb.data.length > mtu && (skb.fragMaxSize > mtu || skb.fragMaxSize === 0)) {
    skb.dev = dst.dev;
    icmp6Send(k, skb, 2, 0, mtu);
    k.count('Ip6InTooBigErrors');
    k.count('Ip6FragFails');
    return lost('PKT_TOO_BIG', 'too-big', { mtu, len: skb.data.length });
  }
  skb.cb.flags |= IPSKB_FORWARDED;
  skb.ttl = skb.ttl - 1;
  return k.hook(f, 'ipv6', 'FORWARD', dev, dst.dev) === 'accept' ? 'ip6_forward_finish' : 'gone';
}
