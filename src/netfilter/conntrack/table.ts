/** The connection table: two tuple hashes per entry, as nf_conntrack_hash, and the by-source hash of NAT (nf_nat_bysource). */
import { IPS, type Tuple } from '../../packet/types.js';
import { Chains, Order } from './chains.js';
import { type Conn, type Dir, NOWHERE, ORIGINAL, REPLY, type Zone, zoneId } from './conn.js';
import { hashSource, hashTuple, scratchTuple, sourceEqual, tupleEqual } from './tuple.js';

/** struct nf_conntrack_tuple_hash: one direction of an entry. */
export interface TupleHash {
  readonly dir: Dir;
  readonly ct: Conn;
}

export class Table {
  /** By Conn.place; that number twice, and one more for answers, is the link of a direction in #hash. */
  readonly #conns: (Conn | null)[] = [];
  readonly #free: number[] = [];
  readonly #hash = new Chains();
  readonly #bySource = new Chains();
  /** All entries, in the order of their confirmation. */
  readonly #order = new Order();
  /** The tuple at hand. */
  readonly #tuple = scratchTuple();
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
    return this.#order.size;
  }
  /** Confirmed entries in the order of their confirmation; expired ones are taken out. */
  *entries(): Iterable<Conn> {
    for (const ct of this.#list()) if (!this.#collect(ct)) yield ct;
  }
  #list(): Conn[] {
    return this.#order.list().map((place) => this.#conns[place] as Conn);
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
      if (!ct.is(dir, t) || zoneId(ct.zone, dir) !== zoneId(zone, dir)) continue;
      if (this.#collect(ct)) return this.find(t, zone);
      return { dir, ct };
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
      if (ct === mine || !ct.is(dir, t) || zoneId(ct.zone, dir) !== zoneId(mine.zone, dir)) continue;
      // The tuple of an answer is looked for where answers of this zone are hashed.
      if (zoneId(ct.zone, dir) !== zoneId(mine.zone, REPLY)) continue;
      if (this.#collect(ct)) return this.taken(t, mine);
      if (tupleEqual(mine.orig, ct.orig) && zoneId(ct.zone, ORIGINAL) === zoneId(mine.zone, ORIGINAL)) continue;
      return true;
    }
    return false;
  }

  #hashOf(ct: Conn, dir: Dir): number {
    return hashTuple(ct.into(dir, this.#tuple));
  }

  /** `onlyReply`: nf_ct_resolve_clash_harder() hides the original direction. */
  insert(ct: Conn, onlyReply = false): void {
    const place = this.#placed(ct);
    if (!onlyReply) this.#hash.add(this.#hashOf(ct, ORIGINAL), 2 * place);
    this.#hash.add(this.#hashOf(ct, REPLY), 2 * place + 1);
    ct.inTable = true;
    ct.status |= IPS.CONFIRMED;
    if (!onlyReply) this.#order.add(place);
  }

  remove(ct: Conn): boolean {
    if (ct.status & IPS.DYING) return false;
    ct.status |= IPS.DYING;
    ct.inTable = false;
    this.#hash.remove(this.#hashOf(ct, ORIGINAL), 2 * ct.place);
    this.#hash.remove(this.#hashOf(ct, REPLY), 2 * ct.place + 1);
    this.#order.remove(ct.place);
    this.forgetSource(ct);
    this.#giveBack(ct);
    return true;
  }

  /** nf_nat_setup_info() adds a flow to nf_nat_bysource before it is confirmed. */
  addSource(ct: Conn): void {
    this.#bySource.add(hashSource(ct.into(ORIGINAL, this.#tuple)), this.#placed(ct));
  }
  forgetSource(ct: Conn): void {
    if (!(ct.status & IPS.SRC_NAT_DONE)) return;
    this.#bySource.remove(hashSource(ct.into(ORIGINAL, this.#tuple)), ct.place);
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
    }
    for (const ct of this.#conns) if (ct !== null) ct.place = NOWHERE;
    this.#conns.length = 0;
    this.#free.length = 0;
    this.#order.clear();
    this.#hash.clear();
    this.#bySource.clear();
  }
}
