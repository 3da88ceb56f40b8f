/** `ip route get`: inet_rtm_getroute(), inet6_rtm_getroute(), and what iproute2 prints of their answers (ip/iproute.c print_route()). */
import { type Addr, ANY6, addrBits, type Family, familyOf, formatAddr, type Ip6 } from '../../base/addr.js';
import {
  type FibResult,
  type FlowKeys,
  type Route,
  routeInput,
  routeInput6,
  routeOutput,
  routeOutput6To,
  routeText,
  selectAddress6,
  tableName,
} from '../../fib/index.js';
import { writeIpRoute, writeIpRouteJson } from '../../formats/ip-route.js';
import { parseIpproto } from '../../formats/ip-rule-draft.js';
import { parsePrefix, tosNumber } from '../../formats/rt-names.js';
import { type Dst, type NetDevice, RTCF_BROADCAST, RTCF_DOREDIRECT, RTCF_LOCAL, RTCF_MULTICAST } from '../../packet/types.js';
import { behavesNew } from '../../stack/kernel-release.js';
import { unknownOf } from '../../stack/missing.js';
import type { NodeRun } from '../../stack/node-run.js';
import { Refusal } from '../refusal.js';
import { type Answer, complained, said } from '../tool.js';
import { byBeginning, Clauses, type IpCommand, noDevice, wrong } from './command.js';

const ERRNO = new Map([
  [13, 'Permission denied'],
  [18, 'Invalid cross-device link'],
  [19, 'No such device'],
  [22, 'Invalid argument'],
  [99, 'Cannot assign requested address'],
  [101, 'Network is unreachable'],
  [113, 'No route to host'],
]);
const EXDEV = 18;
const EINVAL = 22;
const refused = (errno: number, before = ''): Answer => complained(`${before}RTNETLINK answers: ${ERRNO.get(errno) ?? `error ${errno}`}`, 2);

interface Question {
  readonly family: Family;
  readonly dst: Addr;
  readonly src: Addr | null;
  readonly iif: NetDevice | null;
  readonly oif: NetDevice | null;
  readonly mark: number;
  readonly tos: number;
  readonly uid: number;
  readonly keys: FlowKeys;
  readonly fibmatch: boolean;
  /** What iproute2 says before it asks. */
  readonly warning: string;
}

const number = (t: string, max: number, why: string): number => {
  const n = /^(0[xX][0-9a-fA-F]+|\d+)$/.test(t) ? Number(t) : Number.NaN;
  return n <= max ? n : wrong(t, why);
};

function read(n: NodeRun, words: readonly string[], c: IpCommand): Question {
  let family = c.family;
  let dst: Addr | null = null;
  let src: Addr | null = null;
  let iif: string | null = null;
  let oif: string | null = null;
  let warning = '';
  const q = { mark: 0, tos: 0, uid: 0, fibmatch: false };
  const keys = { proto: 0, sport: 0, dport: 0 };
  const address = (t: string): Addr => {
    const p = family === null ? (parsePrefix(t, 'ipv4') ?? parsePrefix(t, 'ipv6')) : parsePrefix(t, family);
    const kind = family === null ? 'any valid' : family === 'ipv4' ? 'inet' : 'inet6';
    if (!p) throw new Refusal(`Error: ${kind} prefix is expected rather than "${t}".`, { code: 'ip-prefix', word: t, status: 1 });
    family ??= familyOf(p.addr);
    const bits = addrBits(family);
    if (p.len !== bits && t.includes('/')) warning += `Warning: /${p.len} as prefix is invalid, only /${bits} (or none) is supported.\n`;
    return p.addr;
  };
  const w = new Clauses(words);
  for (let k = w.next(); k !== undefined; k = w.next()) {
    if (k === 'from') src = address(w.value(k));
    else if (k === 'iif') iif = w.value(k);
    else if (k === 'oif' || k === 'dev') oif = w.value(k);
    else if (k === 'mark') q.mark = number(w.value(k), 0xffffffff, 'invalid mark');
    else if (k === 'tos' || (k.length > 1 && byBeginning(k, ['dsfield']))) {
      const t = w.value(k);
      q.tos = tosNumber(t) ?? wrong(t, 'TOS value is invalid');
    } else if (k === 'uid') q.uid = number(w.value(k), 0xffffffff, 'invalid UID');
    else if (k === 'ipproto') {
      const t = w.value(k);
      keys.proto = parseIpproto(t) ?? wrong(t, 'Invalid "ipproto" value');
    } else if (k === 'sport' || k === 'dport') keys[k] = number(w.value(k), 65535, `invalid ${k}`);
    else if (k === 'fibmatch') q.fibmatch = true;
    else if (k === 'connected' || k === 'notify') continue;
    else if (k === 'vrf' || k === 'as') throw new Refusal(`ip route get ${k} is not supported`, { code: 'not-supported', word: k, status: 2 });
    else dst = address(k === 'to' ? w.value(k) : k);
  }
  if (dst === null) throw new Refusal('need at least a destination address', { code: 'ip-incomplete', status: 1 });
  const device = (name: string | null): NetDevice | null => (name === null ? null : (n.device(name) ?? noDevice(name)));
  return { family: familyOf(dst), dst, src, iif: device(iif), oif: device(oif), ...q, keys, warning };
}

/** The answer of either direction, as netlink would carry it. */
interface Found {
  readonly dst: Dst;
  readonly result: FibResult | null;
  /** Address chosen as source; null: not told. */
  readonly prefsrc: Addr | null;
  readonly daddr: Addr;
}

function find4(n: NodeRun, q: Question): Found | number {
  const { env, chooseNexthop } = n.routing;
  const isMember = (_d: NetDevice, group: number): boolean => group === 0xe0000001;
  const src = (q.src ?? 0) as number;
  const dst = q.dst as number;
  if (q.iif) {
    const r = routeInput(env, { src, dst, tos: q.tos, mark: q.mark, dev: q.iif, proto: q.keys.proto, keys: q.keys, secpath: false, isMember, chooseNexthop });
    // Source validation alone ever answered EXDEV; martians were EINVAL at all times.
    if (r.reason !== null) return r.reason === 'IP_RPFILTER' && !behavesNew(n.given.kernel, 'fib-validate-errno') ? EXDEV : EINVAL;
    if (r.dst === null) return EINVAL;
    if (r.dst.error !== 0) return r.dst.error;
    return { dst: r.dst, result: r.result, prefsrc: null, daddr: q.dst };
  }
  const r = routeOutput(env, { src, dst, oif: q.oif?.ifindex ?? 0, mark: q.mark, tos: q.tos, keys: q.keys, uid: q.uid, isMember, chooseNexthop });
  if (r.errno !== 0 || !r.dst) return r.errno;
  return { dst: r.dst, result: r.result, prefsrc: r.src === src ? null : r.src, daddr: q.dst };
}

const FLAG_WORDS: readonly (readonly [number, string])[] = [
  [RTCF_LOCAL, 'local'],
  [RTCF_MULTICAST, 'mc'],
  [RTCF_BROADCAST, 'brd'],
  [RTCF_DOREDIRECT, 'redirect'],
];
const flagWords = (d: Dst): string[] => FLAG_WORDS.filter(([bit]) => (d.flags & bit) !== 0).map(([, w]) => w);

/** Metrics alone, as a route prints them. */
function metricText(r: Route | null): string {
  if (!r) return '';
  const bare: Route = {
    ...r,
    family: 'ipv4',
    type: 'unicast',
    dst: 0,
    dstLen: 0,
    src: null,
    table: 254,
    tos: 0,
    metric: 0,
    prefsrc: null,
    scope: 'global',
    protocol: 'boot',
    nexthops: [],
    pref: null,
    expires: null,
    error: null,
    realms: null,
    flags: [],
    nhid: null,
  };
  return routeText(bare, false).slice('default '.length);
}
const metricJson = (r: Route | null): object => {
  if (!r || Object.keys(r.metrics).length === 0) return {};
  const [e] = JSON.parse(writeIpRouteJson([{ ...r, family: 'ipv4', table: 254 }], { family: 'ipv4' }));
  return { metrics: e.metrics };
};

const markText = (m: number): string => (m >= 16 ? `0x${m.toString(16)}` : `${m}`);

/** The multicast flag of a route is one that newer kernels use for something else; iproute2 prints what it takes it for. */
const MULTICAST_AS_FLAG = 'rt_offload_failed';

const routeOf = (d: Dst): Route | null => d.route as Route | null;

function text4(q: Question, f: Found, c: IpCommand): string {
  const { dst } = f;
  const table = f.result?.route?.table ?? (c.details ? 254 : null);
  const realms = f.result?.route?.realms ?? null;
  let s = dst.type !== 'unicast' || c.details ? `${dst.type} ` : '';
  s += `${formatAddr(f.daddr)} `;
  if (q.src !== null) s += `from ${formatAddr(q.src)} `;
  if (dst.gateway !== null) s += `via ${typeof dst.gateway === 'string' ? 'inet6 ' : ''}${formatAddr(dst.gateway)} `;
  s += `dev ${dst.dev.name} `;
  if (table !== null && (table !== 254 || c.details)) s += `table ${tableName(table)} `;
  if (f.prefsrc !== null) s += `src ${formatAddr(f.prefsrc)} `;
  if ((dst.flags & RTCF_MULTICAST) !== 0) s += `${MULTICAST_AS_FLAG} `;
  if (q.mark !== 0) s += `mark ${markText(q.mark)} `;
  if (realms !== null) s += `realm${realms.includes('/') ? 's' : ''} ${realms} `;
  if (!q.iif) s += `uid ${q.uid} `;
  const flags = flagWords(dst);
  s += `${c.oneline ? '\\' : '\n'}    cache ${flags.length > 0 ? `<${flags.join(',')}> ` : ''}${metricText(routeOf(dst))}`;
  if (q.iif) s += `iif ${q.iif.name} `;
  return `${s}\n`;
}

function json4(q: Question, f: Found, c: IpCommand): string {
  const { dst } = f;
  const table = f.result?.route?.table ?? 254;
  const realms = f.result?.route?.realms?.split('/') ?? null;
  const e = {
    ...(dst.type !== 'unicast' || c.details ? { type: dst.type } : {}),
    dst: formatAddr(f.daddr),
    ...(q.src === null ? {} : { from: formatAddr(q.src) }),
    ...(dst.gateway === null ? {} : { gateway: formatAddr(dst.gateway) }),
    dev: dst.dev.name,
    ...(table !== 254 || c.details ? { table: tableName(table) } : {}),
    ...(f.prefsrc === null ? {} : { prefsrc: formatAddr(f.prefsrc) }),
    flags: (dst.flags & RTCF_MULTICAST) !== 0 ? [MULTICAST_AS_FLAG] : [],
    ...(q.mark === 0 ? {} : { mark: q.mark }),
    ...(realms === null ? {} : { flow: { ...(realms.length > 1 ? { from: realms[0] } : {}), to: realms.at(-1) } }),
    ...(q.iif ? {} : { uid: q.uid }),
    cache: flagWords(dst),
    ...metricJson(routeOf(dst)),
    ...(q.iif ? { iif: q.iif.name } : {}),
  };
  return `${JSON.stringify([e])}\n`;
}

/** IPv6 answers with the route itself, its destination made the address asked for (rt6_fill_node()). */
function answer6(n: NodeRun, q: Question, c: IpCommand): Answer {
  const { env } = n.routing6;
  const chooseNexthop = n.routing.chooseNexthop;
  const src = (q.src ?? ANY6) as Ip6;
  const dst = q.dst as Ip6;
  const r = q.iif
    ? routeInput6(env, { src, dst, tos: q.tos, mark: q.mark, dev: q.iif, keys: q.keys, chooseNexthop })
    : routeOutput6To(env, { src, dst, oif: q.oif?.ifindex ?? 0, bound: false, mark: q.mark, tos: q.tos, keys: q.keys, uid: q.uid, chooseNexthop });
  const found = routeOf(r.dst);
  if (r.errno !== 0 || !found) return refused(r.errno || 101, q.warning);
  if (q.fibmatch) return said(c.json ? writeIpRouteJson([found], { family: 'ipv6', table: 'all' }) : writeIpRoute([found], { family: 'ipv6', table: 'all' }));
  const chosen = q.iif ? null : (r.dst.prefsrc ?? selectAddress6(env, r.dst.dev, dst));
  const shown: Route = {
    ...found,
    dst,
    dstLen: 128,
    src: { addr: src, len: 128 },
    prefsrc: chosen,
    nexthops: [{ gateway: r.dst.gateway, dev: r.dst.dev.name, weight: 1, flags: [] }],
  };
  if (c.json) {
    const [e] = JSON.parse(writeIpRouteJson([shown], { family: 'ipv6', table: 'all' }));
    const { pref, ...rest } = e;
    return said(`${JSON.stringify([{ ...rest, ...(q.iif ? { iif: q.iif.name } : {}), ...(pref === undefined ? {} : { pref }) }])}\n`);
  }
  const text = routeText(shown, true, c.details);
  const at = shown.pref === null ? text.length : text.lastIndexOf('pref ');
  return { ...said(`${text.slice(0, at)}${q.iif ? `iif ${q.iif.name} ` : ''}${text.slice(at)}\n`), stderr: q.warning };
}

/** `ip route get ADDR [from A] [iif D] [oif D] [mark M] [tos T] [uid U] [ipproto P] [sport N] [dport N] [fibmatch]`. */
export function routeGet(n: NodeRun, words: readonly string[], c: IpCommand): Answer {
  const q = read(n, words, c);
  if (q.src !== null && familyOf(q.src) !== q.family)
    throw new Refusal(`Error: ${q.family === 'ipv4' ? 'inet' : 'inet6'} prefix is expected rather than "${formatAddr(q.src)}".`, {
      code: 'ip-prefix',
      status: 1,
    });
  const six = q.family === 'ipv6';
  const why = unknownOf(
    n.given,
    ...(six ? (['rules6', 'routes6'] as const) : (['rules', 'routes'] as const)),
    ...(q.iif === null ? [] : (['sysctl'] as const)),
  );
  if (why !== null) return complained(`sim: ${why}`, 2);
  if (six) return answer6(n, q, c);
  const f = find4(n, q);
  if (typeof f === 'number') return refused(f, q.warning);
  if (q.fibmatch) {
    const route = f.result?.route;
    if (!route) return refused(101, q.warning);
    return said(c.json ? writeIpRouteJson([route], { family: 'ipv4', table: 'all' }) : `${routeText(route, true, c.details)}\n`);
  }
  return { ...said(c.json ? json4(q, f, c) : text4(q, f, c)), stderr: q.warning };
}
