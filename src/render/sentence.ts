/**
 * The plain sentence for a lost packet: one row per cause, in the words of `ip`, `sysctl` and `iptables`, with the values of this very case. A cause without a row is a compile error.
 */
import { type Cause, causes } from '../trace/cause.js';
import { chainPlace } from '../trace/place.js';
import { type DropContext, macFact } from './drop-context.js';
import { unmarked as wasUnmarked } from './look.js';

export type SentenceRow = (c: DropContext) => string;

const mode = (v: unknown): string => (v === 0 ? 'off' : v === 1 ? 'strict' : v === 2 ? 'loose' : String(v));
const on = (dev: string): string => (dev === '' ? '' : ` on ${dev}`);
const from = (dev: string): string => (dev === '' ? ' sent by this node' : ` that came in on ${dev}`);
const service = (c: DropContext): string => `${c.proto}${c.dport ? ` port ${c.dport}` : ''}`;
/** What connection tracking calls it, which is what half of all rules ask for. */
/** Which packet; a frame that is none of IP has no ends. */
const flow = (c: DropContext): string => (c.proto === '' ? 'the frame' : `${service(c)} ${c.src} > ${c.dst}`);
const state = (c: DropContext): string => (c.ctstate === '' ? '' : ` (${c.ctstate})`);
const bare = (c: DropContext): string => causes[c.cause].sentence.replace(/\.$/, '');

function rpFilter(c: DropContext): string {
  const f = c.facts;
  const why = `rp_filter is ${mode(f.rp_filter)} there: the larger of all=${f.rp_filter_all} and ${c.facts.dev}=${f.rp_filter_dev} counts`;
  if (f.reverse_dev === null) return `${c.src} came in on ${f.dev}, but there is no route back to ${c.src}; ${why}.`;
  const unmarked = wasUnmarked(c) ? `, since it is looked up without the mark 0x${c.mark.toString(16)} (src_valid_mark is 0)` : '';
  return `${c.src} came in on ${f.dev}, but the route back to ${c.src} uses ${f.reverse_dev}${f.reverse_route ? ` (${f.reverse_route})` : ''}${unmarked}; ${why}.`;
}

function xfrmPolicy(c: DropContext): string {
  const f = c.facts;
  const policy = f.policy === null || f.policy === undefined ? 'no policy matches a packet that IPsec unwrapped' : String(f.policy);
  return `An IPsec policy covers ${c.src} > ${c.dst} (${policy}), and it ${f.secpath ? 'came through another tunnel' : 'did not come through the tunnel'}.`;
}

function notForUs(c: DropContext): string {
  if (c.facts.pktType) return `The frame${from(c.dev)} was a link-layer ${c.facts.pktType}, and those are not forwarded.`;
  if (c.reason === 'UNICAST_IN_L2_MULTICAST')
    return `The frame${from(c.dev)} was a link-layer broadcast or multicast around the unicast address ${c.dst}; drop_unicast_in_l2_multicast refuses that.`;
  if (c.location.startsWith('tcp')) return `The segment${from(c.dev)} was a broadcast or multicast; TCP takes only what is sent to this host alone.`;
  return `The frame's destination MAC is not that of ${c.dev || text(c.facts.dev) || 'the device'}: it was sent to another host.`;
}

const text = (v: unknown): string => (v === null || v === undefined ? '' : String(v));

function noCarrier(c: DropContext): string {
  return `It was routed out of ${text(c.facts.dev) || c.out}, but that device has no carrier (its other end is down or unplugged); the queue threw it away after POSTROUTING.`;
}

function bridgeNoPort(c: DropContext): string {
  const f = c.facts;
  if (f.locked) return `Port ${f.port} is locked and the bridge does not know ${macFact(f.mac)} behind it.`;
  if (f.to === f.from && f.to !== undefined && f.to !== null)
    return `The bridge knows ${macFact(f.mac)} behind ${f.to}, the very port that the frame came from.`;
  const to = f.mac === undefined ? c.dst : macFact(f.mac);
  return `Bridge ${text(f.bridge) || c.out || c.dev} has no port to send a frame for ${to} to${f.from ? ` (it came from ${f.from})` : ''}.`;
}

const sentences = {
  'rule-drop': (c) =>
    `${c.rule === '' ? 'Netfilter itself (NAT or connection tracking, no rule)' : `Rule ${c.rule.split('  ')[0]}`} ${/ (-j REJECT|reject)\b/.test(c.rule) ? 'rejected' : 'dropped'} ${flow(c)}${state(c)}${from(c.dev)}.`,
  'policy-drop': (c) =>
    `No rule of ${c.ref ? chainPlace(c.ref) : `${c.table}:${c.chain}`} accepted ${flow(c)}${state(c)}${from(c.dev)}, and the chain's policy is DROP.`,
  'rp-filter': rpFilter,
  'source-is-ours': (c) =>
    `${c.src} came in${on(c.dev)}, but that address is this node's own${c.facts.rp_filter === undefined ? '' : ' and accept_local is off there'}.`,
  'source-unroutable': (c) =>
    `${c.src} came in${on(c.dev)}, and there is no route back to it at all; with rp_filter ${mode(c.facts.rp_filter ?? 1)} that is refused.`,
  'martian-source': (c) =>
    `Source ${c.src}, which came in${on(c.dev)}, is no address that a packet from a wire may have (multicast, broadcast, zero or loopback).`,
  'martian-destination': (c) => `${c.dst}, for which ${c.src} sent it${c.dev ? ` to ${c.dev}` : ''}, is no destination that a packet from a wire may have.`,
  localnet: (c) => `${c.src} > ${c.dst} came in${on(c.dev)}: addresses of 127.0.0.0/8 are not taken from a wire while route_localnet is 0.`,
  'no-route': (c) => `There is no route to ${c.dst}${c.mark ? ` for mark 0x${c.mark.toString(16)}` : ''}.`,
  'route-blackhole': (c) => `The route to ${c.dst} is of type blackhole: packets disappear without a word.`,
  'route-unreachable': (c) => `The route to ${c.dst} is of type unreachable: the sender is told "host unreachable".`,
  'route-prohibit': (c) => `The route to ${c.dst} is of type prohibit: the sender is told "administratively prohibited".`,
  'forwarding-off': (c) => `${c.dst} is not this node's address, and forwarding is off${on(c.dev || text(c.facts.dev))}.`,
  'ttl-expired': (c) =>
    `Its TTL was ${c.facts.ttl ?? 'used up'} and may not be decremented further on the way ${c.src} > ${c.dst}: a routing loop, or traceroute.`,
  'too-big': (c) =>
    `It has ${c.facts.len} bytes, ${text(c.facts.dev) || 'the next link'} takes ${c.facts.mtu}, and it must not be fragmented${c.family === 'ipv4' ? ' (DF)' : ''}.`,
  'not-for-us': notForUs,
  'device-down': (c) => `Device ${text(c.facts.dev) || c.out || c.dev} is down.`,
  'no-carrier': noCarrier,
  'neighbour-unresolved': (c) => `Nobody on ${text(c.facts.dev) || c.out} answers for the next hop ${text(c.facts.hop) || c.dst}.`,
  'bad-header': (c) => `The packet${from(c.dev)} is damaged: its header does not fit its ${c.length} bytes (${c.reason}).`,
  'bad-checksum': (c) =>
    `The checksum of the packet ${c.src} > ${c.dst} is wrong (${c.reason}); a router passes such packets on, the receiver does not take them.`,
  'bad-options': (c) =>
    `IP option ${c.facts.option ?? ''} of ${c.src} > ${c.dst} was refused${c.facts.option === 131 || c.facts.option === 137 ? ': source routing is off (accept_source_route)' : ''}.`,
  'no-socket': (c) =>
    c.location === 'icmp_rcv' || c.location === 'ping_rcv'
      ? `No ping socket of ${c.dst} asked for that answer; what raw sockets want (ping run by root) they got as a copy.`
      : `Nobody listens on ${text(c.facts.proto) || c.proto}${c.facts.port ? ` port ${c.facts.port}` : c.dport ? ` port ${c.dport}` : ''} of ${c.dst}.`,
  'proto-unknown': (c) =>
    c.facts.ethertype !== undefined
      ? `Nothing on this node handles ethertype 0x${Number(c.facts.ethertype).toString(16).padStart(4, '0')}.`
      : `Nothing on this node handles IP protocol ${c.facts.proto ?? c.proto} (${c.src} > ${c.dst}).`,
  'icmp-ignored': (c) => `ICMP type ${c.facts.type ?? '?'} from ${c.src} is one that the stack ignores${c.reason === 'NOT_SPECIFIED' ? '' : ` (${c.reason})`}.`,
  'tcp-refused': (c) => `TCP did not accept the segment ${c.src}:${c.sport} > ${c.dst}:${c.dport} in the state its connection is in (${c.reason}).`,
  'sk-filter': (c) => `The socket that ${service(c)} from ${c.src} belongs to refused it (${c.reason}).`,
  'queue-unheard': (c) =>
    `${c.rule === '' ? 'A rule' : `Rule ${c.rule.split('  ')[0]}`} handed ${service(c)} ${c.src} > ${c.dst} to queue ${c.facts.queue}, and no program listens there: without --queue-bypass the kernel drops such a packet.`,
  hotdrop: (c) => `A match of ${c.rule === '' ? 'a rule' : c.rule} found the packet ${c.src} > ${c.dst} malformed and dropped it.`,
  'ct-invalid-drop': (c) => `Connection tracking dropped ${service(c)} ${c.src} > ${c.dst}: its table is full, or the packet is too broken to track.`,
  'ct-clash': (c) => `Another flow took the translated addresses of ${c.src} > ${c.dst} (${service(c)}) between the first packet's start and its confirmation.`,
  'nat-exhausted': (c) => `NAT found no free port for ${service(c)} ${c.src} > ${c.dst}: every one of its range is in use towards that destination.`,
  'nat-no-address': (c) => `MASQUERADE found no address${on(c.out)} to give to ${c.src}.`,
  'reroute-failed': (c) =>
    `After its mark, TOS or destination changed in OUTPUT there is no route to ${c.dst}${c.mark ? ` for mark 0x${c.mark.toString(16)}` : ''}${c.facts.errno ? ` (errno ${c.facts.errno})` : ''}.`,
  'tproxy-no-socket': (c) =>
    `${c.rule === '' ? 'TPROXY' : `TPROXY (${c.rule.split('  ')[0]})`} found no transparent socket to hand ${service(c)} ${c.src} > ${c.dst} to.`,
  'bridge-no-port': bridgeNoPort,
  'bridge-hairpin': (c) =>
    `The frame for ${macFact(c.facts.mac) || c.dst} would have to leave by ${text(c.facts.to) || text(c.facts.from) || 'the port'} that it came from, and hairpin is off there.`,
  'bridge-isolated': (c) =>
    `Port ${text(c.facts.from) || c.dev} is isolated, and so is ${c.facts.to ? `port ${c.facts.to}` : 'every other port that it could leave by'}: such ports do not talk to each other.`,
  'bridge-port-state': (c) => `Bridge port ${text(c.facts.port) || c.dev} is in state ${text(c.facts.state) || 'blocking'}, not forwarding.`,
  'bridge-flood-off': (c) => `Bridge ${text(c.facts.bridge)} does not know ${macFact(c.facts.mac) || 'that MAC'}, and flooding is off on every other port.`,
  'bridge-local-frame': (c) =>
    `A frame${c.facts.mac === undefined ? '' : ` from ${macFact(c.facts.mac)}`} on port ${text(c.facts.port) || c.dev} that bridges keep to themselves (link-local, or not a station's address).`,
  'ebtables-drop': (c) =>
    `Rule or policy ${c.rule === '' ? `of ${text(c.facts.table)} ${text(c.facts.chain)}` : c.rule} of ebtables dropped the frame ${c.src} > ${c.dst}.`,
  'xfrm-policy': xfrmPolicy,
  'xfrm-no-state': (c) =>
    c.facts.spi === undefined
      ? `An IPsec policy wants ${c.src} > ${c.dst} in a tunnel, but no state (key) for it is installed.`
      : `No IPsec state is installed for SPI 0x${Number(c.facts.spi).toString(16)} to ${c.dst}.`,
  'xfrm-block': (c) => `An IPsec policy blocks ${c.src} > ${c.dst}${c.facts.policy ? ` (${c.facts.policy})` : ''}.`,
  'tunnel-no-device': (c) =>
    `No tunnel device of this node takes the packet of ${text(c.facts.remote) || c.src}${c.facts.dev ? ` (${c.facts.dev})` : ''}${c.facts.dport ? `, port ${c.facts.dport}` : ''}.`,
  'tunnel-static-entry': (c) =>
    `The tunnel device ${text(c.facts.dev)} has a permanent entry for ${macFact(c.facts.mac)} that says another remote than ${c.src}, from which the frame came.`,
  'frag-incomplete': (c) => `The fragments of ${c.src} > ${c.dst} do not make a whole packet: one is missing, doubled or overlaps another.`,
  'no-source-address': (c) => `There is no address${on(c.out)} that it could be sent from to ${c.dst}.`,
  loop: (c) => `The same packet ${c.src} > ${c.dst} went round and round${on(text(c.facts.dev))}; the run was stopped.`,
  'multicast-no-member': (c) => `Nobody on this node joined the group ${c.dst}${on(text(c.facts.dev) || c.dev)}.`,
  scope: (c) => `${c.src} > ${c.dst}: an address of that scope may not go that way.`,
  'ipv6-extension': (c) => `An extension header of ${c.src} > ${c.dst} holds an option that this node does not know and that says to discard the packet.`,
  unclassified: (c) => `${bare(c)} (in ${c.location}).`,
} as const satisfies Record<Cause, SentenceRow>;

/** Ends with a full stop. */
export const sentence = (c: DropContext): string => sentences[c.cause](c);
