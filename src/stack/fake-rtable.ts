/** The stand-in route that br_netfilter gives to bridged packets, so that inet hooks find a dst (net/bridge/br_nf_core.c). */
import type { Family } from '../base/addr.js';
import type { Skb } from '../packet/skb.js';
import type { Dst, NetDevice } from '../packet/types.js';

/** DST_FAKE_RTABLE. */
const fakes = new WeakSet<Dst>();

/** bridge_parent_rtable(). */
export function fakeRtable(family: Family, brdev: NetDevice): Dst {
  const dst: Dst = {
    family,
    type: 'unicast',
    dev: brdev,
    gateway: null,
    mtu: brdev.mtu,
    mtuLock: false,
    advmss: 0,
    prefsrc: null,
    input: 'none',
    output: 'discard',
    error: 0,
    flags: 0,
    hoplimit: 0,
    xfrm: null,
    route: null,
    realm: 0,
  };
  fakes.add(dst);
  return dst;
}

/** br_drop_fake_rtable(). */
export function dropFakeRtable(skb: Skb): void {
  if (skb.dst && fakes.has(skb.dst)) skb.dst = null;
}
