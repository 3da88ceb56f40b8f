/** One route as `ip route show` prints it; formats/ip-route.ts builds its listings from this, traces tell with it. */
import { type Addr, addrBits, formatAddr } from '../base/addr.js';
import type { Route } from './model.js';
import { tableName } from './names.js';

const METRICS = [
  'mtu',
  'window',
  'rtt',
  'rttvar',
  'ssthresh',
  'cwnd',
  'advmss',
  'reordering',
  'hoplimit',
  'initcwnd',
  'features',
  'rto_min',
  'initrwnd',
  'quickack',
  'fastopen_no_cookie',
] as const;
/** Metric names in the order of RTAX_*, which is the order of print. */
export const METRIC_NAMES: readonly string[] = METRICS;
const IN_MS = new Set(['rtt', 'rttvar', 'rto_min']);

/** Destination as printed: `default`, the address, or address/length. */
export function prefixText(addr: Addr, len: number): string {
  if (len === 0) return 'default';
  return len === addrBits(typeof addr === 'number' ? 'ipv4' : 'ipv6') ? formatAddr(addr) : `${formatAddr(addr)}/${len}`;
}

function metricWords(r: Route): string {
  let out = '';
  for (const name of METRICS) {
    const v = r.metrics[name];
    const locked = r.lock.includes(name);
    if (v === undefined && !locked) continue;
    out += `${name} ${locked ? 'lock ' : ''}`;
    const n = v ?? 0;
    if (name === 'features') out += n & 1 ? 'ecn ' : `0x${n.toString(16)} `;
    else if (IN_MS.has(name)) out += n >= 1000 ? `${n / 1000}s ` : `${n}ms `;
    else out += `${n} `;
  }
  if (r.congctl !== undefined) out += `congctl ${r.lock.includes('congctl') ? 'lock ' : ''}${r.congctl} `;
  return out;
}

function via(r: Route, gateway: Addr): string {
  const other = typeof gateway !== (r.family === 'ipv4' ? 'number' : 'string');
  return `via ${other ? (r.family === 'ipv4' ? 'inet6 ' : 'inet ') : ''}${formatAddr(gateway)} `;
}

/** `table` only when `showTable` (listing of all tables) and it is not main; `details` as `ip -d` prints what goes without saying. */
export function routeText(r: Route, showTable = true, details = false): string {
  let s = r.type === 'unicast' && !details ? '' : `${r.type} `;
  s += `${prefixText(r.dst, r.dstLen)} `;
  if (r.src) s += `from ${prefixText(r.src.addr, r.src.len)} `;
  if (r.tos !== 0) s += `tos ${tosText(r.tos)} `;
  if (r.nhid !== null) s += `nhid ${r.nhid} `;
  const one = r.nexthops.length === 1 ? r.nexthops[0] : null;
  if (one?.gateway != null) s += via(r, one.gateway);
  if (one?.dev != null) s += `dev ${one.dev} `;
  if (showTable && r.table !== 254) s += `table ${tableName(r.table)} `;
  if (r.protocol !== 'boot' || details) s += `proto ${r.protocol} `;
  if (r.scope !== 'global' || details) s += `scope ${r.scope} `;
  if (r.prefsrc !== null) s += `src ${formatAddr(r.prefsrc)} `;
  if (r.metric !== 0 || r.family === 'ipv6') s += `metric ${r.metric} `;
  for (const f of r.flags) s += `${f} `;
  if (one) for (const f of one.flags) if (!r.flags.includes(f)) s += `${f} `;
  if (r.realms !== null) s += `realms ${r.realms} `;
  if (r.expires !== null) s += `expires ${r.expires}sec `;
  if (r.error !== null && r.error !== 0) s += `error ${r.error} `;
  s += metricWords(r);
  if (r.pref !== null) s += `pref ${r.pref}`;
  if (r.nexthops.length > 1) for (const nh of r.nexthops) s += nexthopText(r, nh);
  return s;
}

function nexthopText(r: Route, nh: Route['nexthops'][number]): string {
  let s = '\n\tnexthop ';
  if (nh.gateway !== null) s += via(r, nh.gateway);
  if (nh.dev !== null) s += `dev ${nh.dev} `;
  s += `weight ${nh.weight} `;
  for (const f of nh.flags) s += `${f} `;
  return s;
}

const DSFIELD: ReadonlyMap<number, string> = new Map([
  [0x28, 'AF11'],
  [0x30, 'AF12'],
  [0x38, 'AF13'],
  [0x48, 'AF21'],
  [0x50, 'AF22'],
  [0x58, 'AF23'],
  [0x68, 'AF31'],
  [0x70, 'AF32'],
  [0x78, 'AF33'],
  [0x88, 'AF41'],
  [0x90, 'AF42'],
  [0x98, 'AF43'],
  [0x20, 'CS1'],
  [0x40, 'CS2'],
  [0x60, 'CS3'],
  [0x80, 'CS4'],
  [0xa0, 'CS5'],
  [0xc0, 'CS6'],
  [0xe0, 'CS7'],
  [0xb8, 'EF'],
]);
export const dsfieldNames: ReadonlyMap<number, string> = DSFIELD;

/** `ip` prints TOS through rt_dsfield: the name of /etc/iproute2/rt_dsfield, else two hexadecimal digits. */
export function tosText(tos: number): string {
  return DSFIELD.get(tos) ?? `0x${tos.toString(16).padStart(2, '0')}`;
}
