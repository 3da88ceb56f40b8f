/** The routes that Linux itself makes from addresses: fib_add_ifaddr() (IPv4), addrconf's local, anycast, prefix and multicast routes (IPv6). */
import { type Addr, ANY6, andAddr, networkOf, notAddr, orAddr, parseIp6, prefixMask } from '../base/addr.js';
import type { NetDevice, RouteType } from '../packet/types.js';
import { bareRoute } from './defaults.js';
import type { Route } from './model.js';
import { RT_TABLE } from './names.js';
import type { FibAddr } from './types.js';

const LBCAST = 0xffffffff;

function kernelRoute(r: {
  type: RouteType;
  dst: Addr;
  dstLen: number;
  table: number;
  scope: string;
  dev: string;
  prefsrc: Addr | null;
  metric: number;
}): Route {
  const family = typeof r.dst === 'number' ? 'ipv4' : 'ipv6';
  return {
    ...bareRoute(family),
    type: r.type,
    dst: r.dst,
    dstLen: r.dstLen,
    table: r.table,
    metric: r.metric,
    prefsrc: r.prefsrc,
    scope: r.scope,
    protocol: 'kernel',
    nexthops: [{ gateway: null, dev: r.dev, weight: 1, flags: [] }],
    pref: family === 'ipv6' ? 'medium' : null,
  };
}

/** What a node that states no IPv4 routes has. Of equal routes the first stays, as NLM_F_CREATE without append would have it. */
export function derivedRoutes4(addrs: readonly FibAddr[], devices: readonly NetDevice[]): Route[] {
  const out: Route[] = [];
  const seen = new Set<string>();
  const add = (type: RouteType, dst: number, dstLen: number, dev: NetDevice, prefsrc: Addr, metric: number): void => {
    const local = type === 'local' || type === 'broadcast';
    const table = local ? RT_TABLE.LOCAL : RT_TABLE.MAIN;
    const key = `${table} ${dst} ${dstLen} ${metric} ${type} ${dev.ifindex} ${prefsrc}`;
    if (seen.has(key)) return;
    seen.add(key);
    out.push(kernelRoute({ type, dst, dstLen, table, scope: type === 'local' ? 'host' : 'link', dev: dev.name, prefsrc, metric }));
  };
  for (const dev of devices) {
    const mine = addrs.filter((a) => a.family === 'ipv4' && a.dev === dev.name);
    for (const a of mine) {
      const local = a.local as number;
      const prefix = networkOf(a.peer ?? a.local, a.prefixlen) as number;
      const primary = a.secondary ? mine.find((p) => !p.secondary && p.prefixlen === a.prefixlen && networkOf(p.peer ?? p.local, p.prefixlen) === prefix) : a;
      const prefsrc = (primary ?? a).local;
      add('local', local, 32, dev, prefsrc, 0);
      if (!dev.up) continue;
      if (a.broadcast !== null && a.broadcast !== LBCAST) add('broadcast', a.broadcast as number, 32, dev, prefsrc, 0);
      if (prefix === 0 || a.secondary || (prefix === local && a.prefixlen === 32)) continue;
      if (!a.flags.includes('noprefixroute')) add(dev.loopback ? 'local' : 'unicast', prefix, a.prefixlen, dev, prefsrc, dev.loopback ? 0 : (a.metric ?? 0));
      if (a.prefixlen < 31) add('broadcast', orAddr(prefix, notAddr(prefixMask('ipv4', a.prefixlen))) as number, 32, dev, prefsrc, 0);
    }
  }
  return out;
}

const MULTICAST6 = parseIp6('ff00::') as Addr;
const LINKLOCAL6 = parseIp6('fe80::') as Addr;
const LOOPBACK6 = parseIp6('::1') as Addr;

/** What a node that states no IPv6 routes has (addrconf_prefix_route(), addrconf_join_anycast() with forwarding, addrconf_add_mroute()). */
export function derivedRoutes6(addrs: readonly FibAddr[], devices: readonly NetDevice[], forwarding: boolean): Route[] {
  const out: Route[] = [];
  const seen = new Set<string>();
  const add = (type: RouteType, dst: Addr, dstLen: number, dev: NetDevice, metric: number): void => {
    const key = `${type} ${dst} ${dstLen} ${dev.ifindex}`;
    if (seen.has(key)) return;
    seen.add(key);
    out.push(
      kernelRoute({ type, dst, dstLen, table: type === 'unicast' ? RT_TABLE.MAIN : RT_TABLE.LOCAL, scope: 'global', dev: dev.name, prefsrc: null, metric }),
    );
  };
  for (const dev of devices) {
    if (!dev.up) continue;
    const mine = addrs.filter((a) => a.family === 'ipv6' && a.dev === dev.name);
    for (const a of mine) {
      // Until duplicate address detection is through there is only the prefix route.
      const tentative = a.flags.includes('tentative') && !a.flags.includes('optimistic');
      if (!tentative) add('local', a.local, 128, dev, 0);
      if (a.local === LOOPBACK6) continue;
      const net = networkOf(a.peer ?? a.local, a.prefixlen);
      if (!a.flags.includes('noprefixroute')) add('unicast', net, a.prefixlen, dev, a.metric ?? 256);
      if (forwarding && !tentative && !dev.loopback && a.prefixlen < 127 && net !== ANY6) add('anycast', net, 128, dev, 0);
    }
    if (!dev.loopback && mine.length > 0) {
      if (mine.some((a) => andAddr(a.local, prefixMask('ipv6', 10)) === LINKLOCAL6)) add('unicast', LINKLOCAL6, 64, dev, 256);
      add('multicast', MULTICAST6, 8, dev, 256);
    }
  }
  return out;
}
