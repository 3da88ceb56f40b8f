/** The plain sentence for a lost packet: the cause's own words with the facts of the event in them. One branch per cause; a cause without one reads its row. */
import { causes } from '../trace/cause.js';
import type { EventOf } from '../trace/event.js';

type Facts = EventOf<'drop'>['facts'];

const mode = (v: unknown): string => (v === 0 ? 'off' : v === 1 ? 'strict' : v === 2 ? 'loose' : String(v));

function rpFilter(f: Facts): string {
  const why = `rp_filter is ${mode(f.rp_filter)} there: the larger of all=${f.rp_filter_all} and ${f.dev}=${f.rp_filter_dev} counts`;
  if (f.reverse_dev === null) return `${f.src} came in on ${f.dev}, but there is no route back to ${f.src}; ${why}.`;
  return `${f.src} came in on ${f.dev}, but the route back to ${f.src} uses ${f.reverse_dev}; ${why}.`;
}

/** Facts first, in the words of `ip`, `sysctl` and `iptables`; ends with a full stop. */
export function sentence(e: EventOf<'drop'>): string {
  const f = e.facts;
  switch (e.cause) {
    case 'rp-filter':
      return rpFilter(f);
    case 'source-is-ours':
      return `${f.src} came in on ${f.dev}, but that address is this node's own and accept_local is off.`;
    case 'localnet':
      return `${f.dst} (from ${f.src}) came in on ${f.dev}: 127.0.0.0/8 is not routed from outside while route_localnet is 0.`;
    case 'martian-source':
      return `Source ${f.src}, which came in on ${f.dev}, is no address that a packet from a wire may have (multicast, broadcast or zero).`;
    case 'martian-destination':
      return `Destination ${f.dst} is no address that a packet from a wire may be forwarded to.`;
    case 'forwarding-off':
      return `${f.dst} is not this node's address, and forwarding is off on ${f.dev}.`;
    case 'no-route':
      return `There is no route to ${f.dst}.`;
    case 'route-blackhole':
    case 'route-unreachable':
    case 'route-prohibit':
      return `${causes[e.cause].sentence.replace(/\.$/, '')} (destination ${f.dst}).`;
    case 'ttl-expired':
      return `Its TTL was ${f.ttl} and may not be decremented further: a routing loop, or traceroute.`;
    case 'too-big':
      return `It has ${f.len} bytes, ${f.dev ?? 'the next link'} takes ${f.mtu}, and DF forbids to fragment it.`;
    case 'device-down':
    case 'no-carrier':
      return `${causes[e.cause].sentence.replace(/\.$/, '')} (${f.dev}).`;
    case 'neighbour-unresolved':
      return `Nobody on ${f.dev} answers for the next hop ${f.hop}.`;
    case 'not-for-us':
      return f.pktType ? `The frame was a link-layer ${f.pktType}, and those are not forwarded.` : `The frame's destination MAC is not ${f.dev}'s.`;
    case 'xfrm-policy':
      return `An IPsec policy covers ${f.src} > ${f.dst} (${f.policy ?? 'none matches a decapsulated packet'}), and it ${f.secpath ? 'came through another tunnel' : 'did not come through the tunnel'} (${f.counter} +1).`;
    case 'xfrm-no-state':
      return `No IPsec state is installed for it.`;
    case 'policy-drop':
      return `No rule of ${e.rule?.table}:${e.rule?.chain} accepted it, and the chain's policy is DROP.`;
    case 'reroute-failed':
      return `After its mark, TOS or destination changed in OUTPUT there is no route to ${f.dst}.`;
    case 'proto-unknown':
      return f.proto === undefined ? causes[e.cause].sentence : `Nothing on this node handles IP protocol ${f.proto}.`;
    default:
      return causes[e.cause].sentence;
  }
}
