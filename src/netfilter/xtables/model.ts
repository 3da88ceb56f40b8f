/**
 * The native rule model of iptables and ip6tables: plain readonly data, edited through what-if recipes only.
 * A chain's rules are one opaque immutable value that immer neither drafts nor freezes (it is a class); `Rule` is a view made on demand.
 */
import type { Addr, Family } from '../../base/addr.js';
import type { Span } from '../../base/diagnostic.js';
import type { MatchDefWithConntrack, TargetDef } from './extension.js';
import type { AnyExtension } from './getopt.js';

export interface XtCounters {
  readonly packets: number;
  readonly bytes: number;
}

export interface MatchInstance<T = unknown> {
  readonly def: MatchDefWithConntrack<T>;
  readonly data: T;
}

export type Target =
  /** No -j: the rule only counts. */
  | { readonly kind: 'none' }
  | { readonly kind: 'verdict'; readonly verdict: 'ACCEPT' | 'DROP' | 'RETURN' | 'QUEUE' }
  | { readonly kind: 'jump'; readonly chain: string }
  | { readonly kind: 'goto'; readonly chain: string }
  | { readonly kind: 'extension'; readonly def: TargetDef; readonly data: unknown }
  /** Parsed, but no such extension is known: kept with its text; a packet that reaches it is inconclusive. */
  | { readonly kind: 'unknown'; readonly name: string; readonly text: string };

/** Interface name test: `+` at the end of the text is a wildcard. '' = any. */
export interface IfaceMatch {
  readonly name: string;
  readonly invert: boolean;
}
export interface AddrMatch {
  readonly addr: Addr;
  readonly mask: Addr;
  readonly invert: boolean;
}

export interface Rule {
  readonly src: AddrMatch | null;
  readonly dst: AddrMatch | null;
  readonly in: IfaceMatch | null;
  readonly out: IfaceMatch | null;
  /** Protocol number; null = all. */
  readonly proto: { readonly value: number; readonly invert: boolean } | null;
  /** -f; null = not asked. */
  readonly fragment: { readonly invert: boolean } | null;
  readonly matches: readonly (MatchInstance | UnknownMatch)[];
  readonly target: Target;
  readonly counters: XtCounters;
  readonly span: Span | null;
}
/** `-m name` with options that are not known: kept with its text. */
export interface UnknownMatch {
  readonly def: null;
  readonly name: string;
  readonly text: string;
}

/** What can be said of a rule without its values; one object for many rules, so that answers that follow from it can be kept. */
export interface RuleKind {
  readonly proto: Rule['proto'];
  /** Its matches, then its target, where they are known. */
  readonly extensions: readonly AnyExtension[];
  /** Has it a match or target that is kept as text? */
  readonly hasUnknown: boolean;
}

/** Of `lead`: the rule leads nowhere in particular, to the end of its chain (RuleList.endsChain), or else to the chain of that number less FIRST_CHAIN. */
export const NOWHERE = 0;
export const ENDS = 1;
export const FIRST_CHAIN = 2;
/** Of `kind`: RuleList.kind() tells. */
export const NO_KIND = 0xffff;

/** What can be said of many rules without their values. */
export interface RuleColumns {
  /** Numbers of `kinds`, or NO_KIND. */
  readonly kind: Uint16Array;
  readonly kinds: readonly RuleKind[];
  /** NOWHERE, ENDS, or a number of `chains` (names that rules jump or go to) and FIRST_CHAIN. */
  readonly lead: Uint32Array;
  readonly chains: readonly string[];
}

/** Immutable list of rules. Editing returns a new list that shares what it can. A rule is a view: asked for again, it may be another object. */
export interface RuleList {
  readonly length: number;
  /** From 0. */
  at(i: number): Rule;
  /** Every rule, the same objects each time; they stay in memory from then on. */
  all(): readonly Rule[];
  kind(i: number): RuleKind;
  /** The chain of the table that the rule jumps or goes to. */
  jumpOf(i: number): string | null;
  /** Does no packet get behind it, whatever it looks like? A verdict without any condition. */
  endsChain(i: number): boolean;
  /** The columns in which these rules stand together, from row `first` on; null: they do not. */
  columns(): RuleColumns | null;
  readonly first: number;
  insert(i: number, rule: Rule): RuleList;
  replace(i: number, rule: Rule): RuleList;
  remove(i: number): RuleList;
}

export interface XtChain {
  readonly name: string;
  /** null for user chains. */
  readonly policy: 'ACCEPT' | 'DROP' | null;
  readonly counters: XtCounters;
  readonly rules: RuleList;
}

export type XtTableName = 'raw' | 'mangle' | 'nat' | 'filter' | 'security';

export interface XtTable {
  readonly name: XtTableName;
  /** Built-in chains first, in the kernel's order of hooks, then user chains in the order declared. */
  readonly chains: readonly XtChain[];
  /**
   * Names of the built-in chains that nf_tables has; absent: all of them. iptables-nft makes the one that a command names, and lists the others as if they were there
   * (nft_xt_builtin_init).
   */
  readonly hooked?: readonly string[];
}

/** What iptables-save prints; tables in the order of the text. A table that is not here is not loaded: it prints no trace and counts nothing. */
export interface XtRuleset {
  readonly family: Family;
  readonly tables: readonly XtTable[];
}

/** Built-in chains of each table, in the order of hook numbers. */
export const builtinChains: Readonly<Record<XtTableName, readonly string[]>> = {
  raw: ['PREROUTING', 'OUTPUT'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  security: ['INPUT', 'FORWARD', 'OUTPUT'],
};
