/** `-m rpfilter [--loose] [--validmark] [--accept-local] [--invert]`: does the route back to the source use the device the packet came in on? */
import { type Addr, ANY4, ANY6, formatAddr, isMulticast4 } from '../../../base/addr.js';
import { saddr } from '../../fields.js';
import { call, negateIf, type PacketCtx } from '../../pred.js';
import { type CheckContext, type MatchDef, OptionError } from '../extension.js';
import { isGiven } from '../values.js';

interface RpfilterMatch {
  readonly loose: boolean;
  readonly validmark: boolean;
  readonly acceptLocal: boolean;
  readonly invert: boolean;
}
/** Of the TOS byte only these bits choose routes (IPTOS_RT_MASK). */
const RT_TOS = 0x1c;

const isZeronet = (a: number): boolean => a >>> 24 === 0;
const BROADCAST4 = 0xffffffff;

function reverse4(d: RpfilterMatch, c: PacketCtx): boolean {
  const src = c.skb.saddr as number;
  const dst = c.skb.daddr as number;
  if (isZeronet(src) && (dst === BROADCAST4 || dst >>> 8 === 0xe00000)) return true;
  const back = c.env.fib({
    family: 'ipv4',
    dst: src,
    src: isMulticast4(dst) || dst === BROADCAST4 || isZeronet(dst) ? ANY4 : dst,
    iif: null,
    oif: null,
    mark: d.validmark ? c.skb.mark : 0,
    tos: c.skb.tos & RT_TOS,
    proto: 0,
    sport: 0,
    dport: 0,
  });
  if (back.errno !== 0) return false;
  if (back.type !== 'unicast' && !(back.type === 'local' && d.acceptLocal)) return false;
  return d.loose || back.devs.some((dev) => dev.ifindex === c.in?.ifindex);
}

const firstWord = (a: Addr): number => (a as string).charCodeAt(0);
const isLinkLocal6 = (a: Addr): boolean => (firstWord(a) & 0xffc0) === 0xfe80;

function reverse6(d: RpfilterMatch, c: PacketCtx): boolean {
  const src = c.skb.saddr;
  const dst = c.skb.daddr;
  if (src === ANY6) return true;
  const bound = isLinkLocal6(src) || !d.loose;
  const back = c.env.fib({
    family: 'ipv6',
    dst: src,
    src: firstWord(dst) >>> 8 === 0xff || dst === ANY6 ? ANY6 : dst,
    iif: null,
    oif: bound ? c.in : null,
    mark: d.validmark ? c.skb.mark : 0,
    tos: c.skb.tos,
    proto: c.skb.data[6],
    sport: 0,
    dport: 0,
    plain: true,
  });
  if (back.errno !== 0 || back.type === 'anycast') return false;
  if (back.type === 'local') return d.acceptLocal;
  return d.loose || back.dev?.ifindex === c.in?.ifindex;
}

const passes = (d: RpfilterMatch, c: PacketCtx): boolean =>
  c.skb.pktType === 'loopback' || c.in?.loopback === true || (c.family === 'ipv6' ? reverse6(d, c) : reverse4(d, c));

function check(_: RpfilterMatch, ctx: CheckContext): void {
  if (ctx.table !== 'mangle' && ctx.table !== 'raw') throw new OptionError(`only valid in 'raw' or 'mangle' table, not '${ctx.table}'`);
}

export const rpfilter: MatchDef<RpfilterMatch> = {
  name: 'rpfilter',
  kernel: 'net/ipv4/netfilter/ipt_rpfilter.c',
  families: ['ipv4', 'ipv6'],
  hooks: ['PREROUTING'],
  options: ['loose', 'validmark', 'accept-local', 'invert'].map((name) => ({ name, arg: 'none' })),
  parse: (gs) => ({
    loose: isGiven(gs, 'loose'),
    validmark: isGiven(gs, 'validmark'),
    acceptLocal: isGiven(gs, 'accept-local'),
    invert: isGiven(gs, 'invert'),
  }),
  print: (d) => (d.loose ? ' --loose' : '') + (d.validmark ? ' --validmark' : '') + (d.acceptLocal ? ' --accept-local' : '') + (d.invert ? ' --invert' : ''),
  check,
  lower: (d) => [
    {
      kind: 'test',
      pred: negateIf(
        d.invert,
        call(
          'reverse path',
          [saddr],
          (c) => passes(d, c),
          `a route back${d.loose ? '' : ' by the input device'}`,
          (c) => `${formatAddr(c.skb.saddr)} on ${c.in?.name ?? 'no device'}`,
        ),
      ),
    },
  ],
};
