/** Changes to a node's native rule sets that are tried on the model. */
import type { NftChain, NftTable } from '../../netfilter/nftables/model.js';
import { NftRule, NftSet } from '../../netfilter/nftables/model.js';
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
export const removeTable =
  (t: TableName): NodeEdit =>
  (n) =>
    withTables(
      n,
      nftTables(n).filter((x) => x.family !== t.family || x.name !== t.name),
    );
/** Its base chain is taken out of the hook. */
export const unhookChain = (t: TableName, chain: string): NodeEdit => inChain(t, chain, (c) => ({ ...c, base: null }));
export const setPolicy = (t: TableName, chain: string, policy: 'accept' | 'drop'): NodeEdit =>
  inChain(t, chain, (c) => (c.base ? { ...c, base: { ...c.base, policy } } : c));

/** `num` counts from 1: the rule has that number then. */
export const insertRule = (t: TableName, chain: string, num: number, text: string): NodeEdit =>
  inChain(t, chain, (c) => ({ ...c, rules: c.rules.toSpliced(num - 1, 0, new NftRule(text, null)) }));
export const removeRule = (t: TableName, chain: string, num: number): NodeEdit => inChain(t, chain, (c) => ({ ...c, rules: c.rules.toSpliced(num - 1, 1) }));
export const replaceRule = (t: TableName, chain: string, num: number, text: string): NodeEdit =>
  inChain(t, chain, (c) => ({ ...c, rules: c.rules.toSpliced(num - 1, 1, new NftRule(text, null)) }));

const inSet = (t: TableName, set: string, edit: (text: string) => string): NodeEdit =>
  inTable(t, (x) => ({ ...x, sets: x.sets.map((s) => (s.name === set ? new NftSet(s.name, s.kind, edit(s.text), s.handle, s.at) : s)) }));
const ELEMENTS = /elements\s*=\s*\{/;
/** `element`: as nft writes it, `10.0.0.1`, `80 : accept`. */
export const addElement = (t: TableName, set: string, element: string): NodeEdit =>
  inSet(t, set, (text) => (ELEMENTS.test(text) ? text.replace(ELEMENTS, (m) => `${m} ${element},`) : `${text}\n\t\telements = { ${element} }\n`));
/** Replaces what stands between the braces. */
export const setElements = (t: TableName, set: string, elements: readonly string[]): NodeEdit =>
  inSet(t, set, (text) => text.replace(/elements\s*=\s*\{[\s\S]*\}/, elements.length === 0 ? '' : `elements = { ${elements.join(', ')} }`));
/** Elements as written; null where the set has no list. */
export function elementsOf(text: string): string[] {
  const m = /elements\s*=\s*\{([\s\S]*)\}/.exec(text);
  return m
    ? m[1]
        .split(',')
        .map((e) => e.trim())
        .filter((e) => e !== '')
    : [];
}
