/** `-m connlimit --connlimit-upto n | --connlimit-above n`: connections that a host or network has open. */
import { type Addr, andAddr, prefixMask } from '../../../base/addr.js';
import { type Given, type MatchDefWithConntrack, OptionError } from '../extension.js';
import { given, isGiven, prefixLength, uint } from '../values.js';

interface ConnlimitMatch {
  readonly limit: number;
  /** true: matches up to the limit; false: above it. */
  readonly upto: boolean;
  readonly len: number;
  readonly mask: Addr;
  readonly side: 'saddr' | 'daddr';
}

function parse(gs: readonly Given[], family: 'ipv4' | 'ipv6'): ConnlimitMatch {
  const g = given(gs, 'connlimit-upto') ?? given(gs, 'connlimit-above');
  if (!g) throw new OptionError('You must specify "--connlimit-above" or "--connlimit-upto".');
  const mask = given(gs, 'connlimit-mask');
  const len = mask ? prefixLength('connlimit', 'connlimit-mask', mask.value, family) : family === 'ipv4' ? 32 : 128;
  return {
    limit: uint('connlimit', g),
    upto: (g.name === 'connlimit-upto') !== g.invert,
    len,
    mask: prefixMask(family, len),
    side: isGiven(gs, 'connlimit-daddr') ? 'daddr' : 'saddr',
  };
}

export const connlimit: MatchDefWithConntrack<ConnlimitMatch> = {
  name: 'connlimit',
  kernel: 'net/netfilter/xt_connlimit.c',
  families: ['ipv4', 'ipv6'],
  options: [
    { name: 'connlimit-upto', arg: 'required', invert: true, excl: ['connlimit-above'] },
    { name: 'connlimit-above', arg: 'required', invert: true, excl: ['connlimit-upto'] },
    { name: 'connlimit-mask', arg: 'required' },
    { name: 'connlimit-saddr', arg: 'none', excl: ['connlimit-daddr'] },
    { name: 'connlimit-daddr', arg: 'none', excl: ['connlimit-saddr'] },
  ],
  parse: (gs, ctx) => parse(gs, ctx.family),
  print: (d) => ` --connlimit-${d.upto ? 'upto' : 'above'} ${d.limit} --connlimit-mask ${d.len} --connlimit-${d.side}`,
  lower: (d) => [
    {
      kind: 'stateful',
      name: 'connlimit',
      test: (c) => {
        const key = andAddr(d.side === 'daddr' ? c.skb.daddr : c.skb.saddr, d.mask);
        const count = c.env.ct.countConnections(
          c,
          key,
          c.skb.ct?.zone.id ?? 0,
          (ct) => andAddr(d.side === 'daddr' ? ct.orig.dst : ct.orig.src, d.mask) === key,
        );
        return count > d.limit !== d.upto;
      },
      show: `${d.upto ? 'at most' : 'more than'} ${d.limit} connections of its ${d.side === 'daddr' ? 'destination' : 'source'}/${d.len}`,
    },
  ],
  needsConntrack: () => true,
};
