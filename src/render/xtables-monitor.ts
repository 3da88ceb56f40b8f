/** `--format xtables-monitor`: what `xtables-monitor --trace` (iptables 1.8.9) prints: a PACKET line per base chain, then a TRACE line per rule and policy. */
import { formatAddr, type Mac } from '../base/addr.js';
import { ETH_P_IPV6, IPPROTO, type Skb } from '../packet/skb.js';
import type { ScenarioRun } from '../stack/run-scenario.js';
import { type EventOf, isXtRule, type PacketView } from '../trace/event.js';
import { handleNotes, isQueueCode, type NftMessage, nftMessages } from './nft-events.js';
import { tracedHeaders } from './nft-packet.js';
import type { RenderOptions } from './renderer.js';
import { ruleText } from './rule-text.js';

export function renderXtablesMonitor(run: ScenarioRun, o: Pick<RenderOptions, 'narrow'>): string {
  const messages = nftMessages(run, o).filter((m) => isXtRule(m.e.rule));
  return [...handleNotes(messages), ...messages.flatMap((m) => [...packetLine(m), ...whatLine(m)]).map((l) => `${l}\n`)].join('');
}

const who = (e: EventOf<'nft-trace'>): string => `${e.rule.family === 'ipv6' ? 10 : 2} ${e.traceId.toString(16).padStart(8, '0')}`;

function packetLine({ e, linkType }: NftMessage): string[] {
  if (!e.withPacket) return [];
  const words = [
    `PACKET: ${who(e)}`,
    ...(e.in === '' ? [] : [`IN=${e.in}`]),
    ...(e.out === '' ? [] : [`OUT=${e.out}`]),
    ...packetWords(e.view, linkType),
    ...(e.mark ? [`MARK=0x${e.mark.toString(16)}`] : []),
  ];
  return [`${words.join(' ')} `];
}

/** The words between the devices and the mark. */
export const packetWords = (v: PacketView, linkType: string): string[] => [...linkWords(v, linkType), ...headerWords(v)];

/** ether_ntoa(): no leading zeros. */
const mac = (m: Mac): string =>
  [40, 32, 24, 16, 8, 0]
    .map((shift) => Math.floor(m / 2 ** shift) % 256)
    .map((b) => b.toString(16))
    .join(':');

function linkWords(v: PacketView, linkType: string): string[] {
  if (linkType === 'loopback') return ['LOOPBACK'];
  if (v.eth === null || linkType !== 'ether') return [];
  return [`MACSRC=${mac(v.eth.src)}`, `MACDST=${mac(v.eth.dst)}`, `MACPROTO=${v.protocol.toString(16).padStart(4, '0')}`];
}

function headerWords(v: PacketView): string[] {
  const { skb, network, transport } = tracedHeaders(v);
  if (network.length === 0) return [];
  const v6 = v.protocol === ETH_P_IPV6;
  return [
    `SRC=${formatAddr(skb.saddr)}`,
    `DST=${formatAddr(skb.daddr)}`,
    ...(v6 ? ip6Words(skb) : ip4Words(skb)),
    ...transportWords(v.data[v6 ? 6 : 9], transport),
  ];
}

function ip4Words(s: Skb): string[] {
  const off = s.u16(6);
  const options = s.data.subarray(20, (s.data[0] & 15) * 4);
  return [
    `LEN=${s.totLen} TOS=0x${s.tos.toString(16)} TTL=${s.ttl} ID=${s.ipId}`,
    ...(off & 0x8000 ? ['CE'] : []),
    ...(off & 0x4000 ? ['DF'] : []),
    ...(off & 0x2000 ? ['MF'] : []),
    ...(off & 0x1fff ? [`FRAG:${off & 0x1fff}`] : []),
    ...(options.length > 0 ? [`OPT (${Array.from(options, signedHex).join('')})`] : []),
  ];
}

/** `%02X` of a signed char. */
const signedHex = (b: number): string => (b < 128 ? b.toString(16).padStart(2, '0') : `ffffff${b.toString(16)}`).toUpperCase();

/** LEN: the payload's length and that of an IPv4 header, as xtables-monitor adds it up. */
const ip6Words = (s: Skb): string[] => [`LEN=${s.u16(4) + 20} TC=${s.tos} HOPLIMIT=${s.ttl} FLOWLBL=${s.u32(0) & 0xfffff}`];

const portProtocols: ReadonlySet<number> = new Set([IPPROTO.UDP, IPPROTO.UDPLITE, IPPROTO.DCCP, IPPROTO.SCTP]);
const flagBits: readonly (readonly [number, string])[] = [
  [2, 'SYN'],
  [16, 'ACK'],
  [1, 'FIN'],
  [4, 'RST'],
  [8, 'PSH'],
  [32, 'URG'],
];

function transportWords(proto: number, th: Uint8Array): string[] {
  const tcp = proto === IPPROTO.TCP && th.length >= 20;
  if (!tcp && !(portProtocols.has(proto) && th.length >= 4)) return [];
  const flags = tcp ? flagBits.filter(([bit]) => th[13] & bit).map(([, name]) => name) : [];
  return [`SPORT=${th[0] * 256 + th[1]}`, `DPORT=${th[2] * 256 + th[3]}`, ...flags];
}

/** RETURN and queues other than 0 have no name in xtables-monitor. */
function verdict(v: string): string {
  if (v === 'return') return '0xfffffffb';
  if (isQueueCode(v)) return `0x${(Number(v) >>> 0).toString(16)}`;
  const [word, chain] = v.split(' ');
  return chain === undefined ? word.toUpperCase() : `${word.toUpperCase()}:${chain}`;
}

/** The end of a chain is a message without a rule, for which nothing is printed. */
function whatLine({ e, run }: NftMessage): string[] {
  const at = ` TRACE: ${who(e)} ${e.rule.table}:${e.rule.chain}:`;
  if (e.kind === 'policy') return [`${at}policy:${(e.policy ?? 'accept').toUpperCase()} `];
  if (e.kind === 'end') return [];
  const rule = ruleText(run.nodes.get(e.node), e.rule) ?? '';
  return [`${at}rule:0x${(e.rule.handle ?? 0).toString(16)}:${verdict(e.verdict)}  ${e.rule.family === 'ipv6' ? '-6' : '-4'} -t ${e.rule.table} ${rule}`];
}
