/** `ipsec in reqid 1`, `ipsec out spnum 1 ip saddr 10.0.0.1`: IPsec undone, or to be done (nft_xfrm.c). */
import type { Addr } from '../../../base/addr.js';
import type { PacketCtx, Scalar } from '../../pred.js';
import type { NftReadDef } from '../expr.js';
import { NftError } from '../tokens.js';
import { integer, typeNamed } from '../types.js';

interface Transformation {
  readonly src: Addr;
  readonly dst: Addr;
  readonly spi: number;
  readonly reqid: number;
  readonly mode: string;
}
const XFRM_MAX_DEPTH = 6;

/** What came in was transformed outermost first; what goes out is, in the order of its bundle. */
function transformation(c: PacketCtx, dir: string, nth: number): Transformation | undefined {
  if (dir === 'in') return c.skb.secpath?.[nth];
  const bundle = c.skb.dst?.xfrm as { readonly states: readonly Transformation[] } | null | undefined;
  return bundle?.states[nth];
}

/** xfrm_state_addr_ok(): addresses are those of tunnels. */
const address =
  (v6: boolean, side: 'src' | 'dst') =>
  (x: Transformation): Scalar | undefined =>
    (x.mode === 'tunnel' || x.mode === 'beet') && (typeof x[side] === 'string') === v6 ? x[side] : undefined;

const parsed: NftReadDef = {
  words: ['ipsec'],
  kernel: 'net/netfilter/nft_xfrm.c',
  parse: (t, _, s) => {
    const dir = t.take('in', 'out');
    if (dir === null) throw new NftError('“in” or “out” is expected', t.peek());
    const at = t.peek();
    const nth = t.take('spnum') ? t.number('the number of the transformation') : 0;
    if (nth >= XFRM_MAX_DEPTH) throw new NftError(`there are no more than ${XFRM_MAX_DEPTH} transformations`, at);
    const of = (get: (x: Transformation) => Scalar | undefined) => (c: PacketCtx) => {
      const x = transformation(c, dir, nth);
      return x && get(x);
    };
    if (t.take('reqid')) return { type: integer(32), read: of((x) => x.reqid) };
    if (t.take('spi')) return { type: integer(32), read: of((x) => x.spi) };
    const family = t.take('ip', 'ip6') ?? s.family;
    const side = t.take('saddr', 'daddr');
    if (side === null || (family !== 'ip' && family !== 'ip6')) throw new NftError('“reqid”, “spi”, “ip saddr” or its like is expected', t.peek());
    return { type: typeNamed(family === 'ip' ? 'ipv4_addr' : 'ipv6_addr'), read: of(address(family === 'ip6', side === 'saddr' ? 'src' : 'dst')) };
  },
};
export const ipsec: readonly NftReadDef[] = [parsed];
