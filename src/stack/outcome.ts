/**
 * What became of a scenario packet, read off the events: the descent of skbs (origin), their direction, and the fate of each direction.
 * Pure functions of a list of events; the story, the summary, expectations and what-if tables all read this.
 */
import type { Addr } from '../base/addr.js';
import { ETH_P_IP, ETH_P_IPV6, type Origin, Skb } from '../packet/skb.js';
import type { NodeState } from '../scenario/model.js';
import type { Event, EventOf, PacketView } from '../trace/event.js';
import { endOfOverheard, isOverheard } from './overheard.js';

export type Direction = 'request' | 'reply';

export interface Ends {
  readonly src: Addr;
  readonly dst: Addr;
  readonly proto: number;
  readonly sport: number;
  readonly dport: number;
  /** ICMP type, code, id (echo); -1 where none. */
  readonly type: number;
  readonly code: number;
}

/** One skb as the events tell of it. */
export interface SkbInfo {
  readonly id: number;
  readonly origin: Origin;
  readonly node: string;
  readonly direction: Direction;
  /** 0 for the scenario packet itself, then by descent. */
  readonly generation: number;
  /** Answers between the scenario packet and this one: 0 itself, 1 its answer, 2 what the answer set off. */
  readonly answers: number;
  /** It carries another packet (ipip, ESP, vxlan outer), by proto at birth or after encapsulation. */
  readonly view: PacketView;
}

export type FateKind = 'delivered' | 'dropped' | 'left' | 'held' | 'inconclusive' | 'handled' | 'none';

export interface Fate {
  readonly kind: FateKind;
  readonly node: string;
  /** Index of the deciding event in the list; -1 when nothing happened. */
  readonly at: number;
  readonly drop: EventOf<'drop'> | null;
  readonly inconclusive: EventOf<'inconclusive'> | null;
  /** Device a packet left the map by. */
  readonly dev: string | null;
  /** As sent and as last seen. */
  readonly start: Ends | null;
  readonly end: Ends | null;
}

/**
 * How a TCP conversation ended for the client: 'established' (handshake made, and all that it sent was acknowledged), 'stalled' (handshake made, later segments were
 * not acknowledged), 'refused' (a RST answered the SYN), 'reset' (a RST came later), 'unreachable' (no route, or an ICMP error said so), 'timeout' (nothing usable came back).
 */
export type Connection = 'established' | 'stalled' | 'refused' | 'reset' | 'unreachable' | 'timeout';

export interface Outcome {
  readonly root: number;
  readonly skbs: ReadonlyMap<number, SkbInfo>;
  readonly request: Fate;
  /** null: nobody answered. */
  readonly reply: Fate | null;
  readonly answered: boolean;
  /** null: it was no TCP conversation. */
  readonly connection: Connection | null;
}

export function endsOf(v: PacketView): Ends | null {
  if ((v.protocol !== ETH_P_IP && v.protocol !== ETH_P_IPV6) || v.data.length < 20) return null;
  const s = new Skb(0, { kind: 'clone', of: null }, v.data, v.protocol);
  const proto = s.l4proto;
  const icmp = proto === 1 || proto === 58;
  const th = s.thoff;
  const whole = th >= 0 && s.fragOffset === 0 && s.data.length >= th + 8;
  const ports = proto === 6 || proto === 17 || proto === 132 || proto === 33;
  return {
    src: s.saddr,
    dst: s.daddr,
    proto,
    sport: ports && whole ? s.u16(th) : 0,
    dport: ports && whole ? s.u16(th + 2) : 0,
    type: icmp && whole ? s.u8(th) : -1,
    code: icmp && whole ? s.u8(th + 1) : -1,
  };
}

const flips = (kind: Origin['kind']): boolean => kind === 'reply' || kind === 'icmp-error';
const other = (d: Direction): Direction => (d === 'request' ? 'reply' : 'request');

/** Every skb that stems from `root` among the events. */
export function descent(events: readonly Event[], root: number): ReadonlyMap<number, SkbInfo> {
  const out = new Map<number, SkbInfo>();
  for (const e of events) {
    if (e.t !== 'skb' || out.has(e.skb)) continue;
    const parent = e.origin.of === null ? undefined : out.get(e.origin.of);
    if (e.skb !== root && !parent) continue;
    out.set(e.skb, {
      id: e.skb,
      origin: e.origin,
      node: e.node,
      direction: parent ? (flips(e.origin.kind) ? other(parent.direction) : parent.direction) : 'request',
      generation: parent ? parent.generation + 1 : 0,
      answers: (parent?.answers ?? 0) + (parent && flips(e.origin.kind) ? 1 : 0),
      view: e.view,
    });
  }
  return out;
}

/** How much an end says: a drop or a delivery outweighs an internal step, the later of equals counts. */
function weight(e: Event): number {
  switch (e.t) {
    case 'inconclusive':
      return 5;
    case 'deliver':
      return 4;
    case 'drop':
      return e.cause === 'not-for-us' ? 1 : 3;
    case 'emit':
      return 1;
    case 'consume':
      return e.why === 'held' ? 3 : e.why === 'echo-replied' ? 4 : e.why === 'handled' ? 2 : 0;
    // Less than leaving: once the neighbour answers, the packet goes on.
    case 'neigh':
      return e.state === 'incomplete' ? 0.5 : -1;
    default:
      return -1;
  }
}

/** Copies that others than the addressee heard: they say nothing as long as there is anything else to say. */
const OVERHEARD = 0.9;
const mayBeOverheard = (e: Event): e is EventOf<'drop'> =>
  e.t === 'drop' && (e.cause === 'not-for-us' || e.cause === 'device-down' || e.cause.startsWith('bridge-'));

interface Told {
  readonly events: readonly Event[];
  readonly skbs: ReadonlyMap<number, SkbInfo>;
  readonly nodes: ReadonlyMap<string, NodeState>;
  readonly receivedFrom: ReadonlySet<number>;
}

function fateOf({ events, skbs, nodes, receivedFrom }: Told, direction: Direction): Fate {
  let at = -1;
  let best = -1;
  let overheard = false;
  let start: Ends | null = null;
  let end: Ends | null = null;
  for (let i = 0; i < events.length; i++) {
    const e = events[i];
    const info = skbs.get(e.skb);
    if (info?.direction !== direction || isAside(info)) continue;
    if ('view' in e && e.view) {
      const ends = endsOf(e.view);
      if (ends && !isTunnelled(ends)) {
        start ??= ends;
        end = ends;
      }
    }
    if (e.t === 'emit' && receivedFrom.has(e.skb)) continue;
    const aside = mayBeOverheard(e) && isOverheard(e, info, skbs, nodes);
    const w = aside ? OVERHEARD : weight(e);
    if (w >= 0 && w >= best) {
      best = w;
      at = i;
      overheard = aside;
    }
  }
  if (overheard) at = endOfOverheard(events, skbs, nodes, at);
  const e = at < 0 ? null : events[at];
  return {
    kind: e === null ? 'none' : kindOf(e),
    node: e?.node ?? '',
    at,
    drop: e?.t === 'drop' ? e : null,
    inconclusive: e?.t === 'inconclusive' ? e : null,
    dev: e?.t === 'emit' ? e.dev : null,
    start,
    end,
  };
}

/** Neither request nor answer: a redirect is advice to the sender, a RST against an answer that nobody wanted tells about the answer. */
const isAside = (s: SkbInfo): boolean => (s.answers >= 1 && isRedirect(s.view)) || (s.answers >= 2 && isReset(s.view));

const REDIRECT = 5;
const REDIRECT6 = 137;
function isRedirect(v: PacketView): boolean {
  const e = endsOf(v);
  return e !== null && ((e.proto === 1 && e.type === REDIRECT) || (e.proto === 58 && e.type === REDIRECT6));
}

const RST = 4;
function isReset(v: PacketView): boolean {
  if ((v.protocol !== ETH_P_IP && v.protocol !== ETH_P_IPV6) || v.data.length < 20) return false;
  const s = new Skb(0, { kind: 'clone', of: null }, v.data, v.protocol);
  return s.l4proto === 6 && s.thoff >= 0 && s.data.length > s.thoff + 13 && (s.u8(s.thoff + 13) & RST) !== 0;
}

/** Outer packets say nothing about the inner ends. */
const isTunnelled = (e: Ends): boolean => e.proto === 4 || e.proto === 50 || e.proto === 51;

function kindOf(e: Event): FateKind {
  switch (e.t) {
    case 'inconclusive':
      return 'inconclusive';
    case 'drop':
      return 'dropped';
    case 'deliver':
      return 'delivered';
    case 'emit':
      return 'left';
    case 'consume':
      return e.why === 'held' ? 'held' : e.why === 'echo-replied' ? 'delivered' : 'handled';
    case 'neigh':
      return 'held';
    default:
      return 'none';
  }
}

/** `events`: those of one packet, from its sending to the end of all that it set off; `nodes` as they were then; `connection`: what its TCP client came to know. */
export function outcomeOf(events: readonly Event[], root: number, nodes: ReadonlyMap<string, NodeState>, connection: Connection | null = null): Outcome {
  const skbs = descent(events, root);
  const receivedFrom = new Set<number>();
  for (const s of skbs.values()) if (s.origin.kind === 'received' && s.origin.of !== null) receivedFrom.add(s.origin.of);
  const told = { events, skbs, nodes, receivedFrom };
  const request = fateOf(told, 'request');
  const hasReply = [...skbs.values()].some((s) => s.direction === 'reply' && !isAside(s));
  const reply = hasReply ? fateOf(told, 'reply') : null;
  return {
    root,
    skbs,
    request,
    reply,
    answered: connection === null ? reply?.kind === 'delivered' : connection === 'established' || connection === 'stalled',
    connection,
  };
}
