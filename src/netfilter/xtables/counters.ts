/** Packets and bytes per rule of one run (struct xt_counters): a number a rule, in pages, so that what no packet met takes no room. */

/** Rules a page. */
const PAGE = 128;

/** The counters of one table. A rule's slot is its chain's first slot (`at`) and its place in the chain; the slot behind the last rule is the policy's. */
export class TableCounters {
  readonly #pages: (Float64Array | undefined)[] = [];

  /** One more packet of so many bytes. */
  count(slot: number, bytes: number): void {
    const page = this.#page(slot);
    const i = 2 * (slot % PAGE);
    page[i]++;
    page[i + 1] += bytes;
  }
  #page(slot: number): Float64Array {
    const n = (slot / PAGE) | 0;
    let page = this.#pages[n];
    if (page === undefined) {
      page = new Float64Array(2 * PAGE);
      this.#pages[n] = page;
    }
    return page;
  }
  set(slot: number, packets: number, bytes: number): void {
    this.#page(slot).set([packets, bytes], 2 * (slot % PAGE));
  }
  packets(slot: number): number {
    return this.#pages[(slot / PAGE) | 0]?.[2 * (slot % PAGE)] ?? 0;
  }
  bytes(slot: number): number {
    return this.#pages[(slot / PAGE) | 0]?.[2 * (slot % PAGE) + 1] ?? 0;
  }
}

/** The counters of all tables that packets met. `T` is the compiled table. */
export class RuleCounters<T extends object> {
  /** A node has a handful: comparing each is quicker than hashing one. */
  readonly #tables: [T, TableCounters][] = [];

  of(table: T): TableCounters {
    const met = this.met(table);
    if (met !== undefined) return met;
    const counters = new TableCounters();
    this.#tables.push([table, counters]);
    return counters;
  }
  /** undefined: no packet has met it. */
  met(table: T): TableCounters | undefined {
    for (let i = 0; i < this.#tables.length; i++) if (this.#tables[i][0] === table) return this.#tables[i][1];
    return undefined;
  }
  tables(): Iterable<readonly [T, TableCounters]> {
    return this.#tables;
  }
}
