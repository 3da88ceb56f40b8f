/** From the bytes of a frame to an skb, as a driver hands it up (eth_type_trans, skb_vlan_untag), and back. */

import { readMac, writeMac } from '../packet/mac-bytes.js';
import { ETH_P_8021Q, type Origin, Skb } from '../packet/skb.js';

const INJECTED: Origin = { kind: 'injected', of: null };

/** `frame` is a whole Ethernet frame of at least 14 bytes. */
export function frameToSkb(id: number, frame: Uint8Array): Skb {
  let type = (frame[12] << 8) | frame[13];
  let at = 14;
  let vlan: number | null = null;
  if (type === ETH_P_8021Q && frame.length >= 18) {
    vlan = (frame[14] << 8) | frame[15];
    type = (frame[16] << 8) | frame[17];
    at = 18;
  }
  const skb = new Skb(id, INJECTED, frame.slice(at), type);
  skb.eth = { dst: readMac(frame, 0), src: readMac(frame, 6) };
  skb.vlan = vlan;
  skb.csum = 'unchecked';
  return skb;
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
