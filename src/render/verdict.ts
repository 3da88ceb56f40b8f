/**
 * The verdict of the story on a packet that failed: where, the kernel's words, the facts, the earlier step that made it so, what to type next.
 */
import { formatAddr } from '../base/addr.js';
import type { PacketRun } from '../stack/run-scenario.js';
import type { EventOf } from '../trace/event.js';
import { rulePlace } from '../trace/place.js';
import { acceptedBefore, bridgedNote, errorNote, invalidNote, knownFlow, lostSocket, uncoveredByIpsec, wantedWithMask } from './because.js';
import { beyondLines, wrongEntry } from './beyond.js';
import { conversationOf } from './conversation.js';
import { type DropContext, dropContext } from './drop-context.js';
import { earlierRewrite, setLines } from './earlier.js';
import { errnoWords, failureOf, heldFor, leavingWords, unroutable } from './fates.js';
import { reroutes } from './how.js';
import { lookAt } from './look.js';
import { type Change, mendAstray, mendDrop, mendUnanswered, mendWrongSource } from './mend.js';
import type { Paint } from './paint.js';
import { placeOf } from './places.js';
import { sentence } from './sentence.js';
import { neighbourLines, neighbourMends } from './silent-neighbour.js';
import { boxBefore, packetTitle } from './summary.js';
import { untranslatedBySets } from './untranslated.js';
import { partingOf } from './way-back.js';

const indent = (lines: readonly string[]): string[] => lines.map((l) => `  ${l}`);

/** `tries`: what is said of changes that could save it. */
export function verdict(p: PacketRun, paint: Paint, tries: (p: PacketRun) => readonly string[]): string[] {
  const talk = conversationOf(p);
  const lost = failureOf(p);
  const about = talk && talk.kind !== 'established' && (lost === null || talk.kind !== 'timed-out') ? [talk.text] : [];
  if (talk?.kind === 'wrong-source') return [paint('bad', `${packetTitle(p)} fails.`), ...indent([...about, ...wrongSource(p), ...tries(p)])];
  if (lost === null)
    return [paint('bad', `${packetTitle(p)} fails.`), ...indent([...about, ...(talk?.kind === 'timed-out' ? [leavingWords(p), ...beyondLines(p)] : [])])];
  const { direction, fate } = lost;
  const subject = direction === 'reply' ? `The answer to ${packetTitle(p)}` : packetTitle(p);
  if (fate.inconclusive) {
    const rule = fate.inconclusive.rule;
    return [
      paint(
        'bad',
        `${subject} reaches something on ${fate.node} that this program does not evaluate: ${fate.inconclusive.what}${rule ? ` (${rulePlace(rule)})` : ''}.`,
      ),
      '  No claim is made about what the kernel would do from there on.',
    ];
  }
  if (fate.kind === 'held')
    return [
      paint('bad', `${subject} waits on ${fate.node} for ${heldFor(p, fate.at)}.`),
      ...indent([...wayBack(p, fate.at), ...earlierRewrite(p, fate.at), ...neighbourLines(p, fate.at), ...tries(p)]),
    ];
  if (fate.drop === null && direction === 'reply')
    return [paint('bad', `${subject} is not sent by ${fate.node}.`), ...indent([...notAnswered(p), ...tries(p)])];
  if (fate.drop === null) return [paint('bad', `${subject} was not sent${p.errno ? `: ${errnoWords(p.errno)}` : ''}.`), ...indent(notSent(p))];
  const c = dropContext(p, fate.at);
  const parting = partingOf(p, fate.at);
  const astray = fate.drop.cause === 'not-for-us' ? wrongEntry(p, fate.at) : null;
  return [
    paint('bad', `${subject} dies on ${fate.node} ${placeOf(boxBefore(p.events, fate.at), fate.drop.rule !== null)}.`),
    ...indent([
      ...about,
      sentence(c),
      kernelWords(c),
      ...(c.rule && c.cause !== 'policy-drop' ? [`rule: ${c.rule}`] : []),
      ...(c.cause === 'policy-drop' ? setLines(p, fate.at) : []),
      ...acceptedBefore(p, fate.at),
      ...bridgedNote(p, fate.at),
      ...(astray ? [astray.text] : []),
      ...lostSocket(p, fate.at),
      ...untranslatedBySets(p, fate.at),
      ...invalidNote(p, fate.at),
      ...wayBack(p, fate.at),
      ...reroutes(p, fate.at).map((l) => `earlier: ${l}`),
      ...earlierRewrite(p, fate.at),
      ...uncoveredByIpsec(p, fate.at),
      ...knownFlow(p, fate.at),
      ...wantedWithMask(p, fate.at),
      ...errorNote(p, fate.at),
      `look at: ${[...lookAt(c), ...(astray ? [astray.look] : []), ...(parting ? [parting.look] : [])].join('; ')}`,
      ...tries(p),
    ]),
  ];
}

/** Changes that let it pass where it was lost. A rule in the way of an answer that went astray is not what is wrong. */
export function mendsOf(p: PacketRun): readonly Change[] {
  const lost = failureOf(p);
  if (conversationOf(p)?.kind === 'wrong-source') {
    const nat = untranslated(p);
    const parting = p.outcome.reply ? partingOf(p, p.outcome.reply.at) : null;
    return nat ? [...mendWrongSource(nat, parting?.kind ?? null), ...(parting ? mendAstray(p, parting).filter((c) => c.node !== nat.node) : [])] : [];
  }
  if (lost === null) return [];
  if (lost.fate.kind === 'held') return neighbourMends(p, lost.fate.at);
  const unroutableTo = lost.direction === 'reply' && !lost.fate.drop ? unroutable(p)?.dst : undefined;
  if (unroutableTo !== undefined) return mendUnanswered(p, lost.fate.at, unroutableTo);
  if (!lost.fate.drop) return [];
  const parting = partingOf(p, lost.fate.at);
  const astray = lost.fate.drop.cause === 'not-for-us' ? wrongEntry(p, lost.fate.at) : null;
  const back = [...(astray ? [astray.mend] : []), ...(parting ? mendAstray(p, parting) : [])];
  return parting && lost.fate.drop.rule !== null ? back : [...back, ...mendDrop(p, lost.fate.at)];
}

/** The DNAT whose answer came back with the address that it had chosen. */
const untranslated = (p: PacketRun): EventOf<'nat'> | undefined => p.events.find((e): e is EventOf<'nat'> => e.t === 'nat' && e.manip === 'DNAT' && !e.undo);

/** What the verdict says first, on one line. */
export function brief(p: PacketRun): string {
  const lost = failureOf(p);
  const talk = conversationOf(p);
  if (lost === null && talk?.kind === 'timed-out') return `${talk.text} ${leavingWords(p)}`;
  if (talk?.kind === 'wrong-source' || lost === null) return talk?.text ?? '';
  const { fate, direction } = lost;
  const it = direction === 'reply' ? 'its answer ' : '';
  if (fate.inconclusive) return `${it}inconclusive on ${fate.node}: ${fate.inconclusive.what}`;
  if (fate.kind === 'held') return `${it}waits on ${fate.node}. ${neighbourLines(p, fate.at)[0]}`;
  if (!fate.drop && direction === 'reply') return notAnswered(p)[0] ?? '';
  if (!fate.drop) return `not sent${p.errno ? `: ${errnoWords(p.errno)}` : ''}`;
  return `${it}dies on ${fate.node} ${placeOf(boxBefore(p.events, fate.at), fate.drop.rule !== null)}. ${sentence(dropContext(p, fate.at))}`;
}

/** What belongs to that line of a packet that died of something that others did not. */
export function besides(p: PacketRun): string[] {
  const lost = failureOf(p);
  return lost?.fate.drop ? [...knownFlow(p, lost.fate.at), ...wayBack(p, lost.fate.at)] : [];
}

/** What two packets that died of the same have in common. */
export function sameDeath(p: PacketRun, q: PacketRun): boolean {
  const [a, b] = [p, q].map((x) => failureOf(x)?.fate);
  if (!a?.drop || !b?.drop || brief(p) === brief(q)) return brief(p) === brief(q);
  const key = (f: typeof a): string => JSON.stringify([f.node, f.drop?.cause, f.drop?.rule, f.drop?.facts]);
  return key(a) === key(b) && knownFlow(p, a.at).join() === knownFlow(q, b.at).join();
}

/** Of an answer: where it left the way of the request. */
function wayBack(p: PacketRun, at: number): string[] {
  const parting = partingOf(p, at);
  return parting ? [`another way back: ${parting.text}`] : [];
}

/** Where an answer that comes from elsewhere lost its translation: where it left the request's way, and the node that it did not pass. */
function wrongSource(p: PacketRun): string[] {
  const nat = untranslated(p);
  if (!nat) return [];
  const dst = formatAddr(nat.after.dst);
  const parting = p.outcome.reply ? partingOf(p, p.outcome.reply.at) : null;
  const tool = typeof nat.after.dst === 'number' ? 'iptables' : 'ip6tables';
  const masquerade = `on ${nat.node} ${tool} -t nat -S POSTROUTING (MASQUERADE of what goes to ${dst} brings its answers back)`;
  return [
    `${nat.node} rewrote the destination to ${dst}, and nobody restored it in the answer: connection tracking of ${nat.node} did not see the answer.`,
    ...(parting ? [`because ${parting.text}`] : []),
    `look at: ${[...(parting ? [parting.look] : []), ...(parting?.kind === 'bridged' ? [] : [masquerade])].join('; ')}`,
  ];
}

/** Delivered, and the node cannot answer: it has no route for the answer. */
function notAnswered(p: PacketRun): string[] {
  const e = unroutable(p);
  if (!e) return [];
  const dst = formatAddr(e.dst);
  const ip = typeof e.dst === 'number' ? 'ip' : 'ip -6';
  return [
    `The packet was delivered on ${e.node}, but that node has no route to ${dst} for its answer${e.mark ? ` (mark 0x${e.mark.toString(16)})` : ''}: ${errnoWords(e.errno)}.`,
    `look at: on ${e.node} ${ip} route get ${dst}; ${ip} route; ${ip} rule`,
  ];
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
