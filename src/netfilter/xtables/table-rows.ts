/** All rules of a table in columns, for checks that go through them all. */
import { ENDS, FIRST_CHAIN, NO_KIND, NOWHERE, type RuleColumns, type RuleKind, type RuleList, type XtTable } from './model.js';

export interface TableRows extends RuleColumns {
  /** The row of each chain's first rule; its others stand behind it. */
  readonly first: Uint32Array;
}

export function tableRows({ chains }: XtTable): TableRows {
  const first = new Uint32Array(chains.length);
  let columns: RuleColumns | null = null;
  for (let n = 0; n < chains.length; n++) {
    const { rules } = chains[n];
    if (rules.length === 0) continue;
    columns ??= rules.columns();
    if (columns === null || rules.columns() !== columns) return ownRows(chains.map((c) => c.rules));
    first[n] = rules.first;
  }
  return { ...(columns ?? NO_COLUMNS), first };
}

const NO_COLUMNS: RuleColumns = { kind: new Uint16Array(), kinds: [], lead: new Uint32Array(), chains: [] };

/** The same for lists that stand here and there. */
function ownRows(lists: readonly RuleList[]): TableRows {
  const size = lists.reduce((n, l) => n + l.length, 0);
  const rows = { first: new Uint32Array(lists.length), kind: new Uint16Array(size), lead: new Uint32Array(size) };
  const kinds = new Map<RuleKind, number>();
  const chains = new Map<string, number>();
  let row = 0;
  for (const [n, list] of lists.entries()) {
    rows.first[n] = row;
    for (let i = 0; i < list.length; i++, row++) {
      const jump = list.jumpOf(i);
      rows.kind[row] = kinds.size < NO_KIND ? numberOf(kinds, list.kind(i)) : NO_KIND;
      rows.lead[row] = jump !== null ? numberOf(chains, jump) + FIRST_CHAIN : list.endsChain(i) ? ENDS : NOWHERE;
    }
  }
  return { ...rows, kinds: [...kinds.keys()], chains: [...chains.keys()] };
}

function numberOf<T>(numbers: Map<T, number>, of: T): number {
  let n = numbers.get(of);
  if (n === undefined) numbers.set(of, (n = numbers.size));
  return n;
}
