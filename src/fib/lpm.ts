/**
 * Longest-prefix match over either family. Prefixes are flattened into disjoint intervals (at most 2n + 1 starts, sorted), each pointing at the
 * most specific prefix that covers it; a node knows the next shorter prefix that covers it, so that a lookup may back out as fib_table_lookup()
 * and fib6_backtrack() do. A lookup is one binary search, narrowed by an index over the top 16 bits where the table is large.
 */
import { type Addr, addrBits, addToAddr, type Family, networkOf, notAddr, orAddr, prefixMask } from '../base/addr.js';

export interface LpmNode<T> {
  readonly addr: Addr;
  readonly len: number;
  /** The next shorter prefix that contains this one, or null. */
  readonly parent: LpmNode<T> | null;
  /** What was inserted under this very prefix, in order of insertion. */
  readonly items: T[];
}

/** Tables smaller than this are searched without an index. */
const INDEX_FROM = 64;

export class Lpm<T> {
  /** IPv4 starts packed, so that a search touches few cache lines; the other family's array stays empty. */
  readonly #starts4: Uint32Array;
  readonly #starts6: readonly string[];
  readonly #nodes: (LpmNode<T> | null)[];
  /** index[top] = last interval that starts at or before the first address with these top 16 bits. */
  readonly #index: Int32Array | null;

  constructor(family: Family, entries: Iterable<{ readonly addr: Addr; readonly len: number; readonly item: T }>) {
    const { starts, nodes } = flatten(family, collect(entries));
    this.#starts4 = Uint32Array.from(family === 'ipv4' ? (starts as number[]) : []);
    this.#starts6 = family === 'ipv4' ? [] : (starts as string[]);
    this.#nodes = nodes;
    this.#index = starts.length >= INDEX_FROM ? indexTop(family, starts) : null;
  }

  /** The most specific prefix that contains `a`; null where none does. */
  find(a: Addr): LpmNode<T> | null {
    return this.#nodes[typeof a === 'number' ? this.#find4(a) : this.#find6(a)];
  }

  #find4(a: number): number {
    const starts = this.#starts4;
    const index = this.#index;
    const top = a >>> 16;
    let lo = index === null ? 0 : index[top];
    let hi = index === null || top === 0xffff ? starts.length - 1 : index[top + 1];
    while (lo < hi) {
      const mid = (lo + hi + 1) >>> 1;
      if (starts[mid] <= a) lo = mid;
      else hi = mid - 1;
    }
    return lo;
  }

  #find6(a: string): number {
    const starts = this.#starts6;
    const index = this.#index;
    const top = a.charCodeAt(0);
    let lo = index === null ? 0 : index[top];
    let hi = index === null || top === 0xffff ? starts.length - 1 : index[top + 1];
    while (lo < hi) {
      const mid = (lo + hi + 1) >>> 1;
      if (starts[mid] <= a) lo = mid;
      else hi = mid - 1;
    }
    return lo;
  }
}

interface Building<T> extends LpmNode<T> {
  parent: LpmNode<T> | null;
}

function collect<T>(entries: Iterable<{ readonly addr: Addr; readonly len: number; readonly item: T }>): Building<T>[] {
  const byLen = new Map<number, Map<Addr, Building<T>>>();
  for (const { addr, len, item } of entries) {
    const net = networkOf(addr, len);
    let m = byLen.get(len);
    if (!m) byLen.set(len, (m = new Map()));
    const had = m.get(net);
    if (had) had.items.push(item);
    else m.set(net, { addr: net, len, parent: null, items: [item] });
  }
  const all: Building<T>[] = [];
  for (const m of byLen.values()) for (const n of m.values()) all.push(n);
  return all.sort((x, y) => (x.addr < y.addr ? -1 : x.addr > y.addr ? 1 : x.len - y.len));
}

/** First address behind the prefix; null where it ends at the last address there is. */
function endOf(family: Family, n: { readonly addr: Addr; readonly len: number }): Addr | null {
  const last = orAddr(n.addr, notAddr(prefixMask(family, n.len)));
  const next = addToAddr(last, 1);
  return next > last ? next : null;
}

function flatten<T>(family: Family, sorted: Building<T>[]): { starts: Addr[]; nodes: (LpmNode<T> | null)[] } {
  const starts: Addr[] = [prefixMask(family, 0)];
  const nodes: (LpmNode<T> | null)[] = [null];
  const open: { node: Building<T>; end: Addr | null }[] = [];
  const begin = (at: Addr, node: LpmNode<T> | null): void => {
    if (starts[starts.length - 1] === at) nodes[nodes.length - 1] = node;
    else {
      starts.push(at);
      nodes.push(node);
    }
  };
  const closeUntil = (at: Addr | null): void => {
    for (let top = open.at(-1); top && top.end !== null && (at === null || top.end <= at); top = open.at(-1)) {
      open.pop();
      begin(top.end, open.at(-1)?.node ?? null);
    }
  };
  for (const node of sorted) {
    closeUntil(node.addr);
    node.parent = open.at(-1)?.node ?? null;
    begin(node.addr, node);
    open.push({ node, end: endOf(family, node) });
  }
  closeUntil(null);
  return { starts, nodes };
}

function indexTop(family: Family, starts: readonly Addr[]): Int32Array {
  const index = new Int32Array(0x10000);
  const bits = addrBits(family);
  let i = 0;
  for (let top = 0; top < 0x10000; top++) {
    const first: Addr = bits === 32 ? top * 0x10000 : String.fromCharCode(top, 0, 0, 0, 0, 0, 0, 0);
    while (i + 1 < starts.length && starts[i + 1] <= first) i++;
    index[top] = i;
  }
  return index;
}
