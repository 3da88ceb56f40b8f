/** Fields of protocol headers by name (`nft describe PROTOCOL FIELD`), and the protocol that each implies. */
import { ETH_P_8021Q, ETH_P_ARP, ETH_P_IP, ETH_P_IPV6, IPPROTO } from '../../../packet/skb.js';
import { type NftType, typeNamed } from '../types.js';
import { bitInteger } from './bits.js';

export type PayloadBase = 'll' | 'nh' | 'th';
/** A field: offset and length in bits. */
export interface PayloadField {
  readonly base: PayloadBase;
  readonly at: number;
  readonly bits: number;
  readonly type: NftType;
  /** Values of the header's first byte that it goes with (icmp type), of which one is implied. */
  readonly kinds?: readonly number[];
}

/** key offset length [type [kinds]], in bits; "-": a plain number. */
export const fields = (base: PayloadBase, text: string): ReadonlyMap<string, PayloadField> =>
  new Map(
    text
      .trim()
      .split(/\s*;\s*/)
      .map((row) => {
        const [key, at, bits, type, kinds] = row.split(' ');
        const of = type && type !== '-' ? typeNamed(type) : bitInteger(Number(bits));
        const field = { base, at: Number(at), bits: Number(bits), type: of };
        return [key, kinds ? { ...field, kinds: kinds.split(',').map(Number) } : field];
      }),
  );

const PORTS = 'sport 0 16 inet_service; dport 16 16 inet_service';
const FIELDS: ReadonlyMap<string, ReadonlyMap<string, PayloadField>> = new Map([
  ['ether', fields('ll', 'daddr 0 48 ether_addr; saddr 48 48 ether_addr; type 96 16 ether_type')],
  ['vlan', fields('ll', 'pcp 112 3; dei 115 1; cfi 115 1; id 116 12; type 128 16 ether_type')],
  [
    'arp',
    fields(
      'nh',
      `htype 0 16; ptype 16 16 ether_type; hlen 32 8; plen 40 8; operation 48 16 arp_op; saddr-ether 64 48 ether_addr; saddr-ip 112 32 ipv4_addr;
      daddr-ether 144 48 ether_addr; daddr-ip 192 32 ipv4_addr`,
    ),
  ],
  [
    'ip',
    fields(
      'nh',
      `version 0 4; hdrlength 4 4; dscp 8 6 dscp; ecn 14 2 ecn; length 16 16; id 32 16; frag-off 48 16; ttl 64 8; protocol 72 8 inet_proto; checksum 80 16;
      saddr 96 32 ipv4_addr; daddr 128 32 ipv4_addr`,
    ),
  ],
  [
    'ip6',
    fields(
      'nh',
      'version 0 4; dscp 4 6 dscp; ecn 10 2 ecn; flowlabel 12 20; length 32 16; nexthdr 48 8 inet_proto; hoplimit 56 8; saddr 64 128 ipv6_addr; daddr 192 128 ipv6_addr',
    ),
  ],
  [
    'tcp',
    fields('th', `${PORTS}; sequence 32 32; ackseq 64 32; doff 96 4; reserved 100 4; flags 104 8 tcp_flag; window 112 16; checksum 128 16; urgptr 144 16`),
  ],
  ['udp', fields('th', `${PORTS}; length 32 16; checksum 48 16`)],
  ['udplite', fields('th', `${PORTS}; csumcov 32 16; checksum 48 16`)],
  ['sctp', fields('th', `${PORTS}; vtag 32 32; checksum 64 32`)],
  ['dccp', fields('th', `${PORTS}; type 67 4 dccp_pkttype`)],
  ['th', fields('th', PORTS)],
  ['icmp', fields('th', 'type 0 8 icmp_type; code 8 8 icmp_code; checksum 16 16; id 32 16 - 0,8; sequence 48 16 - 0,8; gateway 32 32 - 5; mtu 48 16 - 3')],
  [
    'icmpv6',
    fields(
      'th',
      `type 0 8 icmpv6_type; code 8 8 icmpv6_code; checksum 16 16; parameter-problem 32 32 - 4; packet-too-big 32 32 - 2; mtu 32 32 - 2; id 32 16 - 128,129;
      sequence 48 16 - 128,129; max-delay 32 16 - 130`,
    ),
  ],
  ['igmp', fields('th', 'type 0 8 igmp_type; mrt 8 8; checksum 16 16; group 32 32')],
  ['esp', fields('th', 'spi 0 32; sequence 32 32')],
  ['ah', fields('th', 'nexthdr 0 8 inet_proto; hdrlength 8 8; reserved 16 16; spi 32 32; sequence 64 32')],
  ['comp', fields('th', 'nexthdr 0 8 inet_proto; flags 8 8; cpi 16 16')],
]);

/** Protocols that have fields. */
export const payloadProtocols: readonly string[] = [...FIELDS.keys()];
/** The field of that name; undefined: the protocol has none such. */
export const payloadField = (proto: string, key: string): PayloadField | undefined => FIELDS.get(proto)?.get(key);

/** Transport protocols by the words of their headers. */
export const L4: ReadonlyMap<string, number> = new Map([
  ['tcp', IPPROTO.TCP],
  ['udp', IPPROTO.UDP],
  ['udplite', IPPROTO.UDPLITE],
  ['sctp', IPPROTO.SCTP],
  ['dccp', IPPROTO.DCCP],
  ['icmp', IPPROTO.ICMP],
  ['icmpv6', IPPROTO.ICMPV6],
  ['igmp', IPPROTO.IGMP],
  ['esp', IPPROTO.ESP],
  ['ah', IPPROTO.AH],
  ['comp', 108],
]);
/** Ethertypes by the words of the headers behind them; icmp and its like, in families that have more than one protocol, are behind one of them. */
export const L3: ReadonlyMap<string, number> = new Map([
  ['ip', ETH_P_IP],
  ['ip6', ETH_P_IPV6],
  ['arp', ETH_P_ARP],
  ['vlan', ETH_P_8021Q],
]);
export const BELOW: ReadonlyMap<string, number> = new Map([
  ['icmp', ETH_P_IP],
  ['igmp', ETH_P_IP],
  ['icmpv6', ETH_P_IPV6],
]);
