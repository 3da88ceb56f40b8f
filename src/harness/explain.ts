/** Why an expectation failed: the walk up to the surprise, and the rule, route or set behind it. */
import { formatAddr } from '../base/addr.js';
import { ruleText } from '../render/rule-text.js';
import { walkLines } from '../render/walk-lines.js';
import type { PacketRun } from '../stack/run-scenario.js';
import type { Event, RuleRef } from '../trace/event.js';
import { rulePlace } from '../trace/place.js';

/** Lines of the walk that are printed at most; what lies before them is counted. */
const MAX_WALK = 24;

const plain = (_style: unknown, text: string): string => text;

export interface Explanation {
  readonly walk: readonly string[];
  readonly responsible: readonly string[];
}

/** `at`: index of the surprising event, -1 = the whole walk is it. */
export function explain(p: PacketRun, at: number): Explanation {
  // The packet and what descends from it; ARP and other company would hide the way.
  const events = p.events.filter((e, i) => (at < 0 || i <= at) && (i === at || p.outcome.skbs.has(e.skb)));
  const all = walkLines(p, events, { verbose: false, paint: plain });
  const cut = all.length - MAX_WALK;
  const walk = cut > 0 ? [...nodeOf(all, cut), `  … (${cut} lines before)`, ...all.slice(cut)] : all;
  return { walk, responsible: at < 0 ? [] : responsible(p, at) };
}

/** The heading of the node whose lines are cut in two. */
function nodeOf(all: readonly string[], cut: number): string[] {
  for (let i = cut - 1; i >= 0; i--) if (!all[i].startsWith(' ')) return [all[i]];
  return [];
}

function responsible(p: PacketRun, at: number): string[] {
  const out: string[] = [];
  const e = p.events[at];
  const rule = 'rule' in e ? e.rule : null;
  if (rule) out.push(`rule: ${words(p, e.node, rule)}`);
  else {
    const route = e.t === 'drop' ? routeBefore(p.events, at) : null;
    if (route) out.push(route);
  }
  if (e.t === 'deliver' || e.t === 'consume' || e.t === 'emit') out.push(...accepts(p, at));
  for (const n of natsBefore(p, at)) out.push(n);
  return out;
}

/** Of a packet that came through: on each node the rule or policy of the filter table that let it. */
function accepts(p: PacketRun, at: number): string[] {
  const out = new Map<string, string>();
  for (let i = 0; i <= at; i++) {
    const e = p.events[i];
    if (!p.outcome.skbs.has(e.skb) || (e.t !== 'match' && e.t !== 'policy') || e.rule.table !== 'filter') continue;
    if (e.t === 'policy' || e.verdict === 'ACCEPT') out.set(e.node, `let through by: ${words(p, e.node, e.rule)}`);
  }
  return [...out.values()];
}

const words = (p: PacketRun, node: string, r: RuleRef): string => `${node} ${rulePlace(r)}  ${ruleText(p.nodes.get(node), r) ?? ''}`.trimEnd();

/** The last routing answer that the packet had on that node. */
function routeBefore(events: readonly Event[], at: number): string | null {
  const { skb, node } = events[at];
  for (let i = at; i >= 0; i--) {
    const e = events[i];
    if (e.t !== 'route' || e.skb !== skb || e.node !== node || e.purpose === 'other') continue;
    const found = e.tables.findLast((t) => t.route !== null);
    return found ? `route: ${node} to ${formatAddr(e.dst)}: ${found.route?.trim()} (table ${found.table})` : `route: ${node} has none to ${formatAddr(e.dst)}`;
  }
  return null;
}

/** The rewrites on its way here, and the sets that said no just before them: what the generator left out. */
function natsBefore(p: PacketRun, at: number): string[] {
  const out: string[] = [];
  for (let i = 0; i <= at; i++) {
    const e = p.events[i];
    if (e.t !== 'nat' || e.undo || !p.outcome.skbs.has(e.skb)) continue;
    const source = e.before.src !== e.after.src;
    if (!source && e.before.dst === e.after.dst) continue;
    const what = source
      ? `source ${formatAddr(e.before.src)} became ${formatAddr(e.after.src)}`
      : `destination ${formatAddr(e.before.dst)} became ${formatAddr(e.after.dst)}`;
    out.push(`earlier: on ${e.node} its ${what}${e.rule ? `, by ${words(p, e.node, e.rule)}` : ''}`);
    out.push(...setsBefore(p, i, e.rule));
  }
  return out;
}

/** A set that said no kept its rule from matching; with a `!` in front it made `by` match. */
function setsBefore(p: PacketRun, at: number, by: RuleRef | null): string[] {
  const out: string[] = [];
  const { skb } = p.events[at];
  for (let i = at; i >= 0; i--) {
    const e = p.events[i];
    if (e.skb !== skb) continue;
    if (e.t === 'hook') break;
    if (e.t === 'set-test' && !e.hit && e.rule) {
      const own = by !== null && rulePlace(by) === rulePlace(e.rule);
      out.unshift(`set ${e.set} lacks ${e.member}${own ? '' : `: ${words(p, e.node, e.rule)} did not match`}`);
    }
  }
  return out;
}
