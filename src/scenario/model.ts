/**
 * A scenario: plain, deeply readonly data. What is given never changes; it is edited only through immer recipes (scenario/what-if.ts).
 * A node is what its tools print, read by formats/; what a node does not state follows Linux (stack/plan.ts).
 */
import type { Addr } from '../base/addr.js';
import type { PolicyRule, Route } from '../fib/model.js';
import type { FdbEntry, IfAddr, Link, Neigh, PortVlan } from '../link/model.js';
import type { IpSet } from '../netfilter/ipset/model.js';
import type { XtRuleset } from '../netfilter/xtables/model.js';
import type { XfrmPolicy, XfrmState } from '../xfrm/model.js';

/** A sysctl as `sysctl -a` names it, but with slashes (`net/ipv4/conf/eth0.100/rp_filter`), since device names contain dots. */
export interface Sysctl {
  readonly name: string;
  readonly value: string;
}

/** A socket that listens (tcp) or receives (udp) on a node. */
export interface SocketState {
  readonly id: string;
  readonly proto: 'tcp' | 'udp';
  readonly addr: Addr;
  readonly port: number;
  readonly dev: string | null;
  readonly uid: number;
  readonly transparent: boolean;
}

export interface NodeState {
  readonly name: string;
  /** Kernel release it declares, '6.18' by default; rows of stack/kernel-release.ts depend on it. */
  readonly kernel: string;
  readonly links: readonly Link[];
  readonly addrs: readonly IfAddr[];
  readonly neighs: readonly Neigh[];
  /** null: not stated, follows from the addresses. */
  readonly routes: readonly Route[] | null;
  readonly rules: readonly PolicyRule[] | null;
  readonly fdb: readonly FdbEntry[];
  readonly vlans: readonly PortVlan[];
  readonly iptables: XtRuleset | null;
  readonly ip6tables: XtRuleset | null;
  /** The same loaded through iptables-nft. */
  readonly iptablesNft: XtRuleset | null;
  readonly ip6tablesNft: XtRuleset | null;
  /** Text of `nft -a list ruleset`, for rule handles (issue: nft backend) and native rule sets. */
  readonly nftRuleset: string | null;
  /** Owned by netfilter/ebtables/model.ts; null = none. */
  readonly ebtables: unknown | null;
  readonly sets: readonly IpSet[];
  readonly sysctls: readonly Sysctl[];
  readonly sockets: readonly SocketState[];
  readonly xfrmPolicies: readonly XfrmPolicy[];
  readonly xfrmStates: readonly XfrmState[];
  /** Text of `conntrack -L` to preload. */
  readonly conntrack: string | null;
}
