/**
 * Why a packet was lost, in our words. The kernel's drop reason is often only NOT_SPECIFIED; a cause is finer.
 * Each row: what a tired person should read (render/ may add the facts of the event), and what to look at.
 */
export interface CauseRow {
  /** One plain sentence. */
  readonly sentence: string;
  /** What to look at or try. */
  readonly look: string;
}

const rows = {
  'rule-drop': { sentence: 'A rule dropped it.', look: 'the rule named' },
  'policy-drop': { sentence: 'No rule of the chain accepted it and the chain’s policy is DROP.', look: 'iptables -S CHAIN; add an ACCEPT before the end' },
  'rp-filter': {
    sentence: 'Reverse path filter: the route back to its source does not use the device it came in on.',
    look: 'ip route get DST from SRC iif DEV; sysctl net.ipv4.conf.{all,DEV}.rp_filter (the larger counts)',
  },
  'source-is-ours': {
    sentence: 'Its source is one of this node’s own addresses.',
    look: 'sysctl net.ipv4.conf.DEV.accept_local; a loop or a missing masquerade',
  },
  'source-unroutable': { sentence: 'There is no route back to its source.', look: 'ip route get SRC' },
  'martian-source': { sentence: 'Its source address can never arrive from a wire.', look: 'who sent it' },
  'martian-destination': { sentence: 'Its destination can never be reached from a wire.', look: 'the DNAT rule or the sender' },
  localnet: { sentence: 'It is for 127.0.0.0/8 but came from outside, and route_localnet is off.', look: 'sysctl net.ipv4.conf.DEV.route_localnet' },
  'no-route': { sentence: 'There is no route to its destination.', look: 'ip route get DST' },
  'route-blackhole': { sentence: 'A blackhole route swallowed it.', look: 'ip route show table all type blackhole' },
  'route-unreachable': { sentence: 'An unreachable route refused it.', look: 'ip route show table all type unreachable' },
  'route-prohibit': { sentence: 'A prohibit route refused it.', look: 'ip route show table all type prohibit; ip rule' },
  'forwarding-off': {
    sentence: 'It is for another host and forwarding is off on the device it came in on.',
    look: 'sysctl net.ipv4.ip_forward, net.ipv4.conf.DEV.forwarding',
  },
  'ttl-expired': { sentence: 'Its TTL ran out here.', look: 'a routing loop, or traceroute at work' },
  'too-big': { sentence: 'It is larger than the next link’s MTU and must not be fragmented.', look: 'MTU of the path; TCPMSS' },
  'not-for-us': { sentence: 'The frame’s destination MAC is another host’s.', look: 'neighbour tables of the sender; promiscuous mode' },
  'device-down': { sentence: 'The device is down.', look: 'ip link set DEV up' },
  'no-carrier': {
    sentence: 'The device has no carrier; the queueing discipline dropped it after POSTROUTING.',
    look: 'ip link show DEV; the route uses a dead link',
  },
  'neighbour-unresolved': { sentence: 'Nobody answers ARP (or neighbour discovery) for the next hop.', look: 'ip neigh show' },
  'bad-header': { sentence: 'Its IP header is damaged.', look: 'the sender' },
  'bad-checksum': { sentence: 'Its checksum is wrong.', look: 'offloads; tcpdump -vv' },
  'bad-options': { sentence: 'Its IP options were refused.', look: 'source routing options' },
  'no-socket': { sentence: 'Nobody listens on that port.', look: 'ss -ltnup' },
  'proto-unknown': { sentence: 'No protocol handler for it.', look: 'the IP protocol number' },
  'icmp-ignored': { sentence: 'ICMP that the stack ignores.', look: 'sysctl net.ipv4.icmp_echo_ignore_*' },
  'tcp-refused': { sentence: 'TCP did not accept the segment.', look: 'the connection’s state' },
  'sk-filter': { sentence: 'The socket’s receive path refused it.', look: 'the socket' },
  'queue-unheard': {
    sentence: 'A rule queued it for a program in user space, and none listens to that queue.',
    look: 'cat /proc/net/netfilter/nfnetlink_queue; is the program up; --queue-bypass lets packets pass without it',
  },
  hotdrop: { sentence: 'A match found the packet malformed and dropped it.', look: 'the rule named' },
  'ct-invalid-drop': { sentence: 'Connection tracking dropped it.', look: 'conntrack -S' },
  'ct-clash': { sentence: 'Another flow took the same translated tuple first.', look: 'conntrack -S insert_failed; --random-fully' },
  'nat-exhausted': { sentence: 'NAT found no free port.', look: 'the port range' },
  'nat-no-address': { sentence: 'MASQUERADE found no address on the output device.', look: 'ip addr show DEV' },
  'reroute-failed': { sentence: 'After its mark or destination changed, no route was found.', look: 'ip rule; ip route get DST mark MARK' },
  'tproxy-no-socket': { sentence: 'TPROXY found no socket to hand it to.', look: 'ss -l; IP_TRANSPARENT' },
  'bridge-no-port': { sentence: 'The bridge has no port to send it to.', look: 'bridge fdb; hairpin, isolated' },
  'bridge-hairpin': { sentence: 'The bridge does not send a frame back out of the port it came from.', look: 'bridge link set dev PORT hairpin on' },
  'bridge-isolated': { sentence: 'Both bridge ports are isolated.', look: 'bridge -d link' },
  'bridge-port-state': { sentence: 'The bridge port is not forwarding.', look: 'bridge link' },
  'bridge-flood-off': { sentence: 'The bridge does not know the MAC and flooding is off on the port.', look: 'bridge fdb; bridge -d link' },
  'bridge-local-frame': { sentence: 'A link-local or self-addressed frame that bridges do not forward.', look: 'group_fwd_mask' },
  'ebtables-drop': { sentence: 'An ebtables rule or policy dropped the frame.', look: 'ebtables-save' },
  'xfrm-policy': { sentence: 'An IPsec policy demands that it came through a tunnel, and it did not.', look: 'ip xfrm policy; XfrmInTmplMismatch' },
  'xfrm-no-state': { sentence: 'No IPsec state for it.', look: 'ip xfrm state' },
  'xfrm-block': { sentence: 'An IPsec policy blocks it.', look: 'ip xfrm policy' },
  'tunnel-no-device': { sentence: 'No tunnel device of this node takes it.', look: 'ip -d link show type ipip' },
  'tunnel-static-entry': { sentence: 'The tunnel has an entry for the sender that says another remote.', look: 'bridge fdb show dev DEV' },
  'frag-incomplete': { sentence: 'Some fragments never came, or they overlap.', look: 'who drops the other fragments' },
  'no-source-address': { sentence: 'There is no usable source address.', look: 'ip addr' },
  loop: { sentence: 'The same packet went round too often.', look: 'the cycle shown' },
  'multicast-no-member': { sentence: 'Nobody on this node joined the multicast group.', look: 'ip maddr' },
  scope: { sentence: 'Its address scope forbids that way.', look: 'link-local addresses' },
  'ipv6-extension': { sentence: 'An extension header asks to discard it.', look: 'the header' },
  unclassified: { sentence: 'The kernel released it without a finer reason.', look: 'the stage named' },
} as const satisfies Record<string, CauseRow>;

export type Cause = keyof typeof rows;
export const causes: Readonly<Record<Cause, CauseRow>> = rows;
