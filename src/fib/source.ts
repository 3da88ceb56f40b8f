/** Source validation: fib_validate_source() and __fib_validate_source() of 6.18 (net/ipv4/fib_frontend.c). */
import type { NetDevice } from '../packet/types.js';
import type { RouteStep } from '../trace/event.js';
import type { InDev, RouteEnv } from './fib.js';
import { RT_SCOPE } from './names.js';
import { type FibResult, type Flow, type FlowKeys, LOOPBACK_IFINDEX, NO_KEYS } from './types.js';

export interface SourceQuery {
  readonly src: number;
  /** Destination of the packet; 0 for broadcast and multicast. */
  readonly dst: number;
  readonly tos: number;
  readonly mark: number;
  /** ifindex the packet will leave by; 0 for local delivery. */
  readonly oif: number;
  /** Device it came in on. */
  readonly dev: NetDevice;
  readonly keys: FlowKeys;
  /** It came out of a tunnel (secpath_exists): rp_filter does not apply. */
  readonly secpath: boolean;
  readonly steps?: RouteStep[];
}

export type SourceReason = 'IP_RPFILTER' | 'IP_LOCAL_SOURCE' | 'IP_INVALID_SOURCE';

/** All that decided, for telling; `reverse` is null where no lookup was needed. */
export interface SourceCheck {
  readonly reason: SourceReason | null;
  /** The source is on link (nexthop scope host or narrower): what a redirect needs. */
  readonly onLink: boolean;
  readonly rpFilterAll: number;
  readonly rpFilterDev: number;
  /** max(all, dev), 0 behind a tunnel. */
  readonly effective: number;
  readonly reverse: FibResult | null;
  /** Mark the reverse lookup used. */
  readonly mark: number;
  readonly srcValidMark: boolean;
  /** Only the short check against own addresses ran. */
  readonly fast: boolean;
}

export function validateSource(env: RouteEnv, q: SourceQuery): SourceCheck {
  const quick = quickCheck(env, q.src, q.oif, q.dev, q.secpath);
  if (quick !== null) return quick;
  const inDev = env.inDev(q.dev.name);
  const effective = q.secpath ? 0 : inDev.rpFilter;
  return answer(inDev, effective, fullCheck(env, q, effective, inDev), false);
}

/** fib_validate_source() where no reverse lookup is needed; null where one is. */
export function quickCheck(env: RouteEnv, src: number, oif: number, dev: NetDevice, secpath: boolean): SourceCheck | null {
  const inDev = env.inDev(dev.name);
  if ((!secpath && inDev.rpFilter !== 0) || (dev.ifindex === oif && inDev.sendRedirects)) return null;
  const { fib } = env;
  if (fib.realms) return null;
  if (!inDev.acceptLocal && (fib.customLocalRoutes || fib.rules.custom)) return null;
  const ours = !inDev.acceptLocal && fib.ownAddrs.has(src);
  inDev.quick ??= { passes: answer(inDev, 0, NOT_ASKED, true), ours: answer(inDev, 0, OWN_SOURCE, true) };
  return ours ? inDev.quick.ours : inDev.quick.passes;
}

function answer(d: InDev, effective: number, r: Full, fast: boolean): SourceCheck {
  return {
    reason: r.reason,
    onLink: r.onLink,
    rpFilterAll: d.rpFilterAll,
    rpFilterDev: d.rpFilterDev,
    effective,
    reverse: r.reverse,
    mark: r.mark,
    srcValidMark: d.srcValidMark,
    fast,
  };
}

type Full = Pick<SourceCheck, 'reason' | 'onLink' | 'reverse' | 'mark'>;
/** The short check's answers: no reverse lookup. */
const NOT_ASKED: Full = { reason: null, onLink: false, reverse: null, mark: 0 };
const OWN_SOURCE: Full = { ...NOT_ASKED, reason: 'IP_LOCAL_SOURCE' };

function fullCheck(env: RouteEnv, q: SourceQuery, rpf: number, inDev: InDev): Full {
  const { fib, conf } = env;
  const { proto, sport, dport } = fib.rules.needsKeys ? q.keys : NO_KEYS;
  const mark = inDev.srcValidMark ? q.mark : 0;
  const iif = q.oif || LOOPBACK_IFINDEX;
  const flow: Flow = { src: q.dst, dst: q.src, iif, oif: 0, mark, tos: q.tos, proto, sport: dport, dport: sport, uid: 0, scope: RT_SCOPE.UNIVERSE };
  const reverse = fib.lookup(flow, conf, false, q.steps);
  const answer = (reason: SourceReason | null, onLink = false): Full => ({ reason, onLink, reverse, mark });
  const lastResort = (): Full => answer(rpf !== 0 ? 'IP_RPFILTER' : null);
  if (reverse.errno !== 0) return lastResort();
  if (reverse.type !== 'unicast') {
    if (reverse.type !== 'local') return answer('IP_INVALID_SOURCE');
    if (!inDev.acceptLocal) return answer('IP_LOCAL_SOURCE');
  }
  const usesDev = reverse.route?.nexthops.some((n) => n.dev === q.dev.name) ?? false;
  if (usesDev || (reverse.type === 'local' && q.dev.loopback)) return answer(null, reverse.nhScope >= RT_SCOPE.HOST);
  if (!fib.addrs.some((a) => a.dev === q.dev.name)) return lastResort();
  if (rpf === 1) return answer('IP_RPFILTER');
  const again = fib.lookup({ ...flow, oif: q.dev.ifindex }, conf, true);
  return answer(null, again.errno === 0 && again.type === 'unicast' && again.nhScope >= RT_SCOPE.HOST);
}
