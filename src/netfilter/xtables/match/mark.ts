/** `-m mark [!] --mark value[/mask]`: the packet's own mark. The file to copy for a new match. */
import { mark as markField } from '../../fields.js';
import { masked, negateIf } from '../../pred.js';
import type { MatchDef } from '../extension.js';
import { bang, markMask, showMark, type ValueMask } from '../values.js';

/** What the rule keeps of its options: struct xt_mark_mtinfo1. */
interface MarkMatch extends ValueMask {
  readonly invert: boolean;
}

export const mark: MatchDef<MarkMatch> = {
  name: 'mark',
  kernel: 'net/netfilter/xt_mark.c',
  families: ['ipv4', 'ipv6'],
  options: [{ name: 'mark', arg: 'required', invert: true, mandatory: true }],
  parse: ([g]) => ({ ...markMask('mark', g), invert: g.invert }),
  print: (d) => `${bang(d.invert)} --mark ${showMark(d.value, d.mask)}`,
  lower: (d) => [{ kind: 'test', pred: negateIf(d.invert, masked(markField, d.mask, d.value)) }],
};
