/** What a command line becomes, what it needs to know, and how it is refused. */
import type { Family } from '../../base/addr.js';
import type { Instances } from './instances.js';
import type { XtCounters } from './model.js';
import type { ParsedRule } from './rule-list.js';

/** Refused, in the tool's words; `word` is the index of the word to point at. */
export class CommandError extends Error {
  constructor(
    message: string,
    readonly word: number,
    readonly code: string = 'iptables-syntax',
    readonly hint?: string,
  ) {
    super(message);
  }
}

/** `-6` for iptables or `-4` for ip6tables: a restore skips such a line, the command refuses it. */
export class OtherFamily extends Error {}

export type CommandLetter = 'A' | 'C' | 'D' | 'E' | 'F' | 'I' | 'L' | 'N' | 'P' | 'R' | 'S' | 'X' | 'Z' | 'V' | 'h';

export interface Command {
  readonly letter: CommandLetter;
  /** null: all chains (-F, -Z, -X, -L, -S). */
  readonly chain: string | null;
  /** -E. */
  readonly newName: string | null;
  /** -P. */
  readonly policy: string | null;
  /** -I, -R, -D, -Z by number, from 1; null where none was given. */
  readonly number: number | null;
  /** One a pair of `-s` and `-d` addresses. */
  readonly rules: readonly ParsedRule[];
  /** -t, null where not given. */
  readonly table: string | null;
  readonly counters: XtCounters | null;
}

export interface CommandContext {
  readonly family: Family;
  /** The table unless `-t` says otherwise. */
  readonly table: string;
  /** Is it a user chain of that table? */
  readonly isChain: (table: string, name: string) => boolean;
  /** 'keep': an unknown extension stands in the rule as text. 'refuse': as the tools do. */
  readonly unknown: 'keep' | 'refuse';
  /** Of the whole load. */
  readonly instances: Instances;
  /** The restore file; null: a command of its own. */
  readonly file: string | null;
  readonly line: number;
  readonly length: number;
  readonly onWarning?: (message: string, word: number) => void;
}

export const MAX_CHAIN_NAME = 28;
