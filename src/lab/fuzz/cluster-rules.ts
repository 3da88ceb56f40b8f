/** Rule sets of the size and shape of cluster nodes, hundreds of rules in many chains, instead of a few of every kind. */
import { calico, docker, edge } from './cni-rules.js';
import { type ClusterWords, kubeProxy } from './kube-rules.js';
import type { World } from './node.js';
import type { Rng } from './rng.js';
import { RuleSet } from './rule-set.js';
import { type Made, makeRules, type Rules, type Words } from './rules.js';
import type { SetPool } from './sets.js';
import { WORDS } from './targets.js';

/** How often a node with rules of nft itself has some of iptables-nft, too. */
const BESIDES = 12;

/** The rule set of a node, with what was random before it in `sets`. */
export function rulesOf(kind: Rules, r: Rng, w: World, sets: SetPool, words: Words = WORDS): Made {
  if (kind === 'few') return makeRules(r, w, sets, words);
  if (kind === 'nft') return r.chance(BESIDES) ? makeRules(r, w, sets, words) : { sets: [], chains: [], rules: [] };
  const big = clusterRules(r, w, words.cluster);
  const few = r.chance(35) ? makeRules(r, w, sets, words) : { sets: sets.lines, chains: [], rules: [] };
  const chains = big.chains.filter((c) => c.policy === null || !few.chains.some((d) => d.table === c.table && d.name === c.name));
  return { sets: [...few.sets, ...big.sets], chains: [...chains, ...few.chains], rules: [...big.rules, ...few.rules] };
}

/** Whose rules stand first differs from node to node, as whose daemon started first. */
function clusterRules(r: Rng, w: World, f: ClusterWords): Made {
  const t = new RuleSet();
  const sets: string[] = [];
  const loaders: (() => void)[] = [() => kubeProxy(r, w, f, t)];
  if (r.chance(70)) loaders.push(() => calico(r, w, f, t, sets));
  if (r.chance(30)) loaders.push(() => edge(r, w, f, t, sets));
  if (r.chance(30)) loaders.push(() => docker(r, w, f, t));
  while (loaders.length > 0) loaders.splice(r.below(loaders.length), 1)[0]();
  if (r.chance(25)) t.policy('filter', 'FORWARD', 'DROP');
  for (let n = r.below(4); n > 0; n--) t.stray(r, () => stray(r, w, f));
  return { sets, chains: t.chains, rules: t.rules };
}

const stray = (r: Rng, w: World, f: ClusterWords): string =>
  r.pick([
    '-j RETURN',
    `-s ${f.network(r, r.pick(w.nets))} -j RETURN`,
    `-d ${r.pick(w.addrs)}/${f.one} -j ACCEPT`,
    `-p ${r.pick(['tcp', 'udp', f.icmp])} -j ${r.pick(['RETURN', 'ACCEPT'])}`,
    '-m mark --mark 0x4000/0x4000 -j RETURN',
    `-m conntrack --ctstate ${r.pick(['DNAT', 'NEW', 'INVALID'])} -j RETURN`,
  ]);
