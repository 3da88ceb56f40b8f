/** MARK: writes skb->mark (xt_mark.c, mark_tg). */
import type { TargetDef } from '../extension.js';
import { OptionError } from '../extension.js';
import { hex } from '../numbers.js';
import { markMask } from '../values.js';
import { BOTH, setMark, u32Option } from './common.js';

interface MarkData {
  /** mark = (mark & ~mask) ^ value */
  readonly value: number;
  readonly mask: number;
}

const OPS = ['set-xmark', 'set-mark', 'and-mark', 'or-mark', 'xor-mark'];

export const MARK: TargetDef<MarkData> = {
  name: 'MARK',
  kernel: 'net/netfilter/xt_mark.c',
  families: BOTH,
  options: OPS.map((name) => ({ name, arg: 'required', excl: OPS.filter((o) => o !== name) })),
  parse(given) {
    const g = given[0];
    if (!g) throw new OptionError('MARK: One of the --set-xmark, --{and,or,xor,set}-mark options is required');
    if (g.name === 'set-xmark') return markMask('MARK', g);
    if (g.name === 'set-mark') {
      const m = markMask('MARK', g);
      return { value: m.value, mask: (m.value | m.mask) >>> 0 };
    }
    const bits = u32Option('MARK', g);
    if (g.name === 'and-mark') return { value: 0, mask: ~bits >>> 0 };
    return { value: bits, mask: g.name === 'or-mark' ? bits : 0 };
  },
  print: (d) => ` --set-xmark ${hex(d.value)}/${hex(d.mask)}`,
  lower: (d) => (c) => {
    setMark(c, (c.skb.mark & ~d.mask) ^ d.value);
    return 'CONTINUE';
  },
};
