import { describe, expect, it } from 'vitest';
import { formatAddr } from '../../src/base/addr.js';
import { addrType, NO_KEYS, type OutputFlow, type RouteEnv, routeOutput, selectAddress } from '../../src/fib/index.js';
import { ETH0, ETH1, ip4, net4 } from './net.js';

function flow(dst: string, more: Partial<OutputFlow> = {}): OutputFlow {
  return { src: 0, dst: ip4(dst), oif: 0, mark: 0, tos: 0, keys: NO_KEYS, uid: 0, isMember: () => false, chooseNexthop: () => 0, ...more };
}
function say(env: RouteEnv, f: OutputFlow): string {
  const r = routeOutput(env, f);
  return r.errno !== 0 || !r.dst
    ? `errno ${r.errno}`
    : `${r.dst.type} ${r.dst.dev.name}${r.dst.gateway === null ? '' : ` via ${formatAddr(r.dst.gateway)}`} src ${formatAddr(r.src)} dst ${formatAddr(r.daddr)}`;
}
const env = net4({
  addrs: ['eth0 10.0.0.1/24', 'eth0 10.0.0.2/24 secondary', 'eth0 172.20.0.1/16', 'eth1 10.1.0.1/24'],
  routes:
    'default via 172.20.0.254 dev eth0\n10.9.0.0/16 via 10.1.0.9 dev eth1 src 10.0.0.2\nprohibit 10.66.0.0/16\n10.8.0.0/16 via 10.1.0.9 dev eth1 mtu lock 900 advmss 700\n',
});

describe('ip_route_output', () => {
  it.each<[string, Partial<OutputFlow>, string]>([
    // The address in the next hop's subnet.
    ['8.8.8.8', {}, 'unicast eth0 via 172.20.0.254 src 172.20.0.1 dst 8.8.8.8'],
    ['10.0.0.9', {}, 'unicast eth0 src 10.0.0.1 dst 10.0.0.9'],
    ['10.9.0.1', {}, 'unicast eth1 via 10.1.0.9 src 10.0.0.2 dst 10.9.0.1'],
    ['10.66.0.1', {}, 'errno 13'],
    ['10.1.0.1', {}, 'local lo src 10.1.0.1 dst 10.1.0.1'],
    ['127.3.2.1', {}, 'local lo src 127.0.0.1 dst 127.3.2.1'],
    ['0.0.0.0', {}, 'local lo src 127.0.0.1 dst 127.0.0.1'],
    ['10.0.0.255', {}, 'broadcast eth0 src 10.0.0.1 dst 10.0.0.255'],
    ['255.255.255.255', { oif: 3 }, 'broadcast eth1 src 10.1.0.1 dst 255.255.255.255'],
    ['224.0.0.9', { oif: 3 }, 'multicast eth1 src 10.1.0.1 dst 224.0.0.9'],
    ['239.1.1.1', {}, 'multicast eth0 src 172.20.0.1 dst 239.1.1.1'],
    ['239.1.1.1', { src: ip4('10.1.0.1') }, 'multicast eth1 src 10.1.0.1 dst 239.1.1.1'],
    // Bound to a device that no route leaves by: taken to be on link.
    ['8.8.8.8', { oif: 3 }, 'unicast eth1 src 10.1.0.1 dst 8.8.8.8'],
    ['8.8.8.8', { src: ip4('9.9.9.9') }, 'errno 101'],
    ['8.8.8.8', { src: ip4('9.9.9.9'), anySrc: true }, 'unicast eth0 via 172.20.0.254 src 9.9.9.9 dst 8.8.8.8'],
    ['8.8.8.8', { src: ip4('224.0.0.1') }, 'errno 22'],
    ['8.8.8.8', { src: ip4('127.0.0.1') }, 'errno 22'],
    ['8.8.8.8', { oif: 99 }, 'errno 19'],
  ])('%s %j: %s', (dst, more, want) => expect(say(env, flow(dst, more))).toBe(want));

  it('gives MTU and MSS of the route', () => {
    const dst = routeOutput(env, flow('10.8.1.1')).dst;
    expect([dst?.mtu, dst?.mtuLock, dst?.advmss]).toEqual([900, true, 700]);
    const plain = routeOutput(env, flow('8.8.8.8')).dst;
    expect([plain?.mtu, plain?.mtuLock, plain?.advmss]).toEqual([1500, false, 1460]);
  });

  it('lets the caller choose among nexthops by weight', () => {
    const multi = net4({
      addrs: ['eth0 10.0.0.1/24', 'eth1 10.1.0.1/24'],
      routes: 'default\n\tnexthop via 10.0.0.9 dev eth0 weight 1\n\tnexthop via 10.1.0.9 dev eth1 weight 3\n',
    });
    const asked: (readonly number[])[] = [];
    const choose = (i: number) => (w: readonly number[]) => {
      asked.push(w);
      return i;
    };
    expect(say(multi, flow('8.8.8.8', { chooseNexthop: choose(0) }))).toBe('unicast eth0 via 10.0.0.9 src 10.0.0.1 dst 8.8.8.8');
    expect(say(multi, flow('8.8.8.8', { chooseNexthop: choose(1) }))).toBe('unicast eth1 via 10.1.0.9 src 10.1.0.1 dst 8.8.8.8');
    expect(say(multi, flow('8.8.8.8', { oif: 3, chooseNexthop: choose(0) }))).toBe('unicast eth1 via 10.1.0.9 src 10.1.0.1 dst 8.8.8.8');
    expect(asked).toEqual([
      [1, 3],
      [1, 3],
    ]);
    // A bound source goes before the hash.
    expect(say(multi, flow('8.8.8.8', { src: ip4('10.1.0.1'), chooseNexthop: choose(0) }))).toBe('unicast eth1 via 10.1.0.9 src 10.1.0.1 dst 8.8.8.8');
  });
});

describe('inet_select_addr', () => {
  it('takes the address in the destination’s subnet, else the first; never a secondary one', () => {
    expect(formatAddr(selectAddress(env, ETH0, ip4('172.20.3.3'), 0))).toBe('172.20.0.1');
    expect(formatAddr(selectAddress(env, ETH0, ip4('9.9.9.9'), 0))).toBe('10.0.0.1');
  });
  it('looks at other devices where this one has none of that scope', () => {
    const e = net4({ addrs: ['eth0 10.0.0.1/24', 'eth1 169.254.1.1/16 scope link'] });
    expect(formatAddr(selectAddress(e, ETH1, ip4('9.9.9.9'), 0))).toBe('10.0.0.1');
    expect(formatAddr(selectAddress(e, ETH1, ip4('9.9.9.9'), 253))).toBe('169.254.1.1');
  });
});

describe('inet_addr_type', () => {
  it.each([
    ['10.0.0.1', 'local'],
    ['10.0.0.255', 'broadcast'],
    ['255.255.255.255', 'broadcast'],
    ['0.0.0.0', 'broadcast'],
    ['224.1.1.1', 'multicast'],
    ['127.5.5.5', 'local'],
    ['8.8.8.8', 'unicast'],
    ['10.66.0.1', 'unicast'],
  ])('%s is %s', (a, want) => expect(addrType(env, ip4(a))).toBe(want));
  it('counts on the device asked for only', () => {
    expect(addrType(env, ip4('10.0.0.1'), ETH0)).toBe('local');
    expect(addrType(env, ip4('10.0.0.1'), ETH1)).toBe('unicast');
  });
});
