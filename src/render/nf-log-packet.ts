/**
 * A packet as nf_log_syslog.c writes it into the kernel log (dump_ipv4_packet, dump_ipv6_packet, nf_log_dump_tcp_header, …), from the bytes of an event's view.
 * A part that the packet is too short for reads INCOMPLETE, as there. Each function returns text with the blank behind each word that the kernel prints.
 */
import { formatIp4, formatMac, readAddr } from '../base/addr.js';
import { findTransport } from '../packet/ip6.js';
import { readMac } from '../packet/mac-bytes.js';
import { ETH_P_ARP, ETH_P_IP, ETH_P_IPV6 } from '../packet/skb.js';
import type { PacketView } from '../trace/event.js';

/** NF_LOG_*: flags of the LOG target; TRACE logs with all but the last. */
export const LOGFLAG = { TCPSEQ: 0x01, TCPOPT: 0x02, IPOPT: 0x04, UID: 0x08, MACDECODE: 0x20 } as const;
export const TRACE_LOGFLAGS = 0x0f;

const BYTES: readonly string[] = Array.from({ length: 256 }, (_, i) => i.toString(16).toUpperCase().padStart(2, '0'));
/** %02X */
const byteHex = (n: number): string => BYTES[n];

const hex = (n: number, width: number, upper = false): string => {
  const s = n.toString(16).padStart(width, '0');
  return upper ? s.toUpperCase() : s;
};
const hexBytes = (b: Uint8Array): string => [...b].map(byteHex).join('');

/** skb_header_pointer() over the view: the bytes that events keep, and the packet's true length. */
class Cursor {
  constructor(
    readonly data: Uint8Array,
    readonly length: number,
  ) {}
  has(at: number, n: number): boolean {
    return at + n <= this.data.length;
  }
  u8(at: number): number {
    return this.data[at];
  }
  u16(at: number): number {
    return (this.data[at] << 8) | this.data[at + 1];
  }
  u32(at: number): number {
    return ((this.u16(at) << 16) | this.u16(at + 2)) >>> 0;
  }
  incomplete(at: number): string {
    return `INCOMPLETE [${this.length - at} bytes] `;
  }
}

/** `SRC=… DST=… … MARK=0x… `. */
export function logPacket(v: PacketView, flags: number): string {
  const c = new Cursor(v.data, v.length);
  const body = v.protocol === ETH_P_IPV6 ? dump6(c, 0, flags, true) : dump4(c, 0, flags);
  if (!body.complete) return body.text;
  const owner = flags & LOGFLAG.UID && v.uid !== null ? `UID=${v.uid} GID=${v.gid ?? 0} ` : '';
  return `${body.text}${owner}${v.mark !== 0 ? `MARK=0x${v.mark.toString(16)} ` : ''}`;
}

/** `complete` is false where the kernel returns early, without UID and MARK. */
interface Dump {
  readonly text: string;
  readonly complete: boolean;
}
const done = (text: string): Dump => ({ text, complete: true });
const cut = (text: string): Dump => ({ text, complete: false });

const spi = (n: number): string => `SPI=0x${n.toString(16)} `;
const TOS_MASK = 0x1e;
const PREC_MASK = 0xe0;

function dump4(c: Cursor, at: number, flags: number): Dump {
  if (!c.has(at, 20)) return cut('TRUNCATED');
  const ihl = (c.u8(at) & 15) * 4;
  const frag = c.u16(at + 6);
  const tos = c.u8(at + 1);
  const addr = (off: number): string => formatIp4(c.u32(at + off));
  let text = `SRC=${addr(12)} DST=${addr(16)} LEN=${c.u16(at + 2)} TOS=0x${byteHex(tos & TOS_MASK)} PREC=0x${byteHex(tos & PREC_MASK)} TTL=${c.u8(at + 8)} ID=${c.u16(at + 4)} `;
  if (frag & 0x8000) text += 'CE ';
  if (frag & 0x4000) text += 'DF ';
  if (frag & 0x2000) text += 'MF ';
  const offset = frag & 0x1fff;
  if (offset) text += `FRAG:${offset} `;
  if (flags & LOGFLAG.IPOPT && ihl > 20) {
    if (!c.has(at + 20, ihl - 20)) return cut(`${text}TRUNCATED`);
    text += `OPT (${hexBytes(c.data.subarray(at + 20, at + ihl))}) `;
  }
  const t = transport4(c, c.u8(at + 9), at, at + ihl, offset, flags);
  return { text: text + t.text, complete: t.complete };
}

function transport4(c: Cursor, proto: number, ip: number, at: number, fragment: number, flags: number): Dump {
  switch (proto) {
    case 6:
      return tcp(c, at, fragment, flags);
    case 17:
    case 136:
      return udp(c, proto, at, fragment);
    case 1:
      return done(icmp(c, ip, at, fragment, flags));
    // A later fragment of AH prints nothing more, not even the name.
    case 51:
      return done(fragment ? '' : `PROTO=AH ${c.has(at, 12) ? spi(c.u32(at + 4)) : c.incomplete(at)}`);
    case 50:
      return done(`PROTO=ESP ${fragment ? '' : c.has(at, 8) ? spi(c.u32(at)) : c.incomplete(at)}`);
    default:
      return done(`PROTO=${proto} `);
  }
}

const TCP_FLAGS: readonly (readonly [number, string])[] = [
  [0x80, 'CWR'],
  [0x40, 'ECE'],
  [0x20, 'URG'],
  [0x10, 'ACK'],
  [0x08, 'PSH'],
  [0x04, 'RST'],
  [0x02, 'SYN'],
  [0x01, 'FIN'],
];

const flagTexts: (string | undefined)[] = [];
/** The names of the flags that are set, each with a blank behind; one text for each byte. */
function flagWords(bits: number): string {
  let words = flagTexts[bits];
  if (words === undefined) {
    words = TCP_FLAGS.map(([bit, name]) => (bits & bit ? `${name} ` : '')).join('');
    flagTexts[bits] = words;
  }
  return words;
}

function tcp(c: Cursor, at: number, fragment: number, flags: number): Dump {
  if (fragment) return done('PROTO=TCP ');
  if (!c.has(at, 20)) return cut(`PROTO=TCP ${c.incomplete(at)}`);
  const bits = c.u8(at + 13);
  const doff = (c.u8(at + 12) >>> 4) * 4;
  let text = `PROTO=TCP SPT=${c.u16(at)} DPT=${c.u16(at + 2)} `;
  if (flags & LOGFLAG.TCPSEQ) text += `SEQ=${c.u32(at + 4)} ACK=${c.u32(at + 8)} `;
  // TCP_RESERVED_BITS, shifted as there.
  text += `WINDOW=${c.u16(at + 14)} RES=0x${hex(((c.u32(at + 12) & 0x0f000000) >>> 22) & 0xff, 2)} `;
  text += flagWords(bits);
  text += `URGP=${c.u16(at + 18)} `;
  if (flags & LOGFLAG.TCPOPT && doff > 20) {
    if (!c.has(at + 20, doff - 20)) return cut(`${text}OPT (TRUNCATED)`);
    text += `OPT (${hexBytes(c.data.subarray(at + 20, at + doff))}) `;
  }
  return done(text);
}

function udp(c: Cursor, proto: number, at: number, fragment: number): Dump {
  const name = proto === 17 ? 'PROTO=UDP ' : 'PROTO=UDPLITE ';
  if (fragment) return done(name);
  if (!c.has(at, 8)) return cut(`${name}${c.incomplete(at)}`);
  return done(`${name}SPT=${c.u16(at)} DPT=${c.u16(at + 2)} LEN=${c.u16(at + 4)} `);
}

/** Bytes that a message of that type must have, by type. */
const ICMP_LENGTHS: ReadonlyMap<number, number> = new Map([
  [0, 4],
  [3, 28],
  [4, 28],
  [5, 28],
  [8, 4],
  [11, 28],
  [12, 28],
  [13, 20],
  [14, 20],
  [17, 12],
  [18, 12],
]);

function icmp(c: Cursor, ip: number, at: number, fragment: number, flags: number): string {
  if (fragment) return 'PROTO=ICMP ';
  if (!c.has(at, 8)) return `PROTO=ICMP ${c.incomplete(at)}`;
  const type = c.u8(at);
  const code = c.u8(at + 1);
  const text = `PROTO=ICMP TYPE=${type} CODE=${code} `;
  if (c.length - at < (ICMP_LENGTHS.get(type) ?? 0)) return `${text}${c.incomplete(at)}`;
  // The packet inside is dumped once, not the one inside that.
  const inner = (): string => (ip === 0 ? `[${dump4(c, at + 8, flags).text}] ` : '');
  switch (type) {
    case 0:
    case 8:
      return `${text}ID=${c.u16(at + 4)} SEQ=${c.u16(at + 6)} `;
    case 12:
      return `${text}PARAMETER=${c.u8(at + 4)} `;
    case 5:
      return `${text}GATEWAY=${formatIp4(c.u32(at + 4))} ${inner()}`;
    case 3:
      return `${text}${inner()}${code === 4 ? `MTU=${c.u16(at + 6)} ` : ''}`;
    case 4:
    case 11:
      return `${text}${inner()}`;
    default:
      return text;
  }
}

// --- IPv6 ---

/** %pI6: all eight groups, leading zeros included. */
function longIp6(c: Cursor, at: number): string {
  const a = readAddr(c.data, at, 'ipv6') as string;
  return Array.from({ length: 8 }, (_, i) => hex(a.charCodeAt(i), 4)).join(':');
}

const EXT: ReadonlySet<number> = new Set([0, 43, 44, 51, 59, 60, 50]);
const NONE = 59;

function dump6(c: Cursor, at: number, flags: number, outermost: boolean): Dump {
  if (!c.has(at, 40)) return cut('TRUNCATED');
  const word = c.u32(at);
  let text = `SRC=${longIp6(c, at + 8)} DST=${longIp6(c, at + 24)} LEN=${c.u16(at + 4) + 40} TC=${(word & 0x0ff00000) >>> 20} HOPLIMIT=${c.u8(at + 7)} FLOWLBL=${word & 0xfffff} `;
  const ext = extensions(c, c.u8(at + 6), at + 40, flags);
  text += ext.text;
  if (ext.next === null) return cut(text);
  const t = transport6(c, ext.next, ext.at, ext.fragment, flags, outermost);
  return { text: text + t.text, complete: t.complete };
}

/** `next` null: the kernel prints no transport header. */
function extensions(c: Cursor, first: number, from: number, flags: number): { text: string; next: number | null; at: number; fragment: number } {
  const opt = (flags & LOGFLAG.IPOPT) !== 0;
  let text = '';
  let next = first;
  let at = from;
  let fragment = 0;
  const stop = (more: string) => ({ text: text + more, next: null, at, fragment });
  while (next !== NONE && EXT.has(next)) {
    if (!c.has(at, 2)) return stop('TRUNCATED');
    if (opt) text += 'OPT ( ';
    let length = (c.u8(at + 1) + 1) * 8;
    switch (next) {
      case 44: {
        if (!c.has(at, 8)) return stop('FRAG:TRUNCATED ');
        const off = c.u16(at + 2);
        text += `FRAG:${off & 0xfff8} ${off & 1 ? 'INCOMPLETE ' : ''}ID:${hex(c.u32(at + 4), 8)} `;
        if (off & 0xfff8) fragment = 1;
        length = 8;
        break;
      }
      case 51:
        if (opt) {
          text += 'AH ';
          if (fragment) return stop(')');
          if (!c.has(at, 12)) return stop(`${c.incomplete(at)})`);
          text += `SPI=0x${c.u32(at + 4).toString(16)} `;
        }
        length = (c.u8(at + 1) + 2) * 4;
        break;
      case 50:
        if (!opt) return stop('');
        if (fragment) return stop('ESP )');
        return stop(c.has(at, 8) ? `ESP SPI=0x${c.u32(at).toString(16)} )` : `ESP ${c.incomplete(at)})`);
      default:
        if (fragment) return stop(opt ? ')' : '');
    }
    if (opt) text += ') ';
    next = c.u8(at);
    at += length;
  }
  return { text, next, at, fragment };
}

function transport6(c: Cursor, proto: number, at: number, fragment: number, flags: number, outermost: boolean): Dump {
  switch (proto) {
    case 6:
      return tcp(c, at, fragment, flags);
    case 17:
    case 136:
      return udp(c, proto, at, fragment);
    case 58:
      return icmp6(c, at, fragment, flags, outermost);
    default:
      return done(`PROTO=${proto} `);
  }
}

function icmp6(c: Cursor, at: number, fragment: number, flags: number, outermost: boolean): Dump {
  if (fragment) return done('PROTO=ICMPv6 ');
  if (!c.has(at, 8)) return cut(`PROTO=ICMPv6 ${c.incomplete(at)}`);
  const type = c.u8(at);
  const text = `PROTO=ICMPv6 TYPE=${type} CODE=${c.u8(at + 1)} `;
  if (type === 128 || type === 129) return done(`${text}ID=${c.u16(at + 4)} SEQ=${c.u16(at + 6)} `);
  if (type < 1 || type > 4) return done(text);
  const pointer = type === 4 ? `POINTER=${hex(c.u32(at + 4), 8)} ` : '';
  const inner = outermost ? `[${dump6(c, at + 8, flags, false).text}] ` : '';
  return done(`${text}${pointer}${inner}${type === 2 ? `MTU=${c.u32(at + 4)} ` : ''}`);
}

// --- the bridge's log watcher ---

const EBT_LOG = { IP: 0x01, ARP: 0x02, IP6: 0x08 } as const;
const WITH_PORTS: ReadonlySet<number> = new Set([6, 17, 33, 132, 136]);

function ports(c: Cursor, proto: number, at: number): string {
  if (!WITH_PORTS.has(proto)) return '';
  return c.has(at, 4) ? ` SPT=${c.u16(at)} DPT=${c.u16(at + 2)}` : ' INCOMPLETE TCP/UDP header';
}

const macAt = (c: Cursor, at: number): string => formatMac(readMac(c.data, at));

/** What ebt_log_packet() adds behind the MAC addresses, by --log-ip, --log-arp, --log-ip6; begins with a blank where not empty. */
export function logBridged(v: PacketView, flags: number): string {
  const c = new Cursor(v.data, v.length);
  if (flags & EBT_LOG.IP && v.protocol === ETH_P_IP) {
    if (!c.has(0, 20)) return ' INCOMPLETE IP header';
    const proto = c.u8(9);
    return ` IP SRC=${formatIp4(c.u32(12))} IP DST=${formatIp4(c.u32(16))}, IP tos=0x${hex(c.u8(1), 2, true)}, IP proto=${proto}${ports(c, proto, (c.u8(0) & 15) * 4)}`;
  }
  if (flags & EBT_LOG.IP6 && v.protocol === ETH_P_IPV6) {
    if (!c.has(0, 40)) return ' INCOMPLETE IPv6 header';
    const t = findTransport(v.data);
    const head = ` IPv6 SRC=${longIp6(c, 8)} IPv6 DST=${longIp6(c, 24)}, IPv6 priority=0x${hex(c.u8(0) & 15, 1, true)}, Next Header=${c.u8(6)}`;
    return t.offset < 0 ? head : head + ports(c, t.proto, t.offset);
  }
  if (flags & EBT_LOG.ARP && v.protocol === ETH_P_ARP) {
    if (!c.has(0, 8)) return ' INCOMPLETE ARP header';
    const head = ` ARP HTYPE=${c.u16(0)}, PTYPE=0x${hex(c.u16(2), 4)}, OPCODE=${c.u16(6)}`;
    if (c.u16(0) !== 1 || c.u8(4) !== 6 || c.u8(5) !== 4) return head;
    if (!c.has(8, 20)) return `${head} INCOMPLETE ARP payload`;
    return `${head} ARP MAC SRC=${macAt(c, 8)} ARP IP SRC=${formatIp4(c.u32(14))} ARP MAC DST=${macAt(c, 18)} ARP IP DST=${formatIp4(c.u32(24))}`;
  }
  return '';
}
