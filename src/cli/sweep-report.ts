/** A sweep summed up: a line per packet while there are few, else what differs between the variants; how often each fate came about. Bounded in memory. */
import { type Sweep, type SweepRow, sweepSize } from './sweep-cells.js';

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

/** A range summed up. */
export interface SweepPart {
  readonly lines: readonly (readonly string[])[];
  readonly more: number;
  readonly packets: number;
  readonly differing: number;
  /** By variant. */
  readonly counts: readonly ReadonlyMap<string, number>[];
}

export class SweepSummary {
  readonly #lines: (readonly string[])[] = [];
  #more = 0;
  #packets = 0;
  #differing = 0;
  #cells: SweepRow[] = [];
  readonly #counts: Map<string, number>[];
  readonly #variants: readonly string[];
  /** Of the whole sweep. */
  readonly #few: boolean;

  constructor(sweep: Sweep) {
    this.#variants = sweep.variants.map((v) => v.name);
    this.#few = sweepSize(sweep) / this.#variants.length <= MAX_LINES;
    this.#counts = this.#variants.map(() => new Map());
  }

  part(): SweepPart {
    return { lines: this.#lines, more: this.#more, packets: this.#packets, differing: this.#differing, counts: this.#counts };
  }

  /** The next part, in the order of the matrix. */
  merge(p: SweepPart): void {
    for (const line of p.lines) this.#line(line);
    this.#more += p.more;
    this.#packets += p.packets;
    this.#differing += p.differing;
    p.counts.forEach((counts, i) => {
      for (const [kind, n] of counts) this.#count(i, kind, n);
    });
  }

  /** Rows in the order of the matrix. */
  add(row: SweepRow): void {
    this.#count(this.#cells.length, kindOf(row), 1);
    this.#cells.push(row);
    if (this.#cells.length === this.#variants.length) this.#packet();
  }

  #count(variant: number, kind: string, n: number): void {
    const of = this.#counts[variant];
    of.set(kind, (of.get(kind) ?? 0) + n);
  }

  #line(line: readonly string[]): void {
    if (this.#lines.length >= MAX_LINES) this.#more++;
    else this.#lines.push(line);
  }

  #packet(): void {
    const [r] = this.#cells;
    const fates = this.#cells.map(fateOf);
    this.#cells = [];
    this.#packets++;
    const differs = fates.some((f) => f !== fates[0]);
    if (differs) this.#differing++;
    if (!differs && !this.#few) return;
    const service = r.proto === 'icmp' ? 'icmp' : `${r.proto}/${r.port}`;
    this.#line([r.from, r.to, service, fates[0], ...fates.slice(1).map((f) => (f === fates[0] ? '=' : f))]);
  }

  text(): string {
    const table = [['from', 'to', 'service', ...this.#variants], ...this.#lines];
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
    out += `${this.#packets} packets${this.#variants.length > 1 ? `, ${this.#differing} of them with another fate under some variant` : ''}\n`;
    this.#variants.forEach((name, i) => {
      for (const [kind, n] of [...this.#counts[i]].sort((a, b) => b[1] - a[1])) out += `  ${name}: ${n} ${kind}\n`;
    });
    return out;
  }
}
