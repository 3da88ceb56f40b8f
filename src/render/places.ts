/** Where on a node something happened, in the words of the packet-flow picture and of people. */
import type { BoxName } from '../stack/packet-flow.js';

/** Box -> what a person calls it. Boxes without a row go by their own name. */
const names: Readonly<Partial<Record<BoxName, string>>> = {
  netif_receive_skb: 'on reception by the device',
  deliver_skb: 'on reception, before any protocol',
  arp_rcv: 'in ARP',
  br_handle_frame: 'in the bridge, on reception',
  ebt_broute: 'in the bridge, at BROUTING',
  nf_hook_bridge_pre: 'in the bridge, at PREROUTING',
  br_handle_frame_finish: 'in the bridge, at its forwarding decision',
  br_pass_frame_up: 'in the bridge, on its way up to this node',
  br_forward: 'in the bridge, before the port it should leave by',
  br_flood: 'in the bridge, which had to send it to every port',
  __br_forward: 'in the bridge, at FORWARD',
  br_forward_finish: 'in the bridge, at POSTROUTING',
  br_dev_queue_push_xmit: 'in the bridge, behind POSTROUTING',
  br_dev_xmit: 'in the bridge device, on output',
  ip_rcv: 'at PREROUTING',
  ip_rcv_finish: 'in the input routing decision, after PREROUTING',
  ip_error: 'in the input routing decision: the route refuses',
  ip_local_deliver: 'at INPUT',
  ip_local_deliver_finish: 'on delivery to the protocol, after INPUT',
  icmp_rcv: 'in ICMP, after INPUT',
  tcp_v4_rcv: 'in TCP, after INPUT',
  udp_rcv: 'in UDP, after INPUT',
  igmp_rcv: 'in IGMP, after INPUT',
  ip_forward: 'on forwarding, at or before FORWARD',
  ip_local_out: 'at OUTPUT',
  dst_output: 'in the output route',
  ip_output: 'at POSTROUTING',
  ip_mc_output: 'at POSTROUTING',
  ip_finish_output: 'behind POSTROUTING',
  ip_finish_output2: 'behind POSTROUTING',
  ipv6_rcv: 'at PREROUTING',
  ip6_rcv_finish: 'in the input routing decision, after PREROUTING',
  ip6_pkt_drop: 'in the input routing decision: the route refuses',
  ip6_mc_input: 'in the multicast decision, after PREROUTING',
  ip6_input: 'at INPUT',
  ip6_input_finish: 'on delivery to the protocol, after INPUT',
  icmpv6_rcv: 'in ICMPv6, after INPUT',
  tcp_v6_rcv: 'in TCP, after INPUT',
  udpv6_rcv: 'in UDP, after INPUT',
  ip6_forward: 'on forwarding, at or before FORWARD',
  ip6_local_out: 'at OUTPUT',
  ip6_output: 'at POSTROUTING',
  ip6_finish_output: 'behind POSTROUTING',
  ip6_finish_output2: 'behind POSTROUTING',
  xfrm_output: 'in IPsec, on output',
  xfrm4_rcv: 'in IPsec, on input',
  ipip_tunnel_xmit: 'on entry into the IPIP tunnel',
  tunnel4_rcv: 'on leaving the IPIP tunnel',
  vxlan_xmit: 'on entry into the VXLAN tunnel',
  vxlan_rcv: 'on leaving the VXLAN tunnel',
  neigh_output: 'in the neighbour layer, behind POSTROUTING',
  dev_queue_xmit: 'in the device queue, behind POSTROUTING',
  dev_hard_start_xmit: 'in the device driver',
  loopback_xmit: 'in the loopback device',
};

/** Boxes that do more than run their hook, where a rule decided. */
const atHook: Readonly<Partial<Record<BoxName, string>>> = { ip_forward: 'at FORWARD', ip6_forward: 'at FORWARD' };

/** `ruled`: it was a rule or a policy that decided there. */
export function placeOf(box: string, ruled = false): string {
  const name = box as BoxName;
  return (ruled ? atHook[name] : undefined) ?? (Object.hasOwn(names, box) ? names[name] : undefined) ?? `in ${box}`;
}
