/**
 * A run: the scenario's nodes, the wires between them, its packets in order. What is given never changes; what happens is private to this object.
 */
import type { Chooser } from '../netfilter/env.js';
import { ETH_P_ARP, ETH_P_IP, ETH_P_IPV6, Skb } from '../packet/skb.js';
import { crossBorder } from '../packet/skb-meta.js';
import type { NetDevice } from '../packet/types.js';
import type { NodeState, Scenario, Wire } from '../scenario/model.js';
import type { Recorder } from '../trace/event.js';
import { NodeRun } from './node-run.js';
import { frameToSkb } from './receive.js';
import type { SocketLayer } from './sockets/layer.js';
import { seededChooser, type Wiring, World } from './world.js';

interface End {
  readonly node: NodeRun;
  readonly dev: NetDevice;
}

export interface NetworkOptions {
  readonly recorder: Recorder;
  readonly chooser?: Chooser;
  readonly makeSockets: (n: NodeRun) => SocketLayer;
}

export class Network {
  readonly world: World;
  readonly nodes: readonly NodeRun[];
  readonly #byName: ReadonlyMap<string, NodeRun>;
  /** The other ends of a device's wire, by `node\0dev`. */
  readonly #peers = new Map<string, readonly { node: string; dev: string }[]>();
  readonly #wiring: Wiring = (node, dev, skb) => this.#carry(node, dev, skb);

  constructor(
    readonly scenario: Pick<Scenario, 'nodes' | 'wires' | 'clock' | 'seed'>,
    o: NetworkOptions,
  ) {
    this.world = new World(o.recorder, o.chooser ?? seededChooser(scenario.seed));
    this.world.clock = scenario.clock;
    this.world.startedAt = scenario.clock;
    this.nodes = scenario.nodes.map((n: NodeState) => new NodeRun(n, this.world, o.makeSockets));
    this.#byName = new Map(this.nodes.map((n) => [n.name, n]));
    for (const w of scenario.wires) this.#connect(w);
    this.world.wiring = this.#wiring;
  }

  /** --trace-all: packets are flagged before their first hook on each node. */
  set traceAll(on: boolean) {
    this.world.traceAll = on;
  }

  node(name: string): NodeRun | undefined {
    return this.#byName.get(name);
  }

  #connect(w: Wire): void {
    for (const end of w.ends) {
      const others = w.ends.filter((e) => e !== end);
      const key = `${end.node}\0${end.dev}`;
      this.#peers.set(key, [...(this.#peers.get(key) ?? []), ...others]);
    }
  }

  #ends(node: string, dev: string): End[] {
    const out: End[] = [];
    for (const p of this.#peers.get(`${node}\0${dev}`) ?? []) {
      const n = this.#byName.get(p.node);
      const d = n?.device(p.dev);
      if (n && d) out.push({ node: n, dev: d });
    }
    return out;
  }

  /** A frame on a wire: to the end whose MAC it names, to all others where none has it (a switch that has learnt every station, and floods the rest). */
  #carry(node: string, dev: NetDevice, skb: Skb): void {
    const ends = this.#ends(node, dev.name);
    const named = ends.filter((e) => skb.eth !== null && e.dev.mac === skb.eth.dst);
    for (const e of named.length > 0 ? named : ends) {
      const copy = skb.copy(this.world.nextId(), { kind: 'received', of: skb.id });
      crossBorder(copy, 'peer');
      copy.dst = null;
      e.node.arrive(copy, e.dev);
    }
  }

  /** A frame (link header included on Ethernet devices) or a bare IP packet arrives at a device from outside. Returns the skb's id. */
  inject(node: NodeRun, dev: NetDevice, bytes: Uint8Array): number {
    const id = this.world.nextId();
    const skb = dev.linkType === 'ether' || dev.linkType === 'loopback' ? frameToSkb(id, bytes, dev.master !== null || node.rec.on) : bareSkb(id, bytes);
    node.announce(skb, dev);
    this.world.receive(node, skb, dev);
    return id;
  }
}

/** A packet without a link header, as tunnels hand it up. */
function bareSkb(id: number, bytes: Uint8Array): Skb {
  const version = bytes.length > 0 ? bytes[0] >>> 4 : 0;
  const skb = new Skb(id, { kind: 'injected', of: null }, bytes.slice(), version === 6 ? ETH_P_IPV6 : version === 4 ? ETH_P_IP : ETH_P_ARP);
  skb.csum = 'unchecked';
  return skb;
}
