/**
 * Which devices of captured nodes hang on the same wire: the two ends of a veth pair that lies between two namespaces of one host, and devices whose addresses
 * share a network. A guess where it may be wrong is marked with the reason (`doubt`).
 */
import { type Addr, familyOf, formatAddr, formatMac, networkOf } from '../base/addr.js';
import type { IfAddr, Link } from '../link/model.js';
import type { NodeState, WireEnd } from './model.js';

export interface CapturedNode {
  readonly node: NodeState;
  /** What the host calls itself: namespaces of one host share it. */
  readonly host: string | null;
}

export interface ProposedWire {
  readonly ends: readonly WireEnd[];
  /** “10.0.0.0/24”, “veth pair”. */
  readonly why: string;
  readonly doubt: string | null;
  /** False: it cannot be as it looks; to be shown, not taken. */
  readonly taken: boolean;
}

export interface ProposedWires {
  readonly wires: readonly ProposedWire[];
  /** Networks that are shared by devices which are no end of a wire. */
  readonly notes: readonly string[];
}

/** Where an address is reached: the device that carries its frames out of the node. */
interface Attachment {
  readonly end: WireEnd;
  readonly addr: IfAddr;
  readonly link: Link;
  readonly captured: CapturedNode;
}

const key = (e: WireEnd): string => `${e.node}:${e.dev}`;

/** Hardware, or a veth whose other end is elsewhere. */
const isCable = (n: NodeState, l: Link): boolean => l.linkType === 'ether' && (l.kind === '' || (l.kind === 'veth' && !hasPeerHere(n, l)));
const hasPeerHere = (n: NodeState, l: Link): boolean =>
  l.linkNetnsid === null && n.links.some((x) => x !== l && (x.name === l.link || (l.linkIndex !== null && x.ifindex === l.linkIndex)));

/** Kinds that carry other nodes' networks inside packets, or hold a network of their own. */
const overlays: ReadonlySet<string> = new Set([
  'vxlan',
  'geneve',
  'gre',
  'gretap',
  'ip6gre',
  'ip6gretap',
  'erspan',
  'ipip',
  'sit',
  'ip6tnl',
  'vti',
  'vti6',
  'wireguard',
  'tun',
  'xfrm',
  'dummy',
  'ppp',
]);

const isShared = (a: IfAddr): boolean => a.scope !== 'host' && a.scope !== 'link' && a.prefixlen < (a.family === 'ipv4' ? 32 : 128);

export function inferWires(nodes: readonly CapturedNode[]): ProposedWires {
  const notes: string[] = [];
  const pairs = vethPairs(nodes);
  const used = new Set(pairs.flatMap((w) => w.ends.map(key)));
  const attached = nodes.flatMap((c) => attachments(c, used, notes));
  return { wires: [...pairs, ...segments(attached)], notes: [...notes, ...unwired(nodes, attached)] };
}

// --- veth pairs ---

/** Each end names the other's index; indexes are per namespace, so that a pair is only taken within one host, and where nothing else fits. */
function vethPairs(nodes: readonly CapturedNode[]): ProposedWire[] {
  const open = nodes.flatMap((c) => c.node.links.filter((l) => l.kind === 'veth' && l.linkNetnsid !== null && l.linkIndex !== null).map((l) => ({ c, l })));
  const fits = (a: (typeof open)[number], b: (typeof open)[number]): boolean =>
    a.c !== b.c && a.c.host === b.c.host && a.l.linkIndex === b.l.ifindex && b.l.linkIndex === a.l.ifindex;
  const out: ProposedWire[] = [];
  for (const [i, a] of open.entries()) {
    const others = open.filter((b) => fits(a, b));
    for (const b of open.slice(i + 1)) {
      if (!fits(a, b)) continue;
      const ends = [end(a.c, a.l), end(b.c, b.l)];
      const sure = others.length === 1 && open.filter((x) => fits(b, x)).length === 1;
      const agree = sure || shareNetwork(a.c.node, a.l, b.c.node, b.l);
      out.push({ ends, why: 'veth pair', doubt: sure ? null : 'other devices have the same indexes', taken: agree });
    }
  }
  return out;
}

const end = (c: CapturedNode, l: Link): WireEnd => ({ node: c.node.name, dev: l.name });

function shareNetwork(a: NodeState, la: Link, b: NodeState, lb: Link): boolean {
  const nets = new Set(a.addrs.filter((x) => x.dev === la.name && isShared(x)).map(networkText));
  return b.addrs.some((x) => x.dev === lb.name && isShared(x) && nets.has(networkText(x)));
}

// --- shared networks ---

const networkText = (a: IfAddr): string => `${formatAddr(networkOf(a.peer ?? a.local, a.prefixlen))}/${a.prefixlen}`;

/** The node's addresses by the cable that they are behind; what hangs on a wire already has its networks there. */
function attachments(c: CapturedNode, used: ReadonlySet<string>, notes: string[]): Attachment[] {
  const out: Attachment[] = [];
  for (const addr of c.node.addrs) {
    const link = c.node.links.find((l) => l.name === addr.dev);
    if (!link || !isShared(addr)) continue;
    const cable = cableOf(c.node, link, notes);
    const e = cable && end(c, cable);
    if (e && !used.has(key(e))) out.push({ end: e, addr, link, captured: c });
  }
  return out;
}

function cableOf(n: NodeState, l: Link, notes: string[]): Link | null {
  if (isCable(n, l)) return l.master === null ? l : null;
  if (l.kind !== 'bridge') return null;
  const ports = n.links.filter((p) => p.master === l.name && isCable(n, p));
  const hardware = ports.filter((p) => p.kind === '');
  if (hardware.length === 1) return hardware[0];
  if (hardware.length > 1)
    note(notes, `${n.name}:${l.name} has several ports (${hardware.map((p) => p.name).join(', ')}): which of them leads to which network is not known`);
  return null;
}

const note = (notes: string[], text: string): void => {
  if (!notes.includes(text)) notes.push(text);
};

/** Ends of different nodes that share a network, gathered over all their networks. */
function segments(all: readonly Attachment[]): ProposedWire[] {
  const groups: Attachment[][] = [];
  for (const a of all) {
    const mine = groups.filter((g) => g.some((b) => key(a.end) === key(b.end) || networkText(a.addr) === networkText(b.addr)));
    for (const g of mine) groups.splice(groups.indexOf(g), 1);
    groups.push([...mine.flat(), a]);
  }
  return groups.filter((g) => new Set(g.map((a) => a.end.node)).size > 1).map(segment);
}

function segment(group: readonly Attachment[]): ProposedWire {
  const ends = [...new Map(group.map((a) => [key(a.end), a.end])).values()].sort((a, b) => (key(a) < key(b) ? -1 : 1));
  const shared = [...new Set(group.map((a) => networkText(a.addr)))].filter(
    (net) => new Set(group.filter((a) => networkText(a.addr) === net).map((a) => a.end.node)).size > 1,
  );
  const twice = sameAddress(group);
  const nodes = ends.map((e) => e.node);
  const many = nodes.find((n, i) => nodes.indexOf(n) !== i);
  const doubt =
    twice ??
    otherNeighbour(group) ??
    (many === undefined
      ? null
      : `${many} has several devices there (${ends
          .filter((e) => e.node === many)
          .map((e) => e.dev)
          .join(', ')}): are all of them on this network?`);
  return { ends, why: shared.join(', '), doubt, taken: twice === null };
}

function sameAddress(group: readonly Attachment[]): string | null {
  for (const a of group)
    for (const b of group)
      if (a.end.node < b.end.node && a.addr.local === b.addr.local)
        return `${a.end.node} and ${b.end.node} both have ${formatAddr(a.addr.local)}: these are two networks, or one of them is wrong`;
  return null;
}

/** A neighbour table that knows the address by another MAC address speaks against it. */
function otherNeighbour(group: readonly Attachment[]): string | null {
  for (const a of group)
    for (const b of group) {
      if (a.end.node === b.end.node) continue;
      const known = a.captured.node.neighs.find((x) => x.dev === a.link.name && x.dst === b.addr.local && x.lladdr !== null && !x.proxy);
      if (known?.lladdr != null && known.lladdr !== b.link.mac)
        return `${a.end.node} knows ${formatAddr(b.addr.local)} as ${formatMac(known.lladdr)}, but ${key(b.end)} is ${formatMac(b.link.mac)}`;
    }
  return null;
}

/** Networks that nodes share by devices which are no cable: said, since a wire may be wanted. */
function unwired(nodes: readonly CapturedNode[], attached: readonly Attachment[]): string[] {
  const wired = new Set(attached.map((a) => `${a.end.node}\0${a.addr.dev}`));
  const by = new Map<string, Set<string>>();
  for (const { node: n } of nodes)
    for (const a of n.addrs) {
      const link = n.links.find((l) => l.name === a.dev);
      if (!link || !isShared(a) || overlays.has(link.kind) || link.kind === 'bridge' || wired.has(`${n.name}\0${a.dev}`) || isCable(n, link)) continue;
      if (link.linkType === 'loopback' || hasPeerHere(n, link)) continue;
      const net = networkText(a);
      by.set(net, (by.get(net) ?? new Set()).add(`${n.name}:${a.dev} (${link.kind || link.linkType})`));
    }
  return [...by].filter(([, devs]) => devs.size > 1).map(([net, devs]) => `${net} is shared by ${[...devs].join(', ')}: such devices are no ends of wires`);
}

/** The address that others would use to reach a node: the first global one, of an end of a wire if it has any; null where it has none. */
export function mainAddress(n: NodeState, wires: readonly ProposedWire[]): Addr | null {
  const ends = new Set(wires.filter((w) => w.taken).flatMap((w) => w.ends.map(key)));
  const global = n.addrs.filter((a) => a.scope !== 'host' && a.scope !== 'link' && a.dev !== 'lo' && !a.secondary);
  const order = (a: IfAddr): number => (ends.has(`${n.name}:${a.dev}`) ? 0 : 2) + (familyOf(a.local) === 'ipv4' ? 0 : 1);
  return [...global].sort((a, b) => order(a) - order(b))[0]?.local ?? null;
}
