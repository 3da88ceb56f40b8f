/** Random iptables rules, in the tool's own words, over the matches and targets that are evaluated. */
import { type ChainLine, type RuleLine, TABLES } from '../case-spec.js';
import type { ClusterWords } from './kube-rules.js';
import { device } from './matches.js';
import type { World } from './node.js';
import { type Hook, maybe, only, type Place } from './place.js';
import type { Rng } from './rng.js';
import type { SetPool } from './sets.js';
import { type Target, WORDS } from './targets.js';

const USER = ['U1', 'U2', 'U3', 'CUSTOM', 'KUBE-X'] as const;

/** iptables' words of a family. */
export interface Words {
  readonly protos: readonly (readonly [weight: number, proto: string])[];
  /** Protocols of `! -p`. */
  readonly notProtos: readonly string[];
  /** What asks for fragments without a protocol. */
  readonly fragments: readonly string[];
  address(r: Rng, w: World): string;
  protoMatch(r: Rng, proto: string): string;
  match(r: Rng, w: World, sets: SetPool, p: Place, proto: string): string;
  target(r: Rng, w: World, sets: SetPool, p: Place, proto: string): Target;
  readonly cluster: ClusterWords;
}

/** A rule set, and the sets that it needs besides. */
export interface Made {
  readonly sets: readonly string[];
  readonly chains: readonly ChainLine[];
  readonly rules: readonly RuleLine[];
}

export const RULES = ['few', 'cluster', 'nft'] as const;
/** few: a few of every kind; cluster: hundreds, as kube-proxy and network plugins load them; nft: rule sets of nft itself. */
export type Rules = (typeof RULES)[number];

export function makeRules(r: Rng, w: World, sets: SetPool, words: Words = WORDS): Made {
  const chains: ChainLine[] = [];
  const rules: RuleLine[] = [];
  for (const [table, builtins] of TABLES) {
    const busy = r.chance(table === 'security' ? 10 : table === 'raw' ? 35 : 60);
    // A user chain belongs to one built-in chain, so that every rule in it fits its hook.
    for (const hook of builtins as readonly Hook[]) {
      if (busy && table !== 'nat' && r.chance(8)) chains.push({ table, name: hook, policy: 'DROP' });
      if (!busy || r.chance(30)) continue;
      const names = r.chance(40) ? USER.slice(0, r.between(1, 3)).map((u) => `${u}${hook.slice(0, 2)}`) : [];
      for (const n of names) chains.push({ table, name: n, policy: null });
      for (let i = r.between(1, 5); i > 0; i--) rules.push({ table, text: rule(r, w, sets, words, hook, { table, hooks: [hook], down: names, user: false }) });
      for (const [i, n] of names.entries())
        for (let k = r.below(4); k > 0; k--)
          rules.push({ table, text: rule(r, w, sets, words, n, { table, hooks: [hook], down: names.slice(i + 1), user: true }) });
    }
  }
  return { sets: sets.lines, chains, rules };
}

function rule(r: Rng, w: World, sets: SetPool, f: Words, chain: string, p: Place): string {
  const proto = r.weighed(f.protos);
  const t = f.target(r, w, sets, p, proto);
  const words = ['-A', chain];
  if (r.chance(25)) words.push(`${maybe(r)}-s ${f.address(r, w)}`);
  if (r.chance(25)) words.push(`${maybe(r)}-d ${f.address(r, w)}`);
  if (only(p, 'PREROUTING', 'INPUT', 'FORWARD') && r.chance(15)) words.push(`${maybe(r)}-i ${device(r, w)}`);
  if (only(p, 'OUTPUT', 'FORWARD', 'POSTROUTING') && r.chance(15)) words.push(`${maybe(r)}-o ${device(r, w)}`);
  const needed = t.proto ?? proto;
  if (needed !== '') words.push(`-p ${needed}`);
  else if (r.chance(4)) words.push(`! -p ${r.pick(f.notProtos)}`);
  if (needed !== '' && r.chance(55)) words.push(f.protoMatch(r, needed));
  else if (r.chance(3)) words.push(r.pick(f.fragments));
  for (
    let n = r.weighed([
      [45, 0],
      [40, 1],
      [15, 2],
    ]);
    n > 0;
    n--
  )
    words.push(f.match(r, w, sets, p, needed));
  words.push(t.text);
  return words.filter((x) => x !== '').join(' ');
}
