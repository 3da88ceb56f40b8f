/** Data types of nft(8) (`nft describe TYPE`): what a constant may look like, and the number or text that it stands for. */
import { type Addr, formatAddr, parseIp4, parseIp6 } from '../../base/addr.js';
import { protocolName, protocolNumber, servicePort } from '../../base/well-known.js';
import type { Scalar } from '../pred.js';
import { SYMBOLS } from './symbols.js';

export interface NftType {
  readonly name: string;
  /** 0: as long as what it is compared with. */
  readonly bits: number;
  /** A word of the rule; null: it is none of this type. */
  readonly parse: (word: string) => Scalar | null;
  readonly show: (v: Scalar) => string;
  /** A set of flags: `a,b` means any of them where nothing else is said. */
  readonly flags?: true;
}

const number = (word: string): number | null => (/^(0x[0-9a-fA-F]{1,13}|\d{1,16})$/.test(word) ? Number(word) : null);
const fits = (bits: number) => (word: string) => {
  const n = number(word);
  return n !== null && Number.isSafeInteger(n) && (bits === 0 || n < 2 ** bits) ? n : null;
};
const hex = (v: Scalar): string => `0x${(v as number).toString(16).padStart(8, '0')}`;

interface Kind {
  readonly bits: number;
  readonly parse?: (word: string) => Scalar | null;
  readonly show?: (v: Scalar) => string;
  readonly flags?: true;
}
const macOf = (w: string): number | null =>
  /^[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){5}$/.test(w) ? w.split(':').reduce((n, x) => n * 256 + Number.parseInt(x, 16), 0) : null;
const macText = (v: Scalar): string =>
  (v as number)
    .toString(16)
    .padStart(12, '0')
    .replace(/..(?!$)/g, '$&:');
const SECONDS = new Map([
  ['d', 86400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
  ['ms', 0.001],
]);
/** `1d2h3m4s5ms`, or whole seconds; in milliseconds. */
export function nftDuration(word: string): number | null {
  if (/^\d{1,12}$/.test(word)) return Number(word) * 1000;
  if (!/^(\d{1,12}(d|h|ms|m|s))+$/.test(word)) return null;
  return Math.round([...word.matchAll(/(\d+)(d|h|ms|m|s)/g)].reduce((sum, [, n, unit]) => sum + Number(n) * (SECONDS.get(unit) as number) * 1000, 0));
}
/** Seconds of the day. Hours are said in the time zone of nft's own process; here it is UTC, that of the kernel. */
function hourOf(w: string): number | null {
  const m = /^(\d{1,2}):(\d\d)(?::(\d\d))?$/.exec(w);
  const [h, min, s] = m ? [Number(m[1]), Number(m[2]), Number(m[3] ?? 0)] : [99, 0, 0];
  if (m) return h < 24 && min < 60 && s < 60 ? h * 3600 + min * 60 + s : null;
  const n = number(w);
  return n !== null && n < 86400 ? n : null;
}
const two = (n: number): string => String(n).padStart(2, '0');
const hourText = (v: Scalar): string => {
  const n = v as number;
  return `"${two(Math.floor(n / 3600))}:${two(Math.floor(n / 60) % 60)}${n % 60 ? `:${two(n % 60)}` : ''}"`;
};
/** ms since the epoch, of a date in UTC or of whole seconds. */
function dateOf(w: string): number | null {
  const m = /^(\d{4})-(\d\d)-(\d\d)(?: (\d\d):(\d\d)(?::(\d\d))?)?$/.exec(w);
  if (m) return Date.UTC(Number(m[1]), Number(m[2]) - 1, Number(m[3]), Number(m[4] ?? 0), Number(m[5] ?? 0), Number(m[6] ?? 0));
  const n = /^\d{1,12}$/.test(w) ? Number(w) : null;
  return n === null ? null : n * 1000;
}
const dateText = (v: Scalar): string => `"${new Date(Math.min(v as number, 8e15)).toISOString().slice(0, 19).replace('T', ' ')}"`;

/** Labels of a connection as 128 bits. */
export const labelBits = (labels: bigint): string =>
  String.fromCharCode(...Array.from({ length: 8 }, (_, i) => Number((labels >> BigInt(16 * (7 - i))) & 0xffffn)));
const labelOf = (w: string): string | null => (/^\d{1,3}$/.test(w) && Number(w) < 128 ? labelBits(1n << BigInt(w)) : null);
const labelText = (v: Scalar): string => {
  const bits = Array.from({ length: 128 }, (_, n) => n).filter((n) => (String(v).charCodeAt(7 - (n >>> 4)) >>> (n & 15)) & 1);
  return bits.join(',') || 'none';
};

const ifname = { bits: 128, parse: (w: string) => (w.length < 16 ? w : null), show: (v: Scalar) => `"${v}"` };

/** Types that are not just numbers with names (symbols.ts). */
const KINDS: Readonly<Record<string, Kind>> = {
  integer: { bits: 0 },
  ipv4_addr: { bits: 32, parse: parseIp4, show: (v) => formatAddr(v as Addr) },
  ipv6_addr: { bits: 128, parse: parseIp6, show: (v) => formatAddr(v as Addr) },
  ether_addr: { bits: 48, parse: macOf, show: macText },
  inet_proto: { bits: 8, parse: (w) => protocolNumber(w) ?? null, show: (v) => protocolName(v as number) ?? String(v) },
  inet_service: { bits: 16, parse: (w) => servicePort(w, null) ?? null },
  mark: { bits: 32, show: hex },
  /** By name: indices are given out when rules are loaded, and names are what a listing shows. */
  iface_index: { ...ifname, parse: (w: string) => (w === '0' ? '' : ifname.parse(w)) },
  ifname,
  string: { bits: 128, parse: (w) => w, show: (v) => `"${v}"` },
  time: { bits: 64, parse: nftDuration, show: (v) => `${(v as number) / 1000}s` },
  /** The one name that rt_realms of iproute2 comes with. */
  realm: { bits: 32, parse: (w) => (w === 'cosmos' ? 0 : null) },
  classid: {
    bits: 32,
    parse: (w) => {
      if (w === 'none' || w === 'root') return w === 'none' ? 0 : 0xffffffff;
      const m = /^([0-9a-fA-F]{0,4}):([0-9a-fA-F]{0,4})$/.exec(w);
      return m && w !== ':' ? Number.parseInt(m[1] || '0', 16) * 65536 + Number.parseInt(m[2] || '0', 16) : null;
    },
  },
  devgroup: { bits: 32, parse: (w) => (w === 'default' ? 0 : null) },
  uid: { bits: 32, parse: (w) => (w === 'root' ? 0 : null) },
  gid: { bits: 32, parse: (w) => (w === 'root' ? 0 : null) },
  ct_state: { bits: 32, flags: true },
  ct_status: { bits: 32, flags: true },
  ct_event: { bits: 32, flags: true },
  ct_label: { bits: 128, parse: labelOf, show: labelText, flags: true },
  tcp_flag: { bits: 8, flags: true },
  ct_dir: { bits: 8 },
  ether_type: { bits: 16 },
  nf_proto: { bits: 8 },
  iface_type: { bits: 16 },
  pkt_type: { bits: 8 },
  icmp_type: { bits: 8 },
  icmpv6_type: { bits: 8 },
  icmp_code: { bits: 8 },
  icmpv6_code: { bits: 8 },
  icmpx_code: { bits: 8 },
  dscp: { bits: 6 },
  ecn: { bits: 2 },
  fib_addrtype: { bits: 32 },
  boolean: { bits: 8 },
  arp_op: { bits: 16 },
  day: { bits: 8 },
  hour: { bits: 32, parse: hourOf, show: hourText },
  /** Of `meta time`. */
  date: { bits: 64, parse: dateOf, show: dateText },
  igmp_type: { bits: 8 },
  dccp_pkttype: { bits: 4 },
  mh_type: { bits: 8 },
};

function made(name: string, k: Kind): NftType {
  const names = SYMBOLS[name];
  const byName = new Map(names);
  const byNumber = new Map(names?.map(([n, v]) => [v, n]));
  const plain = fits(k.bits);
  return {
    name,
    bits: k.bits,
    parse: (w) => byName.get(w) ?? k.parse?.(w) ?? (k.show !== undefined && k.bits > 32 ? null : plain(w)),
    show: k.show ?? ((v) => byNumber.get(v as number) ?? flagText(v, names) ?? String(v)),
    ...(k.flags ? { flags: k.flags } : {}),
  };
}
const flagText = (v: Scalar, names: readonly (readonly [string, number])[] | undefined): string | undefined =>
  names && typeof v === 'number' && v > 0
    ? names
        .filter(([, bit]) => (v & bit) !== 0)
        .map(([n]) => n)
        .join(',') || undefined
    : undefined;

const types = new Map<string, NftType>(Object.entries(KINDS).map(([name, k]) => [name, made(name, k)]));
/** The type of that name; undefined: there is none. */
export const nftType = (name: string): NftType | undefined => types.get(name);
/** One that is known to be there. */
export function typeNamed(name: string): NftType {
  const t = types.get(name);
  if (!t) throw new Error(`no type ${name}`);
  return t;
}
/** `integer` of so many bits. */
export const integer = (bits: number): NftType => ({ name: 'integer', bits, parse: fits(bits), show: String });
