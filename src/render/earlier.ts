/** The earlier rewrite that gave a lost packet the address that its verdict speaks of, and the sets whose answer led there. */
import { formatAddr } from '../base/addr.js';
import type { NodeState } from '../scenario/model.js';
import { type Ends, endsOf, type Outcome } from '../stack/outcome.js';
import type { PacketRun } from '../stack/run-scenario.js';
import type { Event, EventOf, RuleRef } from '../trace/event.js';
import { lastView } from './drop-context.js';
import { rulePlace, ruleText } from './rule-text.js';

function ancestors(o: Outcome, skb: number): ReadonlySet<number> {
  const out = new Set<number>();
  for (let id: number | null = skb; id !== null && !out.has(id); id = o.skbs.get(id)?.origin.of ?? null) out.add(id);
  return out;
}

const formerOf = (e: EventOf<'nat'>, source: boolean) => (source ? e.before.src : e.before.dst);
const latterOf = (e: EventOf<'nat'>, source: boolean) => (source ? e.after.src : e.after.dst);

/** Lines about the last NAT whose address the packet still has at the event `at`. */
export function earlierRewrite(p: PacketRun, at: number): string[] {
  const skb = p.events[at].skb;
  const view = lastView(p.events, at, skb);
  const now = view && endsOf(view);
  const chain = ancestors(p.outcome, skb);
  /** NAT behind the last view of the packet: the view has the addresses of before. */
  let fresh = true;
  for (let i = at; i >= 0; i--) {
    const e = p.events[i];
    if (e.skb === skb && 'view' in e && e.view) fresh = false;
    if (e.t !== 'nat' || e.undo || !chain.has(e.skb)) continue;
    const source = e.before.src !== e.after.src;
    if (formerOf(e, source) === latterOf(e, source)) continue;
    const turned = p.outcome.skbs.get(e.skb)?.direction !== p.outcome.skbs.get(skb)?.direction;
    if (!fresh && now && !concerns(e, source, turned, now)) continue;
    return rewriteLines(p, e, i, source, turned);
  }
  return [];
}

/** An answer goes to what NAT made of the request's source, until it is translated back. */
function concerns(e: EventOf<'nat'>, source: boolean, turned: boolean, now: Ends): boolean {
  if (!turned) return (source ? now.src : now.dst) === latterOf(e, source);
  const other = source ? now.dst : now.src;
  return other === latterOf(e, source) || other === formerOf(e, source);
}

function rewriteLines(p: PacketRun, e: EventOf<'nat'>, at: number, source: boolean, turned: boolean): string[] {
  const what = `${source ? 'source' : 'destination'} ${formatAddr(formerOf(e, source))} became ${formatAddr(latterOf(e, source))}`;
  const n = p.nodes.get(e.node);
  const out = [`earlier: on ${e.node} ${turned ? 'the request’s' : 'its'} ${what}${e.rule ? `, by ${ruleLine(n, e.rule)}` : ''}`];
  for (const s of missedSets(p.events, at, e)) out.push(setWords(n, s));
  return out;
}

/** Sets that said no between the start of that hook and the rewrite, in the very table. */
function missedSets(events: readonly Event[], at: number, e: EventOf<'nat'>): EventOf<'set-test'>[] {
  const out: EventOf<'set-test'>[] = [];
  for (let i = at; i >= 0; i--) {
    const x = events[i];
    if (x.skb !== e.skb) continue;
    if (x.t === 'hook') break;
    if (x.t === 'set-test' && !x.hit && x.rule !== null && (e.rule === null || x.rule.table === e.rule.table)) out.unshift(x);
  }
  return out;
}

function setWords(n: NodeState | undefined, s: EventOf<'set-test'>): string {
  const size = n?.sets.find((x) => x.name === s.set)?.members.size;
  const count = size === undefined ? '' : size === 0 ? ', which is empty,' : `, which has ${size} ${size === 1 ? 'entry' : 'entries'},`;
  return `because set ${s.set}${count} lacks ${s.member}: ${s.rule ? ruleLine(n, s.rule) : 'a rule'} did not match`;
}

export const ruleLine = (n: NodeState | undefined, r: RuleRef): string => `${rulePlace(r)}  ${ruleText(n, r) ?? ''}`.trimEnd();
