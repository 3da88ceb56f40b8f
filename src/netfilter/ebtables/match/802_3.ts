import { equals } from '../../pred.js';
import { llcSap, snapType } from '../fields.js';
import { type EbtMatchDef, ebtOption } from '../option.js';
import { parseNumber } from '../values.js';

const hex = (digits: number) => (v: number) => `0x${v.toString(16).padStart(digits, '0')}`;

export const match802_3: EbtMatchDef = {
  name: '802_3',
  kernel: 'net/bridge/netfilter/ebt_802_3.c',
  protos: ['length'],
  protoName: 'Length',
  options: [
    ebtOption<number>({ name: '802_3-sap', parse: (t) => parseNumber(t, 0, 255, 'sap'), print: hex(2), pred: (v) => equals(llcSap, v) }),
    ebtOption<number>({ name: '802_3-type', parse: (t) => parseNumber(t, 0, 0xffff, 'type'), print: hex(4), pred: (v) => equals(snapType, v) }),
  ],
};
