import { describe, expect, it } from 'vitest';
import { formatAddr } from '../../src/base/addr.js';
import type { FibResult, Flow, RouteEnv } from '../../src/fib/index.js';
import type { RouteStep } from '../../src/trace/event.js';
import { device, ETH0, ip4, LO, net4 } from './net.js';

function flow(dst: string, more: Partial<Flow> = {}): Flow {
  return { src: 0, dst: ip4(dst), iif: 1, oif: 0, mark: 0, tos: 0, proto: 0, sport: 0, dport: 0, uid: 0, scope: 0, ...more };
}
const say = (r: FibResult): string =>
  r.errno !== 0 ? `errno ${r.errno}` : `${r.type} ${r.dev?.name}${r.gateway === null ? '' : ` via ${formatAddr(r.gateway)}`} table ${r.table}`;
const ask = (env: RouteEnv, dst: string, more: Partial<Flow> = {}): string => say(env.fib.lookup(flow(dst, more), env.conf));

const routes = `default via 10.0.0.254 dev eth0
10.5.0.0/16 via 10.1.0.9 dev eth1
10.5.1.0/24 dev eth1 scope link metric 50
10.5.1.0/24 via 10.0.0.7 dev eth0 metric 20
10.5.2.0/24 tos 0x10 via 10.0.0.9 dev eth0
blackhole 10.6.0.0/16
unreachable 10.6.1.0/24
prohibit 10.6.2.0/24
throw 10.6.3.0/24
10.7.0.0/16 via 10.1.0.9 dev eth1 table 7
throw 10.7.1.0/24 table 7
default via 10.1.0.254 dev eth1 table 8`;
const addrs = ['eth0 10.0.0.1/24', 'eth1 10.1.0.1/24'];
const env = net4({ addrs, routes });

describe('tables without custom rules', () => {
  it.each([
    ['10.0.0.1', 'local eth0 table 255'],
    ['10.0.0.255', 'broadcast eth0 table 255'],
    ['127.9.9.9', 'local lo table 255'],
    ['10.0.0.77', 'unicast eth0 table 254'],
    ['8.8.8.8', 'unicast eth0 via 10.0.0.254 table 254'],
    ['10.5.9.9', 'unicast eth1 via 10.1.0.9 table 254'],
    ['10.5.1.9', 'unicast eth0 via 10.0.0.7 table 254'],
    ['10.5.2.9', 'unicast eth1 via 10.1.0.9 table 254'],
    ['10.6.0.1', 'errno 22'],
    ['10.6.1.1', 'errno 113'],
    ['10.6.2.1', 'errno 13'],
    // A throw ends the table; nothing comes after main.
    ['10.6.3.1', 'errno 101'],
  ])('%s: %s', (dst, want) => expect(ask(env, dst)).toBe(want));

  it('heeds tos, the bound device and the scope', () => {
    expect(ask(env, '10.5.2.9', { tos: 0x10 })).toBe('unicast eth0 via 10.0.0.9 table 254');
    expect(ask(env, '10.5.2.9', { tos: 0xf3 })).toBe('unicast eth0 via 10.0.0.9 table 254');
    expect(ask(env, '10.5.1.9', { oif: 3 })).toBe('unicast eth1 table 254');
    expect(ask(env, '8.8.8.8', { oif: 3 })).toBe('errno 101');
    expect(ask(env, '10.5.1.9', { scope: 253 })).toBe('unicast eth1 table 254');
  });

  it('lets a longer prefix of main hide a local one, as the merged trie does, until rules are changed', () => {
    const odd = { addrs, routes: '127.1.0.0/16 via 10.0.0.9 dev eth0' };
    expect(ask(net4(odd), '127.1.2.3')).toBe('unicast eth0 via 10.0.0.9 table 254');
    expect(ask(net4({ ...odd, rules: '0:\tfrom all lookup local\n9:\tfrom all nop\n32766:\tfrom all lookup main\n' }), '127.1.2.3')).toBe('local lo table 255');
  });

  it('passes over a device without carrier only where ignore_routes_with_linkdown says so; local routes stay', () => {
    const devices = [LO, ETH0, device('eth1', 3, { carrier: false })];
    const off = net4({ addrs, routes: '10.9.0.0/16 dev eth1 scope link', devices });
    expect(ask(off, '10.9.1.1')).toBe('unicast eth1 table 254');
    const on = net4({ addrs, routes: '10.9.0.0/16 dev eth1 scope link', devices, sysctl: { 'eth1/ignore_routes_with_linkdown': 1 } });
    expect(ask(on, '10.9.1.1')).toBe('errno 101');
    expect(ask(on, '10.1.0.1')).toBe('local eth1 table 255');
  });
});

const walk = (lines: string): RouteEnv =>
  net4({ addrs, routes, rules: `0:\tfrom all lookup local\n${lines}32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n` });

describe('policy rules', () => {
  it.each<[string, string, Partial<Flow>, string]>([
    ['5:\tfrom all fwmark 0x10/0xf0 lookup 8\n', '8.8.8.8', { mark: 0x1f }, 'unicast eth1 via 10.1.0.254 table 8'],
    ['5:\tfrom all fwmark 0x10/0xf0 lookup 8\n', '8.8.8.8', { mark: 0x2f }, 'unicast eth0 via 10.0.0.254 table 254'],
    ['5:\tnot from all fwmark 0x10 lookup 8\n', '8.8.8.8', {}, 'unicast eth1 via 10.1.0.254 table 8'],
    ['5:\tfrom 10.2.0.0/16 lookup 8\n', '8.8.8.8', { src: ip4('10.2.3.4') }, 'unicast eth1 via 10.1.0.254 table 8'],
    ['5:\tfrom all to 8.8.8.8 blackhole\n', '8.8.8.8', {}, 'errno 22'],
    ['5:\tfrom all prohibit\n', '8.8.8.8', {}, 'errno 13'],
    ['5:\tfrom all unreachable\n', '8.8.8.8', {}, 'errno 101'],
    ['5:\tfrom all iif eth1 lookup 8\n', '8.8.8.8', { iif: 3 }, 'unicast eth1 via 10.1.0.254 table 8'],
    ['5:\tfrom all iif eth9 lookup 8\n', '8.8.8.8', { iif: 3 }, 'unicast eth0 via 10.0.0.254 table 254'],
    ['5:\tfrom all uidrange 100-200 lookup 8\n', '8.8.8.8', { uid: 150 }, 'unicast eth1 via 10.1.0.254 table 8'],
    ['5:\tfrom all ipproto tcp dport 80-90 lookup 8\n', '8.8.8.8', { proto: 6, dport: 85 }, 'unicast eth1 via 10.1.0.254 table 8'],
    ['5:\tfrom all ipproto tcp dport 80-90 lookup 8\n', '8.8.8.8', { proto: 17, dport: 85 }, 'unicast eth0 via 10.0.0.254 table 254'],
    ['5:\tfrom all tos 0x10 lookup 8\n', '8.8.8.8', { tos: 0x10 }, 'unicast eth1 via 10.1.0.254 table 8'],
    ['5:\tfrom all lookup 7\n', '10.7.2.2', {}, 'unicast eth1 via 10.1.0.9 table 7'],
    // throw: on with the next rule.
    ['5:\tfrom all lookup 7\n', '10.7.1.2', {}, 'unicast eth0 via 10.0.0.254 table 254'],
    ['5:\tfrom all lookup main suppress_prefixlength 0\n6:\tfrom all lookup 8\n', '8.8.8.8', {}, 'unicast eth1 via 10.1.0.254 table 8'],
    ['5:\tfrom all lookup main suppress_prefixlength 0\n6:\tfrom all lookup 8\n', '10.5.9.9', {}, 'unicast eth1 via 10.1.0.9 table 254'],
    ['5:\tfrom all goto 32766\n6:\tfrom all lookup 8\n', '8.8.8.8', {}, 'unicast eth0 via 10.0.0.254 table 254'],
    ['5:\tfrom all goto 777\n6:\tfrom all lookup 8\n', '8.8.8.8', {}, 'unicast eth1 via 10.1.0.254 table 8'],
    ['5:\tfrom all nop\n', '8.8.8.8', {}, 'unicast eth0 via 10.0.0.254 table 254'],
  ])('%j to %s', (lines, dst, more, want) => expect(ask(walk(lines), dst, more)).toBe(want));

  it('tells what every rule answered', () => {
    const steps: RouteStep[] = [];
    const e = walk('5:\tfrom all lookup 7\n');
    e.fib.lookup(flow('8.8.8.8'), e.conf, false, steps);
    expect(steps.map((s) => `${s.pref} ${s.table}: ${s.route?.trim() ?? '-'}`)).toEqual([
      '0 local: -',
      '5 7: -',
      '32766 main: default via 10.0.0.254 dev eth0',
    ]);
  });

  it('asks for transport fields only where a rule does', () => {
    expect(env.fib.rules.needsKeys).toBe(false);
    expect(walk('5:\tfrom all sport 5 lookup 8\n').fib.rules.needsKeys).toBe(true);
  });
});

describe('compileFib', () => {
  it('gives the same Fib for the same inputs', async () => {
    const { compileFib } = await import('../../src/fib/index.js');
    const input = { family: 'ipv4' as const, routes: env.fib.routes, rules: null, addrs: env.fib.addrs, devices: env.fib.devices };
    expect(compileFib(input)).toBe(compileFib({ ...input }));
    expect(compileFib({ ...input, routes: [...input.routes] })).not.toBe(compileFib(input));
  });
});
