/**
 * What a change of addresses or devices does to the rest of a node: fib_inetaddr_event(), fib_netdev_event(), addrconf_notify(), neigh_ifdown(),
 * masq_device_event(). All but the last are pure functions of the node's state.
 */
import { type Addr, ANY6, familyOf, parseIp6, readAddr, writeAddr } from '../base/addr.js';
import type { Nexthop, Route } from '../fib/index.js';
import type { IfAddr, Link } from '../link/model.js';
import { writeMac } from '../packet/mac-bytes.js';
import type { NodeState } from '../scenario/model.js';
import type { NodeRun } from '../stack/node-run.js';
import { addresses, derivedRoutes, devices, withRoute } from './netlink.js';

const keyOf = (r: Route): string =>
  JSON.stringify([r.family, r.table, r.type, r.dst, r.dstLen, r.metric, r.nexthops[0]?.dev, r.family === 'ipv4' ? r.prefsrc : null]);

/** The node with other addresses: routes that the kernel made of an address go with it, and those that prefer it as a source as well (fib_sync_down_addr()). */
export function withAddrs(n: NodeState, addrs: readonly IfAddr[]): NodeState {
  const next = { ...n, addrs };
  return { ...next, routes: followed(n, next) };
}

/** The routes of `after`, which differs from `before` in its addresses or devices: what the kernel made then and would not make now goes, and the other way round. */
function followed(before: NodeState, after: NodeState): readonly Route[] | null {
  if (before.routes === null) return null;
  const old = derivedRoutes(before);
  const now = derivedRoutes(after);
  const keys = (list: readonly Route[]): Set<string> => new Set(list.map(keyOf));
  const [oldKeys, nowKeys] = [keys(old), keys(now)];
  const lost = new Set<Addr>(addresses(before).map((a) => a.local));
  for (const a of addresses(after)) lost.delete(a.local);
  let routes: readonly Route[] = before.routes.filter((r) => {
    const key = keyOf(r);
    if (r.protocol === 'kernel' && oldKeys.has(key) && !nowKeys.has(key)) return false;
    return r.family === 'ipv6' || r.prefsrc === null || !lost.has(r.prefsrc);
  });
  for (const r of now) if (!oldKeys.has(keyOf(r))) routes = withRoute(routes, r);
  return routes;
}

/** net_device flags in the order in which `ip` prints them. */
const FLAGS = [
  'NO-CARRIER',
  'LOOPBACK',
  'BROADCAST',
  'POINTOPOINT',
  'MULTICAST',
  'NOARP',
  'ALLMULTI',
  'PROMISC',
  'MASTER',
  'SLAVE',
  'DEBUG',
  'DYNAMIC',
  'UP',
  'LOWER_UP',
  'DORMANT',
  'ECHO',
  'M-DOWN',
];
const place = (f: string): number => (FLAGS.includes(f) ? FLAGS.indexOf(f) : FLAGS.indexOf('UP') - 0.5);

export function withFlag(l: Link, flag: string, on: boolean): Link {
  if (l.flags.includes(flag) === on) return l;
  const flags = on ? [...l.flags, flag].sort((a, b) => place(a) - place(b)) : l.flags.filter((f) => f !== flag);
  return { ...l, flags };
}

/** Devices without a medium never know whether they are up. */
const stateOf = (l: Link): string => {
  const up = l.flags.includes('UP');
  if (!up || l.flags.includes('NO-CARRIER')) return 'DOWN';
  return l.linkType !== 'ether' || l.kind === 'dummy' || l.kind === 'vxlan' ? 'UNKNOWN' : 'UP';
};

/** A device set up or down, its carrier as given; only its own entry. */
function withUp(l: Link, up: boolean, carrier: boolean): Link {
  let next = withFlag(l, 'UP', up);
  next = withFlag(next, 'LOWER_UP', up && carrier);
  next = withFlag(next, 'NO-CARRIER', up && !carrier);
  return next === l ? l : { ...next, operstate: stateOf(next) };
}

const uses = (r: Route, dev: string): boolean => r.nexthops.some((h) => h.dev === dev);

/** A route while one of its devices is down: gone with its last next hop; local IPv4 routes stay (fib_sync_down_dev()). */
function downRoute(r: Route, dev: string): Route | null {
  if (!uses(r, dev) || (r.family === 'ipv4' && r.type === 'local')) return r;
  const nexthops = r.nexthops.map(
    (h): Nexthop => (h.dev === dev ? { ...h, flags: [...h.flags.filter((f) => f !== 'dead' && f !== 'linkdown'), 'dead', 'linkdown'] } : h),
  );
  return nexthops.every((h) => h.flags.includes('dead')) ? null : { ...r, nexthops };
}

const alive = (r: Route, dev: string): Route =>
  uses(r, dev) ? { ...r, nexthops: r.nexthops.map((h) => (h.dev === dev ? { ...h, flags: h.flags.filter((f) => f !== 'dead' && f !== 'linkdown') } : h)) } : r;

/** `ip link set DEV up|down`. */
export function setUp(n: NodeState, links: readonly Link[], l: Link, up: boolean): NodeState {
  if (l.flags.includes('UP') === up) return links === n.links ? n : { ...n, links };
  const next = withUp(l, up, !l.flags.includes('NO-CARRIER'));
  const linked: NodeState = { ...n, links: links.map((x) => (x.name === l.name ? next : x)) };
  return up ? broughtUp(n, linked, next) : takenDown(n, linked, l.name);
}

function takenDown(before: NodeState, n: NodeState, dev: string): NodeState {
  const addrs = before.addrs.filter((a) => a.dev !== dev || a.family === 'ipv4');
  const routes = before.routes?.map((r) => downRoute(r, dev)).filter((r) => r !== null) ?? null;
  const neighs = before.neighs.filter((e) => e.dev !== dev);
  return { ...n, addrs: addrs.length === before.addrs.length ? before.addrs : addrs, routes, neighs };
}

const IPV6_MIN_MTU = 1280;

/** `ip link set DEV mtu`: below IPv6's least MTU a device has no IPv6, and with it no addresses and routes; above it makes its own address anew (addrconf_notify()). */
export function withMtu(n: NodeState, before: Link, link: Link): NodeState {
  const [had, has] = [before.mtu >= IPV6_MIN_MTU, link.mtu >= IPV6_MIN_MTU];
  if (had === has || link.linkType === 'loopback') return n;
  if (has) return link.flags.includes('UP') ? withAddrs(n, withLinkLocal(n, link)) : n;
  const six = (family: string, devs: readonly (string | null)[]): boolean => family === 'ipv6' && devs.includes(link.name);
  return {
    ...n,
    addrs: n.addrs.filter((a) => !six(a.family, [a.dev])),
    routes:
      n.routes?.filter(
        (r) =>
          !six(
            r.family,
            r.nexthops.map((h) => h.dev),
          ),
      ) ?? null,
    neighs: n.neighs.filter((e) => !six(e.family, [e.dev])),
  };
}

/** The addresses' routes come back, routes of an administrator do not. */
function broughtUp(before: NodeState, n: NodeState, link: Link): NodeState {
  const addrs = withLinkLocal(n, link);
  const revived = before.routes?.map((r) => alive(r, link.name)) ?? null;
  const next = { ...n, addrs };
  return { ...next, routes: followed({ ...before, routes: revived }, next) };
}

/** The address that IPv6 makes of the MAC, where the node has IPv6 at all. */
function withLinkLocal(n: NodeState, l: Link): readonly IfAddr[] {
  const isLinkLocal = (a: IfAddr): boolean => a.family === 'ipv6' && ((a.local as string).charCodeAt(0) & 0xffc0) === 0xfe80;
  if (l.linkType !== 'ether' || !n.addrs.some(isLinkLocal) || n.addrs.some((a) => a.dev === l.name && isLinkLocal(a))) return n.addrs;
  if (n.sysctls.some((s) => (s.name === `net/ipv6/conf/${l.name}/disable_ipv6` || s.name === 'net/ipv6/conf/all/disable_ipv6') && s.value.trim() === '1'))
    return n.addrs;
  const bytes = new Uint8Array(16);
  writeAddr(bytes, 0, parseIp6('fe80::') ?? ANY6);
  const mac = new Uint8Array(6);
  writeMac(mac, 0, l.mac);
  bytes.set([mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5]], 8);
  const entry: IfAddr = {
    dev: l.name,
    family: 'ipv6',
    local: readAddr(bytes, 0, 'ipv6'),
    peer: null,
    prefixlen: 64,
    broadcast: null,
    scope: 'link',
    label: null,
    secondary: false,
    flags: [],
    validLft: null,
    preferredLft: null,
    metric: null,
  };
  return [...n.addrs, entry];
}

/** A cable's far end went up or down (netif_carrier_on/off): routes over the device are marked, not removed. */
export function setCarrier(n: NodeState, dev: string, carrier: boolean): NodeState {
  const l = n.links.find((x) => x.name === dev);
  if (!l || l.flags.includes('NO-CARRIER') !== carrier) return n;
  const up = l.flags.includes('UP');
  let next = withFlag(withFlag(l, 'NO-CARRIER', !carrier), 'LOWER_UP', up && carrier);
  next = { ...next, operstate: up && !carrier ? 'LOWERLAYERDOWN' : stateOf(next) };
  const mark = (h: Nexthop): Nexthop => (h.dev !== dev ? h : { ...h, flags: [...h.flags.filter((f) => f !== 'linkdown'), ...(carrier ? [] : ['linkdown'])] });
  const routes = n.routes?.map((r) => (uses(r, dev) && r.type !== 'local' ? { ...r, nexthops: r.nexthops.map(mark) } : r)) ?? null;
  return { ...n, links: n.links.map((x) => (x === l ? next : x)), routes };
}

/** A device taken away with all that belonged to it. */
export function withoutLink(n: NodeState, name: string): NodeState {
  const links = n.links.filter((l) => l.name !== name).map((l) => (l.master === name ? { ...l, master: null, slaveKind: null, slaveData: {} } : l));
  return {
    ...n,
    links,
    addrs: n.addrs.filter((a) => a.dev !== name),
    routes: n.routes?.map((r) => (r.type === 'local' && uses(r, name) ? null : downRoute(r, name))).filter((r) => r !== null) ?? null,
    neighs: n.neighs.filter((e) => e.dev !== name),
    fdb: n.fdb.filter((e) => e.dev !== name && e.master !== name),
    sysctls: n.sysctls.filter((s) => !/^net\/ipv[46]\/(conf|neigh)\//.test(s.name) || s.name.split('/')[3] !== name),
  };
}

/** MASQUERADE forgets flows whose device went down or whose address went away (nf_nat_masquerade.c). */
export function forgetMasquerades(n: NodeRun, before: NodeState): void {
  if (before.links === n.given.links && before.addrs === n.given.addrs) return;
  const now = new Map(devices(n.given).map((d) => [d.name, d]));
  for (const d of devices(before)) if (d.up && !now.get(d.name)?.up) n.conntrack.masqueradeGone(d.ifindex, null);
  const kept = new Set(addresses(n.given).map((a) => `${a.dev} ${a.local}`));
  for (const a of addresses(before)) {
    const dev = now.get(a.dev);
    if (dev && familyOf(a.local) === 'ipv4' && !kept.has(`${a.dev} ${a.local}`)) n.conntrack.masqueradeGone(dev.ifindex, a.local);
  }
}
