/** `-m bpf --bytecode "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0" | --object-pinned path`: a filter program; one of eBPF that lies in bpffs is not known here. */
import { type Instruction, refused, runProgram, unknownNeed } from '../../cbpf.js';
import { call } from '../../pred.js';
import { type Given, type MatchDef, OptionError } from '../extension.js';
import { unsupportedSteps } from '../unsupported.js';
import { given } from '../values.js';

interface BpfMatch {
  /** null where an object is named. */
  readonly program: readonly Instruction[] | null;
  readonly path: string | null;
}
/** XT_BPF_MAX_NUM_INSTR */
const MAX = 64;

function parseProgram(g: Given): BpfMatch['program'] {
  const [head, ...instructions] = g.value.split(',');
  if (!/^\s*\d+$/.test(head) || instructions.length === 0) throw new OptionError('bpf: error parsing program length', g.name);
  const length = Number(head);
  if (length === 0) throw new OptionError('bpf: illegal zero length program', g.name);
  if (length > MAX) throw new OptionError('bpf: number of instructions exceeds maximum', g.name);
  if (instructions.at(-1) === '') instructions.pop();
  if (instructions.length > length) throw new OptionError('bpf: real program length exceeds the encoded length parameter', g.name);
  const program = instructions.map((text, i) => {
    const m = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)/.exec(text);
    if (!m) throw new OptionError(`bpf: error at instr ${i}`, g.name);
    return [Number(m[1]), Number(m[2]), Number(m[3]), Number(m[4])] as const;
  });
  if (program.length !== length) throw new OptionError('bpf: parsed program length is less than the encoded length parameter', g.name);
  return program;
}

const print = (d: BpfMatch): string =>
  d.program ? ` --bytecode "${d.program.length},${d.program.map((i) => i.join(' ')).join(',')}"` : ` --object-pinned ${d.path}`;

export const bpf: MatchDef<BpfMatch> = {
  name: 'bpf',
  kernel: 'net/netfilter/xt_bpf.c',
  families: ['ipv4', 'ipv6'],
  options: [
    { name: 'bytecode', arg: 'required' },
    { name: 'object-pinned', arg: 'required' },
  ],
  parse: (gs) => {
    if (gs.length !== 1) throw new OptionError('bpf: one of --bytecode or --pinned is required');
    const code = given(gs, 'bytecode');
    return code ? { program: parseProgram(code), path: null } : { program: null, path: gs[0].value };
  },
  print,
  check(d) {
    const why = d.program && refused(d.program);
    if (why) throw new OptionError(`bpf: ${why}`, 'bytecode');
  },
  lower({ program, ...d }) {
    if (program === null) return unsupportedSteps('bpf', print({ program, ...d }));
    const need = unknownNeed(program);
    if (need !== null) return unsupportedSteps('bpf', ` that asks for ${need}`);
    return [{ kind: 'test', pred: call('bpf', [], (c) => runProgram(program, c.skb) !== 0, print({ program, ...d }).trim()) }];
  },
};
