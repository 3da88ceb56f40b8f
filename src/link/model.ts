/** What `ip -d link`, `ip addr`, `ip neigh`, `bridge fdb`, `bridge -d link` print, as plain data. */
import type { Addr, Family, Mac } from '../base/addr.js';

export interface Link {
  readonly name: string;
  readonly ifindex: number;
  /** `linkinfo.info_kind`; '' for plain hardware; 'loopback' never (see linkType). */
  readonly kind: string;
  /** `link_type`: 'ether', 'loopback', 'ipip', 'none', … */
  readonly linkType: string;
  readonly mac: Mac;
  readonly broadcast: Mac;
  readonly mtu: number;
  /** Flag words as `ip link` prints them in <>: UP, LOWER_UP, NOARP, POINTOPOINT, PROMISC, MULTICAST, BROADCAST, LOOPBACK, … */
  readonly flags: readonly string[];
  readonly operstate: string;
  readonly master: string | null;
  /** Peer of a veth or lower device of a vlan/macvlan, by ifindex or name, as the tool gave it. */
  readonly link: string | null;
  readonly linkIndex: number | null;
  readonly linkNetnsid: number | null;
  readonly group: string;
  readonly qdisc: string;
  readonly txqlen: number | null;
  /** `linkinfo.info_data`, untouched (bridge options, vxlan id, ipip local/remote, …). */
  readonly data: Readonly<Record<string, unknown>>;
  /** `linkinfo.info_slave_kind` / `info_slave_data` (bridge port: state, hairpin, isolated, flood, learning, no, …). */
  readonly slaveKind: string | null;
  readonly slaveData: Readonly<Record<string, unknown>>;
  readonly promiscuity: number;
  readonly altnames: readonly string[];
  /** Address of the peer end / tunnel local as printed for non-Ethernet links (`link/ipip 0.0.0.0 brd 0.0.0.0`): text; null for Ethernet. */
  readonly addressText: string | null;
  readonly broadcastText: string | null;
  /** `mode DEFAULT` of `ip link`; null where the dump does not say (`ip addr`). */
  readonly linkmode?: string | null;
  /** What else `ip -d` prints (min_mtu, numtxqueues, …) by its JSON key, in order, for printing it again. */
  readonly detail?: readonly (readonly [string, unknown])[];
}

export interface IfAddr {
  readonly dev: string;
  readonly family: Family;
  readonly local: Addr;
  /** Peer address of a point-to-point link, null where there is none (ifa_address = local). */
  readonly peer: Addr | null;
  readonly prefixlen: number;
  readonly broadcast: Addr | null;
  /** 'global', 'link', 'host', 'site' or a number as text. */
  readonly scope: string;
  readonly label: string | null;
  readonly secondary: boolean;
  /** Further flag words: dynamic, deprecated, tentative, nodad, permanent, noprefixroute, mngtmpaddr, temporary, … */
  readonly flags: readonly string[];
  /** Seconds; null = forever. */
  readonly validLft: number | null;
  readonly preferredLft: number | null;
  readonly metric: number | null;
  /** IFA_PROTO (`proto kernel_lo` of newer iproute2). */
  readonly protocol?: string;
}

export interface Neigh {
  readonly dev: string;
  readonly family: Family;
  readonly dst: Addr;
  readonly lladdr: Mac | null;
  /** PERMANENT, REACHABLE, STALE, FAILED, INCOMPLETE, NOARP, … */
  readonly state: readonly string[];
  readonly proxy: boolean;
  readonly router: boolean;
}

/** `bridge fdb`. */
export interface FdbEntry {
  readonly mac: Mac;
  readonly dev: string;
  readonly master: string | null;
  /** vxlan: remote address. */
  readonly dst: Addr | null;
  readonly vlan: number | null;
  /** 'permanent', 'static', '' (learnt). */
  readonly state: string;
  /** self, master, extern_learn, offload, router, … */
  readonly flags: readonly string[];
  readonly port: number | null;
  readonly vni: number | null;
  readonly via: string | null;
}

/** `bridge vlan`. */
export interface PortVlan {
  readonly dev: string;
  readonly vlan: number;
  readonly pvid: boolean;
  readonly untagged: boolean;
}
