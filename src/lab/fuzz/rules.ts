/** Random iptables rules, in the tool's own words, over the matches and targets that are evaluated. */
import { type ChainLine, type RuleLine, TABLES } from '../case-spec.js';
import { address, device, match, protoMatch } from './matches.js';
import type { World } from './node.js';
import { type Hook, maybe, only, type Place } from './place.js';
import type { Rng } from './rng.js';
import type { SetPool } from './sets.js';
import { target } from './targets.js';

const USER = ['U1', 'U2', 'U3', 'CUSTOM', 'KUBE-X'] as const;
export function makeRules(r: Rng, w: World, sets: SetPool): { chains: ChainLine[]; rules: RuleLine[] } {
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
      for (let i = r.between(1, 5); i > 0; i--) rules.push({ table, text: rule(r, w, sets, hook, { table, hooks: [hook], down: names, user: false }) });
      for (const [i, n] of names.entries())
        for (let k = r.below(4); k > 0; k--) rules.push({ table, text: rule(r, w, sets, n, { table, hooks: [hook], down: names.slice(i + 1), user: true }) });
    }
  }
  return { chains, rules };
}

function rule(r: Rng, w: World, sets: SetPool, chain: string, p: Place): string {
  const proto = r.weighed<string>([
    [35, ''],
    [25, 'tcp'],
    [25, 'udp'],
    [13, 'icmp'],
    [2, 'sctp'],
    [1, 'esp'],
  ]);
  const t = target(r, w, sets, p, proto);
  const words = ['-A', chain];
  if (r.chance(25)) words.push(`${maybe(r)}-s ${address(r, w)}`);
  if (r.chance(25)) words.push(`${maybe(r)}-d ${address(r, w)}`);
  if (only(p, 'PREROUTING', 'INPUT', 'FORWARD') && r.chance(15)) words.push(`${maybe(r)}-i ${device(r, w)}`);
  if (only(p, 'OUTPUT', 'FORWARD', 'POSTROUTING') && r.chance(15)) words.push(`${maybe(r)}-o ${device(r, w)}`);
  const needed = t.proto ?? proto;
  if (needed !== '') words.push(`-p ${needed}`);
  else if (r.chance(4)) words.push(`! -p ${r.pick(['tcp', 'udp', 'icmp'])}`);
  if (needed !== '' && r.chance(55)) words.push(protoMatch(r, needed));
  else if (r.chance(3)) words.push(r.pick(['-f', '! -f']));
  for (
    let n = r.weighed([
      [45, 0],
      [40, 1],
      [15, 2],
    ]);
    n > 0;
    n--
  )
    words.push(match(r, w, sets, p, needed));
  words.push(t.text);
  return words.filter((x) => x !== '').join(' ');
}
