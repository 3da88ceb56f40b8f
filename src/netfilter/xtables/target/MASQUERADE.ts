/** MASQUERADE: SNAT to an address of the output device (nf_nat_masquerade.c). */
import { ANY4 } from '../../../base/addr.js';
import type { NatRange } from '../../env.js';
import type { PacketCtx } from '../../pred.js';
import type { TargetDef, TargetVerdict } from '../extension.js';
import { BOTH, printToPorts, toPorts } from './common.js';

/** nf_nat_masquerade_ipv4(), nf_nat_masquerade_ipv6(). */
export function masquerade(c: PacketCtx, r: NatRange): TargetVerdict {
  const { ct } = c.skb;
  // A source of 0.0.0.0 is made here and not meant to be masqueraded (DHCP).
  if (ct && c.family === 'ipv4' && ct.orig.src === ANY4) return 'ACCEPT';
  const addr = c.env.ct.masqueradeAddress(c);
  if (addr === null) return 'DROP';
  if (ct) ct.masqIndex = c.out?.ifindex ?? 0;
  return c.env.ct.natSetup(c, { ...r, minAddr: addr, maxAddr: addr }, 'SNAT') ? 'ACCEPT' : 'DROP';
}

export const MASQUERADE: TargetDef<NatRange> = {
  name: 'MASQUERADE',
  kernel: 'net/netfilter/xt_MASQUERADE.c',
  families: BOTH,
  tables: ['nat'],
  hooks: ['POSTROUTING'],
  options: [
    { name: 'to-ports', arg: 'required' },
    { name: 'random', arg: 'none' },
    { name: 'random-fully', arg: 'none' },
  ],
  parse: (given, ctx) => toPorts('MASQUERADE', given, ctx),
  print: printToPorts,
  needsConntrack: () => true,
  lower: (r) => (c) => masquerade(c, r),
};
