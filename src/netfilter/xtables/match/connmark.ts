/** `-m connmark [!] --mark value[/mask]`: the mark of the packet's connection. */
import { ctmark, whenPresent } from '../../fields.js';
import { masked } from '../../pred.js';
import type { MatchDefWithConntrack } from '../extension.js';
import { bang, markMask, showMark, type ValueMask } from '../values.js';

export const connmark: MatchDefWithConntrack<ValueMask & { readonly invert: boolean }> = {
  name: 'connmark',
  kernel: 'net/netfilter/xt_connmark.c',
  families: ['ipv4', 'ipv6'],
  options: [{ name: 'mark', arg: 'required', invert: true, mandatory: true }],
  parse: ([g]) => ({ ...markMask('connmark', g), invert: g.invert }),
  print: (d) => `${bang(d.invert)} --mark ${showMark(d.value, d.mask)}`,
  lower: (d) => [{ kind: 'test', pred: whenPresent(ctmark, d.invert, masked(ctmark, d.mask, d.value)) }],
  needsConntrack: () => true,
};
