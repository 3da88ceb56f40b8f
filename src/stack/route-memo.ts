/** Input routes found lately: packets of a flow come in rows, and the same question gets the same answer as long as the node's plan stands. */
import type { InputResult } from '../fib/index.js';
import type { NetDevice } from '../packet/types.js';

/** A power of two: a node that carries a few flows keeps them all, and one that carries many loses nothing by asking anew. */
const ENTRIES = 64;

interface Entry {
  readonly src: number;
  readonly dst: number;
  readonly tos: number;
  readonly mark: number;
  readonly dev: NetDevice;
  readonly answer: InputResult;
}

/** Keyed by all that ip_route_input_rcu() reads of packets with a source, where no rule asks for ports and no IPsec has handled the packet. */
export class RouteMemo {
  readonly #entries: (Entry | undefined)[] = [];

  find(src: number, dst: number, tos: number, mark: number, dev: NetDevice): InputResult | null {
    const e = this.#entries[place(src, dst)];
    return e !== undefined && e.dst === dst && e.src === src && e.tos === tos && e.mark === mark && e.dev === dev ? e.answer : null;
  }

  /** Only routes that stand: a refusal is counted, told and logged each time; one of several nexthops is chosen each time. */
  keep(src: number, dst: number, tos: number, mark: number, dev: NetDevice, answer: InputResult): void {
    if (answer.reason !== null || (answer.result?.route?.nexthops.length ?? 2) > 1) return;
    this.#entries[place(src, dst)] = { src, dst, tos, mark, dev, answer };
  }
}

const place = (src: number, dst: number): number => Math.imul(src ^ Math.imul(dst, 0x9e3779b1), 0x85ebca6b) >>> (32 - Math.log2(ENTRIES));
