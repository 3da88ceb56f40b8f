/** Sets one packet of a log going on the model: a frame at the device it came in by, or a packet of the node's own. */
import { type Addr, isMulticast4, isMulticast6, type Mac } from '../../base/addr.js';
import type { LoggedPacket } from '../../formats/trace-log-types.js';
import { buildIp4 } from '../../packet/build.js';
import { writeMac } from '../../packet/mac-bytes.js';
import { ETH_P_IP, ETH_P_IPV6, Skb } from '../../packet/skb.js';
import type { NetDevice } from '../../packet/types.js';
import { flight } from '../../stack/flight.js';
import type { Network } from '../../stack/network.js';
import type { NodeRun } from '../../stack/node-run.js';
import { frameToSkb } from '../../stack/receive.js';
import type { XfrmState } from '../../xfrm/model.js';
import { type Filled, packetBytes } from './packet.js';
import { ownerSocket } from './sockets.js';
import type { LoggedWalk } from './walks.js';

/** What is assumed of one packet beyond its first line. */
export interface Setting {
  /** skb->mark before the first hook. */
  readonly mark?: number;
  /** It came out of this IPsec tunnel. */
  readonly tunnel?: XfrmState;
  /** The frame was for this node, whatever MAC address the dump gives the device. */
  readonly forUs?: boolean;
  /** Protocol and port, where the log does not say. */
  readonly guess?: { readonly proto: number; readonly dport: number };
}

/** null: on its way. A text: what the model lacks for it. */
export function sendWalk(net: Network, node: NodeRun, w: LoggedWalk, s: Setting, filled: Filled): string | null {
  const first = w.lines[0].packet;
  // Lines from FORWARD on show the TTL after its decrement.
  const decremented = first.in !== '' && first.out !== '' && first.physout === '' && first.ttl !== null && first.ttl < 255;
  const p = { ...first, ...(s.guess ? { ...s.guess, sport: UNKNOWN_PORT } : {}), ...(decremented ? { ttl: (first.ttl ?? 0) + 1 } : {}) };
  const looped = p.in !== '' && node.device(p.in)?.loopback === true;
  const problem = p.in === '' || looped ? sendLocal(node, looped ? { ...p, in: '', out: p.in } : p, s, filled) : arrive(net, node, w, p, s, filled);
  net.world.run();
  return problem;
}

/** Stands for a source port that no line tells. */
const UNKNOWN_PORT = 40000;

function sendLocal(node: NodeRun, p: LoggedPacket, s: Setting, filled: Filled): string | null {
  const v6 = p.family === 'ipv6';
  let errno = 0;
  node.attempt(null, () => {
    const skb = node.newSkb(packetBytes(p, filled), v6 ? ETH_P_IPV6 : ETH_P_IP, { kind: 'sent', of: null });
    skb.mark = s.mark ?? 0;
    if (p.uid !== null) skb.sk = ownerSocket(p.uid, p.gid ?? 0, p.family, skb.mark);
    const r = node.routeOutput(p.family, {
      dst: p.dst,
      src: p.src,
      mark: skb.mark,
      tos: skb.tos & (v6 ? 0xfc : 0x1c),
      proto: p.proto ?? 0,
      sport: p.sport ?? 0,
      dport: p.dport ?? 0,
      uid: p.uid ?? 0,
      anySource: true,
      ...(needsDevice(p.dst) ? { oif: node.device(p.out) ?? null, bound: true } : {}),
    });
    errno = r.dst === null ? r.errno : 0;
    if (r.dst === null) return;
    skb.dst = r.dst;
    skb.ignoreDf = true;
    node.traverse(v6 ? 'ip6_local_out' : 'ip_local_out', flight(skb));
  });
  return errno === 0 ? null : `the model finds no route for it (errno ${errno})`;
}

/** Multicast and link-local addresses: no route says which link is meant, the sender does. */
const needsDevice = (dst: Addr): boolean => (typeof dst === 'number' ? isMulticast4(dst) : isMulticast6(dst) || (dst.charCodeAt(0) & 0xffc0) === 0xfe80);

const STRANGER: Mac = 0x02fe00000001;

function arrive(net: Network, node: NodeRun, w: LoggedWalk, p: LoggedPacket, s: Setting, filled: Filled): string | null {
  const dev = entrance(node, p);
  if (!dev) return `the dump has no device ${p.physin || p.in}`;
  const inner = packetBytes(p, filled);
  const ip = s.tunnel ? inTunnel(inner, s.tunnel) : inner;
  const type = ip[0] >>> 4 === 6 ? ETH_P_IPV6 : ETH_P_IP;
  const id = net.world.nextId();
  let skb: Skb;
  if (dev.linkType === 'ether' || dev.linkType === 'loopback') {
    const frame = new Uint8Array(14 + ip.length);
    writeMac(frame, 0, s.forUs || !p.mac ? destinationMac(node, w, p, dev) : p.mac.dst);
    writeMac(frame, 6, p.mac?.src ?? STRANGER);
    frame.set([type >>> 8, type & 255], 12);
    frame.set(ip, 14);
    skb = frameToSkb(id, frame);
  } else skb = new Skb(id, { kind: 'injected', of: null }, ip, type);
  skb.mark = s.mark ?? 0;
  node.arrive(skb, dev);
  return null;
}

/** Where a frame comes in: the bridge port that the log, the forwarding database or, for want of both, the first port says; else the device itself. */
function entrance(node: NodeRun, p: LoggedPacket): NetDevice | undefined {
  if (p.physin !== '') return node.device(p.physin);
  const dev = node.device(p.in);
  if (dev?.kind !== 'bridge') return dev;
  const ports = node.devices.filter((d) => d.master === p.in && d.up);
  const known = node.given.fdb.find((f) => p.mac !== null && f.mac === p.mac.src && ports.some((d) => d.name === f.dev));
  return ports.find((d) => d.name === known?.dev) ?? ports[0] ?? dev;
}

/** Of a frame that is bridged, the far end's; else the address of the device that IP sees. */
function destinationMac(node: NodeRun, w: LoggedWalk, p: LoggedPacket, dev: NetDevice): Mac {
  const bridged = w.lines.some((l) => l.packet.physout !== '' && l.packet.out === p.in);
  const far = bridged ? node.neighbour(node.device(p.in) ?? dev, w.lines.at(-1)?.packet.dst ?? p.dst) : null;
  return far ?? node.device(p.in)?.mac ?? dev.mac;
}

const IV = 8;
const ICV = 16;

/** ESP in tunnel mode as the model's own stage writes it: nothing is encrypted. */
function inTunnel(inner: Uint8Array, s: XfrmState): Uint8Array {
  const pad = (4 - ((inner.length + 2) & 3)) & 3;
  const b = new Uint8Array(8 + IV + inner.length + pad + 2 + ICV);
  b.set([s.spi >>> 24, s.spi >>> 16, s.spi >>> 8, s.spi, 0, 0, 0, 1]);
  b.set(inner, 8 + IV);
  b.set([pad, 4], 8 + IV + inner.length + pad);
  return buildIp4({ src: s.src as number, dst: s.dst as number, proto: 50, payload: b });
}
