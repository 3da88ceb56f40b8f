/** A node with a bridge br0 of three ports p1..p3 (numbers 1..3), for tests: frames in, what came of them out. */
import { parseMac } from '../../src/base/addr.js';
import { readEbtablesSave } from '../../src/formats/ebtables-save.js';
import { etherLink, LOOPBACK_ADDR } from '../../src/link/defaults.js';
import type { FdbEntry, IfAddr, Link } from '../../src/link/model.js';
import type { NodeState } from '../../src/scenario/model.js';
import { emptyNode } from '../../src/scenario/node.js';
import { NodeRun } from '../../src/stack/node-run.js';
import { frameToSkb } from '../../src/stack/receive.js';
import { scenarioSockets } from '../../src/stack/sockets/scenario.js';
import { seededChooser, World } from '../../src/stack/world.js';
import { type Event, ListRecorder } from '../../src/trace/event.js';

export const mac = (text: string): number => parseMac(text)!;
export const BRIDGE_MAC = mac('02:00:00:00:00:b0');
/** Hosts: a behind p1, b behind p2, c behind p3. */
export const HOST = { a: mac('02:00:00:00:00:0a'), b: mac('02:00:00:00:00:0b'), c: mac('02:00:00:00:00:0c') } as const;

export const link = (name: string, ifindex: number, more: Partial<Link> = {}): Link => ({
  ...etherLink(name, ifindex, mac(`02:00:00:00:01:${ifindex.toString(16).padStart(2, '0')}`)),
  kind: 'veth',
  ...more,
});

const fdbEntry = (m: number, dev: string, state: string): FdbEntry => ({
  mac: m,
  dev,
  master: 'br0',
  dst: null,
  vlan: null,
  state,
  flags: [],
  port: null,
  vni: null,
  via: null,
});
const address = (dev: string, local: number, prefixlen: number): IfAddr => ({ ...LOOPBACK_ADDR, dev, local, prefixlen, scope: 'global', label: dev });

export interface BridgeOptions {
  readonly bridge?: Readonly<Record<string, unknown>>;
  readonly ports?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Static entries; the hosts' by default. */
  readonly known?: readonly (readonly [number, string])[];
  readonly ebtables?: string;
  readonly mtu?: Readonly<Record<string, number>>;
  readonly sysctls?: readonly (readonly [string, string])[];
  readonly more?: Partial<NodeState>;
}

const PORTS = ['p1', 'p2', 'p3'];

export function bridgeNode(o: BridgeOptions = {}): NodeState {
  const ports = PORTS.map((name, i) =>
    link(name, 11 + i, {
      master: 'br0',
      slaveKind: 'bridge',
      mtu: o.mtu?.[name] ?? 1500,
      slaveData: { no: `0x${i + 1}`, state: 'forwarding', ...o.ports?.[name] },
    }),
  );
  const br = link('br0', 10, {
    kind: 'bridge',
    mac: BRIDGE_MAC,
    data: { stp_state: 0, ageing_time: 30000, vlan_filtering: 0, mcast_snooping: 0, ...o.bridge },
  });
  const lo = link('lo', 1, { kind: '', linkType: 'loopback', mac: 0, mtu: 65536, flags: ['LOOPBACK', 'UP', 'LOWER_UP'] });
  const hosts: readonly (readonly [number, string])[] = [
    [HOST.a, 'p1'],
    [HOST.b, 'p2'],
    [HOST.c, 'p3'],
  ];
  return {
    ...emptyNode('n'),
    links: [lo, br, ...ports],
    addrs: [address('lo', 0x7f000001, 8), address('br0', 0x0a000001, 24)],
    routes: [],
    fdb: [
      fdbEntry(BRIDGE_MAC, 'br0', 'permanent'),
      ...ports.map((p) => fdbEntry(p.mac, p.name, 'permanent')),
      ...(o.known ?? hosts).map(([m, p]) => fdbEntry(m, p, 'static')),
    ],
    ebtables: o.ebtables === undefined ? null : readEbtablesSave(o.ebtables, 'ebtables').value,
    sysctls: (o.sysctls ?? []).map(([name, value]) => ({ name, value })),
    ...o.more,
  };
}

export interface Came {
  /** Ports that a frame left by, in order. */
  readonly out: readonly string[];
  readonly frames: readonly Uint8Array[];
  /** `drop reason cause` */
  readonly drops: readonly string[];
  readonly inconclusive: readonly string[];
  readonly events: readonly Event[];
}

/** Frames one after the other on one node; what became of the last. */
export function send(node: NodeState, ...frames: readonly (readonly [string, Uint8Array])[]): Came {
  const rec = new ListRecorder();
  const world = new World(rec, seededChooser());
  const run = new NodeRun(node, world, scenarioSockets);
  let from = 0;
  for (const [dev, bytes] of frames) {
    from = rec.events.length;
    run.arrive(frameToSkb(world.nextId(), bytes), run.device(dev)!);
    world.run();
  }
  const events = rec.events.slice(from);
  const out = events.flatMap((e) => (e.t === 'emit' ? [e] : []));
  return {
    out: out.map((e) => e.dev),
    frames: out.map((e) => e.frame),
    drops: events.flatMap((e) => (e.t === 'drop' ? [`${e.reason} ${e.cause}`] : [])),
    inconclusive: events.flatMap((e) => (e.t === 'inconclusive' ? [e.what] : [])),
    events,
  };
}

/** An Ethernet frame. */
export function frame(dst: number, src: number, type = 0x88b5, payload: Uint8Array = new Uint8Array(46)): Uint8Array {
  const b = new Uint8Array(14 + payload.length);
  for (let i = 0; i < 6; i++) {
    b[i] = Math.floor(dst / 256 ** (5 - i)) % 256;
    b[6 + i] = Math.floor(src / 256 ** (5 - i)) % 256;
  }
  b[12] = type >>> 8;
  b[13] = type;
  b.set(payload, 14);
  return b;
}
