/**
 * Bridges: what a node's dumps say about each (BridgePlan, immutable, memoised on the dumps) and what a run learns (BridgeState).
 * Sources: net/bridge/br_private.h, br_fdb.c, br_if.c.
 */
import { isMulticastMac, type Mac } from '../base/addr.js';
import { memoByPair } from '../base/memo.js';
import type { FdbEntry, Link } from './model.js';

/** BR_STATE_*. */
export type PortState = 'disabled' | 'listening' | 'learning' | 'forwarding' | 'blocking';

/** struct net_bridge_port, as far as frames notice it. */
export interface BridgePort {
  readonly name: string;
  /** Port number; ports are kept, and flooded to, in descending order of it. */
  readonly no: number;
  readonly state: PortState;
  readonly hairpin: boolean;
  readonly isolated: boolean;
  /** BR_FLOOD, BR_MCAST_FLOOD, BR_BCAST_FLOOD. */
  readonly flood: boolean;
  readonly mcastFlood: boolean;
  readonly bcastFlood: boolean;
  readonly learning: boolean;
  readonly locked: boolean;
  readonly proxyArp: boolean;
  readonly proxyArpWifi: boolean;
  readonly neighSuppress: boolean;
  /** Bits of the reserved 01:80:c2:00:00:0X groups that are forwarded all the same. */
  readonly groupFwdMask: number;
  readonly backupPort: string | null;
}

/** struct net_bridge_fdb_entry. */
export interface FdbFact {
  /** Port name; null: the bridge device itself. */
  readonly port: string | null;
  /** BR_FDB_LOCAL: an address of this node. */
  readonly local: boolean;
  readonly sticky: boolean;
  /** Virtual ms of the last frame from it; null: never ages (BR_FDB_STATIC). */
  readonly updated: number | null;
}

export interface BridgePlan {
  readonly name: string;
  readonly ports: readonly BridgePort[];
  readonly portByName: ReadonlyMap<string, BridgePort>;
  readonly stp: boolean;
  readonly vlanFiltering: boolean;
  readonly mcastSnooping: boolean;
  /** The bridge asks who is in which group, or has heard somebody who does. */
  readonly mcastQuerier: boolean;
  readonly groupFwdMask: number;
  /** BROPT_NO_LL_LEARN: frames to the reserved groups teach nothing. */
  readonly noLinklocalLearn: boolean;
  readonly neighSuppress: boolean;
  /** ms; 0: nothing is learnt. */
  readonly ageing: number;
  readonly nfCallIptables: boolean;
  readonly nfCallIp6tables: boolean;
  readonly nfCallArptables: boolean;
  readonly fdb: ReadonlyMap<Mac, FdbFact>;
}

type Data = Readonly<Record<string, unknown>>;
const STATES: readonly PortState[] = ['disabled', 'listening', 'learning', 'forwarding', 'blocking'];

/** A number as a tool printed it: 3, "3", "0x8"; `absent` otherwise. */
function num(d: Data, key: string, absent: number): number {
  const v = d[key];
  if (typeof v === 'boolean') return v ? 1 : 0;
  const n = typeof v === 'string' ? Number(v) : v;
  return typeof n === 'number' && Number.isFinite(n) ? n : absent;
}
function flag(d: Data, key: string, absent: boolean): boolean {
  const v = d[key];
  if (v === 'on') return true;
  if (v === 'off') return false;
  return num(d, key, absent ? 1 : 0) !== 0;
}

function portOf(l: Link): BridgePort {
  const d = l.slaveData;
  const state = typeof d.state === 'number' ? STATES[d.state] : STATES.find((s) => s === d.state);
  return {
    name: l.name,
    no: num(d, 'no', num(d, 'port_no', l.ifindex)),
    // A port without carrier is disabled by the bridge (br_port_carrier_check).
    state: state ?? (l.flags.includes('LOWER_UP') ? 'forwarding' : 'disabled'),
    hairpin: flag(d, 'hairpin', false),
    isolated: flag(d, 'isolated', false),
    flood: flag(d, 'flood', true),
    mcastFlood: flag(d, 'mcast_flood', true),
    bcastFlood: flag(d, 'bcast_flood', true),
    learning: flag(d, 'learning', true),
    locked: flag(d, 'locked', false),
    proxyArp: flag(d, 'proxy_arp', false),
    proxyArpWifi: flag(d, 'proxy_arp_wifi', false),
    neighSuppress: flag(d, 'neigh_suppress', false),
    groupFwdMask: num(d, 'group_fwd_mask', 0),
    backupPort: typeof d.backup_port === 'string' ? d.backup_port : null,
  };
}

/** Entries of one bridge's own table: those with a master. `self` entries are a device's multicast filter (or a vxlan's table). */
function fdbOf(bridge: Link, ports: readonly Link[], fdb: readonly FdbEntry[]): ReadonlyMap<Mac, FdbFact> {
  const map = new Map<Mac, FdbFact>();
  const members = new Set([bridge.name, ...ports.map((p) => p.name)]);
  for (const e of fdb) {
    if (e.vlan !== null || e.flags.includes('self') || isMulticastMac(e.mac) || !members.has(e.dev)) continue;
    if (e.master !== null && e.master !== bridge.name) continue;
    const sticky = e.flags.includes('sticky');
    map.set(e.mac, { port: e.dev === bridge.name ? null : e.dev, local: e.state === 'permanent', sticky, updated: e.state === '' ? 0 : null });
  }
  if (map.size === 0) {
    // No dump: the addresses of the bridge and its ports are what br_fdb_add_local() puts there.
    for (const p of ports) map.set(p.mac, { port: p.name, local: true, sticky: false, updated: null });
    map.set(bridge.mac, { port: null, local: true, sticky: false, updated: null });
  }
  return map;
}

function planOf(bridge: Link, links: readonly Link[], fdb: readonly FdbEntry[]): BridgePlan {
  const slaves = links.filter((l) => l.master === bridge.name);
  const ports = slaves.map(portOf).sort((a, b) => b.no - a.no);
  const d = bridge.data;
  return {
    name: bridge.name,
    ports,
    portByName: new Map(ports.map((p) => [p.name, p])),
    stp: num(d, 'stp_state', 0) !== 0,
    vlanFiltering: num(d, 'vlan_filtering', 0) !== 0,
    mcastSnooping: num(d, 'mcast_snooping', 1) !== 0,
    mcastQuerier: num(d, 'mcast_querier', 0) !== 0 || Object.keys(d).some((key) => /^mcast_querier_ipv[46]_/.test(key)),
    groupFwdMask: num(d, 'group_fwd_mask', 0),
    noLinklocalLearn: flag(d, 'no_linklocal_learn', false),
    neighSuppress: ports.some((p) => p.neighSuppress),
    ageing: num(d, 'ageing_time', 30000) * 10,
    nfCallIptables: num(d, 'nf_call_iptables', 0) !== 0,
    nfCallIp6tables: num(d, 'nf_call_ip6tables', 0) !== 0,
    nfCallArptables: num(d, 'nf_call_arptables', 0) !== 0,
    fdb: fdbOf(bridge, slaves, fdb),
  };
}

/** Every bridge of a node by name, from `ip -d link` and `bridge fdb`. */
export const bridgePlans: (links: readonly Link[], fdb: readonly FdbEntry[]) => ReadonlyMap<string, BridgePlan> = memoByPair(
  (links: readonly Link[], fdb: readonly FdbEntry[]) => new Map(links.filter((l) => l.kind === 'bridge').map((l) => [l.name, planOf(l, links, fdb)])),
);

/** What one run changes of a bridge: its forwarding database. Times are virtual milliseconds. */
export class BridgeState {
  readonly #fdb: Map<Mac, FdbFact>;
  constructor(readonly plan: BridgePlan) {
    this.#fdb = new Map(plan.fdb);
  }

  /** br_fdb_find_rcu(). */
  find(mac: Mac, now: number): FdbFact | null {
    const e = this.#fdb.get(mac);
    if (!e) return null;
    return e.updated !== null && e.updated > 0 && now - e.updated >= this.plan.ageing ? null : e;
  }

  /**
   * br_fdb_update(): a frame from `mac` came in by `port`. 'own' = the address is this node's (the kernel warns and learns nothing);
   * a static entry moves as well, only sticky ones stay.
   */
  learn(port: string, mac: Mac, now: number): 'learnt' | 'moved' | 'known' | 'own' | 'off' {
    if (this.plan.ageing === 0) return 'off';
    const e = this.find(mac, now);
    if (!e) {
      this.#fdb.set(mac, { port, local: false, sticky: false, updated: now });
      return 'learnt';
    }
    if (e.local) return 'own';
    const moved = e.port !== port && !e.sticky;
    this.#fdb.set(mac, { ...e, port: moved ? port : e.port, updated: e.updated === null ? null : now });
    return moved ? 'moved' : 'known';
  }

  /** As `bridge fdb` would list it. */
  entries(): Iterable<readonly [Mac, FdbFact]> {
    return this.#fdb;
  }
}
