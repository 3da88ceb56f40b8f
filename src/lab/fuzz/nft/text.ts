/** A rule set of nft while it is being written down: commands of `nft -f`, one a line, in an order in which each finds what it names. */
import type { NftFamily } from '../../../netfilter/nftables/model.js';
import type { Rng } from '../rng.js';

export type NftHook = 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';
export const HOOKS: readonly NftHook[] = ['prerouting', 'input', 'forward', 'output', 'postrouting'];

/** A set or map that rules may ask. */
export interface SetLine {
  readonly name: string;
  /** What an expression has to be to be looked up in it: `ip saddr`, `ip daddr . tcp dport`, as types. */
  readonly key: string;
  /** Of a map: the type of its values. */
  readonly data: string | null;
  readonly dynamic: boolean;
}

export class NftText {
  readonly #chains: string[] = [];
  readonly #sets: string[] = [];
  readonly #rules: string[] = [];
  readonly names = new Set<string>();
  readonly sets: SetLine[] = [];
  readonly counters: string[] = [];

  constructor(
    readonly family: NftFamily,
    readonly name: string,
  ) {}

  get #at(): string {
    return `${this.family} ${this.name}`;
  }

  chain(name: string): string {
    if (!this.names.has(name)) this.#chains.push(`add chain ${this.#at} ${name}`);
    this.names.add(name);
    return name;
  }
  base(name: string, type: string, hook: NftHook, priority: number | string, policy: 'accept' | 'drop' = 'accept'): string {
    this.names.add(name);
    this.#chains.push(`add chain ${this.#at} ${name} { type ${type} hook ${hook} priority ${priority}; policy ${policy}; }`);
    return name;
  }
  /** `body`: what stands between its braces besides the type. */
  set(s: SetLine, body: string): string {
    const type = s.data === null ? s.key : `${s.key} : ${s.data}`;
    this.sets.push(s);
    this.#sets.push(`add ${s.data === null ? 'set' : 'map'} ${this.#at} ${s.name} { type ${type}; ${body} }`);
    return s.name;
  }
  object(kind: string, name: string, body: string): string {
    this.counters.push(name);
    this.#sets.push(`add ${kind} ${this.#at} ${name} { ${body} }`);
    return name;
  }
  /** Rules at the end of a chain. */
  add(chain: string, ...rules: readonly string[]): void {
    for (const r of rules) this.#rules.push(`add rule ${this.#at} ${chain} ${r}`);
  }
  /** What administrators put in the way: a rule somewhere before another of its chain. */
  stray(r: Rng, text: string): void {
    if (this.#rules.length === 0) return;
    const at = r.below(this.#rules.length);
    this.#rules.splice(at, 0, `${this.#rules[at].split(' ').slice(0, 5).join(' ')} ${text}`);
  }
  lines(): readonly string[] {
    return [`add table ${this.#at}`, ...this.#chains, ...this.#sets, ...this.#rules];
  }
}
