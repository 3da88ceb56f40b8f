/** `-m srh`: the IPv6 segment routing header (RFC 8754). */
import { type Addr, andAddr, formatAddr, maskToPrefix, readAddr } from '../../../base/addr.js';
import { NEXTHDR } from '../../../packet/ip6.js';
import type { PacketCtx } from '../../pred.js';
import { type Given, type MatchDef, OptionError, type OptionSpec } from '../extension.js';
import { headerLength, headerSteps } from '../exthdr.js';
import { type AddrMask, bang, given, hostMask, uint } from '../values.js';

/** Option, largest value, and how the field is compared with what was given. */
const NUMBERS: readonly (readonly [name: string, max: number, field: Field, op: 'eq' | 'gt' | 'lt'])[] = [
  ['srh-next-hdr', 255, 'next', 'eq'],
  ['srh-hdr-len-eq', 255, 'len', 'eq'],
  ['srh-hdr-len-gt', 255, 'len', 'gt'],
  ['srh-hdr-len-lt', 255, 'len', 'lt'],
  ['srh-segs-left-eq', 255, 'left', 'eq'],
  ['srh-segs-left-gt', 255, 'left', 'gt'],
  ['srh-segs-left-lt', 255, 'left', 'lt'],
  ['srh-last-entry-eq', 255, 'last', 'eq'],
  ['srh-last-entry-gt', 255, 'last', 'gt'],
  ['srh-last-entry-lt', 255, 'last', 'lt'],
  ['srh-tag', 65535, 'tag', 'eq'],
];
const SIDS = ['srh-psid', 'srh-nsid', 'srh-lsid'] as const;
type Field = 'next' | 'len' | 'left' | 'last' | 'tag';

interface Inv<T> {
  readonly value: T;
  readonly invert: boolean;
}
interface SrhMatch {
  /** In the order of NUMBERS and SIDS. */
  readonly numbers: readonly (Inv<number> | null)[];
  readonly sids: readonly (Inv<AddrMask> | null)[];
}

const SRH_TYPE = 4;
const FIXED = 8;

/** The kernel compares the tag as it stands on the wire with the rule's number in its own byte order: on x86 the bytes are exchanged. */
function fieldOf(c: PacketCtx, at: number, f: Field): number {
  const { skb } = c;
  return f === 'next'
    ? skb.u8(at)
    : f === 'len'
      ? skb.u8(at + 1)
      : f === 'left'
        ? skb.u8(at + 3)
        : f === 'last'
          ? skb.u8(at + 4)
          : skb.u8(at + 6) | (skb.u8(at + 7) << 8);
}

/** Previous, next and last segment; null where the header has none such. */
function sidOf(c: PacketCtx, at: number, which: (typeof SIDS)[number]): Addr | null {
  const left = c.skb.u8(at + 3);
  const last = c.skb.u8(at + 4);
  const index = which === 'srh-lsid' ? 0 : which === 'srh-psid' ? left + 1 : left - 1;
  if ((which === 'srh-psid' && left === last) || (which === 'srh-nsid' && left === 0)) return null;
  const offset = at + FIXED + 16 * index;
  return offset + 16 <= c.skb.data.length ? readAddr(c.skb.data, offset, 'ipv6') : null;
}

/** srh1_mt6() */
function matches(d: SrhMatch, c: PacketCtx, at: number): boolean {
  if (c.skb.u8(at + 2) !== SRH_TYPE || c.skb.u8(at + 3) > c.skb.u8(at + 4)) return false;
  const numbersFit = NUMBERS.every(([, , f, op], i) => {
    const w = d.numbers[i];
    if (!w) return true;
    const v = fieldOf(c, at, f);
    return (op === 'eq' ? v === w.value : op === 'gt' ? v > w.value : v < w.value) !== w.invert;
  });
  return (
    numbersFit &&
    SIDS.every((which, i) => {
      const w = d.sids[i];
      if (!w) return true;
      const sid = sidOf(c, at, which);
      return sid !== null && (andAddr(sid, w.value.mask) === andAddr(w.value.addr, w.value.mask)) !== w.invert;
    })
  );
}

const required = (name: string): OptionSpec => ({ name, arg: 'required', invert: true });
const inv = <T>(g: Given | undefined, value: (g: Given) => T): Inv<T> | null => (g ? { value: value(g), invert: g.invert } : null);

/** Of the comparisons of one field the value given last counts for all: the tool has room for one only. */
function parseNumbers(gs: readonly Given[]): SrhMatch['numbers'] {
  const values = new Map<Field, number>();
  for (const g of gs) {
    const row = NUMBERS.find(([n]) => n === g.name);
    if (row) values.set(row[2], uint('srh', g, 0, row[1]));
  }
  return NUMBERS.map(([n, , field]) => inv(given(gs, n), () => values.get(field)!));
}

export const srh: MatchDef<SrhMatch> = {
  name: 'srh',
  kernel: 'net/ipv6/netfilter/ip6t_srh.c',
  families: ['ipv6'],
  options: [...NUMBERS.map(([n]) => required(n)), ...SIDS.map(required)],
  parse: (gs) => ({
    numbers: parseNumbers(gs),
    sids: SIDS.map((n) =>
      inv(given(gs, n), (g) => {
        const a = hostMask('srh', g, 'ipv6');
        if (maskToPrefix(a.mask) < 0) throw new OptionError(`srh: bad mask in "${g.value}"`, n);
        return a;
      }),
    ),
  }),
  print: (d) =>
    NUMBERS.map(([n], i) => (d.numbers[i] ? `${bang(d.numbers[i].invert)} --${n} ${d.numbers[i].value}` : '')).join('') +
    SIDS.map((n, i) => (d.sids[i] ? `${bang(d.sids[i].invert)} --${n} ${formatAddr(d.sids[i].value.addr)}/${maskToPrefix(d.sids[i].value.mask)}` : '')).join(
      '',
    ),
  lower: (d) =>
    headerSteps(
      'segment routing header',
      NEXTHDR.ROUTING,
      FIXED,
      false,
      (c, at) => c.skb.data.length >= at + headerLength(c, at, NEXTHDR.ROUTING) && matches(d, c, at),
      'a segment routing header',
    ),
};
