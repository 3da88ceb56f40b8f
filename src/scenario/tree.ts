/**
 * YAML as a small tree whose every value keeps the place it was written at, also after one file was laid over another (`extends:`).
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, Scalar, stringify } from 'yaml';
import { type Diagnostic, Reporter, type Span } from '../base/diagnostic.js';

export interface Entry {
  readonly key: string;
  readonly keySpan: Span;
  readonly value: Tree;
}
export type Tree =
  | { readonly t: 'map'; readonly span: Span; readonly entries: readonly Entry[] }
  | { readonly t: 'seq'; readonly span: Span; readonly items: readonly Tree[] }
  | {
      readonly t: 'scalar';
      readonly span: Span;
      readonly value: string | number | boolean | null;
      /** As written (`6.10` is not 6.1). */
      readonly source: string;
      /** Where the first line of a block scalar's text stands, and how far it is indented; null for others. */
      readonly block: { readonly line: number; readonly indent: number } | null;
    };

const MAX_NODES = 200_000;
const MAX_SYNTAX_ERRORS = 10;

/** Parses one file. Null when nothing can be read; YAML errors are reported as `yaml-syntax`. */
export function parseTree(text: string, file: string): { tree: Tree | null; diagnostics: readonly Diagnostic[] } {
  const reporter = new Reporter(file, text);
  const lines = new LineCounter();
  const doc = parseDocument(text, { lineCounter: lines, uniqueKeys: true, version: '1.2' });
  // One slip of the pen makes many errors below it.
  for (const e of doc.errors.slice(0, MAX_SYNTAX_ERRORS)) {
    const at = e.linePos?.[0] ?? { line: 1, col: 1 };
    reporter.error('yaml-syntax', e.message.split('\n')[0].replace(/ at line \d+, column \d+:?$/, ''), at.line, at.col, 1);
  }
  if (doc.errors.length > 0 || !doc.contents) {
    if (doc.errors.length === 0) reporter.error('yaml-empty', 'the file is empty', 1, 1, 0, 'a scenario starts with “version: 1”');
    return { tree: null, diagnostics: reporter.diagnostics };
  }
  const builder = new Builder(text, file, lines, reporter, (n) => (isAlias(n) ? n.resolve(doc) : n) as Node | undefined);
  return { tree: builder.node(doc.contents as Node, 0), diagnostics: reporter.diagnostics };
}

class Builder {
  #count = 0;
  constructor(
    readonly text: string,
    readonly file: string,
    readonly lines: LineCounter,
    readonly reporter: Reporter,
    readonly resolve: (n: Node) => Node | undefined,
  ) {}

  span(n: { range?: readonly [number, number, number] | null }): Span {
    const [from, to] = n.range ?? [0, 0];
    const at = this.lines.linePos(from);
    const end = this.text.indexOf('\n', from);
    return { file: this.file, line: Math.max(1, at.line), column: Math.max(1, at.col), length: Math.max(1, Math.min(to, end < 0 ? to : end) - from) };
  }

  node(given: Node | null, depth: number): Tree {
    const nowhere: Span = { file: this.file, line: 1, column: 1, length: 0 };
    const n = given ? this.resolve(given) : undefined;
    if (!n) return { t: 'scalar', span: given ? this.span(given) : nowhere, value: null, source: '', block: null };
    if (++this.#count > MAX_NODES || depth > 50) {
      const s = this.span(n);
      if (this.#count <= MAX_NODES + 1) this.reporter.error('yaml-too-large', 'too large or nested too deep', s.line, s.column, 1);
      return { t: 'scalar', span: s, value: null, source: '', block: null };
    }
    if (isMap(n)) {
      const entries = n.items.map((pair): Entry => {
        const key = pair.key as Node;
        const text = isScalar(key) ? (key.source ?? String(key.value)) : String(key);
        const value = this.node(pair.value as Node | null, depth + 1);
        return { key: text, keySpan: this.span(key), value };
      });
      return { t: 'map', span: this.span(n), entries };
    }
    if (isSeq(n)) return { t: 'seq', span: this.span(n), items: n.items.map((i) => this.node(i as Node, depth + 1)) };
    return isScalar(n) ? this.#scalar(n) : { t: 'scalar', span: this.span(n), value: null, source: '', block: null };
  }

  #scalar(n: Scalar): Tree {
    const raw = n.value;
    const value = typeof raw === 'string' || typeof raw === 'number' || typeof raw === 'boolean' ? raw : raw === null || raw === undefined ? null : String(raw);
    const span = this.span(n);
    let block: { line: number; indent: number } | null = null;
    if (n.type === Scalar.BLOCK_LITERAL || n.type === Scalar.BLOCK_FOLDED) {
      const start = this.text.indexOf('\n', n.range?.[0] ?? 0) + 1;
      const indent = /^(?:[ \t]*\n)*( *)/.exec(this.text.slice(start))?.[1].length ?? 0;
      block = { line: span.line + 1, indent };
    }
    return { t: 'scalar', span, value, source: n.source ?? String(value ?? ''), block };
  }
}

/** The value behind a key of a map. */
export function child(tree: Tree | undefined, key: string): Tree | undefined {
  return tree?.t === 'map' ? tree.entries.find((e) => e.key === key)?.value : undefined;
}

/** The value at a path of keys and indexes, as far as it goes. */
export function at(tree: Tree, path: readonly PropertyKey[]): Tree {
  let t = tree;
  for (const p of path) {
    const next = t.t === 'map' ? child(t, String(p)) : t.t === 'seq' ? t.items[Number(p)] : undefined;
    if (!next) break;
    t = next;
  }
  return t;
}

/** A value that is no text, as a tree; every place in it is the same. Keys that are undefined are not there. */
export function treeOf(value: unknown, span: Span): Tree {
  if (Array.isArray(value)) return { t: 'seq', span, items: value.map((v) => treeOf(v, span)) };
  if (typeof value === 'object' && value !== null)
    return { t: 'map', span, entries: Object.entries(value).flatMap(([key, v]) => (v === undefined ? [] : [{ key, keySpan: span, value: treeOf(v, span) }])) };
  const scalar = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
  return { t: 'scalar', span, value: scalar, source: scalar === null ? '' : String(scalar), block: null };
}

/** The YAML that says the same, for diagnostics that show lines. */
export const yamlOf = (value: unknown): string => stringify(value, { lineWidth: 0 });

/** The plain value. `__proto__` and the like stay own keys. */
export function plain(tree: Tree): unknown {
  if (tree.t === 'map') return Object.fromEntries(tree.entries.map((e) => [e.key, plain(e.value)]));
  if (tree.t === 'seq') return tree.items.map(plain);
  return tree.value;
}

const nameOf = (t: Tree): string | null => {
  const n = child(t, 'name');
  return n?.t === 'scalar' ? n.source : null;
};

const isRemoval = (t: Tree): boolean => {
  const r = child(t, 'remove');
  return r?.t === 'scalar' && r.value === true;
};

/**
 * `over` laid over `base` (`extends:`): maps are merged key by key, `key: null` takes a key away; lists whose entries all have names (packets) are
 * merged by name, `remove: true` takes one away, entries with new names come last; every other list and every scalar is replaced.
 */
export function overlay(base: Tree, over: Tree): Tree {
  if (base.t === 'map' && over.t === 'map') {
    const entries: Entry[] = [];
    for (const b of base.entries) {
      const o = over.entries.find((e) => e.key === b.key);
      if (!o) entries.push(b);
      else if (!(o.value.t === 'scalar' && o.value.value === null)) entries.push({ ...o, value: overlay(b.value, o.value) });
    }
    for (const o of over.entries) if (!base.entries.some((b) => b.key === o.key) && !(o.value.t === 'scalar' && o.value.value === null)) entries.push(o);
    return { ...over, entries };
  }
  if (base.t === 'seq' && over.t === 'seq' && over.items.length > 0 && [...base.items, ...over.items].every((i) => nameOf(i) !== null)) {
    const items: Tree[] = [];
    for (const b of base.items) {
      const o = over.items.find((i) => nameOf(i) === nameOf(b));
      if (!o) items.push(b);
      else if (!isRemoval(o)) items.push(overlay(b, o));
    }
    for (const o of over.items) if (!base.items.some((b) => nameOf(b) === nameOf(o))) items.push(o);
    return { ...over, items };
  }
  return over;
}
