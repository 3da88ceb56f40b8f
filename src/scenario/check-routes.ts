/** Gateways that no address of the node reaches, as fib_check_nh() and ip6_route_check_nh() judge a route that is added: some other route may lead to them. */
import { type Addr, formatAddr } from '../base/addr.js';
import { compileFib } from '../fib/compile.js';
import { completeRoute, refusesGateway } from '../fib/edit.js';
import { completeRoute6 } from '../fib/edit6.js';
import { compileFib6 } from '../fib/fib6.js';
import type { Route } from '../fib/model.js';
import type { DevConf } from '../fib/types.js';
import { deviceOf } from '../link/device.js';
import { type Loading, placeOfWord } from './loading.js';
import type { NodeDraft } from './parts.js';
import { child, type Tree } from './tree.js';

const CONF: DevConf = { all: () => 0, dev: () => 0 };

/**
 * The routes of the node, those of `strange` with the devices that lead to their gateways after all; the gateways of `strange` that the kernel would refuse are
 * warned about.
 */
export function withCheckedGateways(l: Loading, draft: NodeDraft, tree: Tree, strange: ReadonlyMap<Route, readonly Addr[]>): Route[] {
  const routes = draft.routes ?? [];
  const input = { routes, rules: draft.rules, addrs: draft.addrs, devices: draft.links.map(deviceOf) };
  return routes.map((route) => {
    const gateways = strange.get(route);
    if (gateways === undefined) return route;
    // Whether its source address may be used is not the question.
    const asked = { ...route, prefsrc: null };
    const { route: done, error } =
      route.family === 'ipv4'
        ? completeRoute(compileFib({ family: 'ipv4', ...input }), CONF, asked)
        : completeRoute6({ fib: compileFib6({ family: 'ipv6', ...input }, false), conf: CONF }, asked);
    if (error === null) return { ...route, nexthops: route.nexthops.map((h, i) => ({ ...h, dev: done.nexthops[i].dev })) };
    if (refusesGateway(error)) for (const g of gateways) warn(l, draft, tree, route, g, error);
    return route;
  });
}

function warn(l: Loading, draft: NodeDraft, tree: Tree, { family }: Route, gateway: Addr, error: string): void {
  const part = child(tree, family === 'ipv4' ? 'routes' : 'routes6') ?? child(tree, 'routes') ?? tree;
  const networks = draft.addrs.filter((a) => a.family === family && a.scope === 'global').map((a) => `${formatAddr(a.local)}/${a.prefixlen} on ${a.dev}`);
  l.warningAt(
    'route-gateway-invalid',
    `no address of ${draft.name} shares a network with the gateway ${formatAddr(gateway)}, and no route leads to it; Linux would refuse this route (${error.replace(/^.*?: |\.$/g, '')})`,
    placeOfWord(l, part, `via ${formatAddr(gateway)}`),
    `${networks.length === 0 ? 'it has no address' : `it has ${networks.slice(0, MAX_NETWORKS).join(', ')}${networks.length > MAX_NETWORKS ? ', …' : ''}`}; where the gateway is reached all the same, “dev DEVICE onlink” says so`,
  );
}
const MAX_NETWORKS = 4;
