/**
 * What only chance decides is taken from the log: ports that NAT chose, by which later packets are seen; whether a `statistic` rule matched, by the next line;
 * numbers of `numgen random`, as they are assumed.
 */
import type { TraceLogLine } from '../../formats/trace-log-types.js';
import type { Chooser } from '../../netfilter/env.js';
import type { RuleRef } from '../../trace/event.js';
import type { LoggedWalk } from './walks.js';

/** Later packets whose numbers are looked at. */
const AHEAD = 200;

/** What rules with `numgen random` drew of a packet, by drawKey(). */
export type Draws = ReadonlyMap<string, number>;
const NO_DRAWS: Draws = new Map();
export const drawKey = (r: Pick<RuleRef, 'family' | 'table' | 'chain' | 'num'>): string => `${r.family} ${r.table} ${r.chain} ${r.num}`;

export class LogOracle implements Chooser {
  #walk: LoggedWalk | null = null;
  #later: readonly number[] = [];
  #draws: Draws = NO_DRAWS;
  readonly #used = new Set<number>();
  /** Lines of the walk at hand that the model has printed, from the first that the log has. */
  printed = 0;
  /** `mode --probability` rules that say no where others say yes. */
  isInverted: (rule: RuleRef) => boolean = () => false;

  constructor(readonly walks: readonly LoggedWalk[]) {}

  /** The next draws are those of this walk's packet. */
  begin(w: LoggedWalk, at: number, draws: Draws = NO_DRAWS): void {
    this.#walk = w;
    this.#draws = draws;
    this.printed = 0;
    const seen = new Set<number>();
    for (const l of w.lines) for (const n of numbers(l)) this.#used.add(n);
    for (const x of this.walks.slice(at + 1, at + 1 + AHEAD)) for (const n of numbers(x.lines[0])) seen.add(n);
    this.#later = [...seen];
  }

  port(min: number, max: number): number {
    const v = this.#later.find((n) => n >= min && n <= max && !this.#used.has(n)) ?? this.#free(min, max);
    this.#used.add(v);
    return v;
  }

  #free(min: number, max: number): number {
    for (let v = min; v <= max; v++) if (!this.#used.has(v)) return v;
    return min;
  }

  below(bound: number, what: string, rule?: RuleRef | null): number {
    if (what === 'numgen' && rule) return Math.min(this.#draws.get(drawKey(rule)) ?? 0, bound - 1);
    if (what !== 'statistic' || !rule) return 0;
    const next = this.#walk?.lines[this.printed];
    const matched = next !== undefined && next.table === rule.table && next.chain === rule.chain && next.kind === 'rule' && names(next, rule);
    return matched !== this.isInverted(rule) ? 0 : bound - 1;
  }
}

const names = (l: TraceLogLine, r: RuleRef): boolean => (l.num === null ? l.handle === (r.handle ?? -1) : l.num === r.num);

/** Both ports, or the id of an ICMP query. */
function numbers(l: TraceLogLine): number[] {
  const { sport, dport, icmp } = l.packet;
  return [dport, sport, icmp?.id].filter((n): n is number => n !== null && n !== undefined);
}
