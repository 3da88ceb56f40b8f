/** Random packets for a random node: injected frames, local sends, and what the other ends make of what the node emits. */
import { type Addr, isMulticast4, parseIp4 } from '../../base/addr.js';
import type { CorpusSocket, InjectStep, LocalStep } from '../../harness/conformance/corpus.js';
import { bytesHex } from '../../harness/conformance/hex.js';
import { buildIcmp, buildIp4, buildSctp, buildTcp, buildUdp, echoRest, TCP_FLAG } from '../../packet/build.js';
import type { SpecStep } from '../case-spec.js';
import { ethernet } from '../follow.js';
import { HOSTS, PORTS, REMOTE, type World } from './node.js';
import type { Rng } from './rng.js';

const F = TCP_FLAG;

/** The steps of a family. `resolve`: ARP or neighbour discovery; how often that and fragments. */
export interface OwnSteps {
  inject(r: Rng, w: World, n: number): InjectStep;
  local(r: Rng, w: World, n: number): LocalStep;
  fragments(r: Rng, w: World, n: number): readonly InjectStep[];
  served(r: Rng, w: World, n: number, s: CorpusSocket): InjectStep;
  resolve(r: Rng, w: World, n: number): InjectStep;
  readonly often: { readonly fragments: number; readonly resolve: number };
}

export function stepsOf(own: OwnSteps, r: Rng, w: World, sockets: readonly CorpusSocket[]): SpecStep[] {
  const out: SpecStep[] = [];
  const count = r.between(3, 6);
  while (out.length < count) {
    const n = out.length;
    const before = n > 0 ? r.below(n) : -1;
    const kind = r.weighed<'inject' | 'local' | 'reply' | 'error' | 'data' | 'fin' | 'rst' | 'again' | 'fragments' | 'served' | 'answer' | 'resolve'>([
      [45, 'inject'],
      [22, 'local'],
      [n > 0 ? 24 : 0, 'reply'],
      [n > 0 ? 7 : 0, 'error'],
      [n > 0 ? 5 : 0, 'again'],
      [n > 0 ? 5 : 0, 'data'],
      [n > 0 ? 3 : 0, 'fin'],
      [n > 0 ? 2 : 0, 'rst'],
      [own.often.fragments, 'fragments'],
      [sockets.length > 0 ? 8 : 0, 'served'],
      [n > 0 && sockets.length > 0 ? 6 : 0, 'answer'],
      [own.often.resolve, 'resolve'],
    ]);
    if (kind === 'inject') out.push(own.inject(r, w, n));
    else if (kind === 'local') out.push(own.local(r, w, n));
    else if (kind === 'fragments') out.push(...own.fragments(r, w, n));
    else if (kind === 'served') out.push(own.served(r, w, n, r.pick(sockets)));
    else if (kind === 'answer') out.push({ kind: 'sock_send', n, socket: r.pick(sockets).id, payload: bytesHex(bytes(r, r.between(1, 9))) });
    else if (kind === 'resolve') out.push(own.resolve(r, w, n));
    else if (kind === 'again') {
      const s = out[before];
      if (s.kind === 'inject') out.push({ ...s, n });
    } else out.push({ kind: 'follow', n, of: r.chance(60) ? n - 1 : before, how: kind });
  }
  return out;
}

export const STEPS4: OwnSteps = { inject, local, fragments, served, resolve: arp, often: { fragments: 5, resolve: 4 } };
export const makeSteps = (r: Rng, w: World, sockets: readonly CorpusSocket[]): SpecStep[] => stepsOf(STEPS4, r, w, sockets);

function source(r: Rng, w: World, at: number): string {
  return r.weighed<() => string>([
    [70, () => `${w.nets[at]}.${r.pick(HOSTS)}`],
    [14, () => r.pick(REMOTE)],
    [8, () => `${r.pick(w.nets)}.${r.pick(HOSTS)}`],
    [2, () => r.pick(w.own)],
    [2, () => `${w.nets[at]}.255`],
    [1, () => '127.0.0.1'],
    [1, () => '0.0.0.0'],
    [1, () => '224.0.0.5'],
    [1, () => '255.255.255.255'],
  ])();
}

function destination(r: Rng, w: World): string {
  return r.weighed<() => string>([
    [30, () => r.pick(w.own)],
    [34, () => `${r.pick(w.nets)}.${r.pick(HOSTS)}`],
    [26, () => r.pick(REMOTE)],
    [3, () => `${r.pick(w.nets)}.255`],
    [2, () => '255.255.255.255'],
    [2, () => r.pick(['224.0.0.1', '224.0.0.251', '239.1.1.1'])],
    [2, () => '127.0.0.1'],
    [1, () => `${r.pick(w.nets)}.0`],
    [1, () => r.pick(['240.0.0.1', '0.0.0.0', '0.1.2.3'])],
  ])();
}

const ip4 = (t: string): number => parseIp4(t) ?? 0;
export const bytes = (r: Rng, n: number): Uint8Array => Uint8Array.from({ length: n }, (_, i) => 0x61 + ((i + r.below(3)) % 26));
export const sport = (r: Rng): number => (r.chance(85) ? r.between(20000, 29999) : r.pick(PORTS));
export const size = (r: Rng): number =>
  r.weighed<() => number>([
    [80, () => r.between(0, 40)],
    [10, () => r.between(41, 400)],
    [8, () => r.between(1200, 1440)],
  ])();

interface Transport {
  readonly proto: number;
  readonly payload: Uint8Array;
}

function transport(r: Rng, src: number, dst: number): Transport {
  return r.weighed<() => Transport>([
    [34, () => ({ proto: 17, payload: buildUdp({ sport: sport(r), dport: r.pick(PORTS), payload: bytes(r, size(r)) }, src, dst) })],
    [36, () => ({ proto: 6, payload: tcp(r, src, dst) })],
    [24, () => ({ proto: 1, payload: icmp(r) })],
    [2, () => ({ proto: 132, payload: buildSctp({ sport: sport(r), dport: r.pick(PORTS), vtag: 0, chunks: new Uint8Array(0) }) })],
    [1, () => ({ proto: 47, payload: Uint8Array.from([0, 0, 8, 0, 1, 2, 3, 4]) })],
    [1, () => ({ proto: 50, payload: Uint8Array.from([0, 0, 1, 1, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8]) })],
    [1, () => ({ proto: 253, payload: bytes(r, 12) })],
  ])();
}

export function tcp(r: Rng, src: Addr, dst: Addr): Uint8Array {
  const flags = r.weighed([
    [70, F.SYN],
    [10, F.ACK],
    [4, F.ACK | F.PSH],
    [4, F.SYN | F.ACK],
    [4, F.RST],
    [3, F.FIN | F.ACK],
    [1, F.FIN],
    [1, 0],
    [1, F.SYN | F.FIN],
    [1, F.FIN | F.PSH | F.URG],
    [1, F.RST | F.ACK],
  ]);
  const options = flags === F.SYN && r.chance(40) ? Uint8Array.from([2, 4, 5, r.pick([0xb4, 0x64])]) : undefined;
  const payload = flags & F.PSH ? bytes(r, r.between(1, 20)) : undefined;
  return buildTcp(
    {
      sport: sport(r),
      dport: r.pick(PORTS),
      seq: 1000000 + r.below(1e6),
      ack: flags & F.ACK ? 5000 + r.below(1e6) : 0,
      flags,
      window: 29200,
      ...(options ? { options } : {}),
      ...(payload ? { payload } : {}),
    },
    src,
    dst,
  );
}

function icmp(r: Rng): Uint8Array {
  const [type, code] = r.weighed<readonly [number, number]>([
    [80, [8, 0]],
    [6, [0, 0]],
    [5, [13, 0]],
    [2, [17, 0]],
    [2, [10, 0]],
    [2, [9, 0]],
    [2, [40, 0]],
  ]);
  return buildIcmp({ type, code, rest: echoRest(r.between(1, 0xfff0), r.between(1, 5)), payload: bytes(r, type === 13 ? 12 : type === 17 ? 4 : size(r)) });
}

/** A client of one of the node's servers. */
function served(r: Rng, w: World, n: number, server: CorpusSocket): InjectStep {
  const at = r.below(w.links.length);
  const link = w.links[at];
  const src = ip4(source(r, w, at));
  const dst = ip4(server.addr === '0.0.0.0' ? r.pick(w.own) : server.addr);
  const ports = { sport: sport(r), dport: server.port };
  const payload =
    server.proto === 'udp'
      ? buildUdp({ ...ports, payload: bytes(r, r.between(1, 40)) }, src, dst)
      : buildTcp({ ...ports, seq: 1000000 + r.below(1e6), ack: 0, flags: F.SYN, window: 29200 }, src, dst);
  const ip = buildIp4({ src, dst, proto: server.proto === 'udp' ? 17 : 6, payload, id: 0x1000 + n * 16 + r.below(16), df: r.chance(50) });
  return { kind: 'inject', n, dev: link.name, frame: ethernet(link.mac, link.far_mac, ip) };
}

/** Who has an address of ours, or of somebody else? Sometimes an answer nobody asked for. */
function arp(r: Rng, w: World, n: number): InjectStep {
  const at = r.below(w.links.length);
  const { name, mac, far_mac } = w.links[at];
  const reply = r.chance(15);
  const quad = (a: string): string =>
    a
      .split('.')
      .map((x) => Number(x).toString(16).padStart(2, '0'))
      .join('');
  const [from, whom] = [mac, far_mac].map((m) => m.replaceAll(':', ''));
  const asked = r.chance(75) ? r.pick(w.own) : destination(r, w);
  const body = `0001080006040${reply ? '002' : '001'}${whom}${quad(source(r, w, at))}${reply ? from : '000000000000'}${quad(asked)}`;
  return { kind: 'inject', n, dev: name, frame: `${reply || r.chance(15) ? from : 'ffffffffffff'}${whom}0806${body}` };
}

function inject(r: Rng, w: World, n: number): InjectStep {
  const at = r.below(w.links.length);
  const link = w.links[at];
  const src = ip4(source(r, w, at));
  const dst = ip4(destination(r, w));
  const ip = datagram(r, src, dst, n);
  return { kind: 'inject', n, dev: link.name, frame: ethernet(etherDestination(r, link.mac, dst), link.far_mac, ip) };
}

export function datagram(r: Rng, src: number, dst: number, n: number): Uint8Array {
  const t = transport(r, src, dst);
  const room = t.payload.length > 1300;
  const ip = buildIp4({
    src,
    dst,
    ...t,
    ttl: r.weighed([
      [88, 64],
      [4, 1],
      [4, 2],
      [2, 255],
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
    id: 0x1000 + n * 16 + r.below(16),
    df: r.chance(room ? 50 : 25),
    ...(r.chance(2) ? { options: r.pick([Uint8Array.from([1, 1, 1, 1]), Uint8Array.from([148, 4, 0, 0])]) } : {}),
  });
  if (r.chance(1)) ip[ip.length - 1] ^= 0x55;
  return ip;
}

function etherDestination(r: Rng, mac: string, dst: number): string {
  if (dst === 0xffffffff || (dst & 255) === 255) return r.chance(80) ? 'ff:ff:ff:ff:ff:ff' : mac;
  if (isMulticast4(dst))
    return r.chance(85) ? `01:00:5e:${[(dst >>> 16) & 127, (dst >>> 8) & 255, dst & 255].map((x) => x.toString(16).padStart(2, '0')).join(':')}` : mac;
  return r.weighed([
    [96, mac],
    [2, 'ff:ff:ff:ff:ff:ff'],
    [2, '02:00:00:00:99:99'],
  ]);
}

function fragments(r: Rng, w: World, n: number): InjectStep[] {
  const at = r.below(w.links.length);
  const link = w.links[at];
  const src = ip4(`${w.nets[at]}.${r.pick(HOSTS)}`);
  const dst = ip4(r.chance(40) ? r.pick(w.own) : destination(r, w));
  const whole = r.chance(60)
    ? { proto: 17, payload: buildUdp({ sport: sport(r), dport: r.pick(PORTS), payload: bytes(r, 120) }, src, dst) }
    : { proto: 1, payload: buildIcmp({ type: 8, code: 0, rest: echoRest(r.between(1, 60000), 1), payload: bytes(r, 120) }) };
  const id = 0x7000 + r.below(4096);
  const cut = 64;
  const part = (from: number, to: number, k: number): InjectStep => ({
    kind: 'inject',
    n: n + k,
    dev: link.name,
    frame: ethernet(
      link.mac,
      link.far_mac,
      buildIp4({ src, dst, proto: whole.proto, id, mf: to < whole.payload.length, fragOffset: from, payload: whole.payload.slice(from, to) }),
    ),
  });
  const both = [part(0, cut, 0), part(cut, whole.payload.length, 1)];
  return r.chance(80) ? both : [both[0]];
}

function local(r: Rng, w: World, n: number): LocalStep {
  const dst = destination(r, w);
  const proto = r.weighed<'udp' | 'tcp' | 'icmp'>([
    [45, 'udp'],
    [30, 'tcp'],
    [25, 'icmp'],
  ]);
  const src = r.chance(15) ? { src: r.pick(w.own) } : {};
  const base = { kind: 'local' as const, n, dst, ...src };
  if (proto === 'icmp')
    return { ...base, proto, type: 8, code: 0, echo_id: r.between(1, 60000), echo_seq: 1, payload: bytesHex(bytes(r, r.between(0, 24))), ...special(r, w) };
  const ports = { dport: r.pick(PORTS), sport: 10000 + n * 100 + r.below(100) };
  const uid = r.chance(20) ? { uid: 1000 } : {};
  if (proto === 'tcp') return { ...base, proto, ...ports, ...uid };
  const more = r.chance(25) ? special(r, w) : uid;
  return {
    ...base,
    proto,
    ...ports,
    payload: bytesHex(bytes(r, r.between(1, 24))),
    ...more,
    ...(r.chance(10) || dst.endsWith('.255') ? { broadcast: true } : {}),
  };
}

function special(r: Rng, w: World): Partial<LocalStep> {
  return r.weighed<() => Partial<LocalStep>>([
    [40, () => ({ mark: r.pick([1, 2, 0x4000]) })],
    [25, () => ({ device: r.pick(w.links).name })],
    [15, () => ({ tos: r.pick([0x10, 0x08]) })],
    [40, () => ({})],
  ])();
}
