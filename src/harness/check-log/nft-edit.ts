/** Changes to a node's native rule sets that are tried on the model. */
import type { NftChain, NftTable } from '../../netfilter/nftables/model.js';
import { NftRule } from '../../netfilter/nftables/model.js';
import type { NodeState } from '../../scenario/model.js';
import { nftTables } from '../../stack/nft-steps.js';

export type TableName = Pick<NftTable, 'family' | 'name'>;
export type NodeEdit = (n: NodeState) => NodeState;

const withTables = (n: NodeState, tables: readonly NftTable[]): NodeState => ({ ...n, nftRuleset: tables });
const inTable =
  (name: TableName, edit: (t: NftTable) => NftTable): NodeEdit =>
  (n) =>
    withTables(
      n,
      nftTables(n).map((t) => (t.family === name.family && t.name === name.name ? edit(t) : t)),
    );
const inChain = (name: TableName, chain: string, edit: (c: NftChain) => NftChain): NodeEdit =>
  inTable(name, (t) => ({ ...t, chains: t.chains.map((c) => (c.name === chain ? edit(c) : c)) }));

/** Behind all others: of equal priorities its chains run first. */
export const addTable =
  (t: NftTable): NodeEdit =>
  (n) =>
    withTables(n, [...nftTables(n), t]);
export const addChains = (t: TableName, chains: readonly NftChain[]): NodeEdit => inTable(t, (x) => ({ ...x, chains: [...x.chains, ...chains] }));
/** Its base chain is taken out of the hook. */
export const unhookChain = (t: TableName, chain: string): NodeEdit => inChain(t, chain, (c) => ({ ...c, base: null }));

/** `num` counts from 1: the rule has that number then. */
export const insertRule = (t: TableName, chain: string, num: number, text: string): NodeEdit =>
  inChain(t, chain, (c) => ({ ...c, rules: c.rules.toSpliced(num - 1, 0, new NftRule(text, null)) }));
