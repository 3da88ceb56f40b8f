/** A route and a policy rule of which nothing is said yet. */
import { anyAddr, type Family } from '../base/addr.js';
import type { PolicyRule, Route } from './model.js';
import { RT_TABLE } from './names.js';

/** What `ip route add default` leaves unsaid: unicast, table main, protocol boot, and metric 1024 for IPv6 (IP6_RT_PRIO_USER). */
export const bareRoute = (family: Family): Route => ({
  family,
  type: 'unicast',
  dst: anyAddr(family),
  dstLen: 0,
  src: null,
  table: RT_TABLE.MAIN,
  tos: 0,
  metric: family === 'ipv6' ? 1024 : 0,
  prefsrc: null,
  scope: 'global',
  protocol: 'boot',
  nexthops: [],
  metrics: {},
  lock: [],
  pref: null,
  expires: null,
  error: null,
  realms: null,
  flags: [],
  nhid: null,
});

/** A rule without selector that looks into `table`. */
export const bareRule = (family: Family, priority: number, table: number = RT_TABLE.MAIN): PolicyRule => ({
  family,
  priority,
  not: false,
  src: null,
  dst: null,
  tos: 0,
  fwmark: null,
  iif: null,
  oif: null,
  uidrange: null,
  ipproto: null,
  sport: null,
  dport: null,
  suppressPrefixlen: null,
  suppressIfgroup: null,
  l3mdev: false,
  tunId: null,
  action: { kind: 'lookup', table },
  realms: null,
  protocol: null,
});
