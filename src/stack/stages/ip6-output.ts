/** Output of IPv6: ip6_local_out(), ip6_output(), ip6_finish_output(), ip6_fragment() (net/ipv6/ip6_output.c). */
import { type Ip6, isMulticast6 } from '../../base/addr.js';
import { NEXTHDR } from '../../packet/ip6.js';
import { IPSKB_REROUTED, type Skb } from '../../packet/skb.js';
import type { Cause } from '../../trace/cause.js';
import { type Flight, flight } from '../flight.js';
import type { Kernel } from '../kernel.js';
import { icmp6Send, isGroupMember } from './icmp6-send.js';
import { cameInPieces, copyMeta, fragmentsLeft, tagAsItCame } from './ip-output.js';

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
  const largest = skb.fragMaxSize;
  if (skb.data.length <= mtu && !(largest > 0 && skb.data.length > largest)) return 'ip6_finish_output2';
  if ((!skb.ignoreDf && skb.data.length > mtu) || largest > mtu) {
    icmp6Send(k, skb, 2, 0, mtu);
    return unsent(k, f, 90, 'too-big', { mtu, len: skb.data.length, dev: skb.dst!.dev.name });
  }
  return fragment6(k, f, largest > 0 ? Math.max(largest, IPV6_MIN_MTU) : mtu) ? 'gone' : unsent(k, f, 22, 'ipv6-extension', {});
}

function unsent(k: Kernel, f: Flight, errno: number, cause: Cause, facts: Readonly<Record<string, string | number>>): 'gone' {
  k.count('Ip6FragFails');
  f.errno = errno;
  k.drop(f.skb, 'NOT_SPECIFIED', 'ip6_fragment', cause, facts);
  return 'gone';
}

const IPV6_MIN_MTU = 1280;

/** ip6_find_1stfragopt(): how long the part is that stands in every fragment, and where it names what follows; null where headers run past the end. */
function perFragment(d: Uint8Array): { length: number; nhoff: number } | null {
  let nhoff = 6;
  let routed = false;
  for (let at = 40; at <= d.length; ) {
    const next = d[nhoff];
    if (next === NEXTHDR.ROUTING) routed = true;
    if ((next !== NEXTHDR.HOP && next !== NEXTHDR.ROUTING && next !== NEXTHDR.DEST) || (next === NEXTHDR.DEST && routed)) return { length: at, nhoff };
    if (at + 2 > d.length) return null;
    nhoff = at;
    at += (d[at + 1] + 1) * 8;
  }
  return null;
}

/** Sizes of the pieces as they came, less what stands in every fragment now; null where they do not fit. */
function givenSizes(skb: Skb, head: number, room: number): number[] | null {
  const sizes = skb.fragGeometry?.map((n, i) => n - 8 - (i === 0 ? head : skb.fragAt));
  if (!sizes || sizes.reduce((s, n) => s + n, 0) !== skb.data.length - head) return null;
  return sizes.every((n, i) => n > 0 && n <= room && (i === sizes.length - 1 || n % 8 === 0)) ? sizes : null;
}

/** ip6_fragment(): a fragment header behind what routers look at, pieces as they came where they still fit. False where the packet has no place for it. */
function fragment6(k: Kernel, f: Flight, mtu: number): boolean {
  const { skb } = f;
  const place = perFragment(skb.data);
  if (place === null) return false;
  const head = place.length;
  const room = mtu - head - 8;
  const payload = skb.data.subarray(head);
  // Pieces as they came from a wire have no room for what a tunnel puts in front of them (LL_RESERVED_SPACE()).
  const given = skb.dst?.dev.kind === 'vxlan' ? null : givenSizes(skb, head, room);
  const sizes = given ?? [];
  for (let left = given ? 0 : payload.length; left > 0; ) {
    const n = left > room ? room & ~7 : left;
    sizes.push(n);
    left -= n;
  }
  const id = k.ipId();
  let at = 0;
  for (let i = 0; i < sizes.length; i++) {
    const data = new Uint8Array(head + 8 + sizes[i]);
    data.set(skb.data.subarray(0, head));
    data[place.nhoff] = NEXTHDR.FRAGMENT;
    data[4] = (data.length - 40) >>> 8;
    data[5] = data.length - 40;
    data[head] = skb.data[place.nhoff];
    const offset = at | (i === sizes.length - 1 ? 0 : 1);
    data[head + 2] = offset >>> 8;
    data[head + 3] = offset;
    data[head + 6] = id >>> 8;
    data[head + 7] = id;
    data.set(payload.subarray(at, at + sizes[i]), head + 8);
    const piece = k.newSkb(data, skb.protocol, { kind: 'fragment', of: skb.id }, skb.dev);
    copyMeta(skb, piece);
    piece.vlan = tagAsItCame(skb, i, given !== null);
    at += sizes[i];
    const sent = flight(piece);
    f.errno = k.traverse('ip6_finish_output2', sent);
    if (f.errno !== 0 || sent.notQueued) {
      fragmentsLeft(k, skb, 'ip6_fragment', given || cameInPieces(skb) ? sizes.length - 1 - i : 1);
      k.count('Ip6FragFails');
      return true;
    }
    k.count('Ip6FragCreates');
  }
  k.count('Ip6FragOKs');
  k.tell(skb, { t: 'consume', why: 'fragmented', into: null });
  return true;
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
