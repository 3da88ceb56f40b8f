/** The receive path of IPv4 up to the routing decision: ip_rcv(), ip_rcv_finish() (net/ipv4/ip_input.c), ip_error() (route.c). */
import { foldChecksum, sum16 } from '../../packet/checksum.js';
import type { Skb } from '../../packet/skb.js';
import type { Flight } from '../flight.js';
import type { Kernel } from '../kernel.js';
import { icmpSend } from './icmp-send.js';

/** ip_rcv_core() and the PREROUTING hook. */
export function ipRcv(k: Kernel, f: Flight): 'ip_rcv_finish' | 'gone' {
  const { skb } = f;
  const dev = skb.dev!;
  if (skb.pktType === 'otherhost') {
    k.drop(skb, 'OTHERHOST', 'ip_rcv_core', 'not-for-us', { dev: dev.name });
    return 'gone';
  }
  k.count('IpInReceives');
  const d = skb.data;
  const ihl = (d[0] & 15) * 4;
  if (d.length < 20) return badHeader(k, skb, 'PKT_TOO_SMALL');
  if (ihl < 20 || d[0] >>> 4 !== 4) return badHeader(k, skb, 'IP_INHDR');
  if (d.length < ihl) return badHeader(k, skb, 'PKT_TOO_SMALL');
  if (foldChecksum(sum16(d, 0, ihl)) !== 0) return badHeader(k, skb, 'IP_CSUM');
  const len = skb.totLen;
  if (d.length < len) {
    k.count('IpExtInTruncatedPkts');
    k.drop(skb, 'PKT_TOO_SMALL', 'ip_rcv_core', 'bad-header', { dev: dev.name });
    return 'gone';
  }
  if (len < ihl) return badHeader(k, skb, 'IP_INHDR');
  if (d.length > len) skb.setData(d.slice(0, len));
  skb.cb.flags = 0;
  skb.cb.iif = skb.iif;
  skb.fragMaxSize = 0;
  skb.fragDf = false;
  skb.sk = null;
  return k.hook(f, 'ipv4', 'PREROUTING', dev, null) === 'accept' ? 'ip_rcv_finish' : 'gone';
}

function badHeader(k: Kernel, skb: Skb, reason: 'PKT_TOO_SMALL' | 'IP_INHDR' | 'IP_CSUM'): 'gone' {
  if (reason === 'IP_CSUM') k.count('IpExtInCsumErrors');
  k.count('IpInHdrErrors');
  k.drop(skb, reason, 'ip_rcv_core', reason === 'IP_CSUM' ? 'bad-checksum' : 'bad-header', { dev: skb.dev!.name });
  return 'gone';
}

/** The input routing decision with source validation, unless somebody (the bridge) has routed it already. */
export function ipRcvFinish(k: Kernel, f: Flight): 'local' | 'forward' | 'error' | 'gone' {
  const { skb } = f;
  const dev = skb.dev!;
  if (skb.dst === null && skb.sk === null && !skb.isFragment) skb.sk = k.sockets.earlyDemux(skb);
  if (skb.dst === null) {
    const r = k.routeInput4(skb, skb.daddr, skb.saddr, skb.tos, dev);
    if (r.reason !== null) {
      if (r.reason === 'IP_RPFILTER') k.count('TcpExtIPReversePathFilter');
      k.drop(skb, r.reason, 'ip_rcv_finish_core', r.cause, r.facts);
      return 'gone';
    }
  }
  const dst = skb.dst!;
  if (skb.nhlen > 20 && !ipRcvOptions(k, f)) return 'gone';
  if (dst.type === 'multicast') k.count('IpExtInMcastPkts');
  else if (dst.type === 'broadcast') k.count('IpExtInBcastPkts');
  else if (skb.pktType === 'broadcast' || skb.pktType === 'multicast') {
    if (k.orConf('ipv4', dev.name, 'drop_unicast_in_l2_multicast')) {
      k.drop(skb, 'UNICAST_IN_L2_MULTICAST', 'ip_rcv_finish_core', 'not-for-us', { dev: dev.name });
      return 'gone';
    }
  }
  switch (dst.input) {
    case 'local':
      return 'local';
    case 'forward':
    case 'mc_forward':
      return 'forward';
    default:
      return 'error';
  }
}

/** ip_rcv_options(): source routes are refused unless accept_source_route; other options pass. */
function ipRcvOptions(k: Kernel, f: Flight): boolean {
  const { skb } = f;
  const end = skb.nhlen;
  for (let i = 20; i < end; ) {
    const type = skb.data[i];
    if (type === 0) break;
    if (type === 1) {
      i++;
      continue;
    }
    const len = skb.data[i + 1];
    if (i + 1 >= end || len < 2 || i + len > end) {
      k.count('IpInHdrErrors');
      icmpSend(k, skb, 12, 0, i * 2 ** 24);
      k.drop(skb, 'IP_INHDR', 'ip_rcv_finish_core', 'bad-options', { option: type });
      return false;
    }
    if (type === 131 || type === 137) {
      if (!k.andConf('ipv4', skb.dev!.name, 'accept_source_route')) {
        k.drop(skb, 'NOT_SPECIFIED', 'ip_rcv_finish_core', 'bad-options', { option: type });
        return false;
      }
      k.inconclusive('IPv4 source route option', k.packetCtx(f, 'ipv4', 'PREROUTING', skb.dev, null));
    }
    // Written to on the way, and echoed in what the node answers (ip_forward_options, ip_options_echo).
    if (type === 7 || type === 68)
      k.inconclusive(`IPv4 ${type === 7 ? 'record route' : 'time stamp'} option`, k.packetCtx(f, 'ipv4', 'PREROUTING', skb.dev, null));
    i += len;
  }
  return true;
}

const EACCES = 13;
const EINVAL = 22;

/** ip_error(): the input route says that this destination cannot be reached. */
export function ipError(k: Kernel, f: Flight): 'gone' {
  const { skb } = f;
  const dev = skb.dev!;
  const error = skb.dst!.error;
  let reason = 'NOT_SPECIFIED';
  const facts = { dev: dev.name, dst: k.showAddr(skb.daddr) };
  if (k.conf('ipv4', dev.name, 'forwarding') === 0) {
    k.assume('ipv4', dev.name, 'forwarding');
    if (error === 113) {
      reason = 'IP_INADDRERRORS';
      k.count('IpInAddrErrors');
    } else if (error === 101) {
      reason = 'IP_INNOROUTES';
      k.count('IpExtInNoRoutes');
    }
    k.drop(skb, reason, 'ip_error', error === 113 ? 'forwarding-off' : 'no-route', facts);
    return 'gone';
  }
  if (error === 101) {
    reason = 'IP_INNOROUTES';
    k.count('IpExtInNoRoutes');
  }
  const code = error === 113 ? 1 : error === 101 ? 0 : error === 13 ? 13 : -1;
  if (code >= 0 && k.errorAllowed(skb.saddr)) icmpSend(k, skb, 3, code, 0);
  // The refusing dst is of type unreachable whatever the route's type was; the error tells them apart (fib_props).
  const cause = error === EINVAL ? 'route-blackhole' : error === EACCES ? 'route-prohibit' : error === 113 ? 'route-unreachable' : 'no-route';
  k.drop(skb, reason, 'ip_error', cause, facts);
  return 'gone';
}
