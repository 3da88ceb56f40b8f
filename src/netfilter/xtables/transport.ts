/** What the matches on transport headers have in common: later fragments never match, and a packet too short for its own header is dropped at once. */

import { isExtensionHeader, NEXTHDR } from '../../packet/ip6.js';
import { dport, present, sport, whenPresent } from '../fields.js';
import { between, call, type Field, type PacketCtx, type Pred } from '../pred.js';
import type { RuleStep } from './extension.js';
import type { PortRange } from './values.js';

/** A whole packet or first fragment that holds fewer than `bytes` of its transport header (skb_header_pointer() gives NULL). */
const tooShort = (c: PacketCtx, bytes: number): boolean => c.skb.fragOffset === 0 && (c.skb.thoff < 0 || c.skb.data.length < c.skb.thoff + bytes);

/** par->hotdrop of a match that needs `bytes` of transport header. */
export function dropTinygram(bytes: number): RuleStep {
  const known = tinygrams.get(bytes);
  if (known) return known;
  const pred = call(`transport header of ${bytes} bytes`, [], (c) => tooShort(c, bytes), `fewer than ${bytes} bytes of transport header`);
  const step: RuleStep = { kind: 'hotdrop', pred, shared: true };
  tinygrams.set(bytes, step);
  return step;
}
const tinygrams = new Map<number, RuleStep>();

/** tcp_mt() also drops a fragment that starts at byte 8: it would overwrite the flags. Offsets of IPv6 are in bytes there, so that it never applies. */
export const dropFlagFragment: RuleStep = {
  kind: 'hotdrop',
  shared: true,
  pred: call('fragment offset 8', [], (c) => c.family === 'ipv4' && c.skb.fragOffset === 8, 'a TCP fragment at offset 8'),
};

/** ip6_packet_match() drops what has no protocol to ask for: its extension headers run past the end (ipv6_find_hdr()), or go on behind a fragment header that is not the first. */
export const dropHeadless: RuleStep = {
  kind: 'hotdrop',
  shared: true,
  pred: call(
    'the protocol behind extension headers',
    [],
    ({ skb }) => (skb.thoff < 0 ? skb.l4proto !== NEXTHDR.NONE : skb.fragOffset !== 0 && isExtensionHeader(skb.l4proto)),
    'extension headers that lead to no protocol',
  ),
};

/** The packet holds the first words of a transport header: no later fragment. */
export const hasPorts: Pred = present(sport);

export interface PortMatch {
  readonly range: PortRange;
  readonly invert: boolean;
}
export const ANY_PORTS: PortMatch = { range: [0, 65535], invert: false };

/**
 * Where nft_payload_fast_eval() takes the transport header from; unlike everything else it does so in later fragments as well: IPv4 from their payload, IPv6 from the IP
 * header, since ipv6_find_hdr() leaves pkt->thoff at 0 there. -1: there is none.
 */
const loadedFrom = ({ skb, family }: PacketCtx): number => (family === 'ipv6' && skb.fragOffset !== 0 ? 0 : skb.thoff);

/** `length` bytes of it, 1 or 2; undefined where the packet ends before. */
export function loadTransport(c: PacketCtx, at: number, length: 1 | 2): number | undefined {
  const from = loadedFrom(c);
  if (from < 0 || c.skb.data.length < from + at + length) return undefined;
  return length === 1 ? c.skb.u8(from + at) : c.skb.u16(from + at);
}
const loaded = (name: string, at: number): Field => ({ name, read: (c) => loadTransport(c, at, 2), show: String });
export const loadedSport = loaded('source port', 0);
export const loadedDport = loaded('destination port', 2);

/** Is it the match that asks for nothing? iptables-nft leaves that to xtables. */
export const anyPorts = (m: PortMatch): boolean => m.range[0] === 0 && m.range[1] === 65535 && !m.invert;

/** What add_nft_tcpudp() of iptables writes: no test at all for a range of everything, also when it is inverted; what cannot be loaded does not match. */
export function nftPortTests(src: PortMatch, dst: PortMatch): Pred[] {
  const tests: Pred[] = [];
  for (const [f, m] of [
    [loadedSport, src],
    [loadedDport, dst],
  ] as const) {
    if (m.range[0] !== 0 || m.range[1] !== 65535) tests.push(whenPresent(f, m.invert, between(f, m.range[0], m.range[1])));
  }
  return tests;
}

/** The tests of `--sport` and `--dport`; those that allow everything are left out. */
export function portTests(src: PortMatch, dst: PortMatch): Pred[] {
  const tests: Pred[] = [];
  for (const [f, m] of [
    [sport, src],
    [dport, dst],
  ] as const) {
    if (m.invert || m.range[0] !== 0 || m.range[1] !== 65535) tests.push(whenPresent(f, m.invert, between(f, m.range[0], m.range[1])));
  }
  return tests.length > 0 ? tests : [hasPorts];
}
