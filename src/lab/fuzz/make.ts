/** A whole random case from its seed. */
import type { Family } from '../../base/addr.js';
import type { CorpusLink } from '../../harness/conformance/corpus.js';
import type { CaseSpec, RuleLine } from '../case-spec.js';
import type { Backend } from '../node-state.js';
import { BOTH } from './both-node.js';
import { type Devices, kinds, type MakeNode } from './devices.js';
import { Rng } from './rng.js';
import type { Rules } from './rules.js';
import { ipv6RouteNode } from './v6/route-node.js';
import { ipv6Node } from './v6/whole.js';

/** Cases that share their wires, and with them a bench; half of the benches have rules of policy routing, which a kernel does not quite forget. */
export const BATCH = 50;

/** What random nodes are like. */
export interface CaseKind {
  readonly backend: Backend;
  readonly devices: Devices;
  readonly family: Family | 'both';
  readonly rules: Rules;
}
const IDS = { ipv4: 'fuzz', ipv6: 'fuzz6', both: 'fuzz46' } as const;
const PLAIN: CaseKind = { backend: 'legacy', devices: 'wires', family: 'ipv4', rules: 'few' };

export interface BatchSpec {
  readonly links: readonly CorpusLink[];
  readonly policyRules: boolean;
}

export function makeBatch(seed: number, batch: number, devices: Devices = 'wires'): BatchSpec {
  const r = new Rng(seed * 7919 + batch);
  return { links: kinds[devices].wires(r), policyRules: r.chance(50) };
}

/** What there is: null where there is no such kind of node. */
export function maker({ family, devices }: Pick<CaseKind, 'family' | 'devices'>): MakeNode | null {
  if (family === 'ipv4') return kinds[devices].node;
  if (family === 'ipv6') return devices === 'wires' ? ipv6Node : devices === 'routes' ? ipv6RouteNode : null;
  return devices === 'routes' ? null : BOTH[devices];
}

/** Rules of nft are traced like those of iptables-nft. */
export const backendOf = (rules: Rules, asked: Backend): Backend => (rules === 'nft' ? 'nft' : asked);

/** Case number `index` (from 0) of a seed. */
export function makeCase(seed: number, index: number, kind: Partial<CaseKind> = {}): CaseSpec {
  const { devices, family, rules, ...given } = { ...PLAIN, ...kind };
  const backend = backendOf(rules, given.backend);
  const make = maker({ family, devices });
  if (make === null) throw new RangeError(`no nodes of ${family} with ${devices}`);
  const batch = makeBatch(seed, Math.floor(index / BATCH), devices);
  const r = new Rng(seed * 1000003 + index, seed);
  const made = make(r, batch.links, batch.policyRules, rules);
  const rulesName = rules === 'few' ? [] : rules === 'nft' ? ['native'] : [rules];
  const unusual = [...(backend === 'nft' && rules !== 'nft' ? ['nft'] : []), ...(devices === 'wires' ? [] : [devices]), ...rulesName];
  return {
    id: [IDS[family], ...unusual, seed, index].join('-'),
    ...(backend === 'nft' ? { backend } : {}),
    ...(family === 'ipv4' ? {} : { family }),
    category: 'fuzz',
    scenario: 'fuzz',
    tags: [],
    links: batch.links,
    ...made,
    ...(backend === 'nft' ? { rules: asNft(made.rules), ...(made.rules4 ? { rules4: asNft(made.rules4) } : {}) } : {}),
  };
}

/** iptables-nft knows no verdict QUEUE, which is the queue 0 of NFQUEUE. */
const asNft = (rules: readonly RuleLine[]): RuleLine[] => rules.map((l) => ({ ...l, text: l.text.replace(/-j QUEUE$/, '-j NFQUEUE --queue-num 0') }));
