/** IPv6 routing as the stages ask for it: the fib's pure functions with this node's state, and their telling. */
import { type Addr, ANY6, type Ip6, isMapped6, isMulticast6 } from '../base/addr.js';
import {
  addrType6,
  compileFib6,
  flowKeys,
  isAnycast6,
  isLinkLocal6,
  isOwn6,
  LOOPBACK6,
  NO_KEYS,
  type Output6Flow,
  type RouteEnv6,
  routeInput6,
  routeOutput6,
  routeOutput6To,
  selectAddress6,
} from '../fib/index.js';
import type { FibAnswer, FibQuery } from '../netfilter/env.js';
import type { Skb } from '../packet/skb.js';
import { type Dst, type NetDevice, type RouteType, RTCF_MULTICAST } from '../packet/types.js';
import type { RouteStep } from '../trace/event.js';
import type { OutputQuery } from './kernel.js';
import { demand } from './missing.js';
import type { NodeNet } from './node-net.js';
import { outputEvent } from './route-event.js';

/** IPV6_ADDR_SCOPE_MASK of ipv6_addr_type(): also a group has a scope; null: none of these bits. */
function narrowScope(a: Ip6): 'node' | 'link' | 'site' | null {
  const word = a.charCodeAt(0);
  if (word >>> 8 === 0xff) return (['node', 'link', null, null, 'site'] as const)[(word & 15) - 1] ?? null;
  if (a === LOOPBACK6) return 'node';
  return isLinkLocal6(a) ? 'link' : (word & 0xffc0) === 0xfec0 ? 'site' : null;
}

export class Routing6 {
  readonly env: RouteEnv6;
  constructor(readonly n: NodeNet) {
    const g = n.given;
    const s = n.sysctls;
    const forwarding = s.conf('ipv6', 'all', 'forwarding') !== 0;
    const fib = compileFib6({ family: 'ipv6', routes: g.routes, rules: g.rules, addrs: n.addrs, devices: n.devices }, forwarding);
    this.env = { fib, conf: { all: (key) => s.conf('ipv6', 'all', key), dev: (name, key) => s.conf('ipv6', name, key) } };
  }

  #chooseNexthop = (weights: readonly number[]): number => this.n.routing.chooseNexthop(weights);

  input(skb: Skb): void {
    const n = this.n;
    demand(n.given, 'rules6', 'routes6', 'sysctl');
    const steps: RouteStep[] | undefined = n.rec.on ? [] : undefined;
    const src = skb.saddr as Ip6;
    const dst = skb.daddr as Ip6;
    const dev = skb.dev!;
    const keys = { ...(this.env.fib.rules.needsKeys ? flowKeys(skb) : NO_KEYS), proto: skb.l4proto };
    const r = routeInput6(this.env, { src, dst, tos: skb.tos, mark: skb.mark, dev, keys, chooseNexthop: this.#chooseNexthop, ...(steps ? { steps } : {}) });
    skb.dst = r.dst;
    if (n.rec.on)
      n.tell(skb, {
        t: 'route',
        purpose: 'input',
        src,
        dst,
        iif: dev.name,
        oif: null,
        mark: skb.mark,
        tos: skb.tos,
        tables: steps ?? [],
        type: r.dst.type,
        dev: r.dst.dev.name,
        gateway: r.dst.gateway,
        prefsrc: r.dst.prefsrc,
        errno: r.errno,
      });
  }

  #flow(q: OutputQuery, steps: RouteStep[] | undefined): Output6Flow {
    return {
      src: (q.src as Ip6 | undefined) ?? ANY6,
      dst: q.dst as Ip6,
      oif: q.oif?.ifindex ?? 0,
      bound: q.bound ?? false,
      mark: q.mark ?? 0,
      tos: q.tos ?? 0,
      keys: q.purpose === 'reroute' && !this.env.fib.rules.needsKeys ? NO_KEYS : { proto: q.proto ?? 0, sport: q.sport ?? 0, dport: q.dport ?? 0 },
      uid: q.uid ?? 0,
      chooseNexthop: this.#chooseNexthop,
      ...(steps ? { steps } : {}),
    };
  }

  /** ip6_route_output() with the source as it is: re-routing, RST. */
  outputTo(q: OutputQuery): { dst: Dst; errno: number } {
    demand(this.n.given, 'rules6', 'routes6');
    return routeOutput6To(this.env, this.#flow(q, undefined));
  }

  output(q: OutputQuery): { dst: Dst | null; src: Addr | null; errno: number } {
    const n = this.n;
    demand(n.given, 'rules6', 'routes6');
    const steps: RouteStep[] | undefined = n.rec.on ? [] : undefined;
    const r = routeOutput6(this.env, this.#flow(q, steps));
    if (n.rec.on) n.tell(null, outputEvent(q, q.src ?? ANY6, r.dst, r.src, r.errno, steps ?? []));
    return { dst: r.dst, src: r.src === ANY6 ? null : r.src, errno: r.errno };
  }

  addrType(a: Addr, dev: NetDevice | null): RouteType {
    return addrType6(this.env, a as Ip6, dev);
  }

  isOwn(a: Addr, dev: NetDevice | null): boolean {
    return isOwn6(this.env, a as Ip6, dev, false);
  }

  select(dev: NetDevice, dst: Addr): Addr | null {
    return selectAddress6(this.env, dev, dst as Ip6);
  }

  /** nf_nat_redirect_ipv6(): the first address of the input device, of the destination's scope where that is narrower than the world. */
  redirectAddress(dev: NetDevice, daddr: Addr): Addr | null {
    const scope = narrowScope(daddr as Ip6);
    const usable = (a: { local: Addr; flags: readonly string[] }): boolean =>
      !isMapped6(a.local as Ip6) &&
      (!a.flags.includes('tentative') || a.flags.includes('optimistic')) &&
      (scope === null || narrowScope(a.local as Ip6) === scope);
    return this.n.addrs.find((a) => a.dev === dev.name && a.family === 'ipv6' && usable(a))?.local ?? null;
  }

  linkLocal(dev: NetDevice): Addr | null {
    return this.n.addrs.find((a) => a.dev === dev.name && a.family === 'ipv6' && isLinkLocal6(a.local as Ip6))?.local ?? null;
  }

  query(q: FibQuery): FibAnswer {
    demand(this.n.given, 'rules6', 'routes6');
    const flow = {
      src: q.src,
      dst: q.dst,
      iif: q.iif?.ifindex ?? 1,
      oif: q.oif?.ifindex ?? 0,
      mark: q.mark,
      tos: q.tos,
      proto: q.proto,
      sport: q.sport,
      dport: q.dport,
      uid: 0,
      scope: 0,
    };
    const r = this.env.fib.lookup(flow, this.env.conf, { strict: q.plain ? isLinkLocal6(q.dst as Ip6) : q.oif !== null, plain: q.plain ?? false });
    const subnet = r.errno === 0 && r.gateway === null && r.prefixlen < 127 && r.route?.dst === q.dst;
    const anycast = subnet || (r.route !== null && isAnycast6(r.route));
    return { errno: r.errno, type: r.type, dev: r.dev, devs: r.dev === null ? [] : [r.dev], gateway: r.gateway, realm: 0, anycast };
  }

  /** A route straight to `to` on a device. */
  linkDst(dev: NetDevice, to: Addr): Dst {
    const multicast = isMulticast6(to as Ip6);
    return {
      family: 'ipv6',
      type: multicast ? 'multicast' : 'unicast',
      dev,
      gateway: null,
      mtu: dev.mtu,
      mtuLock: false,
      advmss: 0,
      prefsrc: null,
      input: 'none',
      output: multicast ? 'multicast' : 'unicast',
      error: 0,
      flags: multicast ? RTCF_MULTICAST : 0,
      hoplimit: 0,
      xfrm: null,
      route: null,
      realm: 0,
    };
  }
}
