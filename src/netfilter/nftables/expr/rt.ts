/** `rt nexthop`, `rt mtu`, `rt classid`, `rt ipsec`: the packet's route (nft_rt.c). */
import { anyAddr } from '../../../base/addr.js';
import type { Dst } from '../../../packet/types.js';
import type { PacketCtx, Scalar } from '../../pred.js';
import type { NftRead, NftReadDef } from '../expr.js';
import { NftError, type NftTokens } from '../tokens.js';
import { integer, typeNamed } from '../types.js';

const TCP_MSS_DEFAULT = 536;
const IP_MAX_MTU = 0xffff;

const routed =
  (of: (dst: Dst, c: PacketCtx) => Scalar | undefined) =>
  (c: PacketCtx): Scalar | undefined =>
    c.skb.dst === null ? undefined : of(c.skb.dst, c);

/** get_tcpmss(): what fits in both directions. */
function tcpMss(dst: Dst, c: PacketCtx): number {
  const back = c.env.fib({
    family: c.skb.family,
    src: anyAddr(c.skb.family),
    dst: c.skb.saddr,
    iif: null,
    oif: null,
    mark: 0,
    tos: 0,
    proto: 0,
    sport: 0,
    dport: 0,
  });
  const least = c.family === 'ipv6' ? 60 : 40;
  const dev = back.type === 'local' ? c.env.device('lo') : back.dev;
  const mtu = Math.min(dst.mtu, back.errno === 0 ? (back.mtu ?? dev?.mtu ?? dst.mtu) : dst.mtu, c.family === 'ipv4' ? IP_MAX_MTU : Number.POSITIVE_INFINITY);
  return mtu <= least || mtu > 0xffff ? TCP_MSS_DEFAULT : mtu - least;
}

/** rt_nexthop(), rt6_nexthop() */
const nexthop = (family: 'ipv4' | 'ipv6'): NftRead => ({
  type: typeNamed(family === 'ipv4' ? 'ipv4_addr' : 'ipv6_addr'),
  read: routed((dst, c) => {
    if (c.family !== family) return undefined;
    const own = typeof dst.gateway === (family === 'ipv4' ? 'number' : 'string');
    return own ? (dst.gateway as Scalar) : c.skb.daddr;
  }),
});

const KEYS: ReadonlyMap<string, NftRead> = new Map([
  ['classid', { type: typeNamed('realm'), read: routed((dst) => dst.realm) }],
  ['mtu', { type: integer(16), read: routed(tcpMss) }],
  ['ipsec', { type: typeNamed('boolean'), read: routed((dst) => (dst.xfrm ? 1 : 0)) }],
]);

function nexthopAt(t: NftTokens, family: string): NftRead | null {
  const said = t.is('ip', 'ip6') ? t.next().text : family;
  if (!t.is('nexthop')) return null;
  if (said !== 'ip' && said !== 'ip6') throw new NftError('“ip nexthop” or “ip6 nexthop” is expected', t.peek());
  t.next();
  return nexthop(said === 'ip' ? 'ipv4' : 'ipv6');
}

const parsed: NftReadDef = {
  words: ['rt'],
  kernel: 'net/netfilter/nft_rt.c',
  parse: (t, _, s) => {
    const read = KEYS.get(t.peek().text);
    if (!read) return nexthopAt(t, s.family);
    t.next();
    return read;
  },
};
export const rt: readonly NftReadDef[] = [parsed];
