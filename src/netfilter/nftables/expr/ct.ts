/** `ct state`, `ct mark`, `ct original ip saddr`: what connection tracking knows (nft_ct_get_eval). */
import { CTINFO, ctIsReply, IPS, type NfConn } from '../../../packet/types.js';
import type { PacketCtx, Scalar } from '../../pred.js';
import type { NftReadDef } from '../expr.js';
import { NftError } from '../tokens.js';
import { integer, labelBits, type NftType, typeNamed } from '../types.js';

type ConnRead = (ct: NfConn, c: PacketCtx) => Scalar | undefined;

const INVALID = 1;
const UNTRACKED = 64;
/** NF_CT_STATE_BIT(). What a template will be is NEW. */
function state(c: PacketCtx): number {
  const { ct, ctinfo } = c.skb;
  // A template (`ct zone set`, `-j CT`) is there as a new connection.
  if (ct !== null) return 1 << ((ctinfo % 3) + 1);
  return ctinfo === CTINFO.UNTRACKED ? UNTRACKED : INVALID;
}

/** Keys that have no direction. */
export const CT: Readonly<Record<string, { readonly type: NftType; readonly of: ConnRead }>> = {
  direction: { type: typeNamed('ct_dir'), of: (_, c) => (ctIsReply(c.skb.ctinfo) ? 1 : 0) },
  status: { type: typeNamed('ct_status'), of: (ct) => ct.status },
  mark: { type: typeNamed('mark'), of: (ct) => ct.mark },
  secmark: { type: integer(32), of: (ct) => ct.secmark },
  // Until it is in the table the timeout is no point in time yet, and the subtraction says that none is left.
  expiration: { type: typeNamed('time'), of: (ct, c) => (ct.status & IPS.CONFIRMED ? Math.max(0, ct.expires - c.env.now()) : 0) },
  // That of the connection which expected this one.
  helper: { type: typeNamed('string'), of: (ct) => ct.master?.helper ?? undefined },
  l3proto: { type: typeNamed('nf_proto'), of: (ct) => NFPROTO[ct.orig.family] },
  label: { type: typeNamed('ct_label'), of: (ct) => labelBits(ct.labels) },
};
const NFPROTO = { ipv4: 2, ipv6: 10 } as const;
const NOT_MODELLED: ReadonlyMap<string, string> = new Map([
  ['id', 'the number that the kernel gave a connection'],
  ['event', 'events of connection tracking'],
]);

/** Keys of one direction. */
const DIRECTED: Readonly<Record<string, { readonly type: NftType; readonly of: (ct: NfConn, reply: boolean) => Scalar | undefined }>> = {
  protocol: { type: typeNamed('inet_proto'), of: (ct, r) => (r ? ct.reply : ct.orig).proto },
  'proto-src': { type: typeNamed('inet_service'), of: (ct, r) => (r ? ct.reply : ct.orig).sport },
  'proto-dst': { type: typeNamed('inet_service'), of: (ct, r) => (r ? ct.reply : ct.orig).dport },
};
/** nf_ct_zone_id(): a zone of one direction is the default one in the other; where none is named it is that of the connection. */
const zone =
  (dir: string | null) =>
  ({ zone: z }: NfConn): number =>
    dir === null || z.dir === 'both' || (z.dir === 'reply') === (dir === 'reply') ? z.id : 0;
const COUNTS = ['packets', 'bytes', 'avgpkt'];

const conn = (c: PacketCtx): NfConn | null => (c.skb.ct && !c.skb.ct.template ? c.skb.ct : null);
const asked =
  (of: ConnRead) =>
  (c: PacketCtx): Scalar | undefined => {
    const ct = conn(c);
    return ct === null ? undefined : of(ct, c);
  };

const parsed: NftReadDef = {
  words: ['ct'],
  kernel: 'net/netfilter/nft_ct.c',
  needs: 'conntrack',
  parse: (t, _, s) => {
    const word = t.peek().text;
    const lacks = NOT_MODELLED.get(word);
    if (lacks !== undefined) throw new NftError(`not modelled: ${lacks}`, t.peek());
    if (word === 'state') {
      t.next();
      return { type: typeNamed('ct_state'), read: state };
    }
    if (Object.hasOwn(CT, word)) {
      t.next();
      return { type: CT[word].type, read: asked(CT[word].of) };
    }
    const dir = t.take('original', 'reply');
    const family = (dir ? t.take('ip', 'ip6') : null) ?? s.family;
    const key = t.peek().text;
    const replies = (c: PacketCtx): boolean => (dir === null ? ctIsReply(c.skb.ctinfo) : dir === 'reply');
    if (dir && (key === 'saddr' || key === 'daddr')) {
      t.next();
      const type = typeNamed(family === 'ip6' ? 'ipv6_addr' : 'ipv4_addr');
      const wanted = family === 'ip6' ? 'ipv6' : 'ipv4';
      const side = key === 'saddr' ? 'src' : 'dst';
      return { type, read: asked((ct, c) => (ct.orig.family === wanted ? (replies(c) ? ct.reply : ct.orig)[side] : undefined)) };
    }
    if (t.take('zone')) return { type: integer(16), read: asked(zone(dir)) };
    if (Object.hasOwn(DIRECTED, key)) {
      t.next();
      return { type: DIRECTED[key].type, read: asked((ct, c) => DIRECTED[key].of(ct, replies(c))) };
    }
    if (COUNTS.includes(key)) {
      t.next();
      return { type: integer(64), read: asked((ct, c) => counted(ct, key, dir === null ? null : replies(c))) };
    }
    return null;
  },
};

/** nf_conn_acct, which has both directions where none is named. */
function counted(ct: NfConn, key: string, reply: boolean | null): number | undefined {
  const sum = (of: readonly [number, number]): number => (reply === null ? of[0] + of[1] : of[reply ? 1 : 0]);
  const packets = sum(ct.acct.packets);
  if (key === 'packets') return packets;
  const bytes = sum(ct.acct.bytes);
  return key === 'bytes' ? bytes : packets === 0 ? 0 : Math.floor(bytes / packets);
}
export const ct: readonly NftReadDef[] = [parsed];
