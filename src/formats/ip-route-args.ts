/** Arguments of `ip route add|append|prepend|change|replace|del` (ip-route(8); iproute2 ip/iproute.c iproute_modify()). */
import { type Addr, type Family, familyOf, parseAddr } from '../base/addr.js';
import type { Parsed } from '../base/diagnostic.js';
import { bareRoute } from '../fib/defaults.js';
import type { RouteChange, RouteCommand } from '../fib/edit.js';
import type { Nexthop } from '../fib/model.js';
import { RT_TABLE } from '../fib/names.js';
import { type Args, matches, readArgs, u32, unsigned } from './ip-args.js';
import { asRouteType, parseMs, type RouteDraft } from './ip-route-draft.js';
import { type Prefix, parsePrefix, routeProtocol, type TableNames, tableNumber, tosNumber } from './rt-names.js';

export interface RouteArgsOptions {
  /** From `ip -4`, `ip -6`; null: by the first address seen, IPv4 where none tells. */
  readonly family: Family | null;
  readonly tables?: TableNames;
}

/** `words` behind the command: `default via 10.0.0.1 dev eth0 metric 100`. Devices are names, not looked up; dev may be missing where a gateway stands. */
export function parseRouteArgs(command: RouteCommand, words: readonly string[], o: RouteArgsOptions): Parsed<RouteChange | null> {
  return readArgs(`ip route ${command}`, words, (a) => new Reading(command, o).read(a));
}

const fits = (a: Addr | null, family: Family | null): boolean => a !== null && (family === null || familyOf(a) === family);
const anyPrefix = (t: string, family: Family | null): Prefix | null =>
  family === null ? (parsePrefix(t, 'ipv4') ?? parsePrefix(t, 'ipv6')) : parsePrefix(t, family);
const inet = (family: Family | null): string => (family === null ? 'inet' : family === 'ipv4' ? 'inet' : 'inet6');
const isNeutral = (t: string): boolean => t === 'default' || t === 'any' || t === 'all';

/** Metrics with a plain number, how far a word may be cut short, and their greatest value. */
const metrics: readonly (readonly [name: string, abbreviated: boolean, max: number])[] = [
  ['mtu', false, 0xffffffff],
  ['hoplimit', false, 255],
  ['advmss', false, 0xffffffff],
  ['reordering', true, 0xffffffff],
  ['window', true, 0xffffffff],
  ['cwnd', true, 0xffffffff],
  ['initcwnd', true, 0xffffffff],
  ['initrwnd', true, 0xffffffff],
  ['quickack', true, 1],
  ['ssthresh', true, 0xffffffff],
  ['fastopen_no_cookie', true, 1],
];
const times = ['rtt', 'rto_min', 'rttvar'];

class Reading {
  readonly #r: RouteDraft;
  #family: Family | null;
  readonly #given = new Set<string>();
  #gateway: Addr | null = null;
  #dev: string | null = null;
  readonly #flags: string[] = [];
  readonly #nexthops: Nexthop[] = [];
  #dstDone = false;

  constructor(
    readonly command: RouteCommand,
    readonly o: RouteArgsOptions,
  ) {
    this.#family = o.family;
    this.#r = bareRoute(o.family ?? 'ipv4');
  }

  read(a: Args): RouteChange {
    if (a.done) a.fail('ip-usage', 'Usage: ip route { add | del | change | append | replace } ROUTE');
    while (!a.done) this.#clause(a, a.next());
    return this.#finish(a);
  }

  #clause(a: Args, w: string): void {
    if (this.#address(a, w) || this.#metric(a, w) || this.#attribute(a, w)) return;
    this.#destination(a, w);
  }

  #addr(a: Args, family: Family | null = this.#family): Addr {
    const w = a.next();
    const v = parseAddr(w);
    if (v === null || !fits(v, family)) a.fail('ip-address', `Error: ${inet(family)} address is expected rather than "${w}".`);
    return v;
  }

  #gatewayOf(a: Args): Addr {
    const w = a.peek();
    const family = w === 'inet' ? 'ipv4' : w === 'inet6' ? 'ipv6' : null;
    if (family) {
      a.next();
      return this.#addr(a, family);
    }
    const g = this.#addr(a);
    this.#family ??= familyOf(g);
    return g;
  }

  #address(a: Args, w: string): boolean {
    const r = this.#r;
    if (w === 'src') {
      r.prefsrc = this.#addr(a);
      this.#family ??= familyOf(r.prefsrc);
      this.#given.add('src');
    } else if (w === 'via') {
      this.#gateway = this.#gatewayOf(a);
      this.#given.add('via');
    } else if (w === 'from') r.src = this.#prefix(a, a.next());
    else if (w === 'nexthop') {
      a.back();
      this.#readNexthops(a);
    } else if (w === 'dev' || w === 'oif') {
      this.#dev = a.next();
      this.#given.add('dev');
    } else if (w === 'onlink' || w === 'pervasive') this.#flags.push(w);
    else return false;
    return true;
  }

  #metric(a: Args, w: string): boolean {
    const r = this.#r;
    const row = metrics.find(([name, short]) => (short ? matches(w, name) && w.length > 1 : w === name));
    const time = times.find((t) => t === w);
    if (row) {
      this.#lock(a, row[0]);
      r.metrics = { ...r.metrics, [row[0]]: a.value(unsigned(row[2]), `"${row[0]}" value is invalid`) };
    } else if (time) {
      this.#lock(a, time);
      r.metrics = { ...r.metrics, [time]: a.value(parseMs, `"${time}" value is invalid`) };
      // rto_min is always locked (iproute_modify()).
      if (time === 'rto_min' && !r.lock.includes(time)) r.lock = [...r.lock, time];
    } else if (w === 'features') r.metrics = { ...r.metrics, features: a.value((t) => (t === 'ecn' ? 1 : null), '"features" value not valid') };
    else if (w === 'congctl') {
      this.#lock(a, w);
      r.congctl = a.next();
    } else return false;
    return true;
  }

  #lock(a: Args, name: string): void {
    if (a.peek() !== 'lock') return;
    a.next();
    this.#r.lock = [...this.#r.lock, name];
  }

  #attribute(a: Args, w: string): boolean {
    const r = this.#r;
    const set = (key: string): void => void this.#given.add(key);
    if (w === 'tos' || (w.length > 1 && matches(w, 'dsfield'))) {
      r.tos = a.value(tosNumber, '"tos" value is invalid');
      set('tos');
    } else if (w === 'expires') r.expires = a.value(u32, '"expires" value is invalid');
    else if ((matches(w, 'metric') || matches(w, 'priority') || w === 'preference') && w !== 'pr') {
      r.metric = a.value(u32, '"metric" value is invalid');
      set('metric');
    } else if (w === 'scope') {
      r.scope = a.value(asScopeArg, 'invalid "scope" value');
      set('scope');
    } else if (matches(w, 'realms') && w.length > 1) r.realms = a.value((t) => (/^[^/]+(\/[^/]+)?$/.test(t) ? t : null), '"realm" value is invalid');
    else if (w === 'nhid') r.nhid = a.value(u32, '"id" value is invalid');
    else if (matches(w, 'protocol')) {
      r.protocol = a.value(routeProtocol, '"protocol" value is invalid');
      set('proto');
    } else if (matches(w, 'table')) {
      r.table = a.value((t) => tableNumber(t, this.o.tables), '"table" value is invalid');
      set('table');
    } else if (w === 'pref') r.pref = a.value((t) => (t === 'low' || t === 'medium' || t === 'high' ? t : null), '"pref" value is invalid');
    else if (w === 'encap' || w === 'vrf' || w === 'ttl-propagate' || w === 'as') a.fail('ip-unsupported', `"${w}" is not supported here`);
    else return false;
    return true;
  }

  #prefix(a: Args, w: string): Prefix {
    const p = anyPrefix(w, this.#family);
    if (!p) a.fail('ip-prefix', `Error: ${this.#family === null ? 'any valid' : inet(this.#family)} prefix is expected rather than "${w}".`);
    if (!isNeutral(w)) this.#family ??= familyOf(p.addr);
    return p;
  }

  #destination(a: Args, word: string): void {
    let w = word;
    const type = asRouteType(w);
    if (w === 'to') w = a.next();
    else if (type && !this.#given.has('type')) {
      this.#r.type = type;
      this.#given.add('type');
      w = a.next();
    }
    if (this.#dstDone) a.fail('ip-garbage', `Error: either "to" is duplicate, or "${w}" is a garbage.`);
    const p = this.#prefix(a, w);
    this.#r.dst = p.addr;
    this.#r.dstLen = p.len;
    this.#dstDone = true;
  }

  #readNexthops(a: Args): void {
    while (!a.done) {
      const w = a.next();
      if (w !== 'nexthop') a.fail('ip-nexthop', `Error: "nexthop" or end of line is expected instead of "${w}"`);
      this.#nexthops.push(this.#nexthop(a));
    }
  }

  #nexthop(a: Args): Nexthop {
    let gateway: Addr | null = null;
    let dev: string | null = null;
    let weight = 1;
    const flags: string[] = [];
    while (!a.done) {
      const w = a.next();
      if (w === 'via') gateway = this.#gatewayOf(a);
      else if (w === 'dev') dev = a.next();
      else if (w === 'weight') weight = a.value((t) => unsigned(256)(t) || null, '"weight" is invalid');
      else if (w === 'onlink' || w === 'pervasive') flags.push(w);
      else {
        a.back();
        break;
      }
    }
    return { gateway, dev, weight, flags };
  }

  #finish(a: Args): RouteChange {
    const r = this.#r;
    const family = this.#family ?? 'ipv4';
    if (family === 'ipv6') {
      r.family = family;
      if (!this.#dstDone || r.dstLen === 0) r.dst = '\0\0\0\0\0\0\0\0';
      if (!this.#given.has('metric') || r.metric === 0) r.metric = 1024;
      r.pref ??= 'medium';
    }
    if (familyOf(r.dst) !== family) a.fail('ip-prefix', `Error: ${inet(family)} prefix is expected rather than "${a.words.join(' ')}".`);
    if (!this.#given.has('table') && (r.type === 'local' || r.type === 'broadcast' || r.type === 'nat' || r.type === 'anycast')) r.table = RT_TABLE.LOCAL;
    if (!this.#given.has('scope')) r.scope = family === 'ipv6' ? 'global' : this.#defaultScope();
    if (this.#nexthops.length > 0) r.nexthops = this.#nexthops;
    else if (this.#gateway !== null || this.#dev !== null) r.nexthops = [{ gateway: this.#gateway, dev: this.#dev, weight: 1, flags: this.#flags }];
    return { command: this.command, route: r, given: this.#given };
  }

  #defaultScope(): string {
    const { type } = this.#r;
    if (type === 'local' || type === 'nat') return 'host';
    if (type === 'broadcast' || type === 'multicast' || type === 'anycast') return 'link';
    const plain = this.#gateway === null && this.#nexthops.length === 0 && this.#r.nhid === null;
    return type === 'unicast' && plain ? 'link' : 'global';
  }
}

function asScopeArg(t: string): string | null {
  if (['global', 'site', 'link', 'host', 'nowhere'].includes(t)) return t;
  const n = unsigned(255)(t);
  if (n === null) return null;
  return n === 0 ? 'global' : n === 200 ? 'site' : n === 253 ? 'link' : n === 254 ? 'host' : n === 255 ? 'nowhere' : String(n);
}
