/** A node's compiled IPv6 routing: fib6_rule_lookup(), fib6_rule_action(), fib6_rule_suppress() (net/ipv6/fib6_rules.c). */

import type { Addr } from '../base/addr.js';
import { memoByPair } from '../base/memo.js';
import type { NetDevice } from '../packet/types.js';
import type { RouteStep } from '../trace/event.js';
import { type FibInput, NO_ROUTE } from './fib.js';
import { derivedRoutes6 } from './local-table.js';
import type { PolicyRule, Route } from './model.js';
import { EACCES, EAGAIN, EINVAL, ENETUNREACH, RT_SCOPE, tableName } from './names.js';
import { type CompiledRules, compileRules, defaultRules, ruleMatches } from './rules.js';
import { type Entry6, entriesOf, score, Table6 } from './table6.js';
import { routeText } from './text.js';
import { type ChooseNexthop, type DevConf, type FibAddr, type FibResult, type Flow, LOOPBACK_IFINDEX } from './types.js';

export interface Lookup6Options {
  /** FIB_LOOKUP_IGNORE_LINKSTATE. */
  readonly ignoreLinkstate?: boolean;
  /** Filled, in order, with what each rule's table answered. */
  readonly steps?: RouteStep[];
  /** RT6_LOOKUP_F_IFACE: only routes of the very device. */
  readonly strict?: boolean;
  /** ip6_route_lookup(): the first route of the longest prefix, one of the device where there is one; no scores. */
  readonly plain?: boolean;
  readonly chooseNexthop?: ChooseNexthop;
}

export interface RouteEnv6 {
  readonly fib: Fib6;
  /** net/ipv6/conf. */
  readonly conf: DevConf;
}

export class Fib6 {
  readonly family = 'ipv6' as const;
  readonly addrs: readonly FibAddr[];
  readonly devices: readonly NetDevice[];
  readonly routes: readonly Route[];
  readonly rules: CompiledRules;
  readonly byName: ReadonlyMap<string, NetDevice>;
  readonly byIndex: ReadonlyMap<number, NetDevice>;
  readonly loopback: NetDevice | null;
  readonly #tables = new Map<number, Table6>();
  readonly #byRoute = new Map<Route, readonly Entry6[]>();

  constructor(input: FibInput, forwarding: boolean) {
    this.devices = input.devices;
    this.addrs = input.addrs.filter((a) => a.family === 'ipv6');
    this.byName = new Map(input.devices.map((d) => [d.name, d]));
    this.byIndex = new Map(input.devices.map((d) => [d.ifindex, d]));
    this.loopback = input.devices.find((d) => d.loopback) ?? null;
    this.rules = compileRules('ipv6', input.rules, input.devices);
    this.routes = (input.routes ?? derivedRoutes6(this.addrs, input.devices, forwarding)).filter((r) => r.family === 'ipv6');
    const byTable = new Map<number, Entry6[]>();
    for (const r of this.routes) {
      const entries = entriesOf(r, this.byName, this.loopback);
      this.#byRoute.set(r, entries);
      const list = byTable.get(r.table);
      if (list) list.push(...entries);
      else byTable.set(r.table, entries.slice());
    }
    for (const [id, list] of byTable) this.#tables.set(id, new Table6(list));
  }

  get unsupported(): string | null {
    return this.rules.l3mdev && this.devices.some((d) => d.kind === 'vrf') ? 'ip -6 rule l3mdev with a vrf device' : null;
  }

  /** One table; errno 11 (EAGAIN) and no route where it has no answer. Input lookups go by the device the packet came in on. */
  lookupTable(id: number, f: Flow, conf: DevConf, strict = false, o: Lookup6Options = {}): FibResult {
    const oif = f.iif !== 0 && f.iif !== LOOPBACK_IFINDEX ? f.iif : f.oif;
    const ignore = o.ignoreLinkstate ?? false;
    const table = this.#tables.get(id);
    const e =
      (o.plain
        ? table?.lookupPlain(f.dst, f.src, oif, strict, (dev) => this.#isOwn(f.src, dev, strict))
        : table?.lookup(f.dst, f.src, oif, strict, conf, ignore)) ?? null;
    return e === null ? { ...NO_ROUTE, errno: EAGAIN } : toResult(this.#sibling(e, oif, strict, conf, ignore, f, o.chooseNexthop));
  }

  /** ipv6_chk_addr(). */
  #isOwn(a: Addr, dev: NetDevice | null, strict: boolean): boolean {
    return this.addrs.some((x) => x.local === a && (x.dev === dev?.name || !(strict || x.scope === 'link' || x.scope === 'host')));
  }

  /** fib6_select_path(): another nexthop of the same multipath route, unless the bound device settled it. */
  #sibling(e: Entry6, oif: number, strict: boolean, conf: DevConf, ignore: boolean, f: Flow, choose: ChooseNexthop | undefined): Entry6 {
    const all = this.#byRoute.get(e.route) ?? [];
    if (all.length < 2 || !choose || (f.iif === LOOPBACK_IFINDEX && oif !== 0 && e.oif === oif)) return e;
    const usable = all.filter((x) => score(x, oif, strict, conf, ignore) >= 0);
    return usable.length < 2 ? e : (usable[choose(usable.map((x) => x.nh?.weight ?? 1))] ?? e);
  }

  /** fib6_rule_lookup(). errno 101 and no route: nothing found. */
  lookup(f: Flow, conf: DevConf, o: Lookup6Options = {}): FibResult {
    const { list } = this.rules;
    let i = 0;
    while (i < list.length) {
      const c = list[i++];
      if (!ruleMatches(c, f) || c.action === 'nop') continue;
      if (c.action === 'goto') {
        if (c.target >= 0) i = c.target;
        continue;
      }
      const pref = c.rule.priority;
      if (c.action !== 'table') {
        o.steps?.push({ pref, table: c.action, route: null });
        return { ...NO_ROUTE, type: c.action, errno: c.action === 'unreachable' ? ENETUNREACH : c.action === 'prohibit' ? EACCES : EINVAL, pref };
      }
      const r = this.lookupTable(c.table, f, conf, o.strict ?? false, o);
      o.steps?.push({ pref, table: tableName(c.table), route: r.route ? routeText(r.route) : null });
      if (r.errno === EAGAIN || (r.errno === 0 && suppressed(c.rule, r))) continue;
      return { ...r, pref };
    }
    return NO_ROUTE;
  }
}

function suppressed(rule: PolicyRule, r: FibResult): boolean {
  if (rule.suppressPrefixlen !== null && r.prefixlen <= rule.suppressPrefixlen) return true;
  return rule.suppressIfgroup !== null && r.dev !== null && r.dev.group === rule.suppressIfgroup;
}

function toResult(e: Entry6): FibResult {
  const gateway: Addr | null = e.nh?.gateway ?? null;
  return {
    errno: e.errno,
    type: e.route.type,
    route: e.route,
    nexthop: e.nh === null ? -1 : e.nexthop,
    dev: e.dev,
    gateway,
    table: e.route.table,
    prefixlen: e.route.dstLen,
    scope: RT_SCOPE.UNIVERSE,
    nhScope: gateway === null ? RT_SCOPE.HOST : RT_SCOPE.LINK,
    prefsrc: e.route.prefsrc,
    pref: -1,
    alternatives: [],
    rthInput: null,
  };
}

const DERIVED: readonly Route[] = [];
const byDevices = (forwarding: boolean) =>
  memoByPair((addrs: readonly FibAddr[], devices: readonly NetDevice[]) =>
    memoByPair(
      (routes: readonly Route[], rules: readonly PolicyRule[]) =>
        new Fib6({ family: 'ipv6', routes: routes === DERIVED ? null : routes, rules, addrs, devices }, forwarding),
    ),
  );
const forwarding6 = byDevices(true);
const host6 = byDevices(false);

/** The IPv6 routing of a node; equal input objects give the very same Fib6. `forwarding` (conf/all) matters only where routes are derived: routers have anycast routes. */
export function compileFib6(input: FibInput, forwarding = false): Fib6 {
  return (forwarding ? forwarding6 : host6)(input.addrs, input.devices)(input.routes ?? DERIVED, input.rules ?? defaultRules('ipv6'));
}
