/** What conntrack(8) does to a table: ctnetlink's dump, delete, create and change (nf_conntrack_netlink.c). */

import type { Conn } from './conn.js';
import { type CtEntry, entryOf, insertEntry } from './entry.js';
import type { Conntrack } from './index.js';
import { type CtSelect, selects } from './select.js';

function* chosen(ct: Conntrack, s: CtSelect): Iterable<readonly [Conn, CtEntry]> {
  const acct = ct.host.settings.nf_conntrack_acct !== 0;
  const now = ct.host.now();
  for (const c of ct.entries()) {
    const e = entryOf(c, now, acct);
    if (selects(s, e)) yield [c, e];
  }
}

export const listEntries = (ct: Conntrack, s: CtSelect): CtEntry[] => [...chosen(ct, s)].map(([, e]) => e);

/** The entries that were deleted. */
export function deleteEntries(ct: Conntrack, s: CtSelect): CtEntry[] {
  return [...chosen(ct, s)].filter(([c]) => ct.delete(c)).map(([, e]) => e);
}

/** False when one of its tuples is taken (EEXIST); `replace` (`-A`) is content with that. */
export const createEntry = (ct: Conntrack, e: CtEntry, replace: boolean): boolean => insertEntry(ct, e) !== null || replace;

export interface CtChange {
  /** New mark = (old & ~mask) ^ value. */
  readonly mark: { readonly value: number; readonly mask: number } | null;
  /** Seconds. */
  readonly timeout: number | null;
  /** IPS bits to set besides. */
  readonly status: number;
}
/** How many entries became different. */
export function updateEntries(ct: Conntrack, s: CtSelect, change: CtChange): number {
  let n = 0;
  for (const [c, e] of chosen(ct, s)) {
    const mark = change.mark === null ? c.mark : ((c.mark & ~change.mark.mask) ^ change.mark.value) >>> 0;
    const expires = change.timeout === null || change.timeout === e.timeout ? c.expires : ct.host.now() + change.timeout * 1000;
    const status = c.status | change.status;
    if (mark === c.mark && expires === c.expires && status === c.status) continue;
    c.mark = mark;
    c.expires = expires;
    c.status = status;
    n++;
  }
  return n;
}
