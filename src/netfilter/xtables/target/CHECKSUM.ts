/** CHECKSUM: completes a checksum left to the device (xt_CHECKSUM.c). Packets here always carry theirs, so nothing is left to do. */
import type { TargetDef } from '../extension.js';
import { OptionError } from '../extension.js';
import { BOTH } from './common.js';

export const CHECKSUM: TargetDef<null> = {
  name: 'CHECKSUM',
  kernel: 'net/netfilter/xt_CHECKSUM.c',
  families: BOTH,
  tables: ['mangle'],
  options: [{ name: 'checksum-fill', arg: 'none' }],
  parse(given) {
    if (given.length === 0) throw new OptionError('CHECKSUM target: Parameter --checksum-fill is required');
    return null;
  },
  print: () => ' --checksum-fill',
  lower: () => () => 'CONTINUE',
};
