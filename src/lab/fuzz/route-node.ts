/** Random nodes whose routing is the hard part: addresses of every scope, routes with all that they may say, rules by mark, wires without a far end. */
import type { CorpusLink, LocalStep } from '../../harness/conformance/corpus.js';
import type { RuleLine, SpecStep } from '../case-spec.js';
import { HOSTS, makeLinks, makeRoutes, REMOTE, type World } from './node.js';
import type { Rng } from './rng.js';

/** A wire may lack its far end: no carrier. */
export function makeRouteWires(r: Rng): CorpusLink[] {
  const links = makeLinks(r);
  return links.map((l, i) => (i > 1 && r.chance(40) ? { ...l, up: false } : l));
}

export function moreAddresses(r: Rng, w: World): string[] {
  const out: string[] = [];
  for (const [i, l] of w.links.entries()) {
    const dev = `dev ${l.name}`;
    if (r.chance(15)) out.push(`addr add 198.51.100.${i + 1} peer 198.51.100.${r.pick([9, 77])}/32 ${dev}`);
    if (r.chance(15)) out.push(`addr add 198.18.${i}.1/24 ${dev} scope ${r.pick(['link', 'host', 'global'])}`);
    if (r.chance(12)) out.push(`addr add ${w.nets[i]}.200/24 ${dev} noprefixroute`);
    if (r.chance(10)) out.push(`addr add 192.0.2.${10 + i}/32 ${dev}`);
  }
  if (r.chance(12)) out.push(`addr add ${r.pick(['198.51.100.50', '10.96.0.1'])}/${r.pick([32, 24])} dev lo`);
  return out;
}

const DESTINATIONS = [
  ...REMOTE.map((a) => `${a}/32`),
  '198.51.100.0/24',
  '198.18.0.0/16',
  '192.0.2.0/24',
  '10.0.0.0/8',
  '172.16.0.0/12',
  'default',
  '0.0.0.0/1',
];

export function moreRoutes(r: Rng, w: World): string[] {
  const out = makeRoutes(r, w);
  const tables = w.policyRules ? ['', '', ' table 100', ' table 101', ' table 102'] : [''];
  for (let n = r.between(2, 6); n > 0; n--) out.push(oneRoute(r, route(r, w), r.pick(tables)));
  return out;
}

/** Of several default routes of one metric the kernel takes which it likes: these are not appended. */
const oneRoute = (r: Rng, text: string, table: string): string =>
  `route ${text.startsWith('default') ? 'add' : r.pick(['add', 'add', 'append', 'prepend'])} ${text}${table}`;

function route(r: Rng, w: World): string {
  const i = r.below(w.links.length);
  const dev = `dev ${w.links[i].name}`;
  const to = r.chance(75) ? r.pick(DESTINATIONS) : `${r.pick(w.nets)}.${r.pick(['0/24', '0/25', '128/25', '5/32', '255/32'])}`;
  const head = r.weighed<() => string>([
    [40, () => `${to} via ${w.nets[i]}.${r.pick(HOSTS)} ${dev}`],
    [14, () => `${to} via ${r.pick(['198.51.100.9', '192.0.2.77', '10.200.0.1'])} ${dev} onlink`],
    [12, () => `${to} ${dev}`],
    [8, () => `${to} ${dev} scope ${r.pick(['link', 'host', 'global'])}`],
    [8, () => `local ${to.replace('default', '10.96.0.0/24')} dev ${r.chance(60) ? 'lo' : w.links[i].name}`],
    [4, () => `broadcast ${to.replace('default', '10.96.0.255/32')} ${dev}`],
    [8, () => `${r.pick(['blackhole', 'unreachable', 'prohibit', 'throw'])} ${to}`],
    [4, () => `multicast ${to.replace('default', '239.0.0.0/8')} ${dev}`],
  ])();
  if (/^(blackhole|unreachable|prohibit|throw)/.test(head)) return head + (r.chance(30) ? ' metric 50' : '');
  const more = [
    ...(r.chance(25) ? [`src ${r.pick(w.own)}`] : []),
    ...(r.chance(15) ? [`mtu ${r.pick(['1300', 'lock 1400', '700'])}`] : []),
    ...(r.chance(15) ? [`advmss ${r.pick([536, 1000])}`] : []),
    ...(r.chance(12) ? [`hoplimit ${r.pick([7, 200])}`] : []),
    ...(r.chance(25) ? [`metric ${r.pick([1, 50, 100, 4096])}`] : []),
    ...(r.chance(8) ? [`tos ${r.pick(['0x10', '0x08'])}`] : []),
    ...(r.chance(8) ? [`realm ${r.pick([1, 2])}`] : []),
    ...(r.chance(10) ? ['proto static'] : []),
  ];
  return [head, ...more].join(' ');
}

/** Settings that decide about sources, more often than otherwise. */
export function routeSysctls(r: Rng, w: World, usual: readonly [string, string][]): [string, string][] {
  const out = new Map(usual);
  for (const d of ['all', ...w.links.map((l) => l.name)]) {
    const set = (k: string, percent: number, values: readonly string[]): void => {
      if (r.chance(percent)) out.set(`net/ipv4/conf/${d}/${k}`, r.pick(values));
    };
    set('rp_filter', 45, ['0', '1', '2']);
    set('src_valid_mark', 35, ['0', '1']);
    set('ignore_routes_with_linkdown', 15, ['0', '1']);
    set('arp_filter', 10, ['0', '1']);
    set('proxy_arp', 8, ['0', '1']);
    set('accept_local', 12, ['0', '1']);
  }
  return [...out];
}

/** Marks that rules of policy routing ask for, kept in the connection. */
export function marking(r: Rng, w: World): RuleLine[] {
  const out: RuleLine[] = [];
  const mark = (): string => r.pick(['0x1', '0x2', '0x4000/0x4000', '0x10']);
  if (r.chance(45)) out.push({ table: 'mangle', text: '-A PREROUTING -j CONNMARK --restore-mark' });
  if (r.chance(45)) out.push({ table: 'mangle', text: `-A PREROUTING -i ${r.pick(w.links).name} -m conntrack --ctstate NEW -j MARK --set-mark ${mark()}` });
  if (r.chance(45)) out.push({ table: 'mangle', text: '-A PREROUTING -j CONNMARK --save-mark' });
  if (r.chance(40)) out.push({ table: 'mangle', text: '-A OUTPUT -j CONNMARK --restore-mark' });
  if (r.chance(35)) out.push({ table: 'mangle', text: `-A OUTPUT${r.chance(60) ? ` -p ${r.pick(['tcp', 'udp', 'icmp'])}` : ''} -j MARK --set-mark ${mark()}` });
  return out;
}

/** Programs that bind to devices and addresses, or mark what they send. Nothing comes in where there is no far end. */
export function boundSteps(r: Rng, w: World, steps: readonly SpecStep[]): SpecStep[] {
  const live = new Set(w.links.filter((l) => l.up).map((l) => l.name));
  return steps.flatMap((s): SpecStep[] => (s.kind === 'local' ? [r.chance(60) ? bound(r, w, s) : s] : s.kind === 'inject' && !live.has(s.dev) ? [] : [s]));
}

/** The lab's TCP sockets take an address alone, and what has options is sent by root. */
function bound(r: Rng, w: World, s: LocalStep): LocalStep {
  const out = {
    ...s,
    ...(r.chance(25) ? { src: r.pick(w.own) } : {}),
    ...(r.chance(20) ? { dst: r.pick(['198.51.100.9', '198.18.0.9', '192.0.2.10', '10.96.0.5', '127.0.0.1', '255.255.255.255']) } : {}),
  };
  if (s.proto === 'tcp') return out;
  const options = {
    ...(r.chance(45) ? { device: r.chance(90) ? r.pick(w.links).name : 'lo' } : {}),
    ...(r.chance(35) ? { mark: r.pick([1, 2, 0x10, 0x4000]) } : {}),
    ...(r.chance(20) ? { tos: r.pick([0x10, 0x08]) } : {}),
  };
  if (Object.keys(options).length === 0) return out;
  const { uid: _uid, ...rooted } = out;
  return { ...rooted, ...options };
}
