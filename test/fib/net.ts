/** Small nodes for routing tests: devices, addresses, routes and rules in the tools' own words. */
import { parseAddr, parseIp4, parseIp6 } from '../../src/base/addr.js';
import { compileFib, compileFib6, type DevConf, type FibAddr, RouteEnv, type RouteEnv6 } from '../../src/fib/index.js';
import { readIpRoute } from '../../src/formats/ip-route.js';
import { readIpRule } from '../../src/formats/ip-rule.js';
import type { NetDevice } from '../../src/packet/types.js';

export const ip4 = (t: string): number => parseIp4(t) ?? Number.NaN;
export const ip6 = (t: string): string => parseIp6(t) ?? '';

export function device(name: string, ifindex: number, more: Partial<NetDevice> = {}): NetDevice {
  return {
    name,
    ifindex,
    kind: 'veth',
    linkType: 'ether',
    mac: 0x020000000000 + ifindex,
    mtu: 1500,
    up: true,
    carrier: true,
    loopback: false,
    noarp: false,
    pointToPoint: false,
    promisc: false,
    master: null,
    group: 0,
    ...more,
  };
}

export interface NetSpec {
  /** `eth0 10.0.0.1/24`, optionally followed by `secondary`, `scope link`, `peer A`. */
  readonly addrs: readonly string[];
  readonly routes?: string;
  readonly rules?: string;
  /** `eth0/rp_filter`: 1, `all/accept_local`: 1. */
  readonly sysctl?: Readonly<Record<string, number>>;
  readonly devices?: readonly NetDevice[];
}

export const LO = device('lo', 1, { loopback: true, kind: '', linkType: 'loopback', mtu: 65536 });
export const ETH0 = device('eth0', 2);
export const ETH1 = device('eth1', 3);
export const ETH2 = device('eth2', 4);

function address(text: string): FibAddr {
  const w = text.split(' ');
  const [addr, len] = w[1].split('/');
  const local = parseAddr(addr) ?? 0;
  const at = (key: string): string | null => (w.includes(key) ? w[w.indexOf(key) + 1] : null);
  const peer = at('peer');
  return {
    dev: w[0],
    family: typeof local === 'number' ? 'ipv4' : 'ipv6',
    local,
    peer: peer === null ? null : parseAddr(peer),
    prefixlen: Number(len),
    broadcast: null,
    scope: at('scope') ?? 'global',
    secondary: w.includes('secondary'),
    flags: w.filter((x) => ['deprecated', 'tentative', 'temporary', 'noprefixroute'].includes(x)),
    metric: null,
  };
}

function confOf(sysctl: Readonly<Record<string, number>>): DevConf {
  const map = new Map(Object.entries(sysctl));
  return { all: (key) => map.get(`all/${key}`) ?? 0, dev: (name, key) => map.get(`${name}/${key}`) ?? (key === 'forwarding' ? 1 : 0) };
}

export function net4(s: NetSpec): RouteEnv {
  const devices = s.devices ?? [LO, ETH0, ETH1, ETH2];
  const addrs = ['lo 127.0.0.1/8 scope host', ...s.addrs].map(address);
  const derived = compileFib({ family: 'ipv4', routes: null, rules: null, addrs, devices }).routes;
  const own = s.routes === undefined ? [] : readIpRoute(s.routes, { file: 'routes', family: 'ipv4' }).value;
  const rules = s.rules === undefined ? null : readIpRule(s.rules, { file: 'rules', family: 'ipv4' }).value;
  return new RouteEnv(compileFib({ family: 'ipv4', routes: [...derived, ...own], rules, addrs, devices }), confOf(s.sysctl ?? {}));
}

export function net6(s: NetSpec): RouteEnv6 {
  const devices = s.devices ?? [LO, ETH0, ETH1, ETH2];
  const addrs = ['lo ::1/128 scope host', ...s.addrs].map(address);
  const derived = compileFib6({ family: 'ipv6', routes: null, rules: null, addrs, devices }, true).routes;
  const own = s.routes === undefined ? [] : readIpRoute(s.routes, { file: 'routes', family: 'ipv6' }).value;
  const rules = s.rules === undefined ? null : readIpRule(s.rules, { file: 'rules', family: 'ipv6' }).value;
  return { fib: compileFib6({ family: 'ipv6', routes: [...derived, ...own], rules, addrs, devices }), conf: confOf(s.sysctl ?? {}) };
}
