/** Where on a node something happened, in the words of the packet-flow picture and of people. */

/** Box -> what a person calls it. Boxes without a row go by their own name. */
const names = new Map<string, string>([
  ['netif_receive_skb', 'on reception by the device'],
  ['br_handle_frame', 'in the bridge, on reception'],
  ['ip_rcv', 'at PREROUTING'],
  ['ip_rcv_finish', 'in the input routing decision, after PREROUTING'],
  ['ip_local_deliver', 'at INPUT'],
  ['ip_local_deliver_finish', 'on delivery to the protocol, after INPUT'],
  ['ip_forward', 'on forwarding, at or before FORWARD'],
  ['ip_error', 'in the input routing decision: the route refuses'],
  ['ip_local_out', 'at OUTPUT'],
  ['dst_output', 'in the output route'],
  ['ip_output', 'at POSTROUTING'],
  ['ip_mc_output', 'at POSTROUTING'],
  ['ip_finish_output', 'behind POSTROUTING'],
  ['neigh_output', 'in the neighbour layer, behind POSTROUTING'],
  ['dev_queue_xmit', 'in the device queue, behind POSTROUTING'],
  ['xfrm_output', 'in IPsec, on output'],
  ['xfrm4_rcv', 'in IPsec, on input'],
  ['icmp_rcv', 'in ICMP, after INPUT'],
  ['tcp_v4_rcv', 'in TCP, after INPUT'],
  ['udp_rcv', 'in UDP, after INPUT'],
  ['arp_rcv', 'in ARP'],
]);

export const placeOf = (box: string): string => names.get(box) ?? `in ${box}`;
