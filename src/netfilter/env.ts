/**
 * Env: what a rule may ask of the world. The level-2 domains do not import each other; a match that needs routes, sets, sockets or conntrack asks here.
 * Implemented once, by the running node (stack/node-run.ts).
 */
import type { Addr, Family } from '../base/addr.js';
import type { Skb } from '../packet/skb.js';
import type { NetDevice, NfConn, RouteType, SkSocket } from '../packet/types.js';
import type { Recorder, RuleRef } from '../trace/event.js';
import type { PacketCtx } from './pred.js';

/** One door for everything the kernel decides by chance or hash (design.md section 6). Recorded as 'choice' events. */
export interface Chooser {
  /** A port or ICMP id in min..max that NAT is free to pick. */
  port(min: number, max: number): number;
  /** A uniformly distributed integer below `bound` for `what` ('statistic', 'ecmp', 'nat-address', …); `rule`: the rule that asks. */
  below(bound: number, what: string, rule?: RuleRef | null): number;
}

/** NF_NAT_RANGE_* of linux/netfilter/nf_nat.h. NETMAP: map the prefix one to one; minAddr/maxAddr are first and last of the network. */
export const NAT_RANGE = { RANDOM: 1 << 2, PERSISTENT: 1 << 3, RANDOM_FULLY: 1 << 4, NETMAP: 1 << 6 } as const;

/** struct nf_nat_range2. Addresses null where the range has none; ports 0..65535 host order, null where none. */
export interface NatRange {
  readonly minAddr: Addr | null;
  readonly maxAddr: Addr | null;
  readonly minPort: number | null;
  readonly maxPort: number | null;
  /** DNAT --to-destination a:lo-hi/base. */
  readonly basePort: number | null;
  /** NAT_RANGE bits. */
  readonly flags: number;
}
export const NAT_NOTHING: NatRange = {
  minAddr: null,
  maxAddr: null,
  minPort: null,
  maxPort: null,
  basePort: null,
  flags: 0,
};

export type Manip = 'SNAT' | 'DNAT';

export interface FibQuery {
  readonly family: Family;
  readonly src: Addr;
  readonly dst: Addr;
  readonly iif: NetDevice | null;
  readonly oif: NetDevice | null;
  readonly mark: number;
  readonly tos: number;
  readonly proto: number;
  readonly sport: number;
  readonly dport: number;
  readonly scopeLink?: boolean;
  /** IPv6: ip6_route_lookup() instead of ip6_route_output(). */
  readonly plain?: boolean;
}
export interface FibAnswer {
  readonly errno: number;
  readonly type: RouteType;
  readonly dev: NetDevice | null;
  /** Every device of a multipath route; [dev] otherwise. */
  readonly devs: readonly NetDevice[];
  readonly gateway: Addr | null;
  readonly realm: number;
  /** IPv6: an anycast address, or the address of a subnet itself (ipv6_anycast_destination()). */
  readonly anycast?: boolean;
  /** dst_mtu() of the route; absent = the device's. */
  readonly mtu?: number;
}

/** Flags of a set match or SET target: XT_SET_OPT bits in words. */
export interface SetTestOptions {
  /** One per dimension given by the rule, true = src. */
  readonly dirs: readonly boolean[];
  readonly returnNomatch: boolean;
  readonly updateCounters: boolean;
  readonly updateSubcounters: boolean;
  readonly packets?: { readonly op: 'eq' | 'lt' | 'gt' | 'ne'; readonly value: number };
  readonly bytes?: { readonly op: 'eq' | 'lt' | 'gt' | 'ne'; readonly value: number };
}
export interface SetAnswer {
  readonly hit: boolean;
  /** The member looked for, as ipset prints it, for telling; '' when it could not be built. */
  readonly member: string;
  /** skbinfo of the element hit: SET --map-set. */
  readonly skbinfo?: { readonly mark: number; readonly markMask: number; readonly prio: number; readonly queue: number };
}

export interface SetsPort {
  /** ip_set_test(): a packet against a set by name. */
  test(set: string, c: PacketCtx, o: SetTestOptions): SetAnswer;
  /** ip_set_add() / ip_set_del() from the SET target. `timeout` seconds, null = the set's default. */
  add(set: string, c: PacketCtx, dirs: readonly boolean[], timeout: number | null, exist: boolean): void;
  del(set: string, c: PacketCtx, dirs: readonly boolean[]): void;
  /** Type name, dimensions and family of a set; undefined when there is none of that name. */
  describe(set: string): { readonly type: string; readonly dimensions: number; readonly family: Family | 'unspec' } | undefined;
}

export interface ConntrackPort {
  /** nf_nat_setup_info(): binds the flow; true = accepted. Called by NAT targets inside the nat step. */
  natSetup(c: PacketCtx, range: NatRange, manip: Manip): boolean;
  /** inet_select_addr(out, next hop, RT_SCOPE_UNIVERSE) for MASQUERADE; null when the device has none. */
  masqueradeAddress(c: PacketCtx): Addr | null;
  /** Primary address of the input device for REDIRECT in PREROUTING; null when none. */
  redirectAddress(c: PacketCtx): Addr | null;
  /** The template of `-j CT`; zone 0 and no helper is the default one. */
  attachTemplate(skb: Skb, t: CtTemplate): void;
  /** `ct helper set` of nftables: a flow that is not in the table yet gets a helper. */
  attachHelper(ct: NfConn, helper: string): void;
  /** `-j NOTRACK`, `-j CT --notrack`. */
  untrack(skb: Skb): void;
  /** nf_conncount_add_skb(): connections on that list of a rule's or element's own, the packet's included; null: the packet belongs to none. */
  countOn(c: PacketCtx, list: object): number | null;
  /** Connections that count towards connlimit. */
  countConnections(c: PacketCtx, key: Addr, zone: number, matches: (ct: NfConn) => boolean): number;
}
export interface CtTemplate {
  readonly zone: number;
  readonly zoneDir: 'both' | 'orig' | 'reply';
  readonly helper: string | null;
  readonly ctevents: number;
  readonly expevents: number;
  readonly timeout: string | null;
  /** --zone-orig/--zone-reply mark (`CT --zone mark`). */
  readonly zoneMark: boolean;
}

/** Which socket: addresses and ports as a packet for it has them, `dev` the device that it came in by. */
export interface SocketQuery {
  readonly family: Family;
  readonly proto: number;
  readonly src: Addr;
  readonly sport: number;
  readonly dst: Addr;
  readonly dport: number;
  readonly dev: NetDevice | null;
  readonly want: 'established' | 'listener' | 'any';
}

export interface Env {
  readonly node: string;
  readonly rec: Recorder;
  readonly choose: Chooser;
  readonly sets: SetsPort;
  readonly ct: ConntrackPort;
  /** Virtual time in milliseconds since the epoch that the scenario declares (0 by default). */
  now(): number;
  /** What it was when the run began. */
  started(): number;
  /** inet_dev_addr_type() / ipv6_chk_addr-like: the type of an address, restricted to a device where one is given. */
  addrType(family: Family, addr: Addr, dev: NetDevice | null): RouteType;
  /** A pure route lookup for matches (rpfilter, addrtype of IPv6). Not told as a routing decision of the packet. */
  fib(q: FibQuery): FibAnswer;
  /** A local socket for (proto, source, destination): established first, then listening (nf_sk_lookup, socket match, TPROXY). */
  socket(q: SocketQuery): SkSocket | null;
  /** nf_send_reset(): answer with a RST; the packet made runs to its end before this returns. */
  sendReset(c: PacketCtx): void;
  /** icmp_send() from REJECT; type and code of the family's ICMP. */
  sendIcmpError(c: PacketCtx, type: number, code: number): void;
  /** ip_route_me_harder()-like needs are the hook step's business; targets only change fields. */
  device(name: string): NetDevice | undefined;
  deviceByIndex(ifindex: number): NetDevice | undefined;
  sysctl(path: string): number;
  /** Private, mutable state of a match or target instance (limit, statistic, quota, …) or of a named table (recent, hashlimit): made on first use, owned by this run. */
  state<T>(key: object | string, make: () => T): T;
  /** Make this packet inconclusive: the engine does not know what Linux does here. Never returns. */
  inconclusive(what: string, c: PacketCtx): never;
  /** TEE: send a copy to a gateway. */
  tee(c: PacketCtx, gateway: Addr, oif: string | null): void;
  /** nf_do_netdev_egress(): the packet, or a copy of it, goes out by a device as the frame that it is. */
  mirror(c: PacketCtx, dev: NetDevice, copy: boolean): void;
}
