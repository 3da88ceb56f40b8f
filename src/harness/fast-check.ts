/**
 * `netfilter-sim/fast-check`: arbitraries for packets and addresses, so that an author can say “for every edge pod and every cloud pod: never masqueraded”.
 *
 *   fc.assert(fc.property(packetsFrom(net, 'pod', { to: inSet(net, 'node1', 'PEERS') }), (p) => { expect(net.send(p)).not.toBeMasqueraded(); }));
 */
import * as fc from 'fast-check';
import { type Addr, addrBits, type Family, familyOf, formatAddr, parseAddr } from '../base/addr.js';
import { byName } from '../base/memo.js';
import { type Net, type PacketInput, ping, tcp, udp } from './library.js';

/** Addresses from first to last, both included. */
interface Range {
  readonly family: Family;
  readonly first: bigint;
  readonly last: bigint;
}

const words = (a: Addr): bigint =>
  typeof a === 'number' ? BigInt(a) : Array.from({ length: 8 }, (_, i) => BigInt(a.charCodeAt(i))).reduce((n, w) => (n << 16n) | w, 0n);

function textOf(n: bigint, family: Family): string {
  if (family === 'ipv4') return formatAddr(Number(n));
  return formatAddr(String.fromCharCode(...Array.from({ length: 8 }, (_, i) => Number((n >> BigInt(112 - 16 * i)) & 0xffffn))) as Addr);
}

/** ADDRESS, ADDRESS/LENGTH or FIRST-LAST. Throws RangeError for anything else. */
function rangeOf(text: string): Range {
  const [from, to] = text.split('-');
  const [address, length] = from.split('/');
  const a = parseAddr(address);
  const b = to === undefined ? null : parseAddr(to);
  if (a === null || (to !== undefined && b === null)) throw new RangeError(`“${text}” is no address, no ADDRESS/LENGTH and no FIRST-LAST`);
  const family = familyOf(a);
  if (b !== null) return { family, first: words(a), last: words(b) };
  const bits = addrBits(family);
  const len = length === undefined ? bits : Number(length);
  if (!Number.isInteger(len) || len < 0 || len > bits) throw new RangeError(`“${text}” has no prefix length from 0 to ${bits}`);
  const host = BigInt(bits - len);
  const first = (words(a) >> host) << host;
  return { family, first, last: first + (1n << host) - 1n };
}

const inRange = (r: Range): fc.Arbitrary<string> => fc.bigInt({ min: r.first, max: r.last }).map((n) => textOf(n, r.family));
const list = (x: string | readonly string[]): readonly string[] => (typeof x === 'string' ? [x] : x);

/** Addresses of ranges: ADDRESS, ADDRESS/LENGTH, FIRST-LAST. Every range is as likely as any other. */
export function addressIn(ranges: string | readonly string[]): fc.Arbitrary<string> {
  const all = list(ranges).map(rangeOf);
  if (all.length === 0) throw new RangeError('there is no address in no range');
  return fc.oneof(...all.map(inRange));
}

/** Addresses outside of ranges but inside of `within`; among them the neighbours just outside, where generators err. */
export function addressOutside(ranges: string | readonly string[], within: string | readonly string[] = '1.0.0.0-223.255.255.255'): fc.Arbitrary<string> {
  const forbidden = list(ranges).map(rangeOf);
  const gaps = list(within)
    .map(rangeOf)
    .flatMap((w) =>
      gapsOf(
        w,
        forbidden.filter((r) => r.family === w.family),
      ),
    );
  if (gaps.length === 0) throw new RangeError('the ranges leave no address outside of them');
  return fc.oneof(
    ...gaps.map((g) =>
      fc.oneof({ weight: 4, arbitrary: inRange(g) }, { weight: 1, arbitrary: fc.constantFrom(textOf(g.first, g.family), textOf(g.last, g.family)) }),
    ),
  );
}

function gapsOf(within: Range, forbidden: readonly Range[]): Range[] {
  const out: Range[] = [];
  let at = within.first;
  for (const r of [...forbidden].sort((a, b) => (a.first < b.first ? -1 : 1))) {
    if (r.first > at && at <= within.last) out.push({ ...within, first: at, last: r.first - 1n < within.last ? r.first - 1n : within.last });
    if (r.last + 1n > at) at = r.last + 1n;
  }
  if (at <= within.last) out.push({ ...within, first: at });
  return out;
}

/** First dimension of a set's members, as ranges; `nomatch` members are not in it. list:set is followed. */
function rangesOfSet(net: Net, node: string, name: string, depth = 0): string[] {
  const set = byName(net.node(node).sets, name);
  if (!set)
    throw new RangeError(
      `node “${node}” has no set “${name}”; sets: ${net
        .node(node)
        .sets.map((s) => s.name)
        .join(', ')}`,
    );
  const texts = [...set.members.text()];
  if (set.create.type === 'list:set') return depth > 8 ? [] : texts.flatMap((t) => rangesOfSet(net, node, t.split(' ')[0], depth + 1));
  if (!/^(hash:(ip|net)|bitmap:ip)\b/.test(set.create.type)) throw new RangeError(`members of ${set.create.type} sets do not begin with an address`);
  return texts.filter((t) => !/ nomatch\b/.test(t)).map((t) => t.split(/[ ,]/)[0]);
}

/** Addresses that are in a set of a node, as the scenario gives it. Throws RangeError when the set is empty or unknown. */
export function inSet(net: Net, node: string, name: string): fc.Arbitrary<string> {
  const ranges = rangesOfSet(net, node, name);
  if (ranges.length === 0) throw new RangeError(`set “${name}” of node “${node}” is empty`);
  return addressIn(ranges);
}

/** Addresses that are not in a set of a node. */
export const outsideSet = (net: Net, node: string, name: string, within?: string | readonly string[]): fc.Arbitrary<string> =>
  addressOutside(rangesOfSet(net, node, name), within);

export type Protocol = 'icmp' | 'tcp' | 'udp';

export interface PacketOptions {
  /** Default: all three. */
  readonly protocols?: readonly Protocol[];
  /** Destination ports; default: 1 to 65535, the well-known ones more often. */
  readonly ports?: fc.Arbitrary<number>;
}

const anyPort: fc.Arbitrary<number> = fc.oneof(fc.constantFrom(22, 53, 80, 443, 6443, 8080, 10250), fc.integer({ min: 1, max: 65535 }));
const endpoint = (to: string, port: number): string => (to.includes(':') ? `[${to}]:${port}` : `${to}:${port}`);

function build(from: fc.Arbitrary<string>, to: fc.Arbitrary<string>, o: PacketOptions): fc.Arbitrary<PacketInput> {
  return fc
    .tuple(from, to, fc.constantFrom(...(o.protocols ?? (['icmp', 'tcp', 'udp'] as const))), o.ports ?? anyPort)
    .map(([f, t, proto, port]) => (proto === 'icmp' ? ping(f, t) : proto === 'tcp' ? tcp(f, endpoint(t, port)) : udp(f, endpoint(t, port))));
}

const addressesOf = (net: Net, node: string): string[] =>
  net
    .node(node)
    .addrs.filter((a) => a.dev !== 'lo' && a.scope === 'global')
    .map((a) => formatAddr(a.local));

/** Packets away from a node: sent by one of its sockets, to the given addresses, by default those of all other nodes. */
export function packetsFrom(net: Net, node: string, o: PacketOptions & { readonly to?: fc.Arbitrary<string> } = {}): fc.Arbitrary<PacketInput> {
  net.node(node);
  const others = net.scenario.nodes.filter((n) => n.name !== node).flatMap((n) => addressesOf(net, n.name));
  if (!o.to && others.length === 0) throw new RangeError('no other node has an address: say where the packets go (to:)');
  return build(fc.constant(node), o.to ?? fc.constantFrom(...others), o);
}

/** Packets towards a node's own addresses, sent by the given nodes, by default all others. */
export function packetsTo(net: Net, node: string, o: PacketOptions & { readonly from?: readonly string[] } = {}): fc.Arbitrary<PacketInput> {
  const to = addressesOf(net, node);
  if (to.length === 0) throw new RangeError(`node “${node}” has no address`);
  const from = o.from ?? net.scenario.nodes.map((n) => n.name).filter((n) => n !== node);
  for (const f of from) net.node(f);
  if (from.length === 0) throw new RangeError('there is no other node to send from');
  return build(fc.constantFrom(...from), fc.constantFrom(...to), o);
}
