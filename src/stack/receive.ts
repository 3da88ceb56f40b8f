/** From the bytes of a frame to an skb, as a driver hands it up (eth_type_trans, skb_vlan_untag), and back. */

import { readMac, writeMac } from '../packet/mac-bytes.js';
import { ETH_P_8021Q, ETH_P_IP, ETH_P_IPV6, type Origin, Skb } from '../packet/skb.js';

const INJECTED: Origin = { kind: 'injected', of: null };

/**
 * `frame` is a whole Ethernet frame of at least 14 bytes. `padded`: what stands behind a short IP packet comes along, for a bridge to pass it on and for a recorder to show it; everybody else
 * leaves it off before looking at the packet (pskb_trim_rcsum() of ip_rcv_core() and ip6_rcv_core()), and it need not be copied for that.
 */
export function frameToSkb(id: number, frame: Uint8Array, padded = true): Skb {
  let type = (frame[12] << 8) | frame[13];
  let at = 14;
  let vlan: number | null = null;
  if (type === ETH_P_8021Q && frame.length >= 18) {
    vlan = (frame[14] << 8) | frame[15];
    type = (frame[16] << 8) | frame[17];
    at = 18;
  }
  const skb = new Skb(id, INJECTED, frame.slice(at, padded ? frame.length : packetEnd(frame, at, type)), type);
  skb.eth = { dst: readMac(frame, 0), src: readMac(frame, 6) };
  skb.vlan = vlan;
  skb.csum = 'unchecked';
  return skb;
}

/** Where the IP packet at `at` says that it ends; the end of the frame where that cannot be, and for everything else. */
function packetEnd(frame: Uint8Array, at: number, type: number): number {
  const v6 = type === ETH_P_IPV6;
  if ((!v6 && type !== ETH_P_IP) || frame.length < at + 20) return frame.length;
  const field = v6 ? at + 4 : at + 2;
  const length = (frame[field] << 8) | frame[field + 1];
  // An IPv6 packet without a length is a jumbogram; an IPv4 packet cannot be shorter than its header.
  if (v6 ? length === 0 : length < Math.max(20, (frame[at] & 15) * 4)) return frame.length;
  return Math.min(frame.length, at + length + (v6 ? 40 : 0));
}

/** The frame as it stands on the wire: link header (where the device has one), VLAN tag, payload. */
export function frameOf(skb: Skb): Uint8Array {
  if (!skb.eth) return skb.data.slice();
  const tag = skb.vlan === null ? 0 : 4;
  const b = new Uint8Array(14 + tag + skb.data.length);
  writeMac(b, 0, skb.eth.dst);
  writeMac(b, 6, skb.eth.src);
  if (skb.vlan !== null) b.set([0x81, 0, skb.vlan >>> 8, skb.vlan & 255], 12);
  b[12 + tag] = skb.protocol >>> 8;
  b[13 + tag] = skb.protocol;
  b.set(skb.data, 14 + tag);
  return b;
}
