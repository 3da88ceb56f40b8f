/** NETMAP: replaces the network part of an address, one to one (xt_NETMAP.c). */
import { type Addr, addrBits, andAddr, formatAddr, maskToPrefix, prefixMask } from '../../../base/addr.js';
import { NAT_NOTHING } from '../../env.js';
import { parseHost, parseMask } from '../address.js';
import type { Given, TargetDef } from '../extension.js';
import { OptionError } from '../extension.js';
import { BOTH, spliceAddr } from './common.js';

interface NetmapData {
  readonly addr: Addr;
  readonly mask: Addr;
}

export const NETMAP: TargetDef<NetmapData> = {
  name: 'NETMAP',
  kernel: 'net/netfilter/xt_NETMAP.c',
  families: BOTH,
  tables: ['nat'],
  hooks: ['PREROUTING', 'POSTROUTING', 'OUTPUT', 'INPUT'],
  options: [{ name: 'to', arg: 'required', mandatory: true }],
  parse(given, ctx) {
    const g = given.find((x) => x.name === 'to') as Given;
    const slash = g.value.indexOf('/');
    const addr = parseHost(slash < 0 ? g.value : g.value.slice(0, slash), ctx.family);
    if (addr === null) throw new OptionError(`Bad IP address "${g.value}"`, 'to', 'names are not resolved here: write the address');
    const whole = prefixMask(ctx.family, addrBits(ctx.family));
    if (slash < 0) return { addr, mask: whole };
    const mask = parseMask(g.value.slice(slash + 1), ctx.family);
    // A mask with holes counts as a whole one.
    return maskToPrefix(mask) >= 0 ? { addr: andAddr(addr, mask), mask } : { addr, mask: whole };
  },
  print: (d) => ` --to ${formatAddr(d.addr)}/${maskToPrefix(d.mask)}`,
  needsConntrack: () => true,
  lower: (d) => (c) => {
    const dst = c.hook === 'PREROUTING' || c.hook === 'OUTPUT';
    const addr = spliceAddr(dst ? c.skb.daddr : c.skb.saddr, d.addr, d.mask);
    return c.env.ct.natSetup(c, { ...NAT_NOTHING, minAddr: addr, maxAddr: addr }, dst ? 'DNAT' : 'SNAT') ? 'ACCEPT' : 'DROP';
  },
};
