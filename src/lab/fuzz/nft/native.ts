/** Whole random rule sets of nft: one or more tables, of every kind or in the shape of a program's. */
import type { CaseSpec } from '../../case-spec.js';
import type { Rng } from '../rng.js';
import type { Rules } from '../rules.js';
import { calico, firewalld, hostFirewall, marks, routerNat } from './firewalls.js';
import { kubeProxy } from './kube.js';
import { randomTable } from './random.js';
import type { NftText } from './text.js';
import type { NftWorld } from './words.js';

/** The part of a case that holds them, where its rules are to be of this kind. */
export const nativePart = (kind: Rules, r: Rng, w: NftWorld, bridged = false): Pick<CaseSpec, 'nft' | 'nftFirst'> =>
  kind === 'nft' ? { nft: nativeRules(r, w, bridged), nftFirst: r.chance(50) } : {};

/** Lines of `nft -f`. `bridged`: the node has bridges, whose own family may have a table, too. */
function nativeRules(r: Rng, w: NftWorld, bridged = false): readonly string[] {
  const families = [...(w.four ? ([4] as const) : []), ...(w.six ? ([6] as const) : [])];
  const f = r.pick(families);
  const shapes = r.weighed<() => readonly NftText[]>([
    [46, () => randoms(r, w)],
    [10, () => [hostFirewall(r, w), ...(r.chance(50) ? [routerNat(r, w)] : [])]],
    [8, () => [routerNat(r, w), ...(r.chance(40) ? [marks(r, w)] : [])]],
    [12, () => families.map((x) => kubeProxy(r, w, x))],
    [8, () => [firewalld(r, w), ...(r.chance(30) ? [routerNat(r, w)] : [])]],
    [8, () => [calico(r, w, f), ...(r.chance(50) ? [kubeProxy(r, w, f)] : [])]],
    [8, () => [marks(r, w), ...(r.chance(50) ? randoms(r, w) : [])]],
  ])();
  const bridge = bridged && r.chance(40) ? [randomTable(r, w, 'bridge', 'ports')] : [];
  return [...shapes, ...bridge].flatMap((t) => t.lines());
}

function randoms(r: Rng, w: NftWorld): NftText[] {
  const own = w.four && w.six ? (['ip', 'ip6'] as const) : w.four ? (['ip'] as const) : (['ip6'] as const);
  const family = r.chance(65) ? 'inet' : r.pick(own);
  // iptables-nft takes tables of its names for its own.
  const out = [randomTable(r, w, family, family === 'inet' ? 'filter' : 'rules')];
  if (r.chance(45)) out.push(randomTable(r, w, r.chance(45) ? 'inet' : r.pick(own), 'more'));
  return out;
}
