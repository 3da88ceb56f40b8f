/** `-m length [!] --length lo[:hi]`: bytes of the IP packet, header included. */
import { length as lengthField } from '../../fields.js';
import { between, negateIf } from '../../pred.js';
import { type MatchDef, OptionError } from '../extension.js';
import { U16 } from '../numbers.js';
import { bang, type PortRange, showPorts, uintPair } from '../values.js';

export const length: MatchDef<{ readonly range: PortRange; readonly invert: boolean }> = {
  name: 'length',
  kernel: 'net/netfilter/xt_length.c',
  families: ['ipv4', 'ipv6'],
  options: [{ name: 'length', arg: 'required', invert: true, mandatory: true }],
  parse: ([g]) => {
    const range = uintPair('length', g, U16);
    if (range[0] > range[1]) throw new OptionError(`length: min. range value must be smaller than max: ${range[0]}:${range[1]}`, 'length');
    return { range, invert: g.invert };
  },
  print: (d) => `${bang(d.invert)} --length ${showPorts(d.range)}`,
  lower: (d) => [{ kind: 'test', pred: negateIf(d.invert, between(lengthField, d.range[0], d.range[1])) }],
};
