/** A rule set of nftables, as `nft -a list ruleset` shows it. Rules and sets keep their text; what they do is read from it (rule.ts, set.ts). */

export type NftFamily = 'ip' | 'ip6' | 'inet' | 'arp' | 'bridge' | 'netdev';

/** `type filter hook forward priority filter; policy drop;` */
export interface NftBaseChain {
  readonly type: string;
  readonly hook: string;
  readonly priority: number;
  readonly policy: 'accept' | 'drop';
  /** Of ingress and egress chains. */
  readonly devices?: readonly string[];
}

/** Where a text begins in its file; both count from 1. */
export interface NftPlace {
  readonly line: number;
  readonly column: number;
}

/** A class, so that edits of a scenario (immer) neither draft nor freeze it: what is made of it is kept by its identity. */
export class NftRule {
  constructor(
    /** As written, without the handle. A rule of several lines keeps them. */
    readonly text: string,
    /** Null in a listing without `-a`. */
    readonly handle: number | null,
    readonly at: NftPlace | null = null,
  ) {}
}

export interface NftChain {
  readonly name: string;
  /** Null: a chain that others jump to. */
  readonly base: NftBaseChain | null;
  readonly rules: readonly NftRule[];
  readonly handle?: number | null;
  readonly comment?: string;
  /** `flags offload`. */
  readonly flags?: string;
}

/** `set NAME { … }` or `map NAME { … }`: what stands between its braces. */
export class NftSet {
  constructor(
    readonly name: string,
    readonly kind: 'set' | 'map',
    readonly text: string,
    readonly handle: number | null,
    readonly at: NftPlace | null = null,
  ) {}
}

/** `counter NAME { … }`, `quota …`, `limit …`, `ct helper …`, `flowtable …`: what stands between its braces. */
export class NftObject {
  constructor(
    readonly name: string,
    /** 'counter', 'quota', 'limit', 'ct helper', 'ct timeout', 'ct expectation', 'secmark', 'synproxy', 'flowtable' */
    readonly kind: string,
    readonly text: string,
    readonly handle: number | null,
    readonly at: NftPlace | null = null,
  ) {}
}

export interface NftTable {
  readonly family: NftFamily;
  readonly name: string;
  readonly chains: readonly NftChain[];
  readonly sets: readonly NftSet[];
  readonly objects: readonly NftObject[];
  /** `flags dormant`: its chains are not hooked. */
  readonly dormant?: boolean;
  readonly handle?: number | null;
  readonly comment?: string;
  /** Handles of rules that were read without, or added since, as the kernel gives them out. */
  readonly numbers?: ReadonlyMap<NftRule, number>;
  /** The last handle that the table has given out. */
  readonly last?: number;
}
