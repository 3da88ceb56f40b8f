/** One IPv6 route table: fib6_table_lookup(), rt6_select(), fib6_backtrack() (net/ipv6/route.c, ip6_fib.c) over an Lpm. */
import { type Addr, ANY6, inPrefix } from '../base/addr.js';
import type { NetDevice } from '../packet/types.js';
import { Lpm, type LpmNode } from './lpm.js';
import type { Nexthop, Route } from './model.js';
import { routeTypeErrno } from './names.js';
import type { DevConf } from './types.js';

/** struct fib6_info: one nexthop of a route. */
export interface Entry6 {
  readonly route: Route;
  readonly nexthop: number;
  readonly nh: Nexthop | null;
  readonly dev: NetDevice | null;
  readonly oif: number;
  readonly errno: number;
  readonly dead: boolean;
  readonly linkdown: boolean;
  /** Router preference as rt6_score_route() counts it: 1 low, 2 medium, 3 high. */
  readonly pref: number;
}

const REJECT: ReadonlySet<string> = new Set(['blackhole', 'unreachable', 'prohibit', 'throw']);
export const isReject = (r: Route): boolean => REJECT.has(r.type);

/** RTF_LOCAL, RTF_ANYCAST: there while their device is down as well (fc_ignore_dev_down of addrconf_f6i_alloc()), and never without a carrier (fib6_nh_init()). */
const ofAddress = (r: Route): boolean => r.type === 'local' || (r.type === 'anycast' && r.protocol === 'kernel');

/** A route of the dump as the kernel's entries; reject routes stand on the loopback device. */
export function entriesOf(route: Route, devices: ReadonlyMap<string, NetDevice>, loopback: NetDevice | null): Entry6[] {
  const reject = isReject(route);
  const nexthops: readonly (Nexthop | null)[] = route.nexthops.length > 0 ? route.nexthops : [null];
  return nexthops.map((nh, nexthop): Entry6 => {
    const dev = (nh?.dev != null ? devices.get(nh.dev) : undefined) ?? (reject ? loopback : null);
    return {
      route,
      nexthop,
      nh,
      dev,
      oif: dev?.ifindex ?? -1,
      errno: routeTypeErrno[route.type],
      dead: !reject && (dev === null || (!dev.up && !ofAddress(route)) || ((nh?.flags.includes('dead') ?? false) && !nh?.flags.includes('linkdown'))),
      linkdown: dev !== null && !dev.carrier && !ofAddress(route),
      pref: route.pref === 'high' ? 3 : route.pref === 'low' ? 1 : 2,
    };
  });
}

/** Entries of one destination with the same `from`, by metric; equals as they were added. */
interface Leaf {
  readonly src: Route['src'];
  readonly entries: Entry6[];
}

export class Table6 {
  readonly #lpm: Lpm<Entry6>;
  readonly #leaves = new Map<LpmNode<Entry6>, readonly Leaf[]>();

  constructor(entries: readonly Entry6[]) {
    this.#lpm = new Lpm(
      'ipv6',
      entries.map((item) => ({ addr: item.route.dst, len: item.route.dstLen, item })),
    );
  }

  /**
   * The entry that fib6_table_lookup() settles on for `oif` (of input: the device it came in on), null for the null entry.
   * `strict` (RT6_LOOKUP_F_IFACE): only entries on that very device.
   */
  lookup(dst: Addr, src: Addr, oif: number, strict: boolean, conf: DevConf, ignoreLinkstate: boolean): Entry6 | null {
    for (const leaf of this.#candidates(dst, src)) {
      const e = select(leaf.entries, oif, strict, conf, ignoreLinkstate);
      if (e) return e;
    }
    return null;
  }

  /** ip6_pol_route_lookup(): of the first destination that has any, rt6_device_match(). `isOwn`: is the source an address of that device, or of any that counts for it? */
  lookupPlain(dst: Addr, src: Addr, oif: number, strict: boolean, isOwn: (dev: NetDevice | null) => boolean): Entry6 | null {
    for (const { entries } of this.#candidates(dst, src)) {
      const first = entries[0].dead ? null : entries[0];
      if (oif === 0 && src === ANY6 && first) return first;
      const e = entries.find((x) => !x.dead && (oif === 0 ? isOwn(x.dev) : x.oif === oif)) ?? (oif !== 0 && strict ? null : first);
      if (e) return e;
    }
    return null;
  }

  #leavesOf(node: LpmNode<Entry6>): readonly Leaf[] {
    let leaves = this.#leaves.get(node);
    if (!leaves) this.#leaves.set(node, (leaves = leavesOf(node.items)));
    return leaves;
  }

  /** Leaves in the order the kernel tries them: longest destination first, in it the longest matching source. */
  *#candidates(dst: Addr, src: Addr): Generator<Leaf> {
    let backtracking = false;
    for (let node = this.#lpm.find(dst); node !== null; node = node.parent) {
      const leaves = this.#leavesOf(node);
      let bySource = false;
      for (const leaf of leaves) {
        if (leaf.src === null) {
          // The first descent does not look at the plain routes of a destination that has `from` routes of which none matches, the root excepted.
          if (leaves.length > 1 && !bySource && !backtracking && node.len > 0) continue;
        } else if (!inPrefix(src, leaf.src.addr, leaf.src.len)) continue;
        else bySource = true;
        yield leaf;
        backtracking = true;
      }
    }
  }
}

function leavesOf(items: readonly Entry6[]): readonly Leaf[] {
  const leaves: Leaf[] = [];
  for (const e of items) {
    const src = e.route.src !== null && e.route.src.len > 0 ? e.route.src : null;
    const leaf = leaves.find((l) => (l.src === null ? src === null : src !== null && l.src.addr === src.addr && l.src.len === src.len));
    if (leaf) leaf.entries.push(e);
    else leaves.push({ src, entries: [e] });
  }
  for (const l of leaves) l.entries.sort((a, b) => a.route.metric - b.route.metric);
  return leaves.sort((a, b) => (b.src?.len ?? -1) - (a.src?.len ?? -1));
}

/** rt6_score_route() and the checks of find_match(); -1 = no match. */
export function score(e: Entry6, oif: number, strict: boolean, conf: DevConf, ignoreLinkstate: boolean): number {
  if (e.dead) return -1;
  if (e.linkdown && !ignoreLinkstate && e.dev !== null && conf.dev(e.dev.name, 'ignore_routes_with_linkdown') !== 0) return -1;
  const onDevice = oif === 0 || e.oif === oif ? 2 : 0;
  return onDevice === 0 && strict ? -1 : onDevice | (e.pref << 2);
}

/** find_rr_leaf(): best score among the lowest metric, else best score of all the others, whatever their metric. */
function select(entries: readonly Entry6[], oif: number, strict: boolean, conf: DevConf, ignoreLinkstate: boolean): Entry6 | null {
  const metric = entries[0].route.metric;
  const best = (list: readonly Entry6[]): Entry6 | null => {
    let found: Entry6 | null = null;
    let high = -1;
    for (const e of list) {
      const s = score(e, oif, strict, conf, ignoreLinkstate);
      if (s > high) {
        high = s;
        found = e;
      }
    }
    return found;
  };
  const rest = entries.findIndex((e) => e.route.metric !== metric);
  return best(rest < 0 ? entries : entries.slice(0, rest)) ?? (rest < 0 ? null : best(entries.slice(rest)));
}
