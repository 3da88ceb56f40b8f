import { equals } from '../../pred.js';
import { OptionError } from '../../xtables/extension.js';
import { vlanEncap, vlanId, vlanPrio } from '../fields.js';
import { type EbtMatchDef, ebtOption } from '../option.js';
import { etherTypeNumber, parseNumber } from '../values.js';

function encap(text: string): number {
  const n = etherTypeNumber(text) ?? (/^(0x)?[0-9a-f]{1,4}$/i.test(text) ? Number.parseInt(text, 16) : Number.NaN);
  if (Number.isNaN(n) || n < 46) throw new OptionError(`Invalid --vlan-encap value '${text}'`);
  return n;
}

export const vlanMatch: EbtMatchDef = {
  name: 'vlan',
  kernel: 'net/bridge/netfilter/ebt_vlan.c',
  protos: [0x8100],
  protoName: '802_1Q',
  options: [
    ebtOption<number>({ name: 'vlan-id', parse: (t) => parseNumber(t, 0, 4094, 'VLAN id'), print: String, pred: (v) => equals(vlanId, v) }),
    ebtOption<number>({ name: 'vlan-prio', parse: (t) => parseNumber(t, 0, 7, 'VLAN priority'), print: String, pred: (v) => equals(vlanPrio, v) }),
    ebtOption<number>({ name: 'vlan-encap', parse: encap, print: (v) => v.toString(16).toUpperCase().padStart(4, '0'), pred: (v) => equals(vlanEncap, v) }),
  ],
};
