/** `meta mark set EXPR`: what the kernel keeps beside the packet (nft_meta_set_eval). */
import type { PacketCtx } from '../../pred.js';
import { setMark, tellMangle } from '../../xtables/target/common.js';
import { META } from '../expr/meta.js';
import { parseExpr } from '../expr.js';
import type { NftStmtDef } from '../stmt.js';

/** Values of skb->pkt_type that rules may write, and may write over (skb_pkt_type_ok). */
const PKT_TYPES = ['host', 'broadcast', 'multicast', 'otherhost'] as const;

function setPktType(c: PacketCtx, v: number): void {
  const before = c.skb.pktType;
  const to = PKT_TYPES[v];
  if (to === undefined || !PKT_TYPES.some((t) => t === before)) return;
  c.skb.pktType = to;
  tellMangle(c, 'pkttype', before, to);
}
function setPriority(c: PacketCtx, v: number): void {
  tellMangle(c, 'priority', c.skb.priority, v);
  c.skb.priority = v;
}
function setSecmark(c: PacketCtx, v: number): void {
  tellMangle(c, 'secmark', c.skb.secmark, v);
  c.skb.secmark = v;
}

const WRITES: Readonly<Record<string, (c: PacketCtx, v: number) => void>> = {
  mark: setMark,
  priority: setPriority,
  nftrace: (c, v) => {
    c.skb.nfTrace = (v & 255) !== 0;
  },
  pkttype: setPktType,
  secmark: setSecmark,
};

export const meta: NftStmtDef = {
  words: ['meta', ...Object.keys(WRITES)],
  kernel: 'net/netfilter/nft_meta.c',
  parse: (t, word, s) => {
    const key = word === 'meta' ? t.next().text : word;
    const write = Object.hasOwn(WRITES, key) ? WRITES[key] : null;
    if (!write || !t.take('set')) return null;
    const value = parseExpr(t, s, META[key]?.type ?? META.mark.type);
    return {
      kind: 'effect',
      name: `meta ${key} set`,
      run: (c) => {
        const v = value.one(c);
        if (typeof v === 'number') write(c, v);
        return v !== undefined;
      },
    };
  },
};
