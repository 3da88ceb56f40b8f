/** A node's compiled routing: policy rules over route tables (fib_lookup(), fib_rules_lookup()). IPv6 tables are walked in fib6.ts. */
import type { Addr, Family } from '../base/addr.js';
import type { NetDevice } from '../packet/types.js';
import type { RouteStep } from '../trace/event.js';
import { realmOf } from './dst.js';
import { derivedRoutes4 } from './local-table.js';
import type { PolicyRule, Route } from './model.js';
import { EACCES, EAGAIN, EINVAL, ENETUNREACH, RT_SCOPE, RT_TABLE, tableName } from './names.js';
import { type CompiledRule, type CompiledRules, compileRules, ruleMatches } from './rules.js';
import type { SourceCheck } from './source.js';
import { type Alias, compileAlias, Table4, type TableHit } from './table4.js';
import { routeText } from './text.js';
import { type DevConf, type FibAddr, type FibResult, type Flow, maxConf, orConf } from './types.js';

export interface FibInput {
  readonly family: Family;
  /** null: follows from the addresses. */
  readonly routes: readonly Route[] | null;
  /** null: the rules of a fresh namespace. */
  readonly rules: readonly PolicyRule[] | null;
  readonly addrs: readonly FibAddr[];
  readonly devices: readonly NetDevice[];
}

/** What source validation reads of a device's sysctls, combined with conf/all as IN_DEV_ORCONF and its like do. */
export interface InDev {
  readonly name: string;
  readonly forwarding: boolean;
  readonly rpFilterAll: number;
  readonly rpFilterDev: number;
  /** max(all, dev) */
  readonly rpFilter: number;
  readonly srcValidMark: boolean;
  readonly acceptLocal: boolean;
  readonly sendRedirects: boolean;
  /** The two answers of the short check, made when they are first given. */
  quick: { readonly passes: SourceCheck; readonly ours: SourceCheck } | null;
}

function inDevOf(conf: DevConf, name: string): InDev {
  return {
    name,
    forwarding: conf.dev(name, 'forwarding') !== 0,
    rpFilterAll: conf.all('rp_filter'),
    rpFilterDev: conf.dev(name, 'rp_filter'),
    rpFilter: maxConf(conf, name, 'rp_filter'),
    srcValidMark: orConf(conf, name, 'src_valid_mark'),
    acceptLocal: orConf(conf, name, 'accept_local'),
    sendRedirects: orConf(conf, name, 'send_redirects'),
    quick: null,
  };
}

/** What all route functions read of a node: its compiled routing and its sysctls. */
export class RouteEnv {
  readonly #inDev = new Map<string, InDev>();
  #last: InDev | null = null;
  constructor(
    readonly fib: Fib,
    readonly conf: DevConf,
  ) {}
  /** Resolved once for each device: every packet asks. */
  inDev(name: string): InDev {
    if (this.#last !== null && this.#last.name === name) return this.#last;
    let d = this.#inDev.get(name);
    if (d === undefined) {
      d = inDevOf(this.conf, name);
      this.#inDev.set(name, d);
    }
    this.#last = d;
    return d;
  }
}

/** What a lookup gives that finds nothing; of IPv6 the null entry. */
export const NO_ROUTE: FibResult = {
  errno: ENETUNREACH,
  type: 'unreachable',
  route: null,
  nexthop: -1,
  dev: null,
  gateway: null,
  table: 0,
  prefixlen: 0,
  scope: RT_SCOPE.NOWHERE,
  nhScope: RT_SCOPE.NOWHERE,
  prefsrc: null,
  pref: -1,
  alternatives: [],
  rthInput: null,
};

export class Fib {
  readonly family = 'ipv4' as const;
  readonly addrs: readonly FibAddr[];
  readonly devices: readonly NetDevice[];
  readonly routes: readonly Route[];
  readonly rules: CompiledRules;
  readonly byName: ReadonlyMap<string, NetDevice>;
  readonly byIndex: ReadonlyMap<number, NetDevice>;
  /** Every ifa_local: what inet_lookup_ifaddr_rcu() knows. */
  readonly ownAddrs: ReadonlyMap<Addr, NetDevice>;
  /** A local route that no address made (fib_has_custom_local_routes). */
  readonly customLocalRoutes: boolean;
  /** A route or rule has a realm (fib_num_tclassid_users). */
  readonly realms: boolean;
  readonly #tables = new Map<number, Table4>();
  readonly #main: Table4 | undefined;
  /** Local and main in one, while no rule was ever changed (fib_unmerge). */
  readonly #merged: boolean;

  constructor(input: FibInput) {
    this.devices = input.devices;
    this.addrs = input.addrs.filter((a) => a.family === 'ipv4');
    this.byName = new Map(input.devices.map((d) => [d.name, d]));
    this.byIndex = new Map(input.devices.map((d) => [d.ifindex, d]));
    const own = new Map<Addr, NetDevice>();
    for (const a of this.addrs) {
      const dev = this.byName.get(a.dev);
      if (dev && !own.has(a.local)) own.set(a.local, dev);
    }
    this.ownAddrs = own;
    this.rules = compileRules('ipv4', input.rules, input.devices);
    this.#merged = !this.rules.custom;
    this.routes = (input.routes ?? derivedRoutes4(this.addrs, input.devices)).filter((r) => r.family === 'ipv4');
    this.customLocalRoutes = this.routes.some((r) => r.type === 'local' && r.protocol !== 'kernel');
    this.realms = this.routes.some((r) => realmOf(r) !== 0) || this.rules.list.some((c) => c.rule.realms !== null);
    const byTable = new Map<number, Alias[]>();
    for (const r of this.routes) {
      const id = this.#merged && r.table === RT_TABLE.LOCAL ? RT_TABLE.MAIN : r.table;
      const list = byTable.get(id);
      const alias = compileAlias(r, this.byName, own);
      if (list) list.push(alias);
      else byTable.set(id, [alias]);
    }
    for (const [id, list] of byTable) this.#tables.set(id, new Table4(list));
    this.#main = this.#tables.get(RT_TABLE.MAIN);
  }

  /** fib_get_table(): with merged tables local is main. */
  table(id: number): Table4 | undefined {
    return this.#tables.get(this.#merged && id === RT_TABLE.LOCAL ? RT_TABLE.MAIN : id);
  }

  /** Rules with l3mdev need vrf devices, which the engine does not have; null: nothing of that kind decides here. */
  get unsupported(): string | null {
    return this.rules.l3mdev && this.devices.some((d) => d.kind === 'vrf') ? 'ip rule l3mdev with a vrf device' : null;
  }

  /** fib_table_lookup() of one table; errno 11 (EAGAIN) where it has no answer or a throw route. */
  lookupTable(id: number, flow: Flow, conf: DevConf, ignoreLinkstate = false): FibResult {
    const t = this.table(id);
    const hit = t?.lookup(flow, conf, ignoreLinkstate) ?? null;
    return hit ? toResult(hit, -1) : { ...NO_ROUTE, errno: EAGAIN };
  }

  /** fib_lookup(). `ignoreLinkstate`: FIB_LOOKUP_IGNORE_LINKSTATE; `steps` is filled, in order, with what each rule's table answered. */
  lookup(flow: Flow, conf: DevConf, ignoreLinkstate = false, steps?: RouteStep[]): FibResult {
    return this.#merged ? this.#lookupMerged(flow, conf, ignoreLinkstate, steps) : this.#walkRules(flow, conf, ignoreLinkstate, steps);
  }

  #lookupMerged(flow: Flow, conf: DevConf, ignore: boolean, steps: RouteStep[] | undefined): FibResult {
    const hit = this.#main?.lookup(flow, conf, ignore) ?? null;
    if (hit && hit.errno !== EAGAIN) {
      const local = hit.alias.route.table === RT_TABLE.LOCAL;
      steps?.push({ pref: 0, table: 'local', route: local ? routeText(hit.alias.route) : null });
      if (!local) steps?.push({ pref: 32766, table: 'main', route: routeText(hit.alias.route) });
      return toResult(hit, local ? 0 : 32766);
    }
    steps?.push({ pref: 0, table: 'local', route: null }, { pref: 32766, table: 'main', route: hit ? routeText(hit.alias.route) : null });
    const def = this.#tables.get(RT_TABLE.DEFAULT);
    const last = def?.lookup(flow, conf, ignore) ?? null;
    steps?.push({ pref: 32767, table: 'default', route: last ? routeText(last.alias.route) : null });
    return last && last.errno !== EAGAIN ? toResult(last, 32767) : NO_ROUTE;
  }

  #walkRules(flow: Flow, conf: DevConf, ignore: boolean, steps: RouteStep[] | undefined): FibResult {
    const list = this.rules.list;
    let i = 0;
    // A goto only ever leads forward, so the walk ends.
    while (i < list.length) {
      const c = list[i++];
      if (!ruleMatches(c, flow) || c.action === 'nop') continue;
      if (c.action === 'goto') {
        if (c.target < 0) continue;
        steps?.push({ pref: c.rule.priority, table: `goto ${list[c.target].rule.priority}`, route: null });
        i = c.target;
        continue;
      }
      if (c.action !== 'table') {
        steps?.push({ pref: c.rule.priority, table: c.action, route: null });
        return { ...NO_ROUTE, errno: ruleErrno(c.action), pref: c.rule.priority };
      }
      const t = this.#tables.get(c.table);
      const hit = t?.lookup(flow, conf, ignore) ?? null;
      steps?.push({ pref: c.rule.priority, table: tableName(c.table), route: hit ? routeText(hit.alias.route) : null });
      if (!hit || hit.errno === EAGAIN) continue;
      if (hit.errno === 0 && suppressed(c.rule, hit)) continue;
      return toResult(hit, c.rule.priority);
    }
    return NO_ROUTE;
  }
}

/** fib4_rule_action(): what a rule that refuses means. */
function ruleErrno(action: CompiledRule['action']): number {
  return action === 'unreachable' ? ENETUNREACH : action === 'prohibit' ? EACCES : EINVAL;
}

/** fib4_rule_suppress(). */
function suppressed(rule: PolicyRule, hit: TableHit): boolean {
  if (rule.suppressPrefixlen !== null && hit.alias.route.dstLen <= rule.suppressPrefixlen) return true;
  const dev = hit.alias.nexthops[0]?.dev;
  return rule.suppressIfgroup !== null && dev != null && dev.group === rule.suppressIfgroup;
}

function toResult(hit: TableHit, pref: number): FibResult {
  if (hit.result === null || hit.result.pref !== pref) hit.result = makeResult(hit, pref);
  return hit.result;
}

function makeResult({ alias, nexthop, errno }: TableHit, pref: number): FibResult {
  const r = alias.route;
  const nh = nexthop >= 0 ? alias.nexthops[nexthop] : null;
  return {
    errno,
    type: r.type,
    route: r,
    nexthop,
    dev: nh?.dev ?? null,
    gateway: nh !== null && nh.scope === RT_SCOPE.LINK ? nh.nh.gateway : null,
    table: r.table,
    prefixlen: r.dstLen,
    scope: alias.scope,
    nhScope: nh?.scope ?? RT_SCOPE.NOWHERE,
    prefsrc: r.prefsrc,
    pref,
    alternatives: alias.alternatives,
    rthInput: null,
  };
}
