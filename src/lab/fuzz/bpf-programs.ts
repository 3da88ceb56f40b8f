/** Random programs of classic BPF that the kernel takes, as `-m bpf --bytecode` is given them: something of the packet is loaded, changed or not, and asked. */
import type { Instruction } from '../../netfilter/cbpf.js';
import { PORTS } from './node.js';
import type { Rng } from './rng.js';

const LD = { word: 0x20, half: 0x28, byte: 0x30, length: 0x80, immediate: 0x00, memory: 0x60 } as const;
const AT_X = { word: 0x40, half: 0x48, byte: 0x50 } as const;
const [LDX, LDX_MEMORY, LDX_MSH, ST, STX, RET, RET_A, TAX, TXA] = [0x01, 0x61, 0xb1, 0x02, 0x03, 0x06, 0x16, 0x07, 0x87];
/** Add, subtract, multiply, divide, or, and, shifts, modulo, exclusive or: with a number. */
const ALU = [0x04, 0x14, 0x24, 0x34, 0x44, 0x54, 0x64, 0x74, 0x94, 0xa4] as const;
const NEG = 0x84;
const OF_X = 0x08;
/** SKF_NET_OFF, SKF_LL_OFF and SKF_AD_OFF. */
const [NET, LINK, BESIDE] = [-0x100000, -0x200000, -0x1000].map((n) => n >>> 0);
/** SKF_AD_*: protocol, pkttype, mark, hatype, whether there is a VLAN tag. */
const ANCILLARY = [0, 4, 20, 28, 48] as const;

const one = (code: number, k: number): Instruction => [code, 0, 0, k];

/** What is loaded, and what it may be. `six`: of IPv6. */
function field(r: Rng, six: boolean): [Instruction[], readonly number[]] {
  const protocol = six ? 6 : 9;
  const header = six ? one(LDX, 40) : one(LDX_MSH, 0);
  const frag = six ? one(LD.half, 4) : one(LD.half, 6);
  return r.weighed<() => [Instruction[], readonly number[]]>([
    [
      6,
      () => [
        [one(LD.byte, r.pick([protocol, NET + protocol])), one(TAX, 0)],
        [6, 17, 1, 58],
      ],
    ],
    [
      5,
      () => [
        [header, one(AT_X.half, r.pick([0, 2]))],
        [...PORTS, 20000, 1023],
      ],
    ],
    [
      3,
      () => [
        [header, one(AT_X.byte, r.pick([0, 13]))],
        [2, 8, 16, 18, 128],
      ],
    ],
    [3, () => [[frag], [0, 0x4000, 0x2000, 8, 40]]],
    [3, () => [[one(LD.word, six ? r.pick([8, 20, 24, 36]) : r.pick([12, 16]))], [0x0a000009, 0xc0a80102, 0x20010db8, 0x7fffffff, 0xfd000000]]],
    [2, () => [[one(LD.byte, six ? 7 : 8)], [63, 64, 62]]],
    [
      3,
      () => [
        [one(LD.length, 0), one(TAX, 0)],
        [28, 40, 60, 84, 576],
      ],
    ],
    [4, () => [[one(LD.word, BESIDE + r.pick(ANCILLARY))], [0, 1, 2, 3, 4, 0x800, 0x86dd, 0x10]]],
    [2, () => [[one(LD.half, LINK + 12)], [0x800, 0x86dd]]],
    [2, () => [[one(r.pick([LD.byte, LD.word]), LINK + r.pick([0, 6, 16, 23]))], [2, 0xfe, 0xff, 0x45]]],
    [
      2,
      () => [
        [header, one(AT_X.word, r.pick([8, 0x2000]))],
        [0x61626364, 0],
      ],
    ],
    [1, () => [[one(LD.immediate, 7), one(ST, 3), one(LDX_MEMORY, 3), one(STX, 15), one(LD.memory, 15)], [7]]],
  ])();
}

function changed(r: Rng): Instruction[] {
  if (r.chance(65)) return [];
  return r.weighed<() => Instruction[]>([
    [5, () => [one(r.pick(ALU), r.pick([1, 2, 3, 4, 8, 0x10, 0x1f]))]],
    [3, () => [one(r.pick(ALU) | OF_X, 0)]],
    [1, () => [one(NEG, 0)]],
    [1, () => [one(LD.word, BESIDE + 40)]],
    [1, () => [one(TXA, 0)]],
  ])();
}

/** JEQ, JGT, JGE, JSET. */
const ASKED = [0x15, 0x15, 0x25, 0x35, 0x45] as const;

function program(r: Rng, six: boolean): Instruction[] {
  const [load, values] = field(r, six);
  const head = [...load, ...changed(r)];
  if (r.chance(8)) return [...head, one(RET_A, 0)];
  const yes = [one(RET, r.pick([1, 0xffff, 0xffffffff])), one(RET, 0)];
  const asked = r.chance(10) ? r.pick(ASKED) | OF_X : r.pick(ASKED);
  const jump: Instruction = r.chance(75) ? [asked, 0, 1, r.pick(values)] : [asked, 1, 0, r.pick(values)];
  if (r.chance(80)) return [...head, jump, ...yes];
  const [more, others] = field(r, six);
  return [...head, [jump[0], 0, more.length + 2, jump[3]], ...more, [r.pick(ASKED), 0, 1, r.pick(others)], ...yes];
}

/** `--bytecode` and its argument. */
export function bytecode(r: Rng, six: boolean): string {
  const p = program(r, six);
  return `--bytecode "${p.length},${p.map((i) => i.join(' ')).join(',')}"`;
}
