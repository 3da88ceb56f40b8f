/**
 * A packet in the words of tcpdump 4.99 (`-n`, no -v): print-ip.c, print-icmp.c, print-tcp.c, print-udp.c, print-arp.c, print-esp.c, print-ip6.c, print-icmp6.c.
 * Application protocols are not decoded (but for the HTTP of a TCP segment): datagrams read `UDP, length N`.
 */
import { formatAddr, formatIp4, formatMac, readAddr } from '../base/addr.js';
import { findTransport, NEXTHDR } from '../packet/ip6.js';
import { readMac } from '../packet/mac-bytes.js';
import { ETH_P_8021Q, ETH_P_ARP, ETH_P_IP, ETH_P_IPV6 } from '../packet/skb.js';

const u16 = (d: Uint8Array, at: number): number => (d[at] << 8) | d[at + 1];
const u32 = (d: Uint8Array, at: number): number => ((d[at] << 24) | (d[at + 1] << 16) | (d[at + 2] << 8) | d[at + 3]) >>> 0;
const hex = (n: number): string => `0x${n.toString(16)}`;

/** One capture: it remembers first sequence numbers, since later ones are printed relative to them. */
export class TcpdumpText {
  /** By `a.port>b.port` of the first packet seen. */
  readonly #tcp = new Map<string, { seq: number; ack: number }>();

  /** `d` begins with the network header. */
  packet(protocol: number, d: Uint8Array): string {
    switch (protocol) {
      case ETH_P_IP:
        return d.length < 20 ? 'IP [|ip]' : `IP ${this.#ip4(d)}`;
      case ETH_P_IPV6:
        return d.length < 40 ? 'IP6 [|ip6]' : `IP6 ${this.#ip6(d)}`;
      case ETH_P_ARP:
        return arp(d);
      default:
        return `ethertype Unknown (0x${protocol.toString(16).padStart(4, '0')}), length ${d.length}`;
    }
  }

  #ip4(d: Uint8Array): string {
    const hlen = (d[0] & 15) * 4;
    const src = formatIp4(u32(d, 12));
    const dst = formatIp4(u32(d, 16));
    const end = Math.min(u16(d, 2), d.length);
    const proto = d[9];
    if (u16(d, 6) & 0x1fff) return `${src} > ${dst}: ip-proto-${proto}`;
    return this.#transport(proto, src, dst, d.subarray(hlen, end), u16(d, 2) - hlen);
  }

  #ip6(d: Uint8Array): string {
    const src = formatAddr(readAddr(d, 8, 'ipv6'));
    const dst = formatAddr(readAddr(d, 24, 'ipv6'));
    const t = findTransport(d);
    const at = t.offset < 0 ? d.length : t.offset;
    const frag = t.isFragment ? `frag (${t.fragOffset}|${u16(d, 4) + 40 - at}) ` : '';
    if (t.fragOffset > 0) return `${src} > ${dst}: ${frag.trimEnd()}`;
    const rest = this.#transport(t.proto, src, dst, d.subarray(at), u16(d, 4) + 40 - at);
    return frag === '' ? rest : `${src} > ${dst}: ${frag}${rest.slice(rest.indexOf(': ') + 2)}`;
  }

  /** `length`: as the IP header says; `p` may be shorter. */
  #transport(proto: number, src: string, dst: string, p: Uint8Array, length: number): string {
    const hosts = `${src} > ${dst}: `;
    const ports = (): string => `${src}.${u16(p, 0)} > ${dst}.${u16(p, 2)}: `;
    switch (proto) {
      case 1:
        return `${hosts}${icmp(p, length)}`;
      case 58:
        return `${hosts}${p.length < 4 ? ' [|icmp6]' : icmp6(p, length)}`;
      case 6:
        return p.length < 4 ? `${hosts} [|tcp]` : p.length < 20 ? `${ports()} [|tcp]` : `${ports()}${this.#segment(src, dst, p, length)}`;
      case 17:
        return p.length < 4 ? `${hosts} [|udp]` : p.length < 8 ? `${ports()}truncated-udp ${length}` : `${ports()}${this.#datagram(p)}`;
      case 50:
        return `${hosts}${p.length < 8 ? ' [|esp]' : `ESP(spi=0x${u32(p, 0).toString(16).padStart(8, '0')},seq=${hex(u32(p, 4))}), length ${length}`}`;
      case 4:
        return `${hosts}${this.packet(ETH_P_IP, p)}`;
      case 41:
        return `${hosts}${this.packet(ETH_P_IPV6, p)}`;
      case NEXTHDR.NONE:
        return `${hosts}no next header`;
      default:
        return `${hosts} ip-proto-${proto} ${length}`;
    }
  }

  #datagram(p: Uint8Array): string {
    const length = u16(p, 4) - 8;
    const port = u16(p, 2);
    if (port === 4789 && p.length >= 16) return `VXLAN, flags [I] (0x08), vni ${u32(p, 12) >>> 8}\n${this.#ethernet(p.subarray(16))}`;
    if (port === 8472 && p.length >= 16) return `OTV, flags [I] (0x08), overlay 0, instance ${u32(p, 12) >>> 8}\n${this.#ethernet(p.subarray(16))}`;
    return `UDP, length ${length}`;
  }

  #ethernet(f: Uint8Array): string {
    const type = u16(f, 12);
    return type === ETH_P_8021Q ? this.packet(u16(f, 16), f.subarray(18)) : this.packet(type, f.subarray(14));
  }

  #segment(src: string, dst: string, p: Uint8Array, length: number): string {
    const flags = p[13];
    const header = (p[12] >>> 4) * 4;
    const data = length - header;
    const { seq, ack } = this.#relative(src, dst, p);
    let out = `Flags [${tcpFlags(flags)}]`;
    if (data > 0) out += `, seq ${seq}:${seq + data}`;
    else if (flags & 7) out += `, seq ${seq}`;
    if (flags & 0x10) out += `, ack ${ack}`;
    out += `, win ${u16(p, 14)}`;
    if (flags & 0x20) out += `, urg ${u16(p, 18)}`;
    const options = tcpOptions(p.subarray(20, Math.min(header, p.length)));
    if (options.length > 0) out += `, options [${options.join(',')}]`;
    return `${out}, length ${data}${data > 0 ? http(p, header) : ''}`;
  }

  #relative(src: string, dst: string, p: Uint8Array): { seq: number; ack: number } {
    const seq = u32(p, 4);
    const ack = u32(p, 8);
    // Without ACK a segment is neither remembered nor printed relative to another.
    if (!(p[13] & 0x10)) return { seq, ack };
    const there = `${src}.${u16(p, 0)}>${dst}.${u16(p, 2)}`;
    const back = `${dst}.${u16(p, 2)}>${src}.${u16(p, 0)}`;
    const reverse = !this.#tcp.has(there) && this.#tcp.has(back);
    const known = this.#tcp.get(reverse ? back : there);
    if (!known || p[13] & 2) {
      this.#tcp.set(reverse ? back : there, reverse ? { ack: seq, seq: (ack - 1) >>> 0 } : { seq, ack: (ack - 1) >>> 0 });
      return { seq, ack };
    }
    return reverse ? { seq: (seq - known.ack) >>> 0, ack: (ack - known.seq) >>> 0 } : { seq: (seq - known.seq) >>> 0, ack: (ack - known.ack) >>> 0 };
  }
}

const HTTP_PORTS: ReadonlySet<number> = new Set([80, 8080, 3128]);
const HTTP_START = /^((GET|HEAD|POST|PUT|DELETE|OPTIONS|TRACE|CONNECT|PATCH) [^\r\n]*|HTTP\/[^\r\n]*)/;

/** The one protocol that is told by its port: `: HTTP`, with the first line of a request or response. */
function http(p: Uint8Array, header: number): string {
  if (!HTTP_PORTS.has(u16(p, 0)) && !HTTP_PORTS.has(u16(p, 2))) return '';
  const line = HTTP_START.exec(new TextDecoder().decode(p.subarray(header)))?.[1];
  return line === undefined ? ': HTTP' : `: HTTP: ${line}`;
}

const TCP_FLAGS = ['F', 'S', 'R', 'P', '.', 'U', 'E', 'W'];
const tcpFlags = (f: number): string => TCP_FLAGS.filter((_, i) => f & (1 << i)).join('') || 'none';

function tcpOptions(o: Uint8Array): string[] {
  const out: string[] = [];
  for (let i = 0; i < o.length; ) {
    const kind = o[i];
    if (kind === 0 || kind === 1) {
      out.push(kind === 0 ? 'eol' : 'nop');
      if (kind === 0) break;
      i++;
      continue;
    }
    const len = o[i + 1];
    if (len === undefined || len < 2 || i + len > o.length) {
      out.push('[bad opt]');
      break;
    }
    out.push(tcpOption(kind, o.subarray(i + 2, i + len)));
    i += len;
  }
  return out;
}

function tcpOption(kind: number, b: Uint8Array): string {
  switch (kind) {
    case 2:
      return `mss ${u16(b, 0)}`;
    case 3:
      return `wscale ${b[0]}`;
    case 4:
      return 'sackOK';
    case 5:
      return `sack ${b.length / 8} ${Array.from({ length: b.length / 8 }, (_, i) => `{${u32(b, 8 * i)}:${u32(b, 8 * i + 4)}}`).join('')}`;
    case 8:
      return `TS val ${u32(b, 0)} ecr ${u32(b, 4)}`;
    default:
      return `unknown-${kind}${b.length > 0 ? ` 0x${[...b].map((x) => x.toString(16).padStart(2, '0')).join('')}` : ''}`;
  }
}

const UNREACH: ReadonlyMap<number, (d: string) => string> = new Map([
  [0, (d) => `net ${d} unreachable`],
  [1, (d) => `host ${d} unreachable`],
  [5, (d) => `${d} unreachable - source route failed`],
  [6, (d) => `net ${d} unreachable - unknown`],
  [7, (d) => `host ${d} unreachable - unknown`],
  [8, (d) => `${d} unreachable - source host isolated`],
  [9, (d) => `net ${d} unreachable - admin prohibited`],
  [10, (d) => `host ${d} unreachable - admin prohibited`],
  [11, (d) => `net ${d} unreachable - tos prohibited`],
  [12, (d) => `host ${d} unreachable - tos prohibited`],
  [13, (d) => `host ${d} unreachable - admin prohibited filter`],
  [14, (d) => `host ${d} unreachable - host precedence violation`],
  [15, (d) => `host ${d} unreachable - precedence cutoff`],
]);

const QUOTES: ReadonlySet<number> = new Set([3, 4, 5, 11, 12]);

function icmp(p: Uint8Array, length: number): string {
  if (p.length < 8 || (QUOTES.has(p[0]) && p.length < 28)) return ' [|icmp]';
  return `ICMP ${icmpWords(p)}, length ${length}`;
}

function icmpWords(p: Uint8Array): string {
  const [type, code] = p;
  const quoted = p.subarray(8);
  const about = quoted.length >= 20 ? formatIp4(u32(quoted, 16)) : '?';
  switch (type) {
    case 0:
      return `echo reply, id ${u16(p, 4)}, seq ${u16(p, 6)}`;
    case 8:
      return `echo request, id ${u16(p, 4)}, seq ${u16(p, 6)}`;
    case 3:
      return unreachable(code, about, quoted, u16(p, 6));
    case 4:
      return 'source quench';
    case 5:
      return `redirect ${about} to ${['net', 'host', 'net', 'host'][code] ?? 'host'} ${formatIp4(u32(p, 4))}`;
    case 11:
      return code === 0 ? 'time exceeded in-transit' : code === 1 ? 'ip reassembly time exceeded' : `time exceeded-#${code}`;
    case 12:
      return code ? `parameter problem - code ${code}` : `parameter problem - octet ${p[4]}`;
    case 13:
      return `time stamp query id ${u16(p, 4)} seq ${u16(p, 6)}`;
    case 14:
      return `time stamp reply id ${u16(p, 4)} seq ${u16(p, 6)}`;
    case 17:
      return 'address mask request';
    case 18:
      return 'address mask reply';
    default:
      return `type-#${type}`;
  }
}

function unreachable(code: number, about: string, quoted: Uint8Array, mtu: number): string {
  if (code === 2) return `${about} protocol ${quoted[9]} unreachable`;
  if (code === 4) return mtu ? `${about} unreachable - need to frag (mtu ${mtu})` : `${about} unreachable - need to frag`;
  if (code === 3) {
    const at = (quoted[0] & 15) * 4;
    const name = quoted[9] === 6 ? 'tcp' : quoted[9] === 17 ? 'udp' : `protocol ${quoted[9]}`;
    return `${about} ${name} port ${quoted.length >= at + 4 ? u16(quoted, at + 2) : '?'} unreachable`;
  }
  return UNREACH.get(code)?.(about) ?? `${about} unreachable - #${code}`;
}

const ICMP6_UNREACH = ['unreachable route', 'unreachable prohibited', 'beyond scope', 'unreachable address'];

const ICMP6_PARAM = ['erroneous', 'next header', 'option'];

function icmp6(p: Uint8Array, length: number): string {
  return `ICMP6, ${icmp6Words(p)}, length ${length}`;
}

function icmp6Words(p: Uint8Array): string {
  const [type, code] = p;
  const quoted = p.subarray(8);
  const about = quoted.length >= 40 ? formatAddr(readAddr(quoted, 24, 'ipv6')) : '?';
  const target = (): string => (p.length >= 24 ? formatAddr(readAddr(p, 8, 'ipv6')) : '?');
  switch (type) {
    case 1:
      return `destination unreachable, ${code === 4 ? port6(quoted, about) : `${ICMP6_UNREACH[code] ?? `unreachable code-#${code}`} ${about}`}`;
    case 2:
      return `packet too big, mtu ${u32(p, 4)}`;
    case 3:
      return code === 0 ? `time exceeded in-transit for ${about}` : 'ip6 reassembly time exceeded';
    case 4:
      return `parameter problem, ${ICMP6_PARAM[code] ?? `code #${code}`} - octet ${u32(p, 4)}`;
    case 128:
      return `echo request, id ${u16(p, 4)}, seq ${u16(p, 6)}`;
    case 129:
      return `echo reply, id ${u16(p, 4)}, seq ${u16(p, 6)}`;
    case 130:
      return `multicast listener query max resp delay: ${u16(p, 4)} addr: ${target()}`;
    case 131:
      return `multicast listener reportmax resp delay: ${u16(p, 4)} addr: ${target()}`;
    case 132:
      return `multicast listener donemax resp delay: ${u16(p, 4)} addr: ${target()}`;
    case 133:
      return 'router solicitation';
    case 134:
      return 'router advertisement';
    case 135:
      return `neighbor solicitation, who has ${target()}`;
    case 136:
      return `neighbor advertisement, tgt is ${target()}`;
    case 137:
      return 'redirect';
    default:
      return `type-#${type}`;
  }
}

function port6(quoted: Uint8Array, about: string): string {
  const t = quoted.length >= 40 ? findTransport(quoted) : null;
  const port = t && t.offset >= 0 && quoted.length >= t.offset + 4 ? u16(quoted, t.offset + 2) : '?';
  return `unreachable port, ${about} ${t?.proto === 6 ? 'tcp' : 'udp'} port ${port}`;
}

function arp(d: Uint8Array): string {
  if (d.length < 28) return '[|ARP]';
  const spa = formatIp4(u32(d, 14));
  const tpa = formatIp4(u32(d, 24));
  switch (u16(d, 6)) {
    case 1:
      return spa === tpa ? `ARP, Announcement ${spa}, length ${d.length}` : `ARP, Request who-has ${tpa} tell ${spa}, length ${d.length}`;
    case 2:
      return `ARP, Reply ${spa} is-at ${formatMac(readMac(d, 8))}, length ${d.length}`;
    default:
      return `ARP, Unknown (${u16(d, 6)}), length ${d.length}`;
  }
}
