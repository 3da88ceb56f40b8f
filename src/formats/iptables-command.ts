/** One `iptables …` or `ip6tables …` command on a ruleset, with libiptc's answers. */
import type { Parsed } from '../base/diagnostic.js';
import { nearest, Reporter } from '../base/diagnostic.js';
import { checkTable } from '../netfilter/xtables/check.js';
import { parseCommand } from '../netfilter/xtables/command.js';
import { type Command, CommandError, OtherFamily } from '../netfilter/xtables/command-types.js';
import type { CheckContext } from '../netfilter/xtables/extension.js';
import { Instances } from '../netfilter/xtables/instances.js';
import { EditError, IPTC } from '../netfilter/xtables/iptc.js';
import { builtinChains, type XtRuleset, type XtTable } from '../netfilter/xtables/model.js';
import { TableEdit } from '../netfilter/xtables/table-edit.js';
import { isTableName } from './iptables-restore.js';

export interface ApplyOptions {
  /** Name of the text for diagnostics, '<command>' by default. */
  readonly file?: string;
  readonly sets?: CheckContext['sets'];
  readonly unknown?: 'keep' | 'refuse';
  /** Where the command stands in that text, and what it looks like there. */
  readonly line?: number;
}

export interface AppliedCommand {
  readonly ruleset: XtRuleset;
  /** What was asked; null where it could not be read. */
  readonly command: Command | null;
  /** Listing commands change nothing: tools/ prints them. */
  readonly table: string;
}

/**
 * Applies one command; `words` are argv without the program's name. An error leaves the ruleset as it was. The table is loaded if it was not, as the kernel does,
 * also by a listing.
 */
export function applyIptablesCommand(words: readonly string[], ruleset: XtRuleset, opts: ApplyOptions = {}): Parsed<AppliedCommand> {
  const prog = ruleset.family === 'ipv4' ? 'iptables' : 'ip6tables';
  const shown = words.join(' ');
  const reporter = new Reporter(opts.file ?? '<command>', shown);
  const fail = (code: string, message: string, word: number | null, hint?: string): Parsed<AppliedCommand> => {
    const column = word === null ? 1 : words.slice(0, word).join(' ').length + (word > 0 ? 2 : 1);
    const length = word === null ? shown.length : (words[word]?.length ?? 1);
    reporter.error(code, message, 1, column, Math.max(1, length), hint);
    return { value: { ruleset, command: null, table: '' }, diagnostics: reporter.diagnostics };
  };
  const edits = new Map<string, TableEdit>();
  const editOf = (table: string): TableEdit | undefined => {
    if (!isTableName(table)) return undefined;
    let e = edits.get(table);
    if (!e) {
      e = new TableEdit(
        table,
        ruleset.family,
        ruleset.tables.find((t) => t.name === table),
      );
      edits.set(table, e);
    }
    return e;
  };
  let command: Command;
  try {
    command = parseCommand(words, {
      family: ruleset.family,
      table: 'filter',
      isChain: (table, name) => editOf(table)?.userChain(name) !== undefined,
      unknown: opts.unknown ?? 'refuse',
      instances: new Instances(),
      file: null,
      line: 0,
      length: 0,
      onWarning: (message, word) => reporter.warning('iptables-chain-hides-target', message, 1, 1, words[word]?.length ?? 1),
    });
  } catch (e) {
    if (e instanceof OtherFamily) return fail('iptables-syntax', `This is the ${ruleset.family === 'ipv4' ? 'IPv4' : 'IPv6'} version of ${prog}.`, null);
    if (!(e instanceof CommandError)) throw e;
    return fail(e.code, e.message, e.word, e.hint);
  }
  const name = command.table ?? 'filter';
  const edit = editOf(name);
  if (!edit || !isTableName(name)) {
    const near = nearest(name, Object.keys(builtinChains));
    return fail(
      'iptables-table',
      `can't initialize ${prog} table \`${name}': Table does not exist (do you need to insmod?)`,
      null,
      near ? `did you mean ${near}?` : undefined,
    );
  }
  try {
    edit.apply(command);
  } catch (e) {
    if (!(e instanceof EditError)) throw e;
    const near = e.message === IPTC.noChain && command.chain !== null ? nearest(command.chain, edit.chainNames()) : undefined;
    return fail('iptables-command', `${prog}: ${e.message}`, null, near ? `did you mean ${near}?` : undefined);
  }
  const table = edit.finish();
  const [finding] = checkTable(table, ruleset.family, opts.sets);
  if (finding) {
    const message = finding.code === 'iptables-loop' ? IPTC.loop : IPTC.invalid;
    return fail(finding.code, `${prog}: ${message}`, null, `${finding.chain}:${finding.num}: ${finding.message}${finding.hint ? ` (${finding.hint})` : ''}`);
  }
  return { value: { ruleset: withTable(ruleset, table), command, table: name }, diagnostics: reporter.diagnostics };
}

function withTable(r: XtRuleset, table: XtTable): XtRuleset {
  const at = r.tables.findIndex((t) => t.name === table.name);
  return { ...r, tables: at < 0 ? [...r.tables, table] : r.tables.with(at, table) };
}
