/** A big rule set while it is being written down: chains of all tables, each with its rules in order. */
import type { ChainLine, RuleLine } from '../case-spec.js';
import type { Rng } from './rng.js';

export class RuleSet {
  readonly chains: ChainLine[] = [];
  readonly rules: RuleLine[] = [];
  readonly #chains = new Set<string>();

  /** A user chain, once. */
  chain(table: string, name: string): string {
    if (!this.#chains.has(`${table} ${name}`)) {
      this.#chains.add(`${table} ${name}`);
      this.chains.push({ table, name, policy: null });
    }
    return name;
  }
  policy(table: string, name: string, policy: 'ACCEPT' | 'DROP'): void {
    this.chains.push({ table, name, policy });
  }
  /** Rules at the end of a chain, without its name. */
  add(table: string, chain: string, ...rules: readonly string[]): void {
    for (const r of rules) this.rules.push({ table, text: `-A ${chain} ${r}` });
  }
  /** What administrators put in the way: rules that leave a chain early, somewhere. */
  stray(r: Rng, text: (table: string) => string): void {
    const at = r.below(this.rules.length);
    const { table, text: before } = this.rules[at];
    this.rules.splice(at, 0, { table, text: `${before.split(' ').slice(0, 2).join(' ')} ${text(table)}` });
  }
}

/** `-m comment`, as such programs mark every rule. */
export const comment = (text: string): string => `-m comment --comment "${text}"`;

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
/** The hash at the end of a chain's name. */
export const hash = (r: Rng, length = 16): string => Array.from({ length }, () => LETTERS[r.below(32)]).join('');
