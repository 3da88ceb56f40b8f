/** Two runs of the same packets compared: which change their fate or an address, and the first trace line in which their ways part. */
import { formatAddr } from '../base/addr.js';
import { ruleText } from '../render/rule-text.js';
import type { PacketRun, ScenarioRun } from '../stack/run-scenario.js';
import { chainPlace, rulePlace } from '../trace/place.js';
import { fateWords } from './expect/fate.js';
import { type Flow, flowOf, sights, unknownAt } from './expect/flow.js';

export interface Side {
  /** In words, as expectations have it. */
  readonly fate: string;
  readonly inconclusive: boolean;
  /** Source and destination on arrival at each node, and at the end of the way (node ''). */
  readonly addresses: readonly NodeAddresses[];
}
export interface NodeAddresses {
  readonly node: string;
  readonly source: string;
  readonly destination: string;
}

export interface TraceDifference {
  /** From 1, among the lines of the packet's run with every packet traced. */
  readonly line: number;
  /** null: that side has no more lines. */
  readonly a: string | null;
  readonly b: string | null;
}

export interface PacketDiff {
  readonly packet: string;
  readonly a: Side;
  readonly b: Side;
  readonly fateChanged: boolean;
  readonly addressesChanged: boolean;
  /** null where both leave the same lines. */
  readonly trace: TraceDifference | null;
}

export interface RunDiff {
  readonly packets: readonly PacketDiff[];
  /** Names of packets that only one side has. */
  readonly onlyA: readonly string[];
  readonly onlyB: readonly string[];
}

export const isChanged = (d: PacketDiff): boolean => d.fateChanged || d.addressesChanged;

const title = (p: PacketRun): string => (p.packet.count > 1 ? `${p.packet.name}#${p.nth}` : p.packet.name);

/** Both runs should have been made with `traceAll`, or there may be no trace to compare. */
export function diffRuns(a: ScenarioRun, b: ScenarioRun): RunDiff {
  const ofB = new Map(b.packets.map((p) => [title(p), p]));
  const namesA = new Set(a.packets.map(title));
  const packets: PacketDiff[] = [];
  for (const p of a.packets) {
    const q = ofB.get(title(p));
    if (q) packets.push(diffPacket(p, q));
  }
  return { packets, onlyA: [...namesA].filter((n) => !ofB.has(n)), onlyB: [...ofB.keys()].filter((n) => !namesA.has(n)) };
}

function diffPacket(p: PacketRun, q: PacketRun): PacketDiff {
  const a = sideOf(flowOf(p));
  const b = sideOf(flowOf(q));
  return {
    packet: title(p),
    a,
    b,
    fateChanged: a.fate !== b.fate,
    addressesChanged: JSON.stringify(a.addresses) !== JSON.stringify(b.addresses),
    trace: firstDifference(traceOf(p), traceOf(q)),
  };
}

function sideOf(f: Flow): Side {
  const seen = sights(f, 'request');
  const addresses: NodeAddresses[] = [];
  for (const s of seen)
    if (!addresses.some((x) => x.node === s.node)) addresses.push({ node: s.node, source: formatAddr(s.src), destination: formatAddr(s.dst) });
  const last = seen.at(-1);
  if (last) addresses.push({ node: '', source: formatAddr(last.src), destination: formatAddr(last.dst) });
  return { fate: fateWords(f, 'request'), inconclusive: unknownAt(f) >= 0, addresses };
}

interface Line {
  /** What makes two lines equal: the rule's words, since its number moves when another is inserted above. */
  readonly same: string;
  readonly shown: string;
}

function traceOf(p: PacketRun): Line[] {
  const out: Line[] = [];
  for (const e of p.events) {
    if (e.t !== 'trace' && e.t !== 'nft-trace') continue;
    const text = ruleText(p.nodes.get(e.node), e.rule) ?? '';
    out.push({ same: `${e.node} ${chainPlace(e.rule)} ${e.kind} ${text}`, shown: `${e.node} ${rulePlace(e.rule)}  ${text}`.trimEnd() });
  }
  return out;
}

function firstDifference(a: readonly Line[], b: readonly Line[]): TraceDifference | null {
  const n = Math.max(a.length, b.length);
  for (let i = 0; i < n; i++) if (a[i]?.same !== b[i]?.same) return { line: i + 1, a: a[i]?.shown ?? null, b: b[i]?.shown ?? null };
  return null;
}
