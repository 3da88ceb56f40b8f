/** What the rows of the table of causes look at: the first line in which log and model part, and the model's own account of that packet. */
import { byName } from '../../../base/memo.js';
import type { TraceLogLine } from '../../../formats/trace-log-types.js';
import type { XtChain, XtRuleset } from '../../../netfilter/xtables/model.js';
import { printRule } from '../../../netfilter/xtables/print.js';
import type { NodeState } from '../../../scenario/model.js';
import type { Event, EventOf } from '../../../trace/event.js';
import { iptablesOf } from '../assume.js';
import { dialectOf, type FieldDifference, printed } from '../compare.js';
import type { Assumed, Replay, Replayed, ReplayRequest } from '../replay.js';
import type { ModelLine } from '../rounds.js';

/** One possible missing piece. */
export interface Finding {
  /** What is likely so, in plain words. */
  readonly text: string;
  /** What was looked at. */
  readonly facts: readonly string[];
  /** What to run on the real node to know. */
  readonly decide: string;
  /** Tried on the model before it is said; null: nothing to try. */
  readonly change: ((a: Assumed) => Assumed) | null;
  /** The same change in the administrator's own commands, for `--do`; empty where no command makes it. */
  readonly commands: readonly string[];
  /** Nothing can be tried, and there is no doubt about it. */
  readonly certain?: boolean;
}

export interface CauseRow {
  /** Stable, for programs. */
  readonly id: string;
  /** What the row is about, one sentence. */
  readonly about: string;
  readonly find: (c: Case) => readonly Finding[];
}

/** `commands` and the change that carries them out. */
export const byCommands = (...commands: string[]): Pick<Finding, 'change' | 'commands'> => ({
  commands,
  change: (a) => ({ ...a, commands: [...a.commands, ...commands] }),
});
export const byEdit = (edit: (n: NodeState) => NodeState): Pick<Finding, 'change' | 'commands'> => ({
  commands: [],
  change: (a) => ({ ...a, edits: [...a.edits, edit] }),
});
export const untried: Pick<Finding, 'change' | 'commands'> = { commands: [], change: null };
export const certain: Pick<Finding, 'change' | 'commands' | 'certain'> = { ...untried, certain: true };

export class Case {
  readonly at: number;
  readonly log: TraceLogLine | null;
  readonly model: ModelLine | null;
  readonly fields: readonly FieldDifference[];
  readonly before: TraceLogLine | null;
  /** The model's line that agreed last. */
  readonly modelBefore: ModelLine | null;
  readonly events: readonly Event[];
  readonly lines: readonly ModelLine[];
  readonly node: NodeState;
  readonly backend: 'legacy' | 'nft';
  readonly family: 'ipv4' | 'ipv6';
  readonly iptables: string;

  constructor(
    readonly q: ReplayRequest,
    readonly a: Assumed,
    readonly r: Replayed,
    now: Replay,
  ) {
    const p = r.comparison.parting;
    this.at = p?.at ?? 0;
    this.log = p ? p.log : r.walk.lines[0];
    this.model = p?.model ?? null;
    this.fields = p?.fields ?? [];
    this.before = r.walk.lines[this.at - 1] ?? null;
    this.lines = r.round ? printed(r.round, dialectOf(q.log)) : [];
    this.modelBefore = this.at > 0 ? (this.lines[r.comparison.from + this.at - 1] ?? null) : null;
    this.events = r.round?.events ?? [];
    this.node = now.node;
    this.backend = q.log.kind === 'kernel' ? 'legacy' : 'nft';
    this.family = r.walk.lines[0].packet.family;
    this.iptables = iptablesOf(q, r.walk);
  }

  get ruleset(): XtRuleset | null {
    const n = this.node;
    if (this.backend === 'nft') return this.family === 'ipv6' ? n.ip6tablesNft : n.iptablesNft;
    return this.family === 'ipv6' ? n.ip6tables : n.iptables;
  }
  hasTable(name: string): boolean {
    return byName(this.ruleset?.tables ?? [], name) !== undefined;
  }
  chain(table: string, chain: string): XtChain | undefined {
    return byName(byName(this.ruleset?.tables ?? [], table)?.chains ?? [], chain);
  }
  /** `-A CHAIN …` of the dump; null where it has no such rule. */
  rule(table: string, chain: string, num: number): string | null {
    const c = this.chain(table, chain);
    return c && num >= 1 && num <= c.rules.length ? printRule(chain, c.rules.at(num - 1), { family: this.family, table }) : null;
  }
  /** As a fact: `filter:FORWARD:3 is -A FORWARD …`. */
  ruleFact(table: string, chain: string, num: number): string {
    const c = this.chain(table, chain);
    const text =
      this.rule(table, chain, num) ?? (c && num === c.rules.length + 1 ? (c.policy === null ? 'the end of the chain' : `the policy, ${c.policy}`) : null);
    return `in the dump ${table}:${chain}:${num} is ${text ?? 'nothing'}`;
  }

  drop(): EventOf<'drop'> | null {
    return this.events.find((e): e is EventOf<'drop'> => e.t === 'drop') ?? null;
  }
  /** The number of the log's line in the dump's chain; of nf_tables' traces, found by the rule's words. */
  logNum(): number | null {
    const l = this.log;
    if (!l) return null;
    if (l.num !== null) return l.num;
    const length = this.chain(l.table, l.chain)?.rules.length ?? 0;
    if (l.kind !== 'rule') return length + 1;
    for (let i = 1; i <= length; i++) if (this.rule(l.table, l.chain, i) === l.rule) return i;
    return null;
  }
  /** Rules that decided otherwise than the log shows: the one it names, and the one that the model's line names. */
  deciding(): { table: string; chain: string; num: number; matched: boolean }[] {
    const out: { table: string; chain: string; num: number; matched: boolean }[] = [];
    const num = this.logNum();
    if (this.log?.kind === 'rule' && num !== null) out.push({ table: this.log.table, chain: this.log.chain, num, matched: false });
    if (this.model?.kind === 'rule') out.push({ table: this.model.table, chain: this.model.chain, num: this.model.num, matched: true });
    return out;
  }
  about(e: Event, r: { table: string; chain: string; num: number }): boolean {
    return 'rule' in e && e.rule !== null && e.rule.table === r.table && e.rule.chain === r.chain && e.rule.num === r.num;
  }
}

export const place = (l: Pick<TraceLogLine, 'table' | 'chain' | 'kind' | 'num' | 'handle'>): string =>
  `${l.table}:${l.chain}:${l.kind}${l.num !== null ? `:${l.num}` : l.handle !== null ? `:0x${l.handle.toString(16)}` : ''}`;
