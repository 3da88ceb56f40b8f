/**
 * A node's network state as stages and rules ask for it: devices, sysctls, neighbours, routes. Compiled from what is given, again where an administrator changes a
 * part of it; what was learnt since (neighbours, peers) stays where its part was not touched.
 */
import { type Addr, type Family, formatAddr, type Mac } from '../base/addr.js';
import type { Chooser, FibAnswer, FibQuery } from '../netfilter/env.js';
import type { Skb } from '../packet/skb.js';
import type { Dst, NetDevice, RouteType } from '../packet/types.js';
import type { NodeState } from '../scenario/model.js';
import type { Cause } from '../trace/cause.js';
import type { EventBody, Recorder } from '../trace/event.js';
import type { Flight } from './flight.js';
import { InetPeers } from './inet-peers.js';
import type { Facts, OutputAnswer, OutputQuery } from './kernel.js';
import { NeighTable } from './neigh-table.js';
import { addrsOf, devicesOf } from './plan.js';
import { Routing } from './routing.js';
import { Routing6 } from './routing6.js';
import { type Sysctls, sysctlsOf } from './sysctls.js';
import type { World } from './world.js';

export abstract class NodeNet {
  sysctls!: Sysctls;
  devices!: readonly NetDevice[];
  addrs!: ReturnType<typeof addrsOf>;
  routing!: Routing;
  forwardUsesPmtu = false;
  #routing6: Routing6 | null = null;
  neigh!: NeighTable;
  #devByName!: ReadonlyMap<string, NetDevice>;
  #devByIndex!: ReadonlyMap<number, NetDevice>;
  readonly #assumed = new Set<string>();
  readonly #peers = new InetPeers();

  constructor(
    public given: NodeState,
    readonly world: World,
  ) {}

  abstract tell(skb: Skb | null, body: EventBody): void;

  get rec(): Recorder {
    return this.world.rec;
  }
  get choose(): Chooser {
    return this.world.choose;
  }
  started(): number {
    return this.world.startedAt;
  }
  now(): number {
    return this.world.clock;
  }
  showAddr(a: Addr): string {
    return formatAddr(a);
  }

  /** Compiles what differs from `before`. */
  protected planNet(before: NodeState | null): void {
    const g = this.given;
    if (g.links !== before?.links) {
      const devices = devicesOf(g.links);
      this.devices = devices.list;
      this.#devByName = devices.byName;
      this.#devByIndex = devices.byIndex;
    }
    if (g.addrs !== before?.addrs) this.addrs = addrsOf(g.addrs);
    if (g.sysctls !== before?.sysctls) {
      this.sysctls = sysctlsOf(g.sysctls);
      this.forwardUsesPmtu = this.sysctl('net/ipv4/ip_forward_use_pmtu') !== 0;
    }
    if (g.neighs !== before?.neighs) this.neigh = new NeighTable(g.neighs);
    this.routing = new Routing(this);
    this.#routing6 = null;
  }

  device(name: string): NetDevice | undefined {
    return this.#devByName.get(name);
  }
  deviceByIndex(ifindex: number): NetDevice | undefined {
    return this.#devByIndex.get(ifindex);
  }

  // --- sysctls ---

  sysctl(path: string): number {
    return this.sysctls.get(path);
  }
  conf(family: Family, dev: string, name: string): number {
    return this.sysctls.conf(family, dev, name);
  }
  /** Tells, once, that a decision rests on a sysctl that the scenario does not state. */
  assume(family: Family, dev: string, name: string): void {
    if (!this.rec.on || this.sysctls.isStated(family, dev, name)) return;
    const what = `net.${family}.conf.${dev}.${name}`;
    if (this.#assumed.has(what)) return;
    this.#assumed.add(what);
    this.tell(null, { t: 'assumed', what, value: String(this.sysctls.conf(family, dev, name)) });
  }
  maxConf(family: Family, dev: string, name: string): number {
    return Math.max(this.sysctls.conf(family, 'all', name), this.sysctls.conf(family, dev, name));
  }
  orConf(family: Family, dev: string, name: string): boolean {
    return this.sysctls.conf(family, 'all', name) !== 0 || this.sysctls.conf(family, dev, name) !== 0;
  }
  andConf(family: Family, dev: string, name: string): boolean {
    return this.sysctls.conf(family, 'all', name) !== 0 && this.sysctls.conf(family, dev, name) !== 0;
  }

  // --- neighbours ---

  neighbour(dev: NetDevice, addr: Addr): Mac | null {
    return this.neigh.lookup(dev.name, addr);
  }
  hold(f: Flight, dev: NetDevice, hop: Addr): boolean {
    return this.neigh.hold(f, dev.name, hop);
  }
  isKnownNeighbour(dev: NetDevice, addr: Addr): boolean {
    return this.neigh.has(dev.name, addr);
  }

  // --- routing ---

  /** Compiled when the first IPv6 packet asks. */
  get routing6(): Routing6 {
    this.#routing6 ??= new Routing6(this);
    return this.#routing6;
  }
  routeInput6(skb: Skb): void {
    this.routing6.input(skb);
  }
  outputTo6(q: OutputQuery): { dst: Dst; errno: number } {
    return this.routing6.outputTo(q);
  }
  isLocalAddr6(a: Addr, dev: NetDevice | null): boolean {
    return this.routing6.isOwn(a, dev);
  }
  linkLocal6(dev: NetDevice): Addr | null {
    return this.routing6.linkLocal(dev);
  }
  linkDst6(dev: NetDevice, to: Addr): Dst {
    return this.routing6.linkDst(dev, to);
  }
  isLocalAddr(family: Family, addr: Addr): boolean {
    return this.addrType(family, addr, null) === 'local';
  }
  addrType(family: Family, addr: Addr, dev: NetDevice | null): RouteType {
    return family === 'ipv4' ? this.routing.addrType(family, addr, dev) : this.routing6.addrType(addr, dev);
  }
  fib(q: FibQuery): FibAnswer {
    return q.family === 'ipv4' ? this.routing.query(q) : this.routing6.query(q);
  }
  routeInput4(skb: Skb, daddr: Addr, saddr: Addr, tos: number, dev: NetDevice): { reason: string | null; cause: Cause; facts: Facts } {
    return this.routing.input(skb, daddr as number, saddr as number, tos, dev);
  }
  routeOutput(family: Family, q: OutputQuery): OutputAnswer {
    return family === 'ipv4' ? this.routing.output(q) : this.routing6.output(q);
  }
  routeMtu(dst: Dst): number {
    return dst.mtu;
  }
  onLink(dev: NetDevice, a: Addr, b: Addr): boolean {
    return this.routing.onLink(dev, a, b);
  }
  selectAddr(family: Family, dev: NetDevice, dst: Addr, scope: 'universe' | 'link' | 'host'): Addr | null {
    if (family === 'ipv6') return this.routing6.select(dev, dst);
    return this.routing.select(dev, dst, scope);
  }
  inboundAddress(skb: Skb): Addr | null {
    const dev = this.deviceByIndex(skb.iif);
    return dev ? this.routing.select(dev, skb.saddr, 'link') : null;
  }
  specificDst(skb: Skb): Addr {
    return this.routing.specificDst(skb);
  }
  redirectAllowed(to: Addr): boolean {
    return this.#peers.redirect(to, this.now());
  }
  icmp6Allowed(peer: Addr, interval: number): boolean {
    return this.#peers.icmp(peer, this.now(), interval);
  }
  icmpAllowed(to: Addr, type: number): boolean {
    if (((this.sysctl('net/ipv4/icmp_ratemask') >>> type) & 1) === 0) return true;
    return this.#peers.icmp(to, this.now(), this.sysctl('net/ipv4/icmp_ratelimit'));
  }
  errorAllowed(to: Addr): boolean {
    return this.#peers.error(to, this.now());
  }
}
