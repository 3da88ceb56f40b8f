/** Values as ebtables takes and prints them. Parsers throw OptionError with the tool's words. */
import { type Addr, andAddr, type Family, formatAddr, formatMac, MAC_BROADCAST, maskToPrefix, parseAddr, parseMac, prefixMask } from '../../base/addr.js';
import { protocolName, protocolNumber } from '../../base/well-known.js';
import { between, call, type Field, type Pred, prefix } from '../pred.js';
import { OptionError } from '../xtables/extension.js';
import { MAC_ALL, type MacMask, maskMac } from './fields.js';

/** A number in decimal, hexadecimal or octal, whole and within lo..hi. */
export function parseNumber(text: string, lo: number, hi: number, what: string): number {
  const n = /^0[0-7]+$/.test(text) ? Number.parseInt(text, 8) : /^(0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text) : Number.NaN;
  if (!(n >= lo && n <= hi)) throw new OptionError(`Bad ${what} '${text}'`);
  return n;
}

export interface Range {
  readonly lo: number;
  readonly hi: number;
}
/** `N`, `N:M`, `:M`, `N:`. */
export function parseRange(text: string, max: number, what: string, one: (t: string) => number = (t) => parseNumber(t, 0, max, what)): Range {
  const at = text.indexOf(':');
  if (at < 0) {
    const n = one(text);
    return { lo: n, hi: n };
  }
  const [a, b] = [text.slice(0, at), text.slice(at + 1)];
  const lo = a === '' ? 0 : one(a);
  const hi = b === '' ? max : one(b);
  if (lo > hi) throw new OptionError(`Bad ${what} range '${text}'`);
  return { lo, hi };
}
export const printRange = (r: Range): string => (r.lo === r.hi ? `${r.lo}` : `${r.lo}:${r.hi}`);
export const rangePred = (f: Field, r: Range): Pred => between(f, r.lo, r.hi);

/** The names that ebtables(8) has for MAC addresses. */
const NAMED_MACS: readonly (readonly [string, MacMask])[] = [
  ['Unicast', { mac: 0, mask: 0x010000000000 }],
  ['Multicast', { mac: 0x010000000000, mask: 0x010000000000 }],
  ['Broadcast', { mac: MAC_BROADCAST, mask: MAC_ALL }],
  ['BGA', { mac: 0x0180c2000000, mask: MAC_ALL }],
];

export function parseMacMask(text: string): MacMask {
  const named = NAMED_MACS.find(([n]) => n.toLowerCase() === text.toLowerCase());
  if (named) return named[1];
  const [m, k] = text.split('/');
  const mac = parseMac(m);
  const mask = k === undefined ? MAC_ALL : parseMac(k);
  if (mac === null || mask === null || text.split('/').length > 2) throw new OptionError(`Bad MAC address '${text}'`);
  return { mac: maskMac(mac, mask), mask };
}
/** Names only where `names` is set: of the frame's own addresses, not of ARP's or STP's. */
export function printMacMask(v: MacMask, names = false): string {
  const named = names ? NAMED_MACS.find(([, n]) => n.mac === v.mac && n.mask === v.mask) : undefined;
  if (named) return named[0];
  return v.mask === MAC_ALL ? formatMac(v.mac) : `${formatMac(v.mac)}/${formatMac(v.mask)}`;
}

export interface AddrMask {
  readonly addr: Addr;
  readonly mask: Addr;
}
export function parseAddrMask(text: string, family: Family): AddrMask {
  const [a, m] = text.split('/');
  const addr = parseAddr(a);
  const width = family === 'ipv4' ? 32 : 128;
  const mask = m === undefined ? prefixMask(family, width) : /^\d+$/.test(m) && Number(m) <= width ? prefixMask(family, Number(m)) : parseAddr(m);
  const ok = (v: Addr | null): v is Addr => v !== null && (typeof v === 'number') === (family === 'ipv4');
  if (!ok(addr) || !ok(mask)) throw new OptionError(`Problem with the ${family === 'ipv4' ? 'IP' : 'IPv6'} address '${text}'`);
  return { addr: andAddr(addr, mask), mask };
}
export function printAddrMask(v: AddrMask): string {
  const len = maskToPrefix(v.mask);
  const width = typeof v.addr === 'number' ? 32 : 128;
  return len === width ? formatAddr(v.addr) : `${formatAddr(v.addr)}/${len >= 0 ? len : formatAddr(v.mask)}`;
}
export function addrMaskPred(f: Field, v: AddrMask): Pred {
  const len = maskToPrefix(v.mask);
  if (len >= 0) return prefix(f, v.addr, len);
  return call(
    f.name,
    [f],
    (c) => {
      const a = f.read(c);
      return a !== undefined && typeof a === typeof v.addr && andAddr(a, v.mask) === v.addr;
    },
    printAddrMask(v),
  );
}

export function parseIpProto(text: string): number {
  const n = /^\d+$/.test(text) ? Number(text) : protocolNumber(text);
  if (n === undefined || n > 255) throw new OptionError(`Unknown specified IP protocol - ${text}`);
  return n;
}
export const printIpProto = (n: number): string => protocolName(n) ?? String(n);

/** /etc/ethertypes as iptables ships it: name, type, aliases. */
const ETHERTYPES: readonly (readonly [string, number, ...string[]])[] = [
  ['IPv4', 0x0800, 'ip', 'ip4'],
  ['X25', 0x0805],
  ['ARP', 0x0806, 'ether-arp'],
  ['FR_ARP', 0x0808],
  ['BPQ', 0x08ff],
  ['TRILL', 0x22f3],
  ['L2-IS-IS', 0x22f4],
  ['TEB', 0x6558],
  ['RAW_FR', 0x6559],
  ['RARP', 0x8035],
  ['ATALK', 0x809b],
  ['AARP', 0x80f3],
  ['802_1Q', 0x8100, '8021q', '1q', '802.1q', 'dot1q'],
  ['IPX', 0x8137],
  ['NetBEUI', 0x8191],
  ['IPv6', 0x86dd, 'ip6'],
  ['PPP', 0x880b],
  ['MPLS', 0x8847],
  ['MPLS_MULTI', 0x8848],
  ['ATMMPOA', 0x884c],
  ['PPP_DISC', 0x8863],
  ['PPP_SES', 0x8864],
  ['ATMFATE', 0x8884],
  ['EAPOL', 0x888e],
  ['S-TAG', 0x88a8],
  ['EAP_PREAUTH', 0x88c7],
  ['LLDP', 0x88cc],
  ['MACSEC', 0x88e5],
  ['PBB', 0x88e7, 'macinmac'],
  ['MVRP', 0x88f5],
  ['PTP', 0x88f7],
  ['FCOE', 0x8906],
  ['FIP', 0x8914],
  ['ROCE', 0x8915],
  ['LoWPAN', 0xa0ed],
];
export function etherTypeNumber(name: string): number | undefined {
  const w = name.toLowerCase();
  return ETHERTYPES.find(([n, , ...aliases]) => n.toLowerCase() === w || (aliases as string[]).includes(w))?.[1];
}
const etherTypeName = (n: number): string | undefined => ETHERTYPES.find(([, v]) => v === n)?.[0];

/** `-p`. */
export function parseEtherProto(text: string): number | 'length' {
  if (text.toLowerCase() === 'length') return 'length';
  const n = etherTypeNumber(text) ?? (/^(0x)?[0-9a-f]+$/i.test(text) ? Number.parseInt(text, 16) : Number.NaN);
  if (Number.isNaN(n) || n > 0xffff) throw new OptionError(`Problem with the specified Ethernet protocol '${text}', perhaps /etc/ethertypes is missing`);
  if (n < 0x600) throw new OptionError('Sorry, protocols have values above or equal to 0x0600');
  return n;
}
export const printEtherProto = (p: number | 'length'): string => (p === 'length' ? 'Length' : (etherTypeName(p) ?? `0x${p.toString(16)}`));
