/** How a packet came through: its way, what NAT made of it, and the rules that let it pass. For runs in which nothing failed, whose puzzle is how it could. */
import { formatAddr } from '../base/addr.js';
import type { PacketRun } from '../stack/run-scenario.js';
import type { EventOf } from '../trace/event.js';
import { bridgedNote, uncoveredByIpsec, wantedWithMask } from './because.js';
import { rewriteLines, ruleLine } from './earlier.js';
import { ancestors, firstArrival, type Hop, hopsOf } from './lineage.js';
import { outerFlags } from './narrow.js';
import { tableDoes } from './rule-text.js';
import { packetTitle } from './summary.js';

/** `went client > host (eth0 > docker0) > web`. */
function wayWords(p: PacketRun, hops: readonly Hop[]): string {
  if (hops.length === 1) return `${leaves(p) ? 'passed' : 'stayed on'} ${hops[0].node}`;
  return `went ${hops.map((h) => `${h.node}${h.in !== null && h.out !== null ? ` (${h.in} > ${h.out})` : ''}`).join(' > ')}`;
}

/** To where no node is. */
const leaves = ({ outcome: { request: f } }: PacketRun): boolean => f.kind === 'left' || f.kind === 'held';

/** What there is to say about it; empty where it went straight and untouched. */
export function howLines(p: PacketRun): string[] {
  const at = firstArrival(p);
  if (at < 0) return [];
  const chain = ancestors(p.outcome, p.events[at].skb);
  const outer = outerFlags(p.events);
  const facts: string[] = [];
  const accepted = new Map<string, string>();
  for (let i = 0; i <= at; i++) {
    const e = p.events[i];
    if (!chain.has(e.skb)) continue;
    if (e.t === 'nat' && !e.undo && changed(e)) facts.push(...rewriteLines(p, i, `on ${e.node} ${outer[i] ? 'the outer packet’s' : 'its'}`));
    if (e.t === 'match' && e.verdict === 'ACCEPT' && e.rule.table !== 'security' && tableDoes(p.nodes.get(e.node), e.rule, 'filter'))
      accepted.set(e.node, `let through on ${e.node} by ${ruleLine(p.nodes.get(e.node), e.rule)}`);
  }
  const said = [...new Set(facts), ...reroutes(p, at), ...bridgedNote(p, at), ...uncoveredByIpsec(p, at), ...wantedWithMask(p, at), ...accepted.values()];
  return said.length === 0 ? [] : [`${packetTitle(p)} ${wayWords(p, hopsOf(p, at, 0))}`, ...said.map((l) => `  ${l}`)];
}

const changed = ({ before: b, after: a }: EventOf<'nat'>): boolean => b.src !== a.src || b.dst !== a.dst || b.sport !== a.sport || b.dport !== a.dport;

/** A mark, or NAT, in OUTPUT makes the kernel ask for a route once more; the source address stays as chosen. */
function rerouteWords(p: PacketRun, at: number): string {
  const e = p.events[at] as EventOf<'route'>;
  const best = e.tables.findLast((t) => t.route !== null);
  const mark = e.mark ? `, with mark 0x${e.mark.toString(16)}` : '';
  return `on ${e.node} it was routed again after OUTPUT changed it${mark}: out of ${e.dev}${best?.route ? ` (table ${best.table}: ${best.route.trim()})` : ''}, still from ${formatAddr(e.src)}`;
}

/** Indices of the second routes that sent it out of another device than the first. */
export function reroutesAt(p: PacketRun, at: number): number[] {
  const chain = ancestors(p.outcome, p.events[at].skb);
  const out: number[] = [];
  let output: EventOf<'hook'> | null = null;
  for (let i = 0; i <= at; i++) {
    const e = p.events[i];
    if (e.t === 'hook' && chain.has(e.skb)) output = e.hook === 'OUTPUT' ? e : null;
    // The question is asked within OUTPUT, and of no packet.
    else if (e.t === 'route' && e.purpose === 'reroute' && output?.node === e.node && e.dev !== null && e.dev !== output.out) out.push(i);
  }
  return out;
}

export const reroutes = (p: PacketRun, at: number): string[] => [...new Set(reroutesAt(p, at).map((i) => rerouteWords(p, i)))];
