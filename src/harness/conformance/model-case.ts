/** The engine as a CaseRunner: builds the node from a case's recorded state through the readers of users' dumps, replays the steps, and writes down what happened. */
import { formatAddr } from '../../base/addr.js';
import { hasErrors } from '../../base/diagnostic.js';
import { protoName } from '../../formats/conntrack.js';
import { type CtEntry, entryOf } from '../../netfilter/conntrack/entry.js';
import type { Conn } from '../../netfilter/conntrack/index.js';
import { ruleInstances } from '../../netfilter/nftables/rule.js';
import type { SetRun } from '../../netfilter/nftables/set-run.js';
import type { NfConn, Tuple } from '../../packet/types.js';
import type { NodeState } from '../../scenario/model.js';
import { nodeFromCorpus } from '../../scenario/node.js';
import { isMade } from '../../stack/nft-native.js';
import { NodeRun } from '../../stack/node-run.js';
import { frameToSkb } from '../../stack/receive.js';
import { World } from '../../stack/world.js';
import { type Event, type EventOf, ListRecorder } from '../../trace/event.js';
import type { CaseInput, ConntrackEntry, CounterChanges, CtTuple, InjectStep, ModelCase, ModelStep, Observed, StepInput } from './corpus.js';
import { bytesHex, hexBytes } from './hex.js';
import { type CaseSockets, caseSockets } from './model-sockets.js';
import { nftCounts } from './nft-counts.js';
import { noteNumbers } from './packets.js';
import { ephemeralChooser, IsnOracle } from './run.js';
import { modelPointNft, tracePoint } from './trace-point.js';

export function modelCase(input: CaseInput): ModelCase {
  const { value: state, diagnostics } = nodeFromCorpus(input.links, input.state as never, input.backend, input.family);
  if (hasErrors(diagnostics)) {
    const what = `state not read: ${diagnostics.find((d) => d.severity === 'error')!.message}`;
    return { id: input.id, steps: input.steps.map((s) => ({ n: s.n, inconclusive: what })) };
  }
  return new CaseRun(input, state).run();
}

class CaseRun {
  readonly #rec = new ListRecorder();
  readonly #world: World;
  readonly #node: NodeRun;
  readonly #sockets: CaseSockets;
  readonly #seen = new Set<number>();
  readonly #vxlanPorts: ReadonlySet<number>;
  #taken = 0;
  #mibBefore = new Map<string, number>();
  #rulesBefore = new Map<string, number>();

  constructor(
    readonly input: CaseInput,
    state: NodeState,
  ) {
    this.#vxlanPorts = new Set(state.links.filter((l) => l.kind === 'vxlan').map((l) => Number(l.data.port ?? 4789)));
    const ports = ephemeralChooser(input.ephemeral_ports, this.#seen);
    this.#world = new World(this.#rec, ports);
    const isn = new IsnOracle(input.steps, this.#vxlanPorts);
    this.#sockets = caseSockets(input, isn, this.#seen);
    this.#node = new NodeRun(state, this.#world, this.#sockets.make);
    this.#world.wiring = (_node, _dev, _skb) => {};
  }

  run(): ModelCase {
    const steps: ModelStep[] = [];
    let broken: string | null = null;
    for (const s of this.input.steps) {
      if (broken !== null) {
        steps.push({ n: s.n, inconclusive: broken });
        continue;
      }
      const step = this.#step(s);
      if (step.inconclusive !== undefined) broken = step.inconclusive;
      steps.push(step);
    }
    return { id: this.input.id, steps };
  }

  #step(s: StepInput): ModelStep {
    this.#mibBefore = new Map(this.#node.mib.values);
    this.#rulesBefore = ruleCounts(this.#node);
    this.#taken = this.#rec.events.length;
    if (s.ms !== undefined) this.#world.clock = Math.max(this.#world.clock, s.ms);
    const result = s.kind === 'inject' ? this.#inject(s) : this.#sockets.local(s, this.#node, this.#world);
    const events = this.#rec.events.slice(this.#taken);
    const unknown = events.find((e) => e.t === 'inconclusive') as EventOf<'inconclusive'> | undefined;
    if (unknown) return { n: s.n, inconclusive: unknown.what };
    return { n: s.n, ...(result ? { result } : {}), observed: this.#observe(events) };
  }

  #inject(s: InjectStep): undefined {
    const frame = hexBytes(s.frame);
    noteNumbers(frame, this.#vxlanPorts, this.#seen);
    const dev = this.#node.device(s.dev);
    if (!dev) return undefined;
    this.#sockets.begin(s.n);
    this.#node.arrive(frameToSkb(this.#world.nextId(), frame), dev);
    this.#world.run();
    return undefined;
  }

  #observe(events: readonly Event[]): Observed {
    const trace: Observed['trace'][number][] = [];
    const emitted: { dev: string; frame: string }[] = [];
    const drops: { reason: string; location: string }[] = [];
    const seenPackets = new Map<number, number>();
    for (const e of events) {
      if (e.t === 'trace') trace.push(tracePoint(e));
      else if (e.t === 'nft-trace') {
        let pkt = seenPackets.get(e.traceId);
        if (pkt === undefined) seenPackets.set(e.traceId, (pkt = seenPackets.size));
        trace.push(modelPointNft(e, pkt));
      } else if (e.t === 'emit') {
        emitted.push({ dev: e.dev, frame: bytesHex(e.frame) });
        noteNumbers(e.frame, this.#vxlanPorts, this.#seen);
      } else if (e.t === 'drop') drops.push({ reason: e.reason, location: e.location });
    }
    const conntrack = [...this.#node.conntrack.entries()].map(ctEntry);
    for (const ct of this.#node.conntrack.entries()) noteTuple(ct, this.#seen);
    const delivered = this.#sockets.takeDeliveries();
    return {
      trace,
      emitted,
      delivered: delivered.length ? delivered : null,
      drops,
      conntrack,
      counters: difference(this.#node.mib.values, this.#mibBefore),
      rule_counters: difference(ruleCounts(this.#node), this.#rulesBefore),
    };
  }
}

function difference(now: ReadonlyMap<string, number>, before: ReadonlyMap<string, number>): CounterChanges {
  const out: [string, number][] = [];
  for (const [k, v] of now) {
    const d = v - (before.get(k) ?? 0);
    if (d !== 0) out.push([k, d]);
  }
  return Object.fromEntries(out.sort((a, b) => (a[0] < b[0] ? -1 : 1)));
}

/** Packets per rule, by the corpus' keys (`table:chain:N`, `table:chain:policy`; ip6tables with `ip6:`). */
function ruleCounts(n: NodeRun): Map<string, number> {
  const out = new Map<string, number>();
  for (const [table, counts] of n.counters.tables())
    for (const chain of table.chains) {
      const prefix = `${table.family === 'ipv6' ? 'ip6:' : ''}${table.name}:${chain.name}`;
      for (let i = 0; i < chain.length; i++) if (counts.packets(chain.at + i) > 0) out.set(`${prefix}:${i + 1}`, counts.packets(chain.at + i));
      const policy = counts.packets(chain.at + chain.length);
      if (policy > 0 && chain.policy !== null) out.set(`${prefix}:policy`, policy);
    }
  for (const [key, count] of nativeCounts(n)) out.set(key, count);
  return out;
}

/** Of rules of nft itself (nft-counts.ts). */
function nativeCounts(n: NodeRun): ReadonlyMap<string, number> {
  const packets = (v: unknown): number | undefined => (typeof v === 'object' && v !== null && 'packets' in v && 'bytes' in v ? Number(v.packets) : undefined);
  return nftCounts(n.given.nftRuleset ?? [], (t, c) => !isMade(n.given, t, c), {
    rule: (r) => {
      const instances = [...ruleInstances(r)].sort(([a], [b]) => a - b);
      for (const [, owner] of instances) {
        const count = packets(n.kept(owner));
        if (count !== undefined) return count;
      }
      return undefined;
    },
    object: (o) => packets(n.kept(o)),
    set: (d) => (n.kept(d) as SetRun | undefined)?.count(n.now()),
  });
}

function tuple(t: Tuple): CtTuple {
  const ends = { src: formatAddr(t.src), dst: formatAddr(t.dst) };
  if (t.proto === 1 || t.proto === 58) return { ...ends, type: t.dport >>> 8, code: t.dport & 255, id: t.sport };
  if (t.proto === 6 || t.proto === 17 || t.proto === 132 || t.proto === 33 || t.proto === 136) return { ...ends, sport: t.sport, dport: t.dport };
  return ends;
}

const ctEntry = (ct: Conn): ConntrackEntry => conntrackEntry(entryOf(ct, 0));

/** An entry in the corpus' schema, from the model's table or from `conntrack -L`. */
export function conntrackEntry(e: CtEntry): ConntrackEntry {
  const flags = [...(e.unreplied ? ['UNREPLIED'] : []), ...(e.assured ? ['ASSURED'] : [])];
  return {
    l3: e.orig.family,
    proto: protoName(e.orig.proto),
    ...(e.state === null ? {} : { state: e.state }),
    ...(flags.length > 0 ? { flags } : {}),
    orig: tuple(e.orig),
    reply: tuple(e.reply),
    mark: e.mark,
    zone: e.zone.id,
  };
}

function noteTuple(ct: NfConn, seen: Set<number>): void {
  for (const t of [ct.orig, ct.reply]) {
    seen.add(t.sport);
    if (t.proto !== 1 && t.proto !== 58) seen.add(t.dport);
  }
}
