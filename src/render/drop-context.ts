/** What a sentence about a lost packet may speak of: the facts of the drop event, and the packet as it was last seen on that node. */
import { formatAddr, formatMac } from '../base/addr.js';
import { protocolName } from '../base/well-known.js';
import type { NodeState } from '../scenario/model.js';
import { type Ends, endsOf } from '../stack/outcome.js';
import type { PacketRun } from '../stack/run-scenario.js';
import type { Cause } from '../trace/cause.js';
import type { Event, EventOf, PacketView, RuleRef } from '../trace/event.js';
import { rulePlace } from '../trace/place.js';
import { ruleText } from './rule-text.js';

export type Facts = EventOf<'drop'>['facts'];

export interface DropContext {
  readonly cause: Cause;
  readonly reason: string;
  readonly location: string;
  readonly facts: Facts;
  readonly node: string;
  readonly state: NodeState | undefined;
  /** As text; 'it' where no packet was seen. */
  readonly src: string;
  readonly dst: string;
  readonly family: 'ipv4' | 'ipv6';
  /** `tcp`, `udp`, `icmp`, `47`. */
  readonly proto: string;
  readonly sport: number;
  readonly dport: number;
  readonly mark: number;
  readonly length: number;
  /** Device it came in on, and the one it was about to leave by; '' where there is none. */
  readonly dev: string;
  readonly out: string;
  /** `table:CHAIN:N  -A …`, and `table CHAIN` for commands; '' where no rule decided. */
  readonly rule: string;
  readonly table: string;
  readonly chain: string;
  /** The rule or policy itself. */
  readonly ref: RuleRef | null;
  /** The last route decision about it. */
  readonly route: EventOf<'route'> | null;
  /** The last source validation of it. */
  readonly check: EventOf<'source-check'> | null;
  /** What connection tracking of that node calls it: NEW, ESTABLISHED, …; '' where it does not look. */
  readonly ctstate: string;
}

function lastOf<T>(events: readonly Event[], at: number, skb: number, pick: (e: Event) => T | null): T | null {
  for (let i = at; i >= 0; i--) {
    const e = events[i];
    if (e.skb !== skb) continue;
    const v = pick(e);
    if (v !== null) return v;
  }
  return null;
}

export const lastView = (events: readonly Event[], at: number, skb: number): PacketView | null =>
  lastOf(events, at, skb, (e) => ('view' in e && e.view ? e.view : null));

/** A packet is seen at the start of a hook; what rules made of its mark there is told after that. */
const markAt = (e: Event): number | null =>
  e.t === 'mangle' && e.field === 'mark' && typeof e.after === 'number' ? e.after : 'view' in e && e.view ? e.view.mark : null;

const text = (v: Facts[string] | undefined): string => (v === undefined || v === null ? '' : String(v));

/** `at`: index of the drop event. */
export function dropContext(p: Pick<PacketRun, 'events' | 'nodes'>, at: number): DropContext {
  const d = p.events[at] as EventOf<'drop'>;
  const { facts, skb } = d;
  const view = lastView(p.events, at, skb);
  const ends: Ends | null = view && endsOf(view);
  const state = p.nodes.get(d.node);
  const hook = lastOf(p.events, at, skb, (e) => (e.t === 'hook' && e.node === d.node ? e : null));
  const tap = (dir: 'in' | 'out'): string | null => lastOf(p.events, at, skb, (e) => (e.t === 'tap' && e.dir === dir && e.node === d.node ? e.dev : null));
  const route = lastOf(p.events, at, skb, (e) => (e.t === 'route' && e.purpose !== 'other' && e.purpose !== 'reverse-path' ? e : null));
  return {
    cause: d.cause,
    reason: d.reason,
    location: d.location,
    facts,
    node: d.node,
    state,
    src: text(facts.src) || (ends ? formatAddr(ends.src) : 'its source'),
    dst: text(facts.dst) || (ends ? formatAddr(ends.dst) : 'its destination'),
    family: view?.protocol === 0x86dd ? 'ipv6' : 'ipv4',
    proto: ends ? (protocolName(ends.proto) ?? String(ends.proto)) : '',
    sport: ends?.sport ?? 0,
    dport: ends?.dport ?? 0,
    mark: lastOf(p.events, at, skb, markAt) ?? 0,
    length: view?.length ?? 0,
    dev: hook?.in ?? tap('in') ?? (hook ? '' : text(facts.dev)),
    out: tap('out') ?? hook?.out ?? route?.dev ?? '',
    rule: d.rule ? `${rulePlace(d.rule)}  ${ruleText(state, d.rule) ?? ''}`.trimEnd() : '',
    table: d.rule?.table ?? '',
    chain: d.rule?.chain ?? '',
    ref: d.rule,
    route,
    check: lastOf(p.events, at, skb, (e) => (e.t === 'source-check' ? e : null)),
    ctstate: lastOf(p.events, at, skb, (e) => (e.t === 'conntrack' && e.node === d.node ? e.state : null)) ?? '',
  };
}

/** MACs are numbers in facts. */
export const macFact = (v: Facts[string] | undefined): string => (typeof v === 'number' ? formatMac(v) : text(v));
