/** Random nodes that speak IPv4 and IPv6: the same devices, sets and sockets of both, and packets of both in turn. */
import type { CorpusLink, CorpusSocket } from '../../harness/conformance/corpus.js';
import type { RuleLine, SpecStep } from '../case-spec.js';
import { type BridgeWorld, bridgeAddresses, bridgedNat, bridgeSysctls, makeBridges, makeBridgeWorld } from './bridge-node.js';
import { onWires } from './bridge-packets.js';
import { makeEbtables } from './bridge-rules.js';
import { rulesOf } from './cluster-rules.js';
import type { MakeNode, Node } from './devices.js';
import { nativePart } from './nft/native.js';
import { HOSTS, makeAddresses, makeRoutes, makeSockets, makeSysctls, makeWorld, type World } from './node.js';
import { type OwnSteps, STEPS4, stepsOf } from './packets.js';
import type { Rng } from './rng.js';
import { makeSets, type SetPool } from './sets.js';
import * as node6 from './v6/node.js';
import { STEPS6 } from './v6/packets.js';
import { makeSets as makeSets6 } from './v6/sets.js';
import { WORDS6 } from './v6/whole.js';
import { makeVxlans, makeVxlanWorld, type Vxlan, type VxlanWorld } from './vxlan-node.js';
import { throughTunnels } from './vxlan-packets.js';

/** The devices of a node, as both families see them. */
interface Ground<W extends World> {
  world(r: Rng, wires: readonly CorpusLink[], policyRules: boolean): W;
  /** What makes devices that are no wires. */
  make(r: Rng, w: W, six: World): Pick<Node, 'devices' | 'bridge' | 'ebtables'>;
  addresses(r: Rng, w: W, lines: readonly string[]): string[];
  nat4(r: Rng, w: W): RuleLine[];
  nat6(r: Rng, w: W, six: World): RuleLine[];
  sysctls(r: Rng, w: W): [string, string][];
  steps(r: Rng, w: W, six: World, steps: readonly SpecStep[]): readonly SpecStep[];
}

const plain: Ground<World> = {
  world: makeWorld,
  make: () => ({}),
  addresses: (_r, _w, lines) => [...lines],
  nat4: () => [],
  nat6: () => [],
  sysctls: () => [],
  steps: (_r, _w, _six, steps) => steps,
};

const bridged: Ground<BridgeWorld> = {
  world: makeBridgeWorld,
  make: (r, w, six) => ({ ...makeBridges(r, w), ...(r.chance(25) ? { ebtables: makeEbtables(r, w, six) } : {}) }),
  addresses: bridgeAddresses,
  nat4: bridgedNat,
  nat6: bridgedNat6,
  sysctls: (r, w) => [...bridgeSysctls(r, w), ['net/bridge/bridge-nf-call-ip6tables', r.chance(78) ? '1' : '0']],
  steps: (r, w, six, steps) => onWires(r, w, steps, six),
};

const tunnelled: Ground<VxlanWorld> = {
  ...plain,
  world: makeVxlanWorld,
  make(r, w, six) {
    const made = makeVxlans(r, w);
    return { ...made, bridge: [...made.bridge, ...w.vxlans.flatMap((v) => hosts6(r, w, six, v))] };
  },
  sysctls: bridged.sysctls,
  steps: (r, w, six, steps) => throughTunnels(r, w, onWires(r, w, steps, six)),
};

/** Where a tunnel's hosts of IPv6 are. */
function hosts6(r: Rng, w: VxlanWorld, six: World, v: Vxlan): string[] {
  const net = six.nets[w.links.findIndex((l) => l.name === v.link.name)] ?? six.nets[0];
  const at = (h: string): string => `fdb append ${node6.macOf(`${net}::${h}`)} dev ${v.link.name} dst ${w.nets[v.under]}.${r.pick(HOSTS)}`;
  return node6.HOSTS.flatMap((h) => (r.chance(60) ? [at(h)] : []));
}

/** The same as of IPv4: what is bridged goes to another host of the bridge, or to the node. */
function bridgedNat6(r: Rng, w: BridgeWorld, six: World): RuleLine[] {
  const out: RuleLine[] = [];
  for (let n = r.chance(35) ? r.between(1, 2) : 0; n > 0; n--) {
    const net = six.nets[r.pick(w.bridges).at];
    const from = `-A PREROUTING -d ${net}::${r.chance(50) ? '/64' : r.pick(node6.HOSTS)}${r.chance(50) ? ` -p ${r.pick(['tcp', 'udp', 'ipv6-icmp'])}` : ''}`;
    const to = r.pick([`DNAT --to-destination ${net}::${r.pick(node6.HOSTS)}`, `DNAT --to-destination ${r.pick(six.addrs)}`, 'REDIRECT']);
    out.push({ table: 'nat', text: `${from} -j ${to}` });
    if (r.chance(30)) out.push({ table: 'nat', text: `-A POSTROUTING -s ${net}::/64 -j ${r.pick(['MASQUERADE', `SNAT --to-source ${r.pick(six.own)}`])}` });
  }
  return out;
}

/** Kinds of nodes by their devices; `routes` is of one family at a time. */
export const BOTH = { wires: node(plain), bridge: node(bridged), vxlan: node(tunnelled) };

function node<W extends World>(g: Ground<W>): MakeNode {
  return (r, wires, policyRules, rules) => {
    const w = g.world(r, wires, policyRules);
    const six = { ...node6.makeWorld(r, w.links, policyRules), ...(w.ports ? { ports: w.ports } : {}) };
    const made = g.make(r, w, six);
    const ip4 = [...g.addresses(r, w, makeAddresses(r, w)), ...makeRoutes(r, w)];
    const ip = [...node6.makeAddresses(r, six), ...node6.makeRoutes(r, six)];
    const [sets, sets6] = setsOfBoth(r, w, six);
    const sockets = socketsOfBoth(r, w, six);
    const four = rulesOf(rules, r, w, sets);
    const sixth = rulesOf(rules, r, six, sets6, WORDS6);
    return {
      ...made,
      ...nativePart(rules, r, { four: w, six }, w.ports !== undefined),
      ip,
      ip4,
      sets: [...four.sets, ...sixth.sets.filter((l) => !four.sets.includes(l))],
      chains: sixth.chains,
      rules: [...g.nat6(r, w, six), ...sixth.rules],
      chains4: four.chains,
      rules4: [...g.nat4(r, w), ...four.rules],
      sysctls: [...new Map([...makeSysctls(r, w), ...node6.makeSysctls(r, six), ...g.sysctls(r, w)])],
      sockets,
      steps: g.steps(r, w, six, stepsOf(stepsOfBoth(w, six), r, w, sockets)),
    };
  };
}

/** Sets of either family, and now and then a list of both that the rules of both ask. */
function setsOfBoth(r: Rng, w: World, w6: World): [SetPool, SetPool] {
  const sets = makeSets(r, w);
  const six = renamed(makeSets6(r, w6), '6');
  const [some, more] = [sets, six].map((p) => p.sets.filter((s) => !p.lines.some((l) => l.startsWith(`create ${s.name} list:set`))));
  if (some.length === 0 || more.length === 0 || !r.chance(40)) return [sets, six];
  const [a, b] = [r.pick(some), r.pick(more)];
  const list = { name: 'BOTH', dims: Math.max(a.dims, b.dims), mac: a.mac || b.mac, counters: false, skbinfo: false };
  const lines = [...sets.lines, ...six.lines, 'create BOTH list:set size 8', `add BOTH ${a.name}`, `add BOTH ${b.name}`];
  return [
    { sets: [...sets.sets, list], lines },
    { sets: [...six.sets, list], lines },
  ];
}

const renamed = (p: SetPool, end: string): SetPool => ({
  sets: p.sets.map((s) => ({ ...s, name: `${s.name}${end}` })),
  lines: p.lines.map((l) => l.replace(/\bS\d\b/g, (name) => `${name}${end}`)),
});

/** Now and then a port of both. */
function socketsOfBoth(r: Rng, w: World, w6: World): CorpusSocket[] {
  const first = makeSockets(r, w);
  const more = makeSockets(r, w6, '::').map((s) => (first.length > 0 && r.chance(40) ? { ...s, proto: first[0].proto, port: first[0].port } : s));
  const used = new Set<string>();
  const once = more.filter((s) => !used.has(`${s.proto}${s.port}`) && used.add(`${s.proto}${s.port}`));
  return [...first, ...once.map((s, i) => ({ ...s, id: `srv${first.length + i}` }))];
}

function stepsOfBoth(w: World, w6: World): OwnSteps {
  const either = (r: Rng): [OwnSteps, World] => (r.chance(50) ? [STEPS4, w] : [STEPS6, w6]);
  const of = <T>(r: Rng, make: (o: OwnSteps, w: World) => T): T => make(...either(r));
  return {
    inject: (r, _w, n) => of(r, (o, x) => o.inject(r, x, n)),
    local: (r, _w, n) => of(r, (o, x) => o.local(r, x, n)),
    fragments: (r, _w, n) => of(r, (o, x) => o.fragments(r, x, n)),
    served: (r, _w, n, s) => (s.addr.includes(':') ? STEPS6.served(r, w6, n, s) : STEPS4.served(r, w, n, s)),
    resolve: (r, _w, n) => of(r, (o, x) => o.resolve(r, x, n)),
    often: { fragments: 6, resolve: 5 },
  };
}
