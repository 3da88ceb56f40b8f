/** `-m nfacct --nfacct-name name`: a named counter, perhaps with a quota. Dumps hold no such objects, and the kernel refuses a name it does not know. */
import { type CheckContext, type MatchDef, OptionError } from '../extension.js';
import { unsupportedSteps } from '../unsupported.js';

const MAX_NAME = 31;
const print = (d: { readonly name: string }): string => ` --nfacct-name ${d.name}`;

export const nfacct: MatchDef<{ readonly name: string }> = {
  name: 'nfacct',
  kernel: 'net/netfilter/xt_nfacct.c',
  families: ['ipv4', 'ipv6'],
  options: [{ name: 'nfacct-name', arg: 'required', mandatory: true }],
  parse: ([g]) => {
    if (g.value === '') throw new OptionError('Argument must have a minimum length of 1 characters', 'nfacct-name');
    return { name: g.value.slice(0, MAX_NAME) };
  },
  print,
  check: (d: { readonly name: string }, _: CheckContext) => {
    throw new OptionError(`accounting object \`${d.name}' does not exist`, 'nfacct-name');
  },
  lower: (d) => unsupportedSteps('nfacct', print(d)),
  unsupported: true,
};
