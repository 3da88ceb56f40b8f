/** Rules of a dump as the rows ask for them and change them: of iptables in iptables' words and commands, of nft itself in nft(8)'s. */
import { byName } from '../../../base/memo.js';
import type { NftChain, NftFamily, NftTable } from '../../../netfilter/nftables/model.js';
import { ruleHandles } from '../../../netfilter/nftables/rule-handles.js';
import type { XtChain, XtRuleset } from '../../../netfilter/xtables/model.js';
import { printRule } from '../../../netfilter/xtables/print.js';
import type { NodeState } from '../../../scenario/model.js';
import { nftTables } from '../../../stack/nft-steps.js';
import type { NodeEdit } from '../nft-edit.js';
import { nativeTable } from '../places.js';
import type { Assumed } from '../replay.js';

/** A chain of a rule set. */
export interface Spot {
  /** Null: the log tells none, and the table is of iptables. */
  readonly nftFamily: NftFamily | null;
  readonly table: string;
  readonly chain: string;
}

/** What a rule that came since may do with a packet. */
export type Doing = 'pass' | 'accept' | 'drop' | 'return' | { readonly jump: string } | { readonly goto: string };

export interface Change {
  /** As the administrator would type it, for `--do`; empty where no command makes it. */
  readonly commands: readonly string[];
  readonly change: (a: Assumed) => Assumed;
}

/** `commands` and the change that carries them out. */
export const byCommands = (...commands: string[]): Change => ({ commands, change: (a) => ({ ...a, commands: [...a.commands, ...commands] }) });
export const byEdit = (edit: NodeEdit): Change => ({ commands: [], change: (a) => ({ ...a, edits: [...a.edits, edit] }) });

export interface RuleTool {
  readonly native: boolean;
  hasTable(s: Spot): boolean;
  /** Rules of the chain; null: there is no such chain. */
  length(s: Spot): number | null;
  /** Null: no base chain. */
  policy(s: Spot): 'ACCEPT' | 'DROP' | null;
  /** In the tool's words; null: there is no such rule. */
  rule(s: Spot, num: number): string | null;
  /** `filter:FORWARD`, `inet filter forward`. */
  place(s: Spot): string;
  /** What shows the rules of a chain, or one of them. */
  show(s: Spot, num?: number): string;
  insert(s: Spot, num: number, words: string): Change;
  remove(s: Spot, num: number): Change;
  replace(s: Spot, num: number, words: string): Change;
  setPolicy(s: Spot, to: 'ACCEPT' | 'DROP'): Change;
  /** A rule that matches every packet. */
  words(d: Doing, comment?: string): string;
}

const CAME = 'came since';

export class XtTool implements RuleTool {
  readonly native = false;
  constructor(
    readonly rules: XtRuleset | null,
    readonly family: 'ipv4' | 'ipv6',
    readonly command: string,
  ) {}

  #chain(s: Spot): XtChain | undefined {
    return byName(byName(this.rules?.tables ?? [], s.table)?.chains ?? [], s.chain);
  }
  hasTable(s: Spot): boolean {
    return byName(this.rules?.tables ?? [], s.table) !== undefined;
  }
  length(s: Spot): number | null {
    return this.#chain(s)?.rules.length ?? null;
  }
  policy(s: Spot): 'ACCEPT' | 'DROP' | null {
    const p = this.#chain(s)?.policy ?? null;
    return p === null ? null : p === 'DROP' ? 'DROP' : 'ACCEPT';
  }
  rule(s: Spot, num: number): string | null {
    const c = this.#chain(s);
    return c && num >= 1 && num <= c.rules.length ? printRule(s.chain, c.rules.at(num - 1), { family: this.family, table: s.table }) : null;
  }
  place(s: Spot): string {
    return `${s.table}:${s.chain}`;
  }
  show(s: Spot, num?: number): string {
    return `${this.command} -t ${s.table} -S ${s.chain}${num === undefined ? '' : ` ${num}`}`;
  }
  insert(s: Spot, num: number, words: string): Change {
    return byCommands(`${this.command} -t ${s.table} -I ${s.chain} ${num} ${words}`);
  }
  remove(s: Spot, num: number): Change {
    return byCommands(`${this.command} -t ${s.table} -D ${s.chain} ${num}`);
  }
  replace(s: Spot, num: number, words: string): Change {
    return byCommands(`${this.command} -t ${s.table} -R ${s.chain} ${num} ${words}`);
  }
  setPolicy(s: Spot, to: 'ACCEPT' | 'DROP'): Change {
    return byCommands(`${this.command} -t ${s.table} -P ${s.chain} ${to}`);
  }
  words(d: Doing, comment = CAME): string {
    const counting = `-m comment --comment "${comment}"`;
    if (d === 'pass') return counting;
    if (typeof d === 'string') return `${counting} -j ${d.toUpperCase()}`;
    return `${counting} ${'jump' in d ? `-j ${d.jump}` : `-g ${d.goto}`}`;
  }
}

/** Commands of nft(8) as a shell takes them: what is a string to nft keeps its quotes. */
export const byNft = (...commands: string[]): Change => byCommands(...commands.map((c) => `nft ${c.replace(/"/g, '\\"')}`));

export class NftTool implements RuleTool {
  readonly native = true;
  constructor(readonly node: NodeState) {}

  #table(s: Spot): NftTable | undefined {
    return nativeTable(this.node, s);
  }
  #chain(s: Spot): NftChain | undefined {
    return byName(this.#table(s)?.chains ?? [], s.chain);
  }
  hasTable(s: Spot): boolean {
    return nftTables(this.node).some((t) => t.family === s.nftFamily && t.name === s.table);
  }
  length(s: Spot): number | null {
    return this.#chain(s)?.rules.length ?? null;
  }
  policy(s: Spot): 'ACCEPT' | 'DROP' | null {
    const base = this.#chain(s)?.base;
    return base ? (base.policy === 'drop' ? 'DROP' : 'ACCEPT') : null;
  }
  rule(s: Spot, num: number): string | null {
    return this.#chain(s)?.rules[num - 1]?.text.replace(/\s+/g, ' ') ?? null;
  }
  place(s: Spot): string {
    return `${s.nftFamily} ${s.table} ${s.chain}`;
  }
  show(s: Spot): string {
    return `nft -a list chain ${this.place(s)}`;
  }
  insert(s: Spot, num: number, words: string): Change {
    const end = num > (this.length(s) ?? 0);
    return byNft(end ? `add rule ${this.place(s)} ${words}` : `insert rule ${this.place(s)} index ${num - 1} ${words}`);
  }
  #handle(s: Spot, num: number): number {
    const t = this.#table(s);
    const rule = this.#chain(s)?.rules[num - 1];
    return (t && rule && ruleHandles(t).get(rule)) ?? 0;
  }
  remove(s: Spot, num: number): Change {
    return byNft(`delete rule ${this.place(s)} handle ${this.#handle(s, num)}`);
  }
  replace(s: Spot, num: number, words: string): Change {
    return byNft(`replace rule ${this.place(s)} handle ${this.#handle(s, num)} ${words}`);
  }
  setPolicy(s: Spot, to: 'ACCEPT' | 'DROP'): Change {
    return byNft(`chain ${this.place(s)} { policy ${to.toLowerCase()} ; }`);
  }
  words(d: Doing, comment = CAME): string {
    const verdict = d === 'pass' ? '' : typeof d === 'string' ? ` ${d}` : 'jump' in d ? ` jump ${d.jump}` : ` goto ${d.goto}`;
    return `counter${verdict} comment "${comment}"`;
  }
}

export const tableOf = (s: Spot): { readonly family: NftFamily; readonly name: string } => ({ family: s.nftFamily ?? 'ip', name: s.table });
