/**
 * The story: the default output of `sim run`. Its first ten lines answer; below them the walk, node by node and hook by hook.
 * A pure function of a run: it decides nothing, it reads events.
 */
import { formatAddr } from '../base/addr.js';
import type { NodeState } from '../scenario/model.js';
import { endsOf, type Fate, type Outcome } from '../stack/outcome.js';
import type { PacketRun, ScenarioRun } from '../stack/run-scenario.js';
import { causes } from '../trace/cause.js';
import type { Event, EventOf, RuleRef } from '../trace/event.js';
import { placeOf } from './places.js';
import type { Renderer, RenderOptions } from './renderer.js';
import { rulePlace, ruleText } from './rule-text.js';
import { sentence } from './sentence.js';
import { walkLines } from './walk-lines.js';

export function renderStory(run: ScenarioRun, o: RenderOptions): string {
  const lines: string[] = [];
  const width = Math.max(0, ...run.packets.map((p) => title(p).length));
  for (const p of run.packets) lines.push(`${title(p).padEnd(width)}  ${headline(p)}`);
  const failed = run.packets.find((p) => failure(p) !== null);
  if (failed) lines.push('', ...verdict(failed));
  for (const p of run.packets) lines.push('', `--- ${title(p)}`, ...walkLines(p, o));
  return `${lines.join('\n')}\n`;
}

const title = (p: PacketRun): string => (p.packet.count > 1 ? `${p.packet.name}#${p.nth}` : p.packet.name);

/** Who to whom, and what came of it. */
function headline(p: PacketRun): string {
  const { outcome: o } = p;
  const s = o.request.start;
  const who = s ? `${formatAddr(s.src)} > ${formatAddr(s.dst)}` : p.packet.source.node;
  return `${who}  ${fateWords(o)}`;
}

function fateWords(o: Outcome): string {
  const bad = failureOf(o);
  if (bad === null) return o.answered ? `answered` : reached(o.request);
  const what = bad.direction === 'reply' ? 'its answer is lost' : 'LOST';
  switch (bad.fate.kind) {
    case 'dropped':
      return `${what} on ${bad.fate.node}: ${bad.fate.drop!.reason} (${bad.fate.drop!.cause})`;
    case 'held':
      return `${what} on ${bad.fate.node}: waiting for a neighbour that never answers`;
    case 'inconclusive':
      return `INCONCLUSIVE on ${bad.fate.node}: ${bad.fate.inconclusive!.what}`;
    default:
      return `${what}: it left ${bad.fate.node} and nobody took it`;
  }
}

function reached(f: Fate): string {
  switch (f.kind) {
    case 'delivered':
      return `delivered on ${f.node}, no answer expected`;
    case 'left':
      return `left ${f.node} by ${f.dev}`;
    case 'handled':
      return `taken in by ${f.node}`;
    default:
      return f.kind;
  }
}

interface Failure {
  readonly direction: 'request' | 'reply';
  readonly fate: Fate;
}

function failureOf(o: Outcome): Failure | null {
  const bad = (f: Fate): boolean => f.kind === 'dropped' || f.kind === 'held' || f.kind === 'inconclusive' || f.kind === 'none';
  if (bad(o.request)) return { direction: 'request', fate: o.request };
  if (o.reply && !o.answered && bad(o.reply)) return { direction: 'reply', fate: o.reply };
  return null;
}
const failure = (p: PacketRun): Failure | null => failureOf(p.outcome);

/** Where, the kernel's words, the facts, the earlier rewrite that made it so, what to do. */
function verdict(p: PacketRun): string[] {
  const { direction, fate } = failure(p)!;
  const subject = direction === 'reply' ? `The answer to ${title(p)}` : title(p);
  if (fate.kind === 'inconclusive')
    return [`${subject} reaches something on ${fate.node} that this program does not evaluate: ${fate.inconclusive!.what}. No claim is made about it.`];
  if (fate.kind === 'held') return [`${subject} waits on ${fate.node} for a neighbour that does not answer.`, ...neighbour(p, fate)];
  if (fate.drop === null) return [`${subject} came to nothing.`];
  const d = fate.drop;
  const out = [
    `${subject} dies on ${d.node} ${placeOf(boxBefore(p.events, fate.at))}.`,
    `  ${sentence(d)}`,
    `  kernel: drop reason ${d.reason}${counterOf(d)}`,
  ];
  if (d.rule) out.push(`  rule: ${rulePlace(d.rule)}  ${ruleText(p.nodes.get(d.node), d.rule) ?? ''}`);
  out.push(...earlierRewrite(p, d));
  out.push(`  look at: ${causes[d.cause].look}`);
  return out;
}

function neighbour(p: PacketRun, f: Fate): string[] {
  for (let i = f.at; i >= 0; i--) {
    const e = p.events[i];
    if (e.t === 'neigh' && e.state === 'incomplete')
      return [`  ${formatAddr(e.addr)} on ${e.dev}: ${causes['neighbour-unresolved'].sentence}`, `  look at: ${causes['neighbour-unresolved'].look}`];
  }
  return [];
}

function boxBefore(events: readonly Event[], at: number): string {
  const skb = events[at].skb;
  for (let i = at; i >= 0; i--) {
    const e = events[i];
    if (e.t === 'box' && e.skb === skb) return e.box;
  }
  return 'its way';
}

const counters = new Map<string, string>([
  ['IP_RPFILTER', 'TcpExtIPReversePathFilter'],
  ['IP_INNOROUTES', 'IpExtInNoRoutes'],
  ['IP_INADDRERRORS', 'IpInAddrErrors'],
  ['IP_NOPROTO', 'IpInUnknownProtos'],
  ['IP_CSUM', 'IpInHdrErrors'],
]);

function counterOf(d: EventOf<'drop'>): string {
  const c = d.cause === 'ttl-expired' ? 'IpInHdrErrors' : (counters.get(d.reason) ?? (typeof d.facts.counter === 'string' ? d.facts.counter : undefined));
  return c ? `, counter ${c} +1` : '';
}

/** The NAT that gave the packet the address that the verdict speaks of, and the sets whose answer led there. */
function earlierRewrite(p: PacketRun, d: EventOf<'drop'>): string[] {
  const at = p.events.indexOf(d);
  const chain = ancestors(p.outcome, d.skb);
  for (let i = at; i >= 0; i--) {
    const e = p.events[i];
    if (e.t !== 'nat' || e.undo || !chain.has(e.skb)) continue;
    const now = endsOf(lastView(p.events, at, d.skb) ?? ({ protocol: 0, data: new Uint8Array(0) } as never));
    const source = e.before.src !== e.after.src;
    if (now && (source ? now.src !== e.after.src : now.dst !== e.after.dst)) continue;
    return rewriteLines(p, e, i);
  }
  return [];
}

function rewriteLines(p: PacketRun, e: EventOf<'nat'>, at: number): string[] {
  const source = e.before.src !== e.after.src;
  const what = source
    ? `source ${formatAddr(e.before.src)} became ${formatAddr(e.after.src)}`
    : `destination ${formatAddr(e.before.dst)} became ${formatAddr(e.after.dst)}`;
  const rule = e.rule ? `, by ${rulePlace(e.rule)}  ${ruleText(p.nodes.get(e.node), e.rule) ?? ''}` : '';
  const out = [`  earlier: on ${e.node} its ${what}${rule}`];
  for (const s of missedSets(p.events, at, e)) out.push(`  ${setWords(p.nodes.get(e.node), s)}`);
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
  const set = n?.sets.find((x) => x.name === s.set);
  const size = set ? (set.members.size === 0 ? ', which is empty' : `, which has ${set.members.size} entries`) : '';
  return `because set ${s.set}${size}, lacks ${s.member}: ${ruleLine(n, s.rule!)} did not match`;
}

const ruleLine = (n: NodeState | undefined, r: RuleRef): string => `${rulePlace(r)}  ${ruleText(n, r) ?? ''}`;

function ancestors(o: Outcome, skb: number): ReadonlySet<number> {
  const out = new Set<number>();
  for (let id: number | null = skb; id !== null && !out.has(id); id = o.skbs.get(id)?.origin.of ?? null) out.add(id);
  return out;
}

function lastView(events: readonly Event[], at: number, skb: number) {
  for (let i = at; i >= 0; i--) {
    const e = events[i];
    if (e.skb === skb && 'view' in e && e.view) return e.view;
  }
  return null;
}

export const story: Renderer = { name: 'story', summary: 'what became of each packet and why, then its walk', render: renderStory };
