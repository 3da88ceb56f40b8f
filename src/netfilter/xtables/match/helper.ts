/** `-m helper [!] --helper name`: packets of a connection that a conntrack helper expected. */
import { cthelper } from '../../fields.js';
import { call, negateIf } from '../../pred.js';
import type { MatchDefWithConntrack } from '../extension.js';
import { bang, saveString } from '../values.js';

/** Longer names are cut. */
const MAX_NAME = 29;

/** helper_mt(): the helper's name need only begin the one asked for (`ftp` for `ftp-2121`); an empty one stands for any. */
const helped = (wanted: string, helper: string): boolean => helper !== '' && (wanted === '' || wanted.startsWith(helper));

export const helper: MatchDefWithConntrack<{ readonly name: string; readonly invert: boolean }> = {
  name: 'helper',
  kernel: 'net/netfilter/xt_helper.c',
  families: ['ipv4', 'ipv6'],
  options: [{ name: 'helper', arg: 'required', invert: true, mandatory: true }],
  parse: ([g]) => ({ name: g.value.slice(0, MAX_NAME), invert: g.invert }),
  print: (d) => `${bang(d.invert)} --helper${saveString(d.name)}`,
  lower: (d) => [
    {
      kind: 'test',
      pred: negateIf(
        d.invert,
        call(
          'helper',
          [cthelper],
          (c) => helped(d.name, String(cthelper.read(c) ?? '')),
          d.name || 'any helper',
          (c) => String(cthelper.read(c) ?? ''),
        ),
      ),
    },
  ],
  needsConntrack: () => true,
};
