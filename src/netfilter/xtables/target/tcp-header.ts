/** TCPOPTSTRIP and ECN: bytes of the TCP header (xt_TCPOPTSTRIP.c, ipt_ECN.c). */
import { checksumReplace } from '../../../packet/checksum.js';
import { IPPROTO, type Skb } from '../../../packet/skb.js';
import type { PacketCtx } from '../../pred.js';
import type { TargetDef } from '../extension.js';
import { OptionError } from '../extension.js';
import { parseUint } from '../numbers.js';
import { BOTH, find, has, tellMangle, uintOption, V4 } from './common.js';

const OPTION_NAMES: ReadonlyMap<string, number> = new Map([
  ['wscale', 3],
  ['mss', 2],
  ['sack-permitted', 4],
  ['sack', 5],
  ['timestamp', 8],
  ['md5', 19],
]);
const OPT_NOP = 1;

export const TCPOPTSTRIP: TargetDef<readonly number[]> = {
  name: 'TCPOPTSTRIP',
  kernel: 'net/netfilter/xt_TCPOPTSTRIP.c',
  families: BOTH,
  tables: ['mangle'],
  protocols: [IPPROTO.TCP],
  options: [{ name: 'strip-options', arg: 'required' }],
  parse(given) {
    const kinds: number[] = [];
    for (const word of find(given, 'strip-options')?.value.split(',') ?? []) {
      const kind = OPTION_NAMES.get(word) ?? parseUint(word, 2, 255);
      if (kind === null) throw new OptionError(`Bad TCP option value "${word}"`, 'strip-options', `2..255, ${[...OPTION_NAMES.keys()].join(', ')}`);
      if (kinds.includes(kind)) throw new OptionError(`Option "${word}" already specified`, 'strip-options');
      kinds.push(kind);
    }
    return kinds.sort((a, b) => a - b);
  },
  print: (kinds) => (kinds.length === 0 ? '' : ` --strip-options ${kinds.join(',')}`),
  lower: (kinds) => (c) => {
    const { skb } = c;
    const th = skb.thoff;
    if (skb.fragOffset !== 0) return 'CONTINUE';
    if (th < 0 || skb.data.length < th + 20) return 'DROP';
    const headerLen = (skb.u8(th + 12) >>> 4) * 4;
    if (headerLen < 20 || skb.data.length < th + headerLen) return 'DROP';
    stripOptions(c, th, headerLen, kinds);
    return 'CONTINUE';
  },
};

/** Overwrites every option of these kinds with NOPs. */
function stripOptions(c: PacketCtx, th: number, headerLen: number, kinds: readonly number[]): void {
  const { skb } = c;
  const before = skb.data.slice(th, th + headerLen);
  for (let i = 20; i < headerLen - 1; ) {
    const kind = skb.u8(th + i);
    const given = skb.u8(th + i + 1);
    const len = kind <= OPT_NOP || given === 0 ? 1 : given;
    if (i + len > headerLen) break;
    if (kinds.includes(kind)) {
      skb.data.fill(OPT_NOP, th + i, th + i + len);
      tellMangle(c, 'tcp-option', kind, 'stripped');
    }
    i += len;
  }
  skb.setU16(th + 16, checksumReplace(skb.u16(th + 16), before, skb.data.subarray(th, th + headerLen)));
}

interface EcnData {
  /** Values to write; null = leave. */
  readonly ece: number | null;
  readonly cwr: number | null;
  readonly ect: number | null;
  readonly remove: boolean;
}

export const ECN: TargetDef<EcnData> = {
  name: 'ECN',
  kernel: 'net/ipv4/netfilter/ipt_ECN.c',
  families: V4,
  tables: ['mangle'],
  options: [
    { name: 'ecn-tcp-remove', arg: 'none', excl: ['ecn-tcp-cwr', 'ecn-tcp-ece', 'ecn-ip-ect'] },
    { name: 'ecn-tcp-cwr', arg: 'required' },
    { name: 'ecn-tcp-ece', arg: 'required' },
    { name: 'ecn-ip-ect', arg: 'required' },
  ],
  parse(given) {
    if (given.length === 0) throw new OptionError('ECN target: An operation is required');
    const value = (name: string, max: number): number | null => {
      const g = find(given, name);
      return g ? uintOption('ECN', g, max) : null;
    };
    if (has(given, 'ecn-tcp-remove')) return { ece: 0, cwr: 0, ect: null, remove: true };
    return { ece: value('ecn-tcp-ece', 1), cwr: value('ecn-tcp-cwr', 1), ect: value('ecn-ip-ect', 3), remove: false };
  },
  print(d) {
    if (d.remove) return ' --ecn-tcp-remove';
    const one = (name: string, v: number | null): string => (v === null ? '' : ` --${name} ${v}`);
    return one('ecn-tcp-ece', d.ece) + one('ecn-tcp-cwr', d.cwr) + one('ecn-ip-ect', d.ect);
  },
  check(d, ctx) {
    if ((d.ece !== null || d.cwr !== null) && (ctx.proto !== IPPROTO.TCP || ctx.protoInverted))
      throw new OptionError('ECN: cannot use operation on non-tcp rule', undefined, 'put -p tcp in front of it');
  },
  lower: (d) => (c) => {
    const { skb } = c;
    if (d.ect !== null) {
      const before = skb.tos;
      const after = (before & ~3) | d.ect;
      if (after !== before) skb.tos = after;
      tellMangle(c, 'tos', before, after);
    }
    if (d.ece === null && d.cwr === null) return 'CONTINUE';
    if (skb.l4proto !== IPPROTO.TCP) return 'CONTINUE';
    return setTcpEcn(c, skb, d) ? 'CONTINUE' : 'DROP';
  },
};

const ECE = 0x40;
const CWR = 0x80;

function setTcpEcn(c: PacketCtx, skb: Skb, d: EcnData): boolean {
  const th = skb.thoff;
  if (th < 0 || skb.data.length < th + 20) return false;
  const before = skb.u16(th + 12);
  let after = before;
  if (d.ece !== null) after = d.ece ? after | ECE : after & ~ECE;
  if (d.cwr !== null) after = d.cwr ? after | CWR : after & ~CWR;
  if (after !== before) skb.setTransport16(th + 12, after);
  tellMangle(c, 'tcp-flags', before & 0xff, after & 0xff);
  return true;
}
