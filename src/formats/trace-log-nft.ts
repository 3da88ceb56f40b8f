/**
 * `nft monitor trace`: a `packet:` line per base chain, then rules, ends of chains (some releases) and policies.
 *
 *     trace id 5bb3a43f ip filter FORWARD packet: iif "r0" oif "r1" ip saddr 10.1.0.2 ip daddr 10.2.0.2 … ip ttl 63 … tcp sport 4000 tcp dport 80 tcp flags == syn
 *     trace id 5bb3a43f ip filter FORWARD rule counter packets 0 bytes 0 jump U (verdict jump U)
 *     trace id 5bb3a43f ip filter FORWARD policy drop
 */
import { parseAddr, parseMac } from '../base/addr.js';
import { icmp6Types as icmp6List, icmpTypes as icmpList, protocolNumber } from '../base/well-known.js';
import type { NftFamily } from '../netfilter/nftables/model.js';
import { IPPROTO } from '../packet/skb.js';
import { type LoggedPacket, NO_PACKET, type TraceLogLine } from './trace-log-types.js';

const LINE = /^trace id ([0-9a-f]+) (ip|ip6|inet|arp|bridge|netdev) (\S+) (\S+) (packet:|rule |verdict |policy |unknown rule handle )(.*)$/;
const VERDICT = /\(verdict ([^()]+)\)\s*$/;
const MOST = 4096;
const MOST_TABLES = 64;

export class NftMonitorReader {
  /** By trace; null: the frame is no IP packet. */
  readonly #packets = new Map<string, LoggedPacket | null>();
  /** Tables whose lines are left out for it. */
  readonly notIp = new Set<string>();

  /** undefined: understood, but no trace point; null: no such line; a text: what is wrong. */
  line(text: string, n: number): TraceLogLine | string | null | undefined {
    const m = LINE.exec(text);
    if (!m) return null;
    const [, id, family, table, chain, what, rest] = m;
    if (what === 'packet:') return this.#packet(id, family, rest);
    const packet = this.#packets.get(id);
    if (packet === undefined) return `the packet line of trace ${id} is not in the log`;
    if (packet === null) {
      if (this.notIp.size < MOST_TABLES) this.notIp.add(`${family} ${table}`);
      return undefined;
    }
    return { n, text: text.trim(), time: null, nftFamily: family as NftFamily, table, chain, num: null, traceId: id, packet, ...point(what, rest) };
  }

  #packet(id: string, family: string, rest: string): string | undefined {
    const packet = readNftPacket(rest, this.#packets.get(id) ?? undefined);
    if (packet === null && family !== 'arp' && family !== 'bridge' && family !== 'netdev') return 'it is cut before saddr and daddr';
    if (this.#packets.size >= MOST) this.#packets.clear();
    this.#packets.set(id, packet);
    return undefined;
  }
}

function point(what: string, rest: string): Pick<TraceLogLine, 'kind' | 'handle' | 'rule' | 'verdict' | 'mark'> {
  if (what === 'policy ') {
    const mark = /meta mark (0x[0-9a-f]{1,8}|\d{1,10})/.exec(rest);
    return { kind: 'policy', handle: null, rule: null, verdict: rest.split(' ')[0].toLowerCase(), mark: mark ? Number(mark[1]) : 0 };
  }
  if (what === 'verdict ') return { kind: 'return', handle: null, rule: null, verdict: rest.trim(), mark: null };
  const verdict = VERDICT.exec(rest)?.[1].trim() ?? null;
  const words = rest.replace(VERDICT, '').trim();
  if (what === 'rule ') {
    const handle = /# handle (\d+)/.exec(words);
    return { kind: 'rule', handle: handle ? Number(handle[1]) : null, rule: words.replace(/\s*# handle \d+/, ''), verdict, mark: null };
  }
  return { kind: 'rule', handle: Number.parseInt(words, 10), rule: null, verdict, mark: null };
}

/** What a later packet line of the same trace leaves out stands in an earlier one. */
function readNftPacket(text: string, before: LoggedPacket | undefined): LoggedPacket | null {
  const fields = new Map<string, string>();
  const words = text.match(/"[^"]*"|\S+/g) ?? [];
  for (let i = 0; i < words.length; i++) {
    const w = words[i];
    if (w === 'iif' || w === 'oif') fields.set(w, (words[++i] ?? '').replace(/"/g, ''));
    else if (HEADERS.has(w)) {
      const name = words[++i];
      let value = words[++i] ?? '';
      if (value === '==') value = words[++i] ?? '';
      if (name !== undefined && !fields.has(`${w} ${name}`)) fields.set(`${w} ${name}`, value);
    }
  }
  const v6 = fields.has('ip6 saddr');
  const ip = v6 ? 'ip6' : 'ip';
  const src = parseAddr(fields.get(`${ip} saddr`) ?? '');
  const dst = parseAddr(fields.get(`${ip} daddr`) ?? '');
  if (src === null || dst === null || typeof src !== typeof dst) return null;
  const num = (name: string): number | null => (/^(0x[0-9a-f]+|\d+)$/.test(fields.get(name) ?? '') ? Number(fields.get(name)) : null);
  const l4 = [...TRANSPORT].find(([h]) => [...fields.keys()].some((k) => k.startsWith(`${h} `)));
  const proto = l4?.[1] ?? protocolNumber(fields.get(`${ip} protocol`) ?? fields.get('ip6 nexthdr') ?? '') ?? before?.proto ?? null;
  const macs = [parseMac(fields.get('ether saddr') ?? ''), parseMac(fields.get('ether daddr') ?? '')];
  const length = num(v6 ? 'ip6 length' : 'ip length');
  return {
    ...NO_PACKET,
    family: v6 ? 'ipv6' : 'ipv4',
    in: fields.get('iif') ?? '',
    out: fields.get('oif') ?? '',
    mac: macs[0] === null || macs[1] === null ? null : { src: macs[0], dst: macs[1] },
    src,
    dst,
    len: length === null ? null : v6 ? length + 40 : length,
    tos: trafficClass(fields, ip),
    ttl: num(v6 ? 'ip6 hoplimit' : 'ip ttl'),
    flowLabel: num('ip6 flowlabel'),
    id: num('ip id'),
    proto,
    sport: l4 ? num(`${l4[0]} sport`) : null,
    dport: l4 ? num(`${l4[0]} dport`) : null,
    tcp: l4?.[0] === 'tcp' ? { seq: null, ack: null, window: num('tcp window'), flags: tcpFlags(fields.get('tcp flags') ?? ''), urgent: 0, options: '' } : null,
    icmp: icmpOf(fields, num),
    mark: num('meta mark') ?? 0,
  };
}

const TRANSPORT = new Map<string, number>([
  ['tcp', IPPROTO.TCP],
  ['udp', IPPROTO.UDP],
  ['udplite', IPPROTO.UDPLITE],
  ['sctp', IPPROTO.SCTP],
  ['dccp', IPPROTO.DCCP],
  ['icmp', IPPROTO.ICMP],
  ['icmpv6', IPPROTO.ICMPV6],
]);
const HEADERS: ReadonlySet<string> = new Set(['ether', 'ip', 'ip6', 'meta', ...TRANSPORT.keys()]);

const DSCP = new Map<string, number>([
  ...Array.from({ length: 8 }, (_, i): [string, number] => [`cs${i}`, i * 8]),
  ...[1, 2, 3, 4].flatMap((c) => [1, 2, 3].map((d): [string, number] => [`af${c}${d}`, c * 8 + d * 2])),
  ['lephb', 1],
  ['va', 44],
  ['ef', 46],
]);
const ECN = ['not-ect', 'ect1', 'ect0', 'ce'];

function trafficClass(fields: ReadonlyMap<string, string>, ip: string): number | null {
  const d = fields.get(`${ip} dscp`);
  if (d === undefined) return null;
  return ((DSCP.get(d) ?? (Number(d) || 0)) << 2) | Math.max(0, ECN.indexOf(fields.get(`${ip} ecn`) ?? ''));
}

const FLAG_BITS = ['fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ecn', 'cwr'];
const tcpFlags = (v: string): number =>
  v.startsWith('0x') ? Number(v) & 255 : v.split(/[|,]/).reduce((n, w) => n | (FLAG_BITS.includes(w.trim()) ? 1 << FLAG_BITS.indexOf(w.trim()) : 0), 0);

/** nft's names of ICMP types that iptables calls otherwise. */
const NFT_NAMES = new Map([
  ['nd-router-solicit', 133],
  ['nd-router-advert', 134],
  ['nd-neighbor-solicit', 135],
  ['nd-neighbor-advert', 136],
]);

function icmpOf(fields: ReadonlyMap<string, string>, num: (name: string) => number | null): LoggedPacket['icmp'] {
  const h = fields.has('icmp type') ? 'icmp' : fields.has('icmpv6 type') ? 'icmpv6' : null;
  if (h === null) return null;
  const name = fields.get(`${h} type`) ?? '';
  const list = h === 'icmp' ? icmpList() : icmp6List();
  const type = num(`${h} type`) ?? NFT_NAMES.get(name) ?? list.find((t) => t.name === name)?.type ?? 0;
  // One list names the codes of all types; 0 is its first.
  const codes = ['net-unreachable', 'host-unreachable', 'prot-unreachable', 'port-unreachable', 'frag-needed'];
  const code = num(`${h} code`) ?? Math.max(0, h === 'icmp' ? codes.indexOf(fields.get('icmp code') ?? '') : 0);
  return { type, code, id: num(`${h} id`), seq: num(`${h} sequence`), rest: num(`${h} parameter-problem`) ?? 0, quoted: null };
}
