/** A question to a running node: `sim exec`. */
import type { NodeRun } from '../stack/node-run.js';
import { findTool, toolNames } from './index.js';
import { didYouMean } from './refusal.js';
import { type Answer, complained } from './tool.js';

/** What the command prints on this node; one that is not known, or that would change the node, is refused with status 2. */
export function ask(n: NodeRun, words: readonly string[]): Answer {
  const [name, ...rest] = words;
  const tool = name === undefined ? undefined : findTool(name);
  // tcpdump shows a whole run: cli/tcpdump.ts answers it.
  const known = [...toolNames(), 'tcpdump'].sort();
  if (name === undefined || !tool) {
    const hint = didYouMean(name ?? '', known, '');
    return complained(`sim: “${name ?? ''}” is no command that a simulated node knows${hint === '' ? '' : ` (${hint})`}\n  known: ${known.join(', ')}`, 2);
  }
  const context = { name, words: rest, text: words.join(' '), file: 'command', stdin: null };
  return tool.answer?.(n, context) ?? complained(`sim: “${words.join(' ')}” would change the node; a change goes with --do '${n.name}: ${words.join(' ')}'`, 2);
}
