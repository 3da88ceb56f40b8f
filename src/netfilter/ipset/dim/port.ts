/**
 * Ports with their protocol: `80`, `tcp:80-90`, `udp:domain`, `icmp:echo-request`, `icmpv6:135/0`, `esp:0`. One word: protocol << 16 | port;
 * for ICMP the "port" is type << 8 | code.
 */
import { protocolName, protocolNumber, servicePort } from '../../../base/well-known.js';
import { IPPROTO, type Skb } from '../../../packet/skb.js';
import { parseNumber } from '../ext.js';
import { IpsetError } from '../types.js';
import type { SetFamily } from './value.js';

export interface PortPart {
  readonly proto: number;
  readonly lo: number;
  readonly hi: number;
  readonly many: boolean;
}

/** Protocols whose ports are looked at (ip_set_proto_with_ports). */
const WITH_PORTS: ReadonlySet<number> = new Set([IPPROTO.TCP, IPPROTO.SCTP, IPPROTO.UDP, IPPROTO.UDPLITE]);

type IcmpRow = readonly [name: string, type: number, code: number];
const icmp4: readonly IcmpRow[] = [
  ['echo-reply', 0, 0],
  ['pong', 0, 0],
  ['network-unreachable', 3, 0],
  ['host-unreachable', 3, 1],
  ['protocol-unreachable', 3, 2],
  ['port-unreachable', 3, 3],
  ['fragmentation-needed', 3, 4],
  ['source-route-failed', 3, 5],
  ['network-unknown', 3, 6],
  ['host-unknown', 3, 7],
  ['network-prohibited', 3, 9],
  ['host-prohibited', 3, 10],
  ['TOS-network-unreachable', 3, 11],
  ['TOS-host-unreachable', 3, 12],
  ['communication-prohibited', 3, 13],
  ['host-precedence-violation', 3, 14],
  ['precedence-cutoff', 3, 15],
  ['source-quench', 4, 0],
  ['network-redirect', 5, 0],
  ['host-redirect', 5, 1],
  ['TOS-network-redirect', 5, 2],
  ['TOS-host-redirect', 5, 3],
  ['echo-request', 8, 0],
  ['ping', 8, 0],
  ['router-advertisement', 9, 0],
  ['router-solicitation', 10, 0],
  ['ttl-zero-during-transit', 11, 0],
  ['ttl-zero-during-reassembly', 11, 1],
  ['ip-header-bad', 12, 0],
  ['required-option-missing', 12, 1],
  ['timestamp-request', 13, 0],
  ['timestamp-reply', 14, 0],
  ['address-mask-request', 17, 0],
  ['address-mask-reply', 18, 0],
];
const icmp6: readonly IcmpRow[] = [
  ['no-route', 1, 0],
  ['communication-prohibited', 1, 1],
  ['address-unreachable', 1, 3],
  ['port-unreachable', 1, 4],
  ['packet-too-big', 2, 0],
  ['ttl-zero-during-transit', 3, 0],
  ['ttl-zero-during-reassembly', 3, 1],
  ['bad-header', 4, 0],
  ['unknown-header-type', 4, 1],
  ['unknown-option', 4, 2],
  ['echo-request', 128, 0],
  ['ping', 128, 0],
  ['echo-reply', 129, 0],
  ['pong', 129, 0],
  ['router-solicitation', 133, 0],
  ['router-advertisement', 134, 0],
  ['neighbour-solicitation', 135, 0],
  ['neighbor-solicitation', 135, 0],
  ['neighbour-advertisement', 136, 0],
  ['neighbor-advertisement', 136, 0],
  ['redirect', 137, 0],
];
const icmpRows = (proto: number): readonly IcmpRow[] => (proto === IPPROTO.ICMP ? icmp4 : icmp6);

function parseProto(word: string): number {
  const n = protocolNumber(word) ?? (/^[0-9]+$/.test(word) && Number(word) < 256 ? Number(word) : word.toLowerCase() === 'icmpv6' ? IPPROTO.ICMPV6 : -1);
  if (n < 0) throw new IpsetError('ipset-protocol', `Syntax error: cannot parse '${word}' as a protocol`, word);
  return n;
}

function parsePort(word: string, proto: string): number {
  const n = /^(0[xX][0-9a-fA-F]+|[0-9]+)$/.test(word) ? Number(word) : servicePort(word, proto);
  if (n === undefined || n > 65535) throw new IpsetError('ipset-port', `cannot parse '${word}' as a ${proto} port`, word);
  return n;
}

function parseIcmp(word: string, proto: number): number {
  const named = icmpRows(proto).find(([name]) => name === word);
  if (named) return named[1] * 256 + named[2];
  const slash = word.indexOf('/');
  if (slash < 0) throw new IpsetError('ipset-icmp', `Cannot parse ${word} as an ${proto === IPPROTO.ICMP ? 'ICMP' : 'ICMPv6'} type/code.`, word);
  return parseNumber(word.slice(0, slash), 0, 255) * 256 + parseNumber(word.slice(slash + 1), 0, 255);
}

function parsePorts(word: string, proto: string): Omit<PortPart, 'proto'> {
  // A service whose name has a dash in it is written in brackets.
  const escaped = word.startsWith('[') && word.endsWith(']');
  const dash = escaped ? -1 : word.indexOf('-');
  if (dash < 0) {
    const p = parsePort(escaped ? word.slice(1, -1) : word, proto);
    return { lo: p, hi: p, many: false };
  }
  const a = parsePort(word.slice(0, dash), proto);
  const b = parsePort(word.slice(dash + 1), proto);
  return { lo: Math.min(a, b), hi: Math.max(a, b), many: true };
}

/** `[PROTO:]PORT[-PORT]` of a hash type: without a protocol it is TCP. */
export function parsePortPart(text: string, family: SetFamily): PortPart {
  const colon = text.indexOf(':');
  if (colon < 0) return { proto: IPPROTO.TCP, ...parsePorts(text, 'tcp') };
  const name = text.slice(0, colon);
  const rest = text.slice(colon + 1);
  const proto = parseProto(name);
  if (proto === 0) throw new IpsetError('ipset-protocol', 'Invalid protocol specified', name);
  if (WITH_PORTS.has(proto)) return { proto, ...parsePorts(rest, protocolName(proto) ?? 'tcp') };
  if (proto === IPPROTO.ICMP || proto === IPPROTO.ICMPV6) {
    if (proto === IPPROTO.ICMP && family === 'ipv6') throw new IpsetError('ipset-icmp', 'Syntax error: Protocol ICMP can be used with family inet only', text);
    if (proto === IPPROTO.ICMPV6 && family === 'ipv4')
      throw new IpsetError('ipset-icmp', 'Syntax error: Protocol ICMPv6 can be used with family inet6 only', text);
    const p = parseIcmp(rest, proto);
    return { proto, lo: p, hi: p, many: false };
  }
  if (rest !== '0') throw new IpsetError('ipset-port', `Syntax error: Protocol ${name} can be used with pseudo port value 0 only.`, text);
  return { proto, lo: 0, hi: 0, many: false };
}

/** `[PROTO:]PORT[-PORT]` of bitmap:port: the protocol only says whose service name it is, and is forgotten. */
export function parseBarePort(text: string): PortPart {
  const colon = text.indexOf(':');
  if (colon < 0) return { proto: 0, ...parsePorts(text, 'tcp') };
  const proto = parseProto(text.slice(0, colon));
  if (proto !== IPPROTO.TCP && proto !== IPPROTO.UDP) throw new IpsetError('ipset-protocol', 'Syntax error: Only protocols TCP and UDP are valid', text);
  return { proto: 0, ...parsePorts(text.slice(colon + 1), proto === IPPROTO.TCP ? 'tcp' : 'udp') };
}

export function printPort(word: number): string {
  const proto = word >>> 16;
  const port = word & 0xffff;
  const name = protocolName(proto) ?? String(proto);
  if (proto !== IPPROTO.ICMP && proto !== IPPROTO.ICMPV6) return `${name}:${port}`;
  const row = icmpRows(proto).find(([, type, code]) => type * 256 + code === port);
  return `${name}:${row ? row[0] : `${port >>> 8}/${port & 255}`}`;
}

/**
 * ip_set_get_ip4_port(), ip_set_get_ip6_port(): protocol << 16 | port, -1 where the packet shows none (later fragment, header cut off).
 * Protocols without ports have port 0.
 */
export function portOfPacket(skb: Skb, src: boolean): number {
  const proto = skb.l4proto;
  const icmp = proto === IPPROTO.ICMP || proto === IPPROTO.ICMPV6;
  const v6 = skb.family === 'ipv6';
  if (skb.fragOffset !== 0) {
    // IPv6 gives up on every later fragment, IPv4 only where the protocol has ports (ICMPv6 over IPv4 has none there).
    return v6 || WITH_PORTS.has(proto) || proto === IPPROTO.ICMP ? -1 : proto * 65536;
  }
  const th = skb.thoff;
  if (th < 0 || (!v6 && proto === 0)) return -1;
  if (WITH_PORTS.has(proto)) {
    const need = proto === IPPROTO.TCP ? 20 : proto === IPPROTO.SCTP ? 12 : 8;
    return skb.data.length < th + need ? -1 : proto * 65536 + skb.u16(src ? th : th + 2);
  }
  if (icmp) return skb.data.length < th + 8 ? -1 : proto * 65536 + skb.u16(th);
  return proto * 65536;
}

/** ip_set_get_ip_port(): bitmap:port looks at TCP and UDP only. */
export function barePortOfPacket(skb: Skb, src: boolean): number {
  const v = portOfPacket(skb, src);
  const proto = Math.floor(v / 65536);
  return v >= 0 && (proto === IPPROTO.TCP || proto === IPPROTO.UDP) ? v & 0xffff : -1;
}
