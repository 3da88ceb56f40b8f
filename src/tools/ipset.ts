/** ipset(8): changes, questions and dumps with one grammar (formats/ipset-save.ts). */
import { hasErrors, type Parsed } from '../base/diagnostic.js';
import { applyIpsetCommand, readIpsetSave, writeIpsetList, writeIpsetSave } from '../formats/ipset-save.js';
import { commandOf } from '../netfilter/ipset/run.js';
import type { NodeState } from '../scenario/model.js';
import { ruleReferences } from './sets.js';
import { settled } from './settle.js';
import { type Answer, complained, said, type Tool, type ToolContext } from './tool.js';

const QUESTIONS = new Set(['list', 'save', 'test', 'help', 'version']);

/** The command among the words: options may stand in front of it. */
const nameOf = (words: readonly string[]) => words.map(commandOf).find((c) => c !== null) ?? null;
/** What only says how something is printed may stand in front of the command. */
const PRINTING = new Set(['-s', '-sorted', '--sorted', '-t', '-terse', '--terse', '-n', '-name', '--name', '-r', '-resolve', '--resolve']);
function withoutOptions(words: readonly string[]): readonly string[] {
  const at = words.findIndex((w) => commandOf(w) === 'list' || commandOf(w) === 'save');
  return at < 0 ? words : words.filter((w, i) => i === at || !PRINTING.has(w));
}
const exist = (words: readonly string[]): boolean => words.some((w) => w === '-exist' || w === '--exist' || w === '-!');

/** `ipset restore` stops at the first line that fails; what stands above it was carried out. */
function restore(n: NodeState, c: ToolContext, inUse: (set: string) => boolean): Parsed<NodeState> {
  const text = c.stdin ?? '';
  const read = (t: string) => readIpsetSave(t, { file: c.file, base: n.sets, exist: exist(c.words), inUse });
  const { value, diagnostics } = read(text);
  const first = diagnostics.find((d) => d.severity === 'error');
  if (!first) return { value: { ...n, sets: value }, diagnostics };
  const above = text.split('\n').slice(0, (first.span?.line ?? 1) - 1);
  const sets = above.length === 0 ? n.sets : read(`${above.join('\n')}\n`).value;
  return { value: above.length === 0 ? n : { ...n, sets }, diagnostics: [first] };
}

function change(n: NodeState, c: ToolContext) {
  const name = nameOf(c.words);
  if (name !== null && QUESTIONS.has(name)) return null;
  const inUse = (set: string): boolean => ruleReferences(n)(set) > 0;
  if (name === 'restore') return restore(n, c, inUse);
  const r = applyIpsetCommand(c.words, n.sets, { file: c.file, inUse });
  return { value: r.value === n.sets ? n : { ...n, sets: r.value }, diagnostics: r.diagnostics };
}

/** The tool's own frame around its words. */
const complaint = (message: string): Answer => complained(`ipset v7.17: ${message}`, 1);

const tool: Tool = {
  names: ['ipset'],
  settles: ['sets'],
  change,
  answer(n, c) {
    const name = nameOf(c.words);
    if (name === 'version') return said('ipset v7.17, protocol version: 7\n');
    if (name !== null && !QUESTIONS.has(name)) return null;
    const state = settled(n, ['sets']);
    const r = applyIpsetCommand(withoutOptions(c.words), state.sets, { inUse: () => false });
    // The tool's answer to `test` goes to stderr, whether it is in the set or not.
    if (name === 'test' && r.output !== '') return hasErrors(r.diagnostics) ? complained(r.output, 1) : complained(`Warning: ${r.output}`, 0);
    const error = r.diagnostics.find((d) => d.severity === 'error');
    if (error) return complaint(error.message);
    return said(name === 'list' || name === 'save' ? listing(n.given, state, c.words, name) : r.output);
  },
};

function listing(n: NodeState, now: NodeState, words: readonly string[], name: 'list' | 'save'): string {
  const has = (...flags: string[]): boolean => words.some((w) => flags.includes(w));
  const at = words.findIndex((w) => commandOf(w) === name);
  const one = words.slice(at + 1).find((w) => !w.startsWith('-'));
  const sets = one === undefined ? now.sets : now.sets.filter((s) => s.name === one);
  const sorted = has('-s', '-sorted', '--sorted');
  if (name === 'save') return writeIpsetSave(sets, { sorted });
  return writeIpsetList(sets, { sorted, terse: has('-t', '-terse', '--terse'), names: has('-n', '-name', '--name'), ruleReferences: ruleReferences(n) });
}

export const ipsetTool = (): readonly Tool[] => [tool];
