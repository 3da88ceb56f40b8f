/** CLASSIFY: skb->priority, a traffic control class (xt_CLASSIFY.c). */
import type { TargetDef } from '../extension.js';
import { OptionError } from '../extension.js';
import { BOTH, tellMangle } from './common.js';

const half = (v: number): string => v.toString(16).padStart(4, '0');

export const CLASSIFY: TargetDef<number> = {
  name: 'CLASSIFY',
  kernel: 'net/netfilter/xt_CLASSIFY.c',
  families: BOTH,
  hooks: ['OUTPUT', 'FORWARD', 'POSTROUTING'],
  options: [{ name: 'set-class', arg: 'required', mandatory: true }],
  parse(given) {
    const g = given[0];
    const m = /^\s*(?:0x)?([0-9a-f]{1,8}):(?:0x)?([0-9a-f]{1,8})/i.exec(g.value);
    if (!m) throw new OptionError(`Bad class value "${g.value}"`, 'set-class', 'MAJOR:MINOR, both hexadecimal');
    // sscanf("%x:%x") into 32 bits, of which (major << 16) | minor keeps what fits.
    return (((Number.parseInt(m[1], 16) & 0xffff) << 16) | Number.parseInt(m[2], 16)) >>> 0;
  },
  print: (d) => ` --set-class ${half(d >>> 16)}:${half(d & 0xffff)}`,
  lower: (d) => (c) => {
    tellMangle(c, 'priority', c.skb.priority, d);
    c.skb.priority = d;
    return 'CONTINUE';
  },
};
