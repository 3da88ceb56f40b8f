/** What `nft -a list ruleset` says about tables, chains and rules: places and handles, not what a rule does. */

export type NftFamily = 'ip' | 'ip6' | 'inet' | 'arp' | 'bridge' | 'netdev';

/** `type filter hook forward priority filter; policy drop;` */
export interface NftBaseChain {
  readonly type: string;
  readonly hook: string;
  readonly priority: number;
  readonly policy: 'accept' | 'drop';
}

export interface NftRule {
  /** The rule as listed, without the handle. */
  readonly text: string;
  /** Null in a listing without `-a`. */
  readonly handle: number | null;
}

export interface NftChain {
  readonly name: string;
  /** Null: a chain that others jump to. */
  readonly base: NftBaseChain | null;
  readonly rules: readonly NftRule[];
}

export interface NftTable {
  readonly family: NftFamily;
  readonly name: string;
  readonly chains: readonly NftChain[];
}
