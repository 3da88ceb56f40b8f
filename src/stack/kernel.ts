/**
 * Kernel: what a stage may do on its node. Stages are functions `(k: Kernel, f: Flight) => outcome`; the outcome is looked up in the picture
 * (packet-flow.ts). Implemented by NodeRun; an interface, so that stages and the run do not import each other.
 */
import type { Addr, Family, Mac } from '../base/addr.js';
import type { Conntrack } from '../netfilter/conntrack/index.js';
import type { Env } from '../netfilter/env.js';
import type { PacketCtx } from '../netfilter/pred.js';
import type { CompiledTable } from '../netfilter/xtables/compile.js';
import type { RuleCounters } from '../netfilter/xtables/counters.js';
import type { Origin, Skb } from '../packet/skb.js';
import type { Dst, NetDevice } from '../packet/types.js';
import type { NodeState } from '../scenario/model.js';
import type { Cause } from '../trace/cause.js';
import type { EventBody, HookPoint, RuleRef } from '../trace/event.js';
import type { Flight, HookVerdict } from './flight.js';
import type { Mib } from './mib.js';
import type { SocketLayer } from './sockets/layer.js';
import type { World } from './world.js';

export type Facts = Readonly<Record<string, string | number | boolean | null>>;

export interface Kernel extends Env {
  /** What the scenario says about this node; never changes. Plans are memoised on its parts. */
  readonly given: NodeState;
  readonly mib: Mib;
  /** Add to a MIB counter (nstat name). */
  count(name: string, n?: number): void;
  /** kfree_skb_reason(): the packet's fate. `reason` is the kernel's name, `location` its function. */
  drop(skb: Skb, reason: string, location: string, cause: Cause, facts?: Facts, rule?: RuleRef | null): void;
  /** Records an event about this skb when somebody listens. Build costly bodies only under `k.rec.on`. */
  tell(skb: Skb | null, body: EventBody): void;
  /** A new skb of this run, announced as an 'skb' event. */
  newSkb(data: Uint8Array, protocol: number, origin: Origin, dev?: NetDevice | null): Skb;
  cloneSkb(skb: Skb, kind?: Origin['kind']): Skb;
  /** Runs the steps of a hook in the kernel's order (NF_HOOK without okfn: the caller's next box is the okfn). Drops are already told and counted when it says 'drop'. */
  hook(f: Flight, family: Family | 'bridge' | 'arp' | 'netdev', point: HookPoint, indev: NetDevice | null, outdev: NetDevice | null): HookVerdict;
  /** nf_hook_ingress(), nf_hook_egress(): the hooks of a device. */
  netdevHook(f: Flight, point: 'INGRESS' | 'EGRESS', dev: NetDevice): HookVerdict;
  /** Runs a packet from a box of the picture to its end, synchronously (packets made inside a stage). Returns errno (0 = fine). */
  traverse(box: string, f: Flight): number;
  /** netif_rx(): queue for the receive path of this node's device; runs after the packet at hand is done. */
  netifRx(skb: Skb, dev: NetDevice): void;
  /** The same, with the packet type as it stands (gro_cells_receive of a decapsulated packet). */
  netifRxAs(skb: Skb, dev: NetDevice): void;
  /** ndo_start_xmit of a wire device: the frame leaves the node. */
  wire(skb: Skb, dev: NetDevice): void;
  /** `xmits`: a device that sends within itself counts here; it is put back when the walk ends. */
  readonly world: Pick<World, 'xmits'>;
  readonly devices: readonly NetDevice[];
  /** What a rule sees, for questions outside of a rule walk. */
  packetCtx(f: Flight, family: PacketCtx['family'], point: HookPoint, indev: NetDevice | null, outdev: NetDevice | null): PacketCtx;
  showAddr(a: Addr): string;
  readonly conntrack: Conntrack;
  readonly counters: RuleCounters<CompiledTable>;
  /** A table's walk is over: frames that it sent to this node in process context are received (local_bh_enable). */
  endTable(): void;
  /** xfrm4_policy_check() / xfrm6_policy_check(). */
  xfrmPolicyCheck(skb: Skb, dir: 'in' | 'fwd'): boolean;
  /** xfrm4_route_forward(): may put a bundle into skb.dst. */
  xfrmRouteForward(skb: Skb): boolean;
  xfrmFacts(skb: Skb, dir: 'in' | 'fwd' | 'out'): Facts;
  xfrmMtu(dst: Dst): number;
  /** MTU of the route as forwarding takes it: the device's (ip_dst_mtu_maybe_forward). */
  routeMtu(dst: Dst): number;
  /** net.ipv4.ip_forward_use_pmtu */
  readonly forwardUsesPmtu: boolean;
  /** inet_getpeer rate limiting of redirects: true at most once per source until it was silent. Counts the redirect as sent. */
  redirectAllowed(to: Addr): boolean;
  /** inet_peer_xrlim_allow(), one in so many ms: errors by whom they tell, redirects by the packet's destination and by its source, all from one bucket. */
  icmp6Allowed(peer: Addr, interval: number): boolean;
  /** icmpv4_xrlim_allow(): icmp_ratelimit and icmp_ratemask, per destination. */
  icmpAllowed(to: Addr, type: number): boolean;
  /** The same bucket for what ip_error() tells a source. */
  errorAllowed(to: Addr): boolean;
  /** Some xfrm policy or state exists. */
  readonly hasXfrm: boolean;
  /** inet_select_addr() of the input device for icmp_errors_use_inbound_ifaddr. */
  inboundAddress(skb: Skb): Addr | null;
  /** fib_compute_spec_dst(): the address to answer from. */
  specificDst(skb: Skb): Addr;
  /** Identification for an IPv4 packet of our own. */
  ipId(): number;
  /** ip_defrag() for local delivery; false = held or dropped. Puts the whole datagram into the flight. */
  defragLocal(f: Flight): boolean;
  readonly sockets: SocketLayer;
  /** nf_conntrack_confirm() outside of its hook (br_nf_local_in): puts skb.ct into the table. */
  ctConfirm(f: Flight): HookVerdict;
  /** IN_DEV_CONF: per-device value of net.ipv4.conf (or ipv6.conf) by name. `conf('eth0','forwarding')`. */
  conf(family: Family, dev: string, name: string): number;
  /** Tells, once, that a decision rests on a sysctl that the scenario does not state. */
  assume(family: Family, dev: string, name: string): void;
  /** IN_DEV_ANDCONF / ORCONF / MAXCONF with `all`. */
  maxConf(family: Family, dev: string, name: string): number;
  orConf(family: Family, dev: string, name: string): boolean;
  andConf(family: Family, dev: string, name: string): boolean;
  /** Neighbour lookup: MAC, or null when it is not (yet) known. */
  neighbour(dev: NetDevice, addr: Addr): number | null;
  isLocalAddr(family: Family, addr: Addr): boolean;
  /** ip_route_input_noref(): sets skb.dst, or returns the drop reason. */
  routeInput4(
    skb: Skb,
    daddr: Addr,
    saddr: Addr,
    tos: number,
    dev: NetDevice,
  ): { readonly reason: string | null; readonly cause: Cause; readonly facts: Facts };
  /** ip6_route_input(): sets skb.dst, also one that refuses. */
  routeInput6(skb: Skb): void;
  /** ip6_route_output() with the source as it is; the dst also when it refuses. */
  outputTo6(q: OutputQuery): { readonly dst: Dst; readonly errno: number };
  /** ipv6_chk_addr() on a device, or an anycast address of it. */
  isLocalAddr6(a: Addr, dev: NetDevice | null): boolean;
  /** ipv6_get_lladdr(). */
  linkLocal6(dev: NetDevice): Addr | null;
  /** icmp6_dst_alloc(): a route straight out of a device; `model` lends the rest where there is one. */
  linkDst6(dev: NetDevice, to: Addr): Dst;
  /** ip_route_output_key(): sets nothing; null with errno when there is no route. */
  routeOutput(family: Family, q: OutputQuery): OutputAnswer;
  /** RuleRef of a policy, not of a rule. */
  isPolicyRef(r: RuleRef): boolean;
  /** ipv4_conntrack_defrag() / ipv6_defrag(); the whole datagram goes into the flight. */
  defragConntrack(f: Flight, point: 'PREROUTING' | 'OUTPUT'): HookVerdict;
  /** nf_xfrm_me_harder(): a new policy lookup after NAT; 'accept' where no policy is concerned. */
  xfrmReroute(f: Flight): HookVerdict;
  /** Queues the packet behind the resolution of a neighbour; true when it is the first (solicit now). */
  hold(f: Flight, dev: NetDevice, hop: Addr): boolean;
  /** neigh_update(); without `override` a change of less than a second ago stands. */
  learnNeighbour(dev: NetDevice, addr: Addr, mac: Mac, override?: boolean): void;
  isKnownNeighbour(dev: NetDevice, addr: Addr): boolean;
  /** inet_addr_onlink(). */
  onLink(dev: NetDevice, a: Addr, b: Addr): boolean;
  /** inet_select_addr() / ipv6_dev_get_saddr(). */
  selectAddr(family: Family, dev: NetDevice, dst: Addr, scope: 'universe' | 'link' | 'host'): Addr | null;
}

export interface OutputQuery {
  readonly dst: Addr;
  readonly src?: Addr;
  readonly oif?: NetDevice | null;
  readonly mark?: number;
  readonly tos?: number;
  readonly proto?: number;
  readonly sport?: number;
  readonly dport?: number;
  readonly uid?: number;
  /** FLOWI_FLAG_ANYSRC. */
  readonly anySource?: boolean;
  /** The sender is bound to `oif` (sk_bound_dev_if): IPv6 takes only routes of that device. */
  readonly bound?: boolean;
  readonly purpose?: 'output' | 'reroute' | 'other';
}

/** `daddr`: fl4->daddr, which differs from the asked one for 0.0.0.0 (then an address of this node); absent where it is as asked. */
export interface OutputAnswer {
  readonly dst: Dst | null;
  readonly src: Addr | null;
  readonly daddr?: Addr;
  readonly errno: number;
}
