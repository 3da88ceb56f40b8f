/** A packet on its way through one node. Stages take it, may put another skb in its place (reassembly), and name an outcome. */
import type { Skb } from '../packet/skb.js';
import type { NetDevice, SkSocket } from '../packet/types.js';

export interface Flight {
  skb: Skb;
  /** Negative of what the kernel function would return to its caller (a sendto that fails): errno, 0 = fine. */
  errno: number;
  /** Where a later hook run must report another input device than skb.dev (`indev` of ip_output). */
  indev: NetDevice | null;
  /** Who sends it (nf_hook_state.sk) where that is not skb.sk: what a tunnel wraps is sent by the tunnel. */
  sk?: SkSocket | null;
  /** BR_INPUT_SKB_CB, while a bridge handles it. */
  br?: BrInputCb;
  /** NET_XMIT_CN: the device's queue did not take it. No error for who sent it, one for ip_do_fragment(). */
  notQueued?: boolean;
}

/** struct br_input_skb_cb and what the bridge's functions hand to each other about this skb. */
export interface BrInputCb {
  readonly brdev: NetDevice;
  readonly srcPortIsolated: boolean;
  /** Only the promiscuous bridge device wants it here. */
  readonly promisc: boolean;
  /** Also (or only) for this node: the original goes up, clones go out. */
  readonly localRcv: boolean;
  /** Sent by the bridge device itself (br_dev_xmit). */
  readonly localOrig: boolean;
  readonly kind: 'unicast' | 'multicast' | 'broadcast';
  /** Name of the port to send to; null while unknown. */
  readonly to: string | null;
}

/** A packet that sets out: no errno yet, no devices. */
export const flight = (skb: Skb): Flight => ({ skb, errno: 0, indev: null });

/** What a hook run says: go on, or the skb is gone. */
export type HookVerdict = 'accept' | 'drop' | 'stolen';
