/** A packet whose frame was heard on its wire, and meant for somebody whom the scenario does not have there: to whom it went, and who passed it over. */
import { type Addr, formatAddr, formatMac, type Mac } from '../base/addr.js';
import { byName } from '../base/memo.js';
import { readMac } from '../packet/mac-bytes.js';
import type { Fate } from '../stack/outcome.js';
import { answersFor, devicesWith, hearersOf, neighbourAsked, sentAt } from '../stack/overheard.js';
import type { PacketRun } from '../stack/run-scenario.js';
import type { Change } from './mend.js';
import { packetTitle } from './summary.js';

interface Beyond {
  readonly mac: Mac;
  /** The neighbour that has it; null where the frame was only bridged. */
  readonly hop: Addr | null;
  /** The nodes that heard it and were not meant. */
  readonly heard: readonly string[];
  /** `NODE:DEVICE` of that MAC address on other wires. */
  readonly elsewhere: readonly string[];
}

/** Null: it did not leave, or by a device that nothing is wired to. */
function beyondOf(p: PacketRun, f: Fate): Beyond | null {
  const e = p.events[f.at];
  if (f.kind !== 'left' || e.t !== 'emit' || e.frame.length < 6) return null;
  const reached = hearersOf(p.outcome.skbs, e);
  if (reached.length === 0) return null;
  const mac = readMac(e.frame, 0);
  const heard = reached.filter((n) => p.events.some((x) => x.t === 'drop' && x.node === n && x.reason === 'OTHERHOST'));
  return { mac, hop: neighbourAsked(p.events, f.at)?.addr ?? null, heard, elsewhere: devicesWith(p.nodes, mac) };
}

const whose = ({ elsewhere }: Beyond): string =>
  elsewhere.length === 0 ? 'which no node here has' : `that of ${elsewhere.join(', ')}, which no wire joins to it`;

/** ` to the next hop 10.0.0.254 (02:00:00:00:00:99, which no node here has)`; '' where it left by a device that nothing is wired to. */
export function towards(p: PacketRun, f: Fate): string {
  const b = beyondOf(p, f);
  if (b === null) return '';
  return b.hop === null ? ` to ${formatMac(b.mac)}, ${whose(b)}` : ` to the next hop ${formatAddr(b.hop)} (${formatMac(b.mac)}, ${whose(b)})`;
}

/** What there is to say about each direction that went there. */
export function beyondLines(p: PacketRun): string[] {
  const { request, reply } = p.outcome;
  return [request, ...(reply ? [reply] : [])].flatMap((f) => {
    const b = beyondOf(p, f);
    if (b === null) return [];
    const who = f === request ? packetTitle(p) : `The answer to ${packetTitle(p)}`;
    const kind = b.hop === null ? 'a machine' : b.hop === f.end?.dst ? 'a host' : 'a router';
    const hop = b.hop === null ? formatMac(b.mac) : formatAddr(b.hop);
    const missing =
      b.elsewhere.length === 0
        ? `${kind} that the scenario does not have: what becomes of it there is not known.`
        : `whose MAC address ${formatMac(b.mac)} is that of ${b.elsewhere.join(', ')}: no wire joins that device to ${f.dev} of ${f.node}.`;
    return [
      `${who} left ${f.node} by ${f.dev} for ${hop}, ${missing}`,
      ...(b.heard.length === 0 ? [] : [`  heard by ${b.heard.join(', ')}, for whom it is not (OTHERHOST there is no loss)`]),
      ...(b.hop === null ? [] : [`  look at: on ${f.node} ip neigh show ${hop} dev ${f.dev}`]),
    ];
  });
}

interface WrongEntry {
  /** A clause. */
  readonly text: string;
  readonly look: string;
  /** Without the entry the kernel asks again. */
  readonly mend: Change;
}

/** The sender's neighbour entry where it says another MAC address than the node has that passed the frame over; `at`: index of that drop. */
export function wrongEntry(p: PacketRun, at: number): WrongEntry | null {
  const { skbs } = p.outcome;
  const left = p.events[at].t === 'drop' ? sentAt(p.events, skbs, at) : -1;
  const e = left < 0 ? null : neighbourAsked(p.events, left);
  if (e === null || e.mac === null) return null;
  const owner = hearersOf(skbs, p.events[left])
    .map((n) => p.nodes.get(n))
    .find((n) => answersFor(n, e.addr));
  const dev = byName(owner?.links ?? [], owner?.addrs.find((a) => a.local === e.addr)?.dev ?? '');
  if (!owner || !dev || dev.mac === e.mac) return null;
  const hop = formatAddr(e.addr);
  const neigh = `${typeof e.addr === 'number' ? 'ip' : 'ip -6'} neigh`;
  return {
    text: `because the neighbour entry of ${e.node} for ${hop} on ${e.dev} says ${formatMac(e.mac)}, and ${dev.name} of ${owner.name}, which has that address, is ${formatMac(dev.mac)}`,
    look: `on ${e.node} ${neigh} show ${hop} dev ${e.dev}`,
    mend: { node: e.node, commands: [`${neigh} del ${hop} dev ${e.dev}`] },
  };
}
