/** A packet of a log as bytes again. What the log leaves out (payload, the lowest bit of TOS, sequence numbers in nf_tables' traces) is filled in. */
import type { Addr } from '../../base/addr.js';
import type { LoggedIcmp, LoggedPacket } from '../../formats/trace-log-types.js';
import { buildIcmp, buildIcmp6, buildIp4, buildIp6, buildTcp, buildUdp } from '../../packet/build.js';
import { IPPROTO } from '../../packet/skb.js';

/** What the log does not say and somebody had to choose. */
export interface Filled {
  readonly seq: number;
  readonly ack: number;
  /** ICMP without type: an echo request, or the reply to one, and of which id. */
  readonly reply: boolean;
  readonly echo: number;
}
const NOTHING: Filled = { seq: 1, ack: 1, reply: false, echo: 1 };

const MOST = 0xffff;
const zeros = (n: number): Uint8Array => new Uint8Array(Math.max(0, Math.min(MOST, n)));

/** The IP packet, of the logged length where that can hold its headers. */
export function packetBytes(p: LoggedPacket, filled: Filled = NOTHING): Uint8Array {
  return p.family === 'ipv4' ? ip4(p, filled) : ip6(p, filled);
}

function ip4(p: LoggedPacket, filled: Filled): Uint8Array {
  const options = p.ipOptions ? hexBytes(p.ipOptions) : new Uint8Array(0);
  const head = 20 + ((options.length + 3) & ~3);
  const proto = p.proto ?? IPPROTO.TCP;
  const room = p.len === null ? null : p.len - head;
  const payload = p.fragOffset > 0 ? zeros(room ?? 0) : transport(p, proto, room, filled);
  const [src, dst] = [p.src as number, p.dst as number];
  return buildIp4({ src, dst, proto, ttl: p.ttl ?? 64, tos: p.tos ?? 0, id: p.id ?? 0, df: p.df, mf: p.mf, fragOffset: p.fragOffset, options, payload });
}

const FRAGMENT = 44;

function ip6(p: LoggedPacket, filled: Filled): Uint8Array {
  const [src, dst] = [p.src as string, p.dst as string];
  const base = { src, dst, ttl: p.ttl ?? 64, tos: p.tos ?? 0, flowLabel: p.flowLabel ?? 0 };
  const proto = p.proto ?? IPPROTO.TCP;
  const room = p.len === null ? null : p.len - 40;
  if (!p.mf && p.fragOffset === 0) return buildIp6({ ...base, proto, payload: transport(p, proto, room, filled) });
  const rest = p.fragOffset > 0 ? zeros((room ?? 8) - 8) : transport(p, proto, room === null ? null : room - 8, filled);
  const payload = new Uint8Array(8 + rest.length);
  const offset = p.fragOffset | (p.mf ? 1 : 0);
  payload.set([proto, 0, offset >>> 8, offset & 255, 0, 0, 0, 1]);
  payload.set(rest, 8);
  return buildIp6({ ...base, proto: FRAGMENT, payload });
}

/** `room`: bytes behind the IP header, null where the log does not say. */
function transport(p: LoggedPacket, proto: number, room: number | null, filled: Filled): Uint8Array {
  switch (proto) {
    case IPPROTO.TCP:
      return tcp(p, room, filled);
    case IPPROTO.UDP:
      return buildUdp({ sport: p.sport ?? 0, dport: p.dport ?? 0, payload: zeros((room ?? 8) - 8) }, p.src, p.dst);
    case IPPROTO.ICMP:
    case IPPROTO.ICMPV6:
      return icmp(p, proto, room, filled);
    case IPPROTO.ESP:
      return withSpi(p, room);
    default:
      return withPorts(p, room);
  }
}

function tcp(p: LoggedPacket, room: number | null, filled: Filled): Uint8Array {
  const options = hexBytes(p.tcp?.options ?? '');
  const payload = zeros((room ?? 0) - 20 - ((options.length + 3) & ~3));
  const t = p.tcp;
  const fields = { sport: p.sport ?? 0, dport: p.dport ?? 0, flags: t?.flags ?? 2, window: t?.window ?? 64240, urgent: t?.urgent ?? 0, options, payload };
  return buildTcp({ ...fields, seq: t?.seq ?? filled.seq, ack: t?.ack ?? (t && t.flags & 16 ? filled.ack : 0) }, p.src, p.dst);
}

/** Smaller bodies of errors than this cannot quote a packet. */
const QUOTE = 28;

function icmp(p: LoggedPacket, proto: number, room: number | null, filled: Filled): Uint8Array {
  const v6 = proto === IPPROTO.ICMPV6;
  const m = p.icmp ?? { type: v6 ? (filled.reply ? 129 : 128) : filled.reply ? 0 : 8, code: 0, id: filled.echo, seq: 1, rest: 0, quoted: null };
  const body = zeros((room ?? 8) - 8);
  const quoted = m.quoted === null ? null : packetBytes(m.quoted);
  const payload = quoted === null ? body : fitted(quoted, Math.max(room === null ? QUOTE : room - 8, 0));
  const f = { type: m.type, code: m.code, rest: restOf(m), payload };
  return v6 && typeof p.src === 'string' ? buildIcmp6(f, p.src, p.dst as string) : buildIcmp(f);
}

/** Of an echo the id and number; MTU, gateway and pointer stand there in errors. */
const restOf = (m: LoggedIcmp): number => (m.id === null ? m.rest >>> 0 : ((m.id << 16) | ((m.seq ?? 0) & 0xffff)) >>> 0);

/** An error quotes what it has room for, its header as it was. */
function fitted(b: Uint8Array, n: number): Uint8Array {
  const out = zeros(n);
  out.set(b.subarray(0, n));
  return out;
}

function withSpi(p: LoggedPacket, room: number | null): Uint8Array {
  const b = zeros(Math.max(8, room ?? 8));
  const spi = p.spi ?? 0;
  b.set([spi >>> 24, spi >>> 16, spi >>> 8, spi]);
  return b;
}

function withPorts(p: LoggedPacket, room: number | null): Uint8Array {
  const b = zeros(room ?? 8);
  if (p.sport !== null && p.dport !== null && b.length >= 4) b.set([p.sport >>> 8, p.sport & 255, p.dport >>> 8, p.dport & 255]);
  return b;
}

const hexBytes = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (x) => Number.parseInt(x, 16));

/** Both ends of a flow in one text, the same for both directions. */
export function flowKey(p: LoggedPacket): string {
  const a = endKey(p.src, p.icmp ? p.icmp.id : p.sport);
  const b = endKey(p.dst, p.icmp ? p.icmp.id : p.dport);
  return `${p.proto} ${a < b ? `${a} ${b}` : `${b} ${a}`}`;
}
const endKey = (a: Addr, port: number | null): string => `${a}|${port ?? ''}`;
