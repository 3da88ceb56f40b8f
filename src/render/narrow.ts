/** What of a run is printed: `--node`, `--packet`, `--dir`, `--layer`. Narrowing never changes what is run, and the verdict of the story is never narrowed. */
import { ETH_P_IP, ETH_P_IPV6, type Origin } from '../packet/skb.js';
import type { Direction } from '../stack/outcome.js';
import type { PacketRun } from '../stack/run-scenario.js';
import type { Event, PacketView } from '../trace/event.js';

export type Layer = 'inner' | 'outer' | 'all';

export interface Narrowing {
  readonly node: string | null;
  readonly packet: string | null;
  readonly dir: Direction | null;
  readonly layer: Layer;
}

export const EVERYTHING: Narrowing = { node: null, packet: null, dir: null, layer: 'all' };

const CARRIERS: ReadonlySet<number> = new Set([4, 41, 47, 50, 51]);

/** A packet whose payload is a packet, by its protocol number: ipip, sit, gre, ESP, AH. */
function carries(v: PacketView): boolean {
  if (v.protocol === ETH_P_IP) return v.data.length >= 20 && CARRIERS.has(v.data[9]);
  return v.protocol === ETH_P_IPV6 && v.data.length >= 40 && CARRIERS.has(v.data[6]);
}

function bornOuter(origin: Origin, view: PacketView, outer: ReadonlyMap<number, boolean>): boolean {
  if (origin.kind === 'encapsulated') return true;
  if (origin.kind === 'decapsulated') return false;
  const follows = origin.kind === 'received' || origin.kind === 'clone' || origin.kind === 'fragment' || origin.kind === 'reassembled';
  return carries(view) || (follows && origin.of !== null && outer.get(origin.of) === true);
}

/** For each event: was its packet a tunnel's outer one at that moment? Followed through encapsulation and decapsulation, since a vxlan packet is plain UDP to look at. */
export function outerFlags(events: readonly Event[]): readonly boolean[] {
  const outer = new Map<number, boolean>();
  return events.map((e) => {
    if (e.t === 'skb') outer.set(e.skb, bornOuter(e.origin, e.view, outer));
    else if (e.t === 'consume' && e.why === 'encapsulated') outer.set(e.skb, true);
    else if (e.t === 'consume' && e.why === 'decapsulated') outer.set(e.skb, false);
    else if (e.t === 'xfrm' && e.what === 'encode') outer.set(e.skb, true);
    else if (e.t === 'xfrm' && e.what === 'decode') outer.set(e.skb, false);
    return outer.get(e.skb) === true;
  });
}

/** Events of a packet's run that are to be printed. Those of no packet (ARP that nobody's packet caused, for example) go when a direction or layer is asked for. */
export function shownEvents(p: PacketRun, n: Narrowing): readonly Event[] {
  if (n.packet !== null && p.packet.name !== n.packet) return [];
  if (n.node === null && n.dir === null && n.layer === 'all') return p.events;
  const outer = n.layer === 'all' ? null : outerFlags(p.events);
  return p.events.filter((e, i) => {
    if (n.node !== null && e.node !== n.node) return false;
    if (n.dir !== null && p.outcome.skbs.get(e.skb)?.direction !== n.dir) return false;
    return outer === null || outer[i] === (n.layer === 'outer');
  });
}
