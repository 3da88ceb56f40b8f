/** `-m mac [!] --mac-source xx:xx:xx:xx:xx:xx`: only for frames of an Ethernet device. */
import { formatMac, type Mac, parseMac } from '../../../base/addr.js';
import { smac, whenPresent } from '../../fields.js';
import { equals } from '../../pred.js';
import { type MatchDef, OptionError } from '../extension.js';
import { bang } from '../values.js';

export const mac: MatchDef<{ readonly mac: Mac; readonly invert: boolean }> = {
  name: 'mac',
  kernel: 'net/netfilter/xt_mac.c',
  families: ['ipv4', 'ipv6'],
  hooks: ['PREROUTING', 'INPUT', 'FORWARD'],
  options: [{ name: 'mac-source', arg: 'required', invert: true, mandatory: true }],
  parse: ([g]) => {
    const value = parseMac(g.value);
    if (value === null) throw new OptionError('Invalid MAC address specified.', 'mac-source');
    return { mac: value, invert: g.invert };
  },
  print: (d) => `${bang(d.invert)} --mac-source ${formatMac(d.mac)}`,
  lower: (d) => [{ kind: 'test', pred: whenPresent(smac, d.invert, equals(smac, d.mac)) }],
};
