/**
 * What an skb points to. These are the shapes of kernel structures that several domains share (net_device, dst_entry, nf_conn, sock);
 * the logic that fills them lives in link/, fib/, netfilter/conntrack/ and stack/.
 */
import type { Addr, Family, Mac } from '../base/addr.js';

/** struct net_device, as far as packets notice it. Owned by a node's run; flags may change when a what-if says so, not while packets pass. */
export interface NetDevice {
  readonly name: string;
  readonly ifindex: number;
  /** 'veth', 'bridge', 'ipip', 'vxlan', 'loopback', 'tun', … or '' for plain hardware: `linkinfo.info_kind` of `ip -d link`. */
  readonly kind: string;
  /** ARPHRD name as `link_type` of `ip -j link` prints it: 'ether', 'loopback', 'ipip', 'none', … */
  readonly linkType: string;
  readonly mac: Mac;
  readonly mtu: number;
  /** IFF_UP. */
  readonly up: boolean;
  /** false: no carrier (LOWER_UP missing). */
  readonly carrier: boolean;
  readonly loopback: boolean;
  /** IFF_NOARP: no neighbour resolution. */
  readonly noarp: boolean;
  readonly pointToPoint: boolean;
  readonly promisc: boolean;
  /** Name of the bridge (or other master) it is enslaved to. */
  readonly master: string | null;
  /** Kind of the device, not simulated, that may take what comes in here (rx_handler of bond, macvlan, ipvlan, …; a vrf's own routes); absent: none. */
  readonly takenBy?: string;
  readonly group: number;
}

/** Route types of rtnetlink(7): RTN_*, in the order of their numbers. */
export const ROUTE_TYPES = [
  'unspec',
  'unicast',
  'local',
  'broadcast',
  'anycast',
  'multicast',
  'blackhole',
  'unreachable',
  'prohibit',
  'throw',
  'nat',
  'xresolve',
] as const;
export type RouteType = (typeof ROUTE_TYPES)[number];

/** struct dst_entry / rtable / rt6_info: the answer of a route lookup as an skb carries it. */
export interface Dst {
  readonly family: Family;
  readonly type: RouteType;
  /** Output device; for local input routes the loopback device (IPv4: net->loopback_dev or the device of the local route, as the kernel has it). */
  readonly dev: NetDevice;
  /** Next hop, or null where the destination is on link. An IPv4 route may have an IPv6 gateway. */
  readonly gateway: Addr | null;
  readonly mtu: number;
  /** Path MTU locked against ICMP (`mtu lock N`). */
  readonly mtuLock: boolean;
  readonly advmss: number;
  readonly prefsrc: Addr | null;
  /** What dst->input does: deliver here, forward, or fail with an error. */
  readonly input: 'local' | 'forward' | 'mc_forward' | 'error' | 'none';
  /** What dst->output does. */
  readonly output: 'unicast' | 'multicast' | 'broadcast' | 'discard' | 'error';
  /** errno (positive, e.g. 113 EHOSTUNREACH) for input/output 'error'; else 0. */
  readonly error: number;
  /** RTCF_LOCAL / RTCF_BROADCAST / RTCF_MULTICAST / RTCF_DOREDIRECT. */
  readonly flags: number;
  readonly hoplimit: number;
  /** xfrm bundle to be applied on output, outermost last; null when none. */
  readonly xfrm: unknown | null;
  /** The route that gave it, for telling; null where a default was synthesised. */
  readonly route: unknown | null;
  readonly realm: number;
}
export const RTCF_LOCAL = 1;
export const RTCF_BROADCAST = 2;
export const RTCF_MULTICAST = 4;
export const RTCF_DOREDIRECT = 8;

/** struct nf_conntrack_tuple. Ports are in host order; for ICMP sport = id, and type/code stand in their own fields. */
export interface Tuple {
  readonly family: Family;
  readonly src: Addr;
  readonly dst: Addr;
  readonly proto: number;
  /** TCP/UDP/SCTP/DCCP source port, ICMP id, GRE key, 0 otherwise. */
  readonly sport: number;
  /** Destination port; ICMP: type * 256 + code. */
  readonly dport: number;
}

/** struct nf_conn. A mutable entry owned by one run; conntrack/ alone writes it, targets through Env. */
export interface NfConn {
  readonly id: number;
  readonly orig: Tuple;
  reply: Tuple;
  /** IPS_* bits. */
  status: number;
  mark: number;
  secmark: number;
  zone: { readonly id: number; readonly dir: 'both' | 'orig' | 'reply' };
  /** Absolute virtual time in ms at which it expires. */
  expires: number;
  /** Protocol state; its shape belongs to the protocol's file in conntrack/. */
  proto: unknown;
  master: NfConn | null;
  helper: string | null;
  /** Device index of MASQUERADE, for its removal. */
  masqIndex: number;
  labels: bigint;
  /** Packets and bytes per direction, for connbytes and `conntrack -L` with accounting. */
  readonly acct: { packets: [number, number]; bytes: [number, number] };
  /** True once it is in the table (confirmed); entries die with the packet before. */
  inTable: boolean;
  /** Set by a template (`-j CT`). */
  readonly template: boolean;
}
export const IPS = {
  EXPECTED: 1 << 0,
  SEEN_REPLY: 1 << 1,
  ASSURED: 1 << 2,
  CONFIRMED: 1 << 3,
  SRC_NAT: 1 << 4,
  DST_NAT: 1 << 5,
  NAT_MASK: (1 << 4) | (1 << 5),
  SEQ_ADJUST: 1 << 6,
  SRC_NAT_DONE: 1 << 7,
  DST_NAT_DONE: 1 << 8,
  NAT_DONE_MASK: (1 << 7) | (1 << 8),
  DYING: 1 << 9,
  FIXED_TIMEOUT: 1 << 10,
  TEMPLATE: 1 << 11,
  UNTRACKED: 1 << 12,
  HELPER: 1 << 13,
} as const;

/** enum ip_conntrack_info. */
export const CTINFO = { ESTABLISHED: 0, RELATED: 1, NEW: 2, ESTABLISHED_REPLY: 3, RELATED_REPLY: 4, UNTRACKED: 7 } as const;
export type CtInfo = (typeof CTINFO)[keyof typeof CTINFO];
export const ctIsReply = (info: CtInfo): boolean => info === CTINFO.ESTABLISHED_REPLY || info === CTINFO.RELATED_REPLY;

/** struct nf_bridge_info. */
export interface NfBridge {
  physindev: NetDevice;
  physoutdev: NetDevice | null;
  pktOtherhost: boolean;
  inPrerouting: boolean;
  /** Source MAC to be kept when the bridge re-sends a frame that took the neighbour's way. */
  savedSrcMac: Mac | null;
  /** Saved protocol header length (VLAN/PPPoE encapsulation) in bytes. */
  encapLen: number;
  fragMaxSize: number;
  /** Original destination before DNAT (ipv4_daddr): to notice that DNAT took place. */
  daddr: Addr | null;
  sabotageIn: boolean;
}

/** What rules may ask about the owning socket (owner, socket, cgroup, mark matches). */
export interface SkSocket {
  readonly id: string;
  readonly family: Family;
  readonly proto: number;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  mark: number;
  priority: number;
  readonly boundDev: NetDevice | null;
  readonly transparent: boolean;
  /** Bound to every local address (inet_rcv_saddr is 0), as long as it is not connected; absent: to one. */
  boundAny?: boolean;
  /** TIME_WAIT or NEW_SYN_RECV mini sockets print no UID. */
  full: boolean;
  /** NEW_SYN_RECV: the listener, whose file counts for `-m owner` (skb_to_full_sk). */
  readonly listener?: SkSocket;
  /** One of the kernel's own, or a connection that accept(2) has not fetched yet: it exists, but has no file and so no owner. */
  kernel?: boolean;
  readonly cgroupPath: string | null;
  readonly classid: number;
}

/** One step of skb->sp: a transformation already undone on the way in. */
export interface SecpathStep {
  readonly reqid: number;
  readonly spi: number;
  readonly proto: number;
  readonly mode: 'transport' | 'tunnel' | 'beet';
  readonly src: Addr;
  readonly dst: Addr;
  /** The xfrm state itself, owned by xfrm/. */
  readonly state: unknown;
}
