/** A sweep summed up: a line per packet while there are few, else what differs between the variants; how often each fate came about. Bounded in memory. */
import type { SweepRow } from './sweep-cells.js';

const MAX_LINES = 500;

const fateOf = (r: SweepRow): string =>
  r.connection !== null
    ? `${r.connection}${r.connection === 'established' ? '' : `: ${r.reply ?? r.request}`}`
    : r.reply === null
      ? r.request
      : `${r.request}; reply ${r.reply}`;

/** For counting: where a packet was delivered does not matter. */
const deliveredOr = (fate: string): string => (fate.startsWith('delivered') ? 'delivered' : fate);
function kindOf(r: SweepRow): string {
  if (r.connection === 'established') return r.connection;
  const way = `${deliveredOr(r.request)}${r.reply === null ? '' : `, reply ${deliveredOr(r.reply)}`}`;
  return r.connection === null ? way : `${r.connection}: ${way}`;
}

export class SweepSummary {
  #lines: string[][] = [];
  #more = 0;
  #packets = 0;
  #differing = 0;
  #cells: SweepRow[] = [];
  readonly #counts: Map<string, number>[];

  constructor(
    readonly variants: readonly string[],
    readonly packets: number,
  ) {
    this.#counts = variants.map(() => new Map());
  }

  /** Rows in the order of the matrix. */
  add(row: SweepRow): void {
    const of = this.#counts[this.#cells.length];
    const kind = kindOf(row);
    of.set(kind, (of.get(kind) ?? 0) + 1);
    this.#cells.push(row);
    if (this.#cells.length === this.variants.length) this.#packet();
  }

  #packet(): void {
    const [r] = this.#cells;
    const fates = this.#cells.map(fateOf);
    this.#cells = [];
    this.#packets++;
    const differs = fates.some((f) => f !== fates[0]);
    if (differs) this.#differing++;
    if (!differs && this.packets > MAX_LINES) return;
    if (this.#lines.length >= MAX_LINES) this.#more++;
    else
      this.#lines.push([
        r.from,
        r.to,
        r.proto === 'icmp' ? 'icmp' : `${r.proto}/${r.port}`,
        fates[0],
        ...fates.slice(1).map((f) => (f === fates[0] ? '=' : f)),
      ]);
  }

  text(): string {
    const table = [['from', 'to', 'service', ...this.variants], ...this.#lines];
    const widths = table[0].map((_, i) => Math.max(...table.map((l) => l[i].length)));
    let out = '';
    if (this.#lines.length > 0)
      out += table
        .map(
          (l) =>
            `${l
              .map((c, i) => c.padEnd(widths[i]))
              .join('  ')
              .trimEnd()}\n`,
        )
        .join('');
    if (this.#more > 0) out += `… and ${this.#more} more such packets\n`;
    out += `${this.#packets} packets${this.variants.length > 1 ? `, ${this.#differing} of them with another fate under some variant` : ''}\n`;
    this.variants.forEach((name, i) => {
      for (const [kind, n] of [...this.#counts[i]].sort((a, b) => b[1] - a[1])) out += `  ${name}: ${n} ${kind}\n`;
    });
    return out;
  }
}
