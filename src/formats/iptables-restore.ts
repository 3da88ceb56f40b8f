/** iptables-restore line by line: tables, chains, rules and COMMIT, with the tool's own refusals, and the kernel's checks of each table. */
import type { Family } from '../base/addr.js';
import { nearest, type Parsed, Reporter } from '../base/diagnostic.js';
import { checkTable } from '../netfilter/xtables/check.js';
import { readOptions } from '../netfilter/xtables/command.js';
import { CommandDraft } from '../netfilter/xtables/command-draft.js';
import { finishCommand } from '../netfilter/xtables/command-finish.js';
import { type CommandContext, CommandError, MAX_CHAIN_NAME, OtherFamily } from '../netfilter/xtables/command-types.js';
import type { CheckContext } from '../netfilter/xtables/extension.js';
import { Instances } from '../netfilter/xtables/instances.js';
import { EditError, IPTC } from '../netfilter/xtables/iptc.js';
import { builtinChains, type XtCounters, type XtRuleset, type XtTable, type XtTableName } from '../netfilter/xtables/model.js';
import { ZERO_COUNTERS } from '../netfilter/xtables/rule-list.js';
import { TableEdit } from '../netfilter/xtables/table-edit.js';
import { Load, type RuleLine, TableLines } from './iptables-table.js';
import { MAX_LINE, splitCounters, splitWords, WordsError, wordTexts } from './iptables-words.js';

export interface ReadOptions {
  /** Name of the text, for diagnostics. */
  readonly file: string;
  readonly family: Family;
  /** The sets that exist, for the set match's and SET target's own checks; absent = not known, not checked. */
  readonly sets?: CheckContext['sets'];
  /** State to start from. */
  readonly base?: XtRuleset | null;
  /** --noflush: tables of `base` keep what the text does not touch. */
  readonly noflush?: boolean;
  /** Loops, places where an extension may stand, checkentry. Default true. */
  readonly kernelChecks?: boolean;
  /** 'keep' (default): an extension unknown here stands in the rule as text, and a packet that reaches it is inconclusive. 'refuse': as iptables does. */
  readonly unknown?: 'keep' | 'refuse';
  /** Stop at the first error, as the tool does; `value` then holds what was committed before. */
  readonly stopAtError?: boolean;
}

export const isTableName = (s: string): s is XtTableName => Object.hasOwn(builtinChains, s);

/** Thrown inside the reader to leave at the first error. */
class Stop extends Error {}

const DASH = 45;
const BRACKET = 91;
const COLON = 58;
const BLANK = 32;

/** Reads one text. */
export class RestoreReader {
  readonly #reporter: Reporter;
  readonly #tables = new Map<XtTableName, XtTable>();
  readonly #context: CommandContext & { line: number; length: number; table: string };
  readonly #load: Load;
  /** The table that is open. */
  #table: TableLines | null = null;
  #errors = 0;
  readonly #line: RuleLine = { at: 0, from: 0, end: 0, number: 0, counters: null };

  constructor(
    readonly text: string,
    readonly opts: ReadOptions,
  ) {
    this.#reporter = new Reporter(opts.file, text);
    for (const t of opts.base?.tables ?? []) this.#tables.set(t.name, t);
    this.#context = {
      family: opts.family,
      table: '',
      isChain: (_table, name) => this.#table?.edit.userChain(name) !== undefined,
      unknown: opts.unknown ?? 'keep',
      instances: new Instances(),
      file: opts.file,
      line: 0,
      length: 0,
      onWarning: (message) => this.#reporter.warning('iptables-chain-hides-target', message, this.#line.number, 1, this.#line.end - this.#line.at),
    };
    this.#load = new Load(text, opts.family);
  }

  read(): Parsed<XtRuleset> {
    try {
      this.#readLines();
      if (this.#table) this.#error('iptables-no-commit', `COMMIT expected at line ${this.#line.number + 1}`, 0, 1, 'every table ends with a line COMMIT');
    } catch (e) {
      if (!(e instanceof Stop)) throw e;
    }
    this.#load.lines.close();
    return { value: { family: this.opts.family, tables: [...this.#tables.values()] }, diagnostics: this.#reporter.diagnostics };
  }

  #readLines(): void {
    const { text } = this;
    const line = this.#line;
    for (let at = 0; at < text.length; at = line.end + 1) {
      const nl = text.indexOf('\n', at);
      line.at = at;
      line.end = nl < 0 ? text.length : nl;
      line.number++;
      const c = text.charCodeAt(at);
      if ((c === DASH || c === BRACKET) && this.#table && line.end - at <= MAX_LINE) this.#ruleLine(this.#table);
      else if (c !== COLON || !this.#table || !this.#plainChain(this.#table)) this.#readLine(text.slice(at, line.end), nl >= 0);
    }
  }

  #error(code: string, message: string, at: number, length: number, hint?: string): void {
    this.#errors++;
    this.#reporter.error(code, visible(message), this.#line.number, at + 1, Math.max(1, length), hint);
    if (this.opts.stopAtError) throw new Stop();
  }

  #readLine(line: string, terminated: boolean): void {
    if (line === '') return;
    if (line.length > MAX_LINE) {
      this.#error('iptables-line-too-long', `the line is longer than ${MAX_LINE} characters`, 0, 40);
      return;
    }
    const c = line.charCodeAt(0);
    if (c === 35) return;
    if (line === 'COMMIT' && this.#table && (terminated || this.opts.unknown !== 'refuse')) {
      this.#commit(this.#table);
      return;
    }
    if (c === 42 && !this.#table) {
      this.#startTable(line);
      return;
    }
    if (!this.#table) {
      this.#error('iptables-outside-table', `line ${this.#line.number} failed`, 0, line.length, outsideHint(line));
      return;
    }
    if (c === COLON) this.#chainLine(line, this.#table);
    else this.#ruleLine(this.#table);
  }

  #startTable(line: string): void {
    const name = /^\*[ \t]*([^ \t]+)/.exec(line)?.[1];
    if (name === undefined) {
      this.#error('iptables-table', `line ${this.#line.number} table name invalid`, 0, line.length);
      return;
    }
    if (!isTableName(name)) {
      const near = nearest(name, Object.keys(builtinChains));
      const hint = name.endsWith('\r')
        ? 'the lines end with CR LF; LF alone is wanted'
        : near
          ? `did you mean *${near}?`
          : `tables: ${Object.keys(builtinChains).join(', ')}`;
      this.#error('iptables-table', `unable to initialize table '${name}'`, 1, line.length - 1, hint);
      return;
    }
    const edit = new TableEdit(name, this.opts.family, this.#tables.get(name));
    if (!this.opts.noflush) edit.clear();
    this.#table = new TableLines(edit, this.#load);
    this.#errors = 0;
    this.#context.table = name;
  }

  /** Most chain lines: `:NAME - [0:0]` for a new chain. False: this is none. */
  #plainChain(table: TableLines): boolean {
    const { text } = this;
    const { at, end } = this.#line;
    const blank = text.indexOf(' ', at);
    if (end - at > MAX_LINE || blank < at + 2 || blank > at + 1 + MAX_CHAIN_NAME || blank + 1 >= end || text.charCodeAt(blank + 1) !== DASH) return false;
    if (blank + 2 < end && text.charCodeAt(blank + 2) !== BLANK) return false;
    return !this.#load.ends.hasTab(at, end) && table.declare(at + 1, blank);
  }

  #chainLine(line: string, table: TableLines): void {
    const { edit } = table;
    const m = /^:[ \t]*([^ \t]+)(?:[ \t]+([^ \t]+))?(?:[ \t]+([^ \t]+))?/.exec(line);
    if (!m) {
      this.#error('iptables-chain', `line ${this.#line.number} chain name invalid`, 0, line.length);
      return;
    }
    const [, name, policy, counters] = m;
    const nameAt = line.indexOf(name, 1);
    if (name.length > MAX_CHAIN_NAME) {
      this.#error('iptables-chain', `Invalid chain name \`${name}' (${MAX_CHAIN_NAME} chars max)`, nameAt, name.length);
      return;
    }
    table.leaveHome();
    if (!edit.isBuiltin(name)) {
      if (this.opts.noflush && edit.hasChain(name)) edit.flush(name);
      else if (!table.declare(this.#line.at + nameAt, this.#line.at + nameAt + name.length)) {
        const hint = edit.hasChain(name) ? 'the chain is declared twice' : 'the name is a verdict';
        this.#error('iptables-chain-exists', `error creating chain '${name}':File exists`, nameAt, name.length, hint);
        return;
      }
    }
    if (policy === undefined) {
      this.#error(
        'iptables-policy',
        `line ${this.#line.number} policy invalid`,
        line.length,
        1,
        'a chain line ends in a policy and counters: :INPUT ACCEPT [0:0], :USER - [0:0]',
      );
      return;
    }
    if (policy === '-') return;
    try {
      edit.setPolicy(name, policy, parsePolicyCounters(counters));
    } catch (e) {
      if (!(e instanceof EditError)) throw e;
      const words = e.message === IPTC.badPolicy ? 'Bad policy name' : 'Bad built-in chain name';
      const hint = edit.isBuiltin(name) ? 'a policy is ACCEPT or DROP' : 'only built-in chains have a policy; write -';
      this.#error(
        'iptables-policy',
        `Can't set policy \`${policy}' on \`${name}' line ${this.#line.number}: ${words}`,
        line.indexOf(policy, nameAt + name.length),
        policy.length,
        hint,
      );
    }
  }

  #ruleLine(table: TableLines): void {
    const line = this.#line;
    line.from = line.at;
    line.counters = null;
    try {
      if (this.text.charCodeAt(line.at) === BRACKET) {
        const { packets, bytes, rest } = splitCounters(this.text.slice(line.at, line.end));
        line.from += rest;
        if (packets !== null && bytes !== null) line.counters = { packets, bytes };
      }
      if (!table.addKnown(line)) this.#command(table);
    } catch (e) {
      if (e instanceof WordsError) this.#error('iptables-syntax', `Bad line ${this.#line.number}: ${e.message}`, e.at, 1, e.hint);
      else if (e instanceof CommandError) this.#locate(e, line.from - line.at);
      else if (!(e instanceof OtherFamily)) throw e;
    }
  }

  #command(table: TableLines): void {
    const { at, from, end, counters } = this.#line;
    const { edit } = table;
    this.#context.line = this.#line.number;
    this.#context.length = end - at;
    const draft = new CommandDraft(wordTexts(this.text.slice(at, end), from - at), this.#context);
    const read = finishCommand(readOptions(draft));
    const cmd = counters ? { ...read, rules: read.rules.map((r) => r.withCounters(counters)) } : read;
    try {
      if (cmd.letter !== 'A') {
        table.leaveHome();
        edit.apply(cmd);
        if (cmd.letter === 'N' || cmd.letter === 'E' || cmd.letter === 'X') table.changed(cmd.chain, cmd.newName);
        return;
      }
      const chain = edit.chain(cmd.chain ?? '');
      if (!chain) throw new EditError(IPTC.noChain);
      table.add(chain, cmd.rules, draft, this.#line);
    } catch (e) {
      if (!(e instanceof EditError)) throw e;
      const near = e.message === IPTC.noChain && cmd.chain !== null ? nearest(cmd.chain, edit.chainNames()) : undefined;
      const hint = near ? `did you mean ${near}?` : e.message === IPTC.noChain ? `declare it before its use: :${cmd.chain} - [0:0]` : undefined;
      throw new CommandError(`line ${this.#line.number} failed: ${e.message}`, 1, e.message === IPTC.noChain ? 'iptables-no-chain' : 'iptables-command', hint);
    }
  }

  /** Points at the word that a CommandError names. */
  #locate(e: CommandError, from: number): void {
    const line = this.text.slice(this.#line.at, this.#line.end);
    let at = 0;
    let length = line.length;
    try {
      const w = splitWords(line, from)[e.word];
      if (w) ({ at, length } = w);
    } catch (again) {
      if (!(again instanceof WordsError)) throw again;
    }
    this.#error(e.code, e.message, at, length, e.hint ?? (line.endsWith('\r') ? 'the lines end with CR LF; LF alone is wanted' : undefined));
  }

  #commit(lines: TableLines): void {
    lines.leaveHome();
    const table = lines.edit.finish();
    this.#table = null;
    if (this.opts.kernelChecks !== false) {
      for (const f of checkTable(table, this.opts.family, this.opts.sets)) {
        const span = f.rule.span;
        this.#errors++;
        this.#reporter.error(
          f.code,
          visible(`${table.name}:${f.chain}:${f.num}: ${f.message}`),
          span?.line ?? this.#line.number,
          span?.column ?? 1,
          span?.length ?? 1,
          f.hint,
        );
      }
    }
    if (this.#errors > 0 && this.opts.stopAtError) throw new Stop();
    this.#tables.set(table.name, table);
  }
}

/** Control characters of the input do not reach a terminal. */
const visible = (s: string): string => s.slice(0, 400).replace(/[\u0000-\u001f\u007f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);

function outsideHint(line: string): string {
  if (line.startsWith('COMMIT')) return 'there is no table to commit: a line *TABLE begins one';
  if (line.startsWith('-') || line.startsWith(':') || line.startsWith('[')) return 'rules and chains stand between *TABLE and COMMIT';
  return 'a restore file holds comments (#), *TABLE, :CHAIN, -A … and COMMIT';
}

function parsePolicyCounters(text: string | undefined): XtCounters {
  const m = text === undefined ? null : /^\[(\d+):(\d+)\]/.exec(text);
  return m ? { packets: Number(m[1]), bytes: Number(m[2]) } : ZERO_COUNTERS;
}
