/** Several nodes and the wires between them: ids, the virtual clock, the queue of received frames, the one door for chance. */
import type { Chooser } from '../netfilter/env.js';
import type { Skb } from '../packet/skb.js';
import type { NetDevice } from '../packet/types.js';
import type { Recorder } from '../trace/event.js';

/** What a wire needs of a node. */
export interface Receiver {
  readonly name: string;
  /** Runs one received skb to its end. */
  receive(skb: Skb, dev: NetDevice): void;
  /** Told when the queue is given up. */
  loop(skb: Skb, dev: NetDevice): void;
}

/** Where frames go that leave a node by a device; null: off the map. */
export type Wiring = (node: string, dev: NetDevice, skb: Skb) => void;

const MAX_RECEIVED = 10_000;

export class World {
  #ids = 0;
  clock = 0;
  /** What the clock was before the first packet. */
  startedAt = 0;
  /** Frames that wait, from #head on; what stands before is done. */
  readonly #queue: (Waiting | null)[] = [];
  #head = 0;
  #tail = 0;
  wiring: Wiring = () => {};
  /** A system call is sending: received frames run at once (netif_rx() in process context ends with the softirq), not after the packet at hand. */
  inProcess = false;
  /** Inside a table's walk (local_bh_disable() of ipt_do_table()): received frames wait for its end, also in process context. */
  bhOff = false;
  /** Such frames wait. */
  bhPending = false;
  /** dev_recursion_level(): bridges and tunnels that are sending at this moment, one within the other; until the outermost is done received frames wait as well. */
  xmits = 0;
  #running = false;
  /** --trace-all: every packet is flagged when a hook begins, as if a TRACE rule had stood before the first rule of all. */
  traceAll = false;

  constructor(
    readonly rec: Recorder,
    readonly choose: Chooser,
  ) {}

  nextId(): number {
    return ++this.#ids;
  }

  /** netif_rx(): received frames wait until the packet at hand is done. */
  enqueue(node: Receiver, skb: Skb, dev: NetDevice): void {
    this.#queue[this.#tail++] = { node, skb, dev };
    if (!this.inProcess || this.#running) return;
    if (this.bhOff || this.xmits > 0) this.bhPending = true;
    else this.run();
  }

  /** local_bh_enable() at the end of a table, of a device's transmission. */
  bhEnable(): void {
    if (this.bhOff || this.xmits > 0) return;
    this.bhPending = false;
    if (!this.#running) this.run();
  }

  /** Runs until nothing moves any more; bounded, since two routers may play ping-pong for ever. */
  run(): void {
    this.#run(null, null, null);
  }

  /** The same with a frame in front of those that wait: mostly there are none, and it need not wait either. */
  receive(node: Receiver, skb: Skb, dev: NetDevice): void {
    if (this.#head === this.#tail) this.#run(node, skb, dev);
    else {
      this.enqueue(node, skb, dev);
      this.run();
    }
  }

  #run(node: Receiver | null, skb: Skb | null, dev: NetDevice | null): void {
    const before = this.#running;
    this.#running = true;
    try {
      if (node !== null && skb !== null && dev !== null) node.receive(skb, dev);
      this.#drain(node === null ? 0 : 1);
    } finally {
      this.#running = before;
    }
  }

  #drain(done: number): void {
    for (let n = done; ; n++) {
      const next = this.#take();
      if (next === null) return;
      if (n >= MAX_RECEIVED) {
        for (let q: Waiting | null = next; q !== null; q = this.#take()) q.node.loop(q.skb, q.dev);
        return;
      }
      next.node.receive(next.skb, next.dev);
    }
  }

  #take(): Waiting | null {
    if (this.#head === this.#tail) {
      this.#head = 0;
      this.#tail = 0;
      return null;
    }
    const next = this.#queue[this.#head];
    this.#queue[this.#head++] = null;
    return next;
  }
}

interface Waiting {
  readonly node: Receiver;
  readonly skb: Skb;
  readonly dev: NetDevice;
}

/** Free choices from a seed: the same seed, the same run (xorshift32). */
export function seededChooser(seed = 1): Chooser {
  // An int32: V8 makes no object of it.
  let s = seed | 0 || 1;
  const next = (): number => {
    s ^= s << 13;
    s ^= s >>> 17;
    s ^= s << 5;
    return s >>> 0;
  };
  /** Remainders by powers of two (statistic draws below 2^31) without a division of doubles. */
  const below = (bound: number): number => ((bound & (bound - 1)) === 0 ? (next() & (bound - 1)) >>> 0 : next() % bound);
  return {
    port: (min, max) => min + below(max - min + 1),
    below: (bound) => (bound <= 1 ? 0 : below(bound)),
  };
}
