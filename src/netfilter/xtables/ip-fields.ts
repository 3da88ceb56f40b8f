/** The fields of ip_packet_match() and ip6_packet_match(): what a rule tests before any match extension. */
import { formatAddr } from '../../base/addr.js';
import { findTransport, isExtensionHeader, NEXTHDR } from '../../packet/ip6.js';
import type { Field } from '../pred.js';

export const ipSrc: Field = { name: 'source', read: (c) => c.skb.saddr, show: (v) => formatAddr(v) };
export const ipDst: Field = { name: 'destination', read: (c) => c.skb.daddr, show: (v) => formatAddr(v) };
/** '' where the hook has no such device, as the kernel compares with an empty name. */
export const inIface: Field = { name: 'in-interface', read: (c) => c.in?.name ?? '', show: String };
export const outIface: Field = { name: 'out-interface', read: (c) => c.out?.name ?? '', show: String };
export const ipProtocol: Field = { name: 'protocol', read: (c) => c.skb.l4proto, show: String };
/** `meta l4proto` (nft_set_pktinfo_ipv6()): AH counts as the transport; undefined where the extension headers do not lead to one. */
export const nftProtocol: Field = {
  name: 'protocol',
  read: (c) => {
    if (c.family !== 'ipv6') return c.skb.l4proto;
    const t = findTransport(c.skb.data, true);
    if (t.proto === NEXTHDR.AUTH && t.fragOffset === 0) return t.offset < 0 ? undefined : t.proto;
    return isExtensionHeader(t.proto) ? undefined : t.proto;
  },
  show: String,
};
/** 1 for the second and later fragments. */
export const ip4Fragment: Field = {
  name: 'fragment',
  read: (c) => (c.skb.fragOffset !== 0 ? 1 : 0),
  show: (v) => (v === 1 ? 'later fragment' : 'first or whole'),
};
