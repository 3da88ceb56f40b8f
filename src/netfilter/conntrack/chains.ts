/** Hash chains and lists over small numbers, as hlists of struct nf_conn: typed arrays only, so that a table of a million flows is a handful of objects. */

const NONE = -1;
/** So few that V8 keeps the arrays in its heap. */
const FEW = 16;
/** Of a table in which nothing was put yet, never written: most nodes of a run see no flow. */
const EMPTY = new Int32Array(1).fill(NONE);
const NO_LINKS = new Int32Array(0);

/** Links of equal hashes, newest first; grows so that chains stay short. A link is a number that the owner chooses, and is in one chain at most. */
export class Chains {
  #heads = EMPTY;
  #next = NO_LINKS;
  #hashes = NO_LINKS;
  #size = 0;

  /** The first link whose hash is this; negative where there is none. */
  first(hash: number): number {
    return this.#equal(this.#heads[hash & (this.#heads.length - 1)], hash);
  }
  /** The next one of the same hash. */
  after(link: number): number {
    return this.#equal(this.#next[link], this.#hashes[link]);
  }
  #equal(from: number, hash: number): number {
    let n = from;
    while (n !== NONE && this.#hashes[n] !== hash) n = this.#next[n];
    return n;
  }

  add(hash: number, link: number): void {
    if (this.#heads === EMPTY) this.#heads = new Int32Array(FEW).fill(NONE);
    if (++this.#size > this.#heads.length) this.#spread();
    if (link >= this.#next.length) this.#grow(link);
    const i = hash & (this.#heads.length - 1);
    this.#hashes[link] = hash;
    this.#next[link] = this.#heads[i];
    this.#heads[i] = link;
  }
  #grow(link: number): void {
    const room = Math.max(FEW, 2 * this.#next.length, link + 1);
    this.#next = copied(this.#next, room);
    this.#hashes = copied(this.#hashes, room);
  }
  /** Four times the heads; keeps the order of every chain. */
  #spread(): void {
    const old = this.#heads;
    this.#heads = new Int32Array(old.length * 4).fill(NONE);
    const mask = this.#heads.length - 1;
    const chain: number[] = [];
    for (const head of old) {
      let length = 0;
      for (let n = head; n !== NONE; n = this.#next[n]) chain[length++] = n;
      while (length > 0) {
        const n = chain[--length];
        const at = this.#hashes[n] & mask;
        this.#next[n] = this.#heads[at];
        this.#heads[at] = n;
      }
    }
  }

  /** Nothing happens where the link is not in that chain. */
  remove(hash: number, link: number): void {
    const i = hash & (this.#heads.length - 1);
    let prev = NONE;
    for (let n = this.#heads[i]; n !== NONE; prev = n, n = this.#next[n]) {
      if (n !== link) continue;
      if (prev !== NONE) this.#next[prev] = this.#next[n];
      else this.#heads[i] = this.#next[n];
      this.#size--;
      return;
    }
  }

  clear(): void {
    this.#heads = EMPTY;
    this.#size = 0;
  }
}

const FREE = -2;

/** Small numbers in the order in which they were put in; each at most once. */
export class Order {
  #after = NO_LINKS;
  #before = NO_LINKS;
  #first = NONE;
  #last = NONE;
  #size = 0;

  get size(): number {
    return this.#size;
  }
  has(n: number): boolean {
    return n >= 0 && n < this.#after.length && this.#after[n] !== FREE;
  }
  add(n: number): void {
    if (n >= this.#after.length) this.#grow(n);
    this.#after[n] = NONE;
    this.#before[n] = this.#last;
    if (this.#last === NONE) this.#first = n;
    else this.#after[this.#last] = n;
    this.#last = n;
    this.#size++;
  }
  #grow(n: number): void {
    const old = this.#after.length;
    const room = Math.max(FEW, 2 * old, n + 1);
    this.#after = copied(this.#after, room).fill(FREE, old);
    this.#before = copied(this.#before, room);
  }
  /** Nothing happens where it is not in. */
  remove(n: number): void {
    if (!this.has(n)) return;
    const before = this.#before[n];
    const after = this.#after[n];
    if (before === NONE) this.#first = after;
    else this.#after[before] = after;
    if (after === NONE) this.#last = before;
    else this.#before[after] = before;
    this.#after[n] = FREE;
    this.#size--;
  }
  /** A list of its own, so that a reader may remove. */
  list(): number[] {
    const list: number[] = [];
    for (let n = this.#first; n !== NONE; n = this.#after[n]) list.push(n);
    return list;
  }
  clear(): void {
    this.#after.fill(FREE);
    this.#first = NONE;
    this.#last = NONE;
    this.#size = 0;
  }
}

function copied(from: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const to = new Int32Array(length);
  to.set(from);
  return to;
}
