/** `-m cpu [!] --cpu number`: which processor handles the packet; a node of ours does not say. */
import type { MatchDef } from '../extension.js';
import { unsupportedSteps } from '../unsupported.js';
import { bang, uint } from '../values.js';

interface CpuMatch {
  readonly cpu: number;
  readonly invert: boolean;
}
const print = (d: CpuMatch): string => `${bang(d.invert)} --cpu ${d.cpu}`;

export const cpu: MatchDef<CpuMatch> = {
  name: 'cpu',
  kernel: 'net/netfilter/xt_cpu.c',
  families: ['ipv4', 'ipv6'],
  options: [{ name: 'cpu', arg: 'required', invert: true, mandatory: true }],
  parse: ([g]) => ({ cpu: uint('cpu', g), invert: g.invert }),
  print,
  lower: (d) => unsupportedSteps('cpu', print(d)),
  unsupported: true,
};
