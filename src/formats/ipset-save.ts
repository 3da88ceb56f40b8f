/**
 * `ipset save` text, which is what `ipset restore` takes: one command a line. Read by the same code that carries out single commands; lines
 * `add SET 1.2.3.4` and `add SET 1.2.3.0/24` of plain IPv4 sets, of which a block list has a million, go a short way to the same place.
 */
import { type Diagnostic, nearest, type Parsed, Reporter } from '../base/diagnostic.js';
import { type CommandOptions, SetTable } from '../netfilter/ipset/commands.js';
import { printCreate, printOptions } from '../netfilter/ipset/create.js';
import { defaultExt, EMPTY_EXT, type Ext } from '../netfilter/ipset/ext.js';
import { LiveList } from '../netfilter/ipset/list-commands.js';
import type { LiveSet } from '../netfilter/ipset/live.js';
import type { IpSet } from '../netfilter/ipset/model.js';
import { commandOf, runCommand } from '../netfilter/ipset/run.js';
import { memorySize } from '../netfilter/ipset/size.js';
import { compareMembers } from '../netfilter/ipset/sort.js';
import { IpsetError, setType } from '../netfilter/ipset/types.js';
import { type LineWord, splitWords } from '../netfilter/ipset/words.js';

export interface IpsetRestoreOptions {
  readonly file: string;
  /** Sets that are there before; the restored text changes them. */
  readonly base?: readonly IpSet[];
  /** `ipset -exist restore`. */
  readonly exist?: boolean;
  /** Sets that rules refer to. */
  readonly inUse?: (name: string) => boolean;
}

/** Lines looked at to estimate how many there are. */
const SAMPLE = 4096;
/** More are counted, not listed. */
const MAX_DIAGNOSTICS = 200;

/**
 * `ipset restore`: the sets as they are afterwards. Every bad line is reported with the tool's words and left out; the tool itself would stop at the first.
 * Time-outs are kept as seconds left.
 */
export function readIpsetSave(text: string, o: IpsetRestoreOptions): Parsed<readonly IpSet[]> {
  const reporter = new Reporter(o.file, text);
  const table = new SetTable(o.base ?? []);
  const reader = new RestoreReader(text, table, reporter, o);
  reader.run();
  return { value: table.freeze(), diagnostics: reporter.diagnostics };
}

class RestoreReader {
  #line = 0;
  #unlisted = 0;
  readonly #quick: QuickAdd;
  readonly #options: CommandOptions;

  constructor(
    readonly text: string,
    readonly table: SetTable,
    readonly reporter: Reporter,
    o: IpsetRestoreOptions,
  ) {
    this.#options = {
      exist: o.exist ?? false,
      warn: (message, word) => this.#report('warning', 'ipset-ignored', message, this.#current, word),
      ...(o.inUse ? { inUse: o.inUse } : {}),
    };
    this.#quick = new QuickAdd(text, table);
  }
  #current: readonly LineWord[] = [];

  run(): void {
    const { text } = this;
    for (let at = 0; at < text.length; ) {
      this.#line++;
      const quick = this.#quick.tryLine(at);
      if (quick > 0) {
        at = quick;
        continue;
      }
      let end = text.indexOf('\n', at);
      if (end < 0) end = text.length;
      this.#general(text.slice(at, end));
      at = end + 1;
    }
    if (this.#unlisted > 0) this.reporter.error('ipset-more-errors', `${this.#unlisted} more errors`, this.#line, 1, 0);
  }

  #general(line: string): void {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#') || trimmed === 'COMMIT') return;
    const words = splitWords(line);
    if (!words) {
      this.#report('error', 'ipset-quote', 'Missing close quote!', [], undefined, line.indexOf('"') + 1, line.length - line.indexOf('"'));
      return;
    }
    this.#current = words;
    try {
      const name = runCommand(
        words.map((w) => w.text),
        this.table,
        this.#options,
      );
      if (name === 'create' || name === 'swap' || name === 'rename' || name === 'destroy') this.#quick.forget();
      if (name === 'restore') this.#report('error', 'ipset-command', "Command `restore' is invalid in restore mode.", words, words[0].text);
    } catch (e) {
      if (!(e instanceof IpsetError)) throw e;
      this.#report('error', e.code, e.message, words, e.word, undefined, undefined, e.hint);
    }
  }

  /** Points at the word, or at the longest word that holds it, or at the whole line. */
  #report(
    severity: 'error' | 'warning',
    code: string,
    message: string,
    words: readonly LineWord[],
    word?: string,
    column?: number,
    length?: number,
    hint?: string,
  ): void {
    if (this.reporter.diagnostics.length >= MAX_DIAGNOSTICS) {
      this.#unlisted++;
      return;
    }
    const at = word === undefined ? undefined : (words.find((w) => w.text === word) ?? words.find((w) => w.text.includes(word)));
    const inner = at && word ? Math.max(0, at.text.indexOf(word)) : 0;
    const last = words.at(-1);
    const col = column ?? (at ? at.column + inner : (words[0]?.column ?? 1));
    const len = length ?? (at ? (word as string).length : last ? last.column + last.text.length - col : 0);
    this.reporter.report(severity, code, message, this.#line, col, Math.max(0, len), hint);
  }
}

/** The short way: `add NAME a.b.c.d[/len]` without options, for hash:ip and hash:net of IPv4 without masks. */
class QuickAdd {
  #prefix = '';
  #live: LiveSet | null = null;
  #net = false;
  #ext: Ext = EMPTY_EXT;
  #key = new Uint32Array(2);
  #merge = (): Ext => this.#ext;

  constructor(
    readonly text: string,
    readonly table: SetTable,
  ) {}

  /** What a name means may have changed. */
  forget(): void {
    this.#live = null;
    this.#prefix = '';
  }

  /** Start of the next line, or 0: the general reader has to look at this one. */
  tryLine(at: number): number {
    const { text } = this;
    if (this.#live === null || !text.startsWith(this.#prefix, at)) {
      if (!this.#learn(at)) return 0;
    }
    const live = this.#live as LiveSet;
    let i = at + this.#prefix.length;
    let value = 0;
    let part = -1;
    let dots = 0;
    let c = 0;
    for (; ; i++) {
      c = text.charCodeAt(i);
      if (c >= 48 && c <= 57) {
        if (part === 0) return 0;
        part = part < 0 ? c - 48 : part * 10 + c - 48;
        if (part > 255) return 0;
      } else if (c === 46) {
        if (part < 0 || ++dots > 3) return 0;
        value = value * 256 + part;
        part = -1;
      } else break;
    }
    if (dots !== 3 || part < 0) return 0;
    value = value * 256 + part;
    let len = 32;
    if (c === 47) {
      len = 0;
      const from = i + 1;
      for (i = from; ; i++) {
        c = text.charCodeAt(i);
        if (!(c >= 48 && c <= 57)) break;
        len = len * 10 + c - 48;
        if (len > 32) return 0;
      }
      if (i === from || len === 0 || (!this.#net && len !== 32)) return 0;
    }
    // The end of the text reads as NaN.
    if (c !== 10 && !Number.isNaN(c)) return 0;
    if (!this.#net && value === 0) return 0;
    const key = this.#key;
    if (this.#net) {
      key[0] = len === 32 ? value : value - (value % 2 ** (32 - len));
      key[1] = len;
    } else key[0] = value;
    if (live.putNew(key, this.#ext)) return i + 1;
    try {
      live.add(key, this.#merge, false, null);
    } catch {
      return 0;
    }
    return i + 1;
  }

  #learn(at: number): boolean {
    const { text } = this;
    if (!text.startsWith('add ', at)) return false;
    const blank = text.indexOf(' ', at + 4);
    if (blank < 0 || blank - at > 40) return false;
    const name = text.slice(at + 4, blank);
    if (/["\s]/.test(name) || name === '' || name.startsWith('-') || !this.table.has(name)) return false;
    const slot = this.table.slot(name);
    if ((slot.create.type !== 'hash:ip' && slot.create.type !== 'hash:net') || slot.create.family !== 'ipv4') return false;
    const live = this.table.live(slot);
    if (live instanceof LiveList || live.params.mask !== null || live.params.forceadd) return false;
    this.#live = live;
    this.#net = slot.create.type === 'hash:net';
    this.#prefix = text.slice(at, blank + 1);
    this.#ext = live.params.kinds.timeout === null ? EMPTY_EXT : defaultExt(live.params.kinds.timeout);
    live.reserve(this.#linesFrom(at));
    return true;
  }

  /** About how many lines there are from here on, if they are like the next ones. */
  #linesFrom(at: number): number {
    const { text } = this;
    let lines = 0;
    let end = at;
    for (; lines < SAMPLE; lines++) {
      const nl = text.indexOf('\n', end);
      if (nl < 0) return lines;
      if (!text.startsWith(this.#prefix, end)) return lines;
      end = nl + 1;
    }
    return Math.ceil(((text.length - at) * SAMPLE) / (end - at));
  }
}

export interface IpsetPrintOptions {
  /** `-s`: members of hash types in order. */
  readonly sorted?: boolean;
}

/** list:set sets come last, so that what they name exists when the text is restored. */
const inSaveOrder = (sets: readonly IpSet[]): readonly IpSet[] => [
  ...sets.filter((s) => s.create.type !== 'list:set'),
  ...sets.filter((s) => s.create.type === 'list:set'),
];

function memberLines(set: IpSet, o: IpsetPrintOptions): Iterable<string> {
  if (!o.sorted || !set.create.type.startsWith('hash:')) return set.members.text();
  return [...set.members.text()].sort(compareMembers);
}

/** `ipset save`, `ipset -s save`. The kernel's order of hash members is that of its hash; ours is the order in which they were added. */
export function writeIpsetSave(sets: readonly IpSet[], o: IpsetPrintOptions = {}): string {
  const out: string[] = [];
  for (const set of inSaveOrder(sets)) {
    out.push(`${printCreate(set.create)}\n`);
    for (const m of memberLines(set, o)) out.push(`add ${set.name} ${m}\n`);
  }
  return out.join('');
}

export interface IpsetListOptions extends IpsetPrintOptions {
  /** `-t`: without members. */
  readonly terse?: boolean;
  /** `-n`: names only. */
  readonly names?: boolean;
  /** Number of rules that refer to a set; members of list:set sets are counted besides. */
  readonly ruleReferences?: (name: string) => number;
}

/** `ipset list`. The size in memory of types that this project could not measure is `?`. */
export function writeIpsetList(sets: readonly IpSet[], o: IpsetListOptions = {}): string {
  if (o.names) return sets.map((s) => `${s.name}\n`).join('');
  const table = new SetTable(sets);
  return inSaveOrder(sets)
    .map((set) => {
      const header = [
        `Name: ${set.name}`,
        `Type: ${set.create.type}`,
        `Revision: ${setType(set.create.type)?.revision ?? 0}`,
        `Header: ${printOptions(set.create)}`,
        `Size in memory: ${memorySize(set) ?? '?'}`,
        `References: ${table.references(set.name) + (o.ruleReferences?.(set.name) ?? 0)}`,
        `Number of entries: ${set.members.size}`,
      ];
      const members = o.terse ? [] : ['Members:', ...memberLines(set, o)];
      return [...header, ...members].map((l) => `${l}\n`).join('');
    })
    .join('\n');
}

export interface IpsetCommandResult extends Parsed<readonly IpSet[]> {
  /** What the command prints on its standard output. */
  readonly output: string;
}

/** One command line of `ipset`, without the program's name. */
export function applyIpsetCommand(
  words: readonly string[],
  sets: readonly IpSet[],
  o: Omit<IpsetRestoreOptions, 'base' | 'file'> & { readonly file?: string } = {},
): IpsetCommandResult {
  const line = words.map((w) => (/\s/.test(w) ? `"${w}"` : w)).join(' ');
  const reporter = new Reporter(o.file ?? 'ipset', line);
  const columns = splitWords(line) ?? [];
  const table = new SetTable(sets);
  let output = '';
  const report = (severity: Diagnostic['severity'], code: string, message: string, word?: string, hint?: string): void => {
    const at = word === undefined ? undefined : (columns.find((w) => w.text === word) ?? columns.find((w) => w.text.includes(word)));
    reporter.report(severity, code, message, 1, at?.column ?? 1, at ? at.text.length : line.length, hint);
  };
  try {
    const name = runCommand(words, table, {
      exist: o.exist ?? false,
      warn: (message, word) => report('warning', 'ipset-ignored', message, word),
      print: (s) => {
        output += s;
      },
      ...(o.inUse ? { inUse: o.inUse } : {}),
    });
    const value = table.freeze();
    if (name === 'list' || name === 'save') output += printed(words, value);
    return { value, diagnostics: reporter.diagnostics, output };
  } catch (e) {
    if (!(e instanceof IpsetError)) throw e;
    const near =
      e.code === 'ipset-no-set' && e.word !== undefined
        ? nearest(
            e.word,
            sets.map((s) => s.name),
          )
        : undefined;
    report('error', e.code, e.message, e.word, e.hint ?? (near && `did you mean “${near}”?`));
    return { value: sets, diagnostics: reporter.diagnostics, output };
  }
}

function printed(words: readonly string[], sets: readonly IpSet[]): string {
  const has = (...flags: string[]): boolean => words.some((w) => flags.includes(w));
  const sorted = has('-s', '-sorted', '--sorted');
  const at = words.findIndex((w) => commandOf(w) === 'list' || commandOf(w) === 'save');
  const name = words.slice(at + 1).find((w) => !w.startsWith('-'));
  const some = name === undefined ? sets : sets.filter((s) => s.name === name);
  if (commandOf(words[at]) === 'save') return writeIpsetSave(some, { sorted });
  return writeIpsetList(some, { sorted, terse: has('-t', '-terse', '--terse'), names: has('-n', '-name', '--name') });
}
