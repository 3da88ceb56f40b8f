/** `-m realm [!] --realm value[/mask]`: the routing realm of the packet's route. */
import { realm as realmField } from '../../fields.js';
import { masked, negateIf } from '../../pred.js';
import { type MatchDef, OptionError } from '../extension.js';
import { scanUint, U32 } from '../numbers.js';
import { bang, showMark, type ValueMask } from '../values.js';

/** The one name that rt_realms of iproute2 comes with. */
const NAMES = new Map([['cosmos', 0]]);
const show = (d: ValueMask): string => (d.mask === U32 && d.value === 0 ? 'cosmos' : showMark(d.value, d.mask));

export const realm: MatchDef<ValueMask & { readonly invert: boolean }> = {
  name: 'realm',
  kernel: 'net/netfilter/xt_realm.c',
  families: ['ipv4'],
  hooks: ['POSTROUTING', 'FORWARD', 'OUTPUT', 'INPUT'],
  options: [{ name: 'realm', arg: 'required', invert: true, mandatory: true }],
  parse: ([g]) => {
    const named = NAMES.get(g.value);
    if (named !== undefined) return { value: named, mask: U32, invert: g.invert };
    const v = scanUint(g.value);
    const m = v?.rest[0] === '/' ? scanUint(v.rest.slice(1)) : null;
    if (!v || v.value > BigInt(U32) || (v.rest !== '' && (m?.rest !== '' || m.value > BigInt(U32))))
      throw new OptionError(`Realm "${g.value}" not found`, 'realm');
    return { value: Number(v.value), mask: m ? Number(m.value) : U32, invert: g.invert };
  },
  print: (d) => `${bang(d.invert)} --realm ${show(d)}`,
  lower: (d) => [{ kind: 'test', pred: negateIf(d.invert, masked(realmField, d.mask, d.value)) }],
};
