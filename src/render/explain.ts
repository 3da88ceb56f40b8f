/** `sim explain NAME`: what a drop reason, a cause, a box of the picture, a hook or a counter means, who drops there, what to look at. */
import { nearest } from '../base/diagnostic.js';
import { packetFlow } from '../stack/packet-flow.js';
import { type Cause, causes } from '../trace/cause.js';
import { counterMeaning, counterNames } from '../trace/counters.js';
import { reasonRow, reasons } from '../trace/reasons.js';
import { placeOf } from './places.js';

const isCause = (name: string): name is Cause => Object.hasOwn(causes, name);
const isBox = (name: string): boolean => Object.hasOwn(packetFlow, name);

function explainReason(name: string): string[] | null {
  const r = reasonRow(name);
  if (!r) return null;
  const lines = [`${name}: drop reason (skb_drop_reason)`, `  ${r.means}`, `  dropped by: ${r.by.join(', ')}`];
  if (r.counters.length > 0) lines.push(`  counters: ${r.counters.join(', ')}`);
  for (const c of r.causes) lines.push(`  ${c}: ${causes[c].sentence}`, `    look at: ${causes[c].look}`);
  lines.push(`  on a real node: perf trace -e skb:kfree_skb, or dropwatch -l kas, show it beside the function`);
  return lines;
}

function explainCause(name: string): string[] | null {
  if (!isCause(name)) return null;
  const from = Object.entries(reasons).filter(([, r]) => (r.causes as readonly string[]).includes(name));
  const lines = [`${name}: cause of a loss, as the story names it`, `  ${causes[name].sentence}`, `  look at: ${causes[name].look}`];
  for (const [reason, r] of from)
    lines.push(`  kernel’s drop reason: ${reason} (${r.by.join(', ')})${r.counters.length > 0 ? `, counters ${r.counters.join(', ')}` : ''}`);
  return lines;
}

function explainBox(name: string): string[] | null {
  if (!isBox(name)) return null;
  const box = packetFlow[name];
  const before = Object.entries(packetFlow).filter(([, b]) => Object.values(b.next).includes(name));
  const lines = [`${name}: box of the picture (${box.layer} layer)`, `  A packet lost here “dies ${placeOf(name)}”.`];
  if (box.hook) lines.push(`  runs hook: ${box.hook}`);
  if (before.length > 0) lines.push(`  comes from: ${before.map(([b]) => b).join(', ')}`);
  for (const [outcome, next] of Object.entries(box.next))
    lines.push(`  ${outcome}: ${next === null ? 'the packet’s way ends in this box (dropped, delivered, held or sent)' : `goes on to ${next}`}`);
  const lost = Object.entries(reasons).filter(([, r]) => (r.by as readonly string[]).some((f) => f === name || f.startsWith(`${name}_core`)));
  if (lost.length > 0) lines.push(`  drops with: ${lost.map(([n]) => n).join(', ')}`);
  return lines;
}

function explainHook(name: string): string[] | null {
  const boxes = Object.entries(packetFlow).filter(([, b]) => b.hook === name);
  if (boxes.length === 0) return null;
  return [
    `${name}: netfilter hook`,
    `  run by: ${boxes.map(([b]) => b).join(', ')}`,
    ...HOOK_ORDER.flatMap(([h, text]) => (h === name ? [`  order: ${text}`] : [])),
  ];
}

const HOOK_ORDER: readonly (readonly [string, string])[] = [
  ['PREROUTING', 'defragmentation, raw, connection tracking, mangle, nat (DNAT); then the routing decision with rp_filter'],
  ['INPUT', 'mangle, filter, security, nat (SNAT), confirmation of the flow'],
  ['FORWARD', 'mangle, filter, security; before it the IPsec check, TTL and MTU'],
  ['OUTPUT', 'raw, connection tracking, mangle (may re-route), nat (DNAT), filter, security'],
  ['POSTROUTING', 'mangle, nat (SNAT, MASQUERADE), confirmation of the flow'],
];

function explainCounter(name: string): string[] | null {
  const means = counterMeaning(name);
  if (means === undefined) return null;
  const moved = Object.entries(reasons).filter(([, r]) => (r.counters as readonly string[]).includes(name));
  const lines = [`${name}: counter (nstat)`, `  counts ${means}`];
  for (const [n, r] of moved) lines.push(`  moves with drop reason ${n}: ${r.means}`);
  lines.push(`  on a node: nstat -az ${name}`);
  return lines;
}

const explainers = [explainReason, explainCause, explainBox, explainHook, explainCounter];

/** Lines, or the nearest name that is known (null where none is near). */
export function explain(name: string): { readonly lines: readonly string[] } | { readonly near: string | null } {
  const lines = explainers.map((f) => f(name) ?? f(name.toUpperCase())).find((l) => l !== null);
  return lines ? { lines } : { near: nearest(name, explainable()) ?? nearest(name.toUpperCase(), explainable()) ?? null };
}

export const explainable = (): string[] => [
  ...Object.keys(reasons),
  ...Object.keys(causes),
  ...Object.keys(packetFlow),
  ...HOOK_ORDER.map(([h]) => h),
  ...counterNames(),
];
