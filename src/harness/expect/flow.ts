/**
 * One packet's run as expectations read it: which events belong to the packet itself, which to what carries it, which to the answer.
 * Pure functions of events; nothing is decided here that the engine did not decide.
 */
import { type Direction, type Ends, endsOf, type Fate } from '../../stack/outcome.js';
import type { PacketRun } from '../../stack/run-scenario.js';
import type { Event, EventOf } from '../../trace/event.js';

const RST = 4;
const REDIRECT = 5;
const REDIRECT6 = 137;

export interface Flow {
  readonly run: PacketRun;
  /** Per event: whose it is; null = of another packet (ARP, a later segment of the conversation). */
  readonly direction: readonly (Direction | null)[];
  /** Per event: the packet is inside another one there (IPIP, ESP, VXLAN). */
  readonly carried: readonly boolean[];
}

export function flowOf(run: PacketRun): Flow {
  const depth = new Map<number, number>();
  const direction: (Direction | null)[] = [];
  const carried: boolean[] = [];
  for (const e of run.events) {
    if (e.t === 'skb' && !depth.has(e.skb)) depth.set(e.skb, (e.origin.of === null ? 0 : (depth.get(e.origin.of) ?? 0)) + step(e.origin.kind));
    direction.push(run.outcome.skbs.get(e.skb)?.direction ?? null);
    carried.push((depth.get(e.skb) ?? 0) > 0);
    // Tunnels and IPsec rewrite the packet in place; VXLAN makes a new one, whose origin says so.
    if (e.t === 'consume' && e.into === e.skb) depth.set(e.skb, (depth.get(e.skb) ?? 0) + step(e.why));
    if (e.t === 'xfrm') depth.set(e.skb, (depth.get(e.skb) ?? 0) + step(e.what));
  }
  return { run, direction, carried };
}

const step = (what: string): number => (what === 'encapsulated' || what === 'encode' ? 1 : what === 'decapsulated' || what === 'decode' ? -1 : 0);

export interface At<E extends Event = Event> {
  readonly at: number;
  readonly event: E;
}

/** Events of one kind and direction; `inner`: without those of what carries the packet. */
export function eventsOf<T extends Event['t']>(f: Flow, t: T, direction: Direction, inner: boolean): At<EventOf<T>>[] {
  const out: At<EventOf<T>>[] = [];
  f.run.events.forEach((e, at) => {
    if (e.t === t && f.direction[at] === direction && !(inner && f.carried[at])) out.push({ at, event: e as EventOf<T> });
  });
  return out;
}

export interface Sight extends Ends {
  readonly at: number;
  readonly node: string;
}

/** The packet's own addresses, at every event that shows them. */
export function sights(f: Flow, direction: Direction): Sight[] {
  const out: Sight[] = [];
  f.run.events.forEach((e, at) => {
    if (f.direction[at] !== direction || f.carried[at] || !('view' in e) || !e.view) return;
    const ends = endsOf(e.view);
    if (ends) out.push({ ...ends, at, node: e.node });
  });
  return out;
}

export const fateOf = (f: Flow, d: Direction): Fate | null => (d === 'request' ? f.run.outcome.request : f.run.outcome.reply);

/** Where the engine knows no answer, nothing can be said about what follows; index of the event, -1 if it knew all. */
export function unknownAt(f: Flow): number {
  const { request, reply } = f.run.outcome;
  return request.inconclusive ? request.at : reply?.inconclusive ? reply.at : -1;
}

/** An answer came back: the reply to a ping, or the connection was made. */
export const isAnswered = (f: Flow): boolean => f.run.outcome.answered;

/** Index of the event that made an error or a reset about the packet; -1 when nobody refused it. */
export function refusedAt(f: Flow): number {
  return f.run.events.findIndex((e, at) => {
    if (e.t !== 'skb' || f.direction[at] !== 'reply' || e.origin.kind === 'received') return false;
    const ends = endsOf(e.view);
    // A redirect only gives advice; the packet itself goes on.
    if (e.origin.kind === 'icmp-error') return ends?.type !== REDIRECT && ends?.type !== REDIRECT6;
    return ends !== null && ends.proto === 6 && isReset(e.view.data, e.view.protocol);
  });
}

function isReset(data: Uint8Array, protocol: number): boolean {
  const th = protocol === 0x86dd ? 40 : (data[0] & 15) * 4;
  return data.length > th + 13 && (data[th + 13] & RST) !== 0;
}
