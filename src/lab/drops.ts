/** Drop reasons: the event skb:kfree_skb in a tracefs instance of our own. The event names no namespace, so whoever reads it holds the lock (lock.ts). */
import { closeSync, constants, mkdirSync, openSync, readSync, rmdirSync, writeFileSync } from 'node:fs';
import type { DropEvent } from '../harness/conformance/corpus.js';

export const TRACEFS = '/sys/kernel/tracing';
/** Ethertype of the lab's own frames (IEEE local experimental). */
export const MARKER_ETHERTYPE = 0x88b5;
/** What the far ends do with all that they receive (bench.ts): they are disabled ports of a bridge. */
const SINK_REASON = 'BRIDGE_INGRESS_STP_STATE';
const LINE = /kfree_skb: .*protocol=(\d+) location=(\S+) reason: (\S+)/;

export class DropEvents {
  readonly #dir: string;
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(1 << 16);

  constructor(name: string) {
    this.#dir = `${TRACEFS}/instances/${name}`;
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
      if (!m || m[3] === SINK_REASON) continue;
      const protocol = Number(m[1]);
      // Others' buffers on this machine (netlink, unix sockets) carry no network protocol.
      if (protocol !== 0x0800 && protocol !== 0x86dd && protocol !== 0x0806 && protocol !== 0) continue;
      out.push({ reason: m[3], location: m[2].replace(/\+0x.*$/, '') });
    }
    return out;
  }

  close(): void {
    try {
      closeSync(this.#fd);
      writeFileSync(`${this.#dir}/events/enable`, '0');
      rmdirSync(this.#dir);
    } catch {
      // The instance is gone, or busy for an instant; nothing of the machine's state depends on it.
    }
  }
}
