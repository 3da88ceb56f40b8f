/**
 * The matrix of a sweep: sources x destinations x protocols and ports x variants. It is never made as a whole: a cell is worked out from its number, the variants
 * of a packet standing side by side.
 */
import { type Addr, formatAddr, parseAddr } from '../base/addr.js';
import { nearest } from '../base/diagnostic.js';
import type { NodeCommand, PacketSpec, Scenario, ScenarioPacket } from '../scenario/model.js';
import { type RunOptions, runScenario } from '../stack/run-scenario.js';
import { remembering } from '../tools/remember.js';
import { fateText } from '../tools/what-if.js';

export interface SweepVariant {
  readonly name: string;
  readonly commands: readonly NodeCommand[];
}

export interface Sweep {
  readonly from: readonly string[];
  readonly to: readonly { readonly name: string; readonly addr: Addr }[];
  readonly services: readonly Services[];
  readonly variants: readonly SweepVariant[];
}
export type Proto = 'icmp' | 'tcp' | 'udp';
/** One protocol on all of these ports; `icmp` has port 0. */
export interface Services {
  readonly proto: Proto;
  readonly ports: readonly number[];
}
interface Service {
  readonly proto: Proto;
  readonly port: number;
}

/** What became of one packet under one variant. */
export interface SweepRow {
  readonly from: string;
  readonly to: string;
  readonly proto: Proto;
  readonly port: number;
  readonly variant: string;
  readonly request: string;
  /** null: nobody answered. */
  readonly reply: string | null;
  /** How a TCP conversation ended; null for other protocols. */
  readonly connection: string | null;
}

const servicesIn = (s: Sweep): number => s.services.reduce((n, { ports }) => n + ports.length, 0);
export const sweepSize = (s: Sweep): number => s.from.length * s.to.length * servicesIn(s) * s.variants.length;

function serviceAt({ services }: Sweep, i: number): Service {
  let n = 0;
  for (; i >= services[n].ports.length; n++) i -= services[n].ports.length;
  return { proto: services[n].proto, port: services[n].ports[i] };
}

const span = { file: 'command line', line: 1, column: 1, length: 0 };

function packetOf(from: string, to: Addr, { proto, port }: Service): ScenarioPacket {
  const common = { to, src: null, dev: null, ttl: null, tos: 0, mark: 0, uid: 0 };
  const spec: PacketSpec =
    proto === 'icmp'
      ? { kind: 'ping', id: null, seq: 1, size: 56, df: true, ...common }
      : proto === 'udp'
        ? { kind: 'udp', dport: port, sport: null, payload: new Uint8Array(0), ...common }
        : { kind: 'tcp', dport: port, sport: null, send: [], close: false, ...common };
  return { name: 'sweep', description: '', do: [], count: 1, source: { kind: 'local', node: from }, spec, span };
}

/**
 * What runs cell number `i`, from 0: a run of its own, so that no packet sees the connections of another; only what commands make of a node's state is kept from
 * cell to cell. Throws SweepError where a variant's commands fail.
 */
export function cellRunner(s: Scenario, sweep: Sweep): (i: number) => SweepRow {
  const tools = { ...remembering(), outcomesOnly: true };
  return (i) => runCell(s, sweep, i, tools);
}

function runCell(s: Scenario, sweep: Sweep, i: number, tools: RunOptions): SweepRow {
  const digit = (base: number): number => {
    const d = i % base;
    i = Math.floor(i / base);
    return d;
  };
  const variant = sweep.variants[digit(sweep.variants.length)];
  const service = serviceAt(sweep, digit(servicesIn(sweep)));
  const to = sweep.to[digit(sweep.to.length)];
  const from = sweep.from[digit(sweep.from.length)];
  const run = runScenario({ ...s, do: [...s.do, ...variant.commands], packets: [packetOf(from, to.addr, service)] }, tools);
  const bad = run.diagnostics.find((d) => d.severity === 'error');
  if (bad) throw new SweepError(`${variant.name}: ${bad.message}`);
  const { request, reply, connection } = run.packets[0].outcome;
  return { from, to: to.name, ...service, variant: variant.name, request: fateText(request), reply: reply && fateText(reply), connection };
}

export class SweepError extends Error {}

const unknown = (what: string, word: string, names: readonly string[]): SweepError => {
  const near = nearest(word, names);
  return new SweepError(`there is no ${what} “${word}”; ${near ? `did you mean “${near}”?` : `known: ${names.join(', ')}`}`);
};

export const wordsOf = (lists: readonly string[]): string[] => lists.flatMap((l) => l.split(',')).filter((w) => w !== '');

/** Nodes by name; `all` is every one. Throws SweepError. */
export function sourcesOf(s: Scenario, words: readonly string[]): string[] {
  const names = s.nodes.map((n) => n.name);
  for (const w of words) if (w !== 'all' && !names.includes(w)) throw unknown('node', w, [...names, 'all']);
  return words.includes('all') ? names : [...words];
}

/** Addresses, or nodes for their first address that is not a loopback's; `all` is every node. Throws SweepError. */
export function destinationsOf(s: Scenario, words: readonly string[]): Sweep['to'] {
  const names = s.nodes.map((n) => n.name);
  return words
    .flatMap((w) => (w === 'all' ? names : [w]))
    .map((w) => {
      const node = s.nodes.find((n) => n.name === w);
      if (node) {
        const own = node.addrs.find((a) => a.dev !== 'lo');
        if (!own) throw new SweepError(`${w} has no address`);
        return { name: w, addr: own.local };
      }
      const addr = parseAddr(w);
      if (addr === null || addr === undefined) throw unknown('address or node', w, names);
      return { name: formatAddr(addr), addr };
    });
}

const MAX_PORT = 65535;

function portsOf(words: readonly string[]): number[] {
  return words.flatMap((w) => {
    const m = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(w);
    const lo = Number(m?.[1]);
    const hi = Number(m?.[2] ?? m?.[1]);
    if (!m || lo < 1 || hi > MAX_PORT || lo > hi) throw new SweepError(`“${w}” is no port or range of ports (1-${MAX_PORT})`);
    return Array.from({ length: hi - lo + 1 }, (_, i) => lo + i);
  });
}

/** Each protocol with each port; icmp has none. Throws SweepError. */
export function servicesOf(protos: readonly string[], ports: readonly string[]): Services[] {
  const numbers = portsOf(ports);
  const asked = protos.length > 0 ? protos : [numbers.length > 0 ? 'tcp' : 'icmp'];
  return asked.map((proto): Services => {
    if (proto === 'icmp') return { proto, ports: [0] };
    if (proto !== 'tcp' && proto !== 'udp') throw unknown('protocol', proto, ['icmp', 'tcp', 'udp']);
    if (numbers.length === 0) throw new SweepError(`${proto} wants --port`);
    return { proto, ports: numbers };
  });
}
