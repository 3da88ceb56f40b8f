/** What `ip route show table all` and `ip rule` print, as plain data. */
import type { Addr, Family } from '../base/addr.js';
import type { RouteType } from '../packet/types.js';

export interface Nexthop {
  readonly gateway: Addr | null;
  readonly dev: string | null;
  readonly weight: number;
  /** onlink, linkdown, dead, pervasive, … */
  readonly flags: readonly string[];
}

export interface Route {
  readonly family: Family;
  readonly type: RouteType;
  readonly dst: Addr;
  readonly dstLen: number;
  /** IPv6 `from`. */
  readonly src: { readonly addr: Addr; readonly len: number } | null;
  /** RTA_TABLE: 255 local, 254 main, 253 default, others by number. */
  readonly table: number;
  readonly tos: number;
  /** RTA_PRIORITY; IPv4 default 0, IPv6 1024 as printed. */
  readonly metric: number;
  readonly prefsrc: Addr | null;
  /** 'global', 'link', 'host', 'nowhere', 'site' or number text. */
  readonly scope: string;
  /** 'kernel', 'boot', 'static', 'bird', … or number text. */
  readonly protocol: string;
  /** One for a plain route; none for blackhole and the like. */
  readonly nexthops: readonly Nexthop[];
  /** mtu, advmss, hoplimit, window, … as printed (times in ms; features: 1 = ecn); `lock` lists locked ones. Keys are of fib/text.ts METRIC_NAMES only. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly lock: readonly string[];
  /** Congestion control of the route (`congctl reno`); absent: none. */
  readonly congctl?: string;
  /** IPv6 router preference: 'low' | 'medium' | 'high'. */
  readonly pref: string | null;
  /** Seconds; null = none. */
  readonly expires: number | null;
  /** errno that IPv6 reject routes print (`error -113`). */
  readonly error: number | null;
  readonly realms: string | null;
  readonly flags: readonly string[];
  readonly nhid: number | null;
}

export interface PolicyRule {
  readonly family: Family;
  readonly priority: number;
  readonly not: boolean;
  readonly src: { readonly addr: Addr; readonly len: number } | null;
  readonly dst: { readonly addr: Addr; readonly len: number } | null;
  readonly tos: number;
  readonly fwmark: { readonly mark: number; readonly mask: number } | null;
  readonly iif: string | null;
  readonly oif: string | null;
  readonly uidrange: { readonly start: number; readonly end: number } | null;
  readonly ipproto: number | null;
  readonly sport: { readonly start: number; readonly end: number } | null;
  readonly dport: { readonly start: number; readonly end: number } | null;
  readonly suppressPrefixlen: number | null;
  readonly suppressIfgroup: number | null;
  readonly l3mdev: boolean;
  readonly tunId: number | null;
  readonly action:
    | { readonly kind: 'lookup'; readonly table: number }
    | { readonly kind: 'goto'; readonly target: number | null }
    | { readonly kind: 'nop' | 'blackhole' | 'unreachable' | 'prohibit' };
  readonly realms: string | null;
  readonly protocol: string | null;
}
export type { Family };
