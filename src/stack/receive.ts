/** From the bytes of a frame to an skb, as a driver hands it up (eth_type_trans, skb_vlan_untag). */
import { ETH_P_8021Q, Skb } from '../packet/skb.js';
import { transportChecksumBad } from '../packet/verify.js';
import { readMac } from '../packet/mac-bytes.js';

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
  const skb = new Skb(id, { kind: 'injected', of: null }, frame.slice(at), type);
  skb.eth = { dst: readMac(frame, 0), src: readMac(frame, 6) };
  skb.vlan = vlan;
  skb.csumBad = transportChecksumBad(skb);
  return skb;
}
