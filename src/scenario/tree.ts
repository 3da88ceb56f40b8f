/**
 * YAML as a small tree whose every value keeps the place it was written at, also after one file was laid over another (`extends:`). yaml.ts makes it of a text.
 */
import type { Span } from '../base/diagnostic.js';

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
