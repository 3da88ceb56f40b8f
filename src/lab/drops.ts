/** Drop reasons: the event skb:kfree_skb in a tracefs instance of our own. The event names no namespace, so whoever reads it holds the lock (lock.ts). */
import { closeSync, constants, existsSync, mkdirSync, openSync, readSync, rmdirSync, writeFileSync } from 'node:fs';
import type { DropEvent } from '../harness/conformance/corpus.js';

export const TRACEFS = '/sys/kernel/tracing';
/** Ethertype of the lab's own frames (IEEE local experimental). */
export const MARKER_ETHERTYPE = 0x88b5;
/** What the far ends do with all that they receive (bench.ts): they are disabled ports of a bridge. */
const SINK_REASON = 'BRIDGE_INGRESS_STP_STATE';
const LINE = /^\s*(.+?)-(\d+)\s.*kfree_skb: .*protocol=(\d+) location=(\S+) reason: (\S+)/;
/** Who may be running when a packet of ours dies: those that send it, or the kernel's late work. Other programs' packets die in their own time. */
const OURS = /^(ping|socat|node|MainThread|ksoftirqd\/\d+|<idle>)$/;

/** Ethertypes of what a node of IPv4 may drop: none, IPv4, ARP, VLAN. */
export const PROTOCOLS: readonly number[] = [0, 0x0800, 0x0806, 0x8100];

export class DropEvents {
  readonly #dir: string;
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(1 << 16);

  /**
   * `protocols`: ethertypes of what may die here; where the nodes have no IPv6, an IPv6 packet is another program's.
   * `pids`: the processes that send for this lab; of those that have ended by the time of the look nothing is known, and they count. null = any.
   */
  constructor(
    name: string,
    readonly protocols: readonly number[] = PROTOCOLS,
    readonly pids: ReadonlySet<number> | null = null,
  ) {
    this.#dir = `${TRACEFS}/instances/${name}`;
    live.add(this);
    mkdirSync(this.#dir);
    writeFileSync(`${this.#dir}/events/skb/kfree_skb/filter`, `protocol != ${MARKER_ETHERTYPE}`);
    writeFileSync(`${this.#dir}/events/skb/kfree_skb/enable`, '1');
    this.#fd = openSync(`${this.#dir}/trace_pipe`, constants.O_RDONLY | constants.O_NONBLOCK);
  }

  /** All since the last call, in order. */
  take(): DropEvent[] {
    let text = '';
    for (;;) {
      let n = 0;
      try {
        n = readSync(this.#fd, this.#buffer);
      } catch (e) {
        if ((e as NodeJS.ErrnoException).code !== 'EAGAIN') throw e;
      }
      if (n <= 0) break;
      text += this.#buffer.toString('latin1', 0, n);
    }
    const out: DropEvent[] = [];
    for (const line of text.split('\n')) {
      const m = LINE.exec(line);
      if (!m || !OURS.test(m[1]) || this.#foreign(m[1], Number(m[2]))) continue;
      const [, , , protocol, location, reason] = m;
      // QUEUE_PURGE: what a socket of ours had not read when it was closed; NEIGH_FAILED: a timer, and no time passes in a case.
      if (reason === SINK_REASON || reason === 'QUEUE_PURGE' || reason === 'NEIGH_FAILED') continue;
      // The copy of a damaged ICMPv6 message for the raw socket that sent it.
      if (location.startsWith('rawv6_rcv')) continue;
      // Fragments that hang on a datagram are let go of with it: whether there are any depends on how its memory was laid out.
      if (location.startsWith('skb_release_data')) continue;
      if (!this.protocols.includes(Number(protocol))) continue;
      out.push({ reason, location: location.replace(/\+0x.*$/, '') });
    }
    return out;
  }

  /** A living process that is not of this lab: its packets are its own. */
  #foreign(name: string, pid: number): boolean {
    return this.pids !== null && pid !== 0 && !name.startsWith('ksoftirqd') && !this.pids.has(pid) && existsSync(`/proc/${pid}`);
  }

  close(): void {
    if (!live.delete(this)) return;
    try {
      closeSync(this.#fd);
      writeFileSync(`${this.#dir}/events/enable`, '0');
      rmdirSync(this.#dir);
    } catch {
      // The instance is gone, or busy for an instant; nothing of the machine's state depends on it.
    }
  }
}

const live = new Set<DropEvents>();

/** For exit and signals. */
export function closeDropEvents(): void {
  for (const d of [...live]) d.close();
}
