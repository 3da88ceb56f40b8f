/** Facts about a node's rules that decide which hook steps exist (nf_ct_netns_get(), nf_defrag_ipv4_enable()): each family's rules ask for their own family's hooks. */
import { memoByIdentity } from '../base/memo.js';
import { rulesetNeedsConntrack } from '../netfilter/xtables/compile.js';
import type { XtRuleset } from '../netfilter/xtables/model.js';
import type { NodeState } from '../scenario/model.js';
import { nativeNeeds } from './nft-native.js';

type IpFamily = 'ipv4' | 'ipv6';

const rulesets = (n: NodeState, family: IpFamily): readonly (XtRuleset | null)[] =>
  family === 'ipv4' ? [n.iptables, n.iptablesNft] : [n.ip6tables, n.ip6tablesNft];

const conntrackOf = (family: IpFamily) =>
  memoByIdentity((n: NodeState): boolean => rulesets(n, family).some((r) => r !== null && rulesetNeedsConntrack(r)) || nativeNeeds(n, family, 'conntrack'));
const conntrack = { ipv4: conntrackOf('ipv4'), ipv6: conntrackOf('ipv6') };

/** Is connection tracking hooked into the packets of this family? */
export const needsConntrack = (n: NodeState, family: IpFamily): boolean => conntrack[family](n);

const defragNames = new Set(['TPROXY', 'socket']);

const rulesDefrag = (r: XtRuleset | null): boolean =>
  r?.tables.some((t) =>
    t.chains.some((ch) => {
      for (let i = 0; i < ch.rules.length; i++) if (ch.rules.kind(i).extensions.some((def) => defragNames.has(def.name))) return true;
      return false;
    }),
  ) ?? false;

const defragOf = (family: IpFamily) =>
  memoByIdentity((n: NodeState): boolean => needsConntrack(n, family) || rulesets(n, family).some(rulesDefrag) || nativeNeeds(n, family, 'defrag'));
const defrag = { ipv4: defragOf('ipv4'), ipv6: defragOf('ipv6') };

/** Are fragments of this family put together before the first table? */
export const needsDefrag = (n: NodeState, family: IpFamily): boolean => defrag[family](n);
