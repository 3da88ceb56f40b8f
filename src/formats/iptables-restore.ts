/** iptables-restore line by line: tables, chains, rules and COMMIT, with the tool's own refusals, and the kernel's checks of each table. */
import type { Family } from '../base/addr.js';
import { nearest, type Parsed, Reporter } from '../base/diagnostic.js';
import { checkTable } from '../netfilter/xtables/check.js';
import { readOptions } from '../netfilter/xtables/command.js';
import { CommandDraft } from '../netfilter/xtables/command-draft.js';
import { finishCommand } from '../netfilter/xtables/command-finish.js';
import { namesNoTarget } from '../netfilter/xtables/command-options.js';
import { type CommandContext, CommandError, MAX_CHAIN_NAME, OtherFamily } from '../netfilter/xtables/command-types.js';
import { type CheckContext, OptionError } from '../netfilter/xtables/extension.js';
import { Instances } from '../netfilter/xtables/instances.js';
import { builtinChains, type Rule, type XtCounters, type XtRuleset, type XtTable, type XtTableName } from '../netfilter/xtables/model.js';
import { sourcedRules, ZERO_COUNTERS } from '../netfilter/xtables/rule-list.js';
import { type ChainHandle, EditError, IPTC, TableEdit } from '../netfilter/xtables/table-edit.js';
import { RuleLines } from './iptables-lines.js';
import { type ChainNames, newPlaces, type Shape, Shapes } from './iptables-shapes.js';
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

/** Number of a chain whose name in `-j` may mean something else. */
const AMBIGUOUS = -2;
const DASH = 45;
const BRACKET = 91;

/** Reads one text. */
export class RestoreReader implements ChainNames {
  readonly #reporter: Reporter;
  readonly #tables = new Map<XtTableName, XtTable>();
  readonly #context: CommandContext & { line: number; length: number; table: string };
  readonly #lines: RuleLines;
  readonly #allShapes: Shape[] = [];
  readonly #places = newPlaces();
  #shapes: Shapes;
  #edit: TableEdit | null = null;
  #errors = 0;
  #lineNo = 0;
  /** The line at hand in the text. */
  #at = 0;
  #end = 0;
  /** The chain that rules are being added to, and the first of them in #lines: rules of a chain stand together. */
  #home: string | null = null;
  #first = 0;

  constructor(
    readonly text: string,
    readonly opts: ReadOptions,
  ) {
    this.#reporter = new Reporter(opts.file, text);
    for (const t of opts.base?.tables ?? []) this.#tables.set(t.name, t);
    this.#context = {
      family: opts.family,
      table: '',
      isChain: (_table, name) => this.#edit?.userChain(name) !== undefined,
      unknown: opts.unknown ?? 'keep',
      instances: new Instances(),
      file: opts.file,
      line: 0,
      length: 0,
      onWarning: (message) => this.#reporter.warning('iptables-chain-hides-target', message, this.#lineNo, 1, this.#end - this.#at),
    };
    this.#lines = new RuleLines(text, this.#allShapes);
    this.#shapes = new Shapes(this, this.#allShapes);
  }

  home(name: string): string | null {
    return name === this.#home ? name : (this.#edit?.userChain(name)?.name ?? null);
  }

  jump(name: string): ChainHandle | null {
    const chain = this.#edit?.userChain(name);
    if (chain === undefined) return null;
    if (chain.number === -1) chain.number = namesNoTarget(name, this.opts.family) ? this.#lines.newChain(chain.name) : AMBIGUOUS;
    return chain.number === AMBIGUOUS ? null : chain;
  }

  read(): Parsed<XtRuleset> {
    try {
      this.#readLines();
      if (this.#edit) this.#error('iptables-no-commit', `COMMIT expected at line ${this.#lineNo + 1}`, 0, 1, 'every table ends with a line COMMIT');
    } catch (e) {
      if (!(e instanceof Stop)) throw e;
    }
    this.#lines.close();
    return { value: { family: this.opts.family, tables: [...this.#tables.values()] }, diagnostics: this.#reporter.diagnostics };
  }

  #readLines(): void {
    const { text } = this;
    for (let at = 0; at < text.length; at = this.#end + 1) {
      const nl = text.indexOf('\n', at);
      this.#at = at;
      this.#end = nl < 0 ? text.length : nl;
      this.#lineNo++;
      const c = text.charCodeAt(at);
      if (c === DASH && this.#edit && this.#end - at <= MAX_LINE) this.#ruleLine(this.#edit);
      else this.#readLine(text.slice(at, this.#end), nl >= 0);
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
    this.#ruleLine(this.#edit);
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
    this.#shapes = new Shapes(this, this.#allShapes);
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
    this.#leaveHome(edit);
    if (!edit.isBuiltin(name)) {
      if (this.opts.noflush && edit.hasChain(name)) edit.flush(name);
      else {
        try {
          edit.create(name);
          this.#forgetShapes(name);
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

  #ruleLine(edit: TableEdit): void {
    let from = this.#at;
    let counters: XtCounters | null = null;
    try {
      if (this.text.charCodeAt(from) === BRACKET) {
        const c = splitCounters(this.text.slice(from, this.#end));
        from += c.rest;
        if (c.packets !== null && c.bytes !== null) counters = { packets: c.packets, bytes: c.bytes };
      }
      if (!this.#knownShape(from, counters)) this.#command(from, edit, counters);
    } catch (e) {
      if (e instanceof WordsError) this.#error('iptables-syntax', `Bad line ${this.#lineNo}: ${e.message}`, e.at, 1, e.hint);
      else if (e instanceof CommandError) this.#locate(e, from - this.#at);
      else if (!(e instanceof OtherFamily)) throw e;
    }
  }

  /** A line that differs from one before in values only; false: it does not, or a value is wrong. */
  #knownShape(from: number, counters: XtCounters | null): boolean {
    const shape = this.#shapes.find(this.text, from, this.#end, this.#places);
    if (!shape) return false;
    try {
      const { home, jump } = this.#shapes;
      const rule = shape.read(this.text, this.#places, jump?.name ?? null, counters, this.#lineNo, this.#end - this.#at);
      if (!rule) return false;
      this.#addRule(shape.home ?? home ?? '', rule, jump, shape, from);
      return true;
    } catch (e) {
      // Read word by word it fails again, and is located.
      if (e instanceof CommandError || e instanceof OptionError) return false;
      throw e;
    }
  }

  #command(from: number, edit: TableEdit, counters: XtCounters | null): void {
    const line = this.text.slice(this.#at, this.#end);
    this.#context.line = this.#lineNo;
    this.#context.length = line.length;
    const draft = new CommandDraft(wordTexts(line, from - this.#at), this.#context);
    const read = finishCommand(readOptions(draft));
    const cmd = counters ? { ...read, rules: read.rules.map((r) => r.withCounters(counters)) } : read;
    try {
      if (cmd.letter !== 'A') {
        this.#leaveHome(edit);
        edit.apply(cmd);
        if (cmd.letter === 'N' || cmd.letter === 'E' || cmd.letter === 'X') this.#forgetShapes(cmd.chain);
        if (cmd.newName !== null) this.#forgetShapes(cmd.newName);
        return;
      }
      if (!edit.hasChain(cmd.chain ?? '')) throw new EditError(IPTC.noChain);
      const shape = cmd.rules.length === 1 ? this.#shapes.learn(draft, line, from - this.#at) : null;
      for (const r of cmd.rules) this.#addRule(cmd.chain ?? '', r, null, shape, from);
    } catch (e) {
      if (!(e instanceof EditError)) throw e;
      const near = e.message === IPTC.noChain && cmd.chain !== null ? nearest(cmd.chain, edit.chainNames()) : undefined;
      const hint = near ? `did you mean ${near}?` : e.message === IPTC.noChain ? `declare it before its use: :${cmd.chain} - [0:0]` : undefined;
      throw new CommandError(`line ${this.#lineNo} failed: ${e.message}`, 1, e.message === IPTC.noChain ? 'iptables-no-chain' : 'iptables-command', hint);
    }
  }

  #addRule(chain: string, rule: Rule, jump: ChainHandle | null, shape: Shape | null, from: number): void {
    if (chain !== this.#home) {
      if (this.#edit) this.#leaveHome(this.#edit);
      this.#home = chain;
    }
    this.#lines.add(rule, jump?.number ?? null, shape, from, this.#end - from, this.#lineNo);
  }

  /** Hands the rules read for a chain over to it. */
  #leaveHome(edit: TableEdit): void {
    const { size } = this.#lines;
    if (this.#home !== null && size > this.#first) edit.appendAll(this.#home, sourcedRules(this.#lines, this.#first, size - this.#first));
    this.#home = null;
    this.#first = size;
  }

  /** A name (null: many) is that of a chain from here on, or no longer: what was learnt of lines that always say it holds no more. */
  #forgetShapes(name: string | null): void {
    if (name === null || this.#shapes.alwaysSay(name)) this.#shapes = new Shapes(this, this.#allShapes);
  }

  /** Points at the word that a CommandError names. */
  #locate(e: CommandError, from: number): void {
    const line = this.text.slice(this.#at, this.#end);
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
    this.#leaveHome(edit);
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
