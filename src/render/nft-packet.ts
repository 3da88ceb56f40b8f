/**
 * How `nft monitor trace` 1.0.6 words a packet (trace_print_packet() over the templates of its proto.c): link layer, network and transport header, what
 * is left of the twenty bytes of transport that the kernel hands over, raw.
 */
import { formatAddr, formatMac } from '../base/addr.js';
import { protocolName } from '../base/well-known.js';
import { namesOf } from '../netfilter/nftables/symbols.js';
import { startsInside } from '../packet/ip6.js';
import { ETH_P_IPV6, IPPROTO, Skb } from '../packet/skb.js';
import type { PacketView } from '../trace/event.js';

const dscpNames = namesOf('dscp');
const ecnNames = namesOf('ecn');
const tcpFlagNames = namesOf('tcp_flag');

/** NFT_TRACETYPE_NETWORK_HSIZE, NFT_TRACETYPE_TRANSPORT_HSIZE. */
const NETWORK_HSIZE = 40;
const TRANSPORT_HSIZE = 20;

interface Field {
  readonly name: string;
  /** In bytes from the start of the header. */
  readonly at: number;
  readonly size: number;
  readonly show?: (v: number) => string;
}
interface Header {
  readonly name: string;
  /** As printed; bytes between them are known to nft and not shown. */
  readonly fields: readonly Field[];
  /** Where the part begins that nft shows raw. */
  readonly raw: number;
  /** With fewer bytes nft shows nothing of it. */
  readonly min?: number;
}

const protocol = (n: number): string => (n === 0 ? 'ip' : (protocolName(n) ?? String(n)));
const named =
  (names: ReadonlyMap<number, string>) =>
  (v: number): string =>
    names.get(v) ?? String(v);
const ports: readonly Field[] = [
  { name: 'sport', at: 0, size: 2 },
  { name: 'dport', at: 2, size: 2 },
];
const tcpFlags = (v: number): string => `== ${tcpFlagNames.get(v) ?? `0x${v.toString(16)}`}`;
const hex = (v: number): string => `0x${v.toString(16)}`;

const headers = new Map<number, Header>([
  [IPPROTO.TCP, { name: 'tcp', fields: [...ports, { name: 'flags', at: 13, size: 1, show: tcpFlags }, { name: 'window', at: 14, size: 2 }], raw: 20 }],
  [IPPROTO.UDP, { name: 'udp', fields: [...ports, { name: 'length', at: 4, size: 2 }], raw: 8 }],
  [IPPROTO.UDPLITE, { name: 'udplite', fields: [...ports, { name: 'csumcov', at: 4, size: 2 }, { name: 'checksum', at: 6, size: 2 }], raw: 8 }],
  [IPPROTO.SCTP, { name: 'sctp', fields: [...ports, { name: 'vtag', at: 4, size: 4 }], raw: 12 }],
  [IPPROTO.DCCP, { name: 'dccp', fields: ports, raw: 4 }],
  [
    IPPROTO.ICMP,
    {
      name: 'icmp',
      fields: [
        { name: 'type', at: 0, size: 1, show: named(namesOf('icmp_type')) },
        { name: 'code', at: 1, size: 1, show: named(namesOf('icmp_code')) },
        { name: 'id', at: 4, size: 2 },
        { name: 'sequence', at: 6, size: 2 },
      ],
      raw: 8,
    },
  ],
  [
    IPPROTO.ICMPV6,
    {
      name: 'icmpv6',
      fields: [
        { name: 'type', at: 0, size: 1, show: named(namesOf('icmpv6_type')) },
        { name: 'code', at: 1, size: 1, show: named(namesOf('icmpv6_code')) },
        { name: 'parameter-problem', at: 4, size: 4 },
      ],
      raw: 8,
    },
  ],
  [
    IPPROTO.IGMP,
    {
      name: 'igmp',
      fields: [
        { name: 'type', at: 0, size: 1 },
        { name: 'mrt', at: 1, size: 1 },
      ],
      raw: 2,
    },
  ],
  [
    IPPROTO.ESP,
    {
      name: 'esp',
      fields: [
        { name: 'spi', at: 0, size: 4 },
        { name: 'sequence', at: 4, size: 4 },
      ],
      raw: 8,
    },
  ],
  [
    IPPROTO.AH,
    {
      name: 'ah',
      fields: [
        { name: 'spi', at: 4, size: 4 },
        { name: 'hdrlength', at: 1, size: 1 },
        { name: 'nexthdr', at: 0, size: 1, show: protocol },
      ],
      raw: 12,
      min: 5,
    },
  ],
  [
    108,
    {
      name: 'comp',
      fields: [
        { name: 'flags', at: 1, size: 1, show: hex },
        { name: 'cpi', at: 2, size: 2 },
      ],
      raw: 4,
    },
  ],
]);

/** Big-endian number of what is there of `size` bytes. */
function numberAt(b: Uint8Array, at: number, size: number): number {
  let v = 0;
  for (let i = at; i < Math.min(at + size, b.length); i++) v = v * 256 + b[i];
  return v;
}

function rawHex(b: Uint8Array): string {
  const text = Array.from(b, (x) => x.toString(16).padStart(2, '0')).join('');
  return `0x${text.replace(/^0+(?=.)/, '')}`;
}

const rawWords = (base: string, b: Uint8Array, from: number): string[] =>
  from < b.length ? [`@${base},${from * 8},${(b.length - from) * 8} ${rawHex(b.subarray(from))}`] : [];

const known = (proto: number, th: Uint8Array): Header | undefined => {
  const h = headers.get(proto);
  return h && th.length >= (h.min ?? 1) ? h : undefined;
};

const unknownWords = (proto: number, th: Uint8Array): string[] => (headers.has(proto) ? [] : rawWords('th', th, 0));

function transportWords(h: Header, th: Uint8Array): string[] {
  const out: string[] = [];
  for (const f of h.fields) if (f.at < th.length) out.push(`${h.name} ${f.name} ${(f.show ?? String)(numberAt(th, f.at, f.size))}`);
  return [...out, ...rawWords('th', th, h.raw)];
}

const dscp = (tos: number): string => dscpNames.get(tos >>> 2) ?? `0x${(tos >>> 2).toString(16).padStart(2, '0')}`;

/** nft_set_pktinfo_ipv6(): the header behind the extension headers, where AH counts as transport; null: none is found. */
function nftTransportOffset(s: Skb): number | null {
  if (s.protocol !== ETH_P_IPV6) return s.thoff;
  if (startsInside(s.data)) return 0;
  if (s.fragOffset !== 0) return null;
  let next = s.data[6];
  let at = 40;
  while ((next === 0 || next === 43 || next === 44 || next === 60) && at + 8 <= s.data.length) {
    const length = next === 44 ? 8 : (s.data[at + 1] + 1) * 8;
    next = s.data[at];
    at += length;
  }
  return at;
}

/** Network and transport header as the kernel puts them into the message (nf_trace_fill_pkt_info). */
export function tracedHeaders(v: PacketView): { readonly skb: Skb; readonly network: Uint8Array; readonly transport: Uint8Array } {
  const skb = new Skb(0, { kind: 'clone', of: null }, v.data, v.protocol);
  const thoff = nftTransportOffset(skb);
  if (thoff === null) return { skb, network: v.data.subarray(0, NETWORK_HSIZE), transport: new Uint8Array(0) };
  return { skb, network: v.data.subarray(0, Math.min(thoff, NETWORK_HSIZE)), transport: v.data.subarray(thoff, thoff + TRANSPORT_HSIZE) };
}

/** The words behind the devices; each is followed by a blank in nft's line. */
export function nftPacketWords(v: PacketView, linkType: string): string[] {
  const { skb, network, transport } = tracedHeaders(v);
  return [
    ...linkWords(v, linkType, network.length === 0),
    ...(network.length === 0 ? rawWords('th', transport, 0) : v.protocol === ETH_P_IPV6 ? ip6Words(skb, transport) : ip4Words(skb, network, transport)),
  ];
}

/** lo's header is all zeros but for the type. */
function linkWords(v: PacketView, linkType: string, withType: boolean): string[] {
  if (linkType === 'loopback') return [`@ll,0,112 0x${v.protocol.toString(16)}`];
  if (v.eth === null || linkType !== 'ether') return [];
  return [
    `ether saddr ${formatMac(v.eth.src)}`,
    `ether daddr ${formatMac(v.eth.dst)}`,
    ...(withType ? [`ether type ${v.protocol === ETH_P_IPV6 ? 'ip6' : 'ip'}`] : []),
  ];
}

function ip4Words(s: Skb, network: Uint8Array, transport: Uint8Array): string[] {
  const proto = s.data[9];
  const h = known(proto, transport);
  return [
    `ip saddr ${formatAddr(s.saddr)}`,
    `ip daddr ${formatAddr(s.daddr)}`,
    `ip dscp ${dscp(s.tos)}`,
    `ip ecn ${ecnNames.get(s.tos & 3)}`,
    `ip ttl ${s.ttl}`,
    `ip id ${s.ipId}`,
    ...(h ? [] : [`ip protocol ${protocol(proto)}`]),
    `ip length ${s.totLen}`,
    ...rawWords('nh', network, 20),
    ...(h ? transportWords(h, transport) : unknownWords(proto, transport)),
  ];
}

function ip6Words(s: Skb, transport: Uint8Array): string[] {
  const next = s.data[6];
  const h = known(next, transport);
  return [
    `ip6 saddr ${formatAddr(s.saddr)}`,
    `ip6 daddr ${formatAddr(s.daddr)}`,
    `ip6 dscp ${dscp(s.tos)}`,
    `ip6 ecn ${ecnNames.get(s.tos & 3)}`,
    `ip6 hoplimit ${s.ttl}`,
    `ip6 flowlabel ${numberAt(s.data, 0, 4) & 0xfffff}`,
    ...(h ? [] : [`ip6 nexthdr ${protocol(next)}`]),
    `ip6 length ${numberAt(s.data, 4, 2)}`,
    ...(h ? transportWords(h, transport) : unknownWords(next, transport)),
  ];
}
