/**
 * iptables-save text in and out: iptables-legacy-restore 1.8.9 and iptables-legacy-save 1.8.9, ip6tables' twins included.
 * A text that one refuses, the other does not print; what both take comes out equal (test/formats/iptables-save.test.ts).
 */
import type { Family } from '../base/addr.js';
import { nearest, type Parsed, Reporter } from '../base/diagnostic.js';
import { checkTable } from '../netfilter/xtables/check.js';
import { parseCommand } from '../netfilter/xtables/command.js';
import { type CommandContext, CommandError, MAX_CHAIN_NAME, OtherFamily } from '../netfilter/xtables/command-types.js';
import type { CheckContext } from '../netfilter/xtables/extension.js';
import { Instances } from '../netfilter/xtables/instances.js';
import { builtinChains, type XtCounters, type XtRuleset, type XtTable, type XtTableName } from '../netfilter/xtables/model.js';
import { printRule } from '../netfilter/xtables/print.js';
import { ZERO_COUNTERS } from '../netfilter/xtables/rule-list.js';
import { EditError, IPTC, TableEdit } from '../netfilter/xtables/table-edit.js';
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

/** Reads a whole restore text. Errors are located; reading goes on behind them unless `stopAtError`. */
export function readIptablesSave(text: string, opts: ReadOptions): Parsed<XtRuleset> {
  return new RestoreReader(text, opts).read();
}

/**
 * iptables-restore on a running node: atomic per table. A text with an error leaves the tables committed before it changed and all others as they were;
 * `:CHAIN` under `noflush` empties that chain.
 */
export function restoreIptables(
  text: string,
  ruleset: XtRuleset,
  opts: { readonly file: string; readonly noflush?: boolean; readonly sets?: CheckContext['sets']; readonly unknown?: 'keep' | 'refuse' },
): Parsed<XtRuleset> {
  return readIptablesSave(text, { ...opts, family: ruleset.family, base: ruleset, stopAtError: true, unknown: opts.unknown ?? 'refuse' });
}

/** Thrown inside the reader to leave at the first error. */
class Stop extends Error {}

class RestoreReader {
  readonly #reporter: Reporter;
  readonly #tables = new Map<XtTableName, XtTable>();
  readonly #context: CommandContext & { line: number; length: number; table: string };
  #edit: TableEdit | null = null;
  #errors = 0;
  #lineNo = 0;
  #line = '';
  /** Appender of the chain named last: rules of a chain stand together. */
  #lastChain = '';
  #append: ReturnType<TableEdit['appender']>;

  constructor(
    readonly text: string,
    readonly opts: ReadOptions,
  ) {
    this.#reporter = new Reporter(opts.file, text);
    for (const t of opts.base?.tables ?? []) this.#tables.set(t.name, t);
    this.#context = {
      family: opts.family,
      table: '',
      isChain: (_table, name) => this.#edit?.isUserChain(name) ?? false,
      unknown: opts.unknown ?? 'keep',
      instances: new Instances(),
      file: opts.file,
      line: 0,
      length: 0,
      onWarning: (message) => this.#reporter.warning('iptables-chain-hides-target', message, this.#lineNo, 1, this.#line.length),
    };
  }

  read(): Parsed<XtRuleset> {
    try {
      this.#readLines();
      if (this.#edit) this.#error('iptables-no-commit', `COMMIT expected at line ${this.#lineNo + 1}`, 0, 1, 'every table ends with a line COMMIT');
    } catch (e) {
      if (!(e instanceof Stop)) throw e;
    }
    return { value: { family: this.opts.family, tables: [...this.#tables.values()] }, diagnostics: this.#reporter.diagnostics };
  }

  #readLines(): void {
    const { text } = this;
    let at = 0;
    while (at < text.length) {
      const nl = text.indexOf('\n', at);
      const end = nl < 0 ? text.length : nl;
      this.#lineNo++;
      this.#line = text.slice(at, end);
      at = end + 1;
      this.#readLine(this.#line, nl >= 0);
    }
  }

  #error(code: string, message: string, at: number, length: number, hint?: string): void {
    this.#errors++;
    this.#reporter.error(code, visible(message), this.#lineNo, at + 1, Math.max(1, length), hint);
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
    if (line === 'COMMIT' && this.#edit && (terminated || this.opts.unknown !== 'refuse')) {
      this.#commit(this.#edit);
      return;
    }
    if (c === 42 && !this.#edit) {
      this.#startTable(line);
      return;
    }
    if (!this.#edit) {
      this.#error('iptables-outside-table', `line ${this.#lineNo} failed`, 0, line.length, outsideHint(line));
      return;
    }
    if (c === 58) {
      this.#chainLine(line, this.#edit);
      return;
    }
    this.#ruleLine(line, this.#edit);
  }

  #startTable(line: string): void {
    const name = /^\*[ \t]*([^ \t]+)/.exec(line)?.[1];
    if (name === undefined) {
      this.#error('iptables-table', `line ${this.#lineNo} table name invalid`, 0, line.length);
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
    this.#edit = edit;
    this.#errors = 0;
    this.#context.table = name;
    this.#lastChain = '';
    this.#append = undefined;
  }

  #chainLine(line: string, edit: TableEdit): void {
    const m = /^:[ \t]*([^ \t]+)(?:[ \t]+([^ \t]+))?(?:[ \t]+([^ \t]+))?/.exec(line);
    if (!m) {
      this.#error('iptables-chain', `line ${this.#lineNo} chain name invalid`, 0, line.length);
      return;
    }
    const [, name, policy, counters] = m;
    const nameAt = line.indexOf(name, 1);
    if (name.length > MAX_CHAIN_NAME) {
      this.#error('iptables-chain', `Invalid chain name \`${name}' (${MAX_CHAIN_NAME} chars max)`, nameAt, name.length);
      return;
    }
    this.#append = undefined;
    this.#lastChain = '';
    if (!edit.isBuiltin(name)) {
      if (this.opts.noflush && edit.hasChain(name)) edit.flush(name);
      else {
        try {
          edit.create(name);
        } catch (e) {
          if (!(e instanceof EditError)) throw e;
          const hint = edit.hasChain(name) ? 'the chain is declared twice' : 'the name is a verdict';
          this.#error('iptables-chain-exists', `error creating chain '${name}':File exists`, nameAt, name.length, hint);
          return;
        }
      }
    }
    if (policy === undefined) {
      this.#error(
        'iptables-policy',
        `line ${this.#lineNo} policy invalid`,
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
        `Can't set policy \`${policy}' on \`${name}' line ${this.#lineNo}: ${words}`,
        line.indexOf(policy, nameAt + name.length),
        policy.length,
        hint,
      );
    }
  }

  #ruleLine(line: string, edit: TableEdit): void {
    let from = 0;
    let counters: XtCounters | null = null;
    try {
      const c = splitCounters(line);
      if (c) {
        from = c.rest;
        if (c.packets !== null && c.bytes !== null) counters = { packets: c.packets, bytes: c.bytes };
      }
      this.#command(wordTexts(line, from), edit, counters);
    } catch (e) {
      if (e instanceof WordsError) this.#error('iptables-syntax', `Bad line ${this.#lineNo}: ${e.message}`, e.at, 1, e.hint);
      else if (e instanceof CommandError) this.#locate(e, line, from);
      else if (!(e instanceof OtherFamily)) throw e;
    }
  }

  #command(words: string[], edit: TableEdit, counters: XtCounters | null): void {
    this.#context.line = this.#lineNo;
    this.#context.length = this.#line.length;
    const cmd = parseCommand(words, this.#context);
    try {
      if (cmd.letter === 'A') {
        const chain = cmd.chain ?? '';
        if (chain !== this.#lastChain || !this.#append) {
          this.#append = edit.appender(chain);
          this.#lastChain = chain;
        }
        if (!this.#append) throw new EditError(IPTC.noChain);
        for (const r of cmd.rules) this.#append(counters ? r.withCounters(counters) : r);
        return;
      }
      this.#append = undefined;
      edit.apply(counters ? { ...cmd, rules: cmd.rules.map((r) => r.withCounters(counters)) } : cmd);
    } catch (e) {
      if (!(e instanceof EditError)) throw e;
      const near = e.message === IPTC.noChain && cmd.chain !== null ? nearest(cmd.chain, edit.chainNames()) : undefined;
      const hint = near ? `did you mean ${near}?` : e.message === IPTC.noChain ? `declare it before its use: :${cmd.chain} - [0:0]` : undefined;
      throw new CommandError(`line ${this.#lineNo} failed: ${e.message}`, 1, e.message === IPTC.noChain ? 'iptables-no-chain' : 'iptables-command', hint);
    }
  }

  /** Points at the word that a CommandError names. */
  #locate(e: CommandError, line: string, from: number): void {
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

  #commit(edit: TableEdit): void {
    const table = edit.finish();
    this.#edit = null;
    if (this.opts.kernelChecks !== false) {
      for (const f of checkTable(table, this.opts.family, this.opts.sets)) {
        const span = f.rule.span;
        this.#errors++;
        this.#reporter.error(
          f.code,
          visible(`${table.name}:${f.chain}:${f.num}: ${f.message}`),
          span?.line ?? this.#lineNo,
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

/** User chains as libiptc keeps them: by strcmp(3). */
const byCodeUnits = (a: { readonly name: string }, b: { readonly name: string }): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

export interface WriteOptions {
  /** `-c`: counters as they are; else every one is [0:0] and rules carry none. */
  readonly counters?: boolean;
}

/** What iptables-save prints, comment lines left out: tables newest first, user chains by name. */
export function writeIptablesSave(r: XtRuleset, opts: WriteOptions = {}): string {
  let out = '';
  for (let i = r.tables.length - 1; i >= 0; i--) out += writeTable(r.tables[i], r.family, opts);
  return out;
}

function writeTable(table: XtTable, family: Family, opts: WriteOptions = {}): string {
  const show = (c: XtCounters): string => (opts.counters ? `[${c.packets}:${c.bytes}]` : '[0:0]');
  const builtin = table.chains.filter((c) => c.policy !== null);
  const chains = [...builtin, ...table.chains.filter((c) => c.policy === null).sort(byCodeUnits)];
  const lines = [`*${table.name}`];
  for (const c of chains) lines.push(`:${c.name} ${c.policy ?? '-'} ${c.policy === null ? '[0:0]' : show(c.counters)}`);
  const ctx = { family, table: table.name };
  for (const c of chains) {
    for (let i = 0; i < c.rules.length; i++) {
      const rule = c.rules.at(i);
      lines.push(`${opts.counters ? `${show(rule.counters)} ` : ''}${printRule(c.name, rule, ctx)}`);
    }
  }
  lines.push('COMMIT', '');
  return lines.join('\n');
}
