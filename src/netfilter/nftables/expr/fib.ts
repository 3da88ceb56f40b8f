/** `fib saddr . iif oif exists`, `fib daddr type local`: what routing has to say of an address (nft_fib_ipv4.c, nft_fib_ipv6.c). */
import { type Addr, ANY4, ANY6, isMulticast4, isMulticast6 } from '../../../base/addr.js';
import { type NetDevice, ROUTE_TYPES, type RouteType } from '../../../packet/types.js';
import type { FibQuery } from '../../env.js';
import type { PacketCtx } from '../../pred.js';
import { ip6Kind } from '../../xtables/match/addrtype.js';
import type { NftRead, NftReadDef } from '../expr.js';
import { NftError, type NftTokens } from '../tokens.js';
import { typeNamed } from '../types.js';
import { pktInfo } from './pktinfo.js';

const KEYS = ['saddr', 'daddr', 'mark', 'iif', 'oif'] as const;
type Key = (typeof KEYS)[number];
type Flags = ReadonlySet<Key>;

const deviceOf = (c: PacketCtx, f: Flags): NetDevice | null => (f.has('iif') ? c.in : f.has('oif') ? c.out : null);
const isIp6 = (c: PacketCtx): boolean => c.family === 'ipv6';
/** ipv6_addr_type() & IPV6_ADDR_LINKLOCAL: groups of that scope as well. */
const isLinkLocal6 = (a: string): boolean => (a.charCodeAt(0) & 0xffc0) === 0xfe80 || (a.charCodeAt(0) & 0xff0f) === 0xff02;
const isZeronet = (a: number): boolean => a >>> 24 === 0;
const BROADCAST4 = 0xffffffff;
const DSCP_BITS = 0xfc;

// --- the type of an address ---

const NUMBERS = new Map<RouteType, number>(ROUTE_TYPES.map((t, i) => [t, i]));
const typeNumber = (t: RouteType): number => NUMBERS.get(t) as number;

function addressType(c: PacketCtx, f: Flags): number {
  const addr = f.has('daddr') ? c.skb.daddr : c.skb.saddr;
  const dev = deviceOf(c, f);
  return typeNumber(typeof addr === 'number' ? c.env.addrType('ipv4', addr, dev) : type6(c, f, addr, dev));
}

/** Errors of a route that are types of their own; others are unreachable. */
const ERRORS = new Map<number, RouteType>([
  [22, 'blackhole'],
  [13, 'prohibit'],
  [11, 'throw'],
]);

/** __nft_fib6_eval_type() */
function type6(c: PacketCtx, f: Flags, addr: string, dev: NetDevice | null): RouteType {
  const own = dev !== null && c.env.addrType('ipv6', addr, dev) === 'local';
  const route = c.env.fib(query6(c, f, dev));
  if (route.errno !== 0) return ERRORS.get(Math.abs(route.errno)) ?? 'unreachable';
  if (route.anycast) return 'anycast';
  if (own || (dev === null && route.type === 'local')) return 'local';
  const kind = ip6Kind(addr);
  return kind === 'multicast' || kind === 'unicast' ? kind : 'unspec';
}

// --- the device of the route to an address ---

/** nft_fib4_eval(), nft_fib6_eval(); null: there is none. */
const outputDevice = (c: PacketCtx, f: Flags): NetDevice | null => {
  if ((c.hook === 'PREROUTING' || c.hook === 'INPUT') && (c.skb.pktType === 'loopback' || c.in?.loopback)) return c.in;
  return isIp6(c) ? device6(c, f) : device4(c, f);
};

const sourceOf4 = (a: number): Addr => (isMulticast4(a) || a === BROADCAST4 || isZeronet(a) ? ANY4 : a);

function device4(c: PacketCtx, f: Flags): NetDevice | null {
  const src = c.skb.saddr as number;
  const dst = c.skb.daddr as number;
  if (isZeronet(src) && (dst === BROADCAST4 || dst >>> 8 === 0xe00000)) return c.skb.dev;
  const forward = f.has('daddr');
  const route = c.env.fib({
    family: 'ipv4',
    dst: forward ? dst : src,
    src: sourceOf4(forward ? src : dst),
    iif: !forward && c.hook === 'FORWARD' && f.has('iif') ? c.out : null,
    oif: null,
    mark: f.has('mark') ? c.skb.mark : 0,
    tos: c.skb.tos & DSCP_BITS,
    proto: 0,
    sport: 0,
    dport: 0,
  });
  if (route.errno !== 0 || route.type === 'local') return null;
  const wanted = deviceOf(c, f);
  if (wanted === null) return route.dev;
  return route.devs.some((d) => d.ifindex === wanted.ifindex) ? wanted : null;
}

/** nft_fib6_flowi_init() */
function query6(c: PacketCtx, f: Flags, dev: NetDevice | null): FibQuery {
  const forward = f.has('daddr');
  const { saddr, daddr } = c.skb;
  const dst = (forward ? daddr : saddr) as string;
  return {
    family: 'ipv6',
    dst,
    src: forward ? saddr : daddr,
    iif: !forward && c.hook === 'FORWARD' && f.has('iif') ? c.out : null,
    oif: isLinkLocal6(dst) ? (dev ?? c.skb.dev) : null,
    mark: f.has('mark') ? c.skb.mark : 0,
    tos: c.skb.tos,
    proto: pktInfo(c)?.proto ?? 0,
    sport: 0,
    dport: 0,
  };
}

function device6(c: PacketCtx, f: Flags): NetDevice | null {
  const wanted = deviceOf(c, f);
  if (c.hook === 'PREROUTING' && pktInfo(c)?.proto === 58 && c.skb.saddr === ANY6 && isLinkLocal6(c.skb.daddr as string)) return c.in;
  const q = query6(c, f, wanted);
  // RT6_LOOKUP_F_HAS_SADDR is set for unicast addresses only.
  const src = isMulticast6(q.src as string) ? ANY6 : q.src;
  const route = c.env.fib({ ...q, src, plain: true });
  if (route.errno !== 0 || route.type === 'local' || route.anycast) return null;
  return wanted === null || wanted.ifindex === route.dev?.ifindex ? route.dev : null;
}

// --- text ---

function flagsOf(t: NftTokens): Flags {
  const flags = new Set<Key>();
  do {
    const word = t.word('what of the packet is looked up');
    const key = KEYS.find((k) => k === word.text);
    if (!key) throw new NftError(`“${word.text}” is nothing that fib looks up`, word, KEYS.join(', '));
    flags.add(key);
  } while (t.take('.'));
  if (flags.has('saddr') === flags.has('daddr')) throw new NftError('“saddr” or “daddr” is expected', t.peek());
  if (flags.has('iif') && flags.has('oif')) throw new NftError('“iif” and “oif” exclude each other', t.peek());
  return flags;
}

const parsed: NftReadDef = {
  words: ['fib'],
  kernel: 'net/ipv4/netfilter/nft_fib_ipv4.c',
  parse: (t): NftRead => {
    const f = flagsOf(t);
    const result = t.take('type', 'oif', 'oifname');
    if (result === null) throw new NftError('“type”, “oif” or “oifname” is expected', t.peek());
    if (result === 'type') return { type: typeNamed('fib_addrtype'), read: (c) => addressType(c, f) };
    if (f.has('oif')) throw new NftError(`“oif” does not go with “${result}”`, t.peek());
    if (t.is('exists', 'missing')) return { type: typeNamed('boolean'), read: (c) => (outputDevice(c, f) ? 1 : 0) };
    return { type: typeNamed(result === 'oif' ? 'iface_index' : 'ifname'), read: (c) => outputDevice(c, f)?.name ?? '' };
  },
};
export const fib: readonly NftReadDef[] = [parsed];
