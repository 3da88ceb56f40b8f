/** MIB counters of a node, by the names nstat(8) prints; absent = 0. */
export class Mib {
  readonly #cells = new Map<string, { n: number }>();
  add(name: string, n = 1): void {
    const cell = this.#cells.get(name);
    if (cell === undefined) this.#cells.set(name, { n });
    else cell.n += n;
  }
  get(name: string): number {
    return this.#cells.get(name)?.n ?? 0;
  }
  /** As they stand now. */
  get values(): ReadonlyMap<string, number> {
    return new Map([...this.#cells].map(([name, { n }]) => [name, n]));
  }
}
