/** `-m rt --rt-type, --rt-segsleft, --rt-len, --rt-0-res, --rt-0-addrs, --rt-0-not-strict`: the IPv6 routing header. */
import { formatIp6, type Ip6, parseIp6, readAddr } from '../../../base/addr.js';
import { NEXTHDR } from '../../../packet/ip6.js';
import type { PacketCtx } from '../../pred.js';
import { type Given, type MatchDef, OptionError } from '../extension.js';
import { headerLength, headerSteps, inRange, type NumberRange } from '../exthdr.js';
import { bang, given, isGiven, numberRange, showNumberRange, uint } from '../values.js';

interface Inv {
  readonly value: number;
  readonly invert: boolean;
}
interface RtMatch {
  readonly type: Inv | null;
  readonly segsleft: NumberRange;
  readonly len: Inv | null;
  readonly res: boolean;
  readonly addrs: readonly Ip6[] | null;
  readonly notStrict: boolean;
}
/** IP6T_RT_HOPS */
const MAX_ADDRS = 16;

const number = (g: Given | undefined): Inv | null => (g ? { value: uint('rt', g), invert: g.invert } : null);

function parseAddrs(g: Given | undefined): readonly Ip6[] | null {
  if (!g) return null;
  const words = g.value.split(',');
  if (words.length > MAX_ADDRS) throw new OptionError('too many addresses specified', g.name);
  return words.map((w) => {
    const a = parseIp6(w);
    if (a === null) throw new OptionError(`bad address: ${w}`, g.name);
    return a;
  });
}

/** Options of type 0 must stand behind `--rt-type 0`. */
function checkOrder(gs: readonly Given[]): void {
  gs.forEach((g, i) => {
    const before = gs.slice(0, i);
    const type = given(before, 'rt-type');
    if ((g.name === 'rt-0-res' || g.name === 'rt-0-addrs') && (!type || type.invert || Number(type.value) !== 0)) {
      throw new OptionError(`\`--rt-type 0' required before \`--${g.name}'`, g.name);
    }
    if (g.name === 'rt-0-not-strict' && !isGiven(before, 'rt-0-addrs')) throw new OptionError("`--rt-0-addr ...' required before `--rt-0-not-strict'", g.name);
  });
}

/** The addresses must be all of the header's, in order; not strict: among them, in order. */
function addressesMatch(c: PacketCtx, at: number, count: number, wanted: readonly Ip6[], notStrict: boolean): boolean {
  if (wanted.length > count) return false;
  const nth = (i: number) => readAddr(c.skb.data, at + 8 + 16 * i, 'ipv6');
  if (!notStrict) return wanted.length === count && wanted.every((a, i) => nth(i) === a);
  let found = 0;
  for (let i = 0; i < count && found < wanted.length; i++) if (nth(i) === wanted[found]) found++;
  return found === wanted.length;
}

function matches(d: RtMatch, c: PacketCtx, at: number): boolean {
  const length = headerLength(c, at, NEXTHDR.ROUTING);
  if (!inRange(d.segsleft, c.skb.u8(at + 3))) return false;
  if (d.len && (length === d.len.value) === d.len.invert) return false;
  if (d.type && (c.skb.u8(at + 2) === d.type.value) === d.type.invert) return false;
  if (d.res && c.skb.u32(at + 4) !== 0) return false;
  return d.addrs === null || addressesMatch(c, at, Math.floor((length - 8) / 16), d.addrs, d.notStrict);
}

export const rt: MatchDef<RtMatch> = {
  name: 'rt',
  kernel: 'net/ipv6/netfilter/ip6t_rt.c',
  families: ['ipv6'],
  options: [
    { name: 'rt-type', arg: 'required', invert: true },
    { name: 'rt-segsleft', arg: 'required', invert: true },
    { name: 'rt-len', arg: 'required', invert: true },
    { name: 'rt-0-res', arg: 'none' },
    { name: 'rt-0-addrs', arg: 'required' },
    { name: 'rt-0-not-strict', arg: 'none' },
  ],
  parse: (gs) => {
    checkOrder(gs);
    return {
      type: number(given(gs, 'rt-type')),
      segsleft: numberRange('rt', given(gs, 'rt-segsleft')),
      len: number(given(gs, 'rt-len')),
      res: isGiven(gs, 'rt-0-res'),
      addrs: parseAddrs(given(gs, 'rt-0-addrs')),
      notStrict: isGiven(gs, 'rt-0-not-strict'),
    };
  },
  print: (d) =>
    (d.type ? `${bang(d.type.invert)} --rt-type ${d.type.value}` : '') +
    showNumberRange('rt-segsleft', d.segsleft) +
    (d.len ? `${bang(d.len.invert)} --rt-len ${d.len.value}` : '') +
    (d.res ? ' --rt-0-res' : '') +
    (d.addrs ? ` --rt-0-addrs ${d.addrs.map(formatIp6).join(',')}` : '') +
    (d.notStrict ? ' --rt-0-not-strict' : ''),
  lower: (d) => headerSteps('routing header', NEXTHDR.ROUTING, 4, true, (c, at) => matches(d, c, at), 'a routing header'),
};
