/** Output of IPv6: ip6_local_out(), ip6_output(), ip6_finish_output(), ip6_fragment() (net/ipv6/ip6_output.c). */
import type { Ip6 } from '../../base/addr.js';
import { isMulticast6 } from '../../fib/index.js';
import { IPSKB_REROUTED, type Skb } from '../../packet/skb.js';
import { type Flight, flight } from '../flight.js';
import type { Kernel } from '../kernel.js';
import { icmp6Send, isGroupMember } from './icmp6-send.js';
import { copyMeta } from './ip-output.js';

/** __ip6_local_out(): the payload length is final, then the OUTPUT hook. Ip6OutRequests belongs to who made the packet. */
export function ip6LocalOut(k: Kernel, f: Flight): 'dst_output' | 'gone' {
  const { skb } = f;
  const length = skb.data.length - 40;
  skb.setU16(4, length > 65535 ? 0 : length);
  return k.hook(f, 'ipv6', 'OUTPUT', null, skb.dst!.dev) === 'accept' ? 'dst_output' : 'gone';
}

export function ip6Output(k: Kernel, f: Flight): 'ip6_finish_output' | 'gone' {
  const { skb } = f;
  const indev = skb.dev;
  skb.dev = skb.dst!.dev;
  if (skb.cb.flags & IPSKB_REROUTED) return 'ip6_finish_output';
  return k.hook(f, 'ipv6', 'POSTROUTING', indev, skb.dst!.dev) === 'accept' ? 'ip6_finish_output' : 'gone';
}

export function ip6FinishOutput(k: Kernel, f: Flight): 'ip6_finish_output2' | 'gone' {
  const { skb } = f;
  const mtu = skb.dst!.mtu;
  const split = skb.fragMaxSize > 0 && skb.data.length > skb.fragMaxSize;
  if (skb.data.length <= mtu && !split) return 'ip6_finish_output2';
  if (!skb.ignoreDf && skb.fragMaxSize === 0) {
    icmp6Send(k, skb, 2, 0, mtu);
    k.count('Ip6FragFails');
    f.errno = 90;
    k.drop(skb, 'PKT_TOO_BIG', 'ip6_fragment', 'too-big', { mtu, len: skb.data.length, dev: skb.dst!.dev.name });
    return 'gone';
  }
  fragment6(k, skb, split ? Math.min(mtu, skb.fragMaxSize) : mtu);
  return 'gone';
}

const FRAGMENT = 44;

/** ip6_fragment(): a fragment header behind the fixed header, pieces as they came where they still fit. */
function fragment6(k: Kernel, skb: Skb, mtu: number): void {
  const payload = skb.data.subarray(40);
  const room = mtu - 48;
  const given = skb.fragGeometry?.map((n) => n - 48);
  const fits = given && given.reduce((s, n) => s + n, 0) === payload.length && given.every((n, i) => n <= room && (i === given.length - 1 || n % 8 === 0));
  const sizes: number[] = fits ? given : [];
  for (let left = payload.length; !fits && left > 0; ) {
    const n = left > room ? room & ~7 : left;
    sizes.push(n);
    left -= n;
  }
  const id = k.ipId();
  let at = 0;
  for (let i = 0; i < sizes.length; i++) {
    const data = new Uint8Array(48 + sizes[i]);
    data.set(skb.data.subarray(0, 40));
    data[6] = FRAGMENT;
    data[4] = (data.length - 40) >>> 8;
    data[5] = data.length - 40;
    data[40] = skb.data[6];
    const offset = at | (i === sizes.length - 1 ? 0 : 1);
    data[42] = offset >>> 8;
    data[43] = offset;
    data[46] = id >>> 8;
    data[47] = id;
    data.set(payload.subarray(at, at + sizes[i]), 48);
    const piece = k.newSkb(data, skb.protocol, { kind: 'fragment', of: skb.id }, skb.dev);
    copyMeta(skb, piece);
    at += sizes[i];
    k.count('Ip6FragCreates');
    k.traverse('ip6_finish_output2', flight(piece));
  }
  k.count('Ip6FragOKs');
  k.tell(skb, { t: 'consume', why: 'fragmented', into: null });
}

/** ip6_finish_output2(): a copy of our own multicasts for ourselves, MIB, neighbour. */
export function ip6FinishOutput2(k: Kernel, f: Flight): 'neigh_output' | 'gone' {
  const { skb } = f;
  const dev = skb.dst!.dev;
  const daddr = skb.daddr as Ip6;
  if (isMulticast6(daddr)) {
    if (!dev.loopback && !skb.noMcLoop && isGroupMember(k, dev, daddr)) {
      const copy = flight(k.cloneSkb(skb));
      if (k.hook(copy, 'ipv6', 'POSTROUTING', null, dev) === 'accept') {
        copy.skb.pktType = 'loopback';
        k.netifRx(copy.skb, dev);
      }
    }
    k.count('Ip6OutMcastPkts');
    if ((daddr.charCodeAt(0) & 15) <= 1 && !dev.loopback) {
      k.drop(skb, 'NOT_SPECIFIED', 'ip6_finish_output2', 'scope', { dst: k.showAddr(daddr) });
      return 'gone';
    }
  }
  k.count('Ip6OutTransmits');
  return 'neigh_output';
}
