/** Connection table texts: `conntrack -L [-o extended]` (libnetfilter_conntrack's snprintf) and /proc/net/nf_conntrack. */
import { type Addr, type Family, formatAddr, parseAddr } from '../base/addr.js';
import { type Parsed, Reporter } from '../base/diagnostic.js';
import { DEFAULT_ZONE, type Zone } from '../netfilter/conntrack/conn.js';
import type { CtEntry } from '../netfilter/conntrack/entry.js';
import { SCTP_STATE_NAMES } from '../netfilter/conntrack/sctp.js';
import { TCP_STATE_NAMES } from '../netfilter/conntrack/tcp-states.js';
import { IPPROTO } from '../packet/skb.js';
import type { Tuple } from '../packet/types.js';
import { linesOf, parseNumber, type Word, Words, wordsOf } from './tokens.js';

/** 'proc' is /proc/net/nf_conntrack: IPv6 in full, zone always, use one higher. */
export type ConntrackStyle = 'list' | 'extended' | 'proc';

const NAMES = new Map<number, string>([
  [IPPROTO.TCP, 'tcp'],
  [IPPROTO.UDP, 'udp'],
  [IPPROTO.UDPLITE, 'udplite'],
  [IPPROTO.SCTP, 'sctp'],
  [IPPROTO.DCCP, 'dccp'],
  [IPPROTO.GRE, 'gre'],
  [IPPROTO.ICMP, 'icmp'],
  [IPPROTO.ICMPV6, 'icmpv6'],
]);
/** Name of a protocol in entries: the kernel has none for DCCP any more, the tool still has. */
export const protoName = (proto: number, style: ConntrackStyle = 'list'): string =>
  style === 'proc' && proto === IPPROTO.DCCP ? 'unknown' : (NAMES.get(proto) ?? 'unknown');
const L3NUM: Readonly<Record<Family, number>> = { ipv4: 2, ipv6: 10 };

function addrText(a: Addr, style: ConntrackStyle): string {
  if (typeof a === 'number' || style !== 'proc') return formatAddr(a);
  return Array.from({ length: 8 }, (_, i) => a.charCodeAt(i).toString(16).padStart(4, '0')).join(':');
}

function tupleWords(t: Tuple, style: ConntrackStyle): string {
  const addrs = `src=${addrText(t.src, style)} dst=${addrText(t.dst, style)}`;
  switch (protoName(t.proto, style)) {
    case 'unknown':
      return addrs;
    case 'icmp':
    case 'icmpv6':
      return `${addrs} type=${t.dport >>> 8} code=${t.dport & 255} id=${t.sport}`;
    case 'gre':
      return `${addrs} srckey=0x${t.sport.toString(16)} dstkey=0x${t.dport.toString(16)}`;
    default:
      return `${addrs} sport=${t.sport} dport=${t.dport}`;
  }
}

const column = (name: string, num: number): string => `${name.padEnd(8)} ${num}`;

/** One line without its newline. */
export function formatEntry(e: CtEntry, style: ConntrackStyle = 'list'): string {
  const counters = (d: 0 | 1): string[] => (e.acct ? [`packets=${e.acct.packets[d]}`, `bytes=${e.acct.bytes[d]}`] : []);
  const words = [
    ...(style === 'list' ? [] : [column(e.orig.family, L3NUM[e.orig.family])]),
    column(protoName(e.orig.proto, style), e.orig.proto),
    `${e.timeout}`,
    ...(style === 'proc' && e.orig.proto === IPPROTO.GRE ? ['timeout=30,', 'stream_timeout=180'] : []),
    ...(e.state === null ? [] : [e.state]),
    tupleWords(e.orig, style),
    ...(e.zone.id !== 0 && e.zone.dir === 'orig' ? [`zone-orig=${e.zone.id}`] : []),
    ...counters(0),
    ...(e.unreplied ? ['[UNREPLIED]'] : []),
    tupleWords(e.reply, style),
    ...(e.zone.id !== 0 && e.zone.dir === 'reply' ? [`zone-reply=${e.zone.id}`] : []),
    ...counters(1),
    ...(e.assured ? ['[ASSURED]'] : []),
    `mark=${e.mark >>> 0}`,
    ...(e.secctx === null ? [] : [`secctx=${e.secctx}`]),
    ...(e.zone.dir === 'both' && (e.zone.id !== 0 || style === 'proc') ? [`zone=${e.zone.id}`] : []),
    `use=${style === 'proc' ? e.use + 1 : e.use}`,
    ...(e.helper !== null && style !== 'proc' ? [`helper=${e.helper}`] : []),
  ];
  return words.join(' ');
}

export function formatEntries(entries: Iterable<CtEntry>, style: ConntrackStyle = 'list'): string {
  let out = '';
  for (const e of entries) out += `${formatEntry(e, style)}\n`;
  return out;
}

/** What a direction's words say. */
interface Half {
  src: Addr | null;
  dst: Addr | null;
  sport: number;
  dport: number;
  packets: number | null;
  bytes: number | null;
}
const emptyHalf = (): Half => ({ src: null, dst: null, sport: 0, dport: 0, packets: null, bytes: null });

interface Draft {
  proto: number;
  timeout: number;
  state: string | null;
  readonly half: [Half, Half];
  /** Which direction the next words are about. */
  at: 0 | 1;
  unreplied: boolean;
  assured: boolean;
  mark: number;
  zone: Zone;
  secctx: string | null;
  helper: string | null;
  use: number;
}

const number =
  (max: number) =>
  (t: string): number | null => {
    const n = parseNumber(t);
    return n === null || n > max ? null : n;
  };
const u16 = number(0xffff);
const u8 = number(255);
const u32 = number(0xffffffff);

type Setter = (d: Draft, value: string) => boolean;
/** A number into a field of the direction at hand. */
const half =
  (parse: (t: string) => number | null, put: (h: Half, v: number) => void): Setter =>
  (d, value) => {
    const v = parse(value);
    if (v === null) return false;
    put(d.half[d.at], v);
    return true;
  };
const whole =
  (put: (d: Draft, v: number) => void): Setter =>
  (d, value) => {
    const v = u32(value);
    if (v === null) return false;
    put(d, v);
    return true;
  };
const zone =
  (dir: Zone['dir']): Setter =>
  (d, value) => {
    const id = u16(value);
    if (id === null) return false;
    if (id !== 0) d.zone = { id, dir };
    return true;
  };

const text =
  (put: (d: Draft, v: string) => void): Setter =>
  (d, value) => {
    put(d, value);
    return true;
  };

const KEYS = new Map<string, Setter>([
  ['sport', half(u16, (h, v) => void (h.sport = v))],
  ['dport', half(u16, (h, v) => void (h.dport = v))],
  ['type', half(u8, (h, v) => void (h.dport = (h.dport & 255) | (v << 8)))],
  ['code', half(u8, (h, v) => void (h.dport = (h.dport & 0xff00) | v))],
  ['id', half(u32, (h, v) => void (h.sport = v & 0xffff))],
  ['srckey', half(u32, (h, v) => void (h.sport = v & 0xffff))],
  ['dstkey', half(u32, (h, v) => void (h.dport = v & 0xffff))],
  ['packets', half(number(Number.MAX_SAFE_INTEGER), (h, v) => void (h.packets = v))],
  ['bytes', half(number(Number.MAX_SAFE_INTEGER), (h, v) => void (h.bytes = v))],
  ['mark', whole((d, v) => void (d.mark = v))],
  ['use', whole((d, v) => void (d.use = v))],
  ['zone', zone('both')],
  ['zone-orig', zone('orig')],
  ['zone-reply', zone('reply')],
  ['secctx', text((d, v) => void (d.secctx = v))],
  ['helper', text((d, v) => void (d.helper = v))],
]);
/** Words that carry nothing the table needs: ids, labels, time stamps, GRE's time-outs. */
const IGNORED: ReadonlySet<string> = new Set(['labels', 'delta-time', 'start', 'stop', 'secmark', 'timeout', 'stream_timeout', 'orig_l4proto', 'repl_l4proto']);

const looksLikeKey = (w: string): boolean => /^[a-z_-]+=/.test(w);

class EntryReader {
  readonly #words: Words;
  readonly #draft: Draft = {
    proto: 0,
    timeout: 0,
    state: null,
    half: [emptyHalf(), emptyHalf()],
    at: 0,
    unreplied: false,
    assured: false,
    mark: 0,
    zone: DEFAULT_ZONE,
    secctx: null,
    helper: null,
    use: 1,
  };
  #ok = true;
  constructor(
    words: readonly Word[],
    readonly reporter: Reporter,
    readonly line: number,
  ) {
    this.#words = new Words(words, reporter, line);
  }

  #fail(w: Word | undefined, code: string, message: string): void {
    this.#ok = false;
    this.reporter.error(code, message, this.line, w?.column ?? 1, w?.text.length ?? 0, 'expected what `conntrack -L` or /proc/net/nf_conntrack prints');
  }

  read(): CtEntry | null {
    const extended = this.#words.peek() === 'ipv4' || this.#words.peek() === 'ipv6';
    if (extended) {
      this.#words.next();
      this.#words.next();
    }
    const proto = this.#headNumber('a protocol name and number', true, 255);
    const timeout = this.#headNumber('a time-out in seconds', false, 0xffffffff);
    if (proto === null || timeout === null) return null;
    this.#draft.proto = proto;
    this.#draft.timeout = timeout;
    this.#state(proto);
    while (this.#ok && !this.#words.done) this.#word();
    return this.#ok ? this.#finish() : null;
  }

  #headNumber(what: string, named: boolean, max: number): number | null {
    if (named) this.#words.next();
    const w = this.#words.next();
    const n = w ? number(max)(w.text) : null;
    if (n === null) this.#fail(w, 'bad-conntrack-entry', `${what} is missing`);
    return n;
  }

  #state(proto: number): void {
    const w = this.#words.peek();
    if (w === undefined || looksLikeKey(w) || w.startsWith('[')) return;
    const names: readonly string[] = proto === IPPROTO.TCP ? TCP_STATE_NAMES : proto === IPPROTO.SCTP ? SCTP_STATE_NAMES : [];
    const word = this.#words.next();
    // LISTEN is what the tools call the state behind CLOSE that nothing uses any more.
    if (names.includes(w) || (proto === IPPROTO.TCP && w === 'LISTEN')) this.#draft.state = w === 'LISTEN' ? 'SYN_SENT2' : w;
    else this.#fail(word, 'bad-conntrack-entry', `“${w}” is no connection state of protocol ${proto}`);
  }

  #word(): void {
    const w = this.#words.next();
    if (!w) return;
    if (w.text.startsWith('[')) {
      this.#flag(w);
      return;
    }
    const eq = w.text.indexOf('=');
    const key = eq < 0 ? '' : w.text.slice(0, eq);
    const value = w.text.slice(eq + 1);
    if (key === 'src' || key === 'dst') {
      this.#address(w, key, value);
      return;
    }
    const set = KEYS.get(key);
    if (set) {
      if (!set(this.#draft, value)) this.#fail(w, 'bad-number', `“${value}” is no value of ${key}`);
    } else if (!IGNORED.has(key)) this.reporter.warning('unknown-word', `“${w.text}” is not known here and left out`, this.line, w.column, w.text.length);
  }

  #flag(w: Word): void {
    if (w.text === '[UNREPLIED]') {
      this.#draft.unreplied = true;
      this.#draft.at = 1;
    } else if (w.text === '[ASSURED]') this.#draft.assured = true;
    else if (w.text !== '[OFFLOAD]' && w.text !== '[HW_OFFLOAD]')
      this.reporter.warning('unknown-word', `“${w.text}” is not known here and left out`, this.line, w.column, w.text.length);
  }

  /** The second `src=` starts the reply direction. */
  #address(w: Word, key: 'src' | 'dst', value: string): void {
    const a = parseAddr(value);
    if (a === null) {
      this.#fail(w, 'bad-address', `“${value}” is not an address`);
      return;
    }
    if (this.#draft.half[this.#draft.at][key] !== null) {
      if (this.#draft.at === 1) {
        this.#fail(w, 'bad-conntrack-entry', `a third ${key}=`);
        return;
      }
      this.#draft.at = 1;
    }
    this.#draft.half[this.#draft.at][key] = a;
  }

  #finish(): CtEntry | null {
    const d = this.#draft;
    const orig = this.#tuple(d.half[0]);
    const reply = this.#tuple(d.half[1]);
    if (!orig || !reply || orig.family !== reply.family) {
      this.#fail(undefined, 'bad-conntrack-entry', 'an entry has two directions with src= and dst= of one family each');
      return null;
    }
    const [a, b] = d.half;
    const acct = a.packets === null || b.packets === null ? null : { packets: [a.packets, b.packets] as const, bytes: [a.bytes ?? 0, b.bytes ?? 0] as const };
    const { timeout, state, unreplied, assured, mark, zone: z, secctx, helper, use } = d;
    return { orig, reply, timeout, state, unreplied, assured, mark, zone: z, acct, secctx, helper, use };
  }

  #tuple(h: Half): Tuple | null {
    if (h.src === null || h.dst === null || typeof h.src !== typeof h.dst) return null;
    return { family: typeof h.src === 'number' ? 'ipv4' : 'ipv6', src: h.src, dst: h.dst, proto: this.#draft.proto, sport: h.sport, dport: h.dport };
  }
}

/** Reads any of the texts, one entry a line; the tool's closing line (`conntrack v1.4.7 (…): 5 flow entries have been shown.`) and empty lines are passed over. */
export function readConntrack(text: string, file = 'conntrack'): Parsed<readonly CtEntry[]> {
  const reporter = new Reporter(file, text);
  const value: CtEntry[] = [];
  for (const line of linesOf(text)) {
    const words = wordsOf(line);
    if (words.length === 0 || /flow entries have been/.test(line.text) || words[0].text.startsWith('#')) continue;
    const e = new EntryReader(words, reporter, line.number).read();
    if (e) value.push(e);
  }
  return { value, diagnostics: reporter.diagnostics };
}
