import { OptionError } from '../../xtables/extension.js';
import { type EbtTargetDef, ebtOption } from '../option.js';
import { parseNumber } from '../values.js';
import { verdictOption, withVerdict } from './verdict.js';

const OPS: readonly (readonly [string, (mark: number, v: number) => number])[] = [
  ['mark-set', (_, v) => v],
  ['mark-or', (m, v) => (m | v) >>> 0],
  ['mark-xor', (m, v) => (m ^ v) >>> 0],
  ['mark-and', (m, v) => (m & v) >>> 0],
];
const hex = (n: number): string => `0x${n.toString(16)}`;

export const markTarget: EbtTargetDef = {
  name: 'mark',
  kernel: 'net/bridge/netfilter/ebt_mark.c',
  options: [
    ...OPS.map(([name]) => ebtOption<number>({ name, noInvert: true, parse: (t) => parseNumber(t, 0, 0xffffffff, 'mark value'), print: hex })),
    verdictOption('mark-target'),
  ],
  verdict: 'mark-target',
  defaultVerdict: 'ACCEPT',
  finish(given) {
    if (given.filter((g) => g.option !== 'mark-target').length !== 1)
      throw new OptionError('You must specify exactly one of --mark-set, --mark-or, --mark-xor and --mark-and');
    return withVerdict(given, 'mark-target', 'ACCEPT');
  },
  act(given) {
    const op = OPS.find(([n]) => given.some((g) => g.option === n));
    const value = given.find((g) => g.option === op?.[0])?.value as number;
    return (c) => {
      const before = c.skb.mark;
      if (op) c.skb.mark = op[1](before, value);
      if (c.env.rec.on && before !== c.skb.mark) {
        c.env.rec.event({ t: 'mangle', node: c.env.node, skb: c.skb.id, time: c.env.now(), field: 'mark', before, after: c.skb.mark, rule: c.rule });
      }
      return true;
    };
  },
};
