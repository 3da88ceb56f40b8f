/** The neighbour tables of a running node: what `ip neigh` showed, what was learnt, and the packets that wait. */
import type { Addr, Mac } from '../base/addr.js';
import type { Neigh } from '../link/model.js';
import type { Flight } from './flight.js';

interface Entry {
  mac: Mac | null;
  readonly waiting: Flight[];
  /** NUD_PERMANENT, NUD_NOARP: no message changes it. */
  readonly fixed: boolean;
  /** Virtual ms of the last change; what was there before the run is old. */
  updated: number;
}

const usable = new Set(['PERMANENT', 'REACHABLE', 'STALE', 'DELAY', 'PROBE', 'NOARP']);
const QUEUE = 101;
const LOCKTIME = 1000;

export class NeighTable {
  readonly #byDev = new Map<string, Map<Addr, Entry>>();
  /** The entry asked for last; entries are never taken out. */
  #last: { readonly dev: string; readonly addr: Addr; readonly entry: Entry } | null = null;

  constructor(given: readonly Neigh[]) {
    for (const e of given) {
      if (e.proxy || e.lladdr === null || !e.state.some((s) => usable.has(s))) continue;
      this.#table(e.dev).set(e.dst, { mac: e.lladdr, waiting: [], fixed: e.state.some((s) => s === 'PERMANENT' || s === 'NOARP'), updated: -Infinity });
    }
  }

  #table(dev: string): Map<Addr, Entry> {
    let t = this.#byDev.get(dev);
    if (!t) this.#byDev.set(dev, (t = new Map()));
    return t;
  }

  lookup(dev: string, addr: Addr): Mac | null {
    const last = this.#last;
    if (last !== null && last.addr === addr && last.dev === dev) return last.entry.mac;
    const entry = this.#byDev.get(dev)?.get(addr);
    if (entry === undefined) return null;
    this.#last = { dev, addr, entry };
    return entry.mac;
  }

  has(dev: string, addr: Addr): boolean {
    return this.#byDev.get(dev)?.has(addr) ?? false;
  }

  /** True when resolution starts with this packet; later ones only queue. */
  hold(f: Flight, dev: string, addr: Addr): boolean {
    const t = this.#table(dev);
    const e = t.get(addr);
    if (e) {
      if (e.waiting.length < QUEUE) e.waiting.push(f);
      return false;
    }
    t.set(addr, { mac: null, waiting: [f], fixed: false, updated: -Infinity });
    return true;
  }

  /** neigh_update(): packets that waited for it, in order. `override`: also where the last change was less than a second ago (LOCKTIME). */
  learn(dev: string, addr: Addr, mac: Mac, now: number, override: boolean): readonly Flight[] {
    const t = this.#table(dev);
    const e = t.get(addr);
    if (!e) {
      t.set(addr, { mac, waiting: [], fixed: false, updated: now });
      return [];
    }
    if (e.fixed || (e.mac !== null && !override && now <= e.updated + LOCKTIME)) return [];
    e.mac = mac;
    e.updated = now;
    return e.waiting.splice(0);
  }

  entries(): Iterable<[string, Addr, Mac | null]> {
    const out: [string, Addr, Mac | null][] = [];
    for (const [dev, t] of this.#byDev) for (const [a, e] of t) out.push([dev, a, e.mac]);
    return out;
  }
}
