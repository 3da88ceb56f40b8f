/** Why a next hop stays silent: what became of the ARP request, or the neighbour solicitation, that asked for it, and of the answer. */
import { type Addr, formatAddr, readAddr } from '../base/addr.js';
import { byName, memoByIdentity } from '../base/memo.js';
import { ETH_P_ARP, ETH_P_IPV6 } from '../packet/skb.js';
import { descent } from '../stack/outcome.js';
import type { PacketRun } from '../stack/run-scenario.js';
import type { Cause } from '../trace/cause.js';
import { causes } from '../trace/cause.js';
import type { Event, EventOf, PacketView } from '../trace/event.js';
import { dropContext } from './drop-context.js';
import { lookAt } from './look.js';
import { type Change, mendDrop, mendRefused } from './mend.js';
import { placeOf } from './places.js';
import { sentence } from './sentence.js';
import { boxBefore } from './summary.js';

type Asked = EventOf<'neigh'>;

/** The question that a held packet waits on; null where it is held for something else. */
export function askedNeighbour(p: PacketRun, at: number): Asked | null {
  for (let i = at; i >= 0; i--) {
    const e = p.events[i];
    if (e.t === 'neigh' && e.state === 'incomplete') return e;
  }
  return null;
}

const NS = 135;
const IP6_HEADER = 40;

function asksFor(v: PacketView, a: Addr): boolean {
  if (v.protocol === ETH_P_ARP) return typeof a === 'number' && v.data.length >= 28 && readAddr(v.data, 24, 'ipv4') === a;
  if (v.protocol !== ETH_P_IPV6 || typeof a === 'number' || v.data.length < IP6_HEADER + 24) return false;
  return v.data[6] === 58 && v.data[IP6_HEADER] === NS && readAddr(v.data, IP6_HEADER + 8, 'ipv6') === a;
}

/** Losses of copies that were nobody's business: they say nothing about why the one who was asked is silent. */
const IDLE: ReadonlySet<Cause> = new Set<Cause>(['not-for-us', 'multicast-no-member']);

interface Inquiry {
  /** The packet that set the question off: this one, or one before it. */
  readonly of: PacketRun;
  /** Index of the drop that the question, or its answer, died of; -1. */
  readonly lost: number;
  /** Where the asker's address was refused. */
  readonly refused: EventOf<'source-check'> | null;
  /** Nodes that the question reached, in that order, with the device. */
  readonly reached: ReadonlyMap<string, string>;
}

/** What became of the question, which may be an earlier packet's that is still open; null where it cannot be found. */
function inquire(p: PacketRun, e: Asked): Inquiry | null {
  const key = `${e.node} ${e.dev} ${e.addr}`;
  const passed: PacketRun[] = [];
  let found: Inquiry | null | undefined;
  for (let q: PacketRun | null = p; q !== null && !found; q = q.previous) {
    found = known(q).get(key);
    if (found === undefined) found = inquiryIn(q, e);
    else if (found === null) break;
    passed.push(q);
  }
  for (const q of passed) known(q).set(key, found ?? null);
  return found ?? null;
}

/** What was found out already, by packet and neighbour: of many packets that wait, each would look through all before it. */
const known = memoByIdentity((_: PacketRun): Map<string, Inquiry | null> => new Map());

function inquiryIn(p: PacketRun, e: Asked): Inquiry | null {
  const root = p.events.find((x): x is EventOf<'skb'> => x.t === 'skb' && x.node === e.node && x.origin.of === null && asksFor(x.view, e.addr));
  if (!root) return null;
  const kin = descent(p.events, root.skb);
  const reached = new Map<string, string>();
  let lost = -1;
  let refused: EventOf<'source-check'> | null = null;
  p.events.forEach((x: Event, i) => {
    if (!kin.has(x.skb)) return;
    if (x.t === 'receive') reached.set(x.node, reached.get(x.node) ?? x.dev);
    if (x.t === 'drop' && !IDLE.has(x.cause)) lost = i;
    if (x.t === 'source-check' && !x.ok) refused = x;
  });
  return { of: p, lost, refused, reached };
}

const what = (a: Addr): string => (typeof a === 'number' ? 'ARP request' : 'neighbour solicitation');

/** Does the packet wait for somebody whom the files do not show: no dump says that it failed, and no wire leads there? */
export function leavesTheMap(p: PacketRun, at: number): Asked | null {
  const e = askedNeighbour(p, at);
  if (!e || dumpedState(p, e) !== null) return null;
  const found = inquire(p, e);
  return found && found.lost < 0 && found.reached.size === 0 ? e : null;
}

/** What the dump says of a neighbour that it knows no MAC address of: FAILED, INCOMPLETE; null where it says nothing. */
function dumpedState(p: PacketRun, e: Asked): string | null {
  const n = p.nodes.get(e.node)?.neighs.find((x) => x.dev === e.dev && x.dst === e.addr);
  return n && n.lladdr === null ? n.state.join(',') : null;
}

/** Facts first, then a line of commands. */
export function neighbourLines(p: PacketRun, at: number): string[] {
  const e = askedNeighbour(p, at);
  if (!e) return [causes['frag-incomplete'].sentence, `look at: ${causes['frag-incomplete'].look}; nstat -az IpReasmTimeout IpReasmFails`];
  const a = formatAddr(e.addr);
  const here = `ip neigh show ${a} dev ${e.dev}`;
  const nobody = `Nobody answers for the next hop ${a} on ${e.dev}`;
  const found = inquire(p, e);
  const dumped = dumpedState(p, e);
  if (dumped !== null && (found === null || (found.lost < 0 && found.reached.size === 0)))
    return [`${nobody}: already in the dump it is ${dumped}.`, `look at: on ${e.node} ${here}; ${probe(e)}`];
  if (found === null) return [`${nobody}; the question of an earlier packet is still open.`, `look at: on ${e.node} ${here}`];
  if (found.lost >= 0) return lostLines(found.of, e, found.lost);
  if (found.refused) return refusedLines(p, e, found.refused);
  return [`${nobody}: ${silence(p, e, found.reached)}.`, `look at: on ${e.node} ${here}; ${probe(e)}`];
}

/** Changes that let the question through, or make it answered. */
export function neighbourMends(p: PacketRun, at: number): Change[] {
  const e = askedNeighbour(p, at);
  const found = e && inquire(p, e);
  if (!found) return [];
  return found.lost >= 0 ? mendDrop(found.of, found.lost) : found.refused ? mendRefused(found.refused) : [];
}

const probe = (e: Asked): string => (typeof e.addr === 'number' ? `arping -I ${e.dev} ${formatAddr(e.addr)}` : `ndisc6 ${formatAddr(e.addr)} ${e.dev}`);

function lostLines(p: PacketRun, e: Asked, lost: number): string[] {
  const c = dropContext(p, lost);
  return [
    `Its ${what(e.addr)} for the next hop ${formatAddr(e.addr)} dies on ${c.node} ${placeOf(boxBefore(p.events, lost))}: ${sentence(c)}`,
    `kernel: drop reason ${c.reason} in ${c.location}`,
    ...(c.rule ? [`rule: ${c.rule}`] : []),
    `look at: on ${c.node} ${lookAt(c).join('; ')}`,
  ];
}

/** Source validation of an ARP request counts nothing and says nothing but the martian line. */
function refusedLines(p: PacketRun, e: Asked, s: EventOf<'source-check'>): string[] {
  const src = formatAddr(s.src);
  const back = s.reverseDev === null ? `there is no route back to ${src}` : `the route back to ${src} uses ${s.reverseDev}`;
  const own = ownAddress(p, s.node, s.src);
  const why = own
    ? `${src} is an address of ${s.node} itself`
    : `${back}, and rp_filter is ${s.effective === 1 ? 'strict' : 'loose'} there: the larger of all=${s.rpFilterAll} and ${s.dev}=${s.rpFilterDev} counts`;
  return [
    `${s.node} got the ${what(e.addr)} for ${formatAddr(e.addr)} on ${s.dev} and does not answer it: ${why}.`,
    `kernel: no drop reason and no counter; with log_martians a line “martian source” that shows an ARP frame`,
    own
      ? `look at: on ${s.node} ip -br addr`
      : `look at: on ${s.node} ip route get ${src}; sysctl net.ipv4.conf.all.rp_filter net.ipv4.conf.${s.dev.replace(/\./g, '/')}.rp_filter`,
  ];
}

const ownAddress = (p: PacketRun, node: string, a: Addr): boolean => (p.nodes.get(node)?.addrs ?? []).some((x) => x.local === a);

function silence(p: PacketRun, e: Asked, reached: ReadonlyMap<string, string>): string {
  if (reached.size === 0) return `no wire leads on from there`;
  const owner = [...reached.keys()].find((n) => ownAddress(p, n, e.addr));
  if (owner !== undefined) {
    const dev = reached.get(owner) ?? '';
    const noarp = byName(p.nodes.get(owner)?.links ?? [], dev)?.flags.includes('NOARP');
    return `the ${what(e.addr)} reached ${owner} on ${dev}, which has that address and keeps silent (${noarp ? `${dev} is NOARP` : 'arp_ignore, arp_filter'})`;
  }
  const port = (n: string) => byName(p.nodes.get(n)?.links ?? [], reached.get(n) ?? '');
  const hosts = [...reached.keys()].filter((n) => port(n)?.slaveKind !== 'bridge');
  if (hosts.length > 0) return `the ${what(e.addr)} reached ${hosts.join(', ')}, and that is no address there; ${whoseAddress(p, e.addr)}`;
  const last = [...reached.keys()].at(-1) ?? '';
  const isolated = port(last)?.slaveData.isolated === true ? ` (${port(last)?.name} is isolated)` : '';
  return `the ${what(e.addr)} entered bridge ${port(last)?.master} of ${last} by ${port(last)?.name} and left it by no other port${isolated}`;
}

/** Whose it is who was not asked. */
function whoseAddress(p: PacketRun, a: Addr): string {
  const at = [...p.nodes.values()].flatMap((n) => n.addrs.filter((x) => x.local === a).map((x) => `${n.name}:${x.dev}`));
  return at.length === 0 ? 'no node here has it' : `${at.join(', ')} has it, and was not reached`;
}
