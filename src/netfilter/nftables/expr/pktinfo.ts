/** What nf_tables knows of a packet before its rules look at it (struct nft_pktinfo): the transport protocol and where its header stands. */
import { NEXTHDR } from '../../../packet/ip6.js';
import { ETH_P_IP, ETH_P_IPV6, type Skb } from '../../../packet/skb.js';
import type { PacketCtx } from '../../pred.js';

export interface PktInfo {
  readonly proto: number;
  /** Offset of the transport header in skb.data. */
  readonly thoff: number;
  /** Fragment offset in bytes; 0 also of what is no fragment. */
  readonly fragoff: number;
}

/** nft_set_pktinfo(): null where the packet has no transport protocol (NFT_PKTINFO_L4PROTO is not set). */
export function pktInfo(c: PacketCtx): PktInfo | null {
  const { skb, family } = c;
  if (family === 'ipv4') return ofIp4(skb);
  if (family === 'ipv6') return findHeader6(skb.data, -1, true);
  if (family === 'arp') return null;
  if (skb.protocol === ETH_P_IP) return validIp4(skb) ? ofIp4(skb) : null;
  return skb.protocol === ETH_P_IPV6 && validIp6(skb) ? findHeader6(skb.data, -1, true) : null;
}

const ofIp4 = (skb: Skb): PktInfo => ({ proto: skb.data[9], thoff: (skb.data[0] & 15) * 4, fragoff: (skb.u16(6) & 0x1fff) * 8 });

/** __nft_set_pktinfo_ipv4_validate(), of families whose packets nobody has looked at before. */
function validIp4(skb: Skb): boolean {
  const { data } = skb;
  const header = (data[0] & 15) * 4;
  return data.length >= 20 && data[0] >>> 4 === 4 && header >= 20 && skb.u16(2) >= header && skb.u16(2) <= data.length;
}
const validIp6 = ({ data }: Skb): boolean => data.length >= 40 && data[0] >>> 4 === 6 && ((data[4] << 8) | data[5]) + 40 <= data.length;

const EXTENSIONS: ReadonlySet<number> = new Set([NEXTHDR.HOP, NEXTHDR.ROUTING, NEXTHDR.FRAGMENT, NEXTHDR.AUTH, NEXTHDR.NONE, NEXTHDR.DEST]);

/**
 * ipv6_find_hdr(): the header of that kind; with -1 the transport's, AH too where `atAuth`. Null where there is none, or the packet ends before. Of a later fragment
 * of a transport header the kernel names the protocol and leaves the offset alone: it is 0.
 */
export function findHeader6(d: Uint8Array, target: number, atAuth = false): PktInfo | null {
  let next = d[6];
  let at = 40;
  for (;;) {
    const found = next === target;
    if (!EXTENSIONS.has(next) || next === NEXTHDR.NONE) return target < 0 || found ? { proto: next, thoff: at, fragoff: 0 } : null;
    if (at + (next === NEXTHDR.ROUTING || next === NEXTHDR.FRAGMENT ? 4 : 2) > d.length) return null;
    const behind = d[at];
    let length = (d[at + 1] + 1) * 8;
    if (next === NEXTHDR.FRAGMENT) {
      const fragoff = ((d[at + 2] << 8) | d[at + 3]) & 0xfff8;
      if (fragoff !== 0) {
        if (target < 0 && (!EXTENSIONS.has(behind) || behind === NEXTHDR.NONE)) return { proto: behind, thoff: 0, fragoff };
        return found ? { proto: next, thoff: at, fragoff } : null;
      }
      length = 8;
    } else if (next === NEXTHDR.AUTH) {
      if (atAuth && target < 0) return { proto: next, thoff: at, fragoff: 0 };
      length = (d[at + 1] + 2) * 4;
    }
    if (found) return { proto: next, thoff: at, fragoff: 0 };
    if (d.length - at < length) return null;
    next = behind;
    at += length;
  }
}
