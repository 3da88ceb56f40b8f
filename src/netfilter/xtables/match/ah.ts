/** `-p ah -m ah --ahspi` (IPv4) and `-m ah --ahspi, --ahlen, --ahres` (IPv6): the IPsec authentication header. */
import { NEXTHDR } from '../../../packet/ip6.js';
import { call } from '../../pred.js';
import type { MatchDef } from '../extension.js';
import { headerLength, headerSteps, inRange, type NumberRange } from '../exthdr.js';
import { dropTinygram, hasPorts } from '../transport.js';
import { bang, given, isGiven, numberRange, showNumberRange, uint } from '../values.js';

interface AhMatch {
  readonly spi: NumberRange;
}
interface Ah6Match extends AhMatch {
  readonly len: { readonly value: number; readonly invert: boolean } | null;
  readonly res: boolean;
}

/** ah_mt() of IPv4: 12 bytes of header, the SPI in its second word. */
export const ah: MatchDef<AhMatch> = {
  name: 'ah',
  kernel: 'net/ipv4/netfilter/ipt_ah.c',
  families: ['ipv4'],
  protocols: [51],
  options: [{ name: 'ahspi', arg: 'required', invert: true }],
  parse: (gs) => ({ spi: numberRange('ah', given(gs, 'ahspi')) }),
  print: (d) => showNumberRange('ahspi', d.spi),
  lower: (d) => [
    dropTinygram(12),
    {
      kind: 'test',
      pred: {
        op: 'all',
        of: [hasPorts, call('ah spi', [], (c) => inRange(d.spi, c.skb.u32(c.skb.thoff + 4)), showNumberRange('ahspi', d.spi).trim() || 'any')],
      },
    },
  ],
};

export const ah6: MatchDef<Ah6Match> = {
  name: 'ah',
  kernel: 'net/ipv6/netfilter/ip6t_ah.c',
  families: ['ipv6'],
  options: [
    { name: 'ahspi', arg: 'required', invert: true },
    { name: 'ahlen', arg: 'required', invert: true },
    { name: 'ahres', arg: 'none' },
  ],
  parse: (gs) => {
    const len = given(gs, 'ahlen');
    return { spi: numberRange('ah', given(gs, 'ahspi')), len: len ? { value: uint('ah', len), invert: len.invert } : null, res: isGiven(gs, 'ahres') };
  },
  print: (d) =>
    showNumberRange('ahspi', d.spi) +
    (d.len && (d.len.value !== 0 || d.len.invert) ? `${bang(d.len.invert)} --ahlen ${d.len.value}` : '') +
    (d.res ? ' --ahres' : ''),
  lower: (d) =>
    headerSteps(
      'authentication header',
      NEXTHDR.AUTH,
      12,
      true,
      (c, at) =>
        inRange(d.spi, c.skb.u32(at + 4)) &&
        (!d.len?.value || (headerLength(c, at, NEXTHDR.AUTH) === d.len.value) !== d.len.invert) &&
        !(d.res && c.skb.u16(at + 2) !== 0),
      'an authentication header',
    ),
};
