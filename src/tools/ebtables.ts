/** ebtables(8), ebtables-save, ebtables-restore. */
import { Reporter } from '../base/diagnostic.js';
import { readEbtablesSave, writeEbtablesSave } from '../formats/ebtables-save.js';
import { applyEbtablesCommand } from '../netfilter/ebtables/command.js';
import type { EbtRuleset } from '../netfilter/ebtables/model.js';
import type { NodeState } from '../scenario/model.js';
import { said, type Tool, type ToolContext } from './tool.js';

const rulesOf = (n: NodeState): EbtRuleset | null => n.ebtables as EbtRuleset | null;
const LISTS = new Set(['-L', '--list']);

function change(n: NodeState, c: ToolContext) {
  if (c.words.some((w) => LISTS.has(w))) return null;
  const r = applyEbtablesCommand(c.words, rulesOf(n));
  if (r.ok) return { value: r.value === n.ebtables ? n : { ...n, ebtables: r.value }, diagnostics: [] };
  const line = c.words.join(' ');
  const reporter = new Reporter(c.file, line);
  const at = r.word < 0 ? 0 : c.words.slice(0, r.word).join(' ').length + (r.word > 0 ? 1 : 0);
  reporter.error('ebtables-command', r.message, 1, at + 1, r.word < 0 ? line.length : (c.words[r.word]?.length ?? 1), r.hint);
  return { value: n, diagnostics: reporter.diagnostics };
}

const tools: readonly Tool[] = [
  { names: ['ebtables', 'ebtables-nft', 'ebtables-legacy'], change },
  {
    names: ['ebtables-restore', 'ebtables-nft-restore', 'ebtables-legacy-restore'],
    change(n, c) {
      const r = readEbtablesSave(c.stdin ?? '', c.file, rulesOf(n)?.backend ?? 'nft');
      return { value: r.diagnostics.some((d) => d.severity === 'error') ? n : { ...n, ebtables: r.value }, diagnostics: r.diagnostics };
    },
  },
  {
    names: ['ebtables-save', 'ebtables-nft-save', 'ebtables-legacy-save'],
    answer: (n) => said(rulesOf(n.given) === null ? '' : writeEbtablesSave(rulesOf(n.given) as EbtRuleset)),
  },
];

export const ebtablesTools = (): readonly Tool[] => tools;
