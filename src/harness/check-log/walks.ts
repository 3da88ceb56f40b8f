/**
 * The lines of a log put together into walks: one skb's way through the hooks of one round, from PREROUTING or OUTPUT on. A packet that comes round again
 * (lo, a tunnel's inside) makes another walk, and so do the chains of a bridge and of a device.
 *
 * What belongs together is told by what stays the same on the way (protocol, identification, ports or their NAT, sequence numbers, nft's trace id) and by
 * the order of hooks and of the base chains in them, in which no packet goes back.
 */
import type { LoggedPacket, TraceLogLine } from '../../formats/trace-log-types.js';
import type { NodeState } from '../../scenario/model.js';
import type { HookPoint } from '../../trace/event.js';
import { type BasePlace, Places, rankOf, rankOfStage, stageAt } from './places.js';

export interface LoggedWalk {
  /** From 1, in the order of first lines. */
  readonly n: number;
  readonly lines: readonly TraceLogLine[];
  /** The hook of its first line. */
  readonly hook: HookPoint;
}

interface Open {
  readonly lines: TraceLogLine[];
  readonly first: BasePlace;
  /** Where it stands: BasePlace.stage. */
  at: number;
  last: TraceLogLine;
}

/** Walks that may still go on; more are not under way at once in one kernel's log. */
const MOST_OPEN = 256;
/** A chain of unknown priority stands this far behind the one before it. */
const NEXT = 1 / 8192;

/** `node`: whose base chains tell the order. */
export function walksOf(lines: readonly TraceLogLine[], node: NodeState): LoggedWalk[] {
  const places = new Places(node, lines);
  const all: Open[] = [];
  const open: Open[] = [];
  for (const l of lines) {
    const w = continued(places, open, l);
    if (w) {
      w.at = stageOf(places, w, l);
      w.lines.push(l);
      w.last = l;
    } else {
      const first = places.base(l) ?? places.entrance(l);
      const fresh: Open = { lines: [l], first, at: first.stage ?? stageAt(first.point, LOWEST), last: l };
      all.push(fresh);
      open.push(fresh);
      if (open.length > MOST_OPEN) open.shift();
    }
  }
  return all.map((w, i) => ({ n: i + 1, lines: w.lines, hook: w.first.point }));
}
const LOWEST = -(2 ** 31);

/** Where a line stands if it goes on with the walk; a user chain stands where the walk is. */
function stageOf(places: Places, w: Open, l: TraceLogLine): number {
  if (sameRun(places, w, l)) return w.at;
  const base = places.base(l);
  if (base) return base.stage ?? floating(w, l, base.point);
  const inside = w.last.table === l.table && w.last.nftFamily === l.nftFamily && (l.traceId === null || l.packet === w.last.packet);
  return inside ? w.at : (places.entrance(l).stage ?? w.at + NEXT);
}

/** Of a chain that the dump does not have. A packet comes to it once; which hook of two it is, the walk tells where the devices do not. */
function floating(w: Open, l: TraceLogLine, p: HookPoint): number {
  if (w.lines.some((x) => x.chain === l.chain && x.table === l.table && x.nftFamily === l.nftFamily)) return BEFORE;
  if (rankOf(p) > rankOfStage(w.at)) return stageAt(p, LOWEST);
  const { packet } = w.last;
  return rankOf(p) < rankOfStage(w.at) && (packet.in !== l.packet.in || packet.out !== l.packet.out) ? BEFORE : w.at + NEXT;
}
const BEFORE = -1;

/** nf_tables shows the packet once per base chain: what refers to the same showing is of one run through it. */
function sameRun(places: Places, w: Open, l: TraceLogLine): boolean {
  const { last } = w;
  if (l.traceId === null || l.traceId !== last.traceId || l.packet !== last.packet) return false;
  if (l.table !== last.table || l.nftFamily !== last.nftFamily) return false;
  const base = places.base(l);
  return base === null || base.stage === null || base.stage === w.at;
}

function continued(places: Places, open: readonly Open[], l: TraceLogLine): Open | null {
  let best: Open | null = null;
  let score = 0;
  for (let i = open.length - 1; i >= 0; i--) {
    const s = fits(places, open[i], l);
    if (s > score) {
      best = open[i];
      score = s;
    }
  }
  return best;
}

/** 0: it cannot be; the more the likelier. */
function fits(places: Places, w: Open, l: TraceLogLine): number {
  const a = w.last.packet;
  const b = l.packet;
  if (w.last.verdict === 'drop') return 0;
  if (a.family !== b.family || (l.traceId !== w.last.traceId && !goesOnAs(places, w, l))) return 0;
  if (different(a.proto, b.proto) || different(a.id, b.id) || different(a.spi, b.spi)) return 0;
  if (a.fragOffset !== b.fragOffset || different(a.icmp?.type, b.icmp?.type) || different(a.icmp?.seq, b.icmp?.seq)) return 0;
  if (different(a.tcp?.seq, b.tcp?.seq) || different(a.tcp?.flags, b.tcp?.flags)) return 0;
  if (layer(places, w, l) !== w.first.layer) return 0;
  const to = stageOf(places, w, l);
  if (to < w.at || (to === w.at && !follows(places, w.last, l)) || !devices(w, a, b, to)) return 0;
  // NAT changes one end, and only between two tables.
  const source = a.src === b.src && !different(a.sport, b.sport);
  const destination = a.dst === b.dst && !different(a.dport, b.dport);
  if (to === w.at && !(source && destination)) return 0;
  if (!source && !destination) return 0;
  return 1 + (l.traceId === w.last.traceId ? 16 : 0) + (source ? 4 : 0) + (destination ? 4 : 0) + (a.ttl === b.ttl ? 2 : 0) + (a.len === b.len ? 1 : 0);
}

const layer = (places: Places, w: Open, l: TraceLogLine): BasePlace['layer'] =>
  places.base(l)?.layer ?? (sameRun(places, w, l) ? w.first.layer : places.entrance(l).layer);

/** nf_tables' id of a packet is made from its input device as well: a bridge's packet has another one behind PREROUTING. */
function goesOnAs(places: Places, w: Open, l: TraceLogLine): boolean {
  if (rankOf(w.first.point) !== 0 || rankOfStage(w.at) > 0 || w.last.packet.id === null) return false;
  return w.last.packet.id === l.packet.id && w.last.packet.in === l.packet.in && rankOf((places.base(l) ?? places.entrance(l)).point) > 0;
}

const different = (a: number | null | undefined, b: number | null | undefined): boolean =>
  a !== null && a !== undefined && b !== null && b !== undefined && a !== b;

function devices(w: Open, a: LoggedPacket, b: LoggedPacket, to: number): boolean {
  if (to === w.at) return a.in === b.in && a.out === b.out;
  const post = rankOfStage(to) >= 2;
  // Kernels before 5.x tell no input device in POSTROUTING.
  // IPsec's own packet shows the device of the packet inside there.
  if (a.in !== b.in && !(post && (b.in === '' || a.in === ''))) return false;
  return a.out === '' || a.out === b.out || post;
}

/** Within one base chain of one table: a policy ends it, a packet is shown once, and a base chain's numbers go up. */
function follows(places: Places, a: TraceLogLine, b: TraceLogLine): boolean {
  const isBase = places.base(a) !== null;
  if (isBase && a.kind === 'policy') return false;
  if (a.traceId !== null && a.packet !== b.packet) return false;
  if (a.num === null || b.num === null) return a.kind !== 'policy' || !isBase;
  return !(a.chain === b.chain && isBase && b.num <= a.num);
}
