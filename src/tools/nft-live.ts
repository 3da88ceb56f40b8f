/** What a run has made of a node's nftables: counters of rules and by name, elements that packets added. */
import type { NftLive } from '../formats/nft-print.js';
import { withNumbers } from '../formats/nft-print.js';
import { NftObject } from '../netfilter/nftables/model.js';
import { ruleInstances } from '../netfilter/nftables/rule.js';
import type { Counted } from '../netfilter/nftables/stmt/counter.js';
import type { NodeRun } from '../stack/node-run.js';

const counted = (v: unknown): Counted | null => (typeof v === 'object' && v !== null && 'packets' in v && 'bytes' in v ? (v as Counted) : null);

export const liveNft = (n: NodeRun): NftLive => ({
  rule: (_, r) => (ruleInstances(r).size === 0 ? r.text : withNumbers(r.text, (offset, said) => counted(n.kept(ruleInstances(r).get(offset))) ?? said)),
  set: (_, s) => s,
  object: (_, o) => {
    const c = o.kind === 'counter' ? counted(n.kept(o)) : null;
    if (!c) return o;
    const comment = /comment\s+"[^"]*"/.exec(o.text)?.[0];
    return new NftObject(o.name, o.kind, `${comment === undefined ? '' : `${comment}\n`}packets ${c.packets} bytes ${c.bytes}`, o.handle, o.at);
  },
});

/** `reset counter`, `reset quotas`: objects count from nothing again. */
export function resetObjects(
  n: NodeRun,
  resets: readonly { readonly family: string; readonly table: string; readonly kind: string; readonly name: string | null }[],
): void {
  for (const { family, table, kind, name } of resets)
    for (const t of n.given.nftRuleset ?? [])
      for (const o of t.family === family && t.name === table ? t.objects : [])
        if (o.kind === kind && (name === null || o.name === name)) {
          const c = n.state(o, (): Counted => ({ packets: 0, bytes: 0 }));
          c.packets = 0;
          c.bytes = 0;
        }
}
