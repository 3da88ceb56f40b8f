/** nf_conncount.c: connections per rule and key, for connlimit. A list holds what the rule has seen; what is gone or closed is forgotten on the way. */
import type { Addr } from '../../base/addr.js';
import { IPPROTO } from '../../packet/skb.js';
import { IPS, type Tuple } from '../../packet/types.js';
import type { PacketCtx } from '../pred.js';
import { type Conn, DEFAULT_ZONE, type Zone } from './conn.js';
import type { Table } from './table.js';
import { tcpState } from './tcp.js';
import { TCP } from './tcp-states.js';
import { packetTuple, tupleEqual } from './tuple.js';

interface Counted {
  readonly tuple: Tuple;
  readonly zone: Zone;
}

/** already_closed(): TCP connections that linger in TIME_WAIT or are reset do not count. */
function closed(ct: Conn): boolean {
  if (ct.l4proto !== IPPROTO.TCP) return false;
  const state = tcpState(ct);
  return state === TCP.TIME_WAIT || state === TCP.CLOSE;
}

/** CONNCOUNT_GC_MAX_COLLECT: how many are forgotten in one go. */
const MOST_FORGOTTEN = 8;

export class ConnCount {
  /** By rule, then by key and zone. */
  readonly #rules = new Map<string, Map<string, Counted[]>>();
  /** Lists of their own, of nftables. */
  readonly #lists = new WeakMap<object, Counted[]>();
  constructor(readonly table: Table) {}

  /** Connections under `key` with the one of this packet; 0 when the packet has no tuple (the match then drops it). */
  count(c: PacketCtx, key: Addr): number {
    const { rule } = c;
    return this.#add(c, (zone) => this.#list(rule ? `${rule.backend} ${rule.family} ${rule.table} ${rule.chain} ${rule.num}` : '', `${zone.id} ${key}`)) ?? 0;
  }
  /** The same on a list that its owner alone counts on; null when the packet has no tuple. */
  countOn(c: PacketCtx, owner: object): number | null {
    let list = this.#lists.get(owner);
    if (!list) this.#lists.set(owner, (list = []));
    const own = list;
    return this.#add(c, () => own);
  }

  /** __nf_conncount_add(), and the count behind it. */
  #add(c: PacketCtx, listOf: (zone: Zone) => Counted[]): number | null {
    const { skb } = c;
    const own = skb.ct && !skb.ct.template ? (skb.ct as Conn) : null;
    const tuple = own ? own.orig : packetTuple(skb.data, 0, skb.family);
    if (!tuple) return null;
    const zone = own ? own.zone : DEFAULT_ZONE;
    const list = listOf(zone);
    const ct = own ?? this.table.find(tuple, zone)?.ct;
    if (ct?.confirmed && ct.status & IPS.ASSURED) {
      this.#forget(list);
      return list.length;
    }
    // The list is cleaned up to the packet's own entry only; what stands behind it still counts, gone or not.
    let gone = 0;
    for (let i = 0; i < list.length && gone <= MOST_FORGOTTEN; ) {
      if (tupleEqual(list[i].tuple, tuple) && list[i].zone.id === zone.id && this.table.find(tuple, zone)) return list.length;
      if (this.#lives(list[i])) i++;
      else {
        list.splice(i, 1);
        gone++;
      }
    }
    list.push({ tuple, zone });
    return list.length;
  }
  /** nf_conncount_gc_list() */
  #forget(list: Counted[]): void {
    let gone = 0;
    for (let i = 0; i < list.length && gone <= MOST_FORGOTTEN; ) {
      if (this.#lives(list[i])) i++;
      else {
        list.splice(i, 1);
        gone++;
      }
    }
  }

  #list(rule: string, key: string): Counted[] {
    let keys = this.#rules.get(rule);
    if (!keys) this.#rules.set(rule, (keys = new Map()));
    let list = keys.get(key);
    if (!list) keys.set(key, (list = []));
    return list;
  }

  /** find_or_evict() */
  #lives(n: Counted): boolean {
    const hit = this.table.find(n.tuple, n.zone);
    return hit !== null && !closed(hit.ct);
  }
}
