/** What a member may carry besides its key (struct ip_set_ext): time, counters, comment, skbinfo, and the flags of net types. */
import { IpsetError } from './types.js';

export interface Ext {
  /** Seconds at which it expires, counted from the moment the set was given; 0 = never; null = the set has no timeouts. */
  readonly timeout: number | null;
  readonly packets: number;
  readonly bytes: number;
  readonly comment: string | null;
  readonly mark: number;
  readonly markMask: number;
  /** Major << 16 | minor. */
  readonly prio: number;
  readonly queue: number;
  readonly nomatch: boolean;
  /** The interface name is a prefix. */
  readonly wildcard: boolean;
  /** bitmap:ip,mac: null while unknown (the first packet fills it in). */
  readonly mac: number | null;
}

export const EMPTY_EXT: Ext = {
  timeout: null,
  packets: 0,
  bytes: 0,
  comment: null,
  mark: 0,
  markMask: 0,
  prio: 0,
  queue: 0,
  nomatch: false,
  wildcard: false,
  mac: null,
};

/** Which of them a set was created with. */
export interface ExtKinds {
  /** Default time-out in seconds, null = without. */
  readonly timeout: number | null;
  readonly counters: boolean;
  readonly comment: boolean;
  readonly skbinfo: boolean;
}

/** As `ipset save` prints them behind a member, with a leading blank each. `remaining`: seconds left, null = without. */
export function printExt(e: Ext, kinds: ExtKinds, remaining: number | null): string {
  let s = '';
  if (kinds.timeout !== null) s += ` timeout ${remaining ?? 0}`;
  if (e.nomatch) s += ' nomatch';
  if (e.wildcard) s += ' wildcard';
  if (kinds.counters) s += ` packets ${e.packets} bytes ${e.bytes}`;
  if (kinds.comment && e.comment !== null) s += ` comment "${e.comment}"`;
  if (kinds.skbinfo) {
    if (e.mark !== 0 || e.markMask !== 0) s += ` skbmark 0x${e.mark.toString(16)}${e.markMask === 0xffffffff ? '' : `/0x${e.markMask.toString(16)}`}`;
    if (e.prio !== 0) s += ` skbprio ${(e.prio >>> 16).toString(16)}:${(e.prio & 0xffff).toString(16)}`;
    if (e.queue !== 0) s += ` skbqueue ${e.queue}`;
  }
  return s;
}

/** Longest time-out that the tool takes: UINT_MAX / 2000 seconds. */
export const MAX_TIMEOUT = 2147483;

/** A number as libipset's string_to_number_ll takes it: decimal, 0x…, 0… octal. */
export function parseNumber(word: string, min: number, max: number): number {
  let v = Number.NaN;
  if (/^0[xX][0-9a-fA-F]+$/.test(word)) v = Number.parseInt(word, 16);
  else if (/^0[0-7]+$/.test(word)) v = Number.parseInt(word, 8);
  else if (/^[0-9]+$/.test(word)) v = Number.parseInt(word, 10);
  if (Number.isNaN(v)) throw new IpsetError('ipset-number', `Syntax error: '${word}' is invalid as number`, word);
  if (v < min || v > max) throw new IpsetError('ipset-range', `Syntax error: '${word}' is out of range ${min}-${max}`, word);
  return v;
}

/** Options of a member. Each takes the word behind it; `nomatch` and `wildcard` none. */
export interface ExtWords {
  readonly ext: Ext;
  /** Names of the options given. */
  readonly given: ReadonlySet<string>;
}

const parsers: ReadonlyMap<string, (word: string) => Partial<Ext>> = new Map<string, (word: string) => Partial<Ext>>([
  ['timeout', (w) => ({ timeout: parseNumber(w, 0, MAX_TIMEOUT) })],
  ['packets', (w) => ({ packets: parseNumber(w, 0, 2 ** 64) })],
  ['bytes', (w) => ({ bytes: parseNumber(w, 0, 2 ** 64) })],
  ['comment', (w) => ({ comment: parseComment(w) })],
  ['skbmark', parseSkbmark],
  ['skbprio', (w) => ({ prio: parseSkbprio(w) })],
  ['skbqueue', (w) => ({ queue: parseNumber(w, 0, 65535) })],
]);

function parseComment(w: string): string {
  if (w.includes('"')) throw new IpsetError('ipset-comment', 'Syntax error: " character is not permitted in comments', w);
  if (w.length > 255) throw new IpsetError('ipset-comment', 'Syntax error: Comment is longer than the maximum allowed 255 characters', w);
  return w;
}

function parseSkbmark(w: string): Partial<Ext> {
  const m = /^0[xX]([0-9a-fA-F]{1,8})(?:\/0[xX]([0-9a-fA-F]{1,8}))?$/.exec(w);
  if (!m) throw new IpsetError('ipset-skbmark', 'Syntax error: Invalid skbmark format, it should be:  MARK/MASK or MARK (see manpage)', w);
  return { mark: Number.parseInt(m[1], 16), markMask: m[2] === undefined ? 0xffffffff : Number.parseInt(m[2], 16) };
}

function parseSkbprio(w: string): number {
  const m = /^(?:0[xX])?([0-9a-fA-F]{1,4}):(?:0[xX])?([0-9a-fA-F]{1,4})$/.exec(w);
  if (!m) throw new IpsetError('ipset-skbprio', 'Syntax error: Invalid skbprio format, it should be:MAJOR:MINOR (see manpage)', w);
  return Number.parseInt(m[1], 16) * 65536 + Number.parseInt(m[2], 16);
}

const needs: readonly (readonly [readonly string[], (k: ExtKinds) => boolean, string])[] = [
  [['timeout'], (k) => k.timeout !== null, 'Timeout cannot be used: set was created without timeout support'],
  [['packets', 'bytes'], (k) => k.counters, 'Packet/byte counters cannot be used: set was created without counter support'],
  [['comment'], (k) => k.comment, 'Comment cannot be used: set was created without comment support'],
  [['skbmark', 'skbprio', 'skbqueue'], (k) => k.skbinfo, 'Skbinfo mapping cannot be used: set was created without skbinfo support'],
];

/**
 * The words behind a member in `add`. `flags` are the words without argument that the type takes.
 * Throws IpsetError with the tool's words; the kernel's own checks (support of the set) come last, as they do there.
 */
export function parseExt(words: readonly string[], kinds: ExtKinds, flags: readonly string[]): ExtWords {
  if (words.length === 0) return { ext: kinds.timeout === null ? EMPTY_EXT : defaultExt(kinds.timeout), given: NOTHING };
  const ext: { -readonly [K in keyof Ext]: Ext[K] } = { ...EMPTY_EXT, timeout: kinds.timeout };
  const given = new Set<string>();
  for (let i = 0; i < words.length; i++) {
    const name = words[i].startsWith('--') ? words[i].slice(2) : words[i];
    if (flags.includes(name)) {
      given.add(name);
      if (name === 'nomatch') ext.nomatch = true;
      else ext.wildcard = true;
      continue;
    }
    const parse = parsers.get(name);
    if (!parse) throw new IpsetError('ipset-option', `Unknown argument: \`${words[i]}'`, words[i]);
    if (i + 1 >= words.length) throw new IpsetError('ipset-option', `Missing mandatory argument of option \`${name}'`, words[i]);
    if (given.has(name)) throw new IpsetError('ipset-option', `Syntax error: ${name} already specified`, words[i]);
    given.add(name);
    Object.assign(ext, parse(words[++i]));
  }
  for (const [names, ok, message] of needs) {
    const used = names.find((n) => given.has(n));
    if (used !== undefined && !ok(kinds)) throw new IpsetError('ipset-extension', message, used);
  }
  if (ext.comment === '') ext.comment = null;
  return { ext, given };
}
const NOTHING: ReadonlySet<string> = new Set();

const defaults = new Map<number, Ext>();
/** The extension of a member added without words to a set with that default time-out; shared, so that many members cost no memory. */
export function defaultExt(timeout: number): Ext {
  let e = defaults.get(timeout);
  if (!e) {
    e = { ...EMPTY_EXT, timeout };
    if (defaults.size < 64) defaults.set(timeout, e);
  }
  return e;
}

/** What re-adding with -exist leaves of a member: counters that are not given stay, all else is new. */
export function mergeExt(w: ExtWords, old: Ext | null): Ext {
  if (!old) return w.ext;
  return { ...w.ext, packets: w.given.has('packets') ? w.ext.packets : old.packets, bytes: w.given.has('bytes') ? w.ext.bytes : old.bytes };
}
