/** Replays the route lookups that the kernel corpus recorded (`observed.fib`) against the compiled tables. */
import { type Addr, type Family, parseAddr } from '../src/base/addr.js';
import { compileFib6, type Fib6 } from '../src/fib/fib6.js';
import { compileFib, type DevConf, type FibResult, type Flow } from '../src/fib/index.js';
import { readIpAddr } from '../src/formats/ip-addr.js';
import { readIpRoute } from '../src/formats/ip-route.js';
import { readIpRule } from '../src/formats/ip-rule.js';
import type { Link } from '../src/link/model.js';
import type { NetDevice } from '../src/packet/types.js';

interface FibEvent {
  readonly table: number;
  readonly iif: string | null;
  readonly oif: string | null;
  readonly src: string;
  readonly dst: string;
  readonly proto: number;
  readonly sport: number;
  readonly dport: number;
  readonly tos: number;
  readonly scope: number;
  readonly flags: number;
  readonly dev: string | null;
  readonly err: number;
}

const toDevice = (l: Link): NetDevice => ({
  name: l.name,
  ifindex: l.ifindex,
  kind: l.kind,
  linkType: l.linkType,
  mac: l.mac,
  mtu: l.mtu,
  up: l.flags.includes('UP'),
  carrier: l.flags.includes('LOWER_UP'),
  loopback: l.flags.includes('LOOPBACK'),
  noarp: l.flags.includes('NOARP'),
  pointToPoint: l.flags.includes('POINTOPOINT'),
  promisc: l.flags.includes('PROMISC'),
  master: l.master,
  group: /^\d+$/.test(l.group) ? Number(l.group) : 0,
});

function confOf(sysctl: Map<string, string>, family: Family): DevConf {
  const get = (name: string, key: string): number => Number(sysctl.get(`net/${family}/conf/${name}/${key}`) ?? 0);
  return { all: (key) => get('all', key), dev: get };
}

const addr = (text: string): Addr => parseAddr(text) ?? 0;

export interface Tally {
  same: number;
  /** One line each. */
  readonly differences: string[];
}
export const newTally = (): Tally => ({ same: 0, differences: [] });

interface RecordedCase {
  readonly id: string;
  readonly state: Readonly<Record<string, unknown>> & {
    readonly sysctl: Readonly<Record<string, string>>;
    readonly route_text: string;
    readonly rule_text: string;
    readonly route6_text?: string;
    readonly rule6_text?: string;
  };
  readonly steps: readonly { readonly n: number; readonly observed?: { readonly fib?: readonly FibEvent[] } }[];
}

function check4(state: { fib: ReturnType<typeof compileFib>; conf: DevConf; index: (n: string | null) => number }, e: FibEvent): string | null {
  const flow: Flow = {
    src: addr(e.src),
    dst: addr(e.dst),
    iif: state.index(e.iif),
    oif: state.index(e.oif),
    mark: 0,
    tos: e.tos,
    proto: e.proto,
    sport: e.sport,
    dport: e.dport,
    uid: 0,
    scope: e.scope,
  };
  const got: FibResult = state.fib.lookupTable(e.table, flow, state.conf);
  const err = -got.errno;
  return err === e.err && (err !== 0 || got.dev?.name === e.dev) ? null : `${err} ${got.dev?.name}`;
}

function check6(state: { fib6: Fib6; conf6: DevConf; index: (n: string | null) => number }, e: FibEvent): string | null {
  const iif = state.index(e.iif);
  const flow: Flow = {
    src: addr(e.src),
    dst: addr(e.dst),
    iif,
    oif: state.index(e.oif),
    mark: 0,
    tos: e.tos,
    proto: e.proto,
    sport: e.sport,
    dport: e.dport,
    uid: 0,
    scope: 0,
  };
  // Whether the device must match is no part of the event: either reading may have been the kernel's.
  const answers = [true, false].map((strict) => state.fib6.lookupTable(e.table, flow, state.conf6, strict));
  const ok = answers.some((a) => (a.route === null ? e.err === -113 && e.dev === 'lo' : -a.errno === e.err && a.dev?.name === e.dev));
  return ok ? null : answers.map((a) => `${a.errno} ${a.dev?.name}`).join(' | ');
}

/** Looks up every event of a case again. */
export function replayCase(c: RecordedCase, t: Tally): void {
  const sysctl = new Map<string, string>(Object.entries(c.state.sysctl));
  const parsed = readIpAddr(JSON.stringify(c.state.addr), { file: 'addr' }).value;
  const devices = parsed.links.map(toDevice);
  const byName = new Map(devices.map((d) => [d.name, d.ifindex]));
  const index = (n: string | null): number => (n === null ? 0 : (byName.get(n) ?? -1));
  const routes = readIpRoute(c.state.route_text, { file: 'route', family: 'ipv4' }).value;
  const rules = readIpRule(c.state.rule_text, { file: 'rule', family: 'ipv4' }).value;
  const routes6 = readIpRoute(c.state.route6_text ?? '', { file: 'route6', family: 'ipv6' }).value;
  const rules6 = c.state.rule6_text === undefined ? null : readIpRule(c.state.rule6_text, { file: 'rule6', family: 'ipv6' }).value;
  const state = {
    fib: compileFib({ family: 'ipv4', routes, rules, addrs: parsed.addrs, devices }),
    fib6: compileFib6({ family: 'ipv6', routes: routes6, rules: rules6, addrs: parsed.addrs, devices }),
    conf: confOf(sysctl, 'ipv4'),
    conf6: confOf(sysctl, 'ipv6'),
    index,
  };
  for (const step of c.steps) {
    for (const e of step.observed?.fib ?? []) {
      const wrong = e.dst.includes(':') ? check6(state, e) : check4(state, e);
      if (wrong === null) t.same++;
      else t.differences.push(`${c.id}:${step.n} ${JSON.stringify(e)} ours: ${wrong}`);
    }
  }
}
