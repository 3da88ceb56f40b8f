/** ip6_route_info_create(), fib6_nh_init(), ip6_validate_gw(): what an IPv6 route must be like before it is added. */
import { type Ip6, isMulticast6, networkOf } from '../base/addr.js';
import type { NetDevice } from '../packet/types.js';
import { isLinkLocal6, isOwn6 } from './addr6.js';
import type { Fib6, RouteEnv6 } from './fib6.js';
import type { Nexthop, Route } from './model.js';
import { isReject } from './table6.js';

const answers = (text: string): string => `RTNETLINK answers: ${text}`;

/** As completeRoute(), for IPv6: clears host bits, puts refusing routes on the loopback device, finds devices behind gateways. */
export function completeRoute6(env: RouteEnv6, given: Route): { readonly route: Route; readonly error: string | null } {
  const { fib } = env;
  const route = { ...given, dst: networkOf(given.dst, given.dstLen) };
  const fail = (error: string): { route: Route; error: string } => ({ route, error });
  if (typeof route.prefsrc === 'string' && !isOwn6(env, route.prefsrc, null, false)) return fail('Error: Invalid source address.');
  if (isReject(route)) return { route: { ...route, nexthops: [{ gateway: null, dev: fib.loopback?.name ?? 'lo', weight: 1, flags: [] }] }, error: null };
  if (route.nexthops.length === 0 && route.nhid === null) return fail(answers('No such device'));
  const nexthops: Nexthop[] = [];
  for (const nh of route.nexthops) {
    if (nh.dev !== null && !fib.byName.has(nh.dev)) return fail(`Cannot find device "${nh.dev}"`);
    const dev = typeof nh.gateway === 'string' ? gatewayDevice(env, nh, nh.gateway) : namedDevice(fib, nh);
    if (typeof dev === 'string') return fail(dev);
    if (!dev.up) return fail('Error: Nexthop device is not up.');
    nexthops.push({ ...nh, dev: dev.name, flags: dev.carrier ? nh.flags : [...nh.flags.filter((f) => f !== 'linkdown'), 'linkdown'] });
  }
  return { route: { ...route, nexthops }, error: null };
}

const namedDevice = (fib: Fib6, nh: Nexthop): NetDevice | string => (nh.dev === null ? undefined : fib.byName.get(nh.dev)) ?? answers('No such device');

/** ip6_validate_gw(), ip6_route_check_nh(). */
function gatewayDevice(env: RouteEnv6, nh: Nexthop, gateway: Ip6): NetDevice | string {
  const { fib, conf } = env;
  const dev = nh.dev === null ? null : (fib.byName.get(nh.dev) ?? null);
  if (isMulticast6(gateway)) return 'Error: Invalid gateway address.';
  if (isOwn6(env, gateway, dev, false)) return 'Error: Gateway can not be a local address.';
  if (isLinkLocal6(gateway) || nh.flags.includes('onlink'))
    return dev ?? (nh.flags.includes('onlink') ? 'Error: Nexthop device required for onlink.' : 'Error: Egress device not specified.');
  const flow = { src: '\0\0\0\0\0\0\0\0', dst: gateway, iif: 1, oif: dev?.ifindex ?? 0, mark: 0, tos: 0, proto: 0, sport: 0, dport: 0, uid: 0, scope: 0 };
  const r = fib.lookup(flow, conf, { strict: dev !== null, ignoreLinkstate: true });
  if (r.errno !== 0 || !r.dev || r.gateway !== null || r.type !== 'unicast') return answers('No route to host');
  return r.dev;
}
