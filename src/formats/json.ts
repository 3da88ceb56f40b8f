/**
 * JSON as `ip -j`, `bridge -j` and `nft -j` print it, with the place of every value kept, so that a wrong address inside a dump is reported where it stands.
 * RFC 8259; additionally several documents one behind the other, as concatenated dumps have them, are refused with a located error.
 */
import type { Reporter } from '../base/diagnostic.js';

export type JsonNode =
  | { readonly t: 'object'; readonly at: number; readonly end: number; readonly entries: readonly JsonEntry[] }
  | { readonly t: 'array'; readonly at: number; readonly end: number; readonly items: readonly JsonNode[] }
  | { readonly t: 'string'; readonly at: number; readonly end: number; readonly value: string }
  | { readonly t: 'number'; readonly at: number; readonly end: number; readonly value: number; readonly text: string }
  | { readonly t: 'literal'; readonly at: number; readonly end: number; readonly value: boolean | null };
export interface JsonEntry {
  readonly key: string;
  readonly at: number;
  readonly node: JsonNode;
}

const MAX_DEPTH = 64;

class JsonError extends Error {
  constructor(
    message: string,
    readonly at: number,
  ) {
    super(message);
  }
}

/** True if the text looks like a JSON document rather than what the tool prints for people. */
export function looksLikeJson(text: string): boolean {
  const c = /^\s*(.)/.exec(text)?.[1];
  return c === '[' || c === '{';
}

/** Line and column (from 1) of an offset. */
export function placeOf(text: string, at: number): { line: number; column: number } {
  let line = 1;
  let start = 0;
  for (let i = text.indexOf('\n'); i >= 0 && i < at; i = text.indexOf('\n', i + 1)) {
    line++;
    start = i + 1;
  }
  return { line, column: at - start + 1 };
}

/** The document, or null after reporting `json-syntax`. An empty text is an empty array, as `ip -j` prints nothing for nothing. */
function parseJson(text: string, reporter: Reporter): JsonNode | null {
  if (/^\s*$/.test(text)) return { t: 'array', at: 0, end: 0, items: [] };
  try {
    return new JsonParser(text).document();
  } catch (e) {
    if (!(e instanceof JsonError)) throw e;
    const p = placeOf(text, e.at);
    reporter.error('json-syntax', e.message, p.line, p.column, 1, 'this file must hold what the tool prints with -j, whole');
    return null;
  }
}

class JsonParser {
  #i = 0;
  constructor(readonly text: string) {}

  document(): JsonNode {
    const node = this.#value(0);
    this.#blanks();
    if (this.#i < this.text.length) throw new JsonError('something stands behind the end of the JSON document', this.#i);
    return node;
  }

  #blanks(): void {
    for (;;) {
      const c = this.text.charCodeAt(this.#i);
      if (c !== 32 && c !== 10 && c !== 13 && c !== 9) return;
      this.#i++;
    }
  }

  #value(depth: number): JsonNode {
    if (depth > MAX_DEPTH) throw new JsonError('nested too deep', this.#i);
    this.#blanks();
    const at = this.#i;
    const c = this.text[at];
    if (c === '{') return this.#object(depth);
    if (c === '[') return this.#array(depth);
    if (c === '"') {
      const value = this.#string();
      return { t: 'string', at, end: this.#i, value };
    }
    for (const [word, value] of [
      ['true', true],
      ['false', false],
      ['null', null],
    ] as const) {
      if (this.text.startsWith(word, at)) {
        this.#i += word.length;
        return { t: 'literal', at, end: this.#i, value };
      }
    }
    return this.#number();
  }

  #number(): JsonNode {
    const re = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
    re.lastIndex = this.#i;
    const m = re.exec(this.text);
    if (!m) throw new JsonError(this.#i >= this.text.length ? 'the JSON document ends in the middle' : 'not a JSON value', this.#i);
    const at = this.#i;
    this.#i += m[0].length;
    return { t: 'number', at, end: this.#i, value: Number(m[0]), text: m[0] };
  }

  #string(): string {
    const at = this.#i;
    let i = at + 1;
    for (;;) {
      const c = this.text.charCodeAt(i);
      if (Number.isNaN(c) || c === 10) throw new JsonError('a string without its closing quote', at);
      if (c === 34) break;
      i += c === 92 ? 2 : 1;
    }
    this.#i = i + 1;
    const raw = this.text.slice(at, i + 1);
    if (!raw.includes('\\')) return raw.slice(1, -1);
    try {
      return JSON.parse(raw) as string;
    } catch {
      throw new JsonError('a string with a wrong escape', at);
    }
  }

  #array(depth: number): JsonNode {
    const at = this.#i++;
    const items: JsonNode[] = [];
    this.#blanks();
    if (this.text[this.#i] === ']') this.#i++;
    else
      for (;;) {
        items.push(this.#value(depth + 1));
        this.#blanks();
        const c = this.text[this.#i];
        if (c !== ',' && c !== ']') throw new JsonError('a comma or ] is missing', this.#i);
        this.#i++;
        if (c === ']') break;
      }
    return { t: 'array', at, end: this.#i, items };
  }

  #object(depth: number): JsonNode {
    const at = this.#i++;
    const entries: JsonEntry[] = [];
    this.#blanks();
    if (this.text[this.#i] === '}') this.#i++;
    else
      for (;;) {
        this.#blanks();
        const keyAt = this.#i;
        if (this.text[keyAt] !== '"') throw new JsonError('a key in quotes is missing', keyAt);
        const key = this.#string();
        this.#blanks();
        if (this.text[this.#i] !== ':') throw new JsonError('a colon is missing', this.#i);
        this.#i++;
        entries.push({ key, at: keyAt, node: this.#value(depth + 1) });
        this.#blanks();
        const c = this.text[this.#i];
        if (c !== ',' && c !== '}') throw new JsonError('a comma or } is missing', this.#i);
        this.#i++;
        if (c === '}') break;
      }
    return { t: 'object', at, end: this.#i, entries };
  }
}

/** The plain value. Objects own their keys whatever these are called (`__proto__` too). */
function jsonValue(node: JsonNode): unknown {
  if (node.t === 'object') return Object.fromEntries(node.entries.map((e) => [e.key, jsonValue(e.node)]));
  if (node.t === 'array') return node.items.map(jsonValue);
  return node.value;
}

/** Reading the fields of one JSON object; what is wrong is reported where it stands and read as if it were not there. */
export class JsonFields {
  readonly #fields = new Map<string, JsonNode>();
  readonly #used = new Set<string>();
  constructor(
    readonly node: JsonNode,
    readonly text: string,
    readonly reporter: Reporter,
  ) {
    if (node.t === 'object') for (const e of node.entries) this.#fields.set(e.key, e.node);
  }

  has(key: string): boolean {
    return this.#fields.has(key);
  }
  get(key: string): JsonNode | undefined {
    this.#used.add(key);
    return this.#fields.get(key);
  }
  /** Fields not asked for so far, in the order of the text. */
  rest(): [string, unknown][] {
    return [...this.#fields].filter(([k]) => !this.#used.has(k)).map(([k, n]) => [k, jsonValue(n)]);
  }

  error(code: string, message: string, node: JsonNode = this.node, hint?: string): void {
    const p = placeOf(this.text, node.at);
    const length = node.t === 'object' || node.t === 'array' ? 1 : node.end - node.at;
    this.reporter.report('error', code, message, p.line, p.column, length, hint);
  }
  #wrong(key: string, node: JsonNode, wanted: string): null {
    const p = placeOf(this.text, node.at);
    this.reporter.error(
      'json-type',
      `“${key}” must be ${wanted}`,
      p.line,
      p.column,
      Math.max(1, node.t === 'object' || node.t === 'array' ? 1 : node.end - node.at),
    );
    return null;
  }

  string(key: string): string | null {
    const n = this.get(key);
    if (!n) return null;
    return n.t === 'string' ? n.value : this.#wrong(key, n, 'a string');
  }
  number(key: string): number | null {
    const n = this.get(key);
    if (!n) return null;
    return n.t === 'number' ? n.value : this.#wrong(key, n, 'a number');
  }
  /** true also for `"flag": null`, as iproute2 prints some flags. */
  flag(key: string): boolean {
    const n = this.get(key);
    if (!n) return false;
    if (n.t === 'literal') return n.value !== false;
    this.#wrong(key, n, 'true or false');
    return false;
  }
  strings(key: string): string[] {
    const n = this.get(key);
    if (!n) return [];
    if (n.t === 'array' && n.items.every((x) => x.t === 'string')) return n.items.map((x) => (x as { value: string }).value);
    this.#wrong(key, n, 'a list of strings');
    return [];
  }
  /** The fields of a nested object; null where there is none. */
  object(key: string): JsonFields | null {
    const n = this.get(key);
    if (!n) return null;
    if (n.t === 'object') return new JsonFields(n, this.text, this.reporter);
    this.#wrong(key, n, 'an object');
    return null;
  }
  /** The objects of a nested list. */
  objects(key: string): JsonFields[] {
    const n = this.get(key);
    if (!n) return [];
    if (n.t === 'array' && n.items.every((x) => x.t === 'object'))
      return n.items.filter((x) => x.t === 'object' && x.entries.length > 0).map((x) => new JsonFields(x, this.text, this.reporter));
    this.#wrong(key, n, 'a list of objects');
    return [];
  }
  /** A required string; null after reporting `json-missing`. */
  need(key: string): string | null {
    if (!this.has(key)) {
      const p = placeOf(this.text, this.node.at);
      this.reporter.error('json-missing', `this entry has no “${key}”`, p.line, p.column, 1, 'this file must hold what the tool prints with -j, whole');
      return null;
    }
    return this.string(key);
  }
  /** A value in a grammar of its own: `parse` yields null for what it does not take, and `code` is reported there. */
  parsed<T>(key: string, parse: (text: string) => T | null, code: string, what: string): T | null {
    const s = this.string(key);
    if (s === null) return null;
    const v = parse(s);
    if (v === null) this.error(code, `“${s}” is not ${what}`, this.#fields.get(key));
    return v;
  }
}

/** The entries of a JSON list of objects (as every `-j` dump is); other items are reported. */
export function jsonEntries(text: string, reporter: Reporter): JsonFields[] {
  const root = parseJson(text, reporter);
  if (!root) return [];
  const items = root.t === 'array' ? root.items : [root];
  const out: JsonFields[] = [];
  for (const item of items) {
    const fields = new JsonFields(item, text, reporter);
    if (item.t !== 'object') fields.error('json-type', 'a list of objects is expected here', item);
    // `ip -j` puts an empty object in the place of an entry it filtered out.
    else if (item.entries.length > 0) out.push(fields);
  }
  return out;
}
