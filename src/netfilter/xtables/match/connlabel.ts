/** `-m connlabel [!] --label bit [--set]`: a label bit of the connection. */
import type { PacketCtx } from '../../pred.js';
import { type MatchDefWithConntrack, OptionError } from '../extension.js';
import { parseUint } from '../numbers.js';
import { bang, isGiven } from '../values.js';

interface ConnlabelMatch {
  readonly bit: number;
  readonly invert: boolean;
  readonly set: boolean;
}
/** XT_CONNLABEL_MAXBIT */
const MAX_BIT = 127;

/** connlabel_mt(): where it sets the label, it then matches. The template that `-j CT` attaches has no labels, and none can be set. */
function matches(d: ConnlabelMatch, c: PacketCtx): boolean {
  const { ct } = c.skb;
  if (!ct || ct.template) return d.invert;
  const bit = 1n << BigInt(d.bit);
  if ((ct.labels & bit) === 0n && !d.set) return d.invert;
  ct.labels |= bit;
  return !d.invert;
}

export const connlabel: MatchDefWithConntrack<ConnlabelMatch> = {
  name: 'connlabel',
  kernel: 'net/netfilter/xt_connlabel.c',
  families: ['ipv4', 'ipv6'],
  options: [
    { name: 'label', arg: 'required', invert: true, mandatory: true },
    { name: 'set', arg: 'none' },
  ],
  parse: (gs) => {
    const g = gs.find((o) => o.name === 'label')!;
    const bit = parseUint(g.value, 0, MAX_BIT);
    if (bit === null)
      throw new OptionError(`label '${g.value}' not found or invalid value`, 'label', `names of connlabel.conf are not known; a number up to ${MAX_BIT}`);
    return { bit, invert: g.invert, set: isGiven(gs, 'set') };
  },
  print: (d) => `${bang(d.invert)} --label "${d.bit}"${d.set ? ' --set' : ''}`,
  lower: (d) => [{ kind: 'stateful', name: 'connlabel', test: (c) => matches(d, c), show: `label ${d.bit}` }],
  needsConntrack: () => true,
};
