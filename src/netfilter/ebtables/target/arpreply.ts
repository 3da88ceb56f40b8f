import { formatMac, type Mac, parseMac } from '../../../base/addr.js';
import { OptionError } from '../../xtables/extension.js';
import { type EbtTargetDef, ebtOption, givenValue } from '../option.js';
import { verdictOption } from './verdict.js';

/** Answers ARP requests in place of their target. The reply would leave by the input port: not simulated, a request that reaches it is inconclusive. */
export const arpreplyTarget: EbtTargetDef = {
  name: 'arpreply',
  kernel: 'net/bridge/netfilter/ebt_arpreply.c',
  tables: ['nat'],
  protos: [0x0806],
  protoName: 'ARP',
  options: [
    ebtOption<Mac>({
      name: 'arpreply-mac',
      noInvert: true,
      parse(t) {
        const m = parseMac(t);
        if (m === null) throw new OptionError(`Problem with the --arpreply-mac argument '${t}'`);
        return m;
      },
      print: formatMac,
    }),
    verdictOption('arpreply-target'),
  ],
  verdict: 'arpreply-target',
  defaultVerdict: 'DROP',
  finish: (given) => (givenValue(given, 'arpreply-mac') === undefined ? [{ option: 'arpreply-mac', invert: false, value: 0 }, ...given] : given),
  act: () => (c) => {
    const REQUEST = 1;
    const d = c.skb.data;
    const isRequest = d.length >= 28 && ((d[0] << 8) | d[1]) === 1 && d[4] === 6 && d[5] === 4 && ((d[6] << 8) | d[7]) === REQUEST;
    return isRequest ? c.env.inconclusive('ebtables target arpreply', c) : false;
  },
};
