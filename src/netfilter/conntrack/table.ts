/** The connection table: two tuple hashes per entry, as nf_conntrack_hash, and the by-source hash of NAT (nf_nat_bysource). */
import { type CtInfo, ctIsReply, IPS, type NfConn, type Tuple } from '../../packet/types.js';
import type { RuleRef } from '../../trace/event.js';
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
  template = false;
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
  readonly hash: number;
  readonly tuple: Tuple;
  readonly dir: Dir;
  readonly ct: Conn;
  next: TupleHash | null;
}

/** Chains by hash, newest first; grows so that chains stay short. */
class Buckets {
  #heads: (TupleHash | null)[] = new Array<TupleHash | null>(64).fill(null);
  #size = 0;

  head(hash: number): TupleHash | null {
    return this.#heads[hash & (this.#heads.length - 1)];
  }
  add(node: TupleHash): void {
    if (++this.#size > this.#heads.length) this.#grow();
    const i = node.hash & (this.#heads.length - 1);
    node.next = this.#heads[i];
    this.#heads[i] = node;
  }
  /** Keeps the order of every chain. */
  #grow(): void {
    const old = this.#heads;
    this.#heads = new Array<TupleHash | null>(old.length * 4).fill(null);
    const mask = this.#heads.length - 1;
    const chain: TupleHash[] = [];
    for (const head of old) {
      chain.length = 0;
      for (let n = head; n; n = n.next) chain.push(n);
      for (let i = chain.length - 1; i >= 0; i--) {
        const at = chain[i].hash & mask;
        chain[i].next = this.#heads[at];
        this.#heads[at] = chain[i];
      }
    }
  }
  remove(hash: number, ct: Conn, dir: Dir): void {
    const i = hash & (this.#heads.length - 1);
    let prev: TupleHash | null = null;
    for (let n = this.#heads[i]; n; prev = n, n = n.next) {
      if (n.ct !== ct || n.dir !== dir) continue;
      if (prev) prev.next = n.next;
      else this.#heads[i] = n.next;
      this.#size--;
      return;
    }
  }
  clear(): void {
    this.#heads = new Array<TupleHash | null>(64).fill(null);
    this.#size = 0;
  }
}

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
    const hash = hashTuple(t);
    for (let n = this.#hash.head(hash); n; n = n.next) {
      if (n.hash !== hash || !tupleEqual(n.tuple, t) || zoneId(n.ct.zone, n.dir) !== zoneId(zone, n.dir)) continue;
      if (this.#collect(n.ct)) continue;
      return n;
    }
    return null;
  }

  /** nf_conntrack_tuple_taken(): is this tuple used by an entry other than `mine`? An entry with the very same original tuple is the same flow. */
  taken(t: Tuple, mine: Conn): boolean {
    const hash = hashTuple(t);
    for (let n = this.#hash.head(hash); n; n = n.next) {
      if (n.hash !== hash || n.ct === mine || !tupleEqual(n.tuple, t) || zoneId(n.ct.zone, n.dir) !== zoneId(mine.zone, n.dir)) continue;
      if (this.#collect(n.ct)) continue;
      if (tupleEqual(mine.orig, n.ct.orig) && zoneId(n.ct.zone, ORIGINAL) === zoneId(mine.zone, ORIGINAL)) continue;
      return true;
    }
    return false;
  }

  /** `onlyReply`: nf_ct_resolve_clash_harder() hides the original direction. */
  insert(ct: Conn, onlyReply = false): void {
    if (!onlyReply) this.#hash.add({ hash: hashTuple(ct.orig), tuple: ct.orig, dir: ORIGINAL, ct, next: null });
    this.#hash.add({ hash: hashTuple(ct.reply), tuple: ct.reply, dir: REPLY, ct, next: null });
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
    this.#bySource.add({ hash: hashSource(ct.orig), tuple: ct.orig, dir: ORIGINAL, ct, next: null });
  }
  forgetSource(ct: Conn): void {
    if (ct.status & IPS.SRC_NAT_DONE) this.#bySource.remove(hashSource(ct.orig), ct, ORIGINAL);
  }
  /** Flows whose original source is that of `t`, newest first. */
  *withSource(t: Tuple, zone: Zone): Iterable<Conn> {
    for (let n = this.#bySource.head(hashSource(t)); n; n = n.next) {
      if (sourceEqual(n.tuple, t) && zoneId(n.ct.zone, ORIGINAL) === zoneId(zone, ORIGINAL)) yield n.ct;
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
