/** `meta mark`, `iifname`: what the kernel keeps beside the packet (nft_meta_get_eval), its clock and chance. */
import { fullSocket, gid, uid } from '../../fields.js';
import type { PacketCtx, Scalar } from '../../pred.js';
import type { NftReadDef } from '../expr.js';
import { NftError } from '../tokens.js';
import { integer, type NftType, typeNamed } from '../types.js';
import { pktInfo } from './pktinfo.js';

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
const DAY = 86_400_000;
/** The epoch was a Thursday. */
const FIRST_DAY = 4;

/** nft_meta_get_eval_pkttype_lo() */
function packetType(c: PacketCtx): number {
  const { pktType, daddr } = c.skb;
  if (pktType !== 'loopback') return PKT_TYPES[pktType];
  return PKT_TYPES[typeof daddr === 'string' || daddr >>> 28 === 14 ? 'multicast' : 'broadcast'];
}
/** The kind of a device (rtnl_link_ops); plain hardware has none. */
const kindOf = (dev: PacketCtx['in']): string | undefined => dev?.kind || undefined;

/** Sockets get one by their TOS (rt_tos2priority), which the simulated ones do not keep. */
const priority = (c: PacketCtx): number =>
  c.in === null && c.family === 'ipv4' && c.skb.priority === 0 && (c.skb.tos & 0x1e) !== 0
    ? c.env.inconclusive('not modelled: the priority of an own packet by its TOS', c)
    : c.skb.priority;
const typeOf = (dev: PacketCtx['in']): number | undefined => (dev ? ARPHRD[dev.linkType] : undefined);

/** skb->dev, which `iiftype` asks: behind a route's output it is the output device, in OUTPUT there is none yet. */
export const ownDevice = (c: PacketCtx): PacketCtx['in'] => (c.hook === 'POSTROUTING' ? c.out : (c.in ?? (c.family === 'bridge' ? c.out : null)));

export const META: Readonly<Record<string, MetaKey>> = {
  mark: { type: typeNamed('mark'), read: (c) => c.skb.mark, bare: true },
  priority: { type: typeNamed('classid'), read: priority },
  // A device that is not there has index 0 and an empty name, which are compared as any other.
  iif: { type: typeNamed('iface_index'), read: (c) => c.in?.name ?? '', bare: true },
  oif: { type: typeNamed('iface_index'), read: (c) => c.out?.name ?? '', bare: true },
  iifname: { type: typeNamed('ifname'), read: (c) => c.in?.name ?? '', bare: true },
  oifname: { type: typeNamed('ifname'), read: (c) => c.out?.name ?? '', bare: true },
  iiftype: { type: typeNamed('iface_type'), read: (c) => typeOf(ownDevice(c)), bare: true },
  oiftype: { type: typeNamed('iface_type'), read: (c) => typeOf(c.out), bare: true },
  iifgroup: { type: typeNamed('devgroup'), read: (c) => c.in?.group, bare: true },
  oifgroup: { type: typeNamed('devgroup'), read: (c) => c.out?.group, bare: true },
  iifkind: { type: typeNamed('ifname'), read: (c) => kindOf(c.in) },
  oifkind: { type: typeNamed('ifname'), read: (c) => kindOf(c.out) },
  // nft_meta_bridge.c: the bridge of a port.
  ibrname: { type: typeNamed('ifname'), read: (c) => (c.family === 'bridge' ? (c.in?.master ?? undefined) : undefined), bare: true },
  obrname: { type: typeNamed('ifname'), read: (c) => (c.family === 'bridge' ? (c.out?.master ?? undefined) : undefined), bare: true },
  length: { type: integer(32), read: (c) => c.skb.data.length },
  protocol: { type: typeNamed('ether_type'), read: (c) => c.skb.protocol },
  nfproto: { type: typeNamed('nf_proto'), read: (c) => NFPROTO[c.family] },
  l4proto: { type: typeNamed('inet_proto'), read: (c) => pktInfo(c)?.proto },
  nftrace: { type: integer(1), read: (c) => bool(c.skb.nfTrace), bare: true },
  pkttype: { type: typeNamed('pkt_type'), read: packetType, bare: true },
  skuid: { type: typeNamed('uid'), read: uid.read, bare: true },
  skgid: { type: typeNamed('gid'), read: gid.read, bare: true },
  cgroup: { type: integer(32), read: (c) => fullSocket(c)?.classid, bare: true },
  rtclassid: { type: typeNamed('realm'), read: (c) => c.skb.dst?.realm, bare: true },
  secpath: { type: typeNamed('boolean'), read: (c) => bool((c.skb.secpath?.length ?? 0) > 0) },
  ipsec: { type: typeNamed('boolean'), read: (c) => bool((c.skb.secpath?.length ?? 0) > 0) },
  random: { type: integer(32), read: (c) => c.env.choose.below(2 ** 32, 'meta random', c.rule) },
  time: { type: typeNamed('date'), read: (c) => c.env.now(), bare: true },
  day: { type: typeNamed('day'), read: (c) => (FIRST_DAY + Math.floor(c.env.now() / DAY)) % 7, bare: true },
  hour: { type: typeNamed('hour'), read: (c) => Math.floor((c.env.now() % DAY) / 1000), bare: true },
  // No device of ours is enslaved to a VRF.
  sdif: { type: typeNamed('iface_index'), read: () => '' },
  sdifname: { type: typeNamed('ifname'), read: () => '' },
};
const NOT_MODELLED: ReadonlyMap<string, string> = new Map([
  ['cpu', 'which processor a packet is on'],
  ['ibrpvid', 'VLANs of bridges'],
  ['ibrvproto', 'VLANs of bridges'],
  ['ibrhwaddr', 'the address of a bridge as rules set it'],
  ['secmark', 'security marks compared'],
]);

const parsed: NftReadDef = {
  words: ['meta', ...Object.keys(META).filter((k) => META[k].bare), 'cpu'],
  kernel: 'net/netfilter/nft_meta.c',
  parse: (t, word) => {
    const key = word === 'meta' ? t.peek() : { ...t.peek(), text: word };
    const lacks = NOT_MODELLED.get(key.text);
    if (lacks !== undefined) throw new NftError(`not modelled: ${lacks}`, key);
    if (word !== 'meta') return META[word];
    if (!Object.hasOwn(META, key.text)) return null;
    t.next();
    return META[key.text];
  },
};
export const meta: readonly NftReadDef[] = [parsed];
