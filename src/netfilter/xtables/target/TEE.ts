/** TEE: a copy of the packet goes to a gateway (xt_TEE.c). */
import { type Addr, formatAddr } from '../../../base/addr.js';
import { parseHost } from '../address.js';
import type { TargetDef } from '../extension.js';
import { OptionError } from '../extension.js';
import { BOTH, find } from './common.js';

interface TeeData {
  readonly gateway: Addr;
  readonly oif: string | null;
}

export const TEE: TargetDef<TeeData> = {
  name: 'TEE',
  kernel: 'net/netfilter/xt_TEE.c',
  families: BOTH,
  options: [
    { name: 'gateway', arg: 'required', mandatory: true },
    { name: 'oif', arg: 'required' },
  ],
  parse(given, ctx) {
    const text = find(given, 'gateway')?.value ?? '';
    const gateway = parseHost(text, ctx.family);
    if (gateway === null) throw new OptionError(`TEE: "${text}" is no address of this family`, 'gateway', 'names are not resolved here: write the address');
    const oif = find(given, 'oif')?.value ?? null;
    if (oif !== null && oif.length > 15) throw new OptionError('oif name too long', 'oif');
    return { gateway, oif };
  },
  print: (d) => ` --gateway ${formatAddr(d.gateway)}${d.oif === null ? '' : ` --oif ${d.oif}`}`,
  lower: (d) => (c) => {
    c.env.tee(c, d.gateway, d.oif);
    return 'CONTINUE';
  },
};
