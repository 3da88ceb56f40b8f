/** ICMPv6 that is no echo: errors with what they quote, neighbour discovery, and the rest. */
import { type Ip6, parseIp6, writeAddr } from '../../../base/addr.js';
import type { CorpusLink } from '../../../harness/conformance/corpus.js';
import { buildIcmp6, buildIp6, buildTcp, buildUdp, echoRest, TCP_FLAG } from '../../../packet/build.js';
import { PORTS, type World } from '../node.js';
import { bytes, sport } from '../packets.js';
import type { Rng } from '../rng.js';
import { chain, someHeaders } from './headers.js';
import { REMOTE } from './node.js';

const ip6 = (t: string): Ip6 => parseIp6(t) as Ip6;
export const addressBytes = (a: Ip6): Uint8Array => {
  const b = new Uint8Array(16);
  writeAddr(b, 0, a);
  return b;
};
const joined = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((p) => [...p]));

/** An error about something that nobody sent, as a rule. */
export function icmpError(r: Rng, w: World, src: Ip6, dst: Ip6): Uint8Array {
  const [type, code, rest] = r.pick([
    [1, 0, 0],
    [1, 1, 0],
    [1, 3, 0],
    [1, 4, 0],
    [2, 0, 1300],
    [3, 0, 0],
    [3, 1, 0],
    [4, 0, 6],
    [4, 1, 6],
    [4, 2, 42],
    [5, 0, 0],
  ] as const);
  const from = r.chance(70) ? dst : ip6(r.pick(w.own));
  const to = r.chance(60) ? src : ip6(r.pick([...w.addrs, ...REMOTE]));
  const inner = r.weighed<() => { proto: number; payload: Uint8Array }>([
    [5, () => ({ proto: 17, payload: buildUdp({ sport: r.chance(50) ? r.pick(PORTS) : sport(r), dport: r.pick(PORTS), payload: bytes(r, 8) }, from, to) })],
    [4, () => ({ proto: 6, payload: buildTcp({ sport: r.chance(50) ? r.pick(PORTS) : sport(r), dport: r.pick(PORTS), flags: TCP_FLAG.SYN }, from, to) })],
    [3, () => ({ proto: 58, payload: buildIcmp6({ type: 128, rest: echoRest(7, 1), payload: bytes(r, 4) }, from, to) })],
    [1, () => ({ proto: 58, payload: buildIcmp6({ type: 1, code: 4, payload: bytes(r, 4) }, from, to) })],
  ])();
  const quote = buildIp6({ src: from, dst: to, ...chain(r.chance(20) ? someHeaders(r) : [], inner.proto, inner.payload) });
  return buildIcmp6({ type, code, rest, payload: r.chance(10) ? quote.slice(0, r.pick([20, 40, 44])) : quote }, src, dst);
}

/** Requests that nobody answers, unknown types: informational ones and errors. Listener queries are left out, since their answers come at random times. */
export function otherIcmp(r: Rng, src: Ip6, dst: Ip6): Uint8Array {
  const type = r.pick([133, 134, 137, 139, 140, 131, 143, 144, 155, 200, 100, 0, 127]);
  return buildIcmp6({ type, code: 0, rest: 0, payload: bytes(r, r.pick([0, 8, 16, 32])) }, src, dst);
}

/** Solicited-node group of an address (RFC 4291, 2.7.1). */
function solicitedNode(a: string): string {
  const b = addressBytes(ip6(a));
  const hex = (x: number): string => x.toString(16).padStart(2, '0');
  return `ff02::1:ff${hex(b[13])}:${hex(b[14])}${hex(b[15])}`;
}

/** Who has an address of ours, or of somebody else? Sometimes an answer nobody asked for. `to`: where it goes. */
export function neighbour(r: Rng, from: string, target: string, link: CorpusLink): { ip: Uint8Array; to: string } {
  const answer = r.chance(20);
  const to = answer || r.chance(20) ? target : solicitedNode(target);
  const [src, dst] = [ip6(from), ip6(to)];
  const option = r.chance(80) ? Uint8Array.from([answer ? 2 : 1, 1, ...link.far_mac.split(':').map((x) => Number.parseInt(x, 16))]) : new Uint8Array(0);
  const flags = answer ? r.pick([0x60000000, 0x20000000, 0x40000000, 0]) : 0;
  const payload = buildIcmp6({ type: answer ? 136 : 135, rest: flags, payload: joined(addressBytes(answer ? src : ip6(target)), option) }, src, dst);
  return { ip: buildIp6({ src, dst, proto: 58, payload, ttl: r.chance(92) ? 255 : 64 }), to };
}
