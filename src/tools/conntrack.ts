/** conntrack(8): the connection table of the running node. */
import { Reporter } from '../base/diagnostic.js';
import { formatEntries, formatEntry } from '../formats/conntrack.js';
import { type ConntrackCommand, parseConntrackCommand } from '../formats/conntrack-command.js';
import { linesOf, wordsOf } from '../formats/tokens.js';
import { createEntry, deleteEntries, listEntries, updateEntries } from '../netfilter/conntrack/edit.js';
import type { NodeRun } from '../stack/node-run.js';
import { Refusal, refusalOf } from './refusal.js';
import { type Answer, complained, type Tool, type ToolContext } from './tool.js';

const QUESTIONS = new Set(['list', 'get', 'count']);
const VERSION = 'conntrack v1.4.7 (conntrack-tools)';

function read(c: ToolContext): { command: ConntrackCommand | null; reporter: Reporter } {
  const line = c.words.join(' ');
  const reporter = new Reporter(c.file, line);
  const words = linesOf(line).flatMap((l) => wordsOf(l));
  return { command: parseConntrackCommand(words, reporter), reporter };
}

function act(n: NodeRun, command: ConntrackCommand): void {
  const none = 'conntrack: 0 flow entries';
  switch (command.op) {
    case 'flush':
      n.conntrack.flush();
      return;
    case 'delete':
      // The tool itself fails when nothing was deleted; a change that changes nothing is no error here.
      deleteEntries(n.conntrack, command.select);
      return;
    case 'create':
    case 'add':
      if (command.create && !createEntry(n.conntrack, command.create, command.op === 'add')) {
        throw new Refusal(`${VERSION}: Operation failed: such conntrack exists, try -U to update`, { code: 'conntrack-exists', status: 1 });
      }
      return;
    case 'update':
      updateEntries(n.conntrack, command.select, command.update);
      return;
    default:
      throw new Refusal(none);
  }
}

const tool: Tool = {
  names: ['conntrack'],
  act(n, c) {
    const { command, reporter } = read(c);
    if (!command) return reporter.diagnostics;
    if (QUESTIONS.has(command.op)) return null;
    try {
      act(n, command);
      return [];
    } catch (e) {
      if (!(e instanceof Refusal)) throw e;
      return [refusalOf(e, c)];
    }
  },
  answer(n, c): Answer | null {
    const { command, reporter } = read(c);
    if (!command)
      return complained(`${VERSION}: ${reporter.diagnostics[0]?.message ?? 'bad command'}\nTry \`conntrack -h' or 'conntrack --help' for more information.`, 2);
    if (!QUESTIONS.has(command.op)) return null;
    // Without -f the tool asks for IPv4 only.
    const entries = listEntries(n.conntrack, { ...command.select, family: command.select.family ?? 'ipv4' });
    if (command.op === 'count') return { stdout: `${[...n.conntrack.entries()].length}\n`, stderr: '', status: 0 };
    if (command.op === 'get') {
      const e = entries[0];
      if (!e) return complained(`${VERSION}: Operation failed: such conntrack doesn't exist`, 1);
      return { stdout: `${formatEntry(e, command.style)}\n`, stderr: `${VERSION}: 1 flow entries have been shown.\n`, status: 0 };
    }
    return { stdout: formatEntries(entries, command.style), stderr: `${VERSION}: ${entries.length} flow entries have been shown.\n`, status: 0 };
  },
};

export const conntrackTool = (): readonly Tool[] => [tool];
