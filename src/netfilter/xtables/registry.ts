/** Finding an extension by name and family. */
import type { Family } from '../../base/addr.js';
import type { MatchDefWithConntrack, TargetDef } from './extension.js';
import { matches } from './match/index.js';
import { targets } from './target/index.js';

type Index<T> = ReadonlyMap<string, T>;

function index<T extends { readonly name: string; readonly families: readonly Family[] }>(defs: readonly T[], family: Family): Index<T> {
  const m = new Map<string, T>();
  for (const d of defs) if (d.families.includes(family)) m.set(d.name, d);
  return m;
}

// biome-ignore lint/suspicious/noExplicitAny: each extension has option data of its own.
type AnyMatch = MatchDefWithConntrack<any>;
// biome-ignore lint/suspicious/noExplicitAny: as above.
type AnyTarget = TargetDef<any>;
const matchIndex: { ipv4?: Index<AnyMatch>; ipv6?: Index<AnyMatch> } = {};
const targetIndex: { ipv4?: Index<AnyTarget>; ipv6?: Index<AnyTarget> } = {};

/** Other names of a match (xtables_find_match). */
const MATCH_ALIASES: ReadonlyMap<string, string> = new Map([
  ['icmpv6', 'icmp6'],
  ['ipv6-icmp', 'icmp6'],
]);

export function findMatch(name: string, family: Family): AnyMatch | undefined {
  matchIndex[family] ??= index(matches, family);
  return matchIndex[family].get(MATCH_ALIASES.get(name) ?? name);
}

export function findTarget(name: string, family: Family): AnyTarget | undefined {
  targetIndex[family] ??= index(targets, family);
  return targetIndex[family].get(name);
}

export const matchNames = (family: Family): string[] => matches.filter((m) => m.families.includes(family)).map((m) => m.name);
export const targetNames = (family: Family): string[] => targets.filter((t) => t.families.includes(family)).map((t) => t.name);
