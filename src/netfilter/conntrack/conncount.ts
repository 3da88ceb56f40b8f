/** nf_conncount.c: connections per rule and key, for connlimit. A list holds what the rule has seen; what is gone or closed is forgotten on the way. */
import type { Addr } from '../../base/addr.js';
import { IPPROTO } from '../../packet/skb.js';
import type { Tuple } from '../../packet/types.js';
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

export class ConnCount {
  /** By rule, then by key and zone. */
  readonly #rules = new Map<string, Map<string, Counted[]>>();
  constructor(readonly table: Table) {}

  /** Connections under `key` with the one of this packet; 0 when the packet has no tuple (the match then drops it). */
  count(c: PacketCtx, key: Addr): number {
    const { skb, rule } = c;
    const ct = skb.ct && !skb.ct.template ? skb.ct : null;
    const tuple = ct ? ct.orig : packetTuple(skb.data, 0, skb.family);
    if (!tuple) return 0;
    const zone = ct ? ct.zone : DEFAULT_ZONE;
    const list = this.#list(rule ? `${rule.backend} ${rule.family} ${rule.table} ${rule.chain} ${rule.num}` : '', `${zone.id} ${key}`);
    // The list is cleaned up to the packet's own entry only; what stands behind it still counts, gone or not.
    for (let i = 0; i < list.length; ) {
      if (tupleEqual(list[i].tuple, tuple) && list[i].zone.id === zone.id && this.table.find(tuple, zone)) return list.length;
      if (this.#lives(list[i])) i++;
      else list.splice(i, 1);
    }
    list.push({ tuple, zone });
    return list.length;
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
