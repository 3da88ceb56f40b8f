/** Replays the packets of a log on one node of the model, in the order of their first lines, and compares each with what the log shows. */
import { type Diagnostic, hasErrors } from '../../base/diagnostic.js';
import type { TraceLog } from '../../formats/trace-log-types.js';
import { IPPROTO } from '../../packet/skb.js';
import { rulesetOf } from '../../render/rule-text.js';
import type { NodeState } from '../../scenario/model.js';
import { Network } from '../../stack/network.js';
import type { NodeRun } from '../../stack/node-run.js';
import type { Execute } from '../../stack/run-scenario.js';
import { type Event, NO_RECORDER, type Recorder, type RuleRef } from '../../trace/event.js';
import { type Comparison, compare, type Dialect, dialectOf, modelRule, sameTable } from './compare.js';
import { assumeFlow, type FlowBefore } from './flows.js';
import { type Draws, LogOracle } from './oracle.js';
import { type Filled, flowKey } from './packet.js';
import { type ModelLine, nftFamilyOf, type Round, Rounds } from './rounds.js';
import { type Setting, sendWalk } from './send.js';
import { silentSockets } from './sockets.js';
import type { LoggedWalk } from './walks.js';

export interface WalkSetting extends Setting {
  readonly flow?: FlowBefore;
  readonly draws?: Draws;
}

/** What a replay takes for granted beyond dump and log. */
export interface Assumed {
  /** Of a node, in the administrator's own commands, before the first packet. */
  readonly commands: readonly string[];
  /** Changes that no command makes. */
  readonly edits: readonly ((n: NodeState) => NodeState)[];
  /** By number of the walk. */
  readonly walks: ReadonlyMap<number, WalkSetting>;
}
export const NOTHING_ASSUMED: Assumed = { commands: [], edits: [], walks: new Map() };

export interface Replayed {
  readonly walk: LoggedWalk;
  /** null: the model could not even send it, `problem` says why. */
  readonly round: Round | null;
  readonly problem: string | null;
  /** The model made this packet itself (an answer, an error, a tunnel's outside, lo). */
  readonly own: boolean;
  readonly comparison: Comparison;
}

export interface Replay {
  readonly results: readonly Replayed[];
  /** The node with what was assumed of it. */
  readonly node: NodeState;
  readonly diagnostics: readonly Diagnostic[];
}

export interface ReplayRequest {
  readonly given: NodeState;
  readonly log: TraceLog;
  readonly walks: readonly LoggedWalk[];
  readonly execute: Execute;
}

/** `upto`: the number of the last walk that is replayed. `whole`: rules that said no are told, and all events kept. */
export function replay(q: ReplayRequest, a: Assumed, o: { readonly upto?: number; readonly whole?: boolean } = {}): Replay {
  return new Run(q, a, o.whole ?? false).run(o.upto ?? q.walks.length);
}

/** Commands that change what is given of a node and nothing else of it. */
const STATIC = /^(ip6?tables|nft|ipset|sysctl|ip) /;
/** Nodes as such commands leave them: many replays differ in the last of them only, and compiled rules belong to a state. */
const preparedNodes = new WeakMap<ReplayRequest, Map<string, NodeState>>();

function prepared(q: ReplayRequest, a: Assumed): { readonly node: NodeState; readonly left: readonly string[] } {
  const given = a.edits.reduce((n, edit) => edit(n), q.given);
  if (a.edits.length > 0 || !a.commands.every((c) => STATIC.test(c))) return { node: given, left: a.commands };
  const known = preparedNodes.get(q) ?? new Map<string, NodeState>();
  preparedNodes.set(q, known);
  const done = a.commands.length;
  const key = a.commands.join('\n');
  let node = known.get(key);
  if (node === undefined) {
    const before = done > 0 ? prepared(q, { ...a, commands: a.commands.slice(0, -1) }) : { node: given, left: [] };
    if (before.left.length > 0) return { node: given, left: a.commands };
    const net = new Network({ nodes: [before.node], wires: [], clock: 0, seed: 1 }, { recorder: NO_RECORDER, makeSockets: silentSockets });
    // What cannot be carried out is told by the run itself.
    if (done > 0 && hasErrors(q.execute(net, { node: given.name, command: a.commands[done - 1], span: null }))) return { node: given, left: a.commands };
    node = net.nodes[0].given;
    known.set(key, node);
  }
  return { node, left: [] };
}

class Run implements Recorder {
  readonly on = true;
  readonly #rounds: Rounds;
  readonly #oracle: LogOracle;
  readonly #dialect: Dialect;
  readonly #net: Network;
  readonly #node: NodeRun;
  readonly #sequences = new Sequences();
  /** Rounds of earlier packets that no logged walk has answered to yet. */
  #open: Round[] = [];
  #walk: LoggedWalk | null = null;
  /** Those that are still to be carried out. */
  readonly #commands: readonly string[];

  constructor(
    readonly q: ReplayRequest,
    readonly a: Assumed,
    readonly verbose: boolean,
  ) {
    this.#rounds = new Rounds(q.log.kind, verbose);
    this.#oracle = new LogOracle(q.walks);
    this.#dialect = dialectOf(q.log);
    const start = prepared(q, a);
    this.#commands = start.left;
    this.#net = new Network({ nodes: [start.node], wires: [], clock: 0, seed: 1 }, { recorder: this, chooser: this.#oracle, makeSockets: silentSockets });
    this.#net.traceAll = true;
    this.#node = this.#net.nodes[0];
    this.#oracle.isInverted = (r) => this.#isInverted(r);
  }

  event(e: Event): void {
    if (e.skb === 0) return;
    this.#rounds.add(e);
    const next = this.#walk?.lines[this.#oracle.printed];
    if (next === undefined || (e.t !== 'trace' && e.t !== 'nft-trace')) return;
    if (
      sameTable(next, { table: e.rule.table, nftFamily: nftFamilyOf(e.rule) }) &&
      e.rule.chain === next.chain &&
      (next.num === null ? e.kind === next.kind : e.rule.num === next.num)
    )
      this.#oracle.printed++;
  }

  #isInverted(r: RuleRef): boolean {
    return rulesetOf(this.#node.given, r) !== null && /! --probability/.test(modelRule(this.#node.given, { e: { rule: r } as ModelLine['e'] }) ?? '');
  }

  run(upto: number): Replay {
    const diagnostics: Diagnostic[] = [];
    for (const command of this.#commands) {
      diagnostics.push(...this.q.execute(this.#net, { node: this.#node.name, command, span: null }));
      if (hasErrors(diagnostics)) return { results: [], node: this.#node.given, diagnostics };
    }
    const start = this.q.walks[0]?.lines[0].time ?? null;
    const results: Replayed[] = [];
    for (let i = 0; i < upto; i++) {
      const w = this.q.walks[i];
      const time = w.lines[0].time;
      if (time !== null && start !== null) this.#net.world.clock = Math.max(this.#net.world.clock, time - start);
      results.push(this.#replay(w, i));
    }
    return { results, node: this.#node.given, diagnostics };
  }

  #replay(w: LoggedWalk, at: number): Replayed {
    const s = this.a.walks.get(w.n) ?? {};
    if (s.flow) assumeFlow(this.#node, w, this.q.walks, s.flow);
    const own = this.#take(w);
    if (own) return this.#compared(w, own, null, true);
    this.#walk = w;
    this.#oracle.begin(w, at, s.draws);
    const before = this.#rounds.all.length;
    const problem = sendWalk(this.#net, this.#node, w, s, this.#sequences.next(w));
    this.#walk = null;
    const fresh = this.#rounds.all.slice(before);
    this.#open = [...this.#open.slice(-MOST_OPEN), ...fresh];
    const found = this.#take(w) ?? (w.lines[0].packet.in === 'lo' ? null : (fresh[0] ?? null));
    this.#open = this.#open.filter((r) => r !== found);
    return this.#compared(w, found, problem, false);
  }

  #compared(walk: LoggedWalk, round: Round | null, problem: string | null, own: boolean): Replayed {
    const nothing: Round = { skb: 0, hook: null, last: null, lastHook: null, events: [], lines: [] };
    return { walk, round, problem, own, comparison: compare(walk, round ?? nothing, this.#node.given, this.#dialect) };
  }

  /** The oldest round that shows this packet, taken out of those that are open. */
  #take(w: LoggedWalk): Round | null {
    const i = this.#open.findIndex((r) => isSame(w, r));
    return i < 0 ? null : this.#open.splice(i, 1)[0];
  }
}

const MOST_OPEN = 200;

function isSame(w: LoggedWalk, r: Round): boolean {
  const [first] = w.lines;
  const { packet: a } = first;
  const m = r.lines.find((l) => l.hook === w.hook && sameTable(first, l) && l.chain === first.chain) ?? r.lines.find((l) => l.hook === w.hook);
  if (!m) return false;
  const b = m.packet;
  const same = (x: number | null | undefined, y: number | null): boolean => x === null || x === undefined || x === y;
  return (
    a.family === b.family &&
    a.in === b.in &&
    a.src === b.src &&
    a.dst === b.dst &&
    same(a.proto, b.proto) &&
    same(a.sport, b.sport) &&
    same(a.dport, b.dport) &&
    same(a.icmp?.type, b.type) &&
    same(a.icmp?.id, b.icmpId) &&
    same(a.icmp?.seq, b.icmpSeq) &&
    same(a.tcp?.flags, b.flags)
  );
}

/** Sequence numbers and ids where a log has none, so that connection tracking sees whole conversations. */
class Sequences {
  readonly #next = new Map<string, number>();
  /** By the ends of a ping, who asks first. */
  readonly #echo = new Map<string, number>();
  #echoes = 0;

  next(w: LoggedWalk): Filled {
    const p = w.lines[0].packet;
    const ends = [`${flowKey(p)} ${p.src}`, `${flowKey(p)} ${p.dst}`];
    const [seq, ack] = ends.map((e) => this.#next.get(e) ?? 1);
    const flags = p.tcp?.flags ?? 0;
    const payload = p.proto === IPPROTO.TCP && p.len !== null ? Math.max(0, p.len - (p.family === 'ipv4' ? 40 : 60)) : 0;
    this.#next.set(ends[0], seq + (flags & SYN_OR_FIN ? 1 : payload));
    return { seq, ack, ...this.#ping(w) };
  }

  /** A packet between the ends of an earlier request, the other way, answers it. A request that nat chains see is of a new ping. */
  #ping(w: LoggedWalk): Pick<Filled, 'reply' | 'echo'> {
    const { src } = w.lines[0].packet;
    const { dst } = w.lines[w.lines.length - 1].packet;
    const asked = this.#echo.get(`${dst} ${src}`);
    if (asked !== undefined && !w.lines.some((l) => l.table === 'nat')) return { reply: true, echo: asked };
    const known = this.#echo.get(`${src} ${dst}`);
    const echo = known === undefined || w.lines.some((l) => l.table === 'nat') ? ++this.#echoes : known;
    this.#echo.set(`${src} ${dst}`, echo);
    return { reply: false, echo };
  }
}
const SYN_OR_FIN = 3;
