/**
 * Members of a set in little memory: keys of a fixed number of 32-bit words in one typed array, in insertion order, and an open-addressing index
 * of row numbers over them. Keys of one word stand in a WordSet besides, and have an index only once somebody asks for a row: a million IPv4 addresses
 * are 4 MB of keys and 8 MB of slots.
 */
import { EMPTY_EXT, type Ext } from './ext.js';
import { mix, slotsFor, WordSet } from './word-set.js';

const FREE = -1;
const GONE = -2;

export class WordTable {
  readonly width: number;
  /** Keys, row by row. */
  rows: Uint32Array;
  /** Rows used, removed ones included. */
  #used = 0;
  #live = 0;
  readonly #words: WordSet | null;
  /** null: nobody has asked for the row of a word yet. */
  #index: Int32Array | null;
  #filled = 0;
  #ext: (Ext | null)[] | null = null;
  #removed: Set<number> | null = null;

  constructor(width: number, expected = 8) {
    this.width = width;
    this.rows = new Uint32Array(width * Math.max(8, expected));
    this.#words = width === 1 ? new WordSet(expected) : null;
    this.#index = width === 1 ? null : new Int32Array(slotsFor(expected)).fill(FREE);
  }

  get size(): number {
    return this.#live;
  }

  /** Is there a key of this one word? */
  hasWord(word: number): boolean {
    return this.#words?.has(word) ?? false;
  }

  /** Row of a key, -1 if there is none. */
  find(key: ArrayLike<number>): number {
    const w = this.width;
    const first = key[0];
    if (w === 1) return this.findWord(first);
    if (w === 2) return this.findPair(first, key[1]);
    const index = this.#rowIndex();
    const mask = index.length - 1;
    const rows = this.rows;
    for (let slot = hashWords(key, 0, w) & mask; ; slot = (slot + 1) & mask) {
      const row = index[slot];
      if (row === FREE) return -1;
      if (row === GONE) continue;
      const at = row * w;
      if (rows[at] !== first) continue;
      let i = 1;
      while (i < w && rows[at + i] === key[i]) i++;
      if (i === w) return row;
    }
  }

  /** find() for keys of one word. */
  findWord(word: number): number {
    if (!this.hasWord(word)) return -1;
    const index = this.#rowIndex();
    const mask = index.length - 1;
    const rows = this.rows;
    for (let slot = mix(word) & mask; ; slot = (slot + 1) & mask) {
      const row = index[slot];
      if (row >= 0 && rows[row] === word) return row;
      if (row === FREE) return -1;
    }
  }

  /** find() for keys of two words. */
  findPair(a: number, b: number): number {
    const index = this.#rowIndex();
    const mask = index.length - 1;
    const rows = this.rows;
    for (let slot = mixPair(a, b) & mask; ; slot = (slot + 1) & mask) {
      const row = index[slot];
      if (row >= 0) {
        if (rows[2 * row] === a && rows[2 * row + 1] === b) return row;
      } else if (row === FREE) return -1;
    }
  }

  /** Adds a key that is not there; returns its row. */
  insert(key: ArrayLike<number>, ext: Ext): number {
    const row = this.#append(key, ext);
    this.#words?.add(key[0]);
    if (this.#index === null) return row;
    if ((this.#filled + 1) * 4 > this.#index.length * 3) this.#index = this.#indexed(slotsFor(this.#live));
    else this.#place(this.#index, row);
    return row;
  }

  /** insert() of a key that may be there: false if it is. */
  insertNew(key: ArrayLike<number>, ext: Ext): boolean {
    if (this.#words !== null && this.#index === null) {
      if (!this.#words.add(key[0])) return false;
      this.#append(key, ext);
      return true;
    }
    if (this.find(key) >= 0) return false;
    this.insert(key, ext);
    return true;
  }

  /** Room for `n` keys at once, where it is known that many come. */
  reserve(n: number): void {
    if (n * this.width > this.rows.length) this.#grow(n * this.width);
    if (this.#words !== null) this.#words.fit(Math.max(n, this.#live));
    else if (n > this.#live) this.#index = this.#indexed(slotsFor(n));
  }

  #grow(words: number): void {
    const bigger = new Uint32Array(words);
    bigger.set(this.rows);
    this.rows = bigger;
  }

  #append(key: ArrayLike<number>, ext: Ext): number {
    const row = this.#used++;
    const w = this.width;
    if ((row + 1) * w > this.rows.length) this.#grow(this.rows.length * 2);
    for (let i = 0; i < w; i++) this.rows[row * w + i] = key[i];
    if (this.#ext) this.#ext.push(ext === EMPTY_EXT ? null : ext);
    else if (ext !== EMPTY_EXT) this.setExt(row, ext);
    this.#live++;
    return row;
  }

  remove(row: number): void {
    if (this.#index !== null) {
      const index = this.#index;
      const mask = index.length - 1;
      let slot = hashWords(this.rows, row * this.width, this.width) & mask;
      while (index[slot] !== row) slot = (slot + 1) & mask;
      index[slot] = GONE;
    }
    this.#words?.delete(this.rows[row]);
    this.#live--;
    if (row === this.#used - 1) {
      this.#used--;
      if (this.#ext) this.#ext.length = this.#used;
      return;
    }
    this.#removed ??= new Set();
    this.#removed.add(row);
    if (this.#ext) this.#ext[row] = null;
  }

  ext(row: number): Ext {
    return this.#ext?.[row] ?? EMPTY_EXT;
  }
  setExt(row: number, ext: Ext): void {
    this.#ext ??= new Array<Ext | null>(this.#used).fill(null);
    this.#ext[row] = ext === EMPTY_EXT ? null : ext;
  }

  /** The row added last, if it is still there; -1 otherwise. */
  get lastRow(): number {
    const row = this.#used - 1;
    return this.#removed?.has(row) ? -1 : row;
  }

  /** Rows in insertion order. */
  *live(): Generator<number> {
    for (let row = 0; row < this.#used; row++) if (!this.#removed?.has(row)) yield row;
  }

  /** A copy without gaps and slack; the table itself where there is none to save. */
  trimmed(): WordTable {
    const w = this.width;
    if (!this.#removed) {
      if (this.rows.length > this.#used * w) this.rows = this.rows.slice(0, Math.max(1, this.#used) * w);
      this.#words?.fit(this.#live);
      if (this.#index && this.#index.length > slotsFor(this.#live)) this.#index = this.#indexed(slotsFor(this.#live));
      return this;
    }
    const t = new WordTable(w, this.#live);
    for (const row of this.live()) t.insert(this.rows.subarray(row * w, row * w + w), this.ext(row));
    return t;
  }

  #rowIndex(): Int32Array {
    this.#index ??= this.#indexed(slotsFor(this.#live));
    return this.#index;
  }
  #place(index: Int32Array, row: number): void {
    const mask = index.length - 1;
    let slot = hashWords(this.rows, row * this.width, this.width) & mask;
    while (index[slot] >= 0) slot = (slot + 1) & mask;
    if (index[slot] === FREE) this.#filled++;
    index[slot] = row;
  }
  #indexed(size: number): Int32Array {
    const index = new Int32Array(size).fill(FREE);
    this.#filled = 0;
    for (let row = 0; row < this.#used; row++) if (!this.#removed?.has(row)) this.#place(index, row);
    return index;
  }
}

const mixPair = (a: number, b: number): number => mix(Math.imul(a | 0, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b));
/** Of `width` words from `at` on; for one and two words as mix() and mixPair(). */
function hashWords(words: ArrayLike<number>, at: number, width: number): number {
  let h = words[at] | 0;
  for (let i = 1; i < width; i++) h = Math.imul(h, 0x9e3779b1) ^ Math.imul(words[at + i], 0x85ebca6b);
  return mix(h);
}
