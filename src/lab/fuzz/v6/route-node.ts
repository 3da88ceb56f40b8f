/** Random nodes of IPv6 whose routing is the hard part: more kinds of addresses and routes, proxies of neighbour discovery, next hops that are gone. */
import type { CorpusLink, InjectStep } from '../../../harness/conformance/corpus.js';
import { ethernet } from '../../follow.js';
import { rulesOf } from '../cluster-rules.js';
import type { MakeNode } from '../devices.js';
import { nativePart } from '../nft/native.js';
import { makeSockets, type World } from '../node.js';
import { type OwnSteps, stepsOf } from '../packets.js';
import type { Rng } from '../rng.js';
import { marking } from '../route-node.js';
import { neighbour } from './icmp.js';
import { HOSTS, LINK_LOCAL, makeAddresses, makeRoutes, makeSysctls, makeWorld, REMOTE } from './node.js';
import { STEPS6 } from './packets.js';
import { makeSets } from './sets.js';
import { WORDS6 } from './whole.js';

export const ipv6RouteNode: MakeNode = (r, wires, policyRules, rules) => {
  const w = makeWorld(r, wires, policyRules);
  const proxied = proxies(r, w);
  const entries = proxied.map((p) => `neigh add proxy ${p.addr} dev ${p.link.name}${r.chance(20) ? ' router' : ''}`);
  const ip = [...makeAddresses(r, w), ...moreAddresses(r, w), ...entries, ...makeRoutes(r, w), ...moreRoutes(r, w)];
  const sets = makeSets(r, w);
  const sockets = makeSockets(r, w, '::');
  const made = { ...rulesOf(rules, r, w, sets, WORDS6), ...nativePart(rules, r, { four: null, six: w }) };
  const live = { ...w, links: w.links.filter((l) => l.up) };
  return {
    ip,
    ...made,
    rules: [...marking(r, w).map((l) => ({ ...l, text: l.text.replace('-p icmp', '-p ipv6-icmp') })), ...made.rules],
    sysctls: [...new Map([...makeSysctls(r, w), ...sysctls(r, w)])],
    sockets,
    steps: stepsOf(stepsWith(proxied), r, live, sockets),
  };
};

interface Proxied {
  readonly addr: string;
  readonly link: CorpusLink;
}

/** Addresses that the node answers for on a wire. */
function proxies(r: Rng, w: World): Proxied[] {
  const far = (): string => r.pick([...REMOTE, ...w.nets.flatMap((n) => HOSTS.map((h) => `${n}::${h}`))]);
  return Array.from({ length: r.between(0, 4) }, () => ({ addr: far(), link: r.pick(w.links) }));
}

function moreAddresses(r: Rng, w: World): string[] {
  const out: string[] = [];
  for (const [i, l] of w.links.entries()) {
    const dev = `dev ${l.name}`;
    if (r.chance(12)) out.push(`addr add 2001:db8:77:${i}::1 peer 2001:db8:77:${i}::2/128 ${dev}`);
    if (r.chance(15)) out.push(`addr add ${w.nets[i]}::c8/64 ${dev} noprefixroute`);
    if (r.chance(12)) out.push(`addr add fec0:${i}::1/64 ${dev}`);
    if (r.chance(12)) out.push(`addr add ${w.nets[i]}::c9/64 ${dev} metric ${r.pick([10, 512])}`);
    if (r.chance(8)) out.push(`addr add ::ffff:10.9.${i}.1/128 ${dev}`);
  }
  return out;
}

const DESTINATIONS = [
  ...REMOTE.map((a) => `${a}/128`),
  '2001:db8:77::/48',
  'fd00::/8',
  '2001:db8::/32',
  '2000::/3',
  'default',
  '::/1',
  'fec0::/10',
  'ff05::/16',
] as const;

function moreRoutes(r: Rng, w: World): string[] {
  const tables = w.policyRules ? ['', '', ' table 100', ' table 101', ' table 102'] : [''];
  const via = (i: number): string => `via ${r.chance(20) ? r.pick(LINK_LOCAL) : `${w.nets[i]}::${r.pick(HOSTS)}`} dev ${w.links[i].name}`;
  return Array.from({ length: r.between(2, 6) }, () => {
    const i = r.below(w.links.length);
    const dev = `dev ${w.links[i].name}`;
    const to = r.chance(75) ? r.pick(DESTINATIONS) : `${w.nets[r.below(w.nets.length)]}::${r.pick(['/64', '/65', '5/128', '4d/128', '/120'])}`;
    const head = r.weighed<() => string>([
      [40, () => `${to} ${via(i)}`],
      [12, () => `${to} via 2001:db8:99::9 ${dev} onlink`],
      [14, () => `${to} ${dev}`],
      [10, () => `local ${to.replace('default', 'fd00:10:96::/112')} dev ${r.chance(60) ? 'lo' : w.links[i].name}`],
      [4, () => `anycast ${to.replace('default', 'fd00:10:96::5')} ${dev}`],
      [8, () => `${r.pick(['blackhole', 'unreachable', 'prohibit', 'throw'])} ${to}`],
      [w.links.some((l) => !l.up) ? 20 : 0, () => `${to} ${ways(r, w, via)}`],
    ])();
    const multi = head.includes('nexthop');
    const more = [
      ...(!multi && r.chance(20) ? [`src ${r.pick(w.own)}`] : []),
      ...(r.chance(20) ? [`metric ${r.pick([1, 50, 256, 4096])}`] : []),
      ...(!multi && r.chance(12) ? [`mtu ${r.pick(['1300', 'lock 1400', '1280'])}`] : []),
      ...(r.chance(10) ? [`hoplimit ${r.pick([7, 200])}`] : []),
      ...(!multi && r.chance(10) ? [`from ${w.nets[i]}::/${r.pick([64, 120])}`] : []),
      ...(r.chance(10) ? [`pref ${r.pick(['low', 'high'])}`] : []),
    ];
    const [type, ...rest] = head.split(' nexthop ');
    const text = multi ? [type, ...more, ...rest.map((x) => `nexthop ${x}`)].join(' ') : [head, ...more].join(' ');
    return `route add ${text}${multi ? '' : r.pick(tables)}`;
  });
}

/** Several next hops, of which one is usable: the kernel would choose among others by a hash of its own. */
function ways(r: Rng, w: World, via: (i: number) => string): string {
  const dead = w.links.flatMap((l, i) => (l.up ? [] : [i]));
  const alive = w.links.flatMap((l, i) => (l.up ? [i] : []));
  const hops = [r.pick(alive), ...dead].map((i) => `nexthop ${via(i)}${r.chance(30) ? ' weight 3' : ''}`);
  return (r.chance(50) ? hops : hops.reverse()).join(' ');
}

function sysctls(r: Rng, w: World): [string, string][] {
  const out: [string, string][] = [];
  for (const d of ['all', ...w.links.map((l) => l.name)]) if (r.chance(60)) out.push([`net/ipv6/conf/${d}/proxy_ndp`, '1']);
  for (const l of w.links) out.push([`net/ipv6/conf/${l.name}/ignore_routes_with_linkdown`, l.up ? r.pick(['0', '1']) : '1']);
  return out;
}

/** Neighbours also ask for what the node answers for. */
const stepsWith = (proxied: readonly Proxied[]): OwnSteps => ({
  ...STEPS6,
  resolve: (r, w, n) => (proxied.length > 0 && r.chance(65) ? asked(r, w, n, r.pick(proxied)) : STEPS6.resolve(r, w, n)),
  inject: (r, w, n) => STEPS6.inject(r, r.chance(25) && proxied.length > 0 ? { ...w, own: proxied.map((p) => p.addr) } : w, n),
  often: { fragments: 4, resolve: 14 },
});

function asked(r: Rng, w: World, n: number, p: Proxied): InjectStep {
  const link = r.chance(80) && p.link.up ? p.link : r.pick(w.links);
  const net = w.nets[w.links.indexOf(link)] ?? w.nets[0];
  // An answer to a group is given after a random time.
  let question = neighbour(r, `${net}::${r.pick(HOSTS)}`, p.addr, link);
  for (let tries = 0; question.to.startsWith('ff') && tries < 9; tries++) question = neighbour(r, `${net}::${r.pick(HOSTS)}`, p.addr, link);
  return { kind: 'inject', n, dev: link.name, frame: ethernet(link.mac, link.far_mac, question.ip) };
}
