/** What a run has changed of a node's own state, as the tools would show it now: members that rules added to sets, neighbours and bridge addresses that were learnt. */

import { bridgePlans } from '../link/bridge.js';
import type { FdbEntry, Neigh } from '../link/model.js';
import type { NodeState } from '../scenario/model.js';
import { bridgeState } from '../stack/bridges.js';
import type { NodeRun } from '../stack/node-run.js';
import { settledNft } from './nft-live.js';
import type { RunPart } from './tool.js';

const sameItems = <T>(a: readonly T[], b: readonly T[]): boolean => a.length === b.length && a.every((x, i) => x === b[i]);

/** The node's state with these parts as they are now; the given object itself where the run changed nothing of them. */
export function settled(n: NodeRun, parts: readonly RunPart[]): NodeState {
  let s = n.given;
  for (const p of parts) {
    if (p === 'sets') {
      const sets = n.sets.snapshot();
      if (!sameItems(sets, s.sets)) s = { ...s, sets };
    } else if (p === 'nft') s = settledNft(n, s);
    else if (p === 'neighs') {
      const neighs = neighsNow(n);
      if (!sameItems(neighs, s.neighs)) s = { ...s, neighs };
    } else {
      const fdb = fdbNow(n);
      if (!sameItems(fdb, s.fdb)) s = { ...s, fdb };
    }
  }
  return s;
}

/** `ip neigh`: what was given, and behind it what was learnt or asked for in vain. */
function neighsNow(n: NodeRun): readonly Neigh[] {
  const out = [...n.given.neighs];
  for (const [dev, dst, mac] of n.neigh.entries()) {
    const at = out.findIndex((e) => e.dev === dev && e.dst === dst && !e.proxy);
    if (at >= 0 && out[at].lladdr === mac) continue;
    const entry: Neigh = {
      dev,
      family: typeof dst === 'number' ? 'ipv4' : 'ipv6',
      dst,
      lladdr: mac,
      state: [mac === null ? 'INCOMPLETE' : 'REACHABLE'],
      proxy: false,
      router: at >= 0 && out[at].router,
    };
    if (at >= 0) out[at] = entry;
    else out.push(entry);
  }
  return out;
}

/** `bridge fdb`: what was given, and what bridges learnt. */
function fdbNow(n: NodeRun): readonly FdbEntry[] {
  const out = [...n.given.fdb];
  for (const plan of bridgePlans(n.given.links, n.given.fdb).values()) {
    for (const [mac, fact] of bridgeState(n, plan).entries()) {
      const dev = fact.port ?? plan.name;
      const at = out.findIndex((e) => e.mac === mac && e.vlan === null && !e.flags.includes('self') && (e.master === plan.name || e.dev === plan.name));
      if (at >= 0 && out[at].dev === dev) continue;
      const state = fact.local ? 'permanent' : fact.updated === null ? 'static' : '';
      const entry: FdbEntry = { mac, dev, master: plan.name, dst: null, vlan: null, state, flags: [], port: null, vni: null, via: null };
      if (at >= 0) out[at] = entry;
      else out.push(entry);
    }
  }
  return out;
}
