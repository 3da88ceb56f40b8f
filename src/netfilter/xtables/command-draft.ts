/** A command line while it is read: the words, where in them, and all that they have said so far. */
import { type CommandContext, CommandError, type CommandLetter } from './command-types.js';
import { OptionError, type RuleContext } from './extension.js';
import type { AnyExtension, Loaded } from './getopt.js';
import { readInstance } from './instances.js';
import type { MatchInstance, Target, XtCounters } from './model.js';
import type { RuleParts } from './rule-list.js';

/** The verdicts that `-j` takes besides targets and chains. */
export const VERDICTS: ReadonlySet<string> = new Set(['ACCEPT', 'DROP', 'RETURN', 'QUEUE']);

/** Value of `-s` or `-d`, not read yet. */
export interface HostWord {
  readonly text: string;
  readonly invert: boolean;
  readonly word: number;
}

/** Extension given with `-m` or `-j` that is not known here; its words are gathered as text. */
export interface UnknownExtension {
  readonly kind: 'match' | 'target';
  readonly name: string;
  text: string;
}

/** What a word of its own was the value of; `given` the option of that number of the extension loaded as number `loaded`. */
export type ValueRole = 'chain' | 'src' | 'dst' | 'in' | 'out' | 'jump' | { readonly loaded: number; readonly given: number };

/** A word that another text could stand in for without any other word being read differently. */
export interface ValueWord {
  readonly word: number;
  readonly role: ValueRole;
  readonly invert: boolean;
}

/** struct iptables_command_state and xtables_args in one. Errors are thrown as CommandError at a word. */
export class CommandDraft {
  i = 0;
  invert = false;
  letter: CommandLetter | null = null;
  chain: string | null = null;
  newName: string | null = null;
  policy: string | null = null;
  number: number | null = null;
  table: string | null = null;
  counters: XtCounters | null = null;
  /** Letters of the options given. */
  seen = '';
  /** The values so far that are words of their own. */
  readonly values: ValueWord[] = [];
  /** A value was joined to its option: `-s10.0.0.1`, `--dport=80`. */
  joined = false;
  /** The options are those of a line that passed the generic checks; only values differ. */
  checked = false;
  /** Read at the end only, as the tool does: a stray word is complained of first. */
  src: HostWord | null = null;
  dst: HostWord | null = null;
  in: RuleParts['in'] = null;
  out: RuleParts['out'] = null;
  fragment: RuleParts['fragment'] = null;
  proto = 0;
  protoInvert = false;
  /** The two as a rule has them; null: all protocols. */
  protocol: RuleParts['proto'] = null;
  /** The word behind `-p`, for the match it loads. */
  protoName: string | null = null;
  protoUsed = false;
  protoWord = 0;
  jump: string | null = null;
  jumpWord = 0;
  /** The chain that `jump` is known to name. */
  jumpsTo: string | null = null;
  goto = false;
  readonly loaded: Loaded[] = [];
  /** Matches in the order given, known or not; the unknown ones stand as text. */
  readonly matchOrder: (Loaded | UnknownExtension)[] = [];
  target: Loaded | UnknownExtension | null = null;
  lastUnknown: UnknownExtension | null = null;

  constructor(
    readonly words: readonly string[],
    public ctx: CommandContext,
  ) {}

  fail(message: string, word: number, hint?: string, code?: string): never {
    throw new CommandError(message, Math.max(0, word), code, hint);
  }

  /** Points at the option that an OptionError names, or at the word that loaded the extension. */
  blame(e: OptionError, l: Loaded): never {
    const k = l.given.findIndex((g) => g.name === e.option);
    this.fail(e.message, k >= 0 ? l.words[k] : l.word, e.hint, 'iptables-option');
  }

  ruleContext(l: Loaded): RuleContext {
    return { family: this.ctx.family, table: this.table ?? this.ctx.table, proto: l.proto, protoInverted: l.protoInverted };
  }

  instance(l: Loaded): MatchInstance | Target {
    if (l.always) return l.always;
    try {
      return this.checked ? readInstance(l, this.ruleContext(l)) : this.ctx.instances.extension(l, this.ruleContext(l));
    } catch (e) {
      if (!(e instanceof OptionError)) throw e;
      this.blame(e, l);
    }
  }

  takeInvert(): boolean {
    const v = this.invert;
    this.invert = false;
    return v;
  }

  isChain(name: string): boolean {
    return this.ctx.isChain(this.table ?? this.ctx.table, name);
  }

  load(kind: 'match' | 'target', def: AnyExtension, at: number): void {
    const l: Loaded = { kind, def, given: [], words: [], word: at, proto: this.proto, protoInverted: this.protoInvert };
    this.loaded.push(l);
    if (kind === 'match') this.matchOrder.push(l);
    else this.target = l;
  }
}
