/** IPv6 addresses: their kind and scope (__ipv6_addr_type()), own addresses (ipv6_chk_addr()), source selection (ipv6_dev_get_saddr(), RFC 6724). */

import { ANY6, type Ip6, inPrefix, isMulticast6, parseIp6 } from '../base/addr.js';
import type { NetDevice, RouteType } from '../packet/types.js';
import type { RouteEnv6 } from './fib6.js';
import type { Route } from './model.js';
import { type FibAddr, LOOPBACK_IFINDEX } from './types.js';

const SCOPE6 = { NODE: 1, LINK: 2, SITE: 5, ORG: 8, GLOBAL: 14 } as const;

const net = (text: string, len: number): { readonly addr: Ip6; readonly len: number } => ({ addr: parseIp6(text) ?? ANY6, len });
export const LOOPBACK6: Ip6 = net('::1', 128).addr;

export const isLinkLocal6 = (a: Ip6): boolean => (a.charCodeAt(0) & 0xffc0) === 0xfe80;
/** rt6_need_strict(): addresses that mean nothing without a device. */
export const needStrict6 = (a: Ip6): boolean => isMulticast6(a) || isLinkLocal6(a) || a === LOOPBACK6;

/** __ipv6_addr_src_scope(). */
export function addrScope6(a: Ip6): number {
  if (isMulticast6(a)) return a.charCodeAt(0) & 0xf;
  if (isLinkLocal6(a) || a === LOOPBACK6) return SCOPE6.LINK;
  return (a.charCodeAt(0) & 0xffc0) === 0xfec0 ? SCOPE6.SITE : SCOPE6.GLOBAL;
}

/** ip6addrlbl_init_table: RFC 6724 labels, most specific first. */
const labels: readonly (readonly [{ readonly addr: Ip6; readonly len: number }, number])[] = [
  [net('::1', 128), 0],
  [net('::', 96), 3],
  [net('::ffff:0:0', 96), 4],
  [net('2001:10::', 28), 7],
  [net('2001::', 32), 6],
  [net('2002::', 16), 2],
  [net('3ffe::', 16), 12],
  [net('fec0::', 10), 11],
  [net('fc00::', 7), 5],
];
const label = (a: Ip6): number => labels.find(([p]) => inPrefix(a, p.addr, p.len))?.[1] ?? 1;
const ORCHID = net('2001:10::', 28);

/** Leading bits that two addresses share. */
function commonBits(a: Ip6, b: Ip6): number {
  for (let i = 0; i < 8; i++) {
    const x = a.charCodeAt(i) ^ b.charCodeAt(i);
    if (x !== 0) return 16 * i + Math.clz32(x) - 16;
  }
  return 128;
}

/** What ranks a candidate, in the order of the rules: of the first difference the larger wins. */
function rank(env: RouteEnv6, c: FibAddr, dst: Ip6, dev: NetDevice | null): readonly number[] {
  const a = c.local as Ip6;
  const scope = addrScope6(a);
  const wanted = addrScope6(dst);
  const temporary = c.flags.includes('temporary');
  const preferTemporary = env.conf.dev(c.dev, 'use_tempaddr') >= 2;
  return [
    Number(a === dst),
    scope >= wanted ? -scope : scope - 128,
    Number(a === LOOPBACK6 || !c.flags.includes('deprecated')),
    Number(c.flags.includes('home')),
    Number(dev === null || dev.name === c.dev),
    Number(label(a) === label(dst)),
    Number(temporary === preferTemporary),
    Number(inPrefix(a, ORCHID.addr, ORCHID.len) === inPrefix(dst, ORCHID.addr, ORCHID.len)),
    Math.min(commonBits(a, dst), c.prefixlen),
  ];
}

const usable = (a: FibAddr): boolean => a.local !== ANY6 && !isMulticast6(a.local as Ip6) && (!a.flags.includes('tentative') || a.flags.includes('optimistic'));

/**
 * ipv6_dev_get_saddr(): the source for `dst` out of `dev` (null: not known yet); null when there is none (EADDRNOTAVAIL).
 * Devices are tried by their order in `devices`, addresses as `ip addr` lists them; of equals the first stays.
 */
export function selectAddress6(env: RouteEnv6, dev: NetDevice | null, dst: Ip6): Ip6 | null {
  const { fib, conf } = env;
  const onlyDev = dev !== null && (isMulticast6(dst) || addrScope6(dst) <= SCOPE6.LINK || conf.dev(dev.name, 'use_oif_addrs_only') !== 0);
  let best: FibAddr | null = null;
  let bestRank: readonly number[] = [];
  for (const d of onlyDev && dev ? [dev] : fib.devices) {
    for (const a of fib.addrs) {
      if (a.dev !== d.name || !usable(a)) continue;
      const r = rank(env, a, dst, dev);
      const i = bestRank.findIndex((x, j) => x !== r[j]);
      if (best === null || (i >= 0 && r[i] > bestRank[i])) {
        best = a;
        bestRank = r;
      }
    }
  }
  return best === null ? null : (best.local as Ip6);
}

/** ipv6_chk_addr(): is it an own, usable address? With a device, link-local ones count only there; `strict`: all only there. */
export function isOwn6(env: RouteEnv6, a: Ip6, dev: NetDevice | null, strict: boolean): boolean {
  return env.fib.addrs.some((x) => {
    if (x.local !== a || (x.flags.includes('tentative') && !x.flags.includes('optimistic'))) return false;
    return dev === null || x.dev === dev.name || !(strict || x.scope === 'link' || x.scope === 'host');
  });
}

/** RTF_ANYCAST: the kernel's own; what an administrator calls anycast is received like that, but leaves by its device. */
export const isAnycast6 = (r: Route): boolean => r.type === 'anycast' && r.protocol === 'kernel';

/**
 * What an address is, as xt_addrtype asks for IPv6 (match_lookup_rt6()): by the route an output lookup finds, unreachable where that fails.
 * With a device: own address of it, else by routes that leave by it.
 */
export function addrType6(env: RouteEnv6, a: Ip6, dev: NetDevice | null = null): RouteType {
  if (a === ANY6) return 'unspec';
  if (isMulticast6(a)) return 'multicast';
  if (dev !== null && isOwn6(env, a, dev, true)) return 'local';
  const flow = { src: ANY6, dst: a, iif: LOOPBACK_IFINDEX, oif: dev?.ifindex ?? 0, mark: 0, tos: 0, proto: 0, sport: 0, dport: 0, uid: 0, scope: 0 };
  const r = env.fib.lookup(flow, env.conf, { strict: needStrict6(a) || dev !== null });
  if (r.errno !== 0) return 'unreachable';
  if (r.route !== null && isAnycast6(r.route)) return 'anycast';
  return r.type === 'local' && dev === null ? 'local' : 'unicast';
}
