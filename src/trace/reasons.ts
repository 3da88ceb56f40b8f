/**
 * The kernel's drop reasons (enum skb_drop_reason, include/net/dropreason-core.h) that the engine gives: what each means, and the functions that free a packet with it.
 * The causes (cause.ts) are finer: several may share a reason, above all NOT_SPECIFIED.
 */
import type { Cause } from './cause.js';

export interface ReasonRow {
  readonly means: string;
  /** Kernel functions that drop with it here. */
  readonly by: readonly string[];
  /** Our causes behind it. */
  readonly causes: readonly Cause[];
  /** Counters that move with it, as nstat(8) names them; IPv4 before IPv6. */
  readonly counters: readonly string[];
}

const row = (means: string, by: readonly string[], causes: readonly Cause[], ...counters: readonly string[]): ReasonRow => ({ means, by, causes, counters });
const RCV4 = 'ip_rcv_core';
const FINISH4 = 'ip_rcv_finish_core';

export const reasons = {
  NOT_SPECIFIED: row(
    'The kernel gives no finer reason here; the place and the cause say more.',
    ['many places'],
    ['unclassified', 'no-route', 'route-unreachable', 'bridge-hairpin', 'ct-clash', 'queue-unheard', 'too-big'],
  ),
  NO_SOCKET: row(
    'No socket takes it: nobody listens on that port, or the ping has ended.',
    ['tcp_v4_rcv', '__udp4_lib_rcv', 'ping_rcv'],
    ['no-socket'],
    'TcpOutRsts',
    'UdpNoPorts',
    'Udp6NoPorts',
  ),
  PKT_TOO_SMALL: row(
    'It is shorter than its own headers say.',
    [RCV4, 'tcp_v4_rcv', '__udp4_lib_rcv'],
    ['bad-header'],
    'IpInHdrErrors',
    'IpExtInTruncatedPkts',
  ),
  TCP_CSUM: row('The TCP checksum is wrong.', ['tcp_v4_rcv'], ['bad-checksum'], 'TcpInCsumErrors', 'TcpInErrs'),
  UDP_CSUM: row('The UDP checksum is wrong.', ['__udp4_lib_rcv'], ['bad-checksum'], 'UdpInCsumErrors', 'UdpInErrors'),
  ICMP_CSUM: row('The ICMP checksum is wrong.', ['icmp_rcv', 'icmpv6_rcv'], ['bad-checksum'], 'IcmpInCsumErrors', 'Icmp6InCsumErrors'),
  IP_CSUM: row('The checksum of the IPv4 header is wrong.', [RCV4], ['bad-checksum'], 'IpExtInCsumErrors', 'IpInHdrErrors'),
  IP_INHDR: row(
    'The IP header is damaged, its options are refused, or its TTL or hop limit has run out.',
    [RCV4, 'ip_forward', 'ip6_forward', 'ip6_rcv_core'],
    ['bad-header', 'ttl-expired', 'bad-options'],
    'IpInHdrErrors',
    'Ip6InHdrErrors',
  ),
  IP_RPFILTER: row(
    'Reverse path filter: the route back to the source does not lead out of the device it came in on (strict), or there is none at all (loose).',
    [FINISH4],
    ['rp-filter', 'source-unroutable'],
    'TcpExtIPReversePathFilter',
  ),
  IP_LOCAL_SOURCE: row('Its source is an address of this node, and accept_local is off.', [FINISH4], ['source-is-ours']),
  IP_INVALID_SOURCE: row('Its source is multicast, broadcast, zero or loopback: no such packet can come from a wire.', [FINISH4], ['martian-source']),
  IP_INVALID_DEST: row('Its destination is one that no packet from a wire can have.', [FINISH4], ['martian-destination']),
  IP_LOCALNET: row(
    'Its destination (or source) is in 127.0.0.0/8, it came from outside, and route_localnet is off. A DNAT to 127.0.0.1 ends here, too.',
    [FINISH4],
    ['localnet'],
  ),
  IP_INADDRERRORS: row(
    'It is for another host and forwarding is off on the device it came in on.',
    ['ip_error', 'ip6_forward'],
    ['forwarding-off'],
    'IpInAddrErrors',
    'Ip6InAddrErrors',
  ),
  IP_INNOROUTES: row(
    'There is no route to its destination, or the route found refuses.',
    ['ip_error', 'ip6_pkt_discard', 'ip6_pkt_prohibit'],
    ['no-route', 'route-prohibit', 'route-unreachable'],
    'IpExtInNoRoutes',
    'Ip6InNoRoutes',
  ),
  IP_NOPROTO: row(
    'Nothing on this node handles its IP protocol.',
    ['ip_local_deliver_finish', 'ip6_input_finish'],
    ['proto-unknown'],
    'IpInUnknownProtos',
    'Ip6InUnknownProtos',
  ),
  PKT_TOO_BIG: row(
    'It is larger than the MTU of the way ahead and must not be fragmented.',
    ['ip_forward', 'ip6_forward'],
    ['too-big'],
    'IpFragFails',
    'Ip6InTooBigErrors',
  ),
  OTHERHOST: row(
    'The frame was for another station’s MAC; it is here because the device is promiscuous or the wire is shared.',
    [RCV4, 'ip6_rcv_core'],
    ['not-for-us'],
  ),
  UNICAST_IN_L2_MULTICAST: row('A unicast IP packet in a broadcast or multicast frame, and drop_unicast_in_l2_multicast is on.', [FINISH4], ['not-for-us']),
  NETFILTER_DROP: row(
    'A hook said drop: a rule, a chain’s policy, connection tracking or NAT.',
    ['nf_hook_slow', 'nft_do_chain'],
    ['rule-drop', 'policy-drop', 'ct-clash', 'reroute-failed', 'ebtables-drop'],
  ),
  XFRM_POLICY: row(
    'An IPsec policy wants it to have come through a tunnel (and it did not), or blocks it.',
    ['ip_forward', 'ip_local_deliver_finish'],
    ['xfrm-policy', 'xfrm-block'],
    'XfrmInTmplMismatch',
    'XfrmInNoPols',
    'XfrmInPolBlock',
  ),
  QDISC_DROP: row('The queueing discipline refused it; a device without carrier has one that refuses everything.', ['__dev_queue_xmit'], ['no-carrier']),
  DEV_READY: row('The device it came in on is not ready: down, or on its way there.', ['__netif_receive_skb_core', 'ip6_rcv_core'], ['device-down']),
  UNHANDLED_PROTO: row('Nothing on this node handles its ethertype.', ['__netif_receive_skb_core'], ['proto-unknown']),
  NO_TX_TARGET: row(
    'The bridge or tunnel has no port or remote to send it to.',
    ['br_flood', 'vxlan_xmit'],
    ['bridge-no-port', 'bridge-flood-off', 'tunnel-no-device'],
  ),
  BRIDGE_INGRESS_STP_STATE: row(
    'The bridge port it came in on is not in the forwarding state.',
    ['br_handle_frame', 'br_handle_frame_finish'],
    ['bridge-port-state'],
  ),
  MAC_INVALID_SOURCE: row('Its source MAC is no station’s address.', ['br_handle_frame', 'vxlan_rcv'], ['bridge-local-frame']),
  MAC_IEEE_MAC_CONTROL: row('A MAC control (pause) frame; bridges do not forward those.', ['br_handle_frame'], ['bridge-local-frame']),
  LOCAL_MAC: row('Its source MAC is the tunnel device’s own: it came back.', ['vxlan_rcv'], ['loop']),
  DUP_FRAG: row('A fragment that was there already.', ['ip_frag_queue', 'ip6_frag_queue'], ['frag-incomplete']),
  TCP_FLAGS: row(
    'The segment’s flags make no sense in the state the connection is in (no SYN where one is due, an ACK to a listener).',
    ['tcp_rcv_state_process'],
    ['tcp-refused'],
  ),
  TCP_RESET: row('A reset ended the connection.', ['tcp_rcv_state_process', 'tcp_validate_incoming'], ['tcp-refused']),
  TCP_INVALID_SYN: row('A SYN inside an established connection.', ['tcp_validate_incoming'], ['tcp-refused']),
  TCP_OVERWINDOW: row('It lies outside of the window of a connection that is being opened; an ACK says where that is.', ['tcp_v4_rcv'], ['tcp-refused']),
  TCP_INVALID_SEQUENCE: row('Its sequence numbers are outside the window.', ['tcp_validate_incoming'], ['tcp-refused']),
  TCP_OLD_SEQUENCE: row('Its sequence numbers lie before the window: a repetition.', ['tcp_validate_incoming'], ['tcp-refused']),
  TCP_OLD_DATA: row('All of its data was received before.', ['tcp_data_queue'], ['tcp-refused']),
  TCP_INVALID_ACK_SEQUENCE: row('It acknowledges what was never sent.', ['tcp_rcv_state_process'], ['tcp-refused']),
  INVALID_PROTO: row('The kind of ICMP message is not one that is known.', ['icmp_rcv'], ['proto-unknown', 'icmp-ignored']),
  VXLAN_INVALID_HDR: row('The VXLAN header is not a valid one.', ['vxlan_rcv'], ['bad-header']),
  VXLAN_VNI_NOT_FOUND: row('No VXLAN device here has that VNI.', ['vxlan_rcv'], ['tunnel-no-device']),
  IP_OUTNOROUTES: row('A tunnel has no route to its remote, or one that leads into the tunnel.', ['vxlan_xmit_one'], ['no-route', 'loop']),
  RECURSION_LIMIT: row('Tunnels lead into tunnels, too often.', ['iptunnel_xmit'], ['loop']),
  NOMEM: row('The frame in the tunnel is cut off.', ['vxlan_rcv'], ['bad-header']),
  VXLAN_ENTRY_EXISTS: row('A permanent entry says that its sender is behind another remote.', ['vxlan_rcv'], ['tunnel-static-entry']),
  IP_TUNNEL_ECN: row('The ECN bits of the outer and the inner packet contradict each other.', ['vxlan_rcv'], ['bad-header']),
  IPV6DISABLED: row('IPv6 is switched off on the device it came in on.', ['ip6_rcv_core'], ['device-down'], 'Ip6InDiscards'),
  IPV6_BAD_EXTHDR: row('An IPv6 extension header is damaged.', ['ip6_parse_tlv'], ['bad-header', 'ipv6-extension'], 'Ip6InHdrErrors'),
  IPV6_NDISC_HOP_LIMIT: row('A neighbour discovery message whose hop limit is not 255: it came from beyond a router.', ['ndisc_rcv'], ['icmp-ignored']),
} as const satisfies Record<string, ReasonRow>;

export type Reason = keyof typeof reasons;
export const reasonRow = (name: string): ReasonRow | undefined => (Object.hasOwn(reasons, name) ? reasons[name as Reason] : undefined);
