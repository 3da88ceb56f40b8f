/** A kernel-corpus case up to one of its steps, as a scenario run, for stories about it: received frames as they came, earlier steps first. */
import { parseAddr } from '../../src/base/addr.js';
import type { PacketSpec, Scenario, ScenarioPacket, SendOptions } from '../../src/scenario/model.js';
import { nodeFromCorpus } from '../../src/scenario/node.js';
import { runScenario, type ScenarioRun } from '../../src/stack/run-scenario.js';

export interface CorpusCase {
  readonly id: string;
  readonly backend: 'legacy' | 'nft';
  readonly family: 'ipv4' | 'ipv6';
  readonly links: unknown;
  readonly state: never;
  readonly steps: readonly CorpusStep[];
}
interface CorpusStep {
  readonly n: number;
  readonly kind: 'inject' | 'local';
  readonly dev?: string;
  readonly frame?: string;
  readonly proto?: string;
  readonly dst?: string;
  readonly dport?: number;
  readonly src?: string;
  readonly mark?: number;
  readonly bind_dev?: string;
  readonly ttl?: number;
}

const span = { file: '', line: 1, column: 1, length: 0 };
const bytes = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (x) => Number.parseInt(x, 16));

function specOf(s: CorpusStep): PacketSpec | null {
  if (s.kind === 'inject') return { kind: 'frame', bytes: bytes(s.frame ?? '') };
  const to = parseAddr(s.dst ?? '');
  if (to === null) return null;
  const send: SendOptions = { src: s.src ? parseAddr(s.src) : null, dev: s.bind_dev ?? null, ttl: null, tos: 0, mark: s.mark ?? 0, uid: 0 };
  if (s.proto === 'udp') return { kind: 'udp', to, dport: s.dport ?? 0, sport: 40000, payload: new Uint8Array(8), ...send };
  if (s.proto === 'icmp') return { kind: 'ping', to, id: 77, seq: 1, size: 56, df: false, ...send };
  return null;
}

/** Null where the case is not read or a step is of a kind that a scenario packet cannot stand for. */
export function corpusScenario(c: CorpusCase, upTo: number): Scenario | null {
  const { value: node, diagnostics } = nodeFromCorpus(c.links, c.state, c.backend, c.family, 'node');
  if (diagnostics.some((d) => d.severity === 'error')) return null;
  const packets: ScenarioPacket[] = [];
  for (const s of c.steps) {
    if (s.n > upTo) break;
    const spec = specOf(s);
    if (spec === null) return null;
    const source = s.kind === 'inject' ? ({ kind: 'device', node: 'node', dev: s.dev ?? '' } as const) : ({ kind: 'local', node: 'node' } as const);
    packets.push({ name: `step-${s.n}`, description: '', do: [], count: 1, source, spec, span });
  }
  const rest = { wires: [], do: [], apply: [], expect: [], whatIf: [], traceAll: false, clock: 0, seed: 1 };
  return { file: '', name: c.id, description: '', tags: [], nodes: [node], packets, ...rest };
}

export function corpusRun(c: CorpusCase, upTo: number): ScenarioRun | null {
  const s = corpusScenario(c, upTo);
  return s && runScenario(s, { execute: () => [] });
}
