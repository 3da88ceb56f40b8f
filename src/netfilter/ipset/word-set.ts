/**
 * A set of 32-bit words, open addressing with the words themselves in the slots: whether one is there takes one look into memory, which is what a question
 * to a set of a million addresses costs.
 */
const EMPTY = 0;

export class WordSet {
  #slots: Uint32Array;
  /** Words in #slots. */
  #size = 0;
  /** The word that means an empty slot is kept apart. */
  #hasEmpty = false;

  constructor(expected: number) {
    this.#slots = new Uint32Array(slotsFor(expected));
  }

  has(word: number): boolean {
    if (word === EMPTY) return this.#hasEmpty;
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let i = mix(word) & mask; ; i = (i + 1) & mask) {
      const w = slots[i];
      if (w === word) return true;
      if (w === EMPTY) return false;
    }
  }

  /** False: it was there. */
  add(word: number): boolean {
    if (word === EMPTY) {
      const isNew = !this.#hasEmpty;
      this.#hasEmpty = true;
      return isNew;
    }
    const slots = this.#slots;
    const mask = slots.length - 1;
    let i = mix(word) & mask;
    for (let w = slots[i]; w !== EMPTY; w = slots[i]) {
      if (w === word) return false;
      i = (i + 1) & mask;
    }
    slots[i] = word;
    if (++this.#size * 4 > slots.length * 3) this.#resize(slots.length * 2);
    return true;
  }

  /** Words behind a freed slot move up, so that none is cut off from the slot its search begins at. */
  delete(word: number): void {
    if (word === EMPTY) {
      this.#hasEmpty = false;
      return;
    }
    const slots = this.#slots;
    const mask = slots.length - 1;
    let free = mix(word) & mask;
    while (slots[free] !== word) {
      if (slots[free] === EMPTY) return;
      free = (free + 1) & mask;
    }
    for (let i = (free + 1) & mask; slots[i] !== EMPTY; i = (i + 1) & mask) {
      const home = mix(slots[i]) & mask;
      if (((i - home) & mask) < ((i - free) & mask)) continue;
      slots[free] = slots[i];
      free = i;
    }
    slots[free] = EMPTY;
    this.#size--;
  }

  /** Slots for `n` words and no more. */
  fit(n: number): void {
    const wanted = slotsFor(n);
    if (wanted !== this.#slots.length) this.#resize(wanted);
  }

  #resize(length: number): void {
    const old = this.#slots;
    const slots = new Uint32Array(length);
    const mask = length - 1;
    for (let k = 0; k < old.length; k++) {
      const word = old[k];
      if (word === EMPTY) continue;
      let i = mix(word) & mask;
      while (slots[i] !== EMPTY) i = (i + 1) & mask;
      slots[i] = word;
    }
    this.#slots = slots;
  }
}

/** A power of two that is at most three quarters full. */
export function slotsFor(n: number): number {
  let size = 16;
  while (size * 3 < n * 4) size *= 2;
  return size;
}

/** Every bit of the word moves half of the bits of this. */
export function mix(word: number): number {
  let h = Math.imul(word ^ (word >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}
