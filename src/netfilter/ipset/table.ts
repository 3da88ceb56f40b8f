/**
 * Members of a set in little memory: keys of a fixed number of 32-bit words in one typed array, in insertion order, and an open-addressing index
 * of row numbers over them. A million IPv4 addresses are 4 MB of keys and 8 MB of index.
 */
import { EMPTY_EXT, type Ext } from './ext.js';

const FREE = -1;
const GONE = -2;

export class WordTable {
  readonly width: number;
  /** Keys, row by row. */
  rows: Uint32Array;
  /** Rows used, removed ones included. */
  #used = 0;
  #live = 0;
  #index: Int32Array;
  #filled = 0;
  #ext: (Ext | null)[] | null = null;
  #removed: Set<number> | null = null;

  constructor(width: number, expected = 8) {
    this.width = width;
    this.rows = new Uint32Array(width * Math.max(8, expected));
    this.#index = new Int32Array(indexSize(expected)).fill(FREE);
  }

  get size(): number {
    return this.#live;
  }

  /** Row of a key, -1 if there is none. */
  find(key: ArrayLike<number>): number {
    const index = this.#index;
    const mask = index.length - 1;
    const rows = this.rows;
    const w = this.width;
    const first = key[0];
    if (w === 1) return this.findWord(first);
    if (w === 2) return this.findPair(first, key[1]);
    for (let slot = hashWords(key, w) & mask; ; slot = (slot + 1) & mask) {
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
    const index = this.#index;
    const mask = index.length - 1;
    const rows = this.rows;
    for (let slot = mix(word | 0) & mask; ; slot = (slot + 1) & mask) {
      const row = index[slot];
      if (row >= 0) {
        if (rows[row] === word) return row;
      } else if (row === FREE) return -1;
    }
  }

  /** find() for keys of two words. */
  findPair(a: number, b: number): number {
    const index = this.#index;
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
    if ((this.#filled + 1) * 4 > this.#index.length * 3) this.#rebuild(indexSize(this.#live));
    else this.#place(row);
    return row;
  }

  /** insert() of a key that may be there: false if it is. One search of the index in place of two: the way of long lists. */
  insertNew(key: ArrayLike<number>, ext: Ext): boolean {
    const w = this.width;
    if (w > 2 || (this.#filled + 1) * 4 > this.#index.length * 3) {
      if (this.find(key) >= 0) return false;
      this.insert(key, ext);
      return true;
    }
    const index = this.#index;
    const mask = index.length - 1;
    const rows = this.rows;
    let slot = (w === 1 ? mix(key[0] | 0) : mixPair(key[0], key[1])) & mask;
    for (let row = index[slot]; row !== FREE; row = index[slot]) {
      if (row >= 0 && rows[row * w] === key[0] && (w === 1 || rows[row * w + 1] === key[1])) return false;
      slot = (slot + 1) & mask;
    }
    index[slot] = this.#append(key, ext);
    this.#filled++;
    return true;
  }

  /** Room for `n` keys at once, where it is known that many come. */
  reserve(n: number): void {
    if (n * this.width > this.rows.length) this.#grow(n * this.width);
    if (n * 4 > this.#index.length * 3) this.#rebuild(indexSize(n));
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
    const index = this.#index;
    const mask = index.length - 1;
    let slot = hashRow(this.rows, row * this.width, this.width) & mask;
    while (index[slot] !== row) slot = (slot + 1) & mask;
    index[slot] = GONE;
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
  /** No member has any extension. */
  get plain(): boolean {
    return this.#ext === null;
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
      if (this.#index.length > indexSize(this.#live)) this.#rebuild(indexSize(this.#live));
      return this;
    }
    const t = new WordTable(w, this.#live);
    for (const row of this.live()) t.insert(this.rows.subarray(row * w, row * w + w), this.ext(row));
    return t;
  }

  #place(row: number): void {
    const index = this.#index;
    const mask = index.length - 1;
    let slot = hashRow(this.rows, row * this.width, this.width) & mask;
    while (index[slot] >= 0) slot = (slot + 1) & mask;
    if (index[slot] === FREE) this.#filled++;
    index[slot] = row;
  }
  #rebuild(size: number): void {
    this.#index = new Int32Array(size).fill(FREE);
    this.#filled = 0;
    for (let row = 0; row < this.#used; row++) if (!this.#removed?.has(row)) this.#place(row);
  }
}

/** A power of two that is at most three quarters full. */
function indexSize(n: number): number {
  let size = 16;
  while (size * 3 < n * 4) size *= 2;
  return size;
}

function mix(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}
const mixPair = (a: number, b: number): number => mix(Math.imul(a | 0, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b));
function hashWords(key: ArrayLike<number>, width: number): number {
  let h = key[0] | 0;
  for (let i = 1; i < width; i++) h = Math.imul(h, 0x9e3779b1) ^ Math.imul(key[i], 0x85ebca6b);
  return mix(h);
}
function hashRow(rows: Uint32Array, at: number, width: number): number {
  let h = rows[at] | 0;
  for (let i = 1; i < width; i++) h = Math.imul(h, 0x9e3779b1) ^ Math.imul(rows[at + i], 0x85ebca6b);
  return mix(h);
}
