/** What a run has made of a node's nftables: counters of rules and by name, elements that packets added. */
import type { NftLive } from '../formats/nft-print.js';
import { withNumbers } from '../formats/nft-print.js';
import { NftObject } from '../netfilter/nftables/model.js';
import { ruleInstances } from '../netfilter/nftables/rule.js';
import type { Counted } from '../netfilter/nftables/stmt/counter.js';
import type { Consumed } from '../netfilter/nftables/stmt/quota.js';
import type { NodeRun } from '../stack/node-run.js';
import { liveSet, settledNft as settled } from './nft-live-sets.js';

const counted = (v: unknown): Counted | null => (typeof v === 'object' && v !== null && 'packets' in v && 'bytes' in v ? (v as Counted) : null);

export const liveNft = (n: NodeRun): NftLive => ({
  rule: (_, r) => (ruleInstances(r).size === 0 ? r.text : withNumbers(r.text, (offset, said) => counted(n.kept(ruleInstances(r).get(offset))) ?? said)),
  set: (t, s) => liveSet(n, t, s),
  object: (_, o) => {
    const kept = n.kept(o);
    const c = o.kind === 'counter' ? counted(kept) : null;
    if (c) return rewritten(o, `packets ${c.packets} bytes ${c.bytes}`);
    return o.kind === 'quota' && kept !== undefined ? rewritten(o, quotaText(o.text, (kept as Consumed).bytes)) : o;
  },
});
export const settledNft = (...a: Parameters<typeof settled>): ReturnType<typeof settled> => settled(...a);

function rewritten(o: NftObject, now: string): NftObject {
  const comment = /comment\s+"[^"]*"/.exec(o.text)?.[0];
  return new NftObject(o.name, o.kind, `${comment === undefined ? '' : `${comment}\n`}${now}`, o.handle, o.at);
}
/** `over 10 mbytes used 3 kbytes` (data_unit_parse: the largest unit that leaves nothing over). */
function quotaText(text: string, used: bigint): string {
  const limit = /(?:(?:over|until)\s+)?\d+\s+[km]?bytes/.exec(text)?.[0] ?? text.trim();
  if (used === 0n) return limit;
  const [n, unit] = used % 1048576n === 0n ? [used / 1048576n, 'mbytes'] : used % 1024n === 0n ? [used / 1024n, 'kbytes'] : [used, 'bytes'];
  return `${limit} used ${n} ${unit}`;
}

/** `reset counter`, `reset quotas`: objects count from nothing again. */
export function resetObjects(
  n: NodeRun,
  resets: readonly { readonly family: string; readonly table: string; readonly kind: string; readonly name: string | null }[],
): void {
  for (const { family, table, kind, name } of resets)
    for (const t of n.given.nftRuleset ?? [])
      for (const o of t.family === family && t.name === table ? t.objects : [])
        if (o.kind === kind && (name === null || o.name === name)) {
          const c = n.state<Counted | Consumed>(o, () => (kind === 'quota' ? { bytes: 0n } : { packets: 0, bytes: 0 }));
          if ('packets' in c) Object.assign(c, { packets: 0, bytes: 0 });
          else c.bytes = 0n;
        }
}
