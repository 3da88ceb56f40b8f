/** Routing as the stages ask for it: the fib's pure functions with this node's state, and their telling. */
import type { Addr, Family } from '../base/addr.js';
import {
  addrOnlink,
  addrType,
  compileFib,
  type Fib,
  type FibResult,
  type InputResult,
  NO_KEYS,
  primaryAddress,
  RouteEnv,
  routeInput,
  routeOutput,
  routeText,
  selectAddress,
} from '../fib/index.js';
import type { FibAnswer, FibQuery } from '../netfilter/env.js';
import { IPSKB_DOREDIRECT, type Skb } from '../packet/skb.js';
import { type NetDevice, type RouteType, RTCF_BROADCAST, RTCF_DOREDIRECT, RTCF_LOCAL, RTCF_MULTICAST } from '../packet/types.js';
import type { Cause } from '../trace/cause.js';
import type { EventBody, RouteStep } from '../trace/event.js';
import { Inconclusive } from './inconclusive.js';
import type { Facts, OutputAnswer, OutputQuery } from './kernel.js';
import { demand } from './missing.js';
import type { NodeNet } from './node-net.js';
import { portsOf } from './reroute.js';
import { outputEvent } from './route-event.js';
import { RouteMemo } from './route-memo.js';

const RT_SCOPE = { universe: 0, link: 253, host: 254 } as const;
const MULTICAST_ALL = 0xe0000001;

const ROUTED: { readonly reason: null; readonly cause: Cause; readonly facts: Facts } = { reason: null, cause: 'unclassified', facts: {} };

const causeOf: Readonly<Record<string, Cause>> = {
  IP_RPFILTER: 'rp-filter',
  IP_LOCAL_SOURCE: 'source-is-ours',
  IP_INVALID_SOURCE: 'martian-source',
  IP_LOCALNET: 'localnet',
  IP_INVALID_DEST: 'martian-destination',
};

/** Is the first of several default routes what was found, and would another of them with a gateway do as well? */
function hasRivals(r: FibResult): boolean {
  if (r.alternatives.length < 2) return false;
  const fit = r.alternatives.filter((a) => a.type === 'unicast' && a.nexthops[0]?.gateway != null && !a.nexthops[0].flags.includes('dead'));
  return fit.length > 1 && fit[0] === r.route;
}

export class Routing {
  readonly fib: Fib;
  readonly env: RouteEnv;
  readonly #memo = new RouteMemo();
  constructor(readonly n: NodeNet) {
    const g = n.given;
    this.fib = compileFib({ family: 'ipv4', routes: g.routes, rules: g.rules, addrs: n.addrs, devices: n.devices });
    const s = n.sysctls;
    this.env = new RouteEnv(this.fib, { all: (key) => s.conf('ipv4', 'all', key), dev: (name, key) => s.conf('ipv4', name, key) });
  }

  chooseNexthop = (weights: readonly number[]): number => {
    const total = weights.reduce((a, b) => a + b, 0);
    let at = this.n.choose.below(total, 'ecmp');
    for (let i = 0; i < weights.length; i++) {
      if (at < weights[i]) return i;
      at -= weights[i];
    }
    return 0;
  };

  #isMember = (_dev: NetDevice, group: number): boolean => group === MULTICAST_ALL;

  input(skb: Skb, daddr: number, saddr: number, tos: number, dev: NetDevice): { reason: string | null; cause: Cause; facts: Facts } {
    const n = this.n;
    const steps: RouteStep[] | undefined = n.rec.on ? [] : undefined;
    const r = this.#inputRoute(skb, daddr, saddr, tos, dev, steps);
    if (n.rec.on) this.#tellInput(skb, r, daddr, saddr, tos, dev, steps ?? []);
    if (r.reason !== null) {
      const cause = r.reason === 'NOT_SPECIFIED' ? 'multicast-no-member' : (causeOf[r.reason] ?? 'unclassified');
      if (r.martian && n.orConf('ipv4', dev.name, 'log_martians')) this.#logMartian(skb, r.martian, daddr, saddr, dev);
      return { reason: r.reason, cause, facts: this.#facts(r, daddr, saddr, dev) };
    }
    skb.dst = r.dst;
    if (r.dst && r.dst.flags & RTCF_DOREDIRECT) skb.cb.flags |= IPSKB_DOREDIRECT;
    return ROUTED;
  }

  /** Whoever listens is told of each lookup (`steps`), so that each is made. */
  #inputRoute(skb: Skb, dst: number, src: number, tos: number, dev: NetDevice, steps: RouteStep[] | undefined): InputResult {
    const plain = steps === undefined && src !== 0 && skb.secpath === null && !this.fib.rules.needsKeys;
    const known = plain ? this.#memo.find(src, dst, tos, skb.mark, dev) : null;
    if (known !== null) return known;
    demand(this.n.given, 'rules', 'routes', 'sysctl');
    const proto = skb.l4proto;
    const found = routeInput(this.env, {
      src,
      dst,
      tos,
      mark: skb.mark,
      dev,
      proto,
      keys: this.fib.rules.needsKeys ? { proto, ...portsOf(skb) } : NO_KEYS,
      secpath: skb.secpath !== null,
      isMember: this.#isMember,
      chooseNexthop: this.chooseNexthop,
      steps,
    });
    if (plain) this.#memo.keep(src, dst, tos, skb.mark, dev, found);
    return found;
  }

  #tellInput(skb: Skb, r: InputResult, daddr: number, saddr: number, tos: number, dev: NetDevice, tables: readonly RouteStep[]): void {
    const body: EventBody = {
      t: 'route',
      purpose: 'input',
      src: saddr,
      dst: daddr,
      iif: dev.name,
      oif: null,
      mark: skb.mark,
      tos,
      tables,
      type: r.dst?.type ?? r.result?.type ?? 'unreachable',
      dev: r.dst?.dev.name ?? r.result?.dev?.name ?? null,
      gateway: r.dst?.gateway ?? null,
      prefsrc: r.dst?.prefsrc ?? null,
      errno: r.dst?.error ?? r.result?.errno ?? 0,
    };
    this.n.tell(skb, body);
    const s = r.source;
    if (s) {
      this.n.assume('ipv4', 'all', 'rp_filter');
      this.n.assume('ipv4', dev.name, 'rp_filter');
      this.n.tell(skb, {
        t: 'source-check',
        src: saddr,
        dev: dev.name,
        rpFilterAll: s.rpFilterAll,
        rpFilterDev: s.rpFilterDev,
        effective: s.effective,
        reverseDev: s.reverse?.dev?.name ?? null,
        ok: s.reason === null,
        mark: s.mark,
        srcValidMark: s.srcValidMark,
      });
    }
  }

  #facts(r: InputResult, daddr: number, saddr: number, dev: NetDevice): Facts {
    const s = r.source;
    return {
      src: this.n.showAddr(saddr),
      dst: this.n.showAddr(daddr),
      dev: dev.name,
      rp_filter_all: s?.rpFilterAll ?? null,
      rp_filter_dev: s?.rpFilterDev ?? null,
      rp_filter: s?.effective ?? null,
      reverse_dev: s?.reverse?.dev?.name ?? null,
      reverse_route: s?.reverse?.route ? routeText(s.reverse.route).trim() : null,
      reverse_errno: s?.reverse?.errno ?? null,
      src_valid_mark: s?.srcValidMark ?? null,
      mark: s?.mark ?? null,
    };
  }

  /** ip_handle_martian_source(), the destination's likewise: text as dmesg shows it. */
  #logMartian(skb: Skb, which: 'source' | 'destination', daddr: number, saddr: number, dev: NetDevice): void {
    const n = this.n;
    if (which === 'destination') n.tell(skb, { t: 'klog', text: `IPv4: martian destination ${n.showAddr(daddr)} from ${n.showAddr(saddr)}, dev ${dev.name}` });
    else n.tell(skb, { t: 'klog', text: `IPv4: martian source ${n.showAddr(daddr)} from ${n.showAddr(saddr)}, on dev ${dev.name}` });
  }

  output(q: OutputQuery): OutputAnswer {
    const n = this.n;
    demand(n.given, 'rules', 'routes');
    const steps: RouteStep[] | undefined = n.rec.on ? [] : undefined;
    const r = routeOutput(this.env, {
      src: (q.src as number | undefined) ?? 0,
      dst: q.dst as number,
      oif: q.oif?.ifindex ?? 0,
      mark: q.mark ?? 0,
      tos: q.tos ?? 0,
      keys: q.purpose === 'reroute' && !this.fib.rules.needsKeys ? NO_KEYS : { proto: q.proto ?? 0, sport: q.sport ?? 0, dport: q.dport ?? 0 },
      uid: q.uid ?? 0,
      anySrc: q.anySource ?? false,
      isMember: this.#isMember,
      chooseNexthop: this.chooseNexthop,
      ...(steps ? { steps } : {}),
    });
    // fib_select_default(): the kernel turns from one to the other by what it has found of their gateways so far.
    if (q.oif == null && r.result !== null && hasRivals(r.result)) throw new Inconclusive('several default routes of one metric');
    if (n.rec.on) n.tell(null, outputEvent(q, (q.src as number | undefined) ?? 0, r.dst, r.dst ? r.src : null, r.errno, steps ?? []));
    return { dst: r.dst, src: r.dst ? r.src : null, daddr: r.daddr, errno: r.errno };
  }

  addrType(family: Family, a: Addr, dev: NetDevice | null): RouteType {
    return family === 'ipv4' ? addrType(this.env, a as number, dev) : 'unicast';
  }

  query(q: FibQuery): FibAnswer {
    demand(this.n.given, 'rules', 'routes');
    const flow = {
      src: q.src as number,
      dst: q.dst as number,
      iif: q.iif?.ifindex ?? 0,
      oif: q.oif?.ifindex ?? 0,
      mark: q.mark,
      tos: q.tos,
      proto: q.proto,
      sport: q.sport,
      dport: q.dport,
      uid: 0,
      scope: q.scopeLink ? RT_SCOPE.link : 0,
    };
    const r = this.fib.lookup(flow, this.env.conf, true);
    const devs = (r.route?.nexthops ?? []).map((h) => (h.dev === null ? undefined : this.n.device(h.dev))).filter((d): d is NetDevice => d !== undefined);
    return { errno: r.errno, type: r.type, dev: r.dev, devs, gateway: r.gateway, realm: 0 };
  }

  select(dev: NetDevice, dst: Addr, scope: 'universe' | 'link' | 'host'): Addr | null {
    const a = selectAddress(this.env, dev, dst as number, RT_SCOPE[scope]);
    return a === 0 ? null : a;
  }

  primary(dev: NetDevice): Addr | null {
    const a = primaryAddress(this.env, dev);
    return a === 0 ? null : a;
  }

  /** fib_compute_spec_dst(). */
  specificDst(skb: Skb): Addr {
    const dst = skb.dst!;
    if ((dst.flags & (RTCF_BROADCAST | RTCF_MULTICAST | RTCF_LOCAL)) === RTCF_LOCAL) return skb.daddr;
    const dev = skb.dev!;
    const src = skb.saddr as number;
    if (src >>> 24 === 0) return selectAddress(this.env, dev, src, RT_SCOPE.link);
    const mark = this.n.orConf('ipv4', dev.name, 'src_valid_mark') ? skb.mark : 0;
    const r = this.fib.lookup({ src: 0, dst: src, iif: 1, oif: 0, mark, tos: skb.tos & 0x1c, ...NO_KEYS, uid: 0, scope: 0 }, this.env.conf);
    if (r.errno === 0) return (r.prefsrc as number | null) ?? selectAddress(this.env, r.dev, typeof r.gateway === 'number' ? r.gateway : 0, r.scope);
    return selectAddress(this.env, dev, src, RT_SCOPE.universe);
  }

  onLink(dev: NetDevice, a: Addr, b: Addr): boolean {
    return addrOnlink(this.env, dev, a as number, b as number);
  }
}
