/** Elements of sets and maps, and finding one by its key. */
import type { Scalar } from '../pred.js';
import { bitOr } from './bitwise.js';
import type { DataKind } from './set.js';
import { NftError, type NftToken, type NftTokens } from './tokens.js';
import { type NftType, nftDuration, typeNamed } from './types.js';

export interface PartRange {
  readonly lo: Scalar;
  readonly hi: Scalar;
}
export type NftVerdict = { readonly code: 'accept' | 'drop' | 'continue' | 'return' | 'queue' } | { readonly code: 'jump' | 'goto'; readonly chain: string };

export type ElementData =
  | {
      readonly kind: 'value';
      readonly types: readonly NftType[];
      readonly values: readonly Scalar[] /** Ends, where parts are ranges. */;
      readonly ends: readonly Scalar[];
    }
  | { readonly kind: 'verdict'; readonly verdict: NftVerdict }
  | { readonly kind: 'object'; readonly name: string };

export interface NftElement {
  /** Null: `*`, what no other element has. */
  readonly key: readonly PartRange[] | null;
  readonly data: ElementData | null;
  /** ms; null: that of the set. */
  readonly timeout: number | null;
  /** ms that were left when it was listed. */
  readonly expires: number | null;
  /** Statements of its own: `counter packets 1 bytes 60 limit rate 5/second`. */
  readonly statements: string;
}

/** `{ a, b-c, d/8, e . f : verdict }`. */
export function parseElements(t: NftTokens, key: readonly NftType[], data: DataKind | 'any'): readonly NftElement[] {
  t.expect('{');
  t.nested++;
  const out: NftElement[] = [];
  while (!t.is('}')) {
    out.push(element(t, key, data));
    if (!t.take(',') && !t.is('}')) throw new NftError(`“,” or “}” is expected, not “${t.peek().text}”`, t.peek());
  }
  t.nested--;
  t.expect('}');
  return out;
}

function element(t: NftTokens, key: readonly NftType[], data: DataKind | 'any'): NftElement {
  const of = t.take('*') ? null : keyParts(t, key, data !== null);
  const options: ElementOptions = { timeout: null, expires: null, statements: '' };
  elementOptions(t, options);
  if (data === null) return { key: of, data: null, ...options };
  t.expect(':');
  const value = elementData(t, data);
  elementOptions(t, options);
  return { key: of, data: value, ...options };
}

function keyParts(t: NftTokens, types: readonly NftType[], colon: boolean): readonly PartRange[] {
  const out: PartRange[] = [];
  do {
    const type = types[out.length];
    if (!type) throw new NftError('the key has more parts than the set', t.peek());
    out.push(rangeOf(t, type, colon && out.length === types.length - 1));
  } while (t.take('.'));
  if (out.length < types.length) throw new NftError(`the key has ${out.length} of ${types.length} parts`, t.peek());
  return out;
}

/** Longer than any value: names have up to 255 characters. */
const LONGEST_WORD = 512;
const LONGEST_PREFIX: Readonly<Record<string, number>> = { ipv4_addr: 32, ipv6_addr: 128 };

/** A value, `a-b`, `a/len`, `name*` or, of flags, `a | b`. `colon`: a value of a map may follow behind a colon without blanks. */
export function rangeOf(t: NftTokens, type: NftType, colon = false): PartRange {
  const token = t.peek();
  if (token.kind !== 'word' && token.kind !== 'string') throw new NftError(`${type.name} is expected`, token);
  t.next();
  const found = wordRange(token, type) ?? (colon ? beforeColon(t, token, type) : null);
  if (!found) throw new NftError(`“${token.text}” is no ${type.name}`, token);
  // `"10:00"-"12:00"`, `1 - 5`
  if (found.lo === found.hi && t.take('-')) return upTo(found.lo, t, type, colon);
  if (found.lo !== found.hi) return found;
  let { lo } = found;
  while (type.flags && t.take('|')) {
    const word = t.word(type.name);
    const more = type.parse(word.text);
    if (more === null) throw new NftError(`“${word.text}” is no ${type.name}`, word);
    lo = bitOr(lo, more);
  }
  return { lo, hi: lo };
}

function upTo(lo: Scalar, t: NftTokens, type: NftType, colon: boolean): PartRange {
  const token = t.next();
  const found = token.kind === 'word' || token.kind === 'string' ? (wordRange(token, type) ?? (colon ? beforeColon(t, token, type) : null)) : null;
  if (!found || found.lo !== found.hi || (found.lo < lo && type.name !== 'hour')) throw new NftError(`no range of ${type.name} ends at “${token.text}”`, token);
  return { lo, hi: found.lo };
}

function beforeColon(t: NftTokens, token: NftToken, type: NftType): PartRange | null {
  const at = token.text.lastIndexOf(':');
  const found = at > 0 ? wordRange({ ...token, text: token.text.slice(0, at) }, type) : null;
  if (found) t.split(token.from + at);
  return found;
}

export function wordRange({ text, kind }: NftToken, type: NftType): PartRange | null {
  if (text.length > LONGEST_WORD) return null;
  if (text.endsWith('\\*') && type.name === 'ifname') return { lo: `${text.slice(0, -2)}*`, hi: `${text.slice(0, -2)}*` };
  if (text.endsWith('*') && type.bits === 128 && type.name.startsWith('if')) return { lo: text.slice(0, -1), hi: `${text.slice(0, -1)}\uffff` };
  const whole = type.parse(text);
  if (whole !== null) return { lo: whole, hi: whole };
  if (kind === 'string') return null;
  const slash = text.indexOf('/');
  if (slash > 0) return prefixRange(text.slice(0, slash), text.slice(slash + 1), type);
  for (let at = text.indexOf('-', 1); at > 0; at = text.indexOf('-', at + 1)) {
    const [lo, hi] = [type.parse(text.slice(0, at)), type.parse(text.slice(at + 1))];
    if (lo !== null && hi !== null && lo <= hi) return { lo, hi };
  }
  return null;
}

function prefixRange(address: string, length: string, type: NftType): PartRange | null {
  const bits = LONGEST_PREFIX[type.name] ?? type.bits;
  const lo = type.parse(address);
  const len = /^\d{1,3}$/.test(length) ? Number(length) : -1;
  if (lo === null || len < 0 || len > bits || bits === 0) return null;
  if (typeof lo === 'number') {
    const size = 2 ** (bits - len);
    const from = Math.floor(lo / size) * size;
    return { lo: from, hi: from + size - 1 };
  }
  return { lo: masked6(lo, len, 0), hi: masked6(lo, len, 0xffff) };
}
/** The address with the bits behind the prefix all 0 or all 1. */
function masked6(a: string, len: number, fill: number): string {
  return String.fromCharCode(
    ...Array.from({ length: 8 }, (_, i) => {
      const kept = Math.min(16, Math.max(0, len - 16 * i));
      const mask = (0xffff << (16 - kept)) & 0xffff;
      return (a.charCodeAt(i) & mask) | (fill & ~mask & 0xffff);
    }),
  );
}

/** `timeout 1m expires 30s`, `comment "…"`, `counter packets 1 bytes 2`, `limit rate …`: before the value of a map or behind it. */
function elementOptions(t: NftTokens, o: ElementOptions): void {
  for (;;) {
    if (t.take('timeout')) o.timeout = nftDuration(t.word('a time').text);
    else if (t.take('expires')) o.expires = nftDuration(t.word('a time').text);
    else if (t.take('comment')) t.string('a comment');
    else if (t.is('counter', 'limit', 'quota', 'last', 'ct')) {
      const from = t.mark();
      while (!t.is(',', '}', ':', 'timeout', 'expires', 'comment') && t.peek().kind !== 'end') t.next();
      o.statements = `${o.statements} ${t.text.slice(from, t.mark())}`.trim();
    } else return;
  }
}
interface ElementOptions {
  timeout: number | null;
  expires: number | null;
  statements: string;
}

const VERDICTS = ['accept', 'drop', 'continue', 'return', 'queue'] as const;

/** A verdict that begins here; null: none does. */
export function parseVerdict(t: NftTokens): NftVerdict | null {
  for (const code of VERDICTS) if (t.take(code)) return { code };
  for (const code of ['jump', 'goto'] as const) if (t.take(code)) return { code, chain: t.string('the name of a chain') };
  return null;
}

/** Types that the values of a map in a rule are tried with, where nothing says which it is. */
const GUESSES = ['ipv4_addr', 'ipv6_addr', 'inet_service', 'mark', 'classid', 'ether_addr', 'dscp', 'ifname'];

function elementData(t: NftTokens, data: Exclude<DataKind, null> | 'any'): ElementData {
  if (data === 'verdict') {
    const verdict = parseVerdict(t);
    if (!verdict) throw new NftError(`“${t.peek().text}” is no verdict`, t.peek());
    return { kind: 'verdict', verdict };
  }
  if (data === 'object') return { kind: 'object', name: t.string('the name of an object') };
  const types: NftType[] = [];
  const parts: PartRange[] = [];
  do {
    const type = data === 'any' ? guessed(t.peek()) : data[parts.length];
    if (!type) throw new NftError('the value has more parts than the map', t.peek());
    types.push(type);
    parts.push(rangeOf(t, type));
  } while (t.take('.'));
  return { kind: 'value', types, values: parts.map((p) => p.lo), ends: parts.map((p) => p.hi) };
}
const guessed = (token: NftToken): NftType => {
  const name = token.kind === 'string' ? 'object' : (GUESSES.find((g) => wordRange(token, typeNamed(g)) !== null) ?? 'mark');
  return typeNamed(name === 'object' ? 'string' : name);
};

/** One text for the parts of a key. */
export const joined = (key: readonly Scalar[]): string => key.map((v) => (typeof v === 'number' ? `${v},` : `${v.length}:${v}`)).join('');

/** Elements by key. Ranges of a single part do not overlap; of several parts the first of the text that holds counts. */
export class SetIndex {
  readonly #exact = new Map<Scalar, NftElement>();
  readonly #ranges: NftElement[] = [];
  #catchAll: NftElement | null = null;
  readonly #single: boolean;

  constructor(elements: readonly NftElement[]) {
    this.#single = elements.every((e) => e.key === null || e.key.length === 1);
    for (const e of elements) {
      if (e.key === null) this.#catchAll = e;
      else if (e.key.every((p) => p.lo === p.hi)) this.#exact.set(this.#keyOf(e.key.map((p) => p.lo)), e);
      else this.#ranges.push(e);
    }
    if (this.#single) this.#ranges.sort((a, b) => (a.key![0].lo < b.key![0].lo ? -1 : 1));
  }

  #keyOf(key: readonly Scalar[]): Scalar {
    return key.length === 1 ? key[0] : joined(key);
  }

  find(key: readonly Scalar[]): NftElement | null {
    return this.#exact.get(this.#keyOf(key)) ?? (this.#single ? this.#interval(key[0]) : this.#among(key)) ?? this.#catchAll;
  }
  #among(key: readonly Scalar[]): NftElement | undefined {
    return this.#ranges.find((e) => e.key!.every((p, i) => p.lo <= key[i] && key[i] <= p.hi));
  }
  #interval(v: Scalar): NftElement | undefined {
    let lo = 0;
    let hi = this.#ranges.length;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (this.#ranges[mid].key![0].lo <= v) lo = mid + 1;
      else hi = mid;
    }
    const e = this.#ranges[lo - 1];
    return e && v <= e.key![0].hi ? e : undefined;
  }
}
