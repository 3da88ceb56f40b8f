/** What a rule set of nft counts: the same of a listing as of a run. */
import type { NftChain, NftObject, NftRule, NftTable } from '../../netfilter/nftables/model.js';
import { type SetDef, setNamed } from '../../netfilter/nftables/set.js';

/** What a run has made of it; undefined: what the text says. */
export interface NftCounted {
  readonly rule: (r: NftRule) => number | undefined;
  readonly object: (o: NftObject) => number | undefined;
  /** Elements. */
  readonly set: (d: SetDef) => number | undefined;
}
const LISTED: NftCounted = { rule: () => undefined, object: () => undefined, set: () => undefined };

/** Packets that the first counter of a text says; null: it has none. */
const packets = (text: string, word: RegExp): number | null => {
  const m = word.exec(text.replace(/"[^"]*"/g, '""'));
  return m && Number(m[1]);
};

/**
 * By `family table:chain:N` the packets of the first counter of a rule, by `family table:NAME` those of a counter of that name, by `family table:@NAME` the
 * elements of a set that packets may change. Chains of iptables-nft count elsewhere. Zeros are left out.
 */
export function nftCounts(tables: readonly NftTable[], isNative: (t: NftTable, c: NftChain) => boolean, live: NftCounted = LISTED): Map<string, number> {
  const out = new Map<string, number>();
  const put = (key: string, n: number | null): void => {
    if (n !== null && n !== 0) out.set(key, n);
  };
  for (const t of tables) {
    const at = `${t.family} ${t.name}`;
    for (const c of t.chains)
      for (const [i, r] of (isNative(t, c) ? c.rules : []).entries())
        put(`${at}:${c.name}:${i + 1}`, live.rule(r) ?? packets(r.text, /\bcounter packets (\d+) bytes/));
    for (const o of t.objects) if (o.kind === 'counter') put(`${at}:${o.name}`, live.object(o) ?? packets(o.text, /\bpackets (\d+) bytes/));
    for (const s of t.sets) {
      const def = /\bdynamic\b/.test(s.text) ? setNamed(t, s.name) : undefined;
      if (def) put(`${at}:@${s.name}`, live.set(def) ?? def.elements.length);
    }
  }
  return out;
}
