/** The shape of an ebtables match, watcher or target: a row per option (parse, print, predicate), and what needs more than that. */
import type { PacketCtx, Pred } from '../pred.js';
import type { RuleStep } from '../xtables/extension.js';
import type { EbtGiven, EbtTableName } from './model.js';

/** One long option without dashes. `T` is the value it parses to. */
export interface EbtOptionRow<T> {
  readonly name: string;
  readonly aliases?: readonly string[];
  /** Takes no argument. */
  readonly flag?: boolean;
  /** May not be preceded by `!`. */
  readonly noInvert?: boolean;
  /** Throws OptionError with ebtables' own words. */
  readonly parse: (text: string) => T;
  /** '' for a flag. */
  readonly print: (v: T) => string;
  readonly pred?: (v: T) => Pred;
}
/** The same with its value type hidden, as tables of options hold it. */
export type EbtOption = EbtOptionRow<unknown>;
export const ebtOption = <T>(row: EbtOptionRow<T>): EbtOption => row as unknown as EbtOption;

export interface EbtMatchDef {
  readonly name: string;
  /** Kernel source file. */
  readonly kernel: string;
  /** `-p` must name one of these, not negated. */
  readonly protos?: readonly (number | 'length')[];
  readonly protoName?: string;
  readonly options: readonly EbtOption[];
  /** Further checks and defaults: returns the options as they are kept and printed. Throws OptionError. */
  readonly finish?: (given: readonly EbtGiven[]) => readonly EbtGiven[];
  /** Absent: all options' predicates. */
  readonly steps?: (given: readonly EbtGiven[]) => readonly RuleStep[];
  /** Watchers (log, nflog) print behind the matches. */
  readonly watcher?: boolean;
}

export interface EbtTargetDef {
  readonly name: string;
  readonly kernel: string;
  readonly tables?: readonly EbtTableName[];
  readonly protos?: readonly number[];
  readonly protoName?: string;
  readonly options: readonly EbtOption[];
  readonly finish?: (given: readonly EbtGiven[]) => readonly EbtGiven[];
  /** The option that names the verdict; its default stands in `finish`. */
  readonly verdict: string;
  readonly defaultVerdict: 'ACCEPT' | 'DROP';
  /** Acts on the frame; false: the rule goes on as if it had said CONTINUE. */
  readonly act: (given: readonly EbtGiven[]) => (c: PacketCtx) => boolean;
}

export const givenValue = (given: readonly EbtGiven[], option: string): unknown => given.find((g) => g.option === option)?.value;
