/** The fields of ip_packet_match() and ip6_packet_match(): what a rule tests before any match extension. */
import { formatAddr } from '../../base/addr.js';
import type { Field } from '../pred.js';

export const ipSrc: Field = { name: 'source', read: (c) => c.skb.saddr, show: (v) => formatAddr(v) };
export const ipDst: Field = { name: 'destination', read: (c) => c.skb.daddr, show: (v) => formatAddr(v) };
/** '' where the hook has no such device, as the kernel compares with an empty name. */
export const inIface: Field = { name: 'in-interface', read: (c) => c.in?.name ?? '', show: String };
export const outIface: Field = { name: 'out-interface', read: (c) => c.out?.name ?? '', show: String };
export const ipProtocol: Field = { name: 'protocol', read: (c) => c.skb.l4proto, show: String };
/** 1 for the second and later fragments. */
export const ip4Fragment: Field = { name: 'fragment', read: (c) => (c.skb.fragOffset !== 0 ? 1 : 0), show: (v) => (v === 1 ? 'later fragment' : 'first or whole') };
