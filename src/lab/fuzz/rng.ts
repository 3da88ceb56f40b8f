/** Numbers from a seed: a case is a pure function of its seed, so that any can be made again. */
export class Rng {
  #a: number;
  readonly #of: number;
  /** `of`: the seed that the user gave. */
  constructor(seed: number, of = 0) {
    this.#of = of;
    this.#a = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
    for (let i = 0; i < 4; i++) this.next();
  }
  /** 0 <= x < 2^32 (mulberry32). */
  next(): number {
    this.#a = (this.#a + 0x6d2b79f5) >>> 0;
    let t = this.#a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }
  below(n: number): number {
    return this.next() % n;
  }
  /** Both ends included. */
  between(a: number, b: number): number {
    return a + this.below(b - a + 1);
  }
  /** True in `percent` of the cases. */
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
  /** Whether what came later than other words may be drawn: cases of seeds below `first` stay what they were. */
  since(first: number): boolean {
    return this.#of >= first;
  }
  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)];
  }
  /** One of the entries, by weight. */
  weighed<T>(from: readonly (readonly [weight: number, value: T])[]): T {
    let n = this.below(from.reduce((s, [w]) => s + w, 0));
    for (const [w, v] of from) if ((n -= w) < 0) return v;
    return from[0][1];
  }
}
