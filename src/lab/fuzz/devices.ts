/** Kinds of random nodes by the devices that they have. */
import type { CorpusLink } from '../../harness/conformance/corpus.js';
import type { CaseSpec } from '../case-spec.js';
import { bridgeAddresses, bridgedNat, bridgeSysctls, makeBridges, makeBridgeWires, makeBridgeWorld } from './bridge-node.js';
import { longDatagram, onWires } from './bridge-packets.js';
import { makeEbtables } from './bridge-rules.js';
import { rulesOf } from './cluster-rules.js';
import { nativePart } from './nft/native.js';
import { makeAddresses, makeLinks, makeRoutes, makeSockets, makeSysctls, makeWorld } from './node.js';
import { makeSteps } from './packets.js';
import type { Rng } from './rng.js';
import { boundSteps, makeRouteWires, marking, moreAddresses, moreRoutes, routeSysctls } from './route-node.js';
import type { Rules } from './rules.js';
import { makeSets } from './sets.js';
import { makeVxlans, makeVxlanWires, makeVxlanWorld } from './vxlan-node.js';
import { throughTunnels } from './vxlan-packets.js';

export const DEVICES = ['wires', 'routes', 'bridge', 'vxlan'] as const;
/** wires: plain wires only; routes: the same with more of routing; bridge: some are ports of bridges; vxlan: VXLAN devices besides, also as ports. */
export type Devices = (typeof DEVICES)[number];

/** What a case has besides its name and its wires. */
export type Node = Omit<CaseSpec, 'id' | 'backend' | 'family' | 'category' | 'scenario' | 'tags' | 'links'>;

/** A whole random node on wires. */
export type MakeNode = (r: Rng, wires: readonly CorpusLink[], policyRules: boolean, rules: Rules) => Node;

interface Kind {
  /** The wires of a batch. */
  readonly wires: (r: Rng) => CorpusLink[];
  readonly node: MakeNode;
}

function plainNode(r: Rng, wires: readonly CorpusLink[], policyRules: boolean, rules: Rules): Node {
  const w = makeWorld(r, wires, policyRules);
  const ip = [...makeAddresses(r, w), ...makeRoutes(r, w)];
  const sets = makeSets(r, w);
  const sockets = makeSockets(r, w);
  const made = { ...rulesOf(rules, r, w, sets), ...nativePart(rules, r, { four: w, six: null }) };
  return { ip, ...made, sysctls: makeSysctls(r, w), sockets, steps: makeSteps(r, w, sockets) };
}

function routeNode(r: Rng, wires: readonly CorpusLink[], policyRules: boolean, rules: Rules): Node {
  const w = makeWorld(r, wires, policyRules);
  const ip = [...makeAddresses(r, w), ...moreAddresses(r, w), ...moreRoutes(r, w)];
  const sets = makeSets(r, w);
  const sockets = makeSockets(r, w);
  const made = { ...rulesOf(rules, r, w, sets), ...nativePart(rules, r, { four: w, six: null }) };
  return {
    ip,
    ...made,
    rules: [...marking(r, w), ...made.rules],
    sysctls: routeSysctls(r, w, makeSysctls(r, w)),
    sockets,
    steps: boundSteps(r, w, makeSteps(r, w, sockets)),
  };
}

function bridgeNode(r: Rng, wires: readonly CorpusLink[], policyRules: boolean, rules: Rules): Node {
  const w = makeBridgeWorld(r, wires, policyRules);
  const made = makeBridges(r, w);
  const ip = [...bridgeAddresses(r, w, makeAddresses(r, w)), ...makeRoutes(r, w)];
  const sets = makeSets(r, w);
  const sockets = makeSockets(r, w);
  const loaded = { ...rulesOf(rules, r, w, sets), ...nativePart(rules, r, { four: w, six: null }, true) };
  const steps = onWires(r, w, makeSteps(r, w, sockets));
  const mtuOf = (port: string): number =>
    Number(ip.map((l) => new RegExp(`^link set ${port} mtu (\\d+)$`).exec(l)?.[1]).findLast((m) => m !== undefined) ?? 1500);
  return {
    ...made,
    ...(r.chance(25) ? { ebtables: makeEbtables(r, w) } : {}),
    ip,
    ...loaded,
    rules: [...bridgedNat(r, w), ...loaded.rules],
    sysctls: [...makeSysctls(r, w), ...bridgeSysctls(r, w)],
    sockets,
    steps: r.chance(15) ? [...steps, ...longDatagram(r, w, steps.length, mtuOf)] : steps,
  };
}

function vxlanNode(r: Rng, wires: readonly CorpusLink[], policyRules: boolean, rules: Rules): Node {
  const w = makeVxlanWorld(r, wires, policyRules);
  const made = makeVxlans(r, w);
  const ip = [...makeAddresses(r, w), ...makeRoutes(r, w)];
  const sets = makeSets(r, w);
  const sockets = makeSockets(r, w);
  const loaded = { ...rulesOf(rules, r, w, sets), ...nativePart(rules, r, { four: w, six: null }) };
  return {
    ...made,
    ip,
    ...loaded,
    sysctls: [...makeSysctls(r, w), ...bridgeSysctls(r, w)],
    sockets,
    steps: throughTunnels(r, w, onWires(r, w, makeSteps(r, w, sockets))),
  };
}

export const kinds: Readonly<Record<Devices, Kind>> = {
  wires: { wires: makeLinks, node: plainNode },
  routes: { wires: makeRouteWires, node: routeNode },
  bridge: { wires: makeBridgeWires, node: bridgeNode },
  vxlan: { wires: makeVxlanWires, node: vxlanNode },
};
