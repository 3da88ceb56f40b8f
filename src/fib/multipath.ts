/** Which of several nexthops: fib_select_multipath() of 6.18 (net/ipv4/fib_semantics.c). The hash itself is the caller's choice. */
import { selectAddress } from './addr.js';
import type { RouteEnv } from './fib.js';
import { RT_SCOPE } from './names.js';
import { ignoreLinkdown } from './table4.js';
import type { ChooseNexthop, FibResult } from './types.js';

/**
 * The result with its nexthop chosen among the living ones of a multipath route; unchanged for a plain route.
 * `src`: source the sender already has (0: none, and for forwarded packets). A nexthop whose own source address it is goes before the hash.
 */
export function selectPath(env: RouteEnv, r: FibResult, choose: ChooseNexthop, src = 0): FibResult {
  const route = r.route;
  if (route === null || route.nexthops.length < 2) return r;
  const usable = route.nexthops
    .map((nh, index) => ({ nh, index, dev: nh.dev === null ? undefined : env.fib.byName.get(nh.dev) }))
    .filter(({ nh, dev }) => dev?.up && (dev.carrier || !ignoreLinkdown(env.conf, dev)) && !(nh.flags.includes('dead') && !nh.flags.includes('linkdown')));
  if (usable.length === 0) return r;
  const byHash = usable.length === 1 ? 0 : choose(usable.map((u) => u.nh.weight));
  const mine = usable.map(({ nh, dev }) => src !== 0 && selectAddress(env, dev ?? null, typeof nh.gateway === 'number' ? nh.gateway : 0, r.scope) === src);
  const i = [mine.indexOf(true, byHash), mine.indexOf(true)].find((k) => k >= 0) ?? byHash;
  const { nh, index, dev } = usable[i] ?? usable[0];
  return { ...r, rthInput: null, nexthop: index, dev: dev ?? null, gateway: nh.gateway, nhScope: nh.gateway === null ? RT_SCOPE.HOST : RT_SCOPE.LINK };
}
