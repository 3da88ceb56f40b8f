/**
 * The story: the default output of `sim run`. Its first ten lines answer; below them the walk, node by node and hook by hook.
 * A pure function of a run: it decides nothing, it reads events.
 */
import { formatAddr } from '../base/addr.js';
import type { PacketRun, ScenarioRun } from '../stack/run-scenario.js';
import { causes } from '../trace/cause.js';
import type { EventOf } from '../trace/event.js';
import { conversationOf } from './conversation.js';
import { type DropContext, dropContext } from './drop-context.js';
import { earlierRewrite } from './earlier.js';
import { errnoWords, failed, failureOf, headline, heldFor } from './fates.js';
import { lookAt } from './look.js';
import { shownEvents } from './narrow.js';
import { assumedLines, backendNotes, setNotes } from './notes.js';
import { type Paint, painter } from './paint.js';
import { placeOf } from './places.js';
import type { RenderOptions } from './renderer.js';
import { sentence } from './sentence.js';
import { boxBefore, packetTitle } from './summary.js';
import { walkLines } from './walk-lines.js';

/** More packets than this, and the good ones are only counted in front of the verdict. */
const MAX_HEADLINES = 4;

export function renderStory(run: ScenarioRun, o: RenderOptions): string {
  const paint = painter(o.colour);
  const packets = run.packets.filter((p) => o.narrow.packet === null || p.packet.name === o.narrow.packet);
  const lines = overview(packets, paint);
  const first = packets.find(failed);
  if (first) lines.push('', ...verdict(first, paint), ...notes(first, o), ...alsoFailed(packets, paint));
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
    lines.unshift(`${packets.length} packets: ${packets.length - bad.length} arrived, ${bad.length} failed${more}`);
  }
  return lines;
}

/** The failures that stood not in front of the verdict. */
function alsoFailed(packets: readonly PacketRun[], paint: Paint): string[] {
  const rest = packets.filter(failed).filter((p) => !listedFirst(packets).includes(p));
  return rest.length === 0 ? [] : ['', 'failed as well:', ...headlines(rest, paint)];
}

function headlines(packets: readonly PacketRun[], paint: Paint): string[] {
  const rows = packets.map((p) => ({ cells: headline(p), ok: !failed(p) }));
  const width = (i: 0 | 1): number => Math.max(0, ...rows.map((r) => r.cells[i].length));
  return rows.map(({ cells: [a, b, c], ok }) => `${a.padEnd(width(0))}  ${b.padEnd(width(1))}  ${paint(ok ? 'good' : 'bad', c)}`);
}

const indent = (lines: readonly string[]): string[] => lines.map((l) => `  ${l}`);

/** Where, the kernel's words, the facts, the earlier rewrite that made it so, what to type next. */
function verdict(p: PacketRun, paint: Paint): string[] {
  const talk = conversationOf(p);
  const lost = failureOf(p.outcome);
  const about = talk && talk.kind !== 'established' && (lost === null || talk.kind !== 'timed-out') ? [talk.text] : [];
  if (talk?.kind === 'wrong-source' || lost === null) return [paint('bad', `${packetTitle(p)} fails.`), ...indent([...about, ...wrongSource(p)])];
  const { direction, fate } = lost;
  const subject = direction === 'reply' ? `The answer to ${packetTitle(p)}` : packetTitle(p);
  if (fate.inconclusive) {
    const rule = fate.inconclusive.rule;
    return [
      paint(
        'bad',
        `${subject} reaches something on ${fate.node} that this program does not evaluate: ${fate.inconclusive.what}${rule ? ` (${rule.table}:${rule.chain}:${rule.num})` : ''}.`,
      ),
      '  No claim is made about what the kernel would do from there on.',
    ];
  }
  if (fate.kind === 'held') return [paint('bad', `${subject} waits on ${fate.node} for ${heldFor(p, fate.at)}.`), ...indent(neighbour(p, fate.at))];
  if (fate.drop === null) return [paint('bad', `${subject} was not sent${p.errno ? `: ${errnoWords(p.errno)}` : ''}.`), ...indent(notSent(p))];
  const c = dropContext(p, fate.at);
  return [
    paint('bad', `${subject} dies on ${fate.node} ${placeOf(boxBefore(p.events, fate.at))}.`),
    ...indent([
      ...about,
      sentence(c),
      kernelWords(c),
      ...(c.rule ? [`rule: ${c.rule}`] : []),
      ...earlierRewrite(p, fate.at),
      `look at: ${lookAt(c).join('; ')}`,
    ]),
  ];
}

/** Where an answer that comes from elsewhere lost its translation: the hop it did not pass. */
function wrongSource(p: PacketRun): string[] {
  const nat = p.events.find((e): e is EventOf<'nat'> => e.t === 'nat' && e.manip === 'DNAT' && !e.undo);
  if (!nat) return [];
  const dst = formatAddr(nat.after.dst);
  return [
    `${nat.node} rewrote the destination to ${dst}, but the answer did not pass connection tracking there again (it took another way, or was only bridged), so nobody restored its source.`,
    `look at: on ${nat.node} iptables -t nat -S POSTROUTING (masquerade what goes to ${dst} from its own network)`,
  ];
}

/** What else a verdict should make one think of. */
function notes(p: PacketRun, o: RenderOptions): string[] {
  const lost = failureOf(p.outcome);
  const assumed = lost?.fate.drop ? assumedLines(dropContext(p, lost.fate.at)) : [];
  const said = new Set(lost && lost.fate.at >= 0 ? earlierRewrite(p, lost.fate.at).flatMap((l) => /^because set (\S+?),? /.exec(l)?.slice(1, 2) ?? []) : []);
  return indent([...assumed, ...backendNotes(p), ...setNotes(p, said, o.verbose)]);
}

function neighbour(p: PacketRun, at: number): string[] {
  for (let i = at; i >= 0; i--) {
    const e = p.events[i];
    if (e.t !== 'neigh' || e.state !== 'incomplete') continue;
    const a = formatAddr(e.addr);
    return [
      `${causes['neighbour-unresolved'].sentence} The next hop is ${a} on ${e.dev}.`,
      `look at: ip neigh show ${a} dev ${e.dev}; arping -I ${e.dev} ${a}`,
    ];
  }
  return [causes['frag-incomplete'].sentence, `look at: ${causes['frag-incomplete'].look}; nstat -az IpReasmTimeout IpReasmFails`];
}

function notSent(p: PacketRun): string[] {
  const dst = formatAddr(p.target.dst);
  const e = p.events.find((x): x is EventOf<'route'> => x.t === 'route' && x.errno !== 0);
  return e ? [`${e.node} has no usable route to ${dst}.`, `look at: ip route get ${dst}; ip rule`] : [];
}

/** The counter that moves with a reason, for IPv4 and for IPv6; '' where none does. */
const counters = new Map<string, readonly [string, string]>([
  ['IP_RPFILTER', ['TcpExtIPReversePathFilter', '']],
  ['IP_INNOROUTES', ['IpExtInNoRoutes', 'Ip6InNoRoutes']],
  ['IP_INADDRERRORS', ['IpInAddrErrors', 'Ip6InAddrErrors']],
  ['IP_NOPROTO', ['IpInUnknownProtos', 'Ip6InUnknownProtos']],
  ['IP_CSUM', ['IpInHdrErrors', '']],
]);

function kernelWords(c: DropContext): string {
  const pair = c.cause === 'ttl-expired' && c.reason === 'IP_INHDR' ? (['IpInHdrErrors', 'Ip6InHdrErrors'] as const) : counters.get(c.reason);
  const counter = typeof c.facts.counter === 'string' ? c.facts.counter : (pair?.[c.family === 'ipv4' ? 0 : 1] ?? '');
  return `kernel: drop reason ${c.reason} in ${c.location}${counter ? `, counter ${counter} +1` : ''}`;
}
