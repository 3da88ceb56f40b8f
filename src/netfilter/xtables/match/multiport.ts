/** `-m multiport --dports 80,443,8000:8080`: up to 15 ports, of which a range counts as two. */
import { dport, sport } from '../../fields.js';
import { all, any, between, type Field, negateIf, oneOf, type Pred } from '../../pred.js';
import { type Given, type MatchDef, OptionError, type RuleContext } from '../extension.js';
import { dropTinygram, hasPorts } from '../transport.js';
import { bang, type PortRange, parsePort, showPorts } from '../values.js';

type Which = 'sports' | 'dports' | 'ports';
interface MultiportMatch {
  readonly which: Which;
  readonly ports: readonly PortRange[];
  readonly invert: boolean;
}

const MAX = 15;
const PROTOCOLS = new Map([
  [6, 'tcp'],
  [17, 'udp'],
  [136, 'udplite'],
  [132, 'sctp'],
  [33, 'dccp'],
]);

function protocolOf(ctx: RuleContext, option: string): string {
  const name = PROTOCOLS.get(ctx.proto);
  if (name && !ctx.protoInverted) return name;
  throw new OptionError(
    ctx.proto === 0 && !ctx.protoInverted
      ? "multiport needs `-p tcp', `-p udp', `-p udplite', `-p sctp' or `-p dccp'"
      : 'multiport only works with TCP, UDP, UDPLITE, SCTP and DCCP',
    option,
  );
}

function parsePorts(g: Given, proto: string): readonly PortRange[] {
  const ranges: PortRange[] = [];
  let count = 0;
  for (const word of g.value.split(',')) {
    const colon = word.indexOf(':');
    count += colon < 0 ? 1 : 2;
    if (count > MAX) throw new OptionError('too many ports specified', g.name, `at most ${MAX}, ranges count twice`);
    const lo = parsePort(colon < 0 ? word : word.slice(0, colon), proto, g.name);
    const hi = colon < 0 ? lo : parsePort(word.slice(colon + 1), proto, g.name);
    if (colon >= 0 && lo >= hi) throw new OptionError('invalid portrange specified', g.name);
    ranges.push([lo, hi]);
  }
  return ranges;
}

function portTest(field: Field, ports: readonly PortRange[]): Pred {
  const single = ports.filter(([lo, hi]) => lo === hi).map(([lo]) => lo);
  const parts: Pred[] = ports.filter(([lo, hi]) => lo !== hi).map(([lo, hi]) => between(field, lo, hi));
  if (single.length > 0) parts.unshift(oneOf(field, single));
  return any(...parts);
}

function predicate(d: MultiportMatch): Pred {
  const p = d.which === 'ports' ? any(portTest(sport, d.ports), portTest(dport, d.ports)) : portTest(d.which === 'sports' ? sport : dport, d.ports);
  return d.invert ? all(hasPorts, negateIf(true, p)) : p;
}

export const multiport: MatchDef<MultiportMatch> = {
  name: 'multiport',
  kernel: 'net/netfilter/xt_multiport.c',
  families: ['ipv4', 'ipv6'],
  options: [
    { name: 'sports', arg: 'required', invert: true, excl: ['dports', 'ports'] },
    { name: 'source-ports', arg: 'required', invert: true, alias: 'sports' },
    { name: 'dports', arg: 'required', invert: true, excl: ['sports', 'ports'] },
    { name: 'destination-ports', arg: 'required', invert: true, alias: 'dports' },
    { name: 'ports', arg: 'required', invert: true, excl: ['sports', 'dports'] },
  ],
  parse: ([g], ctx) => {
    if (!g) throw new OptionError('multiport expection an option', undefined, 'one of --sports, --dports, --ports');
    return { which: g.name as Which, ports: parsePorts(g, protocolOf(ctx, g.name)), invert: g.invert };
  },
  print: (d) => `${bang(d.invert)} --${d.which} ${d.ports.map(showPorts).join(',')}`,
  lower: (d) => [dropTinygram(4), { kind: 'test', pred: predicate(d) }],
};
