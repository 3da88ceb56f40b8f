/** `-m devgroup [!] --src-group, --dst-group value[/mask]`: groups of the input and output device. */

import type { HookPoint } from '../../../trace/event.js';
import { iifgroup, oifgroup, whenPresent } from '../../fields.js';
import { all, masked, type Pred } from '../../pred.js';
import { type CheckContext, type Given, type MatchDef, OptionError } from '../extension.js';
import { scanUint, U32 } from '../numbers.js';
import { bang, given, showMark, type ValueMask } from '../values.js';

type Group = ValueMask & { readonly invert: boolean };
interface DevgroupMatch {
  readonly src: Group | null;
  readonly dst: Group | null;
}
/** The one name that iproute2's group file comes with. */
const NAMES = new Map([['default', 0]]);

function parseGroup(g: Given | undefined): Group | null {
  if (!g) return null;
  const named = NAMES.get(g.value);
  if (named !== undefined) return { value: named, mask: U32, invert: g.invert };
  const v = scanUint(g.value);
  const m = v?.rest[0] === '/' ? scanUint(v.rest.slice(1)) : null;
  if (!v || v.value > BigInt(U32) || (v.rest !== '' && (m?.rest !== '' || m.value > BigInt(U32))))
    throw new OptionError(`Device group "${g.value}" not found`, g.name);
  return { value: Number(v.value), mask: m ? Number(m.value) : U32, invert: g.invert };
}

const show = (name: string, g: Group | null): string =>
  g ? `${bang(g.invert)} --${name} ${g.mask === U32 && g.value === 0 ? 'default' : showMark(g.value, g.mask)}` : '';

/** devgroup_mt_checkentry() */
function check(d: DevgroupMatch, ctx: CheckContext): void {
  const only = (...hooks: HookPoint[]) => [...ctx.hooks].every((h) => hooks.includes(h));
  if (d.src && !only('PREROUTING', 'INPUT', 'FORWARD')) throw new OptionError('--src-group is valid in PREROUTING, INPUT and FORWARD only', 'src-group');
  if (d.dst && !only('FORWARD', 'OUTPUT', 'POSTROUTING')) throw new OptionError('--dst-group is valid in FORWARD, OUTPUT and POSTROUTING only', 'dst-group');
}

export const devgroup: MatchDef<DevgroupMatch> = {
  name: 'devgroup',
  kernel: 'net/netfilter/xt_devgroup.c',
  families: ['ipv4', 'ipv6'],
  options: [
    { name: 'src-group', arg: 'required', invert: true },
    { name: 'dst-group', arg: 'required', invert: true },
  ],
  parse: (gs) => {
    if (gs.length === 0) throw new OptionError("devgroup match: You must specify either '--src-group' or '--dst-group'");
    return { src: parseGroup(given(gs, 'src-group')), dst: parseGroup(given(gs, 'dst-group')) };
  },
  print: (d) => show('src-group', d.src) + show('dst-group', d.dst),
  check,
  lower: (d) => {
    const tests: Pred[] = [];
    if (d.src) tests.push(whenPresent(iifgroup, d.src.invert, masked(iifgroup, d.src.mask, d.src.value)));
    if (d.dst) tests.push(whenPresent(oifgroup, d.dst.invert, masked(oifgroup, d.dst.mask, d.dst.value)));
    return [{ kind: 'test', pred: all(...tests) }];
  },
};
