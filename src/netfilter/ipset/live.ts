/**
 * A set that changes: the members that were given, which it never touches, and over them what was added, removed or updated since. One implementation of
 * the kernel's add, del and test (ip_set_hash_gen.h, ip_set_bitmap_gen.h) serves the commands of the tool and the packets of a run alike.
 */
import type { SetParams } from './create.js';
import { maskWords } from './dim/value.js';
import { EMPTY_EXT, type Ext } from './ext.js';
import { type Layout, NameTable } from './member.js';
import { TableMembers } from './members.js';
import { WordTable } from './table.js';
import { IpsetError } from './types.js';

/** A member: a row of the given table (>= 0) or, below -1, of our own. -1 = none. */
export type Ref = number;
const NONE = -1;
const MAX_EXPANDED = 1 << 21;
const ownRow = (ref: Ref): number => -2 - ref;
const ownRef = (row: number): Ref => -2 - row;

export const HIT = 1;
export const MISS = 0;
/** The member found is an exception (-ENOTEMPTY). */
export const NOMATCH = -1;
export type TestResult = typeof HIT | typeof MISS | typeof NOMATCH;

/** Called with each member that fits; false (expired, counters do not match) goes on searching. */
export type Accept = (ref: Ref) => boolean;

export class LiveSet {
  readonly params: SetParams;
  readonly layout: Layout;
  readonly names: NameTable;
  readonly #base: WordTable;
  readonly #own: WordTable;
  readonly #dead = new Set<number>();
  readonly #changed = new Map<number, Ext>();
  /** Members by prefix length, per network dimension (h->nets). */
  readonly #lens: Map<number, number>[];
  #sortedLens: (readonly number[])[] | null = null;
  /** hash:net,iface: members by network and kind of device, in the order added. */
  #groups: Map<string, Ref[]> | null = null;
  readonly #isIface: boolean;
  readonly #plainAddrs: boolean;
  #touched = false;
  /** When expired members were last looked for: at most once in a moment. */
  #sweptAt = 0;
  #expanded = 0;

  /** `clock`: seconds since the set was given. */
  constructor(
    readonly given: TableMembers,
    readonly clock: () => number,
  ) {
    this.params = given.params;
    this.layout = given.layout;
    this.#isIface = given.params.type.name === 'hash:net,iface';
    this.names = new NameTable(given.names);
    this.#base = given.table;
    const { type, family, kinds } = given.params;
    this.#plainAddrs =
      (type.name === 'hash:ip' || type.name === 'hash:net') && family === 'ipv4' && kinds.timeout === null && !kinds.counters && !kinds.skbinfo;
    this.#own = new WordTable(given.layout.width);
    this.#lens = given.layout.nets.map((_, i) => new Map(countLens(given, i)));
  }

  /** Expired members count until they are swept, as in the kernel. */
  get size(): number {
    return this.#base.size - this.#dead.size + this.#own.size;
  }
  get touched(): boolean {
    return this.#touched;
  }

  key(ref: Ref): Uint32Array {
    const t = ref >= 0 ? this.#base : this.#own;
    const row = ref >= 0 ? ref : ownRow(ref);
    return t.rows.subarray(row * t.width, row * t.width + t.width);
  }
  ext(ref: Ref): Ext {
    if (ref < 0) return this.#own.ext(ownRow(ref));
    return this.#changed.get(ref) ?? this.#base.ext(ref);
  }
  setExt(ref: Ref, ext: Ext): void {
    this.#touched = true;
    if (ref < 0) this.#own.setExt(ownRow(ref), ext);
    else this.#changed.set(ref, ext);
  }
  expired(ref: Ref): boolean {
    const { timeout: t, mac } = this.ext(ref);
    // The time of a member of bitmap:ip,mac starts with its address.
    if (mac === null && this.params.type.name === 'bitmap:ip,mac') return false;
    return t !== null && t !== 0 && t < this.clock();
  }
  /** Whole seconds left as the tool prints them: at least 1, 0 = for ever. */
  remaining(ext: Ext): number | null {
    if (ext.timeout === null || ext.timeout === 0) return ext.timeout;
    return Math.max(1, Math.floor(ext.timeout - this.clock()));
  }

  *refs(): Generator<Ref> {
    for (const row of this.#base.live()) if (!this.#dead.has(row)) yield row;
    for (const row of this.#own.live()) yield ownRef(row);
  }

  find(key: Uint32Array): Ref {
    if (this.#isIface) return this.#findIface(key);
    const row = this.#base.size === 0 ? NONE : this.#base.find(key);
    if (row >= 0 && (this.#dead.size === 0 || !this.#dead.has(row))) return row;
    if (this.#own.size === 0) return NONE;
    const own = this.#own.find(key);
    return own < 0 ? NONE : ownRef(own);
  }

  /** Adds without asking whether it is there: for readers that asked. */
  put(key: Uint32Array, ext: Ext): Ref {
    this.#touched = true;
    const ref = ownRef(this.#own.insert(key, ext));
    this.#countKey(key, 1);
    if (this.#groups) push(this.#groups, this.#groupOf(key), ref);
    return ref;
  }

  /** A new member with nothing to ask about, as a restore has a million. False: add() has to look closer. */
  putNew(key: Uint32Array, ext: Ext): boolean {
    if (this.#base.size > 0 || this.#isIface || this.#own.size >= this.params.maxelem || !this.#own.insertNew(key, ext)) return false;
    this.#touched = true;
    this.#countKey(key, 1);
    return true;
  }
  /** `n` members are about to be added. */
  reserve(n: number): void {
    this.#own.reserve(Math.min(this.params.maxelem, this.#own.size + n));
  }

  remove(ref: Ref): void {
    this.#touched = true;
    const key = this.key(ref);
    this.#countKey(key, -1);
    if (this.#groups) {
      const group = this.#groups.get(this.#groupOf(key));
      group?.splice(group.indexOf(ref), 1);
    }
    if (ref >= 0) {
      this.#dead.add(ref);
      this.#changed.delete(ref);
    } else this.#own.remove(ownRow(ref));
  }

  flush(): void {
    for (const ref of [...this.refs()]) this.remove(ref);
  }
  sweep(): void {
    const now = this.clock();
    if (this.params.kinds.timeout === null || now === this.#sweptAt) return;
    this.#sweptAt = now;
    for (const ref of [...this.refs()]) if (this.expired(ref)) this.remove(ref);
  }

  /**
   * mtype_add(). `merge` makes the extension of a member from what it had (null: it is new). `evict` picks the member to go when a set with
   * forceadd is full (the kernel takes one of the same hash bucket); without it the set is full. Throws IpsetError.
   */
  add(key: Uint32Array, merge: (old: Ext | null) => Ext, exist: boolean, evict: ((n: number) => number) | null): void {
    const ref = this.find(key);
    if (ref !== NONE) {
      if (this.expired(ref)) this.setExt(ref, merge(null));
      else if (exist) this.setExt(ref, merge(this.ext(ref)));
      else throw new IpsetError('ipset-exists', "Element cannot be added to the set: it's already added");
      return;
    }
    if (this.params.type.storage === 'hash' && this.size >= this.params.maxelem) this.#makeRoom(evict);
    this.put(key, merge(null));
  }
  #makeRoom(evict: ((n: number) => number) | null): void {
    this.sweep();
    if (this.size < this.params.maxelem) return;
    if (!this.params.forceadd || !evict || this.size === 0) throw new IpsetError('ipset-full', 'Hash is full, cannot add more elements');
    let n = evict(this.size);
    if (n === this.size - 1 && this.#own.lastRow >= 0) {
      this.remove(ownRef(this.#own.lastRow));
      return;
    }
    for (const ref of this.refs())
      if (n-- === 0) {
        this.remove(ref);
        return;
      }
  }

  /** Counts a member that a range stood for; false when the ranges given to this set together denote more than anyone means. */
  expand(): boolean {
    return ++this.#expanded <= MAX_EXPANDED;
  }

  /** mtype_del(): false when there is no such member. */
  del(key: Uint32Array): boolean {
    const ref = this.find(key);
    if (ref === NONE || this.expired(ref)) return false;
    this.remove(ref);
    return true;
  }

  /** Prefix lengths in use, longest first. */
  lens(net: number): readonly number[] {
    this.#sortedLens ??= this.#lens.map((m) => [...m.keys()].sort((a, b) => b - a));
    return this.#sortedLens[net];
  }

  /** mtype_test() of a key whose networks are hosts: every prefix length in use is tried, longest first; else the key itself. */
  test(key: Uint32Array, iface: string, accept: Accept): TestResult {
    const { nets } = this.layout;
    if (nets.length === 0) return this.#testExact(key, accept);
    const [a, b] = nets;
    if (this.#isIface) return this.#testIface(key, iface, accept);
    if (!b) {
      for (const len of this.lens(0)) {
        maskWords(key, a.at, a.words, len);
        key[a.lenAt] = len;
        const r = this.#testExact(key, accept);
        if (r !== MISS) return r;
      }
      return MISS;
    }
    const probe = new Uint32Array(key.length);
    for (const len of this.lens(0)) {
      probe.set(key);
      maskWords(probe, a.at, a.words, len);
      probe[a.lenAt] = len;
      for (const len2 of this.lens(1)) {
        maskWords(probe, b.at, b.words, len2);
        probe[b.lenAt] = len2;
        const r = this.#testExact(probe, accept);
        if (r !== MISS) return r;
      }
    }
    return MISS;
  }

  /**
   * An IPv4 address in a set whose members are single addresses or networks and carry nothing that a packet could change: what test() says, without a key.
   * Null: not such a set.
   */
  testAddr4(addr: number): TestResult | null {
    if (!this.#plainAddrs) return null;
    const changed = this.#dead.size > 0 || this.#own.size > 0;
    if (this.layout.width === 1) {
      const a = this.params.mask === null ? addr : (addr & (this.params.mask as number)) >>> 0;
      if (a === 0) return MISS;
      if (this.#base.hasWord(a) && (this.#dead.size === 0 || !this.#dead.has(this.#base.findWord(a)))) return HIT;
      return this.#own.hasWord(a) ? HIT : MISS;
    }
    const lens = this.lens(0);
    for (let i = 0; i < lens.length; i++) {
      const len = lens[i];
      const net = (addr & (0xffffffff << (32 - len))) >>> 0;
      let ref = this.#base.findPair(net, len);
      if (ref >= 0 && changed && this.#dead.has(ref)) ref = NONE;
      if (ref < 0 && changed) {
        const own = this.#own.findPair(net, len);
        ref = own < 0 ? NONE : ownRef(own);
      }
      if (ref !== NONE) return this.ext(ref).nomatch ? NOMATCH : HIT;
    }
    return MISS;
  }

  /** The key as it stands: `ipset test` of a network, not of an address. */
  testExact(key: Uint32Array, accept: Accept): TestResult {
    return this.#testExact(key, accept);
  }
  #testExact(key: Uint32Array, accept: Accept): TestResult {
    const ref = this.find(key);
    if (ref === NONE || !accept(ref)) return MISS;
    return this.params.type.nomatch && this.ext(ref).nomatch ? NOMATCH : HIT;
  }

  // --- hash:net,iface ---

  /** Number of words of network and length; behind them the name and whether it is a bridge port. */
  #groupOf(key: Uint32Array, physdev = key[this.layout.at[1] + 1]): string {
    return `${key.subarray(0, this.layout.at[1]).join()},${physdev}`;
  }
  #groupMap(): Map<string, Ref[]> {
    if (!this.#groups) {
      this.#groups = new Map();
      for (const ref of this.refs()) push(this.#groups, this.#groupOf(this.key(ref)), ref);
    }
    return this.#groups;
  }
  /** hash_netiface4_data_equal(): a wildcard member equals every name it begins. */
  #ifaceFits(ref: Ref, iface: string): boolean {
    const name = this.names.names[this.key(ref)[this.layout.at[1]]] ?? '';
    return this.ext(ref).wildcard ? iface.startsWith(name) : iface === name;
  }
  #findIface(key: Uint32Array): Ref {
    const iface = this.names.names[key[this.layout.at[1]]] ?? '';
    return (
      this.#groupMap()
        .get(this.#groupOf(key))
        ?.find((ref) => this.#ifaceFits(ref, iface)) ?? NONE
    );
  }
  /** The search ends at the longest prefix that has members at all, whatever their devices (`multi`). */
  #testIface(key: Uint32Array, iface: string, accept: Accept): TestResult {
    const [net] = this.layout.nets;
    for (const len of this.lens(0)) {
      maskWords(key, net.at, net.words, len);
      key[net.lenAt] = len;
      const group = this.#groupMap().get(this.#groupOf(key, 0));
      if (!group || group.length === 0) continue;
      let seen = false;
      for (const ref of group) {
        seen = true;
        if (!this.#ifaceFits(ref, iface)) continue;
        if (accept(ref)) return this.ext(ref).nomatch ? NOMATCH : HIT;
        seen = false;
      }
      if (seen) return MISS;
    }
    return MISS;
  }

  #countKey(key: Uint32Array, by: 1 | -1): void {
    const { nets } = this.layout;
    for (let i = 0; i < nets.length; i++) {
      const len = key[nets[i].lenAt];
      const before = this.#lens[i].get(len) ?? 0;
      if (before + by === 0) this.#lens[i].delete(len);
      else this.#lens[i].set(len, before + by);
      if (before === 0 || before + by === 0) this.#sortedLens = null;
    }
  }

  /**
   * The members as they are now, for keeping. Expired ones are left out, time-outs count from now. `last`: nothing will change this set any more, so that
   * its own table may be handed over instead of a copy.
   */
  freeze(last = false): TableMembers {
    if (!this.#touched) return this.given;
    const simple = last && this.#base.size === 0 && this.params.kinds.timeout === null;
    if (simple) return new TableMembers(this.params, this.#own.trimmed(), this.names.names);
    const table = new WordTable(this.layout.width, this.size);
    let before: Ext = EMPTY_EXT;
    for (const ref of this.refs()) {
      if (this.expired(ref)) continue;
      let ext = this.ext(ref);
      const timeout = this.remaining(ext);
      if (timeout !== ext.timeout) ext = sameExt(before, ext, timeout) ? before : { ...ext, timeout };
      before = ext;
      table.insert(this.key(ref), ext);
    }
    return new TableMembers(this.params, table.trimmed(), [...this.names.names]);
  }
}

const sameExt = (a: Ext, b: Ext, timeout: number | null): boolean =>
  a.timeout === timeout && (Object.keys(b) as (keyof Ext)[]).every((k) => k === 'timeout' || a[k] === b[k]);

function push(map: Map<string, Ref[]>, key: string, ref: Ref): void {
  const list = map.get(key);
  if (list) list.push(ref);
  else map.set(key, [ref]);
}

const counts = new WeakMap<TableMembers, ReadonlyMap<number, number>[]>();
/** Members of the given table by prefix length: counted once, whoever runs with them. */
function countLens(m: TableMembers, net: number): ReadonlyMap<number, number> {
  let all = counts.get(m);
  if (!all) {
    const w = m.table.width;
    all = m.layout.nets.map((slot) => {
      const map = new Map<number, number>();
      for (const row of m.table.live()) {
        const len = m.table.rows[row * w + slot.lenAt];
        map.set(len, (map.get(len) ?? 0) + 1);
      }
      return map;
    });
    counts.set(m, all);
  }
  return all[net];
}
