/** What lookups take and give. */
import type { Addr, Family } from '../base/addr.js';
import type { Dst, NetDevice, RouteType } from '../packet/types.js';
import type { Route } from './model.js';

/** An address of a device, as far as routing reads it (link/model IfAddr has this shape). */
export interface FibAddr {
  readonly dev: string;
  readonly family: Family;
  readonly local: Addr;
  readonly peer: Addr | null;
  readonly prefixlen: number;
  readonly broadcast: Addr | null;
  readonly scope: string;
  readonly secondary: boolean;
  readonly flags: readonly string[];
  readonly metric: number | null;
}

/**
 * The sysctls of net/ipv4/conf (or net/ipv6/conf). `dev` answers for one device, with whatever a device that states nothing has; `all` for conf/all.
 * `key` is the file's name: rp_filter, accept_local, ...
 */
export interface DevConf {
  all(key: string): number;
  dev(name: string, key: string): number;
}
export const orConf = (c: DevConf, dev: string, key: string): boolean => c.all(key) !== 0 || c.dev(dev, key) !== 0;
export const andConf = (c: DevConf, dev: string, key: string): boolean => c.all(key) !== 0 && c.dev(dev, key) !== 0;
export const maxConf = (c: DevConf, dev: string, key: string): number => Math.max(c.all(key), c.dev(dev, key));

/** Transport fields as rules with ipproto, sport, dport see them; zero where the kernel does not look or the packet has none. */
export interface FlowKeys {
  readonly proto: number;
  readonly sport: number;
  readonly dport: number;
}
export const NO_KEYS: FlowKeys = { proto: 0, sport: 0, dport: 0 };

export const LOOPBACK_IFINDEX = 1;

/** struct flowi4 / flowi6. Devices by ifindex, 0 = none; iif 1 (lo) for what this node sends. */
export interface Flow {
  readonly src: Addr;
  readonly dst: Addr;
  readonly iif: number;
  readonly oif: number;
  readonly mark: number;
  /** TOS byte or traffic class, whole; lookups mask it themselves. */
  readonly tos: number;
  readonly proto: number;
  readonly sport: number;
  readonly dport: number;
  readonly uid: number;
  /** Least scope that a route must have (flowi4_scope); 0 = any. */
  readonly scope: number;
}

/** struct fib_result. */
export interface FibResult {
  /** 0, or a positive errno: 101 no route, 113, 13, 22 by route or rule type. */
  readonly errno: number;
  readonly type: RouteType;
  /** The route found, also the one that refused; null when none decided. */
  readonly route: Route | null;
  /** Index into route.nexthops; -1 where there is none. */
  readonly nexthop: number;
  readonly dev: NetDevice | null;
  readonly gateway: Addr | null;
  readonly table: number;
  readonly prefixlen: number;
  readonly scope: number;
  /** Scope of the nexthop: 253 through a gateway, 254 on link, 255 this host. */
  readonly nhScope: number;
  readonly prefsrc: Addr | null;
  /** Priority of the policy rule that decided; -1 when none did. */
  readonly pref: number;
  /** Every route of the same prefix, tos and metric, in order: what fib_select_default() chooses among. Empty unless more than one. */
  readonly alternatives: readonly Route[];
  /** The input route last made of this answer (nhc_rth_input): packets of a flow share it. */
  rthInput: Dst | null;
}

/** Multipath: index of the nexthop, given their weights in order. */
export type ChooseNexthop = (weights: readonly number[]) => number;
