/** TTL and HL: the hop count (xt_HL.c). */
import type { TargetDef } from '../extension.js';
import { OptionError } from '../extension.js';
import { tellMangle, uintOption, V4, V6 } from './common.js';

interface HopsData {
  readonly op: 'set' | 'dec' | 'inc';
  readonly by: number;
}

function hopsTarget(name: 'TTL' | 'HL'): TargetDef<HopsData> {
  const prefix = name.toLowerCase();
  const names = ['set', 'dec', 'inc'].map((o) => `${prefix}-${o}`);
  return {
    name,
    kernel: 'net/netfilter/xt_HL.c',
    families: name === 'TTL' ? V4 : V6,
    tables: ['mangle'],
    options: names.map((n) => ({ name: n, arg: 'required', excl: names.filter((o) => o !== n) })),
    parse(given) {
      const g = given[0];
      if (!g) throw new OptionError(`${name}: You must specify an action`);
      const op = g.name.slice(prefix.length + 1) as HopsData['op'];
      return { op, by: uintOption(name, g, 255, op === 'set' ? 0 : 1) };
    },
    print: (d) => ` --${prefix}-${d.op} ${d.by}`,
    lower: (d) => (c) => {
      const before = c.skb.ttl;
      const after = d.op === 'set' ? d.by : d.op === 'inc' ? Math.min(255, before + d.by) : Math.max(0, before - d.by);
      if (after !== before) c.skb.ttl = after;
      tellMangle(c, prefix, before, after);
      return 'CONTINUE';
    },
  };
}

export const TTL = hopsTarget('TTL');
export const HL = hopsTarget('HL');
