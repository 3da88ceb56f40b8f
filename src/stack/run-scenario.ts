/** Runs a scenario: its commands and packets in order, one private run. Returns events and outcomes; nothing is printed here. */
import { type Addr, anyAddr } from '../base/addr.js';
import { invariant } from '../base/assert.js';
import { type Diagnostic, hasErrors } from '../base/diagnostic.js';
import { type CtEntry, entryOf } from '../netfilter/conntrack/entry.js';
import type { NodeCommand, NodeState, Scenario, ScenarioPacket } from '../scenario/model.js';
import { type Event, FATES, KindRecorder, ListRecorder } from '../trace/event.js';
import { Network } from './network.js';
import type { NodeRun } from './node-run.js';
import { type Outcome, outcomeOf } from './outcome.js';
import { sendPacket } from './send.js';
import { scenarioSockets } from './sockets/scenario.js';

/** Carries out an administrator's command on a running node (tools/). */
export type Execute = (net: Network, c: NodeCommand) => readonly Diagnostic[];

/** Carries out `apply:` of a scenario (tools/). */
export type Apply = (net: Network, s: Pick<Scenario, 'apply'>) => readonly Diagnostic[];

export interface RunOptions {
  /** --verbose: rules that were tried are told, too. */
  readonly verbose?: boolean;
  /** --trace-all: every scenario packet is flagged before its first hook. */
  readonly traceAll?: boolean;
  /** Keep every node's connection tracking table as it stands after each packet. */
  readonly keepConntrack?: boolean;
  /** Of each packet its outcome and nothing that only tells how it came about: few events, no frames. */
  readonly outcomesOnly?: boolean;
  readonly execute: Execute;
  /** Puts on the nodes what rule generators wrote (tools/apply.ts); needed by scenarios that have any. */
  readonly apply?: Apply;
}

export interface PacketRun {
  readonly packet: ScenarioPacket;
  /** From 1, where count > 1. */
  readonly nth: number;
  /** The events from its sending to the end of all that it set off. */
  readonly events: readonly Event[];
  readonly outcome: Outcome;
  /** errno of the system call that sent it; 0 = fine. */
  readonly errno: number;
  /** The nodes as they were then. */
  readonly nodes: ReadonlyMap<string, NodeState>;
  /** MIB counters that rose while it was under way, by node; names as nstat(8) prints them. */
  readonly counters: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** The tables after it, by node, oldest entry first; empty unless asked for (RunOptions.keepConntrack). */
  readonly conntrack: ReadonlyMap<string, readonly CtEntry[]>;
  readonly target: { readonly src: Addr; readonly dst: Addr };
  /** The packet before it in the run, whose questions may still be open; null for the first. */
  readonly previous: PacketRun | null;
}

export interface ScenarioRun {
  readonly scenario: Scenario;
  readonly packets: readonly PacketRun[];
  readonly events: readonly Event[];
  readonly network: Network;
  /** What commands had to say; an error means that the rest did not run. */
  readonly diagnostics: readonly Diagnostic[];
}

export function runScenario(scenario: Scenario, o: RunOptions): ScenarioRun {
  const recorder = o.outcomesOnly ? new KindRecorder(FATES) : new ListRecorder(o.verbose ?? false);
  const network = new Network(scenario, { recorder, makeSockets: scenarioSockets });
  network.traceAll = o.traceAll ?? scenario.traceAll;
  const diagnostics: Diagnostic[] = [];
  const packets: PacketRun[] = [];
  const perform = (commands: readonly NodeCommand[]): boolean => {
    for (const c of commands) {
      const ds = o.execute(network, c);
      diagnostics.push(...ds);
      if (ds.some((d) => d.severity === 'error')) return false;
    }
    return true;
  };
  if (applied(network, scenario, o, diagnostics) && perform(scenario.do)) {
    for (const p of scenario.packets) {
      if (!perform(p.do)) break;
      for (let nth = 1; nth <= p.count; nth++) packets.push(runPacket(network, recorder, p, nth, o.keepConntrack ?? false, packets.at(-1) ?? null));
    }
  }
  return { scenario, packets, events: recorder.events, network, diagnostics };
}

function applied(network: Network, scenario: Scenario, o: RunOptions, diagnostics: Diagnostic[]): boolean {
  if (scenario.apply.length === 0) return true;
  invariant(o.apply, 'whoever runs a scenario with apply: says how');
  const ds = o.apply(network, scenario);
  diagnostics.push(...ds);
  return !hasErrors(ds);
}

function runPacket(
  network: Network,
  recorder: ListRecorder | KindRecorder,
  packet: ScenarioPacket,
  nth: number,
  keep: boolean,
  previous: PacketRun | null,
): PacketRun {
  const from = recorder.events.length;
  const before = new Map(network.nodes.map((n) => [n.name, n.mib.values]));
  const node = network.node(packet.source.node) as NodeRun;
  const { errno, connection } = sendPacket(network, node, packet, nth);
  const events = recorder.events.slice(from);
  const root = events.find((e) => e.t === 'skb' && e.origin.of === null)?.skb ?? -1;
  const nodes = new Map(network.nodes.map((n) => [n.name, n.given]));
  const outcome = outcomeOf(events, root, nodes, connection);
  const start = outcome.request.start;
  const target = start ?? { src: anyAddr('ipv4'), dst: 'to' in packet.spec ? packet.spec.to : anyAddr('ipv4') };
  return {
    packet,
    nth,
    events,
    outcome,
    errno,
    nodes,
    counters: new Map(network.nodes.map((n) => [n.name, rises(before.get(n.name), n.mib.values)])),
    conntrack: new Map(keep ? network.nodes.map((n) => [n.name, [...n.conntrack.entries()].map((c) => entryOf(c, n.now()))]) : []),
    target,
    previous,
  };
}

function rises(before: ReadonlyMap<string, number> | undefined, after: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const out = new Map<string, number>();
  for (const [name, value] of after) {
    const by = value - (before?.get(name) ?? 0);
    if (by !== 0) out.set(name, by);
  }
  return out;
}
