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

const places = new WeakMap<readonly unknown[], ReadonlyMap<string, number>>();
/**
 * Things that dumps name are arrays of `{ name }` (`__proto__` is a legal chain name); this says where each name stands, of equals the first.
 * The array must not be mutated afterwards.
 */
export function placesByName(list: readonly { readonly name: string }[]): ReadonlyMap<string, number> {
  let map = places.get(list) as Map<string, number> | undefined;
  if (!map) {
    map = new Map();
    for (let i = 0; i < list.length; i++) if (!map.has(list[i].name)) map.set(list[i].name, i);
    places.set(list, map);
  }
  return map;
}

/** Tells placesByName() what it would find out: `map` says where each name of `list` stands. Neither is to be changed any more. */
export function knowPlaces(list: readonly { readonly name: string }[], map: ReadonlyMap<string, number>): void {
  places.set(list, map);
}

/** The one of that name. */
export function byName<T extends { readonly name: string }>(list: readonly T[], name: string): T | undefined {
  const at = placesByName(list).get(name);
  return at === undefined ? undefined : list[at];
}

/** A value that is made when it is first asked for: what most runs do without costs them nothing. */
export function lazy<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
