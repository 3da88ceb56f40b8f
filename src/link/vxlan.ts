/** VXLAN devices: what a node's dumps say about each (drivers/net/vxlan/vxlan_core.c). Plans are memoised on the dumps; VxlanState is what a run learns. */
import { type Addr, type Mac, parseAddr } from '../base/addr.js';
import { memoByPair } from '../base/memo.js';
import type { FdbEntry, Link } from './model.js';

/** struct vxlan_rdst. Null: the device's default. */
export interface VxlanRemote {
  readonly addr: Addr;
  readonly port: number | null;
  readonly vni: number | null;
  /** Name of the device to leave by (`via`). */
  readonly via: string | null;
}

export interface VxlanPlan {
  readonly name: string;
  readonly vni: number;
  readonly local: Addr | null;
  readonly dstPort: number;
  readonly portMin: number;
  readonly portMax: number;
  /** 0 = the route's hop limit. */
  readonly ttl: number;
  readonly ttlInherit: boolean;
  readonly tos: number;
  readonly tosInherit: boolean;
  readonly df: 'unset' | 'set' | 'inherit';
  readonly udpCsum: boolean;
  readonly learning: boolean;
  /** ARP proxying, route short circuit, external mode, GPE, …: known by name, not simulated. */
  readonly unsupported: readonly string[];
  readonly fdb: ReadonlyMap<Mac, readonly VxlanRemote[]>;
  /** Addresses whose entry an administrator made (NUD_PERMANENT, NUD_NOARP). */
  readonly fixed: ReadonlySet<Mac>;
}

const NOT_SIMULATED = ['external', 'vnifilter', 'proxy', 'rsc', 'gbp', 'gpe', 'remcsum_tx', 'remcsum_rx'];
const DEFAULT_PORT = 8472;

function num(v: unknown, absent: number): number {
  const n = typeof v === 'string' ? Number(v) : v;
  return typeof n === 'number' && Number.isFinite(n) ? n : absent;
}

function addr(...vs: readonly unknown[]): Addr | null {
  for (const v of vs) if (typeof v === 'string') return parseAddr(v);
  return null;
}

function planOf(l: Link, fdb: readonly FdbEntry[]): VxlanPlan {
  const d = l.data;
  const range = (d.port_range ?? {}) as { low?: unknown; high?: unknown };
  const remotes = new Map<Mac, VxlanRemote[]>();
  const fixed = new Set<Mac>();
  for (const e of fdb) {
    if (e.dev !== l.name || e.dst === null) continue;
    const list = remotes.get(e.mac) ?? [];
    list.push({ addr: e.dst, port: e.port, vni: e.vni, via: e.via });
    remotes.set(e.mac, list);
    if (e.state === 'permanent' || e.state === 'static') fixed.add(e.mac);
  }
  const fallback = addr(d.remote, d.group, d.remote6, d.group6);
  // vxlan_fdb_create() of the all-zero address when the device was made with a remote or group.
  if (fallback !== null && !remotes.has(0)) remotes.set(0, [{ addr: fallback, port: null, vni: null, via: typeof d.link === 'string' ? d.link : null }]);
  return {
    name: l.name,
    vni: num(d.id, 0),
    local: addr(d.local, d.local6),
    dstPort: num(d.port, DEFAULT_PORT),
    portMin: num(range.low, 0),
    portMax: num(range.high, 0),
    ttl: num(d.ttl, 0),
    ttlInherit: d.ttl === 'inherit',
    tos: num(d.tos, 0),
    tosInherit: d.tos === 'inherit' || num(d.tos, 0) === 1,
    df: d.df === 'set' || d.df === 'inherit' ? d.df : 'unset',
    udpCsum: d.udp_csum !== false,
    learning: d.learning !== false,
    unsupported: NOT_SIMULATED.filter((w) => d[w] === true),
    fdb: remotes,
    fixed,
  };
}

/** Every vxlan device of a node, from `ip -d link` and `bridge fdb`. */
export const vxlanPlans: (links: readonly Link[], fdb: readonly FdbEntry[]) => readonly VxlanPlan[] = memoByPair(
  (links: readonly Link[], fdb: readonly FdbEntry[]) => links.filter((l) => l.kind === 'vxlan').map((l) => planOf(l, fdb)),
);

/** Where a run's vxlan device sends what; learnt addresses (vxlan_snoop) stand before those of the dump. */
export class VxlanState {
  readonly #learnt = new Map<Mac, readonly VxlanRemote[]>();
  /** Outer source ports by inner flow. */
  readonly ports = new Map<string, number>();
  constructor(readonly plan: VxlanPlan) {}

  /** vxlan_find_mac(), falling back on the all-zero address; undefined: no remote. */
  find(mac: Mac): readonly VxlanRemote[] | undefined {
    return this.#learnt.get(mac) ?? this.plan.fdb.get(mac) ?? this.plan.fdb.get(0);
  }

  /** vxlan_snoop(): `mac` is behind `from`. False: an entry that stays says otherwise, the packet is dropped. */
  learn(mac: Mac, from: Addr): boolean {
    if (!this.plan.learning) return true;
    if (!this.#learnt.has(mac)) {
      const first = this.plan.fdb.get(mac)?.[0];
      if (first && first.addr === from && first.via === null) return true;
      if (this.plan.fixed.has(mac)) return false;
    }
    this.#learnt.set(mac, [{ addr: from, port: null, vni: null, via: null }]);
    return true;
  }
}
