/** Memoisation on object identity: with immer's structural sharing this *is* the incremental compiler (design.md, idea 5). */
export function memoByIdentity<K extends object, V>(compute: (key: K) => V): (key: K) => V {
  const cache = new WeakMap<K, { v: V }>();
  return (key) => {
    const hit = cache.get(key);
    if (hit) return hit.v;
    const v = compute(key);
    cache.set(key, { v });
    return v;
  };
}

/** The same for a pair of objects. */
export function memoByPair<A extends object, B extends object, V>(compute: (a: A, b: B) => V): (a: A, b: B) => V {
  const outer = memoByIdentity((a: A) => memoByIdentity((b: B) => compute(a, b)));
  return (a, b) => outer(a)(b);
}

const indexes = new WeakMap<readonly unknown[], Map<string, unknown>>();
/**
 * Things that dumps name are arrays of `{ name }` (`__proto__` is a legal chain name); this finds one. Of equals the first counts.
 * The array must not be mutated afterwards.
 */
export function byName<T extends { readonly name: string }>(list: readonly T[], name: string): T | undefined {
  let map = indexes.get(list) as Map<string, T> | undefined;
  if (!map) {
    map = new Map();
    for (const item of list) if (!map.has(item.name)) map.set(item.name, item);
    indexes.set(list, map);
  }
  return map.get(name);
}
