/** The connection table: two tuple hashes per entry, as nf_conntrack_hash, and the by-source hash of NAT (nf_nat_bysource). */
import { type CtInfo, ctIsReply, IPS, type NfConn, type Tuple } from '../../packet/types.js';
import type { RuleRef } from '../../trace/event.js';
import { hashTuple, tupleEqual } from './tuple.js';

export type Dir = 0 | 1;
export const ORIGINAL: Dir = 0;
export const REPLY: Dir = 1;
export const dirOf = (info: CtInfo): Dir => (ctIsReply(info) ? REPLY : ORIGINAL);

export type Zone = NfConn['zone'];
export const DEFAULT_ZONE: Zone = { id: 0, dir: 'both' };
/** nf_ct_zone_id(): a zone that does not cover a direction counts as 0 there. */
export const zoneId = (z: Zone, dir: Dir): number => (z.dir === 'both' || (z.dir === 'orig') === (dir === ORIGINAL) ? z.id : 0);

/** IPS_* bits beyond packet/types.ts that the kernel prints or acts upon. */
export const IPS_NAT_CLASH = 1 << 12;

/** struct nf_conn. While unconfirmed, `expires` is a duration in ms; once in the table, an absolute virtual time. */
export class Conn implements NfConn {
  status = 0;
  mark = 0;
  secmark = 0;
  expires = 0;
  proto: unknown = null;
  master: NfConn | null = null;
  helper: string | null = null;
  masqIndex = 0;
  labels = 0n;
  readonly acct: { packets: [number, number]; bytes: [number, number] } = { packets: [0, 0], bytes: [0, 0] };
  inTable = false;
  template = false;
  /** Rules that bound the flow, [DNAT, SNAT], for telling. */
  readonly natRule: [RuleRef | null, RuleRef | null] = [null, null];
  constructor(
    readonly id: number,
    public orig: Tuple,
    public reply: Tuple,
    public zone: Zone,
  ) {}
  /** nf_ct_is_confirmed(): was put into the table, even if it has been taken out since. */
  get confirmed(): boolean {
    return (this.status & IPS.CONFIRMED) !== 0;
  }
  tuple(dir: Dir): Tuple {
    return dir === ORIGINAL ? this.orig : this.reply;
  }
}

/** struct nf_conntrack_tuple_hash: one direction of an entry. */
export interface TupleHash {
  readonly tuple: Tuple;
  readonly dir: Dir;
  readonly ct: Conn;
  next: TupleHash | null;
}

class Buckets {
  readonly #heads = new Map<number, TupleHash>();
  head(hash: number): TupleHash | null {
    return this.#heads.get(hash) ?? null;
  }
  add(hash: number, node: TupleHash): void {
    node.next = this.#heads.get(hash) ?? null;
    this.#heads.set(hash, node);
  }
  remove(hash: number, ct: Conn, dir: Dir): void {
    let prev: TupleHash | null = null;
    for (let n = this.head(hash); n; prev = n, n = n.next) {
      if (n.ct !== ct || n.dir !== dir) continue;
      if (prev) prev.next = n.next;
      else if (n.next) this.#heads.set(hash, n.next);
      else this.#heads.delete(hash);
      return;
    }
  }
  clear(): void {
    this.#heads.clear();
  }
}

/** Only the source half of a tuple, for nf_nat_bysource. */
const sourceOnly = (t: Tuple): Tuple => ({ ...t, dst: t.family === 'ipv4' ? 0 : '', dport: 0 });

export class Table {
  readonly #hash = new Buckets();
  readonly #bySource = new Buckets();
  readonly #all = new Set<Conn>();
  constructor(readonly now: () => number) {}

  get size(): number {
    return this.#all.size;
  }
  /** Confirmed entries in the order of their confirmation; expired ones are taken out. */
  *entries(): Iterable<Conn> {
    for (const ct of [...this.#all]) if (!this.#collect(ct)) yield ct;
  }

  #collect(ct: Conn): boolean {
    if (ct.expires > this.now()) return false;
    this.remove(ct);
    return true;
  }

  /** __nf_conntrack_find(): nf_ct_key_equal over the bucket; newest first. */
  find(t: Tuple, zone: Zone): TupleHash | null {
    for (let n = this.#hash.head(hashTuple(t)); n; n = n.next) {
      if (!tupleEqual(n.tuple, t) || zoneId(n.ct.zone, n.dir) !== zoneId(zone, n.dir)) continue;
      if (this.#collect(n.ct)) continue;
      return n;
    }
    return null;
  }

  /** nf_conntrack_tuple_taken(): is this tuple used by an entry other than `mine`? An entry with the very same original tuple is the same flow. */
  taken(t: Tuple, mine: Conn): boolean {
    for (let n = this.#hash.head(hashTuple(t)); n; n = n.next) {
      if (n.ct === mine || !tupleEqual(n.tuple, t) || zoneId(n.ct.zone, n.dir) !== zoneId(mine.zone, n.dir)) continue;
      if (this.#collect(n.ct)) continue;
      if (tupleEqual(mine.orig, n.ct.orig) && zoneId(n.ct.zone, ORIGINAL) === zoneId(mine.zone, ORIGINAL)) continue;
      return true;
    }
    return false;
  }

  /** `onlyReply`: nf_ct_resolve_clash_harder() hides the original direction. */
  insert(ct: Conn, onlyReply = false): void {
    if (!onlyReply) this.#hash.add(hashTuple(ct.orig), { tuple: ct.orig, dir: ORIGINAL, ct, next: null });
    this.#hash.add(hashTuple(ct.reply), { tuple: ct.reply, dir: REPLY, ct, next: null });
    ct.inTable = true;
    ct.status |= IPS.CONFIRMED;
    if (!onlyReply) this.#all.add(ct);
  }

  remove(ct: Conn): boolean {
    if (ct.status & IPS.DYING) return false;
    ct.status |= IPS.DYING;
    ct.inTable = false;
    this.#hash.remove(hashTuple(ct.orig), ct, ORIGINAL);
    this.#hash.remove(hashTuple(ct.reply), ct, REPLY);
    this.forgetSource(ct);
    this.#all.delete(ct);
    return true;
  }

  /** nf_nat_setup_info() adds a flow to nf_nat_bysource before it is confirmed. */
  addSource(ct: Conn): void {
    const t = sourceOnly(ct.orig);
    this.#bySource.add(hashTuple(t), { tuple: t, dir: ORIGINAL, ct, next: null });
  }
  forgetSource(ct: Conn): void {
    this.#bySource.remove(hashTuple(sourceOnly(ct.orig)), ct, ORIGINAL);
  }
  /** Flows whose original source is that of `t`, newest first. */
  *withSource(t: Tuple, zone: Zone): Iterable<Conn> {
    const key = sourceOnly(t);
    for (let n = this.#bySource.head(hashTuple(key)); n; n = n.next) {
      if (tupleEqual(n.tuple, key) && zoneId(n.ct.zone, ORIGINAL) === zoneId(zone, ORIGINAL)) yield n.ct;
    }
  }

  clear(): void {
    for (const ct of this.#all) {
      ct.status |= IPS.DYING;
      ct.inTable = false;
    }
    this.#hash.clear();
    this.#bySource.clear();
    this.#all.clear();
  }
}
