/** `-p esp -m esp --espspi` and `-p ipcomp -m ipcomp --ipcompspi`. */
import { call } from '../../pred.js';
import type { MatchDef, RuleStep } from '../extension.js';
import { inRange, type NumberRange } from '../exthdr.js';
import { dropTinygram, hasPorts } from '../transport.js';
import { given, isGiven, numberRange, showNumberRange } from '../values.js';

interface EspMatch {
  readonly spi: NumberRange;
}
interface IpcompMatch extends EspMatch {
  readonly res: boolean;
}

const spiSteps = (name: string, spi: NumberRange, bytes: number, read: (data: Uint8Array, at: number) => number): readonly RuleStep[] => [
  dropTinygram(bytes),
  {
    kind: 'test',
    pred: { op: 'all', of: [hasPorts, call(name, [], (c) => inRange(spi, read(c.skb.data, c.skb.thoff)), showNumberRange(name, spi).trim() || 'any')] },
  },
];

export const esp: MatchDef<EspMatch> = {
  name: 'esp',
  kernel: 'net/netfilter/xt_esp.c',
  families: ['ipv4', 'ipv6'],
  protocols: [50],
  options: [{ name: 'espspi', arg: 'required', invert: true }],
  parse: (gs) => ({ spi: numberRange('esp', given(gs, 'espspi')) }),
  print: (d) => showNumberRange('espspi', d.spi),
  lower: (d) => spiSteps('espspi', d.spi, 8, (b, at) => ((b[at] << 24) | (b[at + 1] << 16) | (b[at + 2] << 8) | b[at + 3]) >>> 0),
};

/** The reserved bits that --compres asks about are not looked at by the kernel. */
export const ipcomp: MatchDef<IpcompMatch> = {
  name: 'ipcomp',
  kernel: 'net/netfilter/xt_ipcomp.c',
  families: ['ipv4', 'ipv6'],
  protocols: [108],
  options: [
    { name: 'ipcompspi', arg: 'required', invert: true },
    { name: 'compres', arg: 'none' },
  ],
  parse: (gs) => ({ spi: numberRange('ipcomp', given(gs, 'ipcompspi')), res: isGiven(gs, 'compres') }),
  print: (d) => showNumberRange('ipcompspi', d.spi) + (d.res ? ' --compres' : ''),
  lower: (d) => spiSteps('ipcompspi', d.spi, 4, (b, at) => (b[at + 2] << 8) | b[at + 3]),
};
