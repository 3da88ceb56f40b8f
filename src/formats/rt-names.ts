/** Names and numbers of /etc/iproute2 and the prefixes `ip` takes: rt_tables, rt_protos, rt_dsfield (iproute2 lib/rt_names.c, lib/utils.c). */
import { type Addr, addrBits, type Family, familyOf, maskToPrefix, parseAddr, parseIp4 } from '../base/addr.js';
import { dsfieldNames } from '../fib/text.js';

/** Names of route tables besides local, main, default: what a node's /etc/iproute2/rt_tables adds. */
export type TableNames = ReadonlyMap<string, number>;

const builtinTables: TableNames = new Map([
  ['unspec', 0],
  ['default', 253],
  ['main', 254],
  ['local', 255],
]);

/** `ID NAME` lines of rt_tables (or rt_tables.d/*); what is no such line is passed over, as iproute2 does. */
export function readRtTables(text: string): TableNames {
  const out = new Map<string, number>();
  for (const line of text.split('\n')) {
    const m = /^\s*(0[xX][0-9a-fA-F]{1,8}|\d{1,10})\s+([^\s#]+)/.exec(line);
    if (m && Number(m[1]) <= 0xffffffff) out.set(m[2], Number(m[1]));
  }
  return out;
}

/** Number of a table by name or number; null where neither. */
export function tableNumber(text: string, names?: TableNames): number | null {
  const n = names?.get(text) ?? builtinTables.get(text);
  if (n !== undefined) return n;
  if (!/^(\d{1,10}|0[xX][0-9a-fA-F]{1,8})$/.test(text)) return null;
  const v = Number(text);
  return v <= 0xffffffff ? v : null;
}
export const knownTables = (names?: TableNames): string[] => ['local', 'main', 'default', ...(names?.keys() ?? [])];

const protocols: readonly (readonly [number, string])[] = [
  [0, 'unspec'],
  [1, 'redirect'],
  [2, 'kernel'],
  [3, 'boot'],
  [4, 'static'],
  [8, 'gated'],
  [9, 'ra'],
  [10, 'mrt'],
  [11, 'zebra'],
  [12, 'bird'],
  [13, 'dnrouted'],
  [14, 'xorp'],
  [15, 'ntk'],
  [16, 'dhcp'],
  [18, 'keepalived'],
  [42, 'babel'],
  [99, 'openr'],
  [186, 'bgp'],
  [187, 'isis'],
  [188, 'ospf'],
  [189, 'rip'],
  [192, 'eigrp'],
];
const protocolByNumber = new Map(protocols);
const protocolByName = new Map(protocols.map(([n, name]) => [name, n]));

/** The word `ip` prints for a routing protocol given by name or number (0..255); null where it takes neither. */
export function routeProtocol(text: string): string | null {
  if (protocolByName.has(text)) return text;
  // What older releases called protocol 0.
  if (text === 'none') return 'unspec';
  if (!/^(\d{1,3}|0[xX][0-9a-fA-F]{1,2})$/.test(text)) return null;
  const n = Number(text);
  return n > 255 ? null : (protocolByNumber.get(n) ?? String(n));
}

const dsfieldByName = new Map<string, number>([['DEFAULT', 0], ...[...dsfieldNames].map(([n, name]) => [name, n] as const)]);
const legacyTos = new Map([
  ['lowdelay', 0x10],
  ['throughput', 0x08],
  ['reliability', 0x04],
  ['mincost', 0x02],
]);

/** TOS byte by name of rt_dsfield or hexadecimal (`tos 10` means 0x10, as iproute2 reads it). */
export function tosNumber(text: string): number | null {
  const named = dsfieldByName.get(text.toUpperCase()) ?? legacyTos.get(text);
  if (named !== undefined) return named;
  return /^(0[xX])?[0-9a-fA-F]{1,2}$/.test(text) ? Number.parseInt(text.replace(/^0[xX]/, ''), 16) : null;
}

export interface Prefix {
  readonly addr: Addr;
  readonly len: number;
}

/** inet_pton with the short forms of get_addr_1(): `10`, `10.1` are padded with zeros. */
function parseShort(text: string, family: Family): Addr | null {
  if (family === 'ipv4' && /^\d{1,3}(\.\d{1,3}){0,2}$/.test(text)) return parseIp4(`${text}${'.0'.repeat(4 - text.split('.').length)}`);
  return parseAddr(text);
}

/** ADDRESS[/LENGTH], ADDRESS/NETMASK, `default`, `any`, `all` as get_prefix_1() takes them; null otherwise or when of another family. */
export function parsePrefix(text: string, family: Family): Prefix | null {
  const bits = addrBits(family);
  if (text === 'default' || text === 'any' || text === 'all') return { addr: family === 'ipv4' ? 0 : '\0\0\0\0\0\0\0\0', len: 0 };
  const slash = text.indexOf('/');
  const addr = parseShort(slash < 0 ? text : text.slice(0, slash), family);
  if (addr === null || familyOf(addr) !== family) return null;
  if (slash < 0) return { addr, len: bits };
  const tail = text.slice(slash + 1);
  if (/^\d{1,3}$/.test(tail)) return Number(tail) <= bits ? { addr, len: Number(tail) } : null;
  const mask = parseAddr(tail);
  if (mask === null || familyOf(mask) !== family) return null;
  const len = maskToPrefix(mask);
  return len < 0 ? null : { addr, len };
}
