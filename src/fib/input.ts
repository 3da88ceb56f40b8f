/** Routing of received IPv4 packets: ip_route_input_rcu(), ip_route_input_slow(), __mkroute_input() of 6.18 (net/ipv4/route.c). Facts only; counters and logs are the caller's. */
import { isMulticast4 } from '../base/addr.js';
import { type Dst, type NetDevice, RTCF_BROADCAST, RTCF_DOREDIRECT, RTCF_LOCAL, RTCF_MULTICAST } from '../packet/types.js';
import type { RouteStep } from '../trace/event.js';
import { addrOnlink, isLocalMulticast4, isLoopback4, LBCAST4 } from './addr.js';
import { makeDst } from './dst.js';
import type { RouteEnv } from './fib.js';
import { selectPath } from './multipath.js';
import { EHOSTUNREACH } from './names.js';
import { quickCheck, type SourceCheck, type SourceReason, validateSource } from './source.js';
import { andConf, type ChooseNexthop, type FibResult, type FlowKeys, NO_KEYS, orConf } from './types.js';

export interface InputPacket {
  readonly src: number;
  readonly dst: number;
  readonly tos: number;
  readonly mark: number;
  /** skb->dev: the device it came in on (the bridge for bridged frames). */
  readonly dev: NetDevice;
  /** Protocol number of the IP header. */
  readonly proto: number;
  /** Transport ports for rules and multipath; NO_KEYS for later fragments and portless protocols (proto may be set). */
  readonly keys: FlowKeys;
  readonly secpath: boolean;
  /** ip_check_mc_rcu(): did the device join this group? 224.0.0.1 always counts. */
  readonly isMember: (dev: NetDevice, group: number) => boolean;
  readonly chooseNexthop: ChooseNexthop;
  /** Filled with the answer of each rule, for telling. */
  readonly steps?: RouteStep[] | undefined;
}

export type InputReason = SourceReason | 'IP_LOCALNET' | 'IP_INVALID_DEST' | 'NOT_SPECIFIED';

export interface InputResult {
  /** null: `dst` stands. Else the kernel's drop reason; the packet ends here. */
  readonly reason: InputReason | null;
  readonly dst: Dst | null;
  /** Which line log_martians prints. */
  readonly martian: 'source' | 'destination' | null;
  readonly result: FibResult | null;
  readonly source: SourceCheck | null;
}

const drop = (reason: InputReason, martian: InputResult['martian'], result: FibResult | null = null, source: SourceCheck | null = null): InputResult => ({
  reason,
  dst: null,
  martian,
  result,
  source,
});

export function routeInput(env: RouteEnv, p: InputPacket): InputResult {
  return isMulticast4(p.dst) ? multicastInput(env, p) : unicastInput(env, p);
}

function check(env: RouteEnv, p: InputPacket, dst: number, oif: number): SourceCheck {
  const quick = quickCheck(env, p.src, oif, p.dev, p.secpath);
  if (quick !== null) return quick;
  return validateSource(env, { src: p.src, dst, tos: p.tos, mark: p.mark, oif, dev: p.dev, keys: p.keys, secpath: p.secpath });
}

/** ip_route_input_mc(), ip_mc_validate_source(). */
function multicastInput(env: RouteEnv, p: InputPacket): InputResult {
  const ours = p.dst === 0xe0000001 || p.isMember(p.dev, p.dst);
  if (!ours && (isLocalMulticast4(p.dst) || !andConf(env.conf, p.dev.name, 'mc_forwarding'))) return drop('NOT_SPECIFIED', null);
  if (isMulticast4(p.src) || p.src === LBCAST4) return drop('IP_INVALID_SOURCE', null);
  if (isLoopback4(p.src) && !orConf(env.conf, p.dev.name, 'route_localnet')) return drop('IP_LOCALNET', null);
  let source: SourceCheck | null = null;
  if (p.src === 0) {
    const IGMP = 2;
    if (!isLocalMulticast4(p.dst) && p.proto !== IGMP) return drop('IP_INVALID_SOURCE', null);
  } else {
    source = check(env, p, 0, 0);
    if (source.reason) return drop(source.reason, null, null, source);
  }
  const dst = makeDst(null, {
    type: 'multicast',
    dev: loopback(env, p.dev),
    input: ours ? 'local' : 'mc_forward',
    output: 'discard',
    flags: RTCF_MULTICAST | (ours ? RTCF_LOCAL : 0),
  });
  return { reason: null, dst, martian: null, result: null, source };
}

const loopback = (env: RouteEnv, otherwise: NetDevice): NetDevice => env.fib.devices.find((d) => d.loopback) ?? otherwise;

function unicastInput(env: RouteEnv, p: InputPacket): InputResult {
  const { src, dst, dev } = p;
  if (isMulticast4(src) || src === LBCAST4) return drop('IP_INVALID_SOURCE', 'source');
  if (dst === LBCAST4 || (src === 0 && dst === 0)) return broadcastInput(env, p, null);
  if (src === 0) return drop('IP_INVALID_SOURCE', 'source');
  if (dst === 0) return drop('IP_INVALID_DEST', 'destination');
  const localnet = isLoopback4(dst) ? 'destination' : isLoopback4(src) ? 'source' : null;
  if (localnet && !orConf(env.conf, dev.name, 'route_localnet')) return drop('IP_LOCALNET', localnet);

  const { proto, sport, dport } = env.fib.rules.needsKeys ? p.keys : NO_KEYS;
  const res = env.fib.lookup({ src, dst, iif: dev.ifindex, oif: 0, mark: p.mark, tos: p.tos, proto, sport, dport, uid: 0, scope: 0 }, env.conf, false, p.steps);
  const { forwarding } = env.inDev(dev.name);
  if (res.errno !== 0) return unreachable(env, p, res, forwarding ? res.errno : EHOSTUNREACH);
  if (res.type === 'broadcast') {
    return andConf(env.conf, dev.name, 'bc_forwarding') ? forwardInput(env, p, res) : broadcastInput(env, p, res);
  }
  if (res.type === 'local') {
    const source = check(env, p, dst, 0);
    return source.reason ? drop(source.reason, 'source', res, source) : localInput(env, p, res, source, 'local', 0);
  }
  if (!forwarding) return unreachable(env, p, res, EHOSTUNREACH);
  if (res.type !== 'unicast') return drop('IP_INVALID_DEST', 'destination', res);
  return forwardInput(env, p, res);
}

function localInput(env: RouteEnv, p: InputPacket, res: FibResult | null, source: SourceCheck | null, type: 'local' | 'broadcast', flags: number): InputResult {
  // ip_rt_get_dev(): the loopback device, as nodes without vrf devices have it.
  const dst = makeDst(res, { type, dev: loopback(env, p.dev), input: 'local', output: 'discard', flags: flags | RTCF_LOCAL, gateway: null });
  return { reason: null, dst, martian: null, result: res, source };
}

function broadcastInput(env: RouteEnv, p: InputPacket, res: FibResult | null): InputResult {
  const source = p.src === 0 ? null : check(env, p, 0, 0);
  if (source?.reason) return drop(source.reason, 'source', res, source);
  return localInput(env, p, res, source, 'broadcast', RTCF_BROADCAST);
}

/** The packet gets a route whose input is ip_error(): the error is sent and counted there. */
function unreachable(env: RouteEnv, p: InputPacket, res: FibResult, errno: number): InputResult {
  const dst = makeDst(null, { type: 'unreachable', dev: loopback(env, p.dev), input: 'error', output: 'discard', flags: 0, error: errno });
  return { reason: null, dst, martian: null, result: res, source: null };
}

/** ip_mkroute_input(), __mkroute_input(). */
function forwardInput(env: RouteEnv, p: InputPacket, found: FibResult): InputResult {
  const res = selectPath(env, found, p.chooseNexthop);
  const out = res.dev;
  if (!out) return drop('NOT_SPECIFIED', null, res);
  const source = check(env, p, p.dst, out.ifindex);
  if (source.reason) return drop(source.reason, 'source', res, source);
  const { conf } = env;
  let flags = 0;
  if (out === p.dev && source.onLink && env.inDev(out.name).sendRedirects) {
    const gw = typeof res.gateway === 'number' ? res.gateway : 0;
    if (orConf(conf, out.name, 'shared_media') || addrOnlink(env, out, p.src, gw)) flags |= RTCF_DOREDIRECT;
  }
  if (res.rthInput?.flags !== flags) res.rthInput = makeDst(res, { type: res.type, dev: out, input: 'forward', output: 'unicast', flags });
  return { reason: null, dst: res.rthInput, martian: null, result: res, source };
}
