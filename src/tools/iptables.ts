/**
 * iptables(8), ip6tables(8), iptables-save(8), iptables-restore(8) and their IPv6 twins: changes with the tool's own grammar and answers. `iptables-legacy` and
 * `iptables-nft` name their backend; `iptables` is that of the node's rules: nft where only nft rules are there, else legacy.
 */
import { hasErrors, type Parsed } from '../base/diagnostic.js';
import { byName } from '../base/memo.js';
import { applyIptablesCommand } from '../formats/iptables-command.js';
import { isTableName } from '../formats/iptables-restore.js';
import { restoreIptables, writeIptablesSave } from '../formats/iptables-save.js';
import type { Command } from '../netfilter/xtables/command-types.js';
import type { XtChain, XtRuleset, XtTable } from '../netfilter/xtables/model.js';
import type { NodeState } from '../scenario/model.js';
import type { NodeRun } from '../stack/node-run.js';
import { countedRuleset } from './counters.js';
import { listTable } from './iptables-list.js';
import { describeSets } from './sets.js';
import { type Answer, complained, said, type Tool, type ToolContext } from './tool.js';

type Family = 'ipv4' | 'ipv6';
type Key = 'iptables' | 'ip6tables' | 'iptablesNft' | 'ip6tablesNft';
const progOf = (family: Family): string => (family === 'ipv4' ? 'iptables' : 'ip6tables');

function isNft(n: NodeState, tool: string): boolean {
  if (tool.includes('-nft')) return true;
  return !tool.includes('-legacy') && (n.iptablesNft ?? n.ip6tablesNft) !== null && n.iptables === null && n.ip6tables === null;
}
function keyOf(n: NodeState, tool: string, family: Family): Key {
  if (isNft(n, tool)) return family === 'ipv4' ? 'iptablesNft' : 'ip6tablesNft';
  return family === 'ipv4' ? 'iptables' : 'ip6tables';
}
const rulesOf = (n: NodeState, tool: string, family: Family): XtRuleset => n[keyOf(n, tool, family)] ?? { family, tables: [] };

/** A table that is loaded anew stands in front of those that were there: the order in which iptables-save prints them. */
function newestFirst(before: XtRuleset, r: XtRuleset): XtRuleset {
  const isNew = (t: XtTable): boolean => !before.tables.some((b) => b.name === t.name);
  if (!r.tables.some(isNew)) return r;
  return { ...r, tables: [...r.tables.filter(isNew).reverse(), ...r.tables.filter((t) => !isNew(t))] };
}

function withRules(n: NodeState, tool: string, family: Family, r: XtRuleset): NodeState {
  const key = keyOf(n, tool, family);
  if (r.tables.length === 0 && n[key] === null) return n;
  return r === n[key] ? n : { ...n, [key]: newestFirst(rulesOf(n, tool, family), r) };
}
const version = (n: NodeState, tool: string): string => `v1.8.9 (${isNft(n, tool) ? 'nf_tables' : 'legacy'})`;

const QUESTION = new Set(['L', 'S', 'C', 'V', 'h']);
/** -Z: new counter objects, so that what the run counted for the policies is forgotten as well. */
const zeroed = (r: XtRuleset, cmd: Command, table: string): XtRuleset => ({
  ...r,
  tables: r.tables.map((t) =>
    t.name !== table
      ? t
      : { ...t, chains: t.chains.map((c): XtChain => (cmd.chain === null || c.name === cmd.chain ? { ...c, counters: { packets: 0, bytes: 0 } } : c)) },
  ),
});

/** iptables-nft makes a table when a command needs it, and of its built-in chains those that commands name. */
function hookedBy(cmd: Command, table: string, before: XtRuleset, after: XtRuleset): XtRuleset {
  const was = byName(before.tables, table);
  const hooked = was ? was.hooked : [];
  if (hooked === undefined) return after;
  const named = cmd.chain !== null && byName(byName(after.tables, table)?.chains ?? [], cmd.chain)?.policy != null ? [cmd.chain] : [];
  // Without a chain -F, -X and -Z make nothing.
  if (!was && cmd.chain === null) return before;
  return { ...after, tables: after.tables.map((t) => (t.name === table ? { ...t, hooked: [...new Set([...hooked, ...named])] } : t)) };
}

function change(n: NodeState, c: ToolContext, family: Family): Parsed<NodeState> | null {
  const r = applyIptablesCommand(c.words, rulesOf(n, c.name, family), { file: c.file, sets: describeSets(n) });
  const cmd = r.value.command;
  if (cmd && QUESTION.has(cmd.letter)) return null;
  let ruleset = cmd?.letter === 'Z' && cmd.number === null ? zeroed(r.value.ruleset, cmd, r.value.table) : r.value.ruleset;
  if (cmd && isNft(n, c.name)) ruleset = hookedBy(cmd, r.value.table, rulesOf(n, c.name, family), ruleset);
  return { value: hasErrors(r.diagnostics) ? n : withRules(n, c.name, family, ruleset), diagnostics: r.diagnostics };
}

/** Messages that come before the kernel is asked have the tool's name and version in front and, mostly, a hint behind. */
function complaint(prog: string, version: string, code: string, message: string): Answer {
  if (message.startsWith(`${prog}: `)) return complained(message, message.includes('Memory allocation') ? 4 : 1);
  const versioned = `${prog} ${version}: ${message}`;
  if (code === 'iptables-table') return complained(`${versioned}\nPerhaps ${prog} or your kernel needs to be upgraded.`, 3);
  return complained(`${versioned}\nTry \`${prog} -h' or '${prog} --help' for more information.`, 2);
}

/** `-L CHAIN N` and `-S CHAIN N`: the number apart from the other words. */
function withoutNumber(words: readonly string[]): { readonly words: readonly string[]; readonly number: number | null } {
  const at = words.findIndex((w) => /^-[nvx]*[LS]$|^--list(-rules)?$/.test(w));
  const number = at >= 0 && /^[1-9]\d{0,8}$/.test(words[at + 2] ?? '') && !words[at + 1].startsWith('-') ? Number(words[at + 2]) : null;
  return number === null ? { words, number } : { words: words.toSpliced(at + 2, 1), number };
}

function answer(n: NodeRun, c: ToolContext, family: Family): Answer | null {
  const asked = withoutNumber(c.words);
  const prog = progOf(family);
  const counted = countedRuleset(n, rulesOf(n.given, c.name, family), isNft(n.given, c.name) ? 'nft' : 'legacy');
  const r = applyIptablesCommand(asked.words, counted, { sets: describeSets(n.given) });
  const cmd = r.value.command && { ...r.value.command, number: asked.number };
  const error = r.diagnostics.find((d) => d.severity === 'error');
  const asks = c.words.some((w) => /^-[nvx]*[LSCVh]|^--(list|list-rules|check|version|help)$/.test(w));
  if (error) return asks ? complaint(prog, version(n.given, c.name), error.code, error.message) : null;
  if (!cmd || !QUESTION.has(cmd.letter)) return null;
  if (cmd.letter === 'V') return said(`${prog} ${version(n.given, c.name)}\n`);
  if (cmd.letter === 'C') return said('');
  const table = r.value.ruleset.tables.find((t) => t.name === r.value.table);
  if (!table) return said('');
  const listed = listTable(table, family, cmd, c.words);
  return listed === null ? complained(`${prog}: No chain/target/match by that name.`, 1) : said(listed);
}

const tool = (names: readonly string[], family: Family): Tool => ({
  names,
  change: (n, c) => change(n, c, family),
  answer: (n, c) => answer(n, c, family),
});

const flag = (words: readonly string[], ...names: string[]): boolean => words.some((w) => names.includes(w));
const optionValue = (words: readonly string[], ...names: string[]): string | null => {
  const at = words.findIndex((w) => names.includes(w));
  return at < 0 ? null : (words[at + 1] ?? '');
};

/** iptables-restore: atomic per table; what was committed before the first error stays, all else is as it was. */
function restore(n: NodeState, c: ToolContext, family: Family): Parsed<NodeState> {
  const r = restoreIptables(c.stdin ?? '', rulesOf(n, c.name, family), { file: c.file, noflush: flag(c.words, '-n', '--noflush'), sets: describeSets(n) });
  if (flag(c.words, '--test', '-t')) return { value: n, diagnostics: r.diagnostics };
  return { value: withRules(n, c.name, family, r.value), diagnostics: r.diagnostics };
}

const restoreTool = (names: readonly string[], family: Family): Tool => ({ names, change: (n, c) => restore(n, c, family) });

const saveTool = (names: readonly string[], family: Family): Tool => ({
  names,
  answer(n, c) {
    const prog = `${progOf(family)}-save`;
    const table = optionValue(c.words, '-t', '--table');
    const all = countedRuleset(n, rulesOf(n.given, c.name, family), isNft(n.given, c.name) ? 'nft' : 'legacy');
    if (table !== null && !isTableName(table))
      return complained(`${prog} ${version(n.given, c.name)}: Cannot initialize: Table does not exist (do you need to insmod?)\n`, 1);
    const some = table === null ? all : { ...all, tables: all.tables.filter((t) => t.name === table) };
    // The writer prints what a restored text would give: the last table first.
    return said(writeIptablesSave({ ...some, tables: [...some.tables].reverse() }, { counters: flag(c.words, '-c', '--counters') }));
  },
});

const tools: readonly Tool[] = [
  tool(['iptables', 'iptables-legacy', 'iptables-nft'], 'ipv4'),
  tool(['ip6tables', 'ip6tables-legacy', 'ip6tables-nft'], 'ipv6'),
  restoreTool(['iptables-restore', 'iptables-legacy-restore', 'iptables-nft-restore'], 'ipv4'),
  restoreTool(['ip6tables-restore', 'ip6tables-legacy-restore', 'ip6tables-nft-restore'], 'ipv6'),
  saveTool(['iptables-save', 'iptables-legacy-save', 'iptables-nft-save'], 'ipv4'),
  saveTool(['ip6tables-save', 'ip6tables-legacy-save', 'ip6tables-nft-save'], 'ipv6'),
];

export const iptablesTools = (): readonly Tool[] => tools;
