/** `meta mark`, `iifname`: what the kernel keeps beside the packet (nft_meta_get_eval). */
import { ETH_P_IP, ETH_P_IPV6 } from '../../../packet/skb.js';
import type { PacketCtx, Scalar } from '../../pred.js';
import { nftProtocol } from '../../xtables/ip-fields.js';
import type { NftReadDef } from '../expr.js';
import { integer, type NftType, typeNamed } from '../types.js';

interface MetaKey {
  readonly type: NftType;
  readonly read: (c: PacketCtx) => Scalar | undefined;
  /** It is written without `meta` as well. */
  readonly bare?: true;
}
const PKT_TYPES: Readonly<Record<string, number>> = { host: 0, broadcast: 1, multicast: 2, otherhost: 3, outgoing: 4, loopback: 5 };
const ARPHRD: Readonly<Record<string, number>> = { ether: 1, ppp: 512, ipip: 768, tunnel6: 769, loopback: 772, sit: 776, gre: 778, none: 65534 };
const bool = (b: boolean): number => (b ? 1 : 0);
const NFPROTO: Readonly<Record<PacketCtx['family'], number>> = { ipv4: 2, ipv6: 10, bridge: 7, arp: 3, netdev: 5 };

export const META: Readonly<Record<string, MetaKey>> = {
  mark: { type: typeNamed('mark'), read: (c) => c.skb.mark, bare: true },
  priority: { type: typeNamed('classid'), read: (c) => c.skb.priority },
  iif: { type: typeNamed('iface_index'), read: (c) => c.in?.name, bare: true },
  oif: { type: typeNamed('iface_index'), read: (c) => c.out?.name, bare: true },
  iifname: { type: typeNamed('ifname'), read: (c) => c.in?.name, bare: true },
  oifname: { type: typeNamed('ifname'), read: (c) => c.out?.name, bare: true },
  iiftype: { type: typeNamed('iface_type'), read: (c) => (c.in ? ARPHRD[c.in.linkType] : undefined), bare: true },
  oiftype: { type: typeNamed('iface_type'), read: (c) => (c.out ? ARPHRD[c.out.linkType] : undefined), bare: true },
  iifgroup: { type: typeNamed('devgroup'), read: (c) => c.in?.group, bare: true },
  oifgroup: { type: typeNamed('devgroup'), read: (c) => c.out?.group, bare: true },
  length: { type: integer(32), read: (c) => c.skb.data.length },
  protocol: { type: typeNamed('ether_type'), read: (c) => c.skb.protocol },
  nfproto: { type: typeNamed('nf_proto'), read: (c) => NFPROTO[c.family] },
  l4proto: { type: typeNamed('inet_proto'), read: (c) => (c.skb.protocol === ETH_P_IP || c.skb.protocol === ETH_P_IPV6 ? nftProtocol.read(c) : undefined) },
  nftrace: { type: integer(1), read: (c) => bool(c.skb.nfTrace), bare: true },
  pkttype: { type: typeNamed('pkt_type'), read: (c) => PKT_TYPES[c.skb.pktType] },
  skuid: { type: typeNamed('uid'), read: (c) => (c.skb.sk?.full && !c.skb.sk.kernel ? c.skb.sk.uid : undefined), bare: true },
  skgid: { type: typeNamed('gid'), read: (c) => (c.skb.sk?.full && !c.skb.sk.kernel ? c.skb.sk.gid : undefined), bare: true },
  rtclassid: { type: typeNamed('realm'), read: (c) => c.skb.tclassid, bare: true },
};

const parsed: NftReadDef = {
  words: ['meta', ...Object.keys(META).filter((k) => META[k].bare)],
  kernel: 'net/netfilter/nft_meta.c',
  parse: (t, word) => {
    if (word !== 'meta') return META[word];
    const key = t.peek().text;
    if (!Object.hasOwn(META, key)) return null;
    t.next();
    return META[key];
  },
};
export const meta: readonly NftReadDef[] = [parsed];
