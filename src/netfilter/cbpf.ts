/**
 * Classic BPF, the filter programs of tcpdump and of `-m bpf --bytecode`: the check of a program (bpf_check_classic()) and its run over a packet. Words are unsigned
 * and of 32 bits. A program counts from the network header; from SKF_NET_OFF and SKF_LL_OFF on it counts from there, at SKF_AD_OFF it asks for what stands beside
 * the bytes (net/core/filter.c).
 */
import { ETH_P_8021Q, type PktType, type Skb } from '../packet/skb.js';

/** code, jt, jf, k of struct sock_filter. */
export type Instruction = readonly [code: number, jt: number, jf: number, k: number];

/** BPF_MEMWORDS */
const WORDS = 16;
const SKF_AD_OFF = -0x1000;
const SKF_NET_OFF = -0x100000;
const SKF_LL_OFF = -0x200000;
const ETH_HLEN = 14;

const CLASS = { LD: 0, LDX: 1, ST: 2, STX: 3, ALU: 4, JMP: 5, RET: 6, MISC: 7 } as const;
const MODE = { IMM: 0x00, ABS: 0x20, IND: 0x40, MEM: 0x60, LEN: 0x80, MSH: 0xa0 } as const;
const ALU = { ADD: 0x00, SUB: 0x10, MUL: 0x20, DIV: 0x30, OR: 0x40, AND: 0x50, LSH: 0x60, RSH: 0x70, NEG: 0x80, MOD: 0x90, XOR: 0xa0 } as const;
const JMP = { JA: 0x00, JEQ: 0x10, JGT: 0x20, JGE: 0x30, JSET: 0x40 } as const;
/** The operand is X, not k. */
const X_SOURCE = 0x08;
const RET_A = 0x16;
const TXA = 0x87;

/** chk_code_allowed() */
const ALLOWED: ReadonlySet<number> = new Set([
  ...Object.values(ALU).flatMap((op) => (op === ALU.NEG ? [CLASS.ALU | op] : [CLASS.ALU | op, CLASS.ALU | op | X_SOURCE])),
  ...[0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0x80, 0x81, 0x00, 0x01, 0x60, 0x61, 0xb1, 0x02, 0x03, 0x06, RET_A, 0x07, TXA, 0x05],
  ...[JMP.JEQ, JMP.JGT, JMP.JGE, JMP.JSET].flatMap((op) => [CLASS.JMP | op, CLASS.JMP | op | X_SOURCE]),
]);

/** What stands at SKF_AD_OFF + its place here; null: nothing that a packet of a file tells. */
const ANCILLARY: readonly (readonly [place: number, name: string, read: ((s: Skb) => number | undefined) | null])[] = [
  [0, 'protocol', (s) => s.protocol],
  [4, 'pkttype', (s) => PKTTYPES.indexOf(s.pktType)],
  [8, 'ifindex', (s) => s.dev?.ifindex],
  [12, 'nlattr', null],
  [16, 'nlattr_nest', null],
  [20, 'mark', (s) => s.mark],
  [24, 'queue', null],
  [28, 'hatype', (s) => (s.dev === null ? undefined : HATYPES.get(s.dev.linkType))],
  [32, 'rxhash', null],
  [36, 'cpu', null],
  [44, 'vlan_tag', (s) => s.vlan ?? 0],
  [48, 'vlan_tag_present', (s) => (s.vlan === null ? 0 : 1)],
  [52, 'pay_offset', null],
  [56, 'random', null],
  [60, 'vlan_tpid', (s) => (s.vlan === null ? 0 : ETH_P_8021Q)],
];
const XOR_X = 40;
const PKTTYPES: readonly PktType[] = ['host', 'broadcast', 'multicast', 'otherhost', 'outgoing', 'loopback'];
/** ARPHRD_* of the devices that there are here. */
const HATYPES: ReadonlyMap<string, number> = new Map([
  ['ether', 1],
  ['ipip', 768],
  ['loopback', 772],
  ['none', 0xfffe],
]);

const isAbs = (code: number): boolean => code === 0x20 || code === 0x28 || code === 0x30;
const isAncillary = (place: number): boolean => place === XOR_X || ANCILLARY.some(([p]) => p === place);

/** Why the kernel refuses the program; null: it takes it. */
export function refused(program: readonly Instruction[]): string | null {
  const last = program.at(-1)?.[0];
  for (const [pc, i] of program.entries()) {
    const why = refusedAt(i, program.length - pc - 1);
    if (why !== null) return `instruction ${pc}: ${why}`;
  }
  if (last !== CLASS.RET && last !== RET_A) return 'the last instruction does not return';
  return unsetWord(program);
}

function refusedAt([code, jt, jf, k]: Instruction, behind: number): string | null {
  if (!ALLOWED.has(code)) return `code ${code} is none`;
  const [cls, op] = [code & 7, code & 0xf0];
  if (cls === CLASS.ALU && (code & X_SOURCE) === 0) {
    if ((op === ALU.DIV || op === ALU.MOD) && k === 0) return 'a division by 0';
    if ((op === ALU.LSH || op === ALU.RSH) && k >= 32) return 'a shift by 32 bits or more';
  }
  if (isMem(code) && k >= WORDS) return `there are ${WORDS} words of memory`;
  if (code === CLASS.JMP) return k >= behind ? 'a jump behind the end' : null;
  if (cls === CLASS.JMP) return jt >= behind || jf >= behind ? 'a jump behind the end' : null;
  if (isAbs(code) && k >= SKF_AD_OFF >>> 0 && !isAncillary((k | 0) - SKF_AD_OFF)) return 'nothing of that name stands beside the packet';
  return null;
}

const isMem = (code: number): boolean => code === 0x60 || code === 0x61 || code === 0x02 || code === 0x03;

/** check_load_and_stores(): a word of memory is written on every way to where it is read. */
function unsetWord(program: readonly Instruction[]): string | null {
  const ALL = 2 ** WORDS - 1;
  const known = program.map(() => ALL);
  let set = 0;
  for (const [pc, [code, jt, jf, k]] of program.entries()) {
    set &= known[pc];
    const cls = code & 7;
    if (cls === CLASS.ST || cls === CLASS.STX) set |= 1 << k;
    else if (isMem(code) && (set & (1 << k)) === 0) return `instruction ${pc}: word ${k} of memory is not set`;
    else if (cls === CLASS.JMP) {
      for (const to of code === CLASS.JMP ? [k] : [jt, jf]) known[pc + 1 + to] &= set;
      set = ALL;
    }
  }
  return null;
}

/** What a program needs that is not known of a packet here, by its name; null: nothing. */
export function unknownNeed(program: readonly Instruction[]): string | null {
  for (const [code, , , k] of program) {
    if (!isAbs(code) || k < SKF_AD_OFF >>> 0) continue;
    const row = ANCILLARY.find(([p]) => p === (k | 0) - SKF_AD_OFF);
    if (row && row[2] === null) return row[1];
  }
  return null;
}

/** The bytes at an offset as one number; undefined where the packet has not got them: the program then says 0. */
function load(s: Skb, offset: number, size: number): number | undefined {
  if (offset >= 0) return bytes(s, offset, size);
  if (offset >= SKF_NET_OFF) return bytes(s, offset - SKF_NET_OFF, size);
  // A packet that this node made has no link header yet.
  if (offset < SKF_LL_OFF || (s.eth === null && s.iif === 0 && s.macAt === null)) return undefined;
  return bytes(s, offset - SKF_LL_OFF + (s.macAt ?? (s.eth === null ? 0 : -ETH_HLEN)), size);
}

function bytes(s: Skb, at: number, size: number): number | undefined {
  if (at + size > s.data.length) return undefined;
  let v = 0;
  for (let i = at; i < at + size; i++) v = v * 256 + (i < 0 ? linkByte(s, i + ETH_HLEN) : s.data[i]);
  return v;
}

function linkByte(s: Skb, at: number): number {
  if (s.eth === null) return 0;
  if (at >= 12) return (s.protocol >>> (at === 12 ? 8 : 0)) & 0xff;
  const mac = at < 6 ? s.eth.dst : s.eth.src;
  return Math.floor(mac / 256 ** (5 - (at % 6))) & 0xff;
}

const sizeOf = (code: number): number => ((code & 0x18) === 0x08 ? 2 : (code & 0x18) === 0x10 ? 1 : 4);

/** What a program that was not refused says of the packet: 0 is no. Jumps lead forward only, so that it ends. */
export function runProgram(program: readonly Instruction[], s: Skb): number {
  const memory = new Uint32Array(WORDS);
  let a = 0;
  let x = 0;
  for (let pc = 0; pc < program.length; pc++) {
    const [code, jt, jf, k] = program[pc];
    const operand = code & X_SOURCE ? x : k;
    switch (code & 7) {
      case CLASS.LD: {
        const v = isAbs(code) && k >= SKF_AD_OFF >>> 0 ? beside(s, (k | 0) - SKF_AD_OFF, a, x) : loaded(s, code, k, x, memory);
        if (v === undefined) return 0;
        a = v >>> 0;
        break;
      }
      case CLASS.LDX: {
        const v = code === 0xb1 ? load(s, k | 0, 1) : loaded(s, code, k, x, memory);
        if (v === undefined) return 0;
        x = code === 0xb1 ? (v & 15) * 4 : v >>> 0;
        break;
      }
      case CLASS.ST:
        memory[k] = a;
        break;
      case CLASS.STX:
        memory[k] = x;
        break;
      case CLASS.ALU: {
        const v = compute(code & 0xf0, a, operand);
        if (v === undefined) return 0;
        a = v >>> 0;
        break;
      }
      case CLASS.JMP:
        pc += code === CLASS.JMP ? k : holds(code & 0xf0, a, operand) ? jt : jf;
        break;
      case CLASS.RET:
        return code === RET_A ? a : k;
      default:
        if (code === TXA) a = x;
        else x = a;
    }
  }
  return 0;
}

function loaded(s: Skb, code: number, k: number, x: number, memory: Uint32Array): number | undefined {
  switch (code & 0xe0) {
    case MODE.IMM:
      return k;
    case MODE.MEM:
      return memory[k];
    case MODE.LEN:
      return s.data.length;
    case MODE.IND:
      return load(s, (k + x) | 0, sizeOf(code));
    default:
      return load(s, k | 0, sizeOf(code));
  }
}

function beside(s: Skb, place: number, a: number, x: number): number | undefined {
  if (place === XOR_X) return a ^ x;
  return ANCILLARY.find(([p]) => p === place)?.[2]?.(s);
}

/** undefined: a division by 0, which ends the program. A shift takes the lowest five bits. */
function compute(op: number, a: number, b: number): number | undefined {
  switch (op) {
    case ALU.ADD:
      return a + b;
    case ALU.SUB:
      return a - b;
    case ALU.MUL:
      return Math.imul(a, b);
    case ALU.DIV:
      return b === 0 ? undefined : Math.floor(a / b);
    case ALU.MOD:
      return b === 0 ? undefined : a % b;
    case ALU.OR:
      return a | b;
    case ALU.AND:
      return a & b;
    case ALU.XOR:
      return a ^ b;
    case ALU.LSH:
      return a << b;
    case ALU.RSH:
      return a >>> b;
    default:
      return -a;
  }
}

function holds(op: number, a: number, b: number): boolean {
  switch (op) {
    case JMP.JEQ:
      return a === b;
    case JMP.JGT:
      return a > b;
    case JMP.JGE:
      return a >= b;
    default:
      return (a & b) !== 0;
  }
}
