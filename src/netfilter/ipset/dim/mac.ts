/** Ethernet addresses. */
import { formatMac, type Mac, parseMac } from '../../../base/addr.js';
import type { Skb } from '../../../packet/skb.js';
import { IpsetError } from '../types.js';
import { zeroElement } from './value.js';

export function parseMacPart(text: string): Mac {
  const m = parseMac(text);
  if (m === null) throw new IpsetError('ipset-mac', `Syntax error: cannot parse '${text}' as ethernet address`, text);
  if (m === 0) throw zeroElement();
  return m;
}

/** The kernel writes them in small letters, ipset prints capital ones. */
export const printMac = (m: Mac): string => formatMac(m).toUpperCase();

/** -1 where the packet has no Ethernet header (made here, or a device without one) or a zero address. */
export function macOfPacket(skb: Skb, src: boolean): Mac {
  if (!skb.eth || skb.dev?.linkType !== 'ether') return -1;
  return (src ? skb.eth.src : skb.eth.dst) || -1;
}
