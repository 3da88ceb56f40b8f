/**
 * The lines of a log put together into walks: one skb's way through the hooks of one round, from PREROUTING or OUTPUT on. A packet that comes round again
 * (lo, a tunnel's inside) makes another walk.
 *
 * What belongs together is told by what stays the same on the way (protocol, identification, ports or their NAT, sequence numbers, nft's trace id) and by
 * the order of hooks and tables, in which no packet goes back.
 */
import type { LoggedPacket, TraceLogLine } from '../../formats/trace-log-types.js';
import { builtinChains, type XtTableName } from '../../netfilter/xtables/model.js';
import type { HookPoint } from '../../trace/event.js';

export interface LoggedWalk {
  /** From 1, in the order of first lines. */
  readonly n: number;
  readonly lines: readonly TraceLogLine[];
  /** The hook of its first line. */
  readonly hook: HookPoint;
}

interface Open {
  readonly lines: TraceLogLine[];
  readonly hook: HookPoint;
  at: number;
  last: TraceLogLine;
}

const RANK: Readonly<Record<string, number>> = { PREROUTING: 0, OUTPUT: 0, INPUT: 1, FORWARD: 1, POSTROUTING: 2 };
const TABLES = ['raw', 'mangle', 'nat', 'filter', 'security'];
/** nat INPUT comes last (NF_IP_PRI_NAT_SRC). */
const order = (table: string, hook: string): number => (table === 'nat' && hook === 'INPUT' ? TABLES.length : TABLES.indexOf(table));
const stage = (table: string, hook: HookPoint): number => RANK[hook] * 10 + order(table, hook);

/** Walks that may still go on; more are not under way at once in one kernel's log. */
const MOST_OPEN = 256;

export function walksOf(lines: readonly TraceLogLine[]): LoggedWalk[] {
  const all: Open[] = [];
  const open: Open[] = [];
  for (const l of lines) {
    const w = continued(open, l);
    if (w) {
      w.lines.push(l);
      w.at = stageOf(w, l);
      w.last = l;
    } else {
      const hook = hookOf(l);
      const fresh: Open = { lines: [l], hook, at: stage(l.table, hook), last: l };
      all.push(fresh);
      open.push(fresh);
      if (open.length > MOST_OPEN) open.shift();
    }
  }
  return all.map((w, i) => ({ n: i + 1, lines: w.lines, hook: w.hook }));
}

const isBase = (l: TraceLogLine): boolean => builtinChains[l.table as XtTableName]?.includes(l.chain) ?? false;

/** The hook of a line: its base chain's; of a user chain, what the devices say. */
function hookOf(l: TraceLogLine): HookPoint {
  if (isBase(l)) return l.chain as HookPoint;
  const { in: iif, out } = l.packet;
  if (iif !== '' && out !== '') return l.table === 'nat' ? 'POSTROUTING' : 'FORWARD';
  if (iif !== '') return l.table === 'filter' || l.table === 'security' ? 'INPUT' : 'PREROUTING';
  return 'OUTPUT';
}

/** Where a line stands if it goes on with the walk; a user chain stands where the walk is. */
function stageOf(w: Open, l: TraceLogLine): number {
  if (isBase(l)) return stage(l.table, l.chain as HookPoint);
  return w.last.table === l.table ? w.at : stage(l.table, hookOf(l));
}

function continued(open: readonly Open[], l: TraceLogLine): Open | null {
  let best: Open | null = null;
  let score = 0;
  for (let i = open.length - 1; i >= 0; i--) {
    const s = fits(open[i], l);
    if (s > score) {
      best = open[i];
      score = s;
    }
  }
  return best;
}

/** 0: it cannot be; the more the likelier. */
function fits(w: Open, l: TraceLogLine): number {
  const a = w.last.packet;
  const b = l.packet;
  if (a.family !== b.family || (l.traceId !== w.last.traceId && !goesOnAs(w, l))) return 0;
  if (different(a.proto, b.proto) || different(a.id, b.id) || different(a.spi, b.spi)) return 0;
  if (a.fragOffset !== b.fragOffset || different(a.icmp?.type, b.icmp?.type) || different(a.icmp?.seq, b.icmp?.seq)) return 0;
  if (different(a.tcp?.seq, b.tcp?.seq) || different(a.tcp?.flags, b.tcp?.flags)) return 0;
  const to = stageOf(w, l);
  if (to < w.at || (to === w.at && !follows(w.last, l)) || !devices(w, a, b, to)) return 0;
  // NAT changes one end, and only between two tables.
  const source = a.src === b.src && !different(a.sport, b.sport);
  const destination = a.dst === b.dst && !different(a.dport, b.dport);
  if (to === w.at && !(source && destination)) return 0;
  if (!source && !destination) return 0;
  return 1 + (l.traceId === w.last.traceId ? 16 : 0) + (source ? 4 : 0) + (destination ? 4 : 0) + (a.ttl === b.ttl ? 2 : 0) + (a.len === b.len ? 1 : 0);
}

/** nf_tables' id of a packet is made from its input device as well: a bridge's packet has another one behind PREROUTING. */
const goesOnAs = (w: Open, l: TraceLogLine): boolean =>
  RANK[w.hook] === 0 && w.at < 10 && RANK[hookOf(l)] > 0 && w.last.packet.id !== null && w.last.packet.id === l.packet.id && w.last.packet.in === l.packet.in;

const different = (a: number | null | undefined, b: number | null | undefined): boolean =>
  a !== null && a !== undefined && b !== null && b !== undefined && a !== b;

function devices(w: Open, a: LoggedPacket, b: LoggedPacket, to: number): boolean {
  if (to === w.at) return a.in === b.in && a.out === b.out;
  const post = to >= 20;
  // Kernels before 5.x tell no input device in POSTROUTING.
  // IPsec's own packet shows the device of the packet inside there.
  if (a.in !== b.in && !(post && (b.in === '' || a.in === ''))) return false;
  return a.out === '' || a.out === b.out || post;
}

/** Within one base chain of one table: a policy ends it, and a base chain's numbers go up. */
function follows(a: TraceLogLine, b: TraceLogLine): boolean {
  if (isBase(a) && a.kind === 'policy') return false;
  if (a.num === null || b.num === null) return a.kind !== 'policy' || !isBase(a);
  return !(a.chain === b.chain && isBase(a) && b.num <= a.num);
}
