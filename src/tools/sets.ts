import { SetStore } from '../netfilter/ipset/store.js';
import type { CheckContext } from '../netfilter/xtables/extension.js';
import type { NodeState } from '../scenario/model.js';

/** What rule checks may know of the node's sets. */
export function describeSets(n: NodeState): NonNullable<CheckContext['sets']> {
  const store = new SetStore(n.sets, () => 0);
  return { describe: (name) => store.describe(name) };
}
