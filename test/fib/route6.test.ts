import { describe, expect, it } from 'vitest';
import { ANY6, formatAddr } from '../../src/base/addr.js';
import {
  addrScope6,
  addrType6,
  type Input6Packet,
  NO_KEYS,
  type Output6Flow,
  type RouteEnv6,
  routeInput6,
  routeOutput6,
  selectAddress6,
} from '../../src/fib/index.js';
import type { NetDevice } from '../../src/packet/types.js';
import { ETH0, ETH1, ip6, net6 } from './net.js';

const env = net6({
  addrs: ['eth0 2001:db8:1::1/64', 'eth0 fe80::1/64 scope link', 'eth1 2001:db8:2::1/64', 'eth1 fd00::1/64', 'eth1 fe80::2/64 scope link'],
  routes: `default via 2001:db8:1::fe dev eth0 metric 1024 pref medium
2001:db8:9::/48 via 2001:db8:2::9 dev eth1 metric 1024 pref medium
2001:db8:9:1::/64 via 2001:db8:1::7 dev eth0 metric 10 pref medium
2001:db8:9:1::/64 via 2001:db8:2::7 dev eth1 metric 20 pref medium
2001:db8:a::/48 via 2001:db8:1::7 dev eth0 metric 1024 pref low
2001:db8:a::/48 via 2001:db8:2::7 dev eth1 metric 1024 pref high
blackhole 2001:db8:b::/48 dev lo metric 1024 pref medium
unreachable 2001:db8:c::/48 dev lo metric 1024 pref medium
prohibit 2001:db8:d::/48 dev lo metric 1024 pref medium
throw 2001:db8:e::/48 dev lo metric 1024 pref medium
2001:db8:f::/48 from 2001:db8:2::/64 via 2001:db8:2::7 dev eth1 metric 1024 pref medium
2001:db8:10::/48 via 2001:db8:1::7 dev eth0 src fd00::1 metric 1024 mtu 1300 pref medium
`,
});

const out = (dst: string, more: Partial<Output6Flow> = {}): Output6Flow => ({
  src: ANY6,
  dst: ip6(dst),
  oif: 0,
  bound: false,
  mark: 0,
  tos: 0,
  keys: NO_KEYS,
  uid: 0,
  chooseNexthop: () => 0,
  ...more,
});
function say(e: RouteEnv6, f: Output6Flow): string {
  const r = routeOutput6(e, f);
  return r.errno !== 0 || !r.dst
    ? `errno ${r.errno}`
    : `${r.dst.type} ${r.dst.dev.name}${r.dst.gateway === null ? '' : ` via ${formatAddr(r.dst.gateway)}`} src ${formatAddr(r.src)}`;
}

describe('ip6_dst_lookup', () => {
  it.each<[string, Partial<Output6Flow>, string]>([
    ['2001:4860::1', {}, 'unicast eth0 via 2001:db8:1::fe src 2001:db8:1::1'],
    ['2001:db8:9:2::1', {}, 'unicast eth1 via 2001:db8:2::9 src 2001:db8:2::1'],
    ['2001:db8:9:1::1', {}, 'unicast eth0 via 2001:db8:1::7 src 2001:db8:1::1'],
    ['2001:db8:a::1', {}, 'unicast eth1 via 2001:db8:2::7 src 2001:db8:2::1'],
    ['2001:db8:b::1', {}, 'errno 22'],
    ['2001:db8:c::1', {}, 'errno 113'],
    ['2001:db8:d::1', {}, 'errno 13'],
    ['2001:db8:e::1', {}, 'errno 101'],
    ['2001:db8:10::1', {}, 'unicast eth0 via 2001:db8:1::7 src fd00::1'],
    ['2001:db8:2::1', {}, 'local lo src 2001:db8:2::1'],
    ['::1', {}, 'local lo src ::1'],
    ['fe80::99', { oif: 3, bound: true }, 'unicast eth1 src fe80::2'],
    ['fe80::99', { oif: 2 }, 'unicast eth0 src fe80::1'],
    ['ff02::5', { oif: 3 }, 'multicast eth1 src fe80::2'],
    ['2001:db8:9:1::1', { oif: 3, bound: true }, 'unicast eth1 via 2001:db8:2::7 src 2001:db8:2::1'],
    ['2001:db8:9:2::1', { oif: 2, bound: true }, 'unicast eth0 via 2001:db8:1::fe src 2001:db8:1::1'],
    // Source-specific routes need the source.
    ['2001:db8:f::1', { src: ip6('2001:db8:2::1') }, 'unicast eth1 via 2001:db8:2::7 src 2001:db8:2::1'],
    ['2001:db8:f::1', { src: ip6('2001:db8:1::1') }, 'unicast eth0 via 2001:db8:1::fe src 2001:db8:1::1'],
  ])('%s %j: %s', (dst, more, want) => expect(say(env, out(dst, more))).toBe(want));

  it('no address at all: EADDRNOTAVAIL', () => {
    const bare = net6({ addrs: [], devices: [ETH0], routes: 'default dev eth0 metric 1024 pref medium\n' });
    expect(say(bare, out('2001:4860::1'))).toBe('errno 99');
  });
});

function input(e: RouteEnv6, src: string, dst: string, dev: NetDevice): string {
  const p: Input6Packet = { src: ip6(src), dst: ip6(dst), tos: 0, mark: 0, dev, keys: NO_KEYS, chooseNexthop: () => 0 };
  const r = routeInput6(e, p);
  return r.errno !== 0 ? `${r.dst.type} ${r.errno}` : `${r.dst.input} ${r.dst.dev.name}`;
}

describe('ip6_route_input', () => {
  it.each<[string, string, NetDevice, string]>([
    ['2001:db8:1::9', '2001:db8:9::1', ETH0, 'forward eth1'],
    ['2001:db8:1::9', '2001:db8:2::1', ETH0, 'local lo'],
    // The subnet-router anycast address of a router.
    ['2001:db8:1::9', '2001:db8:2::', ETH0, 'local lo'],
    ['2001:db8:1::9', '2001:db8:b::1', ETH0, 'blackhole 22'],
    ['2001:db8:1::9', '2001:db8:d::1', ETH0, 'prohibit 13'],
    ['2001:db8:1::9', 'ff02::1', ETH0, 'local eth0'],
    ['fe80::9', 'fe80::2', ETH1, 'local lo'],
    // Another device's link-local address is not ours here.
    ['fe80::9', 'fe80::2', ETH0, 'forward eth0'],
    ['2001:db8:1::1', '2001:db8:9::1', ETH0, 'forward eth1'],
  ])('%s > %s: %s', (src, dst, dev, want) => expect(input(env, src, dst, dev)).toBe(want));

  it('a received packet has the route’s MTU as a sent one has, and whether it is locked: forwarding heeds it first only then (ip6_dst_mtu_maybe_forward())', () => {
    const dst = routeInput6(env, {
      src: ip6('2001:db8:1::9'),
      dst: ip6('2001:db8:10::1'),
      tos: 0,
      mark: 0,
      dev: ETH1,
      keys: NO_KEYS,
      chooseNexthop: () => 0,
    }).dst;
    expect([dst.mtu, dst.mtuLock]).toEqual([1300, false]);
    expect(routeOutput6(env, out('2001:db8:10::1')).dst?.mtu).toBe(1300);
  });

  it('rules: no route of a table with only a refusing rule', () => {
    const e = net6({
      addrs: ['eth0 2001:db8:1::1/64'],
      rules: '0:\tfrom all lookup local\n5:\tfrom all to 2001:db8:77::/48 blackhole\n6:\tfrom all fwmark 0x1 prohibit\n32766:\tfrom all lookup main\n',
    });
    expect(input(e, '2001:db8:1::9', '2001:db8:77::1', ETH0)).toBe('blackhole 22');
    expect(input(e, '2001:db8:1::9', '2001:db8:78::1', ETH0)).toBe('unreachable 101');
  });
});

describe('ipv6_dev_get_saddr', () => {
  const e = net6({
    addrs: [
      'eth0 fe80::1/64 scope link',
      'eth0 2001:db8:1::1/64 deprecated',
      'eth0 2001:db8:1::2/64',
      'eth0 fd00::5/64',
      'eth1 2001:db8:2::1/64',
      'eth0 2001:db8:1::3/64 tentative',
      'eth0 2002:1::1/64',
    ],
  });
  it.each<[string, NetDevice | null, string]>([
    ['2001:4860::1', ETH0, '2001:db8:1::2'],
    ['2001:db8:1::1', ETH0, '2001:db8:1::1'],
    ['fd00:77::1', ETH0, 'fd00::5'],
    ['2002:2::1', ETH0, '2002:1::1'],
    ['fe80::7', ETH0, 'fe80::1'],
    ['2001:4860::1', ETH1, '2001:db8:2::1'],
    ['2001:db8:2::9', null, '2001:db8:2::1'],
  ])('to %s', (dst, dev, want) => {
    expect(formatAddr(selectAddress6(e, dev, ip6(dst)) ?? ANY6)).toBe(want);
  });
  it('knows scopes', () => {
    expect(['fe80::1', '::1', 'fec0::1', '2001::1', 'ff02::1', 'ff05::1'].map((t) => addrScope6(ip6(t)))).toEqual([2, 2, 5, 14, 2, 5]);
  });
});

describe('addrType6', () => {
  it.each([
    ['2001:db8:2::1', 'local'],
    ['2001:db8:2::', 'anycast'],
    ['2001:db8:c::1', 'unreachable'],
    ['ff02::1', 'multicast'],
    ['::', 'unspec'],
    ['2001:4860::1', 'unicast'],
  ])('%s is %s', (a, want) => expect(addrType6(env, ip6(a))).toBe(want));
});
