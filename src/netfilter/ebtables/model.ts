/** The native rule model of ebtables: plain readonly data. What ebtables-save prints and ebtables(8) edits. */
import type { Mac } from '../../base/addr.js';
import type { Span } from '../../base/diagnostic.js';

export type EbtVerdict = 'ACCEPT' | 'DROP' | 'RETURN' | 'CONTINUE';
export type EbtTableName = 'broute' | 'nat' | 'filter';

export interface EbtMac {
  readonly mac: Mac;
  readonly mask: Mac;
  readonly invert: boolean;
}
/** Device name; `+` at the end is a wildcard. */
export interface EbtIface {
  readonly name: string;
  readonly invert: boolean;
}
/** `-p`: an Ethernet type, or 'length' for 802.3 frames that carry a length instead. */
export interface EbtProto {
  readonly type: number | 'length';
  readonly invert: boolean;
}

/** One option as given, value parsed by the option's own row. */
export interface EbtGiven {
  readonly option: string;
  readonly invert: boolean;
  readonly value: unknown;
}
/** Options of one match or watcher, in the order in which its table of options prints them. */
export interface EbtMatch {
  /** Name of a row of ebtables/match: 'ip', 'arp', 'limit', … */
  readonly name: string;
  readonly given: readonly EbtGiven[];
}

export type EbtTarget =
  | { readonly kind: 'verdict'; readonly verdict: EbtVerdict }
  | { readonly kind: 'jump'; readonly chain: string }
  | { readonly kind: 'extension'; readonly name: string; readonly given: readonly EbtGiven[] };

export interface EbtRule {
  readonly proto: EbtProto | null;
  readonly src: EbtMac | null;
  readonly dst: EbtMac | null;
  readonly in: EbtIface | null;
  readonly out: EbtIface | null;
  readonly logicalIn: EbtIface | null;
  readonly logicalOut: EbtIface | null;
  readonly matches: readonly EbtMatch[];
  readonly target: EbtTarget;
  readonly counters: { readonly packets: number; readonly bytes: number };
  /** Options that are not known: kept as text; a frame that reaches the rule is inconclusive. */
  readonly unknown: string | null;
  readonly span: Span | null;
}

export interface EbtChain {
  readonly name: string;
  /** User chains have one as well: RETURN unless stated. */
  readonly policy: EbtVerdict;
  readonly rules: readonly EbtRule[];
}

export interface EbtTable {
  readonly name: EbtTableName;
  /** Built-in chains first. */
  readonly chains: readonly EbtChain[];
}

export interface EbtRuleset {
  /** ebtables-nft and ebtables-legacy hang the OUTPUT chains at different priorities. */
  readonly backend: 'nft' | 'legacy';
  readonly tables: readonly EbtTable[];
}

export const ebtBuiltin: Readonly<Record<EbtTableName, readonly string[]>> = {
  broute: ['BROUTING'],
  nat: ['PREROUTING', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
};
const EBT_TABLES: readonly EbtTableName[] = ['broute', 'nat', 'filter'];

export const isEbtTable = (name: string): name is EbtTableName => (EBT_TABLES as readonly string[]).includes(name);
