/**
 * The branches of an index question, by the value asked for. Numbers stand with their answers in one array, so that a packet touches one place of memory to
 * find its rule; a chain of ten thousand rules has ten thousand places.
 */
import type { Scalar } from '../pred.js';

/** `T`: what stands behind a value where it is more than a number. */
export class Branches<T extends object> {
  readonly #strings = new Map<Scalar, number | T>();
  /** Pairs of a value (as int32) and its answer: 0 = free, odd = the number in the bits above, even = #many at half of it, less one. */
  #slots = new Int32Array(0);
  readonly #many: T[] = [];

  /** Answers that are numbers fit into 31 bits. */
  constructor(answers: readonly (readonly [Scalar, number | T])[]) {
    const numbers = answers.filter(([v]) => isInt(v));
    if (numbers.length > 0) this.#slots = new Int32Array(2 * sizeFor(numbers.length));
    for (const [v, answer] of answers) {
      if (!isInt(v)) this.#strings.set(v, answer);
      else {
        const at = this.#slotOf(v);
        this.#slots[at] = v | 0;
        this.#slots[at + 1] = typeof answer === 'number' ? (answer << 1) | 1 : this.#many.push(answer) << 1;
      }
    }
  }

  get(v: Scalar): number | T | undefined {
    if (!isInt(v)) return this.#strings.get(v);
    if (this.#slots.length === 0) return undefined;
    const n = this.#slots[this.#slotOf(v) + 1];
    return n & 1 ? n >> 1 : n === 0 ? undefined : this.#many[(n >> 1) - 1];
  }

  /** Where the value stands, or the free place where it would. */
  #slotOf(v: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const key = v | 0;
    let at = ((Math.imul(key, 0x9e3779b1) >>> 7) << 1) & mask;
    while (slots[at + 1] !== 0 && slots[at] !== key) at = (at + 2) & mask;
    return at;
  }
}

/** uint32: addresses, ports, protocols. */
const isInt = (v: Scalar): v is number => typeof v === 'number';

/** A power of two, at most half full. */
const sizeFor = (n: number): number => 2 ** Math.ceil(Math.log2(2 * n));
