import { describe, expect, it } from 'vitest';
import { formatAddr } from '../../src/base/addr.js';
import { type InputPacket, NO_KEYS, type RouteEnv, routeInput } from '../../src/fib/index.js';
import { type NetDevice, RTCF_DOREDIRECT } from '../../src/packet/types.js';
import { ETH0, ETH1, ip4, type NetSpec, net4 } from './net.js';

function packet(src: string, dst: string, dev: NetDevice, more: Partial<InputPacket> = {}): InputPacket {
  return {
    src: ip4(src),
    dst: ip4(dst),
    tos: 0,
    mark: 0,
    dev,
    proto: 17,
    keys: NO_KEYS,
    secpath: false,
    isMember: () => false,
    chooseNexthop: () => 0,
    ...more,
  };
}
function say(env: RouteEnv, p: InputPacket): string {
  const r = routeInput(env, p);
  if (r.reason) return r.martian ? `${r.reason} martian ${r.martian}` : r.reason;
  const d = r.dst;
  if (!d) return 'nothing';
  return `${d.input}${d.input === 'forward' ? ` ${d.dev.name}${d.gateway === null ? '' : ` via ${formatAddr(d.gateway)}`}` : ''}${d.error ? ` ${d.error}` : ''}${d.flags & RTCF_DOREDIRECT ? ' redirect' : ''}`;
}
const base: NetSpec = {
  addrs: ['eth0 10.0.0.1/24', 'eth1 10.1.0.1/24'],
  routes: 'default via 10.0.0.254 dev eth0\n10.9.0.0/16 via 10.1.0.9 dev eth1\nunreachable 10.66.0.0/16\n',
};
const plain = net4(base);
const other = (sysctl: Readonly<Record<string, number>>): RouteEnv => net4({ ...base, sysctl });

describe('ip_route_input_slow', () => {
  it.each([
    ['10.0.0.9', '10.9.1.1', 'forward eth1 via 10.1.0.9'],
    ['10.0.0.9', '10.0.0.1', 'local'],
    ['10.0.0.9', '10.1.0.255', 'local'],
    ['10.0.0.9', '255.255.255.255', 'local'],
    ['0.0.0.0', '255.255.255.255', 'local'],
    ['224.0.0.1', '10.9.1.1', 'IP_INVALID_SOURCE martian source'],
    ['255.255.255.255', '10.9.1.1', 'IP_INVALID_SOURCE martian source'],
    ['0.0.0.0', '10.9.1.1', 'IP_INVALID_SOURCE martian source'],
    ['10.0.0.9', '0.0.0.0', 'IP_INVALID_DEST martian destination'],
    ['10.0.0.9', '127.0.0.1', 'IP_LOCALNET martian destination'],
    ['127.0.0.1', '10.9.1.1', 'IP_LOCALNET martian source'],
    ['10.1.0.1', '10.9.1.1', 'IP_LOCAL_SOURCE martian source'],
    ['10.0.0.9', '10.66.0.1', 'error 113'],
    ['10.0.0.9', '240.0.0.1', 'forward eth0 via 10.0.0.254'],
    ['10.0.0.9', '224.0.0.1', 'local'],
    ['10.0.0.9', '224.0.0.5', 'NOT_SPECIFIED'],
  ])('%s > %s on eth0: %s', (src, dst, want) => {
    const r = say(plain, packet(src, dst, ETH0));
    expect(r).toBe(want);
  });

  it('forwarding off: unreachable, whatever the route says', () => {
    expect(say(other({ 'eth0/forwarding': 0 }), packet('10.0.0.9', '10.9.1.1', ETH0))).toBe('error 113');
  });
  it('route_localnet lets loopback addresses in', () => {
    expect(say(other({ 'eth0/route_localnet': 1 }), packet('10.0.0.9', '127.0.0.1', ETH0))).toBe('local');
  });
  it('a member gets the multicast', () => {
    expect(say(plain, packet('10.0.0.9', '224.0.0.5', ETH0, { isMember: () => true }))).toBe('local');
  });
  it('bc_forwarding of both forwards a directed broadcast', () => {
    expect(say(other({ 'all/bc_forwarding': 1, 'eth0/bc_forwarding': 1 }), packet('10.0.0.9', '10.1.0.255', ETH0))).toBe('forward eth1');
  });
  it('redirects an on-link sender whose way leads back, unless it may not', () => {
    const p = packet('10.0.0.9', '8.8.8.8', ETH0);
    expect(say(other({ 'all/send_redirects': 1, 'all/shared_media': 1 }), p)).toBe('forward eth0 via 10.0.0.254 redirect');
    expect(say(other({ 'all/send_redirects': 1 }), p)).toBe('forward eth0 via 10.0.0.254 redirect');
    expect(say(plain, p)).toBe('forward eth0 via 10.0.0.254');
    expect(say(other({ 'all/send_redirects': 1, 'all/shared_media': 1 }), packet('10.77.0.9', '8.8.8.8', ETH0))).toBe('forward eth0 via 10.0.0.254');
  });
});

describe('fib_validate_source', () => {
  // The table of the nine combinations: the source's route points to another device.
  const spoofed = packet('10.1.0.77', '10.9.1.1', ETH0);
  it.each([
    [0, 0, 'forward eth1 via 10.1.0.9'],
    [0, 1, 'IP_RPFILTER martian source'],
    [0, 2, 'forward eth1 via 10.1.0.9'],
    [1, 0, 'IP_RPFILTER martian source'],
    [1, 1, 'IP_RPFILTER martian source'],
    [1, 2, 'forward eth1 via 10.1.0.9'],
    [2, 0, 'forward eth1 via 10.1.0.9'],
    [2, 1, 'forward eth1 via 10.1.0.9'],
    [2, 2, 'forward eth1 via 10.1.0.9'],
  ])('all=%i dev=%i: %s', (all, dev, want) => expect(say(other({ 'all/rp_filter': all, 'eth0/rp_filter': dev }), spoofed)).toBe(want));

  it.each([
    [0, 'forward eth1 via 10.1.0.9'],
    [1, 'IP_RPFILTER martian source'],
    [2, 'IP_RPFILTER martian source'],
  ])('a source without any route, rp_filter=%i: %s', (rp, want) => {
    const e = net4({ ...base, routes: '10.9.0.0/16 via 10.1.0.9 dev eth1\n', sysctl: { 'all/rp_filter': rp } });
    expect(say(e, packet('99.0.0.1', '10.9.1.1', ETH0))).toBe(want);
  });

  it('a tunnel’s packets are exempt from rp_filter, not from the check for own addresses', () => {
    const e = other({ 'all/rp_filter': 1 });
    expect(say(e, { ...spoofed, secpath: true })).toBe('forward eth1 via 10.1.0.9');
    expect(say(e, packet('10.1.0.1', '10.9.1.1', ETH0, { secpath: true }))).toBe('IP_LOCAL_SOURCE martian source');
  });

  it('accept_local lets own addresses in', () => {
    expect(say(other({ 'all/accept_local': 1 }), packet('10.1.0.1', '10.9.1.1', ETH0))).toBe('forward eth1 via 10.1.0.9');
  });

  it('a subnet broadcast as source fails only where the full check runs', () => {
    const p = packet('10.0.0.255', '10.0.0.1', ETH0);
    expect(say(plain, p)).toBe('local');
    expect(say(other({ 'all/rp_filter': 1 }), p)).toBe('IP_INVALID_SOURCE martian source');
    expect(say(net4({ ...base, rules: '0:\tfrom all lookup local\n5:\tfrom all nop\n32766:\tfrom all lookup main\n' }), p)).toBe(
      'IP_INVALID_SOURCE martian source',
    );
  });

  it('the reverse lookup uses the mark only with src_valid_mark', () => {
    const rules = '0:\tfrom all lookup local\n5:\tfrom all fwmark 0x1 lookup 9\n32766:\tfrom all lookup main\n';
    const routes = 'default via 10.0.0.254 dev eth0\ndefault via 10.1.0.9 dev eth1 table 9\n';
    const p = packet('99.0.0.1', '10.0.0.1', ETH1, { mark: 1 });
    expect(say(net4({ ...base, routes, rules, sysctl: { 'all/rp_filter': 1 } }), p)).toBe('IP_RPFILTER martian source');
    expect(say(net4({ ...base, routes, rules, sysctl: { 'all/rp_filter': 1, 'all/src_valid_mark': 1 } }), p)).toBe('local');
  });
});
