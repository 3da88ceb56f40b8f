/** `-m addrtype --src-type LOCAL,… --dst-type …`: what kind of address it is to this node. */
import { type Addr, ANY6, type Family, formatAddr, isMulticast6 } from '../../../base/addr.js';
import { ROUTE_TYPES, type RouteType } from '../../../packet/types.js';
import type { HookPoint } from '../../../trace/event.js';
import { daddr, saddr } from '../../fields.js';
import { all, call, type Field, negateIf, type PacketCtx, type Pred } from '../../pred.js';
import { type CheckContext, type Given, type MatchDef, OptionError } from '../extension.js';
import { bang, byBeginning, given, isGiven } from '../values.js';

const NAMES: readonly (readonly [string, RouteType])[] = ROUTE_TYPES.map((t) => [t.toUpperCase(), t]);

interface TypeTest {
  readonly types: ReadonlySet<RouteType>;
  readonly invert: boolean;
}
interface AddrtypeMatch {
  readonly src: TypeTest | null;
  readonly dst: TypeTest | null;
  readonly limit: 'in' | 'out' | null;
}

function parseTypes(g: Given | undefined): TypeTest | null {
  if (!g) return null;
  const words = g.value.split(',');
  const types = new Set<RouteType>();
  words.forEach((w, i) => {
    const type = byBeginning(w, NAMES);
    if (type === null) throw new OptionError(`addrtype: bad type \`${words.slice(i).join(',')}'`, g.name, `one of ${NAMES.map(([n]) => n).join(', ')}`);
    types.add(type);
  });
  return { types, invert: g.invert };
}

const showTypes = (t: TypeTest): string =>
  NAMES.filter(([, type]) => t.types.has(type))
    .map(([n]) => n)
    .join(',');

/** addrtype_mt_checkentry_v1() */
function check(d: AddrtypeMatch, ctx: CheckContext): void {
  const reached = (...hooks: HookPoint[]) => hooks.some((h) => ctx.hooks.has(h));
  if (d.limit === 'out' && reached('PREROUTING', 'INPUT'))
    throw new OptionError('output interface limitation not valid in PREROUTING and INPUT', 'limit-iface-out');
  if (d.limit === 'in' && reached('POSTROUTING', 'OUTPUT'))
    throw new OptionError('input interface limitation not valid in POSTROUTING and OUTPUT', 'limit-iface-in');
  if (ctx.family !== 'ipv6') return;
  const has = (...types: RouteType[]) => types.some((t) => d.src?.types.has(t) || d.dst?.types.has(t));
  if (has('blackhole')) throw new OptionError('ipv6 BLACKHOLE matching not supported');
  if (has('prohibit', 'throw', 'nat', 'xresolve')) throw new OptionError('ipv6 PROHIBIT (THROW, NAT ..) matching not supported');
  if (has('broadcast')) throw new OptionError('ipv6 does not support BROADCAST matching');
}

/** __ipv6_addr_type(), as far as it tells these three apart; IPv4-mapped addresses are none of them. */
export function ip6Kind(a: string): 'any' | 'multicast' | 'unicast' | 'mapped' {
  if (a === ANY6) return 'any';
  if (isMulticast6(a)) return 'multicast';
  return a.startsWith('\0\0\0\0\0\uffff') ? 'mapped' : 'unicast';
}

/** match_type6(): unlike in IPv4 every type asked for must be true of the address, but those that need a route are alternatives. */
function ip6Type(c: PacketCtx, a: string, types: ReadonlySet<RouteType>, limit: AddrtypeMatch['limit']): boolean {
  const kind = ip6Kind(a);
  if (types.has('multicast') && kind !== 'multicast') return false;
  if (types.has('unicast') && kind !== 'unicast') return false;
  if (types.has('unspec') && kind !== 'any') return false;
  if (!types.has('local') && !types.has('anycast') && !types.has('unreachable')) return true;
  const dev = limitDevice(c, limit);
  const route = c.env.fib({ family: 'ipv6', src: ANY6, dst: a, iif: null, oif: dev, mark: 0, tos: 0, proto: 0, sport: 0, dport: 0 });
  if (route.errno !== 0) return types.has('unreachable');
  const local = dev ? c.env.addrType('ipv6', a, dev) === 'local' : route.type === 'local';
  return (types.has('local') && local) || (types.has('anycast') && route.anycast === true);
}

const limitDevice = (c: PacketCtx, limit: AddrtypeMatch['limit']) => (limit === 'in' ? c.in : limit === 'out' ? c.out : null);

function typeTest(field: Field, t: TypeTest, limit: AddrtypeMatch['limit'], family: Family): Pred {
  const read = (c: PacketCtx) => field.read(c) as Addr;
  const test =
    family === 'ipv6'
      ? (c: PacketCtx) => ip6Type(c, read(c) as string, t.types, limit)
      : (c: PacketCtx) => t.types.has(c.env.addrType('ipv4', read(c), limitDevice(c, limit)));
  const had = (c: PacketCtx) => `${formatAddr(read(c))} ${c.env.addrType(family, read(c), limitDevice(c, limit))}`;
  return negateIf(t.invert, call(`${field.name} type`, [field], test, showTypes(t), had));
}

export const addrtype: MatchDef<AddrtypeMatch> = {
  name: 'addrtype',
  kernel: 'net/netfilter/xt_addrtype.c',
  families: ['ipv4', 'ipv6'],
  options: [
    { name: 'src-type', arg: 'required', invert: true },
    { name: 'dst-type', arg: 'required', invert: true },
    { name: 'limit-iface-in', arg: 'none', excl: ['limit-iface-out'] },
    { name: 'limit-iface-out', arg: 'none', excl: ['limit-iface-in'] },
  ],
  parse: (gs) => {
    const src = parseTypes(given(gs, 'src-type'));
    const dst = parseTypes(given(gs, 'dst-type'));
    if (!src && !dst) throw new OptionError('addrtype: you must specify --src-type or --dst-type');
    return { src, dst, limit: isGiven(gs, 'limit-iface-in') ? 'in' : isGiven(gs, 'limit-iface-out') ? 'out' : null };
  },
  print: (d) =>
    (d.src ? `${bang(d.src.invert)} --src-type ${showTypes(d.src)}` : '') +
    (d.dst ? `${bang(d.dst.invert)} --dst-type ${showTypes(d.dst)}` : '') +
    (d.limit ? ` --limit-iface-${d.limit}` : ''),
  check,
  lower: (d, ctx) => {
    const tests: Pred[] = [];
    if (d.src) tests.push(typeTest(saddr, d.src, d.limit, ctx.family));
    if (d.dst) tests.push(typeTest(daddr, d.dst, d.limit, ctx.family));
    return [{ kind: 'test', pred: all(...tests) }];
  },
};
