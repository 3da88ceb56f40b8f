/** iptables-nft in the hooks: tracers with rule handles, and the base chains of native rule sets, which this program does not evaluate. */
import { byName, memoByIdentity } from '../base/memo.js';
import { readNftList } from '../formats/nft-list.js';
import { type Handles, handlesOf } from '../netfilter/nftables/handles.js';
import type { NftFamily, NftTable } from '../netfilter/nftables/model.js';
import { NftTracer } from '../netfilter/nftables/trace.js';
import type { NodeState } from '../scenario/model.js';
import type { HookPoint } from '../trace/event.js';
import type { HookStep } from './hook-step.js';

type IpFamily = 'ipv4' | 'ipv6';

export const nftTables = memoByIdentity((n: NodeState): readonly NftTable[] => (n.nftRuleset === null ? [] : readNftList(n.nftRuleset)));

const handles4 = memoByIdentity((n: NodeState): Handles | null => n.iptablesNft && handlesOf(n.iptablesNft, 'ipv4', nftTables(n)));
const handles6 = memoByIdentity((n: NodeState): Handles | null => n.ip6tablesNft && handlesOf(n.ip6tablesNft, 'ipv6', nftTables(n)));

/** Handles of the node's iptables-nft rules; null where it has none. */
export const nftHandles = (n: NodeState, family: IpFamily): Handles | null => (family === 'ipv4' ? handles4(n) : handles6(n));

export function nftTracer(n: NodeState, family: IpFamily): NftTracer | undefined {
  const h = nftHandles(n, family);
  return h ? new NftTracer(h) : undefined;
}

/** Does the base chain exist? iptables-nft makes only those that it is asked for; of tables that were there from the start, without a listing, all are taken to be there. */
export function hasNftChain(n: NodeState, family: IpFamily, table: string, chain: string): boolean {
  const set = family === 'ipv4' ? n.iptablesNft : n.ip6tablesNft;
  const rules = byName(set?.tables ?? [], table);
  if (rules?.hooked) return rules.hooked.includes(chain);
  const t = nftTables(n).find((x) => x.family === (family === 'ipv4' ? 'ip' : 'ip6') && x.name === table);
  if (t === undefined || byName(t.chains, chain)) return true;
  const model = byName(rules?.chains ?? [], chain);
  // Commands since the listing may have made it.
  return model !== undefined && (model.rules.length > 0 || model.policy === 'DROP');
}

const hookPoints = new Map<string, HookPoint>([
  ['prerouting', 'PREROUTING'],
  ['input', 'INPUT'],
  ['forward', 'FORWARD'],
  ['output', 'OUTPUT'],
  ['postrouting', 'POSTROUTING'],
]);

/** Families whose packets pass a base chain. */
const passing: Readonly<Record<NftFamily, readonly HookStep['family'][]>> = {
  ip: ['ipv4'],
  ip6: ['ipv6'],
  inet: ['ipv4', 'ipv6'],
  arp: [],
  bridge: ['bridge'],
  netdev: [],
};

/** Is the table what iptables-nft or ebtables-nft made of a rule set that the node has? */
function hasModel(n: NodeState, t: NftTable): boolean {
  if (t.family === 'ip') return n.iptablesNft?.tables.some((x) => x.name === t.name) ?? false;
  if (t.family === 'ip6') return n.ip6tablesNft?.tables.some((x) => x.name === t.name) ?? false;
  return t.family === 'bridge' && n.ebtables !== null;
}

/** Base chains of native nftables that could decide something: a packet that comes to one is inconclusive. */
export const nativeSteps = memoByIdentity((n: NodeState): readonly HookStep[] => {
  const out: HookStep[] = [];
  for (const t of nftTables(n)) {
    if (hasModel(n, t)) continue;
    for (const ch of t.chains) {
      const point = ch.base && hookPoints.get(ch.base.hook);
      if (!ch.base || !point || (ch.rules.length === 0 && ch.base.policy === 'accept')) continue;
      for (const family of passing[t.family]) {
        const name = `nft chain ${t.family} ${t.name} ${ch.name}`;
        out.push({
          family,
          point,
          priority: ch.base.priority,
          name,
          run: (k, f, h) => k.inconclusive(`${name}: native nftables rules are not evaluated`, k.packetCtx(f, f.skb.family, point, h.in, h.out)),
        });
      }
    }
  }
  return out;
});
