/** The connection table: two tuple hashes per entry, as nf_conntrack_hash, and the by-source hash of NAT (nf_nat_bysource). */
import { type CtInfo, ctIsReply, IPS, type NfConn, type Tuple } from '../../packet/types.js';
import type { RuleRef } from '../../trace/event.js';
import { Chains } from './chains.js';
import { hashSource, hashTuple, sourceEqual, tupleEqual } from './tuple.js';

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
  #packets = 0;
  #bytes = 0;
  #replyPackets = 0;
  #replyBytes = 0;
  inTable = false;
  /** Where it stands in the table that knows it. */
  place = NOWHERE;
  template = false;
  /** Among the table's entries, and its neighbours there. */
  listed = false;
  older: Conn | null = null;
  newer: Conn | null = null;
  /** Rules that bound the flow, for telling. */
  dnatRule: RuleRef | null = null;
  snatRule: RuleRef | null = null;
  constructor(
    readonly id: number,
    public orig: Tuple,
    public reply: Tuple,
    public zone: Zone,
  ) {}
  get acct(): { packets: [number, number]; bytes: [number, number] } {
    return { packets: [this.#packets, this.#replyPackets], bytes: [this.#bytes, this.#replyBytes] };
  }
  /** nf_ct_acct_add() */
  count(dir: Dir, packets: number, bytes: number): void {
    if (dir === ORIGINAL) {
      this.#packets += packets;
      this.#bytes += bytes;
    } else {
      this.#replyPackets += packets;
      this.#replyBytes += bytes;
    }
  }
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
}

/** Its place among the table's entries while it has none. */
const NOWHERE = -1;

export class Table {
  /** By Conn.place; that number twice, and one more for answers, is the link of a direction in #hash. */
  readonly #conns: (Conn | null)[] = [];
  readonly #free: number[] = [];
  readonly #hash = new Chains();
  readonly #bySource = new Chains();
  /** All entries, in the order of their confirmation (Conn.newer, Conn.older). */
  #oldest: Conn | null = null;
  #newest: Conn | null = null;
  #size = 0;
  constructor(readonly now: () => number) {}

  #placed(ct: Conn): number {
    if (ct.place === NOWHERE) {
      ct.place = this.#free.pop() ?? this.#conns.length;
      this.#conns[ct.place] = ct;
    }
    return ct.place;
  }
  #giveBack(ct: Conn): void {
    if (ct.place === NOWHERE || this.#conns[ct.place] !== ct) return;
    this.#conns[ct.place] = null;
    this.#free.push(ct.place);
    ct.place = NOWHERE;
  }

  get size(): number {
    return this.#size;
  }
  /** Confirmed entries in the order of their confirmation; expired ones are taken out. */
  *entries(): Iterable<Conn> {
    for (const ct of this.#list()) if (!this.#collect(ct)) yield ct;
  }
  #list(): Conn[] {
    const list: Conn[] = [];
    for (let ct = this.#oldest; ct !== null; ct = ct.newer) list.push(ct);
    return list;
  }

  #collect(ct: Conn): boolean {
    if (ct.expires > this.now()) return false;
    this.remove(ct);
    return true;
  }

  /** __nf_conntrack_find(): nf_ct_key_equal over the bucket; newest first. */
  find(t: Tuple, zone: Zone): TupleHash | null {
    const hash = hashTuple(t);
    const all = this.#hash;
    for (let n = all.first(hash); n >= 0; n = all.after(n)) {
      const ct = this.#conns[n >>> 1] as Conn;
      const dir = (n & 1) as Dir;
      if (!tupleEqual(ct.tuple(dir), t) || zoneId(ct.zone, dir) !== zoneId(zone, dir)) continue;
      if (this.#collect(ct)) return this.find(t, zone);
      return { tuple: ct.tuple(dir), dir, ct };
    }
    return null;
  }

  /**
   * nf_ct_key_equal() over one bucket: zones are part of the hash, so that an entry is only met where it was hashed by the zone that `bucket` of `zone` stands for
   * (__nf_conntrack_confirm(), which looks for each tuple in its own bucket).
   */
  findIn(t: Tuple, zone: Zone, bucket: Dir): TupleHash | null {
    const hit = this.find(t, zone);
    return hit && zoneId(hit.ct.zone, hit.dir) === zoneId(zone, bucket) ? hit : null;
  }

  /** nf_conntrack_tuple_taken(): is this tuple used by an entry other than `mine`? An entry with the very same original tuple is the same flow. */
  taken(t: Tuple, mine: Conn): boolean {
    const hash = hashTuple(t);
    const all = this.#hash;
    for (let n = all.first(hash); n >= 0; n = all.after(n)) {
      const ct = this.#conns[n >>> 1] as Conn;
      const dir = (n & 1) as Dir;
      if (ct === mine || !tupleEqual(ct.tuple(dir), t) || zoneId(ct.zone, dir) !== zoneId(mine.zone, dir)) continue;
      // The tuple of an answer is looked for where answers of this zone are hashed.
      if (zoneId(ct.zone, dir) !== zoneId(mine.zone, REPLY)) continue;
      if (this.#collect(ct)) return this.taken(t, mine);
      if (tupleEqual(mine.orig, ct.orig) && zoneId(ct.zone, ORIGINAL) === zoneId(mine.zone, ORIGINAL)) continue;
      return true;
    }
    return false;
  }

  /** `onlyReply`: nf_ct_resolve_clash_harder() hides the original direction. */
  insert(ct: Conn, onlyReply = false): void {
    const link = 2 * this.#placed(ct);
    if (!onlyReply) this.#hash.add(hashTuple(ct.orig), link);
    this.#hash.add(hashTuple(ct.reply), link + 1);
    ct.inTable = true;
    ct.status |= IPS.CONFIRMED;
    if (onlyReply) return;
    ct.listed = true;
    ct.older = this.#newest;
    if (this.#newest === null) this.#oldest = ct;
    else this.#newest.newer = ct;
    this.#newest = ct;
    this.#size++;
  }

  #unlist(ct: Conn): void {
    if (!ct.listed) return;
    if (ct.older === null) this.#oldest = ct.newer;
    else ct.older.newer = ct.newer;
    if (ct.newer === null) this.#newest = ct.older;
    else ct.newer.older = ct.older;
    ct.listed = false;
    ct.older = null;
    ct.newer = null;
    this.#size--;
  }

  remove(ct: Conn): boolean {
    if (ct.status & IPS.DYING) return false;
    ct.status |= IPS.DYING;
    ct.inTable = false;
    this.#hash.remove(hashTuple(ct.orig), 2 * ct.place);
    this.#hash.remove(hashTuple(ct.reply), 2 * ct.place + 1);
    this.forgetSource(ct);
    this.#unlist(ct);
    this.#giveBack(ct);
    return true;
  }

  /** nf_nat_setup_info() adds a flow to nf_nat_bysource before it is confirmed. */
  addSource(ct: Conn): void {
    this.#bySource.add(hashSource(ct.orig), this.#placed(ct));
  }
  forgetSource(ct: Conn): void {
    if (!(ct.status & IPS.SRC_NAT_DONE)) return;
    this.#bySource.remove(hashSource(ct.orig), ct.place);
    if (!ct.inTable) this.#giveBack(ct);
  }
  /** Flows whose original source is that of `t`, newest first. */
  *withSource(t: Tuple, zone: Zone): Iterable<Conn> {
    const all = this.#bySource;
    for (let n = all.first(hashSource(t)); n >= 0; n = all.after(n)) {
      const ct = this.#conns[n] as Conn;
      if (sourceEqual(ct.orig, t) && zoneId(ct.zone, ORIGINAL) === zoneId(zone, ORIGINAL)) yield ct;
    }
  }

  clear(): void {
    for (const ct of this.#list()) {
      ct.status |= IPS.DYING;
      ct.inTable = false;
      this.#unlist(ct);
    }
    for (const ct of this.#conns) if (ct !== null) ct.place = NOWHERE;
    this.#conns.length = 0;
    this.#free.length = 0;
    this.#hash.clear();
    this.#bySource.clear();
  }
}
