/** What a person leaves out of a node's routes: the local table, connected routes, and a default route in short. */
import { type Addr, type Family, familyOf, parseAddr } from '../base/addr.js';
import { bareRoute } from '../fib/defaults.js';
import { derivedRoutes4, derivedRoutes6 } from '../fib/local-table.js';
import type { Route } from '../fib/model.js';
import { deviceOf } from '../link/device.js';
import type { IfAddr } from '../link/model.js';
import { withCheckedGateways } from './check-routes.js';
import { sameNet } from './load-links.js';
import { type Loading, sourceOf, textsOf } from './loading.js';
import type { NodeDraft } from './parts.js';
import { child, type Tree } from './tree.js';

/**
 * Routes that a person leaves out because Linux adds them: the local table where the text has none, and the connected routes where it lists none of the kernel's.
 * A node without any routes keeps null: the stack derives them all.
 */
export function completeRoutes(l: Loading, draft: NodeDraft, tree: Tree): void {
  const gateways = textsOf(child(tree, 'gateway'));
  const inline = child(tree, 'routes') !== undefined || child(tree, 'routes6') !== undefined || gateways.length > 0;
  const added: Route[] = [];
  for (const t of gateways) {
    const route = gatewayRoute(l, draft, tree, t);
    if (route) added.push(route);
  }
  if (draft.routes === null && added.length === 0) return;
  const stated = [...(draft.routes ?? []).map((r) => withDevices(draft, r)), ...added];
  const out: Route[] = [];
  for (const family of ['ipv4', 'ipv6'] as const) {
    const mine = stated.filter((r) => r.family === family);
    const hasLocal = mine.some((r) => r.table === 255);
    const hasKernel = mine.some((r) => r.table !== 255 && r.protocol === 'kernel');
    const derived = derivedRoutes(draft, family).filter((r) => (r.table === 255 ? !hasLocal : inline && !hasKernel));
    out.push(
      ...mine,
      ...derived.filter(
        (d) => !mine.some((r) => r.table === d.table && r.dst === d.dst && r.dstLen === d.dstLen && r.metric === d.metric && r.type === d.type),
      ),
    );
  }
  draft.routes = out;
  const strange = strangeGateways(draft, tree, out);
  if (strange.size > 0) draft.routes = withCheckedGateways(l, draft, tree, strange);
}

/** Routes that the scenario itself states, with gateways that are in none of the node's networks. What comes from a dump was a kernel's. */
function strangeGateways(draft: NodeDraft, tree: Tree, routes: readonly Route[]): ReadonlyMap<Route, readonly Addr[]> {
  const own = (['routes', 'routes6'] as const).filter((key) => child(tree, key)?.t === 'scalar');
  const out = new Map<Route, readonly Addr[]>();
  if (own.length === 0) return out;
  for (const r of routes) {
    if (!own.includes(r.family === 'ipv4' ? 'routes' : 'routes6') || r.flags.includes('onlink')) continue;
    // The dump may only lack the addresses.
    if (child(tree, 'dumps') && !draft.addrs.some((a) => a.family === r.family && a.dev !== 'lo')) continue;
    const gateways = r.nexthops.flatMap(({ gateway: g, dev, flags }) => (g === null || flags.includes('onlink') || isConnected(draft, g, dev) ? [] : [g]));
    if (gateways.length > 0) out.set(r, gateways);
  }
  return out;
}

const isConnected = (draft: NodeDraft, gateway: Addr, dev: string | null): boolean =>
  draft.addrs.some((a) => a.family === familyOf(gateway) && (dev === null || a.dev === dev) && sameNetwork(a, gateway));

/** fib_check_nh(): `via GATEWAY` without a device leaves by the device whose network the gateway is in. */
function withDevices(draft: NodeDraft, r: Route): Route {
  if (!r.nexthops.some((h) => h.dev === null && h.gateway !== null)) return r;
  const nexthops = r.nexthops.map((h) => {
    const { gateway } = h;
    if (h.dev !== null || gateway === null) return h;
    return { ...h, dev: draft.addrs.find((a) => a.family === familyOf(gateway) && a.dev !== 'lo' && sameNetwork(a, gateway))?.dev ?? null };
  });
  return { ...r, nexthops };
}

function gatewayRoute(l: Loading, draft: NodeDraft, tree: Tree, t: Tree): Route | null {
  const gateway = parseAddr(sourceOf(t));
  if (gateway === null) {
    l.errorAt('bad-address', `“${sourceOf(t)}” is not an IP address`, t.span);
    return null;
  }
  const family = familyOf(gateway);
  const via =
    draft.addrs.find((a) => a.family === family && a.dev !== 'lo' && sameNetwork(a, gateway)) ??
    draft.addrs.find((a) => a.dev === 'eth0' && a.family === family);
  if (!via) {
    // An address that could not be read has been reported already.
    if ((child(tree, 'address') || child(tree, 'addresses')) && !draft.addrs.some((a) => a.dev !== 'lo')) return null;
    l.errorAt(
      'gateway-unreachable',
      `no address of this node shares a network with the gateway ${sourceOf(t)}`,
      t.span,
      'give the node an address first, or write routes:',
    );
    return null;
  }
  const onlink = !sameNetwork(via, gateway);
  return {
    ...bareRoute(family),
    nexthops: [{ gateway, dev: via.dev, weight: 1, flags: onlink ? ['onlink'] : [] }],
    pref: family === 'ipv6' ? 'medium' : null,
    flags: onlink ? ['onlink'] : [],
  };
}

function sameNetwork(a: IfAddr, gateway: Addr): boolean {
  const net = a.peer ?? a.local;
  if (typeof net === 'number' || typeof gateway === 'number') return sameNet(net, gateway, a.prefixlen);
  for (let bit = 0; bit < a.prefixlen; bit++) {
    const mask = 0x8000 >> (bit & 15);
    if ((net.charCodeAt(bit >> 4) & mask) !== (gateway.charCodeAt(bit >> 4) & mask)) return false;
  }
  return true;
}

function derivedRoutes(draft: NodeDraft, family: Family): Route[] {
  const devices = draft.links.map(deviceOf);
  const forwarding = draft.sysctls.some((s) => s.name === 'net/ipv6/conf/all/forwarding' && s.value === '1');
  return family === 'ipv4' ? derivedRoutes4(draft.addrs, devices) : derivedRoutes6(draft.addrs, devices, forwarding);
}
