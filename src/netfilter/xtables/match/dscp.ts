/** `-m dscp [!] --dscp value | --dscp-class name`: the upper six bits of TOS or traffic class. */
import { dscpClass, dscpClasses } from '../../../base/well-known.js';
import { dscp as dscpField } from '../../fields.js';
import { equals, negateIf } from '../../pred.js';
import { type Given, type MatchDef, OptionError } from '../extension.js';
import { bang, uint } from '../values.js';

function parseDscp(ext: string, g: Given, classOption: string): number {
  if (g.name !== classOption) return uint(ext, g, 0, 63);
  const value = dscpClass(g.value);
  if (value === undefined) throw new OptionError(`Invalid DSCP value '${g.value}'`, g.name, `one of ${dscpClasses.map(([n]) => n).join(', ')}`);
  return value;
}

export const dscp: MatchDef<{ readonly value: number; readonly invert: boolean }> = {
  name: 'dscp',
  kernel: 'net/netfilter/xt_dscp.c',
  families: ['ipv4', 'ipv6'],
  options: [
    { name: 'dscp', arg: 'required', invert: true, excl: ['dscp-class'] },
    { name: 'dscp-class', arg: 'required', invert: true, excl: ['dscp'] },
  ],
  parse: ([g]) => {
    if (!g) throw new OptionError('DSCP match: Parameter --dscp is required');
    return { value: parseDscp('dscp', g, 'dscp-class'), invert: g.invert };
  },
  print: (d) => `${bang(d.invert)} --dscp 0x${d.value.toString(16).padStart(2, '0')}`,
  lower: (d) => [{ kind: 'test', pred: negateIf(d.invert, equals(dscpField, d.value)) }],
};
