/** A packet that came to the node itself, where nobody listens: the sets of its nat rules that would have sent it on, had they its address. */
import type { PacketRun } from '../stack/run-scenario.js';
import type { EventOf } from '../trace/event.js';
import { setWords } from './earlier.js';
import { ancestors } from './lineage.js';
import { tableDoes } from './rule-text.js';

const MAX_SETS = 3;

/** `at`: index of the drop. */
export function untranslatedBySets(p: PacketRun, at: number): string[] {
  const drop = p.events[at] as EventOf<'drop'>;
  const state = p.nodes.get(drop.node);
  if (drop.cause !== 'no-socket' || !state) return [];
  const chain = ancestors(p.outcome, drop.skb);
  const missed: EventOf<'set-test'>[] = [];
  for (let i = 0; i < at; i++) {
    const e = p.events[i];
    if (e.node !== drop.node || !chain.has(e.skb)) continue;
    if (e.t === 'nat' && e.manip === 'DNAT') return [];
    if (e.t === 'set-test' && !e.hit && e.member !== '' && e.rule && tableDoes(state, e.rule, 'nat')) missed.push(e);
  }
  return missed.slice(0, MAX_SETS).map((s) => setWords(state, s, null));
}
