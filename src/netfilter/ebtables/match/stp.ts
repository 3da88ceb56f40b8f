/** Spanning tree BPDUs: type, flags and the numbers of a configuration message (offsets behind the LLC header). */
import { equals, type Field } from '../../pred.js';
import { OptionError } from '../../xtables/extension.js';
import { type MacMask, macMasked, stpMac, stpNumber, stpType } from '../fields.js';
import { type EbtMatchDef, ebtOption } from '../option.js';
import { parseMacMask, parseNumber, parseRange, printMacMask, printRange, type Range, rangePred } from '../values.js';

const CONFIG = 0;
const TCN = 128;
const flags = stpNumber('stp flags', 4, 1);
const FLAG_NAMES: readonly (readonly [string, number])[] = [
  ['topology-change-ack', 128],
  ['topology-change', 1],
];

const number = (name: string, at: number, bytes: 1 | 2 | 4) => {
  const f: Field = stpNumber(name.replace('stp-', 'stp '), at, bytes);
  const max = 256 ** bytes - 1;
  return ebtOption<Range>({ name, parse: (t) => parseRange(t, max, name), print: printRange, pred: (v) => rangePred(f, v) });
};
const mac = (name: string, at: number) => {
  const f = stpMac(name.replace('stp-', 'stp '), at);
  return ebtOption<MacMask>({ name, parse: parseMacMask, print: (v) => printMacMask(v), pred: (v) => macMasked(f, v) });
};

export const stpMatch: EbtMatchDef = {
  name: 'stp',
  kernel: 'net/bridge/netfilter/ebt_stp.c',
  options: [
    ebtOption<number>({
      name: 'stp-type',
      parse: (t) => (t.toLowerCase() === 'config' ? CONFIG : t.toLowerCase() === 'tcn' ? TCN : parseNumber(t, 0, 255, '--stp-type argument')),
      print: (v) => (v === CONFIG ? 'config' : v === TCN ? 'tcn' : String(v)),
      pred: (v) => equals(stpType, v),
    }),
    ebtOption<number>({
      name: 'stp-flags',
      parse(t) {
        const named = FLAG_NAMES.find(([n]) => n === t.toLowerCase());
        const v = named ? named[1] : Number(t);
        if (!Number.isInteger(v) || v < 0 || v > 255) throw new OptionError(`Bad --stp-flags argument '${t}'`);
        return v;
      },
      print: (v) => FLAG_NAMES.find(([, n]) => n === v)?.[0] ?? String(v),
      pred: (v) => equals(flags, v),
    }),
    number('stp-root-prio', 5, 2),
    mac('stp-root-addr', 7),
    number('stp-root-cost', 13, 4),
    number('stp-sender-prio', 17, 2),
    mac('stp-sender-addr', 19),
    number('stp-port', 25, 2),
    number('stp-msg-age', 27, 2),
    number('stp-max-age', 29, 2),
    number('stp-hello-time', 31, 2),
    number('stp-forward-delay', 33, 2),
  ],
};
