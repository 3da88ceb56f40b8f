/** NETMAP: replaces the network part of an address, one to one (xt_NETMAP.c). */
import { type Addr, formatAddr, maskToPrefix } from '../../../base/addr.js';
import { parseHostMask } from '../address.js';
import { NAT_NOTHING } from '../../env.js';
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
    try {
      return parseHostMask(g.value, ctx.family);
    } catch (e) {
      if (e instanceof OptionError) throw new OptionError(e.message, 'to', e.hint);
      throw e;
    }
  },
  print(d) {
    const len = maskToPrefix(d.mask);
    return ` --to ${formatAddr(d.addr)}/${len >= 0 ? len : formatAddr(d.mask)}`;
  },
  needsConntrack: () => true,
  lower: (d) => (c) => {
    const dst = c.hook === 'PREROUTING' || c.hook === 'OUTPUT';
    const addr = spliceAddr(dst ? c.skb.daddr : c.skb.saddr, d.addr, d.mask);
    return c.env.ct.natSetup(c, { ...NAT_NOTHING, minAddr: addr, maxAddr: addr }, dst ? 'DNAT' : 'SNAT') ? 'ACCEPT' : 'DROP';
  },
};
