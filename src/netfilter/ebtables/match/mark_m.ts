import { mark } from '../../fields.js';
import { call, masked, type Pred } from '../../pred.js';
import { OptionError } from '../../xtables/extension.js';
import { type EbtMatchDef, ebtOption } from '../option.js';
import { parseNumber } from '../values.js';

/** `--mark V[/M]`: (mark & M) == V; `--mark /M`: any of these bits. */
interface MarkTest {
  readonly value: number | null;
  readonly mask: number;
}
const hex = (n: number): string => `0x${n.toString(16)}`;

function parse(text: string): MarkTest {
  const [v, m] = text.split('/');
  if (v === '' && m === undefined) throw new OptionError(`Bad mark value '${text}'`);
  const mask = m === undefined ? 0xffffffff : parseNumber(m, 0, 0xffffffff, 'mark mask');
  return { value: v === '' ? null : parseNumber(v, 0, 0xffffffff, 'mark value'), mask };
}
function print(t: MarkTest): string {
  if (t.value === null) return `/${hex(t.mask)}`;
  return t.mask === 0xffffffff ? hex(t.value) : `${hex(t.value)}/${hex(t.mask)}`;
}
const pred = (t: MarkTest): Pred =>
  t.value !== null
    ? masked(mark, t.mask, t.value)
    : call(
        'mark',
        [mark],
        (c) => (c.skb.mark & t.mask) !== 0,
        `any bit of ${hex(t.mask)}`,
        (c) => hex(c.skb.mark),
      );

export const markMatch: EbtMatchDef = {
  name: 'mark_m',
  kernel: 'net/bridge/netfilter/ebt_mark_m.c',
  options: [ebtOption<MarkTest>({ name: 'mark', parse, print, pred })],
};
