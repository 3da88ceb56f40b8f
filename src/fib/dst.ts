/** From a lookup's answer to what an skb carries: rt_set_nexthop(), ip_dst_mtu_maybe_forward(), ipv4_default_advmss(). */
import type { Addr } from '../base/addr.js';
import type { Dst, NetDevice, RouteType } from '../packet/types.js';
import type { Route } from './model.js';
import type { FibResult } from './types.js';

const IP_MAX_MTU = 0xffff;
const MIN_ADVMSS = 256;

/** The MTU that forwarding and output go by: the route's own, else the device's. */
export function routeMtu(route: Route | null, dev: NetDevice, viaGateway: boolean): number {
  const own = route?.metrics.mtu;
  if (own) return Math.min(own, IP_MAX_MTU);
  const locked = route?.lock.includes('mtu') ?? false;
  return Math.min(locked && viaGateway ? Math.min(dev.mtu, 576) : dev.mtu, IP_MAX_MTU);
}

/** dst_metric_advmss() of IPv4. */
export function advmss4(route: Route | null, mtu: number): number {
  return route?.metrics.advmss || Math.min(Math.max(mtu - 40, MIN_ADVMSS), IP_MAX_MTU - 40);
}

export interface DstParts {
  readonly type: RouteType;
  readonly dev: NetDevice;
  readonly input: Dst['input'];
  readonly output: Dst['output'];
  readonly flags: number;
  readonly error?: number;
  /** Instead of the result's. */
  readonly gateway?: Addr | null;
}

export function makeDst(r: FibResult | null, p: DstParts): Dst {
  const route = r?.route ?? null;
  const gateway = p.gateway === undefined ? (r?.gateway ?? null) : p.gateway;
  const mtu = routeMtu(route, p.dev, gateway !== null);
  return {
    family: 'ipv4',
    type: p.type,
    dev: p.dev,
    gateway,
    mtu,
    mtuLock: route?.lock.includes('mtu') ?? false,
    advmss: advmss4(route, mtu),
    prefsrc: r?.prefsrc ?? null,
    input: p.input,
    output: p.output,
    error: p.error ?? 0,
    flags: p.flags,
    hoplimit: route?.metrics.hoplimit ?? 0,
    xfrm: null,
    route,
    realm: realmOf(route),
  };
}

/** `realms 5` or `from/to`: the kernel's tclassid (from << 16 | to). */
export function realmOf(route: Route | null): number {
  if (!route?.realms) return 0;
  const [a, b] = route.realms.split('/');
  const n = (t: string): number => (/^(0x[0-9a-fA-F]+|\d+)$/.test(t) ? Number(t) & 0xffff : 0);
  return b === undefined ? n(a) : ((n(a) << 16) | n(b)) >>> 0;
}
