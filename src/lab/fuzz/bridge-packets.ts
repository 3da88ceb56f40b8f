/** Frames for a node with bridges: what random packets look like on the wire of a port, and hosts of one bridge that talk to each other. */
import { formatAddr, type Ip6, parseIp4, parseIp6, readAddr } from '../../base/addr.js';
import type { InjectStep } from '../../harness/conformance/corpus.js';
import { hexBytes } from '../../harness/conformance/hex.js';
import { buildIcmp, buildIp4, buildUdp } from '../../packet/build.js';
import type { SpecStep } from '../case-spec.js';
import { ethernet } from '../follow.js';
import type { Bridge, BridgeWorld } from './bridge-node.js';
import { HOSTS, macOf, type World } from './node.js';
import { datagram } from './packets.js';
import type { Rng } from './rng.js';
import { HOSTS as HOSTS6, macOf as macOf6 } from './v6/node.js';
import { datagram as datagram6 } from './v6/packets.js';

const GROUP = 1;

/** How a family's hosts are called. */
interface Side {
  readonly w: World;
  readonly hosts: readonly (string | number)[];
  host(net: string, h: string | number): string;
  mac(a: string): string;
  /** A packet of a host to another. */
  packet(r: Rng, src: string, dst: string, n: number): Uint8Array;
}

const side4 = (w: World): Side => ({
  w,
  hosts: HOSTS,
  host: (net, h) => `${net}.${h}`,
  mac: macOf,
  packet: (r, src, dst, n) => datagram(r, parseIp4(src) ?? 0, parseIp4(dst) ?? 0, n),
});
const side6 = (w: World): Side => ({
  w,
  hosts: HOSTS6,
  host: (net, h) => `${net}::${h}`,
  mac: macOf6,
  packet: (r, src, dst) => datagram6(r, w, parseIp6(src) as Ip6, parseIp6(dst) as Ip6),
});

/** Steps made for the world's addressed devices, put on wires. `six`: what they are in IPv6, where the node speaks that as well. */
export function onWires(r: Rng, w: BridgeWorld, steps: readonly SpecStep[], six?: World): SpecStep[] {
  const [v4, v6] = [side4(w), six && side6(six)];
  const out: SpecStep[] = [];
  const homes = new Map<string, string>();
  for (const s of steps) {
    const b = s.kind === 'inject' ? w.bridges.find((x) => x.name === s.dev) : undefined;
    if (s.kind !== 'inject' || b === undefined) {
      out.push(s);
      continue;
    }
    const before = out.filter((x) => x.kind === 'inject');
    if (before.length > 0 && r.chance(7)) {
      const again = r.pick(before) as InjectStep;
      out.push({ ...again, n: s.n, ...(r.chance(30) && b.ports.some((p) => p.name === again.dev) ? { dev: r.pick(b.ports).name } : {}) });
    } else if (r.chance(4)) out.push(igmp(r, w, b, s.n, homes));
    else if (isFragment(s.frame) || !r.chance(45)) out.push(onPort(r, v6 && s.frame.slice(24, 28) === '86dd' ? v6 : v4, b, s, homes));
    else out.push(among(r, v6 && r.chance(50) ? v6 : v4, b, s.n, homes));
  }
  return out;
}

const isFragment = (frame: string): boolean =>
  frame.slice(24, 28) === '0800' ? (Number.parseInt(frame.slice(40, 44), 16) & 0x3fff) !== 0 : frame.slice(24, 28) === '86dd' && frame.slice(40, 42) === '2c';

/** Where a host lives; now and then it has moved. */
function home(r: Rng, b: Bridge, mac: string, homes: Map<string, string>): string {
  const known = homes.get(`${b.name} ${mac}`);
  if (known !== undefined && r.chance(93)) return known;
  const port = r.pick(b.ports).name;
  homes.set(`${b.name} ${mac}`, port);
  return port;
}

/** Source and destination of what is in a frame. */
export function endsOf(frame: string): [string, string] {
  const b = hexBytes(frame);
  const type = frame.slice(24, 28);
  const [src, dst, family] = type === '86dd' ? [22, 38, 'ipv6' as const] : type === '0806' ? [28, 38, 'ipv4' as const] : [26, 30, 'ipv4' as const];
  return [formatAddr(readAddr(b, src, family)), formatAddr(readAddr(b, dst, family))];
}

/** The same packet as a host of the bridge sends it. */
function onPort(r: Rng, f: Side, b: Bridge, s: InjectStep, homes: Map<string, string>): InjectStep {
  const [src, dst] = endsOf(s.frame);
  const from = sender(r, f, b, src);
  const group = Number.parseInt(s.frame.slice(0, 2), 16) & GROUP;
  const to = group ? s.frame.slice(0, 12) : receiver(r, f, b, dst);
  const dev = isFragment(s.frame) ? home(r, b, 'fragments', homes) : home(r, b, from, homes);
  return { ...s, dev, frame: tagged(r, `${to.replaceAll(':', '')}${from.replaceAll(':', '')}${s.frame.slice(24)}`) };
}

/** From one host of the bridge's subnet to another. */
function among(r: Rng, f: Side, b: Bridge, n: number, homes: Map<string, string>): InjectStep {
  const net = f.w.nets[b.at];
  const src = f.host(net, r.pick(f.hosts));
  const dst = f.host(net, r.pick(f.hosts));
  const from = sender(r, f, b, src);
  const to = r.chance(88) ? f.mac(dst) : receiver(r, f, b, dst);
  return { kind: 'inject', n, dev: home(r, b, from, homes), frame: tagged(r, ethernet(to, from, f.packet(r, src, dst, n))) };
}

/** A long datagram between two hosts, in fragments that the port it comes in by takes; another port may take less. */
export function longDatagram(r: Rng, w: BridgeWorld, n: number, mtuOf: (port: string) => number): InjectStep[] {
  const b = r.pick(w.bridges);
  const net = w.nets[b.at];
  const [src, dst] = [`${net}.${r.pick(HOSTS)}`, r.chance(80) ? `${net}.${r.pick(HOSTS)}` : r.pick(w.addrs)];
  const [from, to] = [parseIp4(src) ?? 0, parseIp4(dst) ?? 0];
  const dev = r.pick(b.ports).name;
  const room = Math.min(r.pick([1480, 1400, 1000, 520]), mtuOf(dev) - 20) & ~7;
  const payload = buildUdp({ sport: r.between(20000, 29999), dport: 8080, payload: new Uint8Array(r.between(600, 2400)).fill(0x61) }, from, to);
  const mac = receiver(r, side4(w), b, dst);
  const id = 0x7000 + r.below(4096);
  const df = r.chance(25);
  const frames: string[] = [];
  for (let at = 0; at < payload.length; at += room) {
    const piece = payload.slice(at, at + room);
    frames.push(ethernet(mac, macOf(src), buildIp4({ src: from, dst: to, proto: 17, id, df, mf: at + room < payload.length, fragOffset: at, payload: piece })));
  }
  if (r.chance(15)) frames.reverse();
  return frames.map((frame, i) => ({ kind: 'inject', n: n + i, dev, frame }));
}

/** A report, a departure or a query of group membership. */
function igmp(r: Rng, w: BridgeWorld, b: Bridge, n: number, homes: Map<string, string>): InjectStep {
  const src = `${w.nets[b.at]}.${r.pick(HOSTS)}`;
  const from = macOf(src);
  const group = r.pick(['239.1.1.1', '224.0.0.251', '224.0.0.1']);
  const type = r.pick([0x16, 0x12, 0x17, 0x11]);
  const dst = type === 0x11 ? '224.0.0.1' : type === 0x17 ? '224.0.0.2' : group;
  const g = parseIp4(type === 0x11 && r.chance(50) ? '0.0.0.0' : group) ?? 0;
  const payload = buildIcmp({ type, code: type === 0x11 ? 100 : 0, rest: g, payload: new Uint8Array(0) });
  if (r.chance(10)) payload[2] ^= 1;
  const ip = buildIp4({ src: parseIp4(src) ?? 0, dst: parseIp4(dst) ?? 0, proto: 2, ttl: 1, id: 0x1000 + n * 16, payload });
  const mac = `01:00:5e:${dst
    .split('.')
    .slice(1)
    .map((x, i) => (Number(x) & (i === 0 ? 127 : 255)).toString(16).padStart(2, '0'))
    .join(':')}`;
  return { kind: 'inject', n, dev: home(r, b, from, homes), frame: ethernet(mac, from, ip) };
}

const isNear = (f: Side, b: Bridge, a: string): boolean => a.startsWith(f.host(f.w.nets[b.at], ''));

function sender(r: Rng, f: Side, b: Bridge, src: string): string {
  return r.weighed<() => string>([
    [90, () => f.mac(isNear(f, b, src) ? src : f.host(f.w.nets[b.at], f.hosts[4]))],
    [4, () => b.ports[0].far_mac],
    [1, () => b.mac],
    [1, () => r.pick(b.ports).mac],
    [1, () => '01:00:5e:00:00:05'],
    [1, () => '00:00:00:00:00:00'],
  ])();
}

function receiver(r: Rng, f: Side, b: Bridge, dst: string): string {
  const near = isNear(f, b, dst) && !f.w.own.includes(dst);
  return r.weighed<() => string>([
    [near ? 25 : 85, () => b.mac],
    [near ? 65 : 3, () => f.mac(dst)],
    [4, () => f.mac(f.host(f.w.nets[b.at], r.pick(f.hosts)))],
    [2, () => r.pick(b.ports).mac],
    [2, () => 'ff:ff:ff:ff:ff:ff'],
    [1, () => '02:00:00:00:99:99'],
    [1, () => r.pick(['01:00:5e:00:00:01', '01:00:5e:01:01:01', '01:80:c2:00:00:00', '01:80:c2:00:00:03', '01:80:c2:00:00:0e', '33:33:00:00:00:01'])],
  ])();
}

/** Some frames carry a tag of IEEE 802.1Q. */
const tagged = (r: Rng, frame: string): string => (r.chance(5) ? `${frame.slice(0, 24)}8100${r.pick(['0005', '0000', '6007'])}${frame.slice(24)}` : frame);
