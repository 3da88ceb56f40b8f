/** Random packets for a random node of IPv6: injected frames, local sends, and what the other ends make of what the node emits. */
import { type Ip6, parseIp6 } from '../../../base/addr.js';
import type { CorpusSocket, InjectStep, LocalStep } from '../../../harness/conformance/corpus.js';
import { bytesHex } from '../../../harness/conformance/hex.js';
import { buildIcmp6, buildIp6, buildSctp, buildTcp, buildUdp, echoRest, TCP_FLAG } from '../../../packet/build.js';
import type { SpecStep } from '../../case-spec.js';
import { ethernet } from '../../follow.js';
import { PORTS, type World } from '../node.js';
import { bytes, type OwnSteps, size, sport, stepsOf, tcp } from '../packets.js';
import type { Rng } from '../rng.js';
import { chain, fragmentHeader, someHeaders } from './headers.js';
import { addressBytes, icmpError, neighbour, otherIcmp } from './icmp.js';
import { eui64, HOSTS, LINK_LOCAL, REMOTE } from './node.js';

const ip6 = (t: string): Ip6 => parseIp6(t) as Ip6;

export const STEPS6: OwnSteps = { inject, local, fragments, served, resolve: neighbourStep, often: { fragments: 7, resolve: 6 } };
export const makeSteps = (r: Rng, w: World, sockets: readonly CorpusSocket[]): SpecStep[] => stepsOf(STEPS6, r, w, sockets);

function source(r: Rng, w: World, at: number): string {
  return r.weighed<() => string>([
    [64, () => `${w.nets[at]}::${r.pick(HOSTS)}`],
    [14, () => r.pick(REMOTE)],
    [7, () => `${r.pick(w.nets)}::${r.pick(HOSTS)}`],
    [6, () => r.pick(LINK_LOCAL)],
    [4, () => eui64(w.nets[at], w.links[at].far_mac)],
    [2, () => r.pick(w.own)],
    [1, () => '::1'],
    [1, () => '::'],
    [1, () => r.pick(['ff02::5', '::ffff:10.0.0.1', `${w.nets[at]}::`])],
  ])();
}

const MULTICAST = ['ff02::1', 'ff02::2', 'ff02::fb', 'ff05::2', 'ff0e::1:2', 'ff01::1', 'ff02::1:ff00:1', 'ff02::1:ff00:4d', 'ff00::1'] as const;

function destination(r: Rng, w: World): string {
  return r.weighed<() => string>([
    [30, () => r.pick(w.own)],
    [33, () => `${r.pick(w.nets)}::${r.pick(HOSTS)}`],
    [25, () => r.pick(REMOTE)],
    [3, () => r.pick(MULTICAST)],
    [3, () => r.pick(['fe80::1', 'fe80::a', ...LINK_LOCAL])],
    [2, () => `${r.pick(w.nets)}::`],
    [1, () => '::1'],
    [1, () => r.pick(['::', '::ffff:10.0.0.1', '::2', '4000::1', 'fe80::'])],
  ])();
}

/** The far end's address of Ethernet for a group, a neighbour's way to a node. */
function etherDestination(r: Rng, mac: string, dst: string): string {
  if (dst.startsWith('ff')) {
    const groups = [...addressBytes(ip6(dst)).subarray(12)].map((x) => x.toString(16).padStart(2, '0'));
    return r.chance(85) ? `33:33:${groups.join(':')}` : mac;
  }
  return r.weighed([
    [95, mac],
    [1, 'ff:ff:ff:ff:ff:ff'],
    [2, '33:33:00:00:00:01'],
    [2, '02:00:00:00:99:99'],
  ]);
}

interface Transport {
  readonly proto: number;
  readonly payload: Uint8Array;
}

function transport(r: Rng, w: World, src: Ip6, dst: Ip6): Transport {
  return r.weighed<() => Transport>([
    [32, () => ({ proto: 17, payload: buildUdp({ sport: sport(r), dport: r.pick(PORTS), payload: bytes(r, size(r)) }, src, dst) })],
    [34, () => ({ proto: 6, payload: tcp(r, src, dst) })],
    [18, () => ({ proto: 58, payload: echo(r, src, dst) })],
    [6, () => ({ proto: 58, payload: icmpError(r, w, src, dst) })],
    [3, () => ({ proto: 58, payload: otherIcmp(r, src, dst) })],
    [2, () => ({ proto: 132, payload: buildSctp({ sport: sport(r), dport: r.pick(PORTS), vtag: 0, chunks: r.chance(50) ? INIT : new Uint8Array(0) }) })],
    [1, () => ({ proto: 33, payload: Uint8Array.from([0x4e, 0x20 + r.below(9), 0, r.pick([80, 53]), 4, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]) })],
    [1, () => ({ proto: 47, payload: Uint8Array.from([0, 0, 0x86, 0xdd, 1, 2, 3, 4]) })],
    [1, () => ({ proto: 50, payload: Uint8Array.from([0, 0, 1, 1, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8]) })],
    [1, () => ({ proto: 135, payload: Uint8Array.from([59, 0, r.pick([0, 5, 6]), 0, 0, 0, 0, 0]) })],
    [1, () => ({ proto: 59, payload: bytes(r, r.pick([0, 4])) })],
    [1, () => ({ proto: 253, payload: bytes(r, 12) })],
  ])();
}

const INIT = Uint8Array.from([1, 0, 0, 20, 0, 0, 0, 9, 0, 0, 0xff, 0xff, 0, 1, 0, 1, 0, 0, 0, 5]);

function echo(r: Rng, src: Ip6, dst: Ip6): Uint8Array {
  return buildIcmp6({ type: r.chance(90) ? 128 : 129, code: 0, rest: echoRest(r.between(1, 0xfff0), r.between(1, 5)), payload: bytes(r, size(r)) }, src, dst);
}

function inject(r: Rng, w: World, n: number): InjectStep {
  const at = r.below(w.links.length);
  const link = w.links[at];
  const from = source(r, w, at);
  const to = destination(r, w);
  const ip = datagram(r, w, ip6(from), ip6(to));
  return { kind: 'inject', n, dev: link.name, frame: ethernet(etherDestination(r, link.mac, to), link.far_mac, spoilt(r, ip)) };
}

export function datagram(r: Rng, w: World, src: Ip6, dst: Ip6): Uint8Array {
  const t = transport(r, w, src, dst);
  return buildIp6({
    src,
    dst,
    ...chain(someHeaders(r), t.proto, t.payload),
    ttl: r.weighed([
      [86, 64],
      [4, 1],
      [4, 2],
      [5, 255],
      [1, 0],
    ]),
    tos: r.weighed([
      [80, 0],
      [8, 0x10],
      [4, 0x08],
      [3, 0x02],
      [3, 0xb8],
      [1, 0x03],
    ]),
    flowLabel: r.chance(10) ? 0x12345 : 0,
  });
}

/** Now and then a packet is not what it says. */
function spoilt(r: Rng, ip: Uint8Array): Uint8Array {
  const length = ip.length - 40;
  const say = (n: number): void => {
    ip[4] = n >>> 8;
    ip[5] = n & 255;
  };
  if (r.chance(97)) return ip;
  r.weighed<() => void>([
    [3, () => (ip[ip.length - 1] ^= 0x55)],
    [1, () => say(length + 4)],
    [1, () => say(Math.max(0, length - 4))],
    [1, () => say(0)],
    [1, () => (ip[0] = 0x40)],
  ])();
  return ip;
}

/** A client of one of the node's servers. */
function served(r: Rng, w: World, n: number, server: CorpusSocket): InjectStep {
  const at = r.below(w.links.length);
  const link = w.links[at];
  const src = ip6(source(r, w, at));
  const dst = ip6(server.addr === '::' ? r.pick(w.own) : server.addr);
  const ports = { sport: sport(r), dport: server.port };
  const payload =
    server.proto === 'udp'
      ? buildUdp({ ...ports, payload: bytes(r, r.between(1, 40)) }, src, dst)
      : buildTcp({ ...ports, seq: 1000000 + r.below(1e6), ack: 0, flags: TCP_FLAG.SYN, window: 29200 }, src, dst);
  return {
    kind: 'inject',
    n,
    dev: link.name,
    frame: ethernet(link.mac, link.far_mac, buildIp6({ src, dst, proto: server.proto === 'udp' ? 17 : 6, payload })),
  };
}

function neighbourStep(r: Rng, w: World, n: number): InjectStep {
  const at = r.below(w.links.length);
  const link = w.links[at];
  const target = r.chance(75) ? r.pick(w.own) : r.pick(['fe80::1', 'fe80::a', destination(r, w)]);
  const { ip, to } = neighbour(r, source(r, w, at), target, link);
  return { kind: 'inject', n, dev: link.name, frame: ethernet(etherDestination(r, link.mac, to), link.far_mac, ip) };
}

function fragments(r: Rng, w: World, n: number): InjectStep[] {
  const at = r.below(w.links.length);
  const link = w.links[at];
  const to = r.chance(40) ? r.pick(w.own) : destination(r, w);
  const [src, dst] = [ip6(`${w.nets[at]}::${r.pick(HOSTS)}`), ip6(to)];
  const length = r.pick([120, 120, 1400]);
  const whole = r.chance(60)
    ? { proto: 17, payload: buildUdp({ sport: sport(r), dport: r.pick(PORTS), payload: bytes(r, length) }, src, dst) }
    : { proto: 58, payload: buildIcmp6({ type: 128, code: 0, rest: echoRest(r.between(1, 60000), 1), payload: bytes(r, length) }, src, dst) };
  const inside = chain(r.chance(10) ? someHeaders(r).filter((h) => h.proto === 60) : [], whole.proto, whole.payload);
  const id = 0x7000 + r.below(4096);
  const cut = r.pick([64, 64, 56, 8]);
  const part = (from: number, end: number, k: number): InjectStep => {
    const f = chain([fragmentHeader(from, end < inside.payload.length, id)], inside.proto, inside.payload.slice(from, end));
    return { kind: 'inject', n: n + k, dev: link.name, frame: ethernet(etherDestination(r, link.mac, to), link.far_mac, buildIp6({ src, dst, ...f })) };
  };
  const both = [part(0, cut, 0), part(cut, inside.payload.length, 1)];
  return r.chance(80) ? both : [both[0]];
}

function local(r: Rng, w: World, n: number): LocalStep {
  const to = destination(r, w);
  // A socket of both families sends that as IPv4.
  const dst = to.startsWith('::ffff:') ? r.pick(w.own) : to;
  const proto = r.weighed<'udp' | 'tcp' | 'icmp'>([
    [45, 'udp'],
    [30, 'tcp'],
    [25, 'icmp'],
  ]);
  const src = r.chance(15) ? { src: r.pick(w.own) } : {};
  const base = { kind: 'local' as const, n, dst, ...src };
  if (proto === 'icmp')
    return {
      ...base,
      proto,
      type: 128,
      code: 0,
      echo_id: r.between(1, 60000),
      echo_seq: 1,
      payload: bytesHex(bytes(r, r.between(0, 24))),
      ...special(r, w, dst),
    };
  const ports = { dport: r.pick(PORTS), sport: 10000 + n * 100 + r.below(100) };
  const uid = r.chance(20) ? { uid: 1000 } : {};
  if (proto === 'tcp') return { ...base, proto, ...ports, ...uid };
  const more = r.chance(25) ? special(r, w, dst) : uid;
  return { ...base, proto, ...ports, payload: bytesHex(bytes(r, r.chance(5) ? 1600 : r.between(1, 24))), ...more };
}

function special(r: Rng, w: World, dst: string): Partial<LocalStep> {
  const device = (): Partial<LocalStep> => ({ device: r.pick(w.links).name });
  if (/^f[ef]/.test(dst) && r.chance(80)) return device();
  return r.weighed<() => Partial<LocalStep>>([
    [40, () => ({ mark: r.pick([1, 2, 0x4000]) })],
    [25, device],
    [15, () => ({ tos: r.pick([0x10, 0x08]) })],
    [8, () => ({ ttl: r.pick([1, 3, 200]) })],
    [40, () => ({})],
  ])();
}
