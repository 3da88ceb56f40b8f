/** `-m tos [!] --tos value[/mask] | name`: the whole TOS byte or traffic class. */
import { tos as tosField } from '../../fields.js';
import { masked, negateIf } from '../../pred.js';
import type { MatchDef } from '../extension.js';
import { bang, tosMask, type ValueMask } from '../values.js';

const hex2 = (n: number): string => `0x${n.toString(16).padStart(2, '0')}`;

export const tos: MatchDef<ValueMask & { readonly invert: boolean }> = {
  name: 'tos',
  kernel: 'net/netfilter/xt_dscp.c',
  families: ['ipv4', 'ipv6'],
  options: [{ name: 'tos', arg: 'required', invert: true, mandatory: true }],
  parse: ([g]) => ({ ...tosMask(g, 0x3f), invert: g.invert }),
  print: (d) => `${bang(d.invert)} --tos ${hex2(d.value)}/${hex2(d.mask)}`,
  lower: (d) => [{ kind: 'test', pred: negateIf(d.invert, masked(tosField, d.mask, d.value)) }],
};
