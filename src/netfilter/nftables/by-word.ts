/** What begins with which word. */
export function byWord<T extends { readonly words: readonly string[] }>(defs: readonly T[]): ReadonlyMap<string, readonly T[]> {
  const out = new Map<string, T[]>();
  for (const def of defs) for (const w of def.words) out.set(w, [...(out.get(w) ?? []), def]);
  return out;
}
