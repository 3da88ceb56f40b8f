/** Packets and bytes per rule of one run (struct xt_counters). */

/** The counters of one table. A rule's slot is its chain's first slot (`at`) and its place in the chain; the slot behind the last rule is the policy's. */
export class TableCounters {
  readonly #counts: Float64Array;

  constructor(slots: number) {
    this.#counts = new Float64Array(2 * slots);
  }

  /** One more packet of so many bytes. */
  count(slot: number, bytes: number): void {
    this.#counts[2 * slot]++;
    this.#counts[2 * slot + 1] += bytes;
  }
  set(slot: number, packets: number, bytes: number): void {
    this.#counts[2 * slot] = packets;
    this.#counts[2 * slot + 1] = bytes;
  }
  packets(slot: number): number {
    return this.#counts[2 * slot];
  }
  bytes(slot: number): number {
    return this.#counts[2 * slot + 1];
  }
}

/** The counters of all tables that packets met. `T` is the compiled table; `slots`: of all its rules and policies. */
export class RuleCounters<T extends { readonly slots: number }> {
  /** A node has a handful: comparing each is quicker than hashing one. */
  readonly #tables: [T, TableCounters][] = [];

  of(table: T): TableCounters {
    const met = this.met(table);
    if (met !== undefined) return met;
    const counters = new TableCounters(table.slots);
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
