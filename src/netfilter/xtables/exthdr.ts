/** Finding one IPv6 extension header: ipv6_find_hdr() with a target. */
import { NEXTHDR } from '../../packet/ip6.js';
import { call, type PacketCtx, type Pred } from '../pred.js';
import type { RuleStep } from './extension.js';

const isExtension = (next: number): boolean =>
  next === NEXTHDR.HOP || next === NEXTHDR.ROUTING || next === NEXTHDR.FRAGMENT || next === NEXTHDR.AUTH || next === NEXTHDR.DEST;

/** Offset of the first header of that kind, null when there is none, -1 when the packet is cut off in front of it. */
function findHeader(c: PacketCtx, target: number): number | null {
  const { data } = c.skb;
  let next = data[6];
  let at = 40;
  for (;;) {
    if (!isExtension(next)) return next === target && next !== NEXTHDR.NONE ? at : null;
    if (at + 2 > data.length) return -1;
    if (next === target) return at;
    if (next === NEXTHDR.FRAGMENT) {
      if (at + 4 > data.length) return -1;
      if (((data[at + 2] << 8) | data[at + 3]) & 0xfff8) return null;
    }
    const length = next === NEXTHDR.FRAGMENT ? 8 : next === NEXTHDR.AUTH ? (data[at + 1] + 2) * 4 : (data[at + 1] + 1) * 8;
    next = data[at];
    at += length;
  }
}

/** Length in bytes that a header at `at` gives itself. */
export const headerLength = (c: PacketCtx, at: number, kind: number): number =>
  kind === NEXTHDR.AUTH ? (c.skb.data[at + 1] + 2) * 4 : (c.skb.data[at + 1] + 1) * 8;

/**
 * The steps of a match on one extension header: dropped when it is cut off (before `fixed` bytes, or before its own length where `whole`),
 * no when it is not there, else the answer of `test` for its offset.
 */
export function headerSteps(
  name: string,
  kind: number,
  fixed: number,
  whole: boolean,
  test: (c: PacketCtx, at: number) => boolean,
  show: string,
): readonly RuleStep[] {
  const cutOff = (c: PacketCtx): boolean => {
    const at = findHeader(c, kind);
    if (at === null) return false;
    const left = c.skb.data.length - at;
    return at < 0 || left < fixed || (whole && left < headerLength(c, at, kind));
  };
  const pred: Pred = call(
    name,
    [],
    (c) => {
      const at = findHeader(c, kind);
      return at !== null && test(c, at);
    },
    show,
    (c) => (findHeader(c, kind) === null ? 'none' : 'other'),
  );
  return [
    { kind: 'hotdrop', pred: call(name, [], cutOff, `a ${name} cut off`) },
    { kind: 'test', pred },
  ];
}

export interface NumberRange {
  readonly lo: number;
  readonly hi: number;
  readonly invert: boolean;
}
export const inRange = (r: NumberRange, v: number): boolean => (v >= r.lo && v <= r.hi) !== r.invert;
