/** What a bridge's multicast snooping refuses or cannot be told of: br_multicast_rcv() (net/bridge/br_multicast.c), ip_mc_check_igmp() (net/ipv4/igmp.c). */
import type { BridgePlan } from '../link/bridge.js';
import { foldChecksum, sum16 } from '../packet/checksum.js';
import { ETH_P_IP, ETH_P_IPV6, type Skb } from '../packet/skb.js';
import type { Flight } from './flight.js';
import type { Kernel } from './kernel.js';

const IGMP = 2;
const QUERY = 0x11;
const REPORT = 0x12;
const REPORT2 = 0x16;
const LEAVE = 0x17;
const REPORT3 = 0x22;
const ALL_HOSTS = 0xe0000001;
const ALL_HOSTS6_LINK = 2;

/**
 * A frame to a group (no broadcast) that the bridge snoops; true: damaged, the bridge drops it. Without a querier groups that were joined make no difference: all is
 * flooded. With one they do, which is inconclusive.
 */
export function snoopRefuses(k: Kernel, f: Flight, plan: BridgePlan): boolean {
  const { skb } = f;
  if (!plan.mcastSnooping) return false;
  const what = skb.protocol === ETH_P_IP ? snoop4(skb) : skb.protocol === ETH_P_IPV6 ? snoop6(skb) : 'flood';
  if (what === 'routers' && plan.mcastQuerier)
    k.inconclusive('multicast on a bridge that knows a querier', k.packetCtx(f, skb.family, 'FORWARD', skb.dev, null));
  return what === 'damaged';
}

/** routers: only to ports that asked for the group or lead to a router, once there is a querier. */
type Snooped = 'flood' | 'routers' | 'damaged';

function snoop4(skb: Skb): Snooped {
  const d = skb.data;
  const hlen = (d[0] & 15) * 4;
  if (d.length < 20 || d[0] >>> 4 !== 4 || hlen < 20 || d.length < hlen || foldChecksum(sum16(d, 0, hlen)) !== 0) return 'damaged';
  const len = skb.totLen;
  if (d.length < len || len < hlen) return 'damaged';
  if (d[9] !== IGMP) return (skb.daddr as number) >>> 8 === 0xe00000 ? 'flood' : 'routers';
  if (len < hlen + 8 || foldChecksum(sum16(d, hlen, len)) !== 0) return 'damaged';
  switch (d[hlen]) {
    case LEAVE:
      return 'flood';
    case REPORT:
    case REPORT2:
      return 'routers';
    case REPORT3:
      return wholeReport(d.subarray(hlen, len)) ? 'flood' : 'damaged';
    case QUERY:
      return wholeQuery(skb, hlen, len - hlen) ? 'flood' : 'damaged';
    default:
      return 'damaged';
  }
}

/** br_ip4_multicast_igmp3_report(): all records that it says it has, with their sources. */
function wholeReport(m: Uint8Array): boolean {
  let at = 8;
  for (let left = (m[6] << 8) | m[7]; left > 0; left--) {
    if (at + 8 > m.length) return false;
    at += 8 + 4 * ((m[at + 2] << 8) | m[at + 3]);
    if (at > m.length) return false;
  }
  return true;
}

/** ip_mc_check_igmp_query(): of version 3 it is longer; a general one goes to all hosts. */
function wholeQuery(skb: Skb, at: number, length: number): boolean {
  if (length !== 8 && length < 12) return false;
  return skb.u32(at + 4) !== 0 || skb.daddr === ALL_HOSTS;
}

function snoop6(skb: Skb): Snooped {
  const d = skb.data;
  if (d.length < 40 || d[0] >>> 4 !== 6 || skb.u16(4) === 0 || d.length < 40 + skb.u16(4)) return 'damaged';
  const allNodes = d[24] === 0xff && d[25] === ALL_HOSTS6_LINK && d.subarray(26, 39).every((b) => b === 0) && d[39] === 1;
  return allNodes ? 'flood' : 'routers';
}
