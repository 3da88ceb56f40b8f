/**
 * The shape of an iptables extension. A match file holds everything about it: name, kernel source, families, where it is allowed, options (iptables' own),
 * parse, print (iptables-save's own text), check (the kernel's checkentry), lower (-> steps over Pred). match/mark.ts is the file to copy.
 */
import type { Addr, Family } from '../../base/addr.js';
import type { HookPoint } from '../../trace/event.js';
import type { PacketCtx, Pred } from '../pred.js';

/** One long option, as the extension's option table of iptables declares it (XTOPT_*). Mandatory, repeated, excluded options are checked from this, generically. */
export interface OptionSpec {
  /** Without dashes. */
  readonly name: string;
  /** 'none': a flag. 'optional' takes an argument only if the next word does not look like an option. */
  readonly arg: 'none' | 'required' | 'optional';
  /** Takes that many words instead of one (`--tcp-flags MASK COMP`, `--match-set NAME DIRS`); `Given.value` holds them joined by single blanks. */
  readonly words?: 2;
  /** May be preceded by `!`. */
  readonly invert?: boolean;
  /** XTOPT_MAND. */
  readonly mandatory?: boolean;
  /** XTOPT_MULTI: may be given more than once. */
  readonly multi?: boolean;
  /** Options that exclude this one / that it needs. */
  readonly excl?: readonly string[];
  readonly also?: readonly string[];
  /** Its value may be any text: parse never refuses one. */
  readonly free?: true;
  /** The option it is another spelling of (`--destination-port` of `--dport`). */
  readonly alias?: string;
}

/** An option as the user gave it. `name` is never an alias. */
export interface Given {
  readonly name: string;
  readonly value: string;
  readonly invert: boolean;
}

/** Thrown by parse/check with the tool's own words; the reader turns it into a located diagnostic. */
export class OptionError extends Error {
  constructor(
    message: string,
    /** The option to point at. */
    readonly option?: string,
    readonly hint?: string,
  ) {
    super(message);
  }
}

/** What parse and print may know of the rule around. */
export interface RuleContext {
  readonly family: Family;
  readonly table: string;
  /** `-p`: protocol number, 0 = all; and whether it was negated. */
  readonly proto: number;
  readonly protoInverted: boolean;
}

/** What the kernel's checkentry may know besides: hooks from which the rule's chain can be reached, and the sets and the like that exist. */
export interface CheckContext extends RuleContext {
  /** Hooks that reach the rule's chain (par->hook_mask). */
  readonly hooks: ReadonlySet<HookPoint>;
  /** The rule's matches as printed behind `-m`, for targets whose checkentry looks at them (TCPMSS). */
  readonly matchTexts?: readonly string[];
  /** undefined: sets are not known, do not check. */
  readonly sets?: { describe(name: string): { readonly type: string; readonly dimensions: number; readonly family: Family | 'unspec' } | undefined };
}

/** A rule is an ordered list of steps; the walker stops at the first "no". */
export type RuleStep =
  /** Pure: may be indexed, reordered by nobody. */
  | { readonly kind: 'test'; readonly pred: Pred }
  /** When `pred` says yes the packet is dropped at once (par->hotdrop). `shared`: it asks for the packet's bytes alone and is one object for all rules, so that an index asks it once. */
  | { readonly kind: 'hotdrop'; readonly pred: Pred; readonly shared?: true }
  /** Decides *and* may change state (limit, recent, statistic, quota, set counters, socket --restore-skmark). Facts behind it may not be used to skip the rule. */
  | {
      readonly kind: 'stateful';
      /** It keeps nothing for its rule: one step may stand in many rules. */
      readonly shared?: true;
      readonly name: string;
      readonly test: (c: PacketCtx) => boolean;
      readonly show: string;
      readonly had?: (c: PacketCtx) => string;
    };

export interface Extension<T> {
  readonly name: string;
  /** Kernel source file, e.g. 'net/netfilter/xt_mark.c'. */
  readonly kernel: string;
  readonly families: readonly Family[];
  /** Tables and hooks it is registered for; absent = all. */
  readonly tables?: readonly string[];
  readonly hooks?: readonly HookPoint[];
  /** Protocols that `-p` must name (par->match->proto), e.g. [6] for tcp; absent = any. */
  readonly protocols?: readonly number[];
  readonly options: readonly OptionSpec[];
  /** All options at once, after the generic checks. Throws OptionError. */
  readonly parse: (given: readonly Given[], ctx: RuleContext) => T;
  /** What iptables-save prints behind `-m name` / `-j NAME`, with a leading blank where not empty. */
  readonly print: (data: T, ctx: RuleContext) => string;
  /** The kernel's checkentry: throws OptionError with the cause. */
  readonly check?: (data: T, ctx: CheckContext) => void;
  /** True: rules with it load and print, but a packet that reaches one is inconclusive. */
  readonly unsupported?: boolean;
}

export interface MatchDef<T = unknown> extends Extension<T> {
  /** True: it holds for every packet and is not asked. */
  readonly always?: true;
  readonly lower: (data: T, ctx: RuleContext) => readonly RuleStep[];
  /** Where iptables-nft writes expressions of nf_tables in place of the xtables match: what these do. Null: this instance goes through nft_compat after all. */
  readonly lowerNft?: (data: T) => readonly RuleStep[] | null;
}

/** NF_QUEUE: to the program that listens to that queue (0..65535); `bypass`: on its way where none does. */
export interface Queued {
  readonly queue: number;
  readonly bypass: boolean;
}
export type TargetVerdict = 'CONTINUE' | 'ACCEPT' | 'DROP' | 'STOLEN' | Queued;

/** What a target does to a packet. */
export type TargetAct = (c: PacketCtx) => TargetVerdict;
/** The same with the rule's data at hand, for targets of which there are tens of thousands: a closure for each is two objects more to read on the way. */
export interface DataAct<T> {
  readonly act: (c: PacketCtx, data: T) => TargetVerdict;
  readonly data: T;
}

export interface TargetDef<T = unknown> extends Extension<T> {
  /** Acts on the packet. Must not keep state outside Env.state. */
  readonly lower: (data: T, ctx: RuleContext) => TargetAct | DataAct<T>;
  /** Conntrack is needed in the namespace because of this instance (nf_ct_netns_get in checkentry); matches have the same field. */
  readonly needsConntrack?: (data: T) => boolean;
}
export interface MatchDefWithConntrack<T = unknown> extends MatchDef<T> {
  readonly needsConntrack?: (data: T) => boolean;
}

/** Kept for types that need an address in option data. */
export type AddrRange = { readonly lo: Addr; readonly hi: Addr };
