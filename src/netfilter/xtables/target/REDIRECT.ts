/** REDIRECT: DNAT to this node itself (nf_nat_redirect.c). */
import { parseIp6 } from '../../../base/addr.js';
import type { NatRange } from '../../env.js';
import type { PacketCtx } from '../../pred.js';
import type { TargetDef, TargetVerdict } from '../extension.js';
import { BOTH, printToPorts, toPorts } from './common.js';

const LOOPBACK4 = 0x7f000001;
const LOOPBACK6 = parseIp6('::1');

/** nf_nat_redirect_ipv4(), nf_nat_redirect_ipv6(). */
export function redirect(c: PacketCtx, r: NatRange): TargetVerdict {
  const addr = c.hook === 'OUTPUT' ? (c.family === 'ipv4' ? LOOPBACK4 : LOOPBACK6) : c.env.ct.redirectAddress(c);
  if (addr === null) return 'DROP';
  return c.env.ct.natSetup(c, { ...r, minAddr: addr, maxAddr: addr }, 'DNAT') ? 'ACCEPT' : 'DROP';
}

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
  parse: (given, ctx) => toPorts('REDIRECT', given, ctx),
  print: printToPorts,
  needsConntrack: () => true,
  lower: (r) => (c) => redirect(c, r),
};
