/**
 * Frames that are heard by others than their addressee, on a segment or flooded by a bridge: what becomes of such a copy says nothing about the packet.
 * Pure functions of events and of the nodes' states; outcomes (outcome.ts) and the story read them.
 */
import { type Addr, isMulticastMac, type Mac } from '../base/addr.js';
import { byName } from '../base/memo.js';
import type { NodeState } from '../scenario/model.js';
import type { Event, EventOf } from '../trace/event.js';
import type { SkbInfo } from './outcome.js';

type Nodes = ReadonlyMap<string, NodeState>;
type Skbs = ReadonlyMap<number, SkbInfo>;

/** The MAC address that an skb came with; null where it came with none, or with that of a group. */
const addressee = (s: SkbInfo): Mac | null => (s.view.eth === null || isMulticastMac(s.view.eth.dst) ? null : s.view.eth.dst);

/** The nodes that have a device of that MAC address, as `NODE:DEVICE`. */
export const devicesWith = (nodes: Nodes, mac: Mac): string[] =>
  [...nodes.values()].flatMap((n) => n.links.filter((l) => l.linkType === 'ether' && l.mac === mac).map((l) => `${n.name}:${l.name}`));

/** The frame as it came to the node, of which a bridge made copies for its ports. */
function asReceived(s: SkbInfo, skbs: Skbs): SkbInfo | null {
  for (let x: SkbInfo | undefined = s; x; x = skbs.get(x.origin.of ?? -1)) if (x.origin.kind !== 'clone') return x.origin.kind === 'received' ? x : null;
  return null;
}

/**
 * Is it the loss of a copy that was not meant for that node: for a device that is down, another device's address; in a bridge, one copy of several, to a port
 * that may not have it? A bridge, and a port that is down, may have the addressee behind them, if any node is the addressee.
 */
export function isOverheard(e: EventOf<'drop'>, s: SkbInfo, skbs: Skbs, nodes: Nodes): boolean {
  const mac = addressee(s);
  const came = asReceived(s, skbs);
  if (mac === null || came === null) return false;
  const several = (): boolean => [...skbs.values()].some((x) => x !== came && x.origin.kind === 'received' && x.origin.of === came.origin.of);
  const nobodys = (): boolean => devicesWith(nodes, mac).length === 0;
  switch (e.cause) {
    case 'not-for-us':
      return e.reason === 'OTHERHOST';
    case 'device-down': {
      const dev = e.location === 'enqueue_to_backlog' ? byName(nodes.get(e.node)?.links ?? [], String(e.facts.dev)) : undefined;
      return dev !== undefined && dev.mac !== mac && (dev.master === null || nobodys());
    }
    case 'bridge-no-port':
      return several();
    default:
      return e.cause.startsWith('bridge-') && several() && nobodys();
  }
}

/**
 * Where a frame was sent that the skb of event `at` overheard: index of the event; -1 where it came from outside. What only bridges passed on was sent by the node
 * in front of them.
 */
export function sentAt(events: readonly Event[], skbs: Skbs, at: number): number {
  let s = skbs.get(events[at].skb);
  const mac = s?.view.eth?.dst;
  let sender = -1;
  while (s && s.view.eth?.dst === mac && (s.origin.kind === 'received' || s.origin.kind === 'clone')) {
    const of: number = s.origin.of ?? -1;
    if (s.origin.kind === 'received') sender = of;
    s = skbs.get(of);
  }
  return events.findLastIndex((e, i) => i < at && e.t === 'emit' && e.skb === sender);
}

/** The neighbour that a frame was sent to. `at`: index of the event by which it left; null where none was asked for. */
export function neighbourAsked(events: readonly Event[], at: number): EventOf<'neigh'> | null {
  const { skb, node } = events[at];
  return events.slice(0, at).findLast((e): e is EventOf<'neigh'> => e.t === 'neigh' && e.skb === skb && e.node === node) ?? null;
}

/** The nodes that a frame reached, bridges included, in that order; `at`: index of the event by which it left. */
export function hearersOf(skbs: Skbs, { skb }: Event): string[] {
  const out = new Set<string>();
  for (const s of skbs.values()) {
    let x: SkbInfo | undefined = s;
    while (x && x.id !== skb) x = x.origin.of === null ? undefined : skbs.get(x.origin.of);
    if (x && s.origin.kind === 'received') out.add(s.node);
  }
  return [...out];
}

/** Would the node answer for the address, one of a device that answers ARP? */
export const answersFor = (n: NodeState | undefined, a: Addr): boolean =>
  n?.addrs.some((x) => x.local === a && !byName(n.links, x.dev)?.flags.some((f) => f === 'LOOPBACK' || f === 'NOARP')) ?? false;

/**
 * Of a packet that ended in a copy which a bystander threw away (event `at`): it went where no node is, so that its leaving tells what became of it. Where the next hop
 * is an address of a node that heard it, it was lost there, for a neighbour entry that is wrong.
 */
export function endOfOverheard(events: readonly Event[], skbs: Skbs, nodes: Nodes, at: number): number {
  const left = sentAt(events, skbs, at);
  if (left < 0) return at;
  const hop = neighbourAsked(events, left)?.addr;
  const owner = hop === undefined ? undefined : hearersOf(skbs, events[left]).find((n) => answersFor(nodes.get(n), hop));
  if (owner === undefined) return left;
  const there = events.findLastIndex((e, i) => i > left && e.t === 'drop' && e.node === owner && e.reason === 'OTHERHOST' && skbs.has(e.skb));
  return there < 0 ? at : there;
}
