/** Sends a scenario packet: by a socket of a node, or as a frame that arrives at one of its devices. Runs until nothing moves any more. */
import { type Addr, ANY4, anyAddr, familyOf } from '../base/addr.js';
import { readPcap } from '../packet/pcap.js';
import { ETH_P_IP, ETH_P_IPV6 } from '../packet/skb.js';
import { parsePacketText } from '../packet/text.js';
import type { NetDevice } from '../packet/types.js';
import type { PacketSpec, ScenarioPacket } from '../scenario/model.js';
import { flight } from './flight.js';
import type { Network } from './network.js';
import type { NodeRun } from './node-run.js';
import type { Connection } from './outcome.js';
import { spoken } from './sockets/mapped.js';
import type { ScenarioSockets } from './sockets/scenario.js';
import type { SocketOptions, TcpSock } from './sockets/sock.js';

const ECHO = 8;
const ECHO6 = 128;
const EPHEMERAL = 32768;
const EPHEMERAL_COUNT = 28232;
/** ping(8): the low bytes of its payload after the time stamp count up. */
const pattern = (n: number): Uint8Array => Uint8Array.from({ length: n }, (_, i) => i & 255);

export interface Sent {
  /** errno of the system calls that sent it; 0 = fine, also for injected frames. */
  readonly errno: number;
  /** null: no TCP conversation. */
  readonly connection: Connection | null;
}

export function sendPacket(net: Network, node: NodeRun, p: ScenarioPacket, nth: number): Sent {
  const { spec, source } = p;
  let sent: Sent = { errno: 0, connection: null };
  node.attempt(null, () => {
    if (source.kind === 'device') injected(net, node, node.device(source.dev), spec);
    else if (spec.kind === 'tcp') sent = connected(net, node, p.name, spec);
    else sent = { errno: local(node, p.name, spec, nth), connection: null };
  });
  net.world.run();
  return sent;
}

function injected(net: Network, node: NodeRun, dev: NetDevice | undefined, spec: PacketSpec): void {
  if (dev) for (const bytes of injectedFrames(spec, dev)) net.inject(node, dev, bytes);
}

/** What arrives at the device for a packet that is no socket's: whole frames on Ethernet, bare IP packets elsewhere. */
export function injectedFrames(spec: PacketSpec, dev: Pick<NetDevice, 'mac' | 'linkType'>): readonly Uint8Array[] {
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
export function toDevice(ip: Uint8Array, dev: Pick<NetDevice, 'mac' | 'linkType'>): Uint8Array {
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

function options(
  node: NodeRun,
  id: string,
  spec: { to: Addr; src: Addr | null; dev: string | null; tos: number; ttl: number | null; mark: number; uid: number; df?: boolean },
  port: number,
): SocketOptions {
  const family = familyOf(spec.to);
  // A sweep makes one for each packet: written out, it takes a tenth of what plainSocket() spread and overwritten would.
  return {
    id,
    family,
    addr: spec.src ?? anyAddr(family),
    port,
    uid: spec.uid,
    boundDev: spec.dev === null ? null : (node.device(spec.dev) ?? null),
    mark: spec.mark,
    tos: spec.tos,
    ttl: spec.ttl,
    dontFragment: spec.df ?? false,
    broadcast: true,
    transparent: false,
  };
}

const sourcePort = (node: NodeRun, given: number | null): number => given ?? EPHEMERAL + node.choose.below(EPHEMERAL_COUNT, 'source port');

function local(node: NodeRun, name: string, spec: Exclude<PacketSpec, TcpSpec>, nth: number): number {
  const sockets = node.sockets as ScenarioSockets;
  switch (spec.kind) {
    case 'ping': {
      const id = spec.id ?? 1 + node.choose.below(0xfffe, 'ping id');
      sockets.awaitPing(id, `ping ${name}`);
      const type = familyOf(spec.to) === 'ipv4' ? ECHO : ECHO6;
      const o = options(node, name, spec, 0);
      const message = { type, code: 0, id, seq: spec.seq + nth - 1, payload: pattern(spec.size) };
      return sockets.bindErrno(o) || sockets.sendRawIcmp(o, spec.to, message);
    }
    case 'udp': {
      const { o, to } = spoken(options(node, name, spec, sourcePort(node, spec.sport)), spec.to);
      return sockets.bindErrno(o) || sockets.udp.send(sockets.bindUdp(o), to, spec.dport, spec.payload);
    }
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
  skb.csum = 'unchecked';
  const src = skb.saddr;
  const r = node.routeOutput(skb.family, { dst: skb.daddr, ...(src === ANY4 ? {} : { src }), tos: skb.tos & 0x1c, proto: skb.l4proto, anySource: true });
  if (r.dst === null) return r.errno;
  skb.dst = r.dst;
  return node.traverse(v6 ? 'ip6_local_out' : 'ip_local_out', flight(skb));
}

// --- TCP ---

type TcpSpec = Extract<PacketSpec, { kind: 'tcp' }>;
const ECONNRESET = 104;
const ETIMEDOUT = 110;
const ECONNREFUSED = 111;

function connected(net: Network, node: NodeRun, name: string, spec: TcpSpec): Sent {
  const sockets = node.sockets as ScenarioSockets;
  const { o, to } = spoken(options(node, name, spec, sourcePort(node, spec.sport)), spec.to);
  const s = sockets.tcp.open(o, 'CLOSE');
  const errno = sockets.bindErrno(o) || conversation(net, sockets, s, spec, to);
  return { errno, connection: connectionOf(s, errno) };
}

/** Handshake, each text as one segment, close; every step waits until the network is quiet. Returns errno. */
function conversation(net: Network, sockets: ScenarioSockets, s: TcpSock, spec: TcpSpec, to: Addr): number {
  sockets.failures.delete(s.id);
  const errno = sockets.tcp.connect(s, to, spec.dport, spec.src !== null);
  if (errno !== 0) return errno;
  net.world.run();
  if (s.state !== 'ESTABLISHED') return sockets.failures.get(s.id) ?? ETIMEDOUT;
  for (const text of spec.send) {
    if (s.state !== 'ESTABLISHED') break;
    sockets.tcp.send(s, new TextEncoder().encode(text));
    net.world.run();
  }
  if (spec.close) sockets.tcp.shutdown(s);
  net.world.run();
  return sockets.failures.get(s.id) ?? 0;
}

function connectionOf(s: TcpSock, errno: number): Connection {
  if (errno === 0) return s.sndUna === s.sndNxt ? 'established' : 'stalled';
  return errno === ECONNREFUSED ? 'refused' : errno === ECONNRESET ? 'reset' : errno === ETIMEDOUT ? 'timeout' : 'unreachable';
}
