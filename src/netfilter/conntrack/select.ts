/** Which entries a conntrack(8) command means: nfct_cmp() and the tool's own filters. */
import { type Addr, andAddr, type Family } from '../../base/addr.js';
import { IPPROTO } from '../../packet/skb.js';
import { IPS, type Tuple } from '../../packet/types.js';
import { type CtEntry, natStatus } from './entry.js';

/** An address with its mask (all ones for one host). */
export interface MaskedAddr {
  readonly addr: Addr;
  readonly mask: Addr;
}
/** What a direction must look like; null = anything. */
export interface TupleSelect {
  readonly src: MaskedAddr | null;
  readonly dst: MaskedAddr | null;
  readonly sport: number | null;
  readonly dport: number | null;
}
const ANY_TUPLE: TupleSelect = { src: null, dst: null, sport: null, dport: null };

/** `--src-nat [ip[:port]]` and its sisters; addr and port null where only the fact of translation counts. */
export interface NatSelect {
  readonly addr: Addr | null;
  readonly port: number | null;
}

export interface CtSelect {
  readonly family: Family | null;
  readonly proto: number | null;
  readonly orig: TupleSelect;
  readonly reply: TupleSelect;
  readonly icmp: { readonly type: number | null; readonly code: number | null; readonly id: number | null };
  readonly state: string | null;
  /** IPS bits that must be set. */
  readonly status: number;
  readonly mark: { readonly value: number; readonly mask: number } | null;
  readonly zone: number | null;
  readonly origZone: number | null;
  readonly replyZone: number | null;
  readonly srcNat: NatSelect | null;
  readonly dstNat: NatSelect | null;
  readonly anyNat: NatSelect | null;
}
export const ANY_ENTRY: CtSelect = {
  family: null,
  proto: null,
  orig: ANY_TUPLE,
  reply: ANY_TUPLE,
  icmp: { type: null, code: null, id: null },
  state: null,
  status: 0,
  mark: null,
  zone: null,
  origZone: null,
  replyZone: null,
  srcNat: null,
  dstNat: null,
  anyNat: null,
};

const inMask = (m: MaskedAddr | null, a: Addr): boolean => m === null || (typeof a === typeof m.addr && andAddr(a, m.mask) === andAddr(m.addr, m.mask));
const is = <T>(want: T | null, have: T): boolean => want === null || want === have;
const tupleFits = (s: TupleSelect, t: Tuple): boolean => inMask(s.src, t.src) && inMask(s.dst, t.dst) && is(s.sport, t.sport) && is(s.dport, t.dport);

/** Status bits that follow from what an entry shows. */
function statusOf(e: CtEntry): number {
  return IPS.CONFIRMED | natStatus(e.orig, e.reply) | (e.unreplied ? 0 : IPS.SEEN_REPLY) | (e.assured ? IPS.ASSURED : 0);
}

function natFits(n: NatSelect | null, bit: number, e: CtEntry, addr: Addr, port: number): boolean {
  return n === null || ((statusOf(e) & bit) !== 0 && is(n.addr, addr) && is(n.port, port));
}
const srcNatFits = (n: NatSelect | null, e: CtEntry): boolean => natFits(n, IPS.SRC_NAT, e, e.reply.dst, e.reply.dport);
const dstNatFits = (n: NatSelect | null, e: CtEntry): boolean => natFits(n, IPS.DST_NAT, e, e.reply.src, e.reply.sport);

function icmpFits(s: CtSelect['icmp'], t: Tuple): boolean {
  if (s.type === null && s.code === null && s.id === null) return true;
  if (t.proto !== IPPROTO.ICMP && t.proto !== IPPROTO.ICMPV6) return false;
  return is(s.type, t.dport >>> 8) && is(s.code, t.dport & 255) && is(s.id, t.sport);
}

function zonesFit(s: CtSelect, e: CtEntry): boolean {
  const { id, dir } = e.zone;
  return is(s.zone, dir === 'both' ? id : 0) && is(s.origZone, dir === 'orig' ? id : 0) && is(s.replyZone, dir === 'reply' ? id : 0);
}

export function selects(s: CtSelect, e: CtEntry): boolean {
  return (
    is(s.family, e.orig.family) &&
    is(s.proto, e.orig.proto) &&
    tupleFits(s.orig, e.orig) &&
    tupleFits(s.reply, e.reply) &&
    icmpFits(s.icmp, e.orig) &&
    (s.state === null || s.state === e.state) &&
    (statusOf(e) & s.status) === s.status &&
    (s.mark === null || (e.mark & s.mark.mask) >>> 0 === s.mark.value) &&
    zonesFit(s, e) &&
    srcNatFits(s.srcNat, e) &&
    dstNatFits(s.dstNat, e) &&
    (s.anyNat === null || srcNatFits(s.anyNat, e) || dstNatFits(s.anyNat, e))
  );
}
