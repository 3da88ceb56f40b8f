/**
 * THE PICTURE: "Packet flow in Netfilter and General Networking" as one typed table.
 *
 *   box -> the kernel function it stands for -> each outcome of that function -> the next box
 *
 *                      +--------- bridge ports ---------------------------------------------------+
 *   netif_receive_skb -+-> br_handle_frame -> (bridging decision) -> br_forward -> br_dev_queue_push_xmit -> dev_queue_xmit
 *         |                        \-> br_pass_frame_up -> netif_receive_skb of the bridge device
 *         +-> ip_rcv [PREROUTING] -> ip_rcv_finish (routing decision, source validation)
 *                 -> ip_local_deliver [INPUT] -> ip_local_deliver_finish -> icmp_rcv, tcp_v4_rcv, udp_rcv, ...
 *                 -> ip_forward [FORWARD] -> dst_output
 *                 -> ip_error
 *   sockets, icmp_send, RST -> ip_local_out [OUTPUT] -> dst_output -> ip_output [POSTROUTING] -> ip_finish_output
 *                 -> neigh_output -> dev_queue_xmit -> the wire, lo, a bridge, a tunnel
 *
 * `next` is total: an outcome without a row or a box that does not exist is a compile error. The same table drives the run and draws itself.
 */
import type { Flight } from './flight.js';
import type { Kernel } from './kernel.js';
import * as brIn from './stages/bridge-input.js';
import * as brOut from './stages/bridge-output.js';
import * as dev from './stages/dev.js';
import { icmpRcv } from './stages/icmp-rcv.js';
import { icmpv6Rcv } from './stages/icmp6-rcv.js';
import * as deliver from './stages/ip-deliver.js';
import * as fwd from './stages/ip-forward.js';
import * as out from './stages/ip-output.js';
import * as rcv from './stages/ip-rcv.js';
import * as fwd6 from './stages/ip6-forward.js';
import * as out6 from './stages/ip6-output.js';
import * as rcv6 from './stages/ip6-rcv.js';
import * as ipip from './stages/ipip.js';
import * as neigh from './stages/neigh.js';
import * as vxlan from './stages/vxlan.js';
import * as xfrm from './stages/xfrm.js';

export type Stage<O extends string = string> = (k: Kernel, f: Flight) => O;

/** A box: its stage, the layer it is drawn in, the hook it runs (if any) and where each outcome leads. `null` = the packet's way ends. */
export interface Box<O extends string = string, N extends string = string> {
  readonly stage: Stage<O>;
  readonly layer: 'link' | 'bridge' | 'network' | 'transport' | 'tunnel';
  readonly hook?: string;
  readonly next: Readonly<Record<O, N | null>>;
}

const box = <O extends string, const N extends string>(
  layer: Box['layer'],
  stage: Stage<O>,
  next: Readonly<Record<O, N | null>>,
  hook?: string,
): Box<O, N> => ({
  stage,
  layer,
  next,
  ...(hook ? { hook } : {}),
});

const boxes = {
  // --- link layer, receive ---
  netif_receive_skb: box('link', dev.netifReceive, { bridge: 'br_handle_frame', deliver: 'deliver_skb', gone: null }, 'INGRESS'),
  deliver_skb: box('link', dev.deliverSkb, { ip: 'ip_rcv', ip6: 'ipv6_rcv', arp: 'arp_rcv', gone: null }),
  arp_rcv: box('link', neigh.arpRcv, { gone: null }),

  // --- bridge: brouting, bridging decision, forwarding ---
  br_handle_frame: box('bridge', brIn.brHandleFrame, { ebt_broute: 'ebt_broute', pass: 'deliver_skb', gone: null }),
  ebt_broute: box('bridge', brIn.brouting, { bridge: 'nf_hook_bridge_pre', route: 'deliver_skb', gone: null }, 'BROUTING'),
  nf_hook_bridge_pre: box('bridge', brIn.nfHookBridgePre, { br_handle_frame_finish: 'br_handle_frame_finish', gone: null }, 'PREROUTING'),
  br_handle_frame_finish: box('bridge', brIn.brHandleFrameFinish, {
    br_pass_frame_up: 'br_pass_frame_up',
    br_forward: 'br_forward',
    br_flood: 'br_flood',
    gone: null,
  }),
  br_pass_frame_up: box('bridge', brIn.brPassFrameUp, { netif_receive_skb: 'netif_receive_skb', gone: null }, 'INPUT'),
  br_forward: box('bridge', brOut.brForward, { __br_forward: '__br_forward', br_pass_frame_up: 'br_pass_frame_up', gone: null }),
  br_flood: box('bridge', brOut.brFlood, { __br_forward: '__br_forward', br_pass_frame_up: 'br_pass_frame_up', gone: null }),
  __br_forward: box('bridge', brOut.brForwardHook, { br_forward_finish: 'br_forward_finish', gone: null }, 'FORWARD'),
  br_forward_finish: box('bridge', brOut.brForwardFinish, { br_dev_queue_push_xmit: 'br_dev_queue_push_xmit', gone: null }, 'POSTROUTING'),
  br_dev_queue_push_xmit: box('bridge', brOut.brDevQueuePushXmit, { dev_queue_xmit: 'dev_queue_xmit', gone: null }),
  br_dev_xmit: box('bridge', brOut.brDevXmit, { br_forward: 'br_forward', br_flood: 'br_flood', br_handle_frame_finish: 'br_handle_frame_finish', gone: null }),

  // --- IPv4 receive ---
  ip_rcv: box('network', rcv.ipRcv, { ip_rcv_finish: 'ip_rcv_finish', gone: null }, 'PREROUTING'),
  ip_rcv_finish: box('network', rcv.ipRcvFinish, { local: 'ip_local_deliver', forward: 'ip_forward', error: 'ip_error', gone: null }),
  ip_error: box('network', rcv.ipError, { gone: null }),
  ip_local_deliver: box('network', deliver.ipLocalDeliver, { ip_local_deliver_finish: 'ip_local_deliver_finish', gone: null }, 'INPUT'),
  ip_local_deliver_finish: box('network', deliver.ipLocalDeliverFinish, {
    icmp: 'icmp_rcv',
    tcp: 'tcp_v4_rcv',
    udp: 'udp_rcv',
    igmp: 'igmp_rcv',
    ipip: 'tunnel4_rcv',
    xfrm4: 'xfrm4_rcv',
    gone: null,
  }),
  icmp_rcv: box('transport', icmpRcv, { gone: null }),
  tcp_v4_rcv: box('transport', deliver.tcpRcv, { gone: null }),
  udp_rcv: box('transport', deliver.udpRcv, { vxlan: 'vxlan_rcv', gone: null }),
  igmp_rcv: box('transport', deliver.igmpRcv, { gone: null }),

  // --- IPv4 forward and output ---
  ip_forward: box('network', fwd.ipForward, { ip_forward_finish: 'dst_output', gone: null }, 'FORWARD'),
  ip_local_out: box('network', out.ipLocalOut, { dst_output: 'dst_output', gone: null }, 'OUTPUT'),
  dst_output: box('network', out.dstOutput, {
    ip_output: 'ip_output',
    ip_mc_output: 'ip_mc_output',
    ip6_output: 'ip6_output',
    xfrm_output: 'xfrm_output',
    gone: null,
  }),
  ip_output: box('network', out.ipOutput, { ip_finish_output: 'ip_finish_output', gone: null }, 'POSTROUTING'),
  ip_mc_output: box('network', out.ipMcOutput, { ip_finish_output: 'ip_finish_output', gone: null }, 'POSTROUTING'),
  ip_finish_output: box('network', out.ipFinishOutput, { ip_finish_output2: 'ip_finish_output2', dst_output: 'dst_output', gone: null }),
  ip_finish_output2: box('network', out.ipFinishOutput2, { neigh_output: 'neigh_output' }),

  // --- IPv6 ---
  ipv6_rcv: box('network', rcv6.ipv6Rcv, { ip6_rcv_finish: 'ip6_rcv_finish', gone: null }, 'PREROUTING'),
  ip6_rcv_finish: box('network', rcv6.ip6RcvFinish, { local: 'ip6_input', multicast: 'ip6_mc_input', forward: 'ip6_forward', error: 'ip6_pkt_drop' }),
  ip6_pkt_drop: box('network', rcv6.ip6PktDrop, { gone: null }),
  ip6_mc_input: box('network', rcv6.ip6McInput, { ip6_input: 'ip6_input', gone: null }),
  ip6_input: box('network', rcv6.ip6Input, { ip6_input_finish: 'ip6_input_finish', gone: null }, 'INPUT'),
  ip6_input_finish: box('network', rcv6.ip6InputFinish, { icmp6: 'icmpv6_rcv', tcp: 'tcp_v6_rcv', udp: 'udpv6_rcv', gone: null }),
  icmpv6_rcv: box('transport', icmpv6Rcv, { gone: null }),
  tcp_v6_rcv: box('transport', deliver.tcpRcv, { gone: null }),
  udpv6_rcv: box('transport', deliver.udpv6Rcv, { gone: null }),
  ip6_forward: box('network', fwd6.ip6Forward, { ip6_forward_finish: 'dst_output', ip6_input: 'ip6_input', gone: null }, 'FORWARD'),
  ip6_local_out: box('network', out6.ip6LocalOut, { dst_output: 'dst_output', gone: null }, 'OUTPUT'),
  ip6_output: box('network', out6.ip6Output, { ip6_finish_output: 'ip6_finish_output', gone: null }, 'POSTROUTING'),
  ip6_finish_output: box('network', out6.ip6FinishOutput, { ip6_finish_output2: 'ip6_finish_output2', gone: null }),
  ip6_finish_output2: box('network', out6.ip6FinishOutput2, { neigh_output: 'neigh_output', gone: null }),

  // --- tunnels and IPsec ---
  xfrm_output: box('tunnel', xfrm.xfrmOutput, { ip_local_out: 'ip_local_out', dst_output: 'dst_output', gone: null }, 'POSTROUTING'),
  xfrm4_rcv: box('tunnel', xfrm.xfrmInput, { ip_rcv: 'ip_rcv', ip_local_deliver_finish: 'ip_local_deliver_finish', gone: null }),
  ipip_tunnel_xmit: box('tunnel', ipip.ipipTunnelXmit, { ip_local_out: 'ip_local_out', gone: null }),
  vxlan_xmit: box('tunnel', vxlan.vxlanXmit, { gone: null }),
  vxlan_rcv: box('tunnel', vxlan.vxlanRcv, { gone: null }),
  tunnel4_rcv: box('tunnel', ipip.tunnel4Rcv, { gone: null }),

  // --- neighbour and device output ---
  neigh_output: box('link', neigh.neighOutput, { dev_queue_xmit: 'dev_queue_xmit', gone: null }),
  dev_queue_xmit: box(
    'link',
    dev.devQueueXmit,
    {
      wire: 'dev_hard_start_xmit',
      loopback: 'loopback_xmit',
      bridge: 'br_dev_xmit',
      vxlan: 'vxlan_xmit',
      ipip: 'ipip_tunnel_xmit',
      gone: null,
    },
    'EGRESS',
  ),
  dev_hard_start_xmit: box('link', dev.wireXmit, { gone: null }),
  loopback_xmit: box('link', dev.loopbackXmit, { gone: null }),
} as const;

export type BoxName = keyof typeof boxes;

type NextOf<B> = B extends Box<infer _O, infer N> ? N : never;
type Unknown = Exclude<{ [K in keyof typeof boxes]: NextOf<(typeof boxes)[K]> }[keyof typeof boxes], BoxName>;
/** Compile error here: some `next` names a box that does not exist. */
const complete: [Unknown] extends [never] ? 'complete' : Unknown = 'complete';
void complete;

export const packetFlow: Readonly<Record<string, Box>> = boxes as unknown as Readonly<Record<string, Box>>;

/** A box as the run walks it: its arrows followed, the way out of each outcome found by comparing the few there are. */
export interface Stop {
  readonly box: string;
  readonly stage: Stage;
  readonly arrow: Arrow | null;
}
/** Where an outcome leads; null = the packet's way ends. `other`: the next one out of the same box. */
interface Arrow {
  readonly outcome: string;
  readonly to: Stop | null;
  readonly other: Arrow | null;
}

function followArrows(flow: Readonly<Record<string, Box>>): ReadonlyMap<string, Stop> {
  const stops = new Map(Object.entries(flow).map(([box, b]) => [box, { box, stage: b.stage, arrow: null as Arrow | null }]));
  for (const [box, stop] of stops) {
    const ways = Object.entries(flow[box].next).reverse();
    for (const [outcome, to] of ways) stop.arrow = { outcome, to: stops.get(to ?? '') ?? null, other: stop.arrow };
  }
  return stops;
}

export const stops: ReadonlyMap<string, Stop> = followArrows(packetFlow);

/** The stop behind an outcome; undefined when the picture has no such way. */
export function stopAfter(at: Stop, outcome: string): Stop | null | undefined {
  for (let a = at.arrow; a !== null; a = a.other) if (a.outcome === outcome) return a.to;
  return undefined;
}
