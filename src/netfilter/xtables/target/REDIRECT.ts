/** REDIRECT: DNAT to this node itself (nf_nat_redirect.c). */
import { parseIp6 } from '../../../base/addr.js';
import { NAT_NOTHING, type NatRange } from '../../env.js';
import type { TargetDef } from '../extension.js';
import { BOTH, find, formatPorts, parseNatPorts, printFlags, rangeFlags } from './common.js';

const LOOPBACK4 = 0x7f000001;
const LOOPBACK6 = parseIp6('::1');

export const REDIRECT: TargetDef<NatRange> = {
  name: 'REDIRECT',
  kernel: 'net/netfilter/xt_REDIRECT.c',
  families: BOTH,
  tables: ['nat'],
  hooks: ['PREROUTING', 'OUTPUT'],
  options: [
    { name: 'to-ports', arg: 'required' },
    { name: 'random', arg: 'none' },
  ],
  parse(given, ctx) {
    const g = find(given, 'to-ports');
    const p = g ? parseNatPorts('REDIRECT', g.value, ctx, 'to-ports', false) : null;
    return { ...NAT_NOTHING, minPort: p?.min ?? null, maxPort: p?.max ?? null, flags: rangeFlags(given) };
  },
  print(r) {
    const ports = r.minPort === null || r.maxPort === null ? '' : ` --to-ports ${formatPorts({ min: r.minPort, max: r.maxPort, base: null })}`;
    return `${ports}${printFlags(r)}`;
  },
  needsConntrack: () => true,
  lower: (r) => (c) => {
    const addr = c.hook === 'OUTPUT' ? (c.family === 'ipv4' ? LOOPBACK4 : LOOPBACK6) : c.env.ct.redirectAddress(c);
    if (addr === null) return 'DROP';
    return c.env.ct.natSetup(c, { ...r, minAddr: addr, maxAddr: addr }, 'DNAT') ? 'ACCEPT' : 'DROP';
  },
};
