/** What the rows of the table of causes look at: the first line in which log and model part, and the model's own account of that packet. */
import type { TraceLogLine } from '../../../formats/trace-log-types.js';
import type { XtRuleset } from '../../../netfilter/xtables/model.js';
import type { NodeState } from '../../../scenario/model.js';
import { type Event, type EventOf, isXtRule, type RuleRef } from '../../../trace/event.js';
import { iptablesOf } from '../assume.js';
import { dialectOf, type FieldDifference, isNftRule, nftRule, printed } from '../compare.js';
import { Places } from '../places.js';
import type { Assumed, Replay, Replayed, ReplayRequest } from '../replay.js';
import { type ModelLine, nftFamilyOf } from '../rounds.js';
import { type Change, NftTool, type RuleTool, type Spot, XtTool } from './tool.js';

/** One possible missing piece. */
export interface Finding {
  /** What is likely so, in plain words. */
  readonly text: string;
  /** What was looked at. */
  readonly facts: readonly string[];
  /** What to run on the real node to know. */
  readonly decide: string;
  /** Tried on the model before it is said; null: nothing to try. */
  readonly change: Change['change'] | null;
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

export { byCommands, byEdit } from './tool.js';
export const untried: Pick<Finding, 'change' | 'commands'> = { commands: [], change: null };
export const certain: Pick<Finding, 'change' | 'commands' | 'certain'> = { ...untried, certain: true };

/** A rule that decided otherwise than the log shows. */
export interface Decider {
  readonly at: Spot;
  readonly num: number;
  /** In the model, and not on the node; else the other way round. */
  readonly matched: boolean;
}

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
  readonly places: Places;
  readonly #xt: RuleTool;
  readonly #nft: RuleTool;

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
    this.places = new Places(now.node, q.log.lines);
    this.#xt = new XtTool(this.ruleset, this.family, this.iptables);
    this.#nft = new NftTool(now.node);
  }

  get ruleset(): XtRuleset | null {
    const n = this.node;
    if (this.backend === 'nft') return this.family === 'ipv6' ? n.ip6tablesNft : n.iptablesNft;
    return this.family === 'ipv6' ? n.ip6tables : n.iptables;
  }
  /** Is it a table of nft itself? */
  isNative(s: Spot): boolean {
    return this.places.isNative(s);
  }
  /** What the tables of that kind are asked and changed by. */
  tool(s: Spot): RuleTool {
    return this.isNative(s) ? this.#nft : this.#xt;
  }
  /** In the words of its tool; null where the dump has no such rule. */
  rule(s: Spot, num: number): string | null {
    return this.tool(s).rule(s, num);
  }
  /** `filter:FORWARD:3`, `inet filter forward:3`. */
  rulePlace(s: Spot, num: number): string {
    return `${this.tool(s).place(s)}:${num}`;
  }
  /** As a fact: `filter:FORWARD:3 is -A FORWARD …`. */
  ruleFact(s: Spot, num: number): string {
    const tool = this.tool(s);
    const policy = tool.policy(s);
    const text = this.rule(s, num) ?? (num === (tool.length(s) ?? -1) + 1 ? (policy === null ? 'the end of the chain' : `the policy, ${policy}`) : null);
    return `in the dump ${this.rulePlace(s, num)} is ${text ?? 'nothing'}`;
  }
  /** A line's place, as its tools call it. */
  place(l: TraceLogLine | ModelLine): string {
    if (!this.isNative(l)) return 'e' in l ? xtPlace({ ...l, handle: null }) : xtPlace(l);
    const chain = this.tool(l).place(l);
    if (l.kind !== 'rule') return `${chain} ${l.kind}`;
    if ('e' in l) return `${chain}:${l.num}`;
    return l.rule === null ? `${chain} handle ${l.handle ?? 0}` : `${chain} “${l.rule}”`;
  }

  drop(): EventOf<'drop'> | null {
    return this.events.find((e): e is EventOf<'drop'> => e.t === 'drop') ?? null;
  }
  /** The drop's rule or policy: of the log's backend, or of nft itself, whose drops end every log. */
  dropSpot(): { readonly at: Spot; readonly num: number } | null {
    const r = this.drop()?.rule;
    if (!r || r.backend === 'ebtables') return null;
    return r.backend === this.backend || r.backend === 'nftables' ? { at: spotOf(r), num: r.num } : null;
  }
  /** The number of the log's line in the dump's chain; of nf_tables' traces, found by the rule's words. */
  logNum(): number | null {
    const l = this.log;
    if (!l) return null;
    if (l.num !== null) return l.num;
    const length = this.tool(l).length(l) ?? 0;
    if (l.kind !== 'rule') return length + 1;
    for (let i = 1; i <= length; i++) if (this.#isRule(l, i)) return i;
    return null;
  }
  #isRule(l: TraceLogLine, num: number): boolean {
    if (!this.isNative(l)) return this.rule(l, num) === l.rule;
    return isNftRule(l, nftRule(this.node, { family: l.nftFamily ?? 'ip', table: l.table, chain: l.chain, num }));
  }
  /** Rules that decided otherwise than the log shows: the one it names, and the one that the model's line names. */
  deciding(): Decider[] {
    const out: Decider[] = [];
    const num = this.logNum();
    if (this.log?.kind === 'rule' && num !== null) out.push({ at: this.log, num, matched: false });
    if (this.model?.kind === 'rule') out.push({ at: this.model, num: this.model.num, matched: true });
    return out;
  }
  about(e: Event, d: Decider): boolean {
    if (!('rule' in e) || e.rule === null || e.rule.table !== d.at.table || e.rule.chain !== d.at.chain || e.rule.num !== d.num) return false;
    return d.at.nftFamily === null || (e.rule.backend !== 'ebtables' && e.rule.backend !== 'legacy' && nftFamilyOf(e.rule) === d.at.nftFamily);
  }
}

export const spotOf = (r: RuleRef): Spot => ({ nftFamily: isXtRule(r) && r.backend === 'legacy' ? null : nftFamilyOf(r), table: r.table, chain: r.chain });

const xtPlace = (l: Pick<TraceLogLine, 'table' | 'chain' | 'kind' | 'num' | 'handle'>): string =>
  `${l.table}:${l.chain}:${l.kind}${l.num !== null ? `:${l.num}` : l.handle !== null ? `:0x${l.handle.toString(16)}` : ''}`;
