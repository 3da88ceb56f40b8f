/** A whole random case from its seed. */
import type { CorpusLink } from '../../harness/conformance/corpus.js';
import type { CaseSpec } from '../case-spec.js';
import type { Backend } from '../node-state.js';
import { makeAddresses, makeLinks, makeRoutes, makeSockets, makeSysctls, makeWorld } from './node.js';
import { makeSteps } from './packets.js';
import { Rng } from './rng.js';
import { makeRules } from './rules.js';
import { makeSets } from './sets.js';

/** Cases that share their wires, and with them a bench; half of the benches have rules of policy routing, which a kernel does not quite forget. */
export const BATCH = 50;

export interface BatchSpec {
  readonly links: readonly CorpusLink[];
  readonly policyRules: boolean;
}

export function makeBatch(seed: number, batch: number): BatchSpec {
  const r = new Rng(seed * 7919 + batch);
  return { links: makeLinks(r), policyRules: r.chance(50) };
}

/** Case number `index` (from 0) of a seed. */
export function makeCase(seed: number, index: number, backend: Backend = 'legacy'): CaseSpec {
  const batch = makeBatch(seed, Math.floor(index / BATCH));
  const r = new Rng(seed * 1000003 + index);
  const w = makeWorld(r, batch.links, batch.policyRules);
  const ip = [...makeAddresses(r, w), ...makeRoutes(r, w)];
  const sets = makeSets(r, w);
  const sockets = makeSockets(r, w);
  return {
    id: `fuzz-${backend === 'nft' ? 'nft-' : ''}${seed}-${index}`,
    ...(backend === 'nft' ? { backend } : {}),
    category: 'fuzz',
    scenario: 'fuzz',
    tags: [],
    links: batch.links,
    ip,
    sets: sets.lines,
    ...makeRules(r, w, sets),
    sysctls: makeSysctls(r, w),
    sockets,
    steps: makeSteps(r, w, sockets),
  };
}
