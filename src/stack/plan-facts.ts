/** Facts about a node's rules that decide which hook steps exist (nf_ct_netns_get, nf_defrag_ipv4_enable). */
import { memoByIdentity } from '../base/memo.js';
import { rulesetNeedsConntrack } from '../netfilter/xtables/compile.js';
import type { NodeState } from '../scenario/model.js';

export const needsConntrack = memoByIdentity((n: NodeState): boolean =>
  [n.iptables, n.ip6tables, n.iptablesNft, n.ip6tablesNft].some((r) => r !== null && rulesetNeedsConntrack(r)),
);

const defragNames = new Set(['TPROXY', 'socket']);
export const needsDefrag = memoByIdentity(
  (n: NodeState): boolean =>
    needsConntrack(n) ||
    [n.iptables, n.ip6tables, n.iptablesNft, n.ip6tablesNft].some((r) =>
      r?.tables.some((t) =>
        t.chains.some((ch) => {
          for (let i = 0; i < ch.rules.length; i++) if (ch.rules.kind(i).extensions.some((def) => defragNames.has(def.name))) return true;
          return false;
        }),
      ),
    ),
);
