/** The part of pcap-filter(7) that people type: protocols, `host`, `net`, `port`, `src`/`dst`, `and`, `or`, `not`, parentheses. */
import { type Addr, inPrefix, parseAddr } from '../base/addr.js';
import { servicePort } from '../base/well-known.js';
import { parsePrefix } from '../formats/rt-names.js';
import { ETH_P_ARP, ETH_P_IP, ETH_P_IPV6, Skb } from '../packet/skb.js';

/** A captured packet: network header first. */
export interface Captured {
  readonly protocol: number;
  readonly bytes: Uint8Array;
}
export type PcapFilter = (p: Captured) => boolean;

/** Refused, as tcpdump says it. */
export class FilterError extends Error {}

const IP_PROTOCOLS = new Map([
  ['icmp', 1],
  ['igmp', 2],
  ['tcp', 6],
  ['udp', 17],
  ['esp', 50],
  ['ah', 51],
  ['icmp6', 58],
  ['sctp', 132],
]);
const ETHER_TYPES = new Map([
  ['ip', ETH_P_IP],
  ['ip6', ETH_P_IPV6],
  ['arp', ETH_P_ARP],
]);

const skbOf = (p: Captured): Skb | null =>
  (p.protocol === ETH_P_IP || p.protocol === ETH_P_IPV6) && p.bytes.length >= 20 ? new Skb(0, { kind: 'clone', of: null }, p.bytes, p.protocol) : null;

/** Addresses of an ARP packet stand in its body. */
function addrsOf(p: Captured): readonly [Addr, Addr] | null {
  const s = skbOf(p);
  if (s) return [s.saddr, s.daddr];
  if (p.protocol !== ETH_P_ARP || p.bytes.length < 28) return null;
  const v = new DataView(p.bytes.buffer, p.bytes.byteOffset);
  return [v.getUint32(14), v.getUint32(24)];
}

function portsOf(p: Captured): readonly [number, number] | null {
  const s = skbOf(p);
  if (!s || ![6, 17, 132].includes(s.l4proto) || s.fragOffset !== 0 || s.thoff < 0 || s.data.length < s.thoff + 4) return null;
  return [s.u16(s.thoff), s.u16(s.thoff + 2)];
}

type Dir = 'src' | 'dst' | 'either';
const either = <T>(dir: Dir, pair: readonly [T, T] | null, test: (x: T) => boolean): boolean =>
  pair !== null && ((dir !== 'dst' && test(pair[0])) || (dir !== 'src' && test(pair[1])));

class FilterReader {
  #i = 0;
  constructor(readonly words: readonly string[]) {}

  read(): PcapFilter {
    if (this.words.length === 0) return () => true;
    const f = this.#or();
    if (this.#i < this.words.length) throw new FilterError("can't parse filter expression: syntax error");
    return f;
  }
  #peek(): string | undefined {
    return this.words[this.#i];
  }
  #take(...words: string[]): boolean {
    if (!words.includes(this.#peek() ?? '')) return false;
    this.#i++;
    return true;
  }
  #value(): string {
    const v = this.words[this.#i++];
    if (v === undefined) throw new FilterError("can't parse filter expression: syntax error");
    return v;
  }
  #or(): PcapFilter {
    let f = this.#and();
    while (this.#take('or', '||')) {
      const [a, b] = [f, this.#and()];
      f = (p) => a(p) || b(p);
    }
    return f;
  }
  #and(): PcapFilter {
    let f = this.#not();
    for (;;) {
      const joined = this.#take('and', '&&');
      if (!joined && (this.#peek() === undefined || ['or', '||', ')'].includes(this.#peek() ?? ''))) return f;
      const [a, b] = [f, this.#not()];
      f = (p) => a(p) && b(p);
    }
  }
  #not(): PcapFilter {
    if (this.#take('not', '!')) {
      const f = this.#not();
      return (p) => !f(p);
    }
    if (this.#take('(')) {
      const f = this.#or();
      if (!this.#take(')')) throw new FilterError("can't parse filter expression: syntax error");
      return f;
    }
    return this.#primitive();
  }
  #primitive(): PcapFilter {
    const proto = this.#protocol();
    const dir: Dir = this.#take('src') ? 'src' : this.#take('dst') ? 'dst' : 'either';
    const w = this.#peek();
    if (proto && dir === 'either' && !['host', 'net', 'port', 'portrange', 'proto'].includes(w ?? '')) return proto;
    const f = this.#qualified(dir);
    return proto ? (p) => proto(p) && f(p) : f;
  }
  #protocol(): PcapFilter | null {
    const w = this.#peek() ?? '';
    const ip = IP_PROTOCOLS.get(w);
    const ether = ETHER_TYPES.get(w);
    if (ip === undefined && ether === undefined) return null;
    this.#i++;
    return ether !== undefined ? (p) => p.protocol === ether : (p) => skbOf(p)?.l4proto === ip;
  }
  #qualified(dir: Dir): PcapFilter {
    if (this.#take('port', 'portrange')) {
      const t = this.#value();
      const m = /^(\d+)-(\d+)$/.exec(t);
      const lo = m ? Number(m[1]) : /^\d+$/.test(t) ? Number(t) : servicePort(t, null);
      const hi = m ? Number(m[2]) : lo;
      if (lo === undefined || hi === undefined || hi > 65535) throw new FilterError(`unknown port '${t}'`);
      return (p) => either(dir, portsOf(p), (x) => x >= lo && x <= hi);
    }
    if (this.#take('proto')) {
      const t = this.#value();
      const n = IP_PROTOCOLS.get(t.replace('\\', '')) ?? Number(t);
      if (!Number.isInteger(n)) throw new FilterError(`unknown protocol '${t}'`);
      return (p) => skbOf(p)?.l4proto === n;
    }
    if (this.#take('net')) {
      const t = this.#value();
      const net = parsePrefix(t, t.includes(':') ? 'ipv6' : 'ipv4');
      if (!net) throw new FilterError(`unknown network '${t}'`);
      return (p) => either(dir, addrsOf(p), (a) => typeof a === typeof net.addr && inPrefix(a, net.addr, net.len));
    }
    this.#take('host');
    const t = this.#value();
    const host = parseAddr(t);
    if (host === null)
      throw new FilterError(dir === 'either' && !this.words.includes('host') ? "can't parse filter expression: syntax error" : `unknown host '${t}'`);
    return (p) => either(dir, addrsOf(p), (a) => a === host);
  }
}

/** Reads the words behind tcpdump's options; parentheses may stick to words. Throws FilterError. */
export function readPcapFilter(words: readonly string[]): PcapFilter {
  return new FilterReader(
    words
      .join(' ')
      .replace(/([()])/g, ' $1 ')
      .split(/\s+/)
      .filter((w) => w !== ''),
  ).read();
}
