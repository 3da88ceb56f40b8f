/**
 * The story: the default output of `sim run`. Its first ten lines answer; below them the walk, node by node and hook by hook.
 * A pure function of a run: it decides nothing, it reads events.
 */
import type { PacketRun, ScenarioRun } from '../stack/run-scenario.js';
import { beyondLines } from './beyond.js';
import { conversationOf } from './conversation.js';
import { dropContext } from './drop-context.js';
import { failed, failureOf, headline, leavesTheFiles } from './fates.js';
import { howLines } from './how.js';
import { triedLines, tryLine } from './mend.js';
import { shownEvents } from './narrow.js';
import { assumedLines, backendNotes, setNotes } from './notes.js';
import { type Paint, painter } from './paint.js';
import type { RenderOptions } from './renderer.js';
import { packetTitle } from './summary.js';
import { besides, brief, mendsOf, sameDeath, verdict } from './verdict.js';
import { walkLines } from './walk-lines.js';

/** Changes that could save a packet, tried where the caller can. */
function tries(p: PacketRun, o: RenderOptions): readonly string[] {
  const tried = o.tried?.(p) ?? null;
  return tried ? triedLines(tried) : tryLine(mendsOf(p));
}

/** More packets than this, and the good ones are only counted in front of the verdict. */
const MAX_HEADLINES = 4;

export function renderStory(run: ScenarioRun, o: RenderOptions): string {
  const paint = painter(o.colour);
  const packets = run.packets.filter((p) => o.narrow.packet === null || p.packet.name === o.narrow.packet);
  if (packets.length === 0) return 'No packet is sent: the scenario has none. It needs packets:, as in “- { from: NODE, ping: ADDRESS }”.\n';
  const lines = overview(packets, paint);
  const first = packets.find(failed);
  if (first) {
    const said = verdict(first, paint, (p) => tries(p, o));
    lines.push('', ...said, ...notes(first, o, said), ...repairs(run, o.given ?? run.scenario.file), ...alsoFailed(packets, first, paint), ...strayed(packets));
  } else lines.push(...cameThrough(packets));
  for (const p of packets) lines.push('', paint('head', `--- ${packetTitle(p)}`), ...walkLines(p, shownEvents(p, o.narrow), { verbose: o.verbose, paint }));
  return `${lines.join('\n')}\n`;
}

/** The packets with a line in front of the verdict: all of a few; of many, the first that failed. */
const listedFirst = (packets: readonly PacketRun[]): readonly PacketRun[] =>
  packets.length <= MAX_HEADLINES ? packets : packets.filter(failed).slice(0, MAX_HEADLINES - 1);

function overview(packets: readonly PacketRun[], paint: Paint): string[] {
  const bad = packets.filter(failed);
  const listed = listedFirst(packets);
  const lines = headlines(listed, paint);
  if (packets.length > listed.length) {
    const more = bad.length > listed.length ? `, the first ${listed.length} of them:` : bad.length > 0 ? ':' : '';
    const left = packets.filter((p) => !failed(p) && leavesTheFiles(p)).length;
    const counts = [`${packets.length - bad.length - left} arrived`, ...(left > 0 ? [`${left} left for where no node is`] : []), `${bad.length} failed`];
    lines.unshift(`${packets.length} packets: ${counts.join(', ')}${more}`);
  }
  return lines;
}

/** The other failures: those without a line in front of the verdict, and of those with one the causes that the verdict does not name. */
function alsoFailed(packets: readonly PacketRun[], first: PacketRun, paint: Paint): string[] {
  const listed = listedFirst(packets);
  const bad = packets.filter((p) => p !== first && failed(p));
  const rest = bad.filter((p) => !listed.includes(p));
  const others = bad.filter((p) => listed.includes(p));
  return [
    ...others.flatMap((p) => (sameDeath(first, p) ? [`${packetTitle(p)}: the same`] : [`${packetTitle(p)}: ${brief(p)}`, ...indent(besides(p))])),
    ...(rest.length === 0 ? [] : ['', 'failed as well:', ...headlines(rest, paint)]),
  ];
}

/** Nothing failed: the puzzle is what became of addresses, and by which rule it could pass. */
const cameThrough = (packets: readonly PacketRun[]): string[] => firstOf(packets.map((p) => [...whereTo(p), ...howLines(p)]));

/** Packets that did not fail as far as the files tell: they went where no node is. */
const strayed = (packets: readonly PacketRun[]): string[] => firstOf(packets.filter((p) => !failed(p)).map(whereTo));
const whereTo = (p: PacketRun): string[] => (leavesTheFiles(p) ? beyondLines(p) : []);

const MAX_HOW = 3;
function firstOf(said: readonly (readonly string[])[]): string[] {
  const all = said.filter((l) => l.length > 0);
  const more = all.length > MAX_HOW ? [`and ${all.length - MAX_HOW} more (--packet NAME)`] : [];
  return all.length === 0 ? [] : ['', ...all.slice(0, MAX_HOW).flat(), ...more];
}

const MAX_REPAIRS = 4;

/** The repairs that the scenario file itself offers. */
function repairs(run: ScenarioRun, name: string): string[] {
  const names = run.scenario.whatIf.map((w) => w.name);
  if (names.length === 0) return [];
  const more = names.length > MAX_REPAIRS ? ', …' : '';
  return [`  what if: ${names.slice(0, MAX_REPAIRS).join(', ')}${more} (sim what-if ${shellWord(name)} compares them)`];
}

const shellWord = (t: string): string => (/^[\w./@%+=:,-]+$/.test(t) ? t : `'${t.replaceAll("'", "'\\''")}'`);

function headlines(packets: readonly PacketRun[], paint: Paint): string[] {
  const rows = packets.map((p) => ({ cells: headline(p), ok: !failed(p) }));
  const width = (i: 0 | 1): number => Math.max(0, ...rows.map((r) => r.cells[i].length));
  return rows.map(({ cells: [a, b, c], ok }) => `${a.padEnd(width(0))}  ${b.padEnd(width(1))}  ${paint(ok ? 'good' : 'bad', c)}`);
}

const indent = (lines: readonly string[]): string[] => lines.map((l) => `  ${l}`);

/** What else a verdict should make one think of. */
function notes(p: PacketRun, o: RenderOptions, verdictLines: readonly string[]): string[] {
  const lost = failureOf(p);
  // What a client does with an answer from elsewhere is not what failed.
  const elsewhere = conversationOf(p)?.kind === 'wrong-source';
  const assumed = lost?.fate.drop && !elsewhere ? assumedLines(dropContext(p, lost.fate.at)) : [];
  const said = new Set(verdictLines.flatMap((l) => /^ *because set (\S+?),? /.exec(l)?.slice(1, 2) ?? []));
  return indent([...assumed, ...backendNotes(p), ...setNotes(p, said, o.verbose)]);
}
