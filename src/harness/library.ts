/** The library: scenarios from files or built in code, packets sent through them, what became of each as data. */
import { type Diagnostic, formatDiagnostic, hasErrors, type Parsed } from '../base/diagnostic.js';
import { type Repair, repairsOf } from '../render/repairs.js';
import { loadScenario as load, type MoreFile, moreOf, parseScenario, scenarioOf } from '../scenario/load.js';
import type { FileSource, NodeState, Scenario } from '../scenario/model.js';
import type { ExpectFile, PacketFile, ScenarioFile } from '../scenario/schema.js';
import { type PacketRun, type RunOptions, runScenario as run, type ScenarioRun } from '../stack/run-scenario.js';
import { applyAll } from '../tools/apply.js';
import { execute, parseDo } from '../tools/execute.js';
import { type Judgement, judge } from './judge.js';
import { triedRepairs } from './repairs.js';

/** A scenario, packet or command that makes no sense. The message shows every diagnostic with its place, as the command line does. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
  constructor(readonly diagnostics: readonly Diagnostic[]) {
    super(`the scenario cannot be run\n${diagnostics.map(formatDiagnostic).join('\n')}`);
  }
}

function must<T>(p: Parsed<T | null>): T {
  if (p.value === null || hasErrors(p.diagnostics)) throw new ScenarioError(p.diagnostics.filter((d) => d.severity === 'error'));
  return p.value;
}

/** Options of a run in the library: those of the engine, without its inner workings. */
export type LibraryRunOptions = Partial<Omit<RunOptions, 'execute' | 'apply'>>;

/** Runs a scenario as `sim run` does. Throws ScenarioError when one of its commands is refused. */
export function runScenario(scenario: Scenario, o: LibraryRunOptions = {}): ScenarioRun {
  const r = run(scenario, { keepConntrack: true, ...o, execute, apply: applyAll });
  if (hasErrors(r.diagnostics)) throw new ScenarioError(r.diagnostics);
  return r;
}

/**
 * The changes that could save a packet of a run that failed, each made in front of the scenario and the run repeated: those that save it first, with what became of it
 * and whom they harm; such as are not enough alone are put together, up to three. It is what a story says behind `try:` and `not enough:`. Empty: it did not fail, or there is
 * nothing to offer. Where the run is too large to be repeated (hundreds of thousands of events), the changes are named and not tried. The run has to have
 * all its events (not outcomesOnly). Throws RangeError when the packet is none of the run.
 *
 *   const run = net.run();
 *   repairs(run, run.packets[0])[0]   // { do: ['node1: sysctl -w …'], saves: true, fate: 'answered', harms: [], packet: … }
 */
export function repairs(run: ScenarioRun, p: PacketRun, o: LibraryRunOptions = {}): readonly Repair[] {
  if (!run.packets.includes(p)) throw new RangeError(`the packet “${p.packet.name}” is not of this run`);
  const how: RunOptions = { keepConntrack: true, ...o, outcomesOnly: false, execute, apply: applyAll };
  return repairsOf(p, (q) => triedRepairs(run, q, how));
}

/** A packet as `packets:` of a scenario file has it; ping(), tcp(), udp() and packet() make them. */
export type PacketInput = PacketFile;
/** A scenario as a file has it, without its version. */
export type NetworkInput = Omit<ScenarioFile, 'version' | 'extends'>;
export type ApplyInput = NonNullable<ScenarioFile['apply']>[number];

/**
 * Nodes and wires, and what happens before the first packet. Immutable: every method gives a new one or the result of a private run,
 * so that sending a packet leaves no trace in the next (connection tracking included); sendAll() keeps it within one run.
 */
export class Net {
  constructor(
    readonly scenario: Scenario,
    readonly files: FileSource,
  ) {}

  /** The node's state as given. Throws when there is none of that name. */
  node(name: string): NodeState {
    const n = this.scenario.nodes.find((x) => x.name === name);
    if (!n) throw new RangeError(`there is no node “${name}”; nodes: ${this.scenario.nodes.map((x) => x.name).join(', ')}`);
    return n;
  }

  /** With commands before the first packet: `node1: sysctl -w net.ipv4.ip_forward=1`. */
  do(...commands: readonly string[]): Net {
    return this.#with({ do: [...this.scenario.do, ...must(parseDo(this.scenario, commands, null))] });
  }

  /** With a named what-if of the scenario; check() then looks at what the what-if expects. */
  whatIf(name: string): Net {
    const commands = must(parseDo(this.scenario, [], name));
    return this.#with({ do: [...this.scenario.do, ...commands], expect: this.scenario.whatIf.find((w) => w.name === name)?.expect ?? [] });
  }

  /** With what rule generators wrote, in order, through the tools' own semantics; as `apply:` of a file. */
  apply(...list: readonly ApplyInput[]): Net {
    const more = this.#more({ apply: [...list] }, 'apply()');
    return this.#with({ apply: [...this.scenario.apply, ...more.apply] });
  }

  /** Sends one packet in a run of its own. */
  send(p: PacketInput, o: LibraryRunOptions = {}): PacketRun {
    return this.sendAll([p], o)[0];
  }

  /** Sends packets one after another in one run, so that later ones meet the connections of earlier ones. `count: n` gives n results. */
  sendAll(packets: readonly PacketInput[], o: LibraryRunOptions = {}): readonly PacketRun[] {
    const more = this.#more({ packets: [...packets] }, 'send()');
    return runScenario({ ...this.scenario, packets: more.packets, expect: [] }, o).packets;
  }

  /** Sends one packet as send() does; where it fails, the changes that could save it, as repairs() tells them. */
  repairs(p: PacketInput, o: LibraryRunOptions = {}): readonly Repair[] {
    const more = this.#more({ packets: [p] }, 'repairs()');
    const r = runScenario({ ...this.scenario, packets: more.packets, expect: [] }, { ...o, outcomesOnly: false });
    return repairs(r, r.packets[0], o);
  }

  /** Runs the scenario's own packets. */
  run(o: LibraryRunOptions = {}): ScenarioRun {
    return runScenario(this.scenario, o);
  }

  /** Runs the scenario's own packets and gives one of them. Throws when there is none of that name. */
  packet(name: string, o: LibraryRunOptions = {}): PacketRun {
    const p = this.run(o).packets.find((x) => x.packet.name === name);
    if (!p) throw new RangeError(`there is no packet “${name}”; packets: ${this.scenario.packets.map((x) => x.name).join(', ')}`);
    return p;
  }

  /** Runs the scenario and looks at each expectation of its file. Throws ScenarioError when one of them makes no sense. */
  check(o: LibraryRunOptions = {}): Judgement {
    const j = judge(this.run(o), () => this.run({ ...o, verbose: true }));
    if (hasErrors(j.diagnostics)) throw new ScenarioError(j.diagnostics);
    return j;
  }

  #more(value: MoreFile, name: string) {
    return must(moreOf(this.scenario, value, name, this.files));
  }
  #with(change: Partial<Scenario>): Net {
    return new Net({ ...this.scenario, ...change }, this.files);
  }
}

/** The scenario in a file. Throws ScenarioError with everything that is wrong with it. */
export const netFromFile = (path: string, files: FileSource): Net => new Net(must(load(path, files)), files);
/** The scenario in a text; `name` stands for its file. */
export const netFromText = (text: string, name: string, files: FileSource): Net => new Net(must(parseScenario(text, name, files)), files);
/** A scenario written in code; keys and meaning are those of a scenario file. Throws ScenarioError. */
export const netFromValue = (value: NetworkInput, files: FileSource): Net => new Net(must(scenarioOf({ version: 1, ...value }, 'network()', files)), files);

// --- packets ---

type Keys = 'name' | 'description' | 'do' | 'count' | 'expect';
type Extras = Pick<PacketFile, Keys>;
type Of<K extends 'ping' | 'tcp' | 'udp'> = Omit<Exclude<NonNullable<PacketFile[K]>, string>, 'to'> & Extras;

function split<T extends object>(o: T): { extras: Extras; rest: Partial<T> } {
  const keys: readonly string[] = ['name', 'description', 'do', 'count', 'expect'];
  const entries = Object.entries(o);
  return {
    extras: Object.fromEntries(entries.filter(([k]) => keys.includes(k))) as Extras,
    rest: Object.fromEntries(entries.filter(([k]) => !keys.includes(k))) as Partial<T>,
  };
}

function sender<K extends 'ping' | 'tcp' | 'udp'>(kind: K) {
  return (from: string, to: string, o: Of<K> = {} as Of<K>): PacketInput => {
    const { extras, rest } = split(o);
    return { ...extras, from, [kind]: { to, ...rest } };
  };
}

/** An echo request from a node to an address or node: `ping('edge1', '10.0.0.2', { size: 1400, df: true })`. */
export const ping = sender('ping');
/** A connection from a node: `tcp('client', 'server:80', { send: ['GET /'] })`. */
export const tcp = sender('tcp');
/** A datagram from a node: `udp('client', '10.0.0.2:53')`. */
export const udp = sender('udp');

/** A packet in words, sent by a node's raw socket or arriving at NODE:DEVICE: `packet('icmp 10.0.0.1 > 10.0.0.2', { at: 'r1:eth0' })`. */
export const packet = (text: string, o: ({ from: string } | { at: string }) & Extras): PacketInput => ({ ...o, packet: text });

export type { ExpectFile };
