/** `-m ecn --ecn-tcp-ece, --ecn-tcp-cwr, --ecn-ip-ect 0..3`. */
import { tcpFlags, tos, whenPresent } from '../../fields.js';
import { all, masked, negateIf, type Pred } from '../../pred.js';
import { type CheckContext, type Given, type MatchDef, OptionError } from '../extension.js';
import { bang, given, uint } from '../values.js';

interface Flag {
  readonly invert: boolean;
}
interface EcnMatch {
  readonly ece: Flag | null;
  readonly cwr: Flag | null;
  readonly ect: (Flag & { readonly value: number }) | null;
}
const ECE = 64;
const CWR = 128;

const flag = (gs: readonly Given[], name: string): Flag | null => {
  const g = given(gs, name);
  return g ? { invert: g.invert } : null;
};

export const ecn: MatchDef<EcnMatch> = {
  name: 'ecn',
  kernel: 'net/netfilter/xt_ecn.c',
  families: ['ipv4', 'ipv6'],
  options: [
    { name: 'ecn-tcp-cwr', arg: 'none', invert: true },
    { name: 'ecn-tcp-ece', arg: 'none', invert: true },
    { name: 'ecn-ip-ect', arg: 'required', invert: true },
  ],
  parse: (gs) => {
    if (gs.length === 0) throw new OptionError('ECN match: some option required');
    const ect = given(gs, 'ecn-ip-ect');
    return { ece: flag(gs, 'ecn-tcp-ece'), cwr: flag(gs, 'ecn-tcp-cwr'), ect: ect ? { value: uint('ecn', ect, 0, 3), invert: ect.invert } : null };
  },
  print: (d) =>
    (d.ece ? `${bang(d.ece.invert)} --ecn-tcp-ece` : '') +
    (d.cwr ? `${bang(d.cwr.invert)} --ecn-tcp-cwr` : '') +
    (d.ect ? `${bang(d.ect.invert)} --ecn-ip-ect ${d.ect.value}` : ''),
  check: (d: EcnMatch, ctx: CheckContext) => {
    if ((d.ece || d.cwr) && (ctx.proto !== 6 || ctx.protoInverted)) throw new OptionError('cannot match TCP bits for non-tcp packets');
  },
  lower: (d) => {
    const tests: Pred[] = [];
    if (d.ect) tests.push(negateIf(d.ect.invert, masked(tos, 3, d.ect.value)));
    if (d.ece) tests.push(whenPresent(tcpFlags, d.ece.invert, masked(tcpFlags, ECE, ECE)));
    if (d.cwr) tests.push(whenPresent(tcpFlags, d.cwr.invert, masked(tcpFlags, CWR, CWR)));
    return [{ kind: 'test', pred: all(...tests) }];
  },
};
