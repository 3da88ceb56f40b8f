/** `-p udp -m udp`: ports. */
import { all } from '../../pred.js';
import type { MatchDef } from '../extension.js';
import { anyPorts, dropTinygram, nftPortTests, type PortMatch, portTests } from '../transport.js';
import { parsePortMatch, portOptions, showPortMatch } from './tcp.js';

interface UdpMatch {
  readonly sport: PortMatch;
  readonly dport: PortMatch;
}

export const udp: MatchDef<UdpMatch> = {
  name: 'udp',
  kernel: 'net/netfilter/xt_tcpudp.c',
  families: ['ipv4', 'ipv6'],
  protocols: [17],
  options: portOptions,
  parse: (gs) => ({ sport: parsePortMatch(gs, 'sport', 'udp'), dport: parsePortMatch(gs, 'dport', 'udp') }),
  print: (d) => showPortMatch('sport', d.sport) + showPortMatch('dport', d.dport),
  lower: (d) => [dropTinygram(8), { kind: 'test', pred: all(...portTests(d.sport, d.dport)) }],
  lowerNft: (d) => (anyPorts(d.sport) && anyPorts(d.dport) ? null : nftPortTests(d.sport, d.dport).map((pred) => ({ kind: 'test', pred }))),
};
