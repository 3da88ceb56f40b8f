/** One node of a running lab, step by step, as cases of the kernel corpus: what went in, and all that the kernel did. */
import { release } from 'node:os';
import { formatAddr, formatMac } from '../base/addr.js';
import { readConntrack } from '../formats/conntrack.js';
import type {
  CorpusCase,
  CorpusLink,
  CorpusState,
  Delivery,
  InjectStep,
  LocalStep,
  Observed,
  SockCloseStep,
  SockSendStep,
  StepInput,
  StepRecord,
  StepResult,
} from '../harness/conformance/corpus.js';
import { bytesHex, hexBytes } from '../harness/conformance/hex.js';
import { conntrackEntry } from '../harness/conformance/model-case.js';
import { InjectedFrames, type PacketAt, packetsIn, vxlanPortsOf } from '../harness/conformance/packets.js';
import { frameText } from '../harness/conformance/show.js';
import { deviceOf } from '../link/device.js';
import { IPPROTO } from '../packet/skb.js';
import { type Counts, readCounts, rises } from './counts.js';
import type { DropEvents } from './drops.js';
import type { FarFrame } from './far-ends.js';
import type { LabNode } from './lab-node.js';
import { snapshot } from './node-state.js';
import { chosenPorts } from './observe.js';
import { sendBySocat } from './socat-send.js';

/** A step without its number and what it is derived from. */
export type NewStep =
  | Omit<InjectStep, 'n' | 'derived_from'>
  | Omit<LocalStep, 'n' | 'derived_from'>
  | Omit<SockSendStep, 'n' | 'derived_from'>
  | Omit<SockCloseStep, 'n' | 'derived_from'>;

/** Steps between two changes of the node by its administrator. */
interface Segment {
  readonly state: CorpusState;
  readonly steps: StepRecord[];
  /** Names of sockets: the socket process' own to the case's. */
  readonly sockets: Map<string, string>;
}

export interface Taken {
  readonly node: string;
  readonly step: StepRecord;
  /** What left the node, to be carried on. */
  readonly frames: readonly FarFrame[];
}

/** The observers did not keep up, or something came when nothing was to come. */
export class Unsteady extends Error {}

export class NodeRecorder {
  readonly segments: Segment[] = [];
  #counts!: Counts;
  #vxlanPorts: ReadonlySet<number> = new Set();
  /** Which step first emitted or received packets between these ends; a socket that opens is a new beginning. */
  #flows = new Map<string, number>();

  constructor(
    readonly node: LabNode,
    readonly drops: DropEvents,
  ) {}

  get #now(): Segment {
    return this.segments[this.segments.length - 1];
  }

  /** Begins a case with the node as it is. */
  async begin(): Promise<void> {
    const { node } = this;
    if (this.segments.length > 0 && this.#now.steps.length === 0) this.segments.pop();
    await node.names();
    if (!(await node.barrier())) throw new Unsteady('the observers did not keep up');
    const state = await snapshot(node.shell, { ...node.o, ebtables: node.state.ebtables !== null, sockets: node.sockets });
    node.learnRules(state);
    this.#counts = await this.#readCounts();
    this.#vxlanPorts = vxlanPortsOf(state.link);
    this.#flows = new Map();
    this.segments.push({ state, steps: [], sockets: new Map(node.sockets.map((s) => [s.id, s.id])) });
    node.takeTrace();
  }

  #readCounts(): Promise<Counts> {
    const { node } = this;
    return readCounts(node.shell, node.o.backend, node.o.ipv6, node.native);
  }

  async step(input: NewStep): Promise<Taken | null> {
    const { node } = this;
    const seg = this.#now;
    const n = seg.steps.length;
    this.drops.take();
    const from = input.kind === 'inject' ? this.#derivedFrom(hexBytes(input.frame)) : undefined;
    const full = { ...input, n, ...(from === undefined ? {} : { derived_from: from }) } as StepInput;
    let result: StepResult | undefined;
    if (full.kind === 'inject') {
      if (!(await node.arrive(full.dev, hexBytes(full.frame)))) return null;
    } else result = await this.#local(full);
    if (!(await node.barrier())) throw new Unsteady('the observers did not keep up');
    const delivered = await this.#delivered();
    // What a socket process did with what it got may have set off more.
    if (delivered.length > 0) {
      if (full.kind !== 'inject' ? delivered.some((d) => d.event !== 'connected') : tcpIn(hexBytes(full.frame), this.#vxlanPorts)) await this.#delayedAck();
      if (!(await node.barrier())) throw new Unsteady('the observers did not keep up');
    }
    const now = await this.#readCounts();
    const all = node.far.take().filter((f) => !isHousekeeping(f.bytes));
    const late = all.find((f) => f.node !== node.name);
    if (late)
      throw new Unsteady(`${late.node} sent something when it was not its turn: ${frameText(bytesHex(late.bytes), new InjectedFrames(this.#vxlanPorts))}`);
    const observed: Observed = {
      trace: node.takeTrace().filter((t) => !isListenerReport(t)),
      emitted: all.map((f) => ({ dev: f.dev, frame: bytesHex(f.bytes) })),
      delivered: delivered.length > 0 ? delivered : null,
      drops: this.drops.take(),
      conntrack: readConntrack(now.conntrack).value.map(conntrackEntry),
      counters: rises(now.mib, this.#counts.mib),
      rule_counters: rises(now.rules, this.#counts.rules),
    };
    this.#counts = now;
    if (full.kind === 'inject') this.#note(hexBytes(full.frame), n);
    else for (const t of observed.trace) this.#flows.set(pointKey(t), n);
    for (const f of all) this.#note(f.bytes, n);
    const step = { ...full, ...(result ? { result } : {}), observed } as StepRecord;
    seg.steps.push(step);
    return { node: node.name, step, frames: all };
  }

  async #local(s: Exclude<StepInput, InjectStep>): Promise<StepResult> {
    const { node } = this;
    const seg = this.#now;
    const own = (name: string): string => [...seg.sockets].find(([, v]) => v === name)?.[0] ?? name;
    const ask = (r: Parameters<NonNullable<LabNode['agent']>['ask']>[0]): Promise<StepResult> =>
      node.agent ? node.agent.ask<StepResult>(r) : Promise.resolve({ error: 'EBADF' });
    if (s.kind === 'sock_send') return ask({ op: 'sock_send', socket: own(s.socket), payload: s.payload });
    if (s.kind === 'sock_close') return ask({ op: 'sock_close', socket: own(s.socket) });
    const name = `local${seg.sockets.size}`;
    const id = `${this.segments.length}.${name}`;
    const r = s.proto === 'icmp' ? await sendBySocat(node.shell, s, id) : await ask({ op: 'send', id, step: s });
    if (r.socket === undefined) return r;
    seg.sockets.set(id, name);
    return { ...r, socket: name };
  }

  /** TCP may wait before it acknowledges what a socket was given (tcp_send_delayed_ack()): 40 ms as a rule, at most TCP_DELACK_MAX. */
  async #delayedAck(): Promise<void> {
    for (let waited = 0; waited < DELAYED_ACK_MS && !this.node.far.heard(this.node.name); waited += 5) await new Promise((r) => setTimeout(r, 5));
  }

  async #delivered(): Promise<Delivery[]> {
    const got = this.node.agent ? await this.node.agent.ask<Delivery[]>({ op: 'poll' }) : [];
    return got.flatMap((d) => {
      const name = this.#now.sockets.get(d.socket);
      return name === undefined ? [] : [{ ...d, socket: name }];
    });
  }

  /** Sockets of the present case without a connection: datagrams', and those that are still asking for one. */
  unconnected(): string[] {
    const out = new Set<string>();
    for (const s of this.#now?.steps ?? []) {
      if (s.kind === 'local' && s.result?.socket !== undefined) out.add(s.result.socket);
      if (s.kind === 'sock_close') out.delete(s.socket);
      for (const d of s.observed.delivered ?? []) if (d.event === 'connected' || d.event === 'error') out.delete(d.socket);
    }
    return [...out];
  }

  // --- what belongs together ---

  #note(frame: Uint8Array, n: number): void {
    for (const p of packetsIn(frame, this.#vxlanPorts)) {
      const key = flowKey(p);
      if (p.where !== 'quoted' && !this.#flows.has(key)) this.#flows.set(key, n);
    }
  }

  /** The step whose packets this one answers or continues: the ISN oracle follows it. */
  #derivedFrom(frame: Uint8Array): number | undefined {
    for (const p of packetsIn(frame, this.#vxlanPorts).reverse()) {
      const n = this.#flows.get(flowKey(p));
      if (n !== undefined) return n;
    }
    return undefined;
  }

  /** The cases that have steps. `id` names the first; later ones of the node have a number behind it. */
  cases(id: string, scenario: string, tags: readonly string[]): CorpusCase[] {
    const { node } = this;
    const links: CorpusLink[] = node.far.devices
      .filter((d) => d.node === node.name)
      .map((d) => {
        const l = node.state.links.find((x) => x.name === d.dev);
        return { name: d.dev, mac: l ? formatMac(l.mac) : '', far_mac: d.farMac, up: !l || deviceOf(l).carrier };
      });
    return this.segments
      .filter((s) => s.steps.length > 0)
      .map((s, i) => ({
        id: i === 0 ? id : `${id}-${i + 1}`,
        category: 'scenario',
        scenario,
        tags,
        schema: 1,
        kernel: release(),
        backend: node.o.backend,
        family: node.o.ipv6 ? 'ipv6' : 'ipv4',
        links,
        state: s.state,
        ephemeral_ports: chosenPorts(
          [s.state.iptables_save, s.state.ip6tables_save ?? '', s.state.ipset_save ?? '', ...vxlanSourcePorts(s.state.link)],
          node.sockets,
          s.steps,
          this.#vxlanPorts,
        ),
        unobserved: ['delivered.to', 'delivered.soft_error', 'trace.physin', 'drops.port_state'],
        steps: s.steps,
      }));
  }
}

/** The source ports of VXLAN devices, from `ip -d -j link`: given, not chosen. */
const vxlanSourcePorts = (links: readonly unknown[]): string[] =>
  (links as readonly { linkinfo?: { info_data?: { port_range?: unknown } } }[]).map((l) => JSON.stringify(l.linkinfo?.info_data?.port_range ?? ''));

/** The same for both directions. */
function keyOf(proto: number, src: string, sport: number, dst: string, dport: number): string {
  const a = `${src}/${sport}`;
  const b = `${dst}/${dport}`;
  return `${proto} ${a < b ? `${a} ${b}` : `${b} ${a}`}`;
}
const flowKey = (p: PacketAt): string => keyOf(p.proto, formatAddr(p.src), p.sport, formatAddr(p.dst), p.dport);
const pointKey = (t: Observed['trace'][number]): string =>
  keyOf(t.proto === 'tcp' ? IPPROTO.TCP : t.proto === 'udp' ? IPPROTO.UDP : -1, t.src, t.sport ?? 0, t.dst, t.dport ?? 0);

const DELAYED_ACK_MS = 220;
const tcpIn = (frame: Uint8Array, vxlanPorts: ReadonlySet<number>): boolean =>
  packetsIn(frame, vxlanPorts).some((p) => p.where !== 'quoted' && p.proto === IPPROTO.TCP);

const ICMPV6 = 58;
const IGMP = 2;

/** Listener reports and IGMP: what a device coming up sets off whenever it pleases the kernel. Never scored (SCORING.md R5). */
function isHousekeeping(frame: Uint8Array): boolean {
  const p = packetsIn(frame, new Set())[0];
  return p !== undefined && (p.proto === IGMP || (p.proto === ICMPV6 && p.thoff >= 0 && isReport(frame[p.thoff])));
}
const isReport = (type: number): boolean => (type >= 130 && type <= 134) || type === 143;
const isListenerReport = (t: Observed['trace'][number]): boolean => t.proto === 'igmp' || (t.proto === 'icmpv6' && t.type !== undefined && isReport(t.type));
