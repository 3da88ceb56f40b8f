/** Sends a scenario packet: by a socket of a node, or as a frame that arrives at one of its devices. Runs until nothing moves any more. */
import { type Addr, ANY4, anyAddr, familyOf } from '../base/addr.js';
import { ETH_P_IP, ETH_P_IPV6 } from '../packet/skb.js';
import { parsePacketText } from '../packet/text.js';
import { readPcap } from '../packet/pcap.js';
import type { NetDevice } from '../packet/types.js';
import type { PacketSpec, ScenarioPacket } from '../scenario/model.js';
import { flight } from './flight.js';
import type { Network } from './network.js';
import type { NodeRun } from './node-run.js';
import { plainSocket, type ScenarioSockets } from './sockets/scenario.js';
import type { SocketOptions } from './sockets/sock.js';

const ECHO = 8;
const ECHO6 = 128;
const EPHEMERAL = 32768;
const EPHEMERAL_COUNT = 28232;
/** ping(8): the low bytes of its payload after the time stamp count up. */
const pattern = (n: number): Uint8Array => Uint8Array.from({ length: n }, (_, i) => i & 255);

/** Returns the errno of the system call (0 = fine, also for injected frames). */
export function sendPacket(net: Network, node: NodeRun, p: ScenarioPacket, nth: number): number {
  const { spec, source } = p;
  let errno = 0;
  node.attempt(null, () => {
    errno = source.kind === 'device' ? injected(net, node, node.device(source.dev), spec) : local(net, node, p.name, spec, nth);
  });
  net.world.run();
  return errno;
}

function injected(net: Network, node: NodeRun, dev: NetDevice | undefined, spec: PacketSpec): number {
  if (!dev) return 19;
  for (const bytes of frames(spec, dev)) net.inject(node, dev, bytes);
  return 0;
}

function frames(spec: PacketSpec, dev: NetDevice): readonly Uint8Array[] {
  switch (spec.kind) {
    case 'frame':
      return [spec.bytes];
    case 'pcap':
      return readPcap(spec.bytes).value.map((r) => r.data);
    case 'text': {
      const ip = parsePacketText(spec.text, { file: '', line: 1, column: 1 }).value;
      return ip === null ? [] : [toDevice(ip, dev)];
    }
    default:
      return [];
  }
}

/** An IP packet as a frame for this device, from some neighbour. */
export function toDevice(ip: Uint8Array, dev: NetDevice): Uint8Array {
  if (dev.linkType !== 'ether' && dev.linkType !== 'loopback') return ip;
  const frame = new Uint8Array(14 + ip.length);
  let mac = dev.mac;
  for (let i = 5; i >= 0; i--) {
    frame[i] = mac % 256;
    mac = Math.floor(mac / 256);
  }
  frame.set([0x02, 0xfe, 0, 0, 0, 1], 6);
  const type = ip[0] >>> 4 === 6 ? ETH_P_IPV6 : ETH_P_IP;
  frame[12] = type >>> 8;
  frame[13] = type & 255;
  frame.set(ip, 14);
  return frame;
}

function options(node: NodeRun, id: string, spec: { to: Addr; src: Addr | null; dev: string | null; tos: number; mark: number; uid: number }, port: number): SocketOptions {
  const family = familyOf(spec.to);
  return {
    ...plainSocket(id, family, spec.src ?? anyAddr(family), port),
    uid: spec.uid,
    boundDev: spec.dev === null ? null : (node.device(spec.dev) ?? null),
    mark: spec.mark,
    tos: spec.tos,
    broadcast: true,
  };
}

function local(net: Network, node: NodeRun, name: string, spec: PacketSpec, nth: number): number {
  const sockets = node.sockets as ScenarioSockets;
  const port = (given: number | null): number => given ?? EPHEMERAL + node.choose.below(EPHEMERAL_COUNT, 'source port');
  switch (spec.kind) {
    case 'ping': {
      const id = spec.id ?? 1 + node.choose.below(0xfffe, 'ping id');
      sockets.awaitPing(id, `ping ${name}`);
      const type = familyOf(spec.to) === 'ipv4' ? ECHO : ECHO6;
      return sockets.sendRawIcmp(options(node, name, spec, 0), spec.to, { type, code: 0, id, seq: spec.seq + nth - 1, payload: pattern(spec.size) });
    }
    case 'udp': {
      const s = sockets.bindUdp(options(node, name, spec, port(spec.sport)));
      return sockets.udp.send(s, spec.to, spec.dport, spec.payload);
    }
    case 'tcp':
      return conversation(net, node, sockets, name, spec, port(spec.sport));
    case 'text':
    case 'frame': {
      const ip = spec.kind === 'frame' ? spec.bytes : parsePacketText(spec.text, { file: '', line: 1, column: 1 }).value;
      return ip === null ? 22 : rawSend(node, ip);
    }
    case 'pcap':
      return readPcap(spec.bytes).value.reduce((e, r) => rawSend(node, r.data.subarray(14)) || e, 0);
  }
}

/** IP_HDRINCL: the packet as it is, routed by its destination. */
function rawSend(node: NodeRun, ip: Uint8Array): number {
  const v6 = ip[0] >>> 4 === 6;
  const skb = node.newSkb(ip.slice(), v6 ? ETH_P_IPV6 : ETH_P_IP, { kind: 'sent', of: null });
  const src = skb.saddr;
  const r = node.routeOutput(skb.family, { dst: skb.daddr, ...(src === ANY4 ? {} : { src }), tos: skb.tos & 0x1c, proto: skb.l4proto, anySource: true });
  if (r.dst === null) return r.errno;
  skb.dst = r.dst;
  return node.traverse(v6 ? 'ip6_local_out' : 'ip_local_out', flight(skb));
}

/** Handshake, each text as one segment, close; every step waits until the network is quiet. */
function conversation(net: Network, node: NodeRun, sockets: ScenarioSockets, name: string, spec: Extract<PacketSpec, { kind: 'tcp' }>, sport: number): number {
  const s = sockets.tcp.open(options(node, name, spec, sport), 'CLOSE');
  const errno = sockets.tcp.connect(s, spec.to, spec.dport, spec.src !== null);
  if (errno !== 0) return errno;
  net.world.run();
  if (s.state !== 'ESTABLISHED') return sockets.failures.get(s.id) ?? 110;
  for (const text of spec.send) {
    sockets.tcp.send(s, new TextEncoder().encode(text));
    net.world.run();
  }
  if (spec.close) sockets.tcp.shutdown(s);
  return 0;
}
