/**
 * Snapshots without what tells whose they are: public addresses and MAC addresses are others, the same in all texts (scenario/renumber.ts), hosts are called as
 * their nodes are. Ports, device names, names of chains and sets, and private addresses stay.
 */
import { type Addr, familyOf, formatAddr, formatMac, type Mac, parseAddr, parseIp6, parseMac } from '../base/addr.js';
import { partWord, type Snapshot, type SnapshotPart, writeSnapshot } from '../formats/snapshot.js';
import { type Key, Renumber } from './renumber.js';

export interface Anonymized {
  /** In the order given. */
  readonly texts: readonly string[];
  /** What an address became. */
  readonly addr: (a: Addr) => Addr;
  /** What may still tell something, as sentences. */
  readonly notes: readonly string[];
}

/** Parts that hold no addresses, only what the kernel or the packages say. */
const plainParts: ReadonlySet<string> = new Set(['kernel-release', 'date', 'user', 'netns', 'rt_tables', 'nfnetlink_queue', 'sysctl.txt']);

/** `names`: what the nodes are called from now on. */
export function anonymize(snapshots: readonly Snapshot[], names: readonly string[], key: Key): Anonymized {
  const a = new Anonymizer(key, hostNames(snapshots, names));
  const parts = snapshots.flatMap((s) => s.parts.filter((p) => !plainParts.has(p.name)));
  for (const p of parts) for (const t of [p.text, ...p.errors]) a.use(t);
  a.settle();
  // Namespaces of one host go on sharing its name.
  const hosts = snapshots.map((s) => partWord(s, 'hostname'));
  const texts = snapshots.map((s, i) => writeSnapshot({ ...s, parts: s.parts.map((p) => a.part(p, names[hosts.indexOf(hosts[i])])) }));
  return { texts, addr: (x) => a.addr(x), notes: [...a.notes(), ...opaqueMatches(parts)] };
}

const MAC = '(?<![0-9A-Za-z:])(?<mac>(?:[0-9A-Fa-f]{1,2}:){5}[0-9A-Fa-f]{1,2})(?![0-9A-Za-z:])';
const six = (name: string): string => `(?<${name}>(?:[0-9A-Fa-f]{0,4}:){2,8}(?:\\d{1,3}(?:\\.\\d{1,3}){3}|[0-9A-Fa-f]{0,4}))`;
const four = (name: string): string => `(?<${name}>\\d{1,3}(?:\\.\\d{1,3}){3})`;
const IP6 = `(?<![0-9A-Za-z:.])${six('a6')}(?:-${six('b6')})?(?:/(?<len6>\\d{1,3}))?(?![0-9A-Za-z:])`;
/** Behind a slash stands a netmask. */
const IP4 = `(?<![0-9A-Za-z./])${four('a4')}(?:-${four('b4')})?(?:/(?<len4>\\d{1,2})(?![0-9.]))?(?![0-9A-Za-z]|\\.\\d)`;
const TOKEN = new RegExp(`${MAC}|${IP6}|${IP4}`, 'g');

interface Found {
  readonly from: Addr;
  /** Other end of a range. */
  readonly to: Addr | null;
  /** Null: no prefix length is given. */
  readonly len: number | null;
}

/** null: it only looks like one. */
function addressOf(g: Readonly<Record<string, string | undefined>>): Found | null {
  const from = parseAddr(g.a6 ?? g.a4 ?? '');
  const second = g.b6 ?? g.b4;
  const to = second === undefined ? null : parseAddr(second);
  const len = g.len6 ?? g.len4;
  if (from === null || (second !== undefined && to === null)) return null;
  if (len !== undefined && Number(len) > (familyOf(from) === 'ipv4' ? 32 : 128)) return null;
  return { from, to, len: len === undefined ? null : Number(len) };
}

/** The MAC address in an interface identifier (modified EUI-64); null where there is none. */
function macIn(a: Addr): Mac | null {
  if (typeof a === 'number' || (a.charCodeAt(5) & 0xff) !== 0xff || a.charCodeAt(6) >> 8 !== 0xfe) return null;
  return (a.charCodeAt(4) ^ 0x0200) * 2 ** 32 + (a.charCodeAt(5) >> 8) * 2 ** 24 + (a.charCodeAt(6) & 0xff) * 2 ** 16 + a.charCodeAt(7);
}
function withMac(a: string, m: Mac): string {
  const high = Math.floor(m / 2 ** 32) ^ 0x0200;
  const low = m % 2 ** 32;
  return a.slice(0, 4) + String.fromCharCode(high, ((low >>> 24) << 8) | 0xff, 0xfe00 | ((low >>> 16) & 0xff), low & 0xffff);
}

/** IPv4 addresses inside IPv6 ones: ::ffff:0:0/96 and 64:ff9b::/96. */
const embedding = ['::ffff:0:0', '64:ff9b::'].map((t) => (parseIp6(t) as string).slice(0, 6));

class Anonymizer {
  readonly #renumber: Renumber;
  readonly #macs = new Map<Mac, Mac>();
  readonly #names = new Map<string, string>();
  readonly #hosts: readonly (readonly [RegExp, string])[];

  constructor(
    readonly key: Key,
    hosts: readonly (readonly [RegExp, string])[],
  ) {
    this.#renumber = new Renumber(key);
    this.#hosts = hosts;
  }

  /** First pass: what is in use. */
  use(text: string): void {
    for (const h of procWords(text)) this.#renumber.use(h.addr, h.bits, h.text);
    for (const m of text.matchAll(TOKEN)) {
      const g = m.groups ?? {};
      if (g.mac !== undefined) this.#seen(parseMac(g.mac));
      else {
        const f = addressOf(g);
        if (f) this.#use(f, m[0]);
      }
    }
  }

  #use(f: Found, text: string): void {
    this.#seen(macIn(f.from));
    const inner = embedded(f.from);
    if (inner !== null) this.#renumber.use(inner, 32, text);
    if (f.to === null) this.#renumber.use(f.from, f.len ?? (familyOf(f.from) === 'ipv4' ? 32 : 128), text);
    else this.#renumber.useRange(f.from, f.to, text);
  }

  #seen(m: Mac | null): void {
    // The first octet's lowest bit: a group. Nobody's address is all zero.
    if (m !== null && m !== 0 && Math.floor(m / 2 ** 40) % 2 === 0) this.#macs.set(m, m);
  }

  /** Numbers MAC addresses in ascending order, behind IANA's prefix for documentation; the bit that says who gave it stays. */
  settle(): void {
    for (const [i, m] of [...this.#macs.keys()].sort((x, y) => x - y).entries()) {
      const local = Math.floor(m / 2 ** 41) % 2;
      this.#macs.set(m, local * 2 ** 41 + 0x005e * 2 ** 24 + 0x5300 + i);
    }
  }

  mac(m: Mac): Mac {
    return this.#macs.get(m) ?? m;
  }

  addr(a: Addr, len: number | null = null): Addr {
    const inner = embedded(a);
    if (inner !== null && typeof a !== 'number') {
      const v4 = this.#renumber.map(inner) as number;
      return a.slice(0, 6) + String.fromCharCode(v4 >>> 16, v4 & 0xffff);
    }
    const image = len === null ? this.#renumber.map(a) : this.#renumber.mapPrefix(a, len);
    const m = macIn(a);
    return m === null || typeof image === 'number' ? image : withMac(image, this.mac(m));
  }

  part(p: SnapshotPart, host: string): SnapshotPart {
    if (p.name === 'hostname') return { ...p, text: p.text.trim() === '' ? p.text : `${host}\n`, errors: [] };
    if (plainParts.has(p.name)) return p;
    return { ...p, text: this.text(p.text), errors: p.errors.map((e) => this.text(e)) };
  }

  text(text: string): string {
    return this.#hosts
      .reduce((t, [re, name]) => t.replace(re, name), text)
      .replace(
        /(^ *\d+: )([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) ([0-9A-F]{8}|[0-9A-F]{32}):/gm,
        (_, head, a, port, b) => `${head}${this.#hex(a)}:${port} ${this.#hex(b)}:`,
      )
      .replace(TOKEN, (...args) => this.#token(args[0], args[args.length - 1]))
      .replace(/"ifalias":"(?:[^"\\]|\\.)*"/g, '"ifalias":""')
      .replace(/^ {4}alias .*\n/gm, '')
      .replace(/ cgroup:\S+/g, '')
      .replace(/(?<!-m )\bcomment (?:"(?:[^"\\]|\\.)*"|[^\s"]+)/g, (c) => c.replace(FQDN, (name) => this.#other(name)));
  }

  #token(text: string, g: Readonly<Record<string, string | undefined>>): string {
    if (g.mac !== undefined) {
      const m = parseMac(g.mac);
      return m === null || !this.#macs.has(m) ? text : formatMac(this.mac(m));
    }
    const f = addressOf(g);
    if (!f || this.#renumber.left.has(text)) return text;
    const image = this.addr(f.from, f.len);
    const to = f.to === null ? '' : `-${formatAddr(this.addr(f.to))}`;
    // What stays keeps its spelling.
    return image === f.from && (f.to === null || this.addr(f.to) === f.to) ? text : `${formatAddr(image)}${to}${f.len === null ? '' : `/${f.len}`}`;
  }

  #hex(hex: string): string {
    const a = procAddress(hex);
    return this.addr(a) === a ? hex : procHex(this.addr(a));
  }

  #other(name: string): string {
    const known = this.#names.get(name) ?? `host${this.#names.size + 1}.example`;
    this.#names.set(name, known);
    return known;
  }

  notes(): string[] {
    const left = [...this.#renumber.left];
    const list = `${left.slice(0, 5).join(', ')}${left.length > 5 ? ', …' : ''}`;
    return left.length === 0 ? [] : [`left as they are, since they hold public and other addresses at once: ${list}`];
  }
}

/** A name of two labels or more. Bounded, since texts come from anywhere. */
const FQDN = /\b(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,10}[a-z]{2,63}\b/gi;

const embedded = (a: Addr): number | null => (typeof a !== 'number' && embedding.includes(a.slice(0, 6)) ? a.charCodeAt(6) * 65536 + a.charCodeAt(7) : null);

// --- /proc/net/tcp and the like: 32-bit words of a little-endian machine ---

const swapped = (hex: string): string => (hex.match(/../g) ?? []).reverse().join('');
const words = (hex: string): string[] => hex.match(/.{8}/g) ?? [];
function procAddress(hex: string): Addr {
  const v = words(hex).map((w) => Number.parseInt(swapped(w), 16));
  return v.length === 1 ? v[0] : v.map((w) => String.fromCharCode(w >>> 16, w & 0xffff)).join('');
}
function procHex(a: Addr): string {
  const hex = typeof a === 'number' ? a.toString(16).padStart(8, '0') : [...Array(8).keys()].map((i) => a.charCodeAt(i).toString(16).padStart(4, '0')).join('');
  return words(hex).map(swapped).join('').toUpperCase();
}
function procWords(text: string): { addr: Addr; bits: number; text: string }[] {
  if (!text.includes('local_address')) return [];
  return [...text.matchAll(/(?:^ *\d+: |:[0-9A-F]{4} )([0-9A-F]{8}|[0-9A-F]{32})(?=:[0-9A-F]{4} )/gm)].map((m) => ({
    addr: procAddress(m[1]),
    bits: m[1].length * 4,
    text: m[1],
  }));
}

// --- hosts ---

/** Words that texts are made of: a host that is called so is renamed in its own part alone. */
const WORDS =
  /^(?:accept|addr|all|any|bridge|comment|default|dev|drop|dst|eth\d+|filter|forward|host|input|link|lo|localhost|main|mangle|nat|node|none|output|proto|raw|route|scope|set|src|table|tcp|udp|veth|via|[a-z]{1,2})$/i;

/** Each host's name and its first label, the longest first, so that `node1.example.com` is not taken for `node1`. */
function hostNames(snapshots: readonly Snapshot[], names: readonly string[]): (readonly [RegExp, string])[] {
  const found = new Map<string, string>();
  for (const [i, s] of snapshots.entries()) {
    const host = partWord(s, 'hostname');
    if (host === null) continue;
    for (const word of [host, host.split('.')[0]]) if (!WORDS.test(word) && word.length > 2 && !found.has(word)) found.set(word, names[i]);
  }
  const order = [...found].sort(([a], [b]) => b.length - a.length || (a < b ? -1 : 1));
  return order.map(([word, name]) => [new RegExp(`(?<![\\w.-])${word.replace(/[^\w]/g, '\\$&')}(?![\\w-])`, 'g'), name]);
}

/** Matches that look at bytes: an address in them is not seen. */
function opaqueMatches(parts: readonly SnapshotPart[]): string[] {
  const names = ['u32', 'bpf', 'string'].filter((m) => parts.some((p) => /^ip6?tables/.test(p.name) && p.text.includes(`-m ${m} `)));
  return names.length === 0 ? [] : [`rules with -m ${names.join(', -m ')} are left as they are: they look at bytes, which may be those of an address`];
}
