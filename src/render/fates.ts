/** What became of a packet, in the few words of one line. */
import { formatAddr } from '../base/addr.js';
import { type Ends, endsOf, type Fate } from '../stack/outcome.js';
import type { PacketRun } from '../stack/run-scenario.js';
import type { Cause } from '../trace/cause.js';
import type { Event, EventOf } from '../trace/event.js';
import { towards } from './beyond.js';
import { type Conversation, conversationOf } from './conversation.js';
import { lastView } from './drop-context.js';
import { leavesTheMap } from './silent-neighbour.js';
import { packetTitle } from './summary.js';

export interface Failure {
  readonly direction: 'request' | 'reply';
  readonly fate: Fate;
}

const bad = (f: Fate): boolean => f.kind === 'dropped' || f.kind === 'held' || f.kind === 'inconclusive' || f.kind === 'none';

export function failureOf(p: PacketRun): Failure | null {
  const { request, reply, answered } = p.outcome;
  const lost = (f: Fate): boolean => bad(f) && !(f.kind === 'held' && leavesTheMap(p, f.at));
  if (p.outcome.connection === 'stalled' || p.outcome.connection === 'reset') return brokenOff(p);
  if (lost(request)) return { direction: 'request', fate: request };
  if (reply && !answered && lost(reply)) return { direction: 'reply', fate: reply };
  if (reply === null && unroutable(p)) return { direction: 'reply', fate: { ...request, kind: 'none', drop: null } };
  return null;
}

/** The last segment that was lost of a connection that came about and broke off: what was sent later descends from no packet of the scenario. */
function brokenOff(p: PacketRun): Failure | null {
  const { start } = p.outcome.request;
  const segment = (at: number): Ends | null => {
    const view = lastView(p.events, at, p.events[at].skb);
    const ends = view && endsOf(view);
    return ends?.proto === start?.proto ? ends : null;
  };
  const at = p.events.findLastIndex((e, i) => e.t === 'drop' && !IN_VAIN.has(e.cause) && segment(i) !== null);
  const e = p.events[at];
  if (e?.t !== 'drop') return null;
  const direction = segment(at)?.sport === start?.sport ? 'request' : 'reply';
  return { direction, fate: { ...p.outcome.request, kind: 'dropped', node: e.node, at, drop: e, inconclusive: null } };
}
/** Losses that end no connection: frames of others, and segments that came twice or after its end. */
const IN_VAIN: ReadonlySet<Cause> = new Set<Cause>(['not-for-us', 'tcp-refused', 'no-socket']);

/** The route that an answer would have taken, and that the node where the packet was delivered does not have; null where it did not fail at that. */
export function unroutable(p: PacketRun): EventOf<'route'> | null {
  const { request } = p.outcome;
  if (request.kind !== 'delivered') return null;
  const asks = (e: Event): e is EventOf<'route'> =>
    e.t === 'route' && e.node === request.node && e.purpose === 'output' && e.errno !== 0 && e.dst === request.end?.src;
  return p.events.find(asks) ?? null;
}

/** A packet that a person would call failed: lost, or a connection that did not come about. */
export const failed = (p: PacketRun): boolean => {
  const talk = conversationOf(p);
  return talk ? talk.kind !== 'established' : failureOf(p) !== null;
};

/** `NAME  src > dst  what came of it` in three columns. */
export function headline(p: PacketRun): readonly [string, string, string] {
  const s = p.outcome.request.start;
  const port = (n: number): string => (n ? `:${n}` : '');
  const who = s ? `${formatAddr(s.src)} > ${formatAddr(s.dst)}${port(s.dport)}` : p.packet.source.node;
  return [packetTitle(p), who, fateWords(p)];
}

const TALK: Readonly<Record<Exclude<Conversation['kind'], 'established'>, string>> = {
  'wrong-source': 'FAILED: the answer comes from another address',
  refused: 'REFUSED',
  stalled: 'STALLED: connected, and no answer to what was sent then',
  reset: 'RESET after it was connected',
  'timed-out': 'FAILED: no answer',
};

/** Of a packet of a connection that is lost. */
const BROKEN = { refused: 'REFUSED', stalled: 'connected, then LOST', reset: 'connected, then RESET' } as const;

function fateWords(p: PacketRun): string {
  const o = p.outcome;
  const talk = conversationOf(p);
  if (talk?.kind === 'established') return 'connected';
  const lost = failureOf(p);
  if (lost === null) return talk ? TALK[talk.kind] : o.answered ? 'answered' : reached(p);
  if (talk?.kind === 'wrong-source') return TALK['wrong-source'];
  const what = talk && talk.kind in BROKEN ? BROKEN[talk.kind as keyof typeof BROKEN] : lost.direction === 'reply' ? 'its answer is LOST' : 'LOST';
  switch (lost.fate.kind) {
    case 'dropped':
      return `${what} on ${lost.fate.node}: ${lost.fate.drop!.reason} (${lost.fate.drop!.cause})`;
    case 'held':
      return `${what} on ${lost.fate.node}: waiting for ${heldFor(p, lost.fate.at)}`;
    case 'inconclusive':
      return `INCONCLUSIVE on ${lost.fate.node}: ${lost.fate.inconclusive!.what}`;
    default:
      if (lost.direction === 'reply') return `its answer is NOT SENT by ${lost.fate.node}: ${errnoWords(unroutable(p)?.errno ?? 0)}`;
      return p.errno === 0 ? `${what}: nothing was sent` : `NOT SENT by ${p.packet.source.node}: ${errnoWords(p.errno)}`;
  }
}

/** Only two things hold a packet for ever: a neighbour that is silent, and fragments that never come. */
export const heldFor = (p: PacketRun, at: number): string =>
  p.events.slice(0, at + 1).some((e) => e.t === 'neigh' && e.state === 'incomplete')
    ? 'a neighbour that does not answer'
    : 'the other fragments of its datagram';

const ERRNO = new Map<number, string>([
  [1, 'Operation not permitted'],
  [13, 'Permission denied'],
  [19, 'No such device'],
  [22, 'Invalid argument'],
  [90, 'Message too long'],
  [98, 'Address already in use'],
  [99, 'Cannot assign requested address'],
  [100, 'Network is down'],
  [101, 'Network is unreachable'],
  [110, 'Connection timed out'],
  [111, 'Connection refused'],
  [113, 'No route to host'],
]);
/** As strerror(3) puts it. */
export const errnoWords = (n: number): string => ERRNO.get(n) ?? `error ${n}`;

/** A packet that goes on beyond what the files show. */
export const leavingWords = (p: PacketRun): string => `As far as the files tell, it ${reached(p)}.`;

/** It, or its answer, goes on where no node is. */
export const leavesTheFiles = ({ outcome: { request, reply, answered } }: PacketRun): boolean =>
  !answered && [request, reply].some((f) => f?.kind === 'left' || f?.kind === 'held');

function reached(p: PacketRun): string {
  const { request: f, reply } = p.outcome;
  const on = (x: Fate): string => {
    const waits = x.kind === 'held' ? leavesTheMap(p, x.at) : null;
    return waits
      ? `leaves ${x.node} by ${waits.dev} to the next hop ${formatAddr(waits.addr)} (no dump says whose MAC address that is)`
      : `left ${x.node} by ${x.dev}${towards(p, x)}`;
  };
  if (reply && (reply.kind === 'held' || reply.kind === 'left')) return `its answer ${on(reply)}`;
  switch (f.kind) {
    case 'delivered':
      return `delivered on ${f.node}, no answer expected`;
    case 'left':
    case 'held':
      return on(f);
    case 'handled':
      return `taken in by ${f.node}`;
    default:
      return f.kind;
  }
}
