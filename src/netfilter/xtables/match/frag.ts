/** `-m frag --fragid, --fraglen, --fragres, --fragfirst, --fragmore, --fraglast`: the IPv6 fragment header. */
import { NEXTHDR } from '../../../packet/ip6.js';
import type { MatchDef } from '../extension.js';
import { headerSteps, inRange, type NumberRange } from '../exthdr.js';
import { bang, given, isGiven, numberRange, showNumberRange, uint } from '../values.js';

interface FragMatch {
  readonly id: NumberRange;
  /** Taken and printed; the kernel does not look at it. */
  readonly len: { readonly value: number; readonly invert: boolean } | null;
  readonly res: boolean;
  readonly first: boolean;
  readonly more: boolean;
  readonly last: boolean;
}

export const frag: MatchDef<FragMatch> = {
  name: 'frag',
  kernel: 'net/ipv6/netfilter/ip6t_frag.c',
  families: ['ipv6'],
  options: [
    { name: 'fragid', arg: 'required', invert: true },
    { name: 'fraglen', arg: 'required', invert: true },
    { name: 'fragres', arg: 'none' },
    { name: 'fragfirst', arg: 'none' },
    { name: 'fragmore', arg: 'none', excl: ['fraglast'] },
    { name: 'fraglast', arg: 'none', excl: ['fragmore'] },
  ],
  parse: (gs) => {
    const len = given(gs, 'fraglen');
    return {
      id: numberRange('frag', given(gs, 'fragid')),
      len: len ? { value: uint('frag', len), invert: len.invert } : null,
      res: isGiven(gs, 'fragres'),
      first: isGiven(gs, 'fragfirst'),
      more: isGiven(gs, 'fragmore'),
      last: isGiven(gs, 'fraglast'),
    };
  },
  print: (d) =>
    showNumberRange('fragid', d.id) +
    (d.len ? `${bang(d.len.invert)} --fraglen ${d.len.value}` : '') +
    (d.res ? ' --fragres' : '') +
    (d.first ? ' --fragfirst' : '') +
    (d.more ? ' --fragmore' : '') +
    (d.last ? ' --fraglast' : ''),
  lower: (d) =>
    headerSteps(
      'fragment header',
      NEXTHDR.FRAGMENT,
      8,
      false,
      (c, at) => {
        const offset = c.skb.u16(at + 2);
        return (
          inRange(d.id, c.skb.u32(at + 4)) &&
          !(d.res && (c.skb.u8(at + 1) !== 0 || (offset & 6) !== 0)) &&
          !(d.first && (offset & 0xfff8) !== 0) &&
          !(d.more && (offset & 1) === 0) &&
          !(d.last && (offset & 1) !== 0)
        );
      },
      'a fragment header',
    ),
};
