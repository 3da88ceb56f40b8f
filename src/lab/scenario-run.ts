/**
 * A scenario played on a bench: its commands and packets in order, each packet carried from node to node until nothing moves any more. The lab is the wire, so
 * every node is given one frame at a time, in the order in which a network without delays would (stack/world.ts).
 */
import { formatAddr } from '../base/addr.js';
import type { CorpusCase, LocalStep, StepRecord } from '../harness/conformance/corpus.js';
import { bytesHex } from '../harness/conformance/hex.js';
import { Skb } from '../packet/skb.js';
import type { NodeCommand, PacketSpec, Scenario } from '../scenario/model.js';
import type { PacketRun } from '../stack/run-scenario.js';
import { injectedFrames } from '../stack/send.js';
import { DropEvents } from './drops.js';
import type { FarFrame } from './far-ends.js';
import { GlobalSwitch, ONE_REDIRECT } from './global-switch.js';
import { type NewStep, NodeRecorder, type Taken, Unsteady } from './node-recorder.js';
import type { ScenarioBench } from './scenario-bench.js';

/** Steps of all nodes for one packet; more is a loop of routers. */
const MOST_STEPS = 2000;
const ETHERTYPES = [0, 0x0800, 0x0806];
const ETHERTYPES6 = [...ETHERTYPES, 0x86dd];

/** What one packet of the scenario made of each node. */
export interface PlayedPacket {
  readonly run: PacketRun;
  readonly steps: ReadonlyMap<string, readonly StepRecord[]>;
}

/** A command that the model carried out and the real tool refused. */
export class CommandFailed extends Error {}

type Local = Extract<PacketSpec, { kind: 'ping' | 'udp' | 'tcp' }>;

export class ScenarioPlay {
  readonly played: PlayedPacket[] = [];
  readonly #recorders = new Map<string, NodeRecorder>();
  readonly #drops: DropEvents;
  #steps = new Map<string, StepRecord[]>();
  #count = 0;

  constructor(readonly bench: ScenarioBench) {
    this.#drops = new DropEvents(bench.id, bench.ipv6 ? ETHERTYPES6 : ETHERTYPES);
    for (const n of bench.nodes) this.#recorders.set(n.name, new NodeRecorder(n, this.#drops));
  }

  /** `packets`: what the model sent, for what it chose (source ports, ids of pings). */
  async play(s: Scenario, packets: readonly PacketRun[]): Promise<void> {
    const once = new GlobalSwitch(ONE_REDIRECT);
    try {
      await this.#commands(s.do);
      await this.#settle();
      for (const r of this.#recorders.values()) await r.begin();
      let before: PacketRun['packet'] | null = null;
      for (const run of packets) {
        if (run.packet !== before) await this.#between(run.packet.do);
        before = run.packet;
        await this.#packet(run);
      }
    } finally {
      once.restore();
      this.#drops.close();
    }
  }

  cases(id: string, s: Scenario): CorpusCase[] {
    return [...this.#recorders].flatMap(([name, r]) => r.cases(`${id}.${name}`, s.name, s.tags));
  }

  async #commands(list: readonly NodeCommand[]): Promise<ReadonlySet<string>> {
    const changed = new Set<string>();
    for (const c of list) {
      const node = this.bench.node(c.node);
      if (!node) continue;
      const { out, status } = await node.shell.run(c.command);
      if (status !== 0)
        throw new CommandFailed(`${c.node}: ${c.command}: the model carries it out, the tool says: ${out.trim().split('\n')[0]} (status ${status})`);
      changed.add(c.node);
    }
    return changed;
  }

  /** Commands in mid-scenario: the node's case ends, and another begins with the node as it is then. */
  async #between(list: readonly NodeCommand[]): Promise<void> {
    for (const name of await this.#commands(list)) await this.#recorders.get(name)?.begin();
  }

  /** What devices that have come up say of themselves is over. */
  async #settle(): Promise<void> {
    const { bench } = this;
    const rounds = bench.ipv6 ? 40 : 3;
    for (let i = 0, quiet = 0; i < rounds && quiet < 3; i++) {
      if (bench.ipv6) await new Promise((r) => setTimeout(r, 50));
      await bench.far.barrier();
      quiet = bench.far.take().length === 0 ? quiet + 1 : 0;
    }
  }

  async #packet(run: PacketRun): Promise<void> {
    this.#steps = new Map(this.bench.nodes.map((n) => [n.name, []]));
    this.#count = 0;
    const { spec, source, name } = run.packet;
    const note = `packet ${name}${run.packet.count > 1 ? ` ${run.nth}` : ''}`;
    if (source.kind === 'device') {
      const dev = this.bench.node(source.node)?.state.links.find((l) => l.name === source.dev);
      if (dev) for (const b of injectedFrames(spec, dev)) await this.#flow(source.node, { kind: 'inject', note, dev: source.dev, frame: bytesHex(b) });
    } else if (spec.kind === 'ping' || spec.kind === 'udp' || spec.kind === 'tcp') await this.#send(source.node, spec, run, note);
    await this.#endPrograms(source.node);
    this.played.push({ run, steps: this.#steps });
  }

  async #send(node: string, spec: Local, run: PacketRun, note: string): Promise<void> {
    const step = localStep(spec, run, note);
    const sent = await this.#flow(node, step);
    const socket = sent?.step.result?.socket;
    if (spec.kind !== 'tcp' || socket === undefined) return;
    // A conversation goes on as long as there is one.
    const open = (): boolean =>
      this.#events(node).some((d) => d.socket === socket && d.event === 'connected') &&
      !this.#events(node).some((d) => d.socket === socket && d.event === 'error');
    if (!open()) return;
    for (const text of spec.send) if (open()) await this.#flow(node, { kind: 'sock_send', note, socket, payload: bytesHex(new TextEncoder().encode(text)) });
    if (spec.close) await this.#flow(node, { kind: 'sock_close', note, socket });
  }

  #events(node: string) {
    return (this.#steps.get(node) ?? []).flatMap((s) => s.observed.delivered ?? []);
  }

  /** Each packet has a program of its own, which ends with it, and so do its sockets. */
  async #endPrograms(node: string): Promise<void> {
    const r = this.#recorders.get(node);
    const open = r?.unconnected() ?? [];
    for (const socket of open) await this.#step(node, { kind: 'sock_close', socket, note: 'its program has ended' });
  }

  /** A step, and all that it sets off anywhere. */
  async #flow(node: string, input: NewStep): Promise<Taken | null> {
    const first = await this.#step(node, input);
    const queue = [...(first ? this.#onwards(first) : [])];
    for (let next = queue.shift(); next; next = queue.shift()) {
      if (++this.#count > MOST_STEPS) throw new Unsteady('packets go round and round');
      const taken = await this.#step(next.node, next.input);
      if (taken) queue.push(...this.#onwards(taken));
    }
    return first;
  }

  async #step(node: string, input: NewStep): Promise<Taken | null> {
    const taken = await this.#recorders.get(node)?.step(input);
    if (!taken) return null;
    this.#steps.get(node)?.push(taken.step);
    return taken;
  }

  /** What a step's emissions are to whom they reach, and what programs that send everything back do. */
  #onwards(t: Taken): { readonly node: string; readonly input: NewStep }[] {
    const out = t.frames.flatMap((f) => this.#receivers(f));
    const node = t.node;
    const echo = this.bench.node(node)?.state.sockets ?? [];
    for (const d of t.step.observed.delivered ?? []) {
      const at = /^srv(\d+)$/.exec(d.socket);
      if (d.event !== 'data' || !at || echo[Number(at[1])]?.echo !== true) continue;
      out.push({ node, input: { kind: 'sock_send', note: 'its program sends it back', socket: d.socket, payload: d.data ?? '' } });
    }
    return out;
  }

  /** Network.#carry(): the end whose MAC is named, else all. */
  #receivers(f: FarFrame): { readonly node: string; readonly input: NewStep }[] {
    const ends = this.bench.scenario.wires
      .filter((w) => w.ends.some((e) => e.node === f.node && e.dev === f.dev))
      .flatMap((w) => w.ends.filter((e) => !(e.node === f.node && e.dev === f.dev)));
    let to = 0;
    for (let i = 0; i < 6; i++) to = to * 256 + f.bytes[i];
    const mac = (e: { node: string; dev: string }): number => this.bench.node(e.node)?.state.links.find((l) => l.name === e.dev)?.mac ?? -1;
    const named = ends.filter((e) => mac(e) === to);
    return (named.length > 0 ? named : ends).map((e) => ({
      node: e.node,
      input: { kind: 'inject', note: `from ${f.node}:${f.dev}`, dev: e.dev, frame: bytesHex(f.bytes) },
    }));
  }
}

const SOME_ID = 4711;

/** As the model sent it: ports and ids that it chose are given to the kernel. */
function localStep(spec: Local, run: PacketRun, note: string): Omit<LocalStep, 'n' | 'derived_from'> {
  const born = run.events.find((e) => e.t === 'skb' && e.origin.of === null);
  const skb = born?.t === 'skb' ? new Skb(0, { kind: 'clone', of: null }, born.view.data, born.view.protocol) : null;
  const at = (offset: number): number | undefined =>
    skb !== null && skb.thoff >= 0 && skb.thoff + offset + 2 <= skb.data.length ? skb.u16(skb.thoff + offset) : undefined;
  const v6 = typeof spec.to === 'string';
  const base = {
    kind: 'local' as const,
    note,
    dst: formatAddr(spec.to),
    ...(spec.src === null ? {} : { src: formatAddr(spec.src) }),
    ...(spec.dev === null ? {} : { device: spec.dev }),
    ...(spec.mark === 0 ? {} : { mark: spec.mark }),
    ...(spec.tos === 0 ? {} : { tos: spec.tos }),
    ...(spec.ttl === null ? {} : { ttl: spec.ttl }),
    ...(spec.uid === 0 ? {} : { uid: spec.uid }),
  };
  if (spec.kind === 'ping') {
    const payload = bytesHex(Uint8Array.from({ length: spec.size }, (_, i) => i & 255));
    const echo = { type: v6 ? 128 : 8, code: 0, echo_id: spec.id ?? at(4) ?? SOME_ID, echo_seq: (spec.seq + run.nth - 1) & 0xffff };
    return { ...base, proto: 'icmp', ...echo, payload, ...(spec.df ? { df: true } : {}) };
  }
  const sport = spec.sport ?? at(0);
  const ports = { dport: spec.dport, ...(sport === undefined ? {} : { sport }) };
  return spec.kind === 'udp' ? { ...base, proto: 'udp', ...ports, payload: bytesHex(spec.payload) } : { ...base, proto: 'tcp', ...ports };
}
