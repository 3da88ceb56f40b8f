/**
 * `--format summary`: a line per packet and direction, for regression files. No ids, MACs or times, so that it changes only when a packet's fate does:
 *   NAME request|reply: FATE node stage REASON; src>dst at start => at end; N trace lines
 */
import { type Addr, formatAddr } from '../base/addr.js';
import type { Ends, Fate } from '../stack/outcome.js';
import type { PacketRun, ScenarioRun } from '../stack/run-scenario.js';
import type { Event } from '../trace/event.js';
import { shownEvents } from './narrow.js';
import type { RenderOptions } from './renderer.js';
import { isTrace } from './trace.js';

export function renderSummary(run: ScenarioRun, o: Pick<RenderOptions, 'narrow'>): string {
  const { narrow } = o;
  const lines: string[] = [];
  for (const p of run.packets) {
    if (narrow.packet !== null && p.packet.name !== narrow.packet) continue;
    for (const dir of ['request', 'reply'] as const) {
      const fate = dir === 'request' ? p.outcome.request : p.outcome.reply;
      if (fate === null || (narrow.dir !== null && narrow.dir !== dir)) continue;
      const n = shownEvents(p, { ...narrow, dir }).filter(isTrace).length;
      lines.push(`${packetTitle(p)} ${dir}: ${fateText(p, fate)}; ${ends(fate)}; ${n} trace line${n === 1 ? '' : 's'}`);
    }
  }
  return lines.map((l) => `${l}\n`).join('');
}

export const packetTitle = (p: PacketRun): string => (p.packet.count > 1 ? `${p.packet.name}#${p.nth}` : p.packet.name);

function fateText(p: PacketRun, f: Fate): string {
  const words: string[] = [f.kind];
  if (f.node !== '') words.push(f.node);
  if (f.at >= 0) words.push(boxBefore(p.events, f.at));
  if (f.drop) words.push(f.drop.reason === 'NOT_SPECIFIED' ? `NOT_SPECIFIED(${f.drop.cause})` : f.drop.reason);
  if (f.inconclusive) words.push(f.inconclusive.what);
  if (f.dev !== null) words.push(f.dev);
  return words.join(' ');
}

/** The box of the picture that an skb was in at an event. */
export function boxBefore(events: readonly Event[], at: number): string {
  const skb = events[at].skb;
  for (let i = at; i >= 0; i--) {
    const e = events[i];
    if (e.t === 'box' && e.skb === skb) return e.box;
  }
  return 'its way';
}

const withPort = (a: Addr, port: number): string =>
  port === 0 ? formatAddr(a) : typeof a === 'number' ? `${formatAddr(a)}:${port}` : `[${formatAddr(a)}]:${port}`;
const endsText = (e: Ends): string => `${withPort(e.src, e.sport)}>${withPort(e.dst, e.dport)}`;

function ends(f: Fate): string {
  if (!f.start || !f.end) return 'never sent';
  return `${endsText(f.start)} => ${endsText(f.end)}`;
}
