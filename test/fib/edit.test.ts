import { describe, expect, it } from 'vitest';
import type { Family } from '../../src/base/addr.js';
import {
  changeRoutes,
  changeRules,
  completeRoute,
  completeRoute6,
  defaultRules,
  type PolicyRule,
  type Route,
  type RouteCommand,
  type RouteEnv,
  type RouteEnv6,
} from '../../src/fib/index.js';
import { readIpRoute, writeIpRoute } from '../../src/formats/ip-route.js';
import { parseRouteArgs } from '../../src/formats/ip-route-args.js';
import { writeIpRule } from '../../src/formats/ip-rule.js';
import { parseRuleArgs } from '../../src/formats/ip-rule-args.js';
import { device, ETH0, ETH1, LO, net4, net6 } from './net.js';

const devices = [LO, ETH0, ETH1, device('eth2', 4, { up: false, carrier: false })];
const addrs = ['eth0 10.1.0.1/24', 'eth1 10.2.0.1/16'];

/** One `ip route` command against a node: stderr, or null and the routes after it. */
function route4(env: RouteEnv, routes: readonly Route[], line: string): { routes: readonly Route[]; error: string | null } {
  const [command, ...words] = line.split(' ');
  const p = parseRouteArgs(command as RouteCommand, words, { family: 'ipv4' });
  if (!p.value) return { routes, error: p.diagnostics[0].message };
  const done = command === 'del' ? { route: p.value.route, error: null } : completeRoute(env.fib, env.conf, p.value.route);
  if (done.error) return { routes, error: done.error };
  const c = changeRoutes(routes, { ...p.value, route: done.route });
  return { routes: c.list, error: c.error };
}

const start = readIpRoute(
  'default via 10.1.0.254 dev eth0 \n10.1.0.0/24 dev eth0 proto kernel scope link src 10.1.0.1 \n10.5.0.0/16 via 10.2.0.9 dev eth1 metric 50 \nlocal 10.1.0.1 dev eth0 table local proto kernel scope host src 10.1.0.1 \n',
  {
    file: 'x',
    family: 'ipv4',
  },
).value;

describe('ip route add, change, replace, del (answers recorded from Linux 6.18)', () => {
  const env = net4({ addrs, devices });
  it.each<[string, string]>([
    ['add 10.1.0.0/24 dev eth0', 'RTNETLINK answers: File exists'],
    ['add 10.6.0.0/16 dev eth2', 'Error: Device for nexthop is not up.'],
    ['add 10.6.0.0/16 via 10.2.0.9 scope link', 'Error: Nexthop has invalid gateway.'],
    ['add 10.6.0.0/16 via 9.9.9.9', 'Error: Nexthop has invalid gateway.'],
    ['add 10.6.0.0/16 via 10.2.0.9 dev eth0', 'Error: Nexthop has invalid gateway.'],
    ['add 10.6.0.0/16 via 10.2.0.9 onlink', 'Error: Nexthop device required for onlink.'],
    ['add 10.6.0.0/16 via 10.2.0.9 dev eth2 onlink', 'Error: Nexthop device is not up.'],
    ['add 10.6.0.0/16 via 224.0.0.1 dev eth0 onlink', 'Error: Nexthop has invalid gateway.'],
    ['add unreachable 10.6.0.0/16 dev eth0', 'Error: Gateway, device and multipath can not be specified for this route type.'],
    ['add 10.6.0.0/16 dev eth0 src 9.9.9.9', 'Error: Invalid prefsrc address.'],
    ['add 10.6.0.1/16 dev eth0', 'Error: Invalid prefix for given prefix length.'],
    ['add local 10.6.0.0/16 dev lo scope global', 'Error: Invalid scope.'],
    ['add default via 10.2.0.9 scope host', 'Error: Route with host scope can not have a gateway.'],
    ['add 10.6.0.0/16', 'RTNETLINK answers: No such device'],
    ['add 10.6.0.0/16 dev eth9', 'Cannot find device "eth9"'],
    ['change 10.6.0.0/16 dev eth0', 'RTNETLINK answers: No such file or directory'],
    ['del 10.6.0.0/16', 'RTNETLINK answers: No such process'],
    ['del 10.5.0.0/16 via 10.2.0.8', 'RTNETLINK answers: No such process'],
    ['del 10.5.0.0/16 metric 49', 'RTNETLINK answers: No such process'],
    ['append 10.5.0.0/16 via 10.2.0.9 metric 50', 'RTNETLINK answers: File exists'],
  ])('%s: %s', (line, error) => expect(route4(env, start, line)).toEqual({ routes: start, error }));

  it.each<[string, string]>([
    ['add 10.5.1.0/24 via 10.2.0.9', 'default|10.1.0.0/24|10.5.0.0/16|10.5.1.0/24 via 10.2.0.9 dev eth1'],
    ['replace default via 10.2.0.1', 'default via 10.2.0.1 dev eth1|10.1.0.0/24|10.5.0.0/16'],
    ['add 10.5.0.0/16 dev eth0 metric 20', 'default|10.1.0.0/24|10.5.0.0/16 dev eth0 scope link metric 20|10.5.0.0/16'],
    ['append 10.5.0.0/16 via 10.2.0.8 metric 50', 'default|10.1.0.0/24|10.5.0.0/16|10.5.0.0/16 via 10.2.0.8'],
    ['prepend 10.5.0.0/16 via 10.2.0.8 metric 50', 'default|10.1.0.0/24|10.5.0.0/16 via 10.2.0.8|10.5.0.0/16 via 10.2.0.9'],
    ['del default', '10.1.0.0/24|10.5.0.0/16'],
    ['del 10.5.0.0/16 dev eth1', 'default|10.1.0.0/24'],
  ])('%s', (line, want) => {
    const r = route4(env, start, line);
    expect(r.error).toBeNull();
    const lines = writeIpRoute(r.routes, { family: 'ipv4' }).trimEnd().split('\n');
    const wanted = want.split('|');
    expect(lines).toHaveLength(wanted.length);
    expect(lines.map((l, i) => (l.startsWith(wanted[i]) ? wanted[i] : l))).toEqual(wanted);
  });
});

describe('ip -6 route', () => {
  const env: RouteEnv6 = net6({ addrs: ['eth0 2001:db8:1::1/64', 'eth0 fe80::1/64 scope link'], devices });
  const complete = (line: string): string => {
    const p = parseRouteArgs('add', line.split(' '), { family: 'ipv6' });
    if (!p.value) return p.diagnostics[0].message;
    const r = completeRoute6(env, p.value.route);
    return r.error ?? writeIpRoute([r.route], { family: 'ipv6', table: 'all' }).trimEnd();
  };
  it.each<[string, string]>([
    ['2001:db8:5::/64 dev eth2', 'Error: Nexthop device is not up.'],
    ['2001:db8:5::/64 via fe80::5', 'Error: Egress device not specified.'],
    ['2001:db8:5::/64 via 2001:dddd::1', 'RTNETLINK answers: No route to host'],
    ['2001:db8:5::/64 via 2001:db8:1::1', 'Error: Gateway can not be a local address.'],
    ['2001:db8:5::/64 dev eth0 src 2001:db8::77', 'Error: Invalid source address.'],
    ['2001:db8:5::1/64 via 2001:db8:1::9', '2001:db8:5::/64 via 2001:db8:1::9 dev eth0 metric 1024 pref medium'],
    ['unreachable 2001:db8:5::/64', 'unreachable 2001:db8:5::/64 dev lo metric 1024 pref medium'],
  ])('add %s: %s', (line, want) => expect(complete(line)).toBe(want));
});

describe('ip rule add, del', () => {
  function rule(
    rules: readonly PolicyRule[],
    command: 'add' | 'del',
    line: string,
    family: Family = 'ipv4',
  ): { rules: readonly PolicyRule[]; error: string | null } {
    const p = parseRuleArgs(command, line.split(' '), { family });
    if (!p.value) return { rules, error: p.diagnostics[0].message };
    const c = changeRules(rules, { command, ...p.value });
    return { rules: c.list, error: c.error };
  }
  const fresh = defaultRules('ipv4');
  it('chooses a priority before the second rule', () => {
    const one = rule(fresh, 'add', 'fwmark 5 lookup 7').rules;
    const two = rule(one, 'add', 'fwmark 6 lookup 7').rules;
    expect(writeIpRule(two, { family: 'ipv4' }).split('\n').slice(0, 4)).toEqual([
      '0:\tfrom all lookup local',
      '32764:\tfrom all fwmark 0x6 lookup 7',
      '32765:\tfrom all fwmark 0x5 lookup 7',
      '32766:\tfrom all lookup main',
    ]);
  });
  it.each<['add' | 'del', string, string]>([
    ['add', 'lookup main pref 32766', 'RTNETLINK answers: File exists'],
    ['add', 'goto 5 pref 10', 'Error: Backward goto not supported.'],
    ['del', 'pref 9999', 'RTNETLINK answers: No such file or directory'],
    ['del', 'from 9.9.9.9', 'RTNETLINK answers: No such file or directory'],
  ])('%s %s: %s', (command, line, error) => expect(rule(fresh, command, line)).toEqual({ rules: fresh, error }));
  it('deletes by what is named', () => {
    expect(rule(fresh, 'del', 'lookup main').rules.map((r) => r.priority)).toEqual([0, 32767]);
    expect(rule(fresh, 'del', 'pref 0').rules.map((r) => r.priority)).toEqual([32766, 32767]);
  });
});
