/** From whom a packet descends, and the devices that it crossed on its way. */
import type { Outcome } from '../stack/outcome.js';
import type { PacketRun } from '../stack/run-scenario.js';
import type { Event } from '../trace/event.js';

/** The skb and all that it stems from, through answers back to the scenario's packet. */
export function ancestors(o: Outcome, skb: number): ReadonlySet<number> {
  const out = new Set<number>();
  for (let id: number | null = skb; id !== null && !out.has(id); id = o.skbs.get(id)?.origin.of ?? null) out.add(id);
  return out;
}

/** One node on a way: the devices that a wire ends at; null where the packet was made, or has not left. */
export interface Hop {
  readonly node: string;
  readonly in: string | null;
  readonly out: string | null;
  /** Indices of the events from its arrival to its leaving. */
  readonly from: number;
  readonly to: number;
}

/** The hops of the packet (`answers` 0) or its answer (1), up to the event `at`, as far as `at`'s packet descends from them. */
export function hopsOf(p: PacketRun, at: number, answers: 0 | 1): readonly Hop[] {
  const chain = ancestors(p.outcome, p.events[at].skb);
  const out: { node: string; in: string | null; out: string | null; from: number; to: number }[] = [];
  for (let i = 0; i <= at; i++) {
    const e: Event = p.events[i];
    if (!chain.has(e.skb) || p.outcome.skbs.get(e.skb)?.answers !== answers) continue;
    let last = out.at(-1);
    const arrives = e.t === 'skb' && e.origin.kind === 'received';
    if (!last || arrives || last.node !== e.node) {
      last = { node: e.node, in: arrives ? e.dev : null, out: null, from: i, to: i };
      out.push(last);
    }
    last.to = i;
    if (e.t === 'emit') last.out = e.dev;
  }
  return out;
}

const MADE_ANEW: ReadonlySet<string> = new Set(['sent', 'reply', 'icmp-error']);

/** The last event, on the node where the request ended, of the scenario's packet itself: of a conversation its first segment. */
export function firstArrival(p: PacketRun): number {
  const { root, skbs, request } = p.outcome;
  const itself = (skb: number): boolean => {
    for (let id: number | null = skb; id !== null; id = skbs.get(id)?.origin.of ?? null) {
      if (id === root) return true;
      if (MADE_ANEW.has(skbs.get(id)?.origin.kind ?? '')) return false;
    }
    return false;
  };
  const at = p.events.findLastIndex((e) => e.node === request.node && skbs.has(e.skb) && itself(e.skb));
  return at < 0 ? request.at : at;
}
