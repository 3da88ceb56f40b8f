/** The earlier rewrite that gave a lost packet the address that its verdict speaks of, and the sets whose answer led there. */
import { formatAddr } from '../base/addr.js';
import type { NodeState } from '../scenario/model.js';
import { type Ends, endsOf } from '../stack/outcome.js';
import type { PacketRun } from '../stack/run-scenario.js';
import type { EventOf, RuleRef } from '../trace/event.js';
import { rulePlace } from '../trace/place.js';
import { lastView } from './drop-context.js';
import { ancestors } from './lineage.js';
import { ruleText } from './rule-text.js';

const formerOf = (e: EventOf<'nat'>, source: boolean) => (source ? e.before.src : e.before.dst);
const latterOf = (e: EventOf<'nat'>, source: boolean) => (source ? e.after.src : e.after.dst);

/** Lines about the last NAT whose address the packet still has at the event `at`. */
export function earlierRewrite(p: PacketRun, at: number): string[] {
  const i = rewriteAt(p, at);
  if (i < 0) return [];
  const turned = p.outcome.skbs.get(p.events[i].skb)?.direction !== p.outcome.skbs.get(p.events[at].skb)?.direction;
  return rewriteLines(p, i, `earlier: on ${p.events[i].node} ${turned ? 'the request’s' : 'its'}`);
}

/** Index of that NAT's event; -1. */
export function rewriteAt(p: PacketRun, at: number): number {
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
    return i;
  }
  return -1;
}

/** An answer goes to what NAT made of the request's source, until it is translated back. */
function concerns(e: EventOf<'nat'>, source: boolean, turned: boolean, now: Ends): boolean {
  if (!turned) return (source ? now.src : now.dst) === latterOf(e, source);
  const other = source ? now.dst : now.src;
  return other === latterOf(e, source) || other === formerOf(e, source);
}

/** `AHEAD source A became B, by RULE`, and a line for each set that led there; a changed port counts where the address stays. `at`: index of a nat event. */
export function rewriteLines(p: PacketRun, at: number, ahead: string): string[] {
  const e = p.events[at] as EventOf<'nat'>;
  const { before: b, after: a } = e;
  const what =
    b.src !== a.src
      ? `source ${formatAddr(b.src)} became ${formatAddr(a.src)}`
      : b.dst !== a.dst
        ? `destination ${formatAddr(b.dst)} became ${formatAddr(a.dst)}`
        : b.sport !== a.sport
          ? `source port ${b.sport} became ${a.sport}`
          : `destination port ${b.dport} became ${a.dport}`;
  const n = p.nodes.get(e.node);
  const out = [`${ahead} ${what}${e.rule ? `, by ${ruleLine(n, e.rule)}` : ''}`];
  return [...out, ...setLines(p, at)];
}

const MAX_SETS = 3;

/** The sets that led to the event of a rule. */
export function setLines(p: PacketRun, at: number): string[] {
  const e = p.events[at] as EventOf<'nat' | 'drop'>;
  const missed = missedSetsBefore(p, at);
  const more = missed.length > MAX_SETS ? [`and ${missed.length - MAX_SETS} more like it`] : [];
  return [...missed.slice(0, MAX_SETS).map((s) => setWords(p.nodes.get(e.node), s, e.rule)), ...more];
}

/** Sets that said no between the start of that hook and the event of a rule, in the very table: a rewrite, or a drop by a rule or policy. */
export function missedSetsBefore(p: PacketRun, at: number): EventOf<'set-test'>[] {
  const { events } = p;
  const e = events[at] as EventOf<'nat' | 'drop'>;
  const out: EventOf<'set-test'>[] = [];
  for (let i = at; i >= 0; i--) {
    const x = events[i];
    if (x.skb !== e.skb) continue;
    if (x.t === 'hook') break;
    // Of a rule with too few directions nothing is looked up: that is said elsewhere (notes.ts).
    if (x.t === 'set-test' && !x.hit && x.member !== '' && x.rule !== null && (e.rule === null || x.rule.table === e.rule.table)) out.unshift(x);
  }
  return out;
}

/** A set that said no kept its rule from matching, or, with a `!` in front, is why `by` did. */
export function setWords(n: NodeState | undefined, s: EventOf<'set-test'>, by: RuleRef | null): string {
  const size = n?.sets.find((x) => x.name === s.set)?.members.size;
  const count = size === undefined ? '' : size === 0 ? ', which is empty,' : `, which has ${size} ${size === 1 ? 'entry' : 'entries'},`;
  const lacks = `because set ${s.set}${count} lacks ${s.member}`;
  const own = by !== null && s.rule !== null && rulePlace(by) === rulePlace(s.rule);
  return own ? lacks : `${lacks}: ${s.rule ? ruleLine(n, s.rule) : 'a rule'} did not match`;
}

export const ruleLine = (n: NodeState | undefined, r: RuleRef): string => `${rulePlace(r)}  ${ruleText(n, r) ?? ''}`.trimEnd();
