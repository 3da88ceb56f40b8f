/**
 * Other addresses for public ones: two addresses have as many leading bits in common after it as before, so that networks, routes and sets hold what they held.
 * Private, loopback, link-local, multicast and documentation addresses stay. It is a function of a key and of the prefixes and ranges in use; without the key
 * it cannot be undone, but it hides no structure.
 *
 * The first block of a public address (8 bits of IPv4, 16 of IPv6) becomes another block of the same short prefixes; of the bits behind it each is kept or
 * flipped, depending on the key and the bits before. Bits of a host stay: the last 8 of IPv4, 64 of IPv6, and all behind a prefix in use that is long enough to be
 * one link's network; and those in which the ends of a range differ.
 */
import { type Addr, type Family, familyOf, inPrefix, networkOf, parseAddr } from '../base/addr.js';

/** Four 32-bit words. */
export type Key = readonly [number, number, number, number];

interface Shape {
  readonly block: number;
  /** Bits from here on are the host's. */
  readonly end: number;
  /** A prefix of so many bits or more may be one link's network. */
  readonly network: number;
  readonly blocks: { readonly first: number; readonly last: number };
  readonly stays: readonly (readonly [Addr, number])[];
}

const nets = (list: string): readonly (readonly [Addr, number])[] =>
  list.split(' ').map((t) => {
    const [a, len] = t.split('/');
    return [parseAddr(a) as Addr, Number(len)] as const;
  });

const shapes: Readonly<Record<Family, Shape>> = {
  ipv4: {
    block: 8,
    end: 24,
    network: 16,
    blocks: { first: 1, last: 223 },
    stays: nets(
      '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/3',
    ),
  },
  // Only 2000::/3 is given out.
  ipv6: {
    block: 16,
    end: 64,
    network: 48,
    blocks: { first: 0x2000, last: 0x3ffe },
    stays: nets('::/3 4000::/2 8000::/1 2001::/32 2001:db8::/32 2002::/16 3ffe::/16 3fff::/20'),
  },
};

const bitOf = (a: Addr, i: number): number => (typeof a === 'number' ? (a >>> (31 - i)) & 1 : (a.charCodeAt(i >> 4) >> (15 - (i & 15))) & 1);
const blockOf = (a: Addr): number => (typeof a === 'number' ? a >>> 24 : a.charCodeAt(0));
const ofBlock = (family: Family, block: number): Addr => (family === 'ipv4' ? (block << 24) >>> 0 : String.fromCharCode(block, 0, 0, 0, 0, 0, 0, 0));

/** Leading bits that two addresses have in common. */
function common(a: Addr, b: Addr): number {
  const bits = typeof a === 'number' ? 32 : 128;
  for (let i = 0; i < bits; i++) if (bitOf(a, i) !== bitOf(b, i)) return i;
  return bits;
}

/** One step of MurmurHash3. */
function mixed(h: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const x = h ^ k;
  return (Math.imul((x << 13) | (x >>> 19), 5) + 0xe6546b64) | 0;
}

/** A hash of a number and up to 64 bits under a key. */
function hash(key: Key, n: number, high = 0, low = 0): number {
  let h = mixed(mixed(mixed(mixed(mixed(mixed(key[0] | 0, key[1]), key[2]), key[3]), n), high), low);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

export class Renumber {
  readonly #used: Readonly<Record<Family, Set<number>>> = { ipv4: new Set(), ipv6: new Set() };
  readonly #short: Readonly<Record<Family, Map<string, readonly [Addr, number]>>> = { ipv4: new Map(), ipv6: new Map() };
  /** Prefixes behind which bits stay, as `LENGTH PREFIX`. */
  readonly #kept = new Set<string>();
  readonly #keptLengths = new Set<number>();
  /** Blocks that a prefix in use shares with addresses that stay. */
  readonly #pinned: Readonly<Record<Family, Set<number>>> = { ipv4: new Set(), ipv6: new Set() };
  readonly #images: Partial<Record<Family, ReadonlyMap<number, number>>> = {};
  readonly #cache = new Map<Addr, Addr>();
  /** Prefixes and ranges that had to stay as they are. */
  readonly left = new Set<string>();

  constructor(readonly key: Key) {}

  stays(a: Addr): boolean {
    return shapes[familyOf(a)].stays.some(([net, len]) => inPrefix(a, net, len));
  }

  /** Takes note of an address or prefix in use; all must be known before the first is mapped. */
  use(a: Addr, len: number, text: string): void {
    const family = familyOf(a);
    const s = shapes[family];
    if (len < s.block) {
      const net = networkOf(a, len);
      this.#short[family].set(`${len} ${net}`, [net, len]);
      return;
    }
    const mixed = s.stays.some(([net, l]) => l > len && inPrefix(net, a, len));
    if (mixed) {
      this.#pinned[family].add(blockOf(a));
      this.left.add(text);
    }
    if (this.stays(a)) return;
    this.#used[family].add(blockOf(a));
    if (len >= s.network && len < s.end) this.#keep(a, len);
  }

  /** Takes note of a range; false where it cannot be mapped, since its ends have nothing in common. */
  useRange(a: Addr, b: Addr, text: string): boolean {
    const s = shapes[familyOf(a)];
    const same = familyOf(a) === familyOf(b) ? common(a, b) : 0;
    if (same < s.block || this.stays(a) !== this.stays(b)) {
      this.left.add(text);
      return false;
    }
    this.use(a, same, text);
    this.#keep(a, same);
    return true;
  }

  #keep(a: Addr, len: number): void {
    this.#kept.add(`${len} ${networkOf(a, len)}`);
    this.#keptLengths.add(len);
  }

  /** From which bit on the bits of an address stay. */
  #keptFrom(a: Addr, end: number): number {
    let from = end;
    for (const len of this.#keptLengths) if (len < from && this.#kept.has(`${len} ${networkOf(a, len)}`)) from = len;
    return from;
  }

  /** The other address; itself where it stays. */
  map(a: Addr): Addr {
    if (this.stays(a)) return a;
    const s = shapes[familyOf(a)];
    const net = networkOf(a, s.end);
    let image = this.#cache.get(net);
    if (image === undefined) {
      image = this.#network(net);
      this.#cache.set(net, image);
    }
    return joined(image, a, s.end);
  }

  /** The other prefix: its bits behind the length are zero if they were. */
  mapPrefix(a: Addr, len: number): Addr {
    const s = shapes[familyOf(a)];
    if (len < s.block || this.stays(a)) return a;
    const image = this.map(a);
    return networkOf(a, len) === a ? networkOf(image, len) : image;
  }

  #network(a: Addr): Addr {
    const family = familyOf(a);
    const s = shapes[family];
    const block = blockOf(a);
    if (this.#pinned[family].has(block)) return a;
    const other = this.#blockImages(family).get(block);
    if (other === undefined) return a;
    const bits = Array.from({ length: s.end }, (_, i) => bitOf(i < s.block ? ofBlock(family, other) : a, i));
    const flipped = this.#keptFrom(a, s.end);
    let high = 0;
    let low = other;
    for (let i = s.block; i < flipped; i++) {
      bits[i] ^= hash(this.key, i, high, low) & 1;
      high = (high << 1) | (low >>> 31);
      low = (low << 1) | bits[i];
    }
    return fromBits(family, bits);
  }

  /** By the order of a hash, within the same short prefixes; never itself while another is free. */
  #blockImages(family: Family): ReadonlyMap<number, number> {
    const known = this.#images[family];
    if (known) return known;
    const s = shapes[family];
    const all = Array.from({ length: s.blocks.last - s.blocks.first + 1 }, (_, i) => s.blocks.first + i);
    const bears = (b: number): boolean => s.stays.some(([net, len]) => (len >= s.block ? blockOf(net) === b : inPrefix(ofBlock(family, b), net, len)));
    const pool = all.filter((b) => !bears(b) && !this.#pinned[family].has(b));
    const classOf = (b: number): string => [...this.#short[family].values()].map(([net, len]) => (inPrefix(ofBlock(family, b), net, len) ? 1 : 0)).join('');
    const order = pool.map((b) => ({ b, h: hash(this.key, b), in: classOf(b) })).sort((x, y) => x.h - y.h || x.b - y.b);
    const out = new Map<number, number>();
    const used = [...this.#used[family]].sort((x, y) => Number(bears(x)) - Number(bears(y)) || x - y);
    for (const b of used) {
      if (this.#pinned[family].has(b)) continue;
      const free = order.filter((o) => o.in === classOf(b) && ![...out.values()].includes(o.b));
      const image = free.find((o) => o.b !== b) ?? free[0];
      if (image) out.set(b, image.b);
    }
    this.#images[family] = out;
    return out;
  }
}

/** The first `len` bits of one address, the rest of another. */
function joined(head: Addr, tail: Addr, len: number): Addr {
  if (typeof head === 'number' || typeof tail === 'number')
    return (((head as number) & ~(2 ** (32 - len) - 1)) | ((tail as number) & (2 ** (32 - len) - 1))) >>> 0;
  return head.slice(0, len / 16) + tail.slice(len / 16);
}

function fromBits(family: Family, bits: readonly number[]): Addr {
  const word = (from: number, n: number): number => Array.from({ length: n }, (_, i) => bits[from + i] ?? 0).reduce((v, b) => v * 2 + b, 0);
  return family === 'ipv4' ? word(0, 32) : String.fromCharCode(...Array.from({ length: 8 }, (_, i) => word(16 * i, 16)));
}
