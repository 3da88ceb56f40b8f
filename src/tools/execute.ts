/** Carries out the commands of `do:`, `what_if:` and `--do` on a run, and parses `--do` arguments. */

import { invariant } from '../base/assert.js';
import { type Diagnostic, hasErrors, nearest, type Parsed, Reporter } from '../base/diagnostic.js';
import { splitShellWords } from '../base/shell-words.js';
import type { NodeCommand, NodeState, Scenario } from '../scenario/model.js';
import type { Network } from '../stack/network.js';
import type { NodeRun } from '../stack/node-run.js';
import { carryCounters } from './counters.js';
import { findTool, toolNames } from './index.js';
import { forgetMasquerades, setCarrier } from './netdev.js';
import { didYouMean, relocate } from './refusal.js';
import { settled } from './settle.js';
import type { Tool, ToolContext } from './tool.js';

/** `--do` where it is not a scenario file that a command stands in. */
const DO_FILE = '--do';

/** `COMMAND <<WORD`, lines, `WORD`: the command and its standard input. */
const HERE = /^([^\n]*?)\s*<<-?\s*(['"]?)([A-Za-z_]\w*)\2[ \t]*\n([\s\S]*)$/;

interface Line {
  readonly words: readonly string[];
  readonly text: string;
  readonly stdin: string | null;
}

/** A command line as a shell would hand it to the program; null: a quote is not closed. */
export function readCommandLine(text: string): Line | null {
  const m = HERE.exec(text);
  if (!m) {
    const words = splitShellWords(text);
    return words && { words, text, stdin: null };
  }
  const words = splitShellWords(m[1]);
  const lines = m[4].split('\n');
  const end = lines.findIndex((l) => l.trim() === m[3]);
  const body = end < 0 ? lines : lines.slice(0, end);
  return words && { words, text, stdin: body.map((l) => `${l}\n`).join('') };
}

/** How a tool’s change of a state is found: worked out, or remembered (remember.ts). */
export type Change = (tool: Tool, n: NodeState, c: ToolContext) => Parsed<NodeState> | null;
export function workedOut(tool: Tool, n: NodeState, c: ToolContext): Parsed<NodeState> | null {
  return tool.change?.(n, c) ?? null;
}

/** Runs one command; an error leaves the node as it was. */
export function execute(net: Network, c: NodeCommand, change: Change = workedOut): readonly Diagnostic[] {
  const file = c.span?.file ?? DO_FILE;
  const fail = (code: string, message: string, word: string, hint: string): readonly Diagnostic[] => {
    const reporter = new Reporter(file, c.command);
    reporter.error(code, message, 1, Math.max(0, c.command.indexOf(word)) + 1, Math.max(1, word.length), hint);
    return reporter.diagnostics.map((d) => relocate(d, c, file));
  };
  const node = net.node(c.node);
  if (!node) {
    const names = net.nodes.map((n) => n.name);
    return fail('do-node', `there is no node “${c.node}”`, '', didYouMean(c.node, names, `nodes: ${names.join(', ')}`));
  }
  const line = readCommandLine(c.command);
  if (line === null) return fail('do-quote', 'a quote is not closed', c.command.match(/['"]/)?.[0] ?? '', 'words are quoted as in a POSIX shell');
  const name = line.words[0] ?? '';
  const tool = findTool(name);
  if (!tool) return fail('do-command', `“${name}” is no command that is known here`, name, didYouMean(name, toolNames(), `known: ${toolNames().join(', ')}`));
  const context: ToolContext = { name, words: line.words.slice(1), text: line.text, file, stdin: line.stdin };
  const given = node.given;
  const ds = perform(node, tool, context, change);
  followCables(net, node, given);
  if (ds === null)
    return fail('do-question', `“${c.command.split('\n')[0]}” changes nothing`, '', 'a question is asked with sim exec SCENARIO NODE -- COMMAND');
  return ds.map((d) => relocate(d, c, file));
}

/** Carries out a tool's change on a node by name, its diagnostics as the tool's reader placed them. */
export function performOn(net: Network, name: string, context: ToolContext, change: Change = workedOut): readonly Diagnostic[] {
  const node = net.node(name);
  const tool = findTool(context.name);
  invariant(node && tool, 'the loader knows nodes and tools');
  const before = node.given;
  const ds = perform(node, tool, context, change) ?? [];
  followCables(net, node, before);
  return ds;
}

/** Carries out a change on a running node; null where the command is a question. Errors leave the node as it was. */
function perform(node: NodeRun, tool: Tool, context: ToolContext, change: Change): readonly Diagnostic[] | null {
  const before = settled(node, tool.settles ?? []);
  const changed = change(tool, before, context);
  if (changed && hasErrors(changed.diagnostics) && changed.value === before) return changed.diagnostics;
  if (changed && changed.value !== before) install(node, changed.value);
  if (changed && hasErrors(changed.diagnostics)) return changed.diagnostics;
  const acted = tool.act?.(node, context) ?? null;
  return changed || acted ? [...(changed?.diagnostics ?? []), ...(acted ?? [])] : null;
}

function install(node: NodeRun, value: NodeState): void {
  const before = node.given;
  node.regive(value);
  carryCounters(node, before);
  forgetMasquerades(node, before);
}

/** A cable's other end loses its carrier with this one, and gets it back. */
function followCables(net: Network, node: NodeRun, before: NodeState): void {
  if (before.links === node.given.links) return;
  for (const w of net.scenario.wires) {
    if (w.kind !== 'pair') continue;
    const near = w.ends.find((e) => e.node === node.name);
    const far = w.ends.find((e) => e !== near);
    const peer = far && net.node(far.node);
    const dev = near && node.device(near.dev);
    if (!peer || !far || !dev) continue;
    const was = before.links.find((l) => l.name === dev.name)?.flags.includes('UP');
    if (was === dev.up) continue;
    const value = setCarrier(peer.given, far.dev, dev.up);
    if (value !== peer.given) install(peer, value);
  }
}

/** `NODE: COMMAND` arguments and a named what-if, as commands for the scenario. */
export function parseDo(s: Scenario, texts: readonly string[], whatIf: string | null): Parsed<readonly NodeCommand[]> {
  const diagnostics: Diagnostic[] = [];
  const value: NodeCommand[] = [];
  if (whatIf !== null) {
    const found = s.whatIf.find((w) => w.name === whatIf);
    if (found) value.push(...found.commands);
    else {
      const names = s.whatIf.map((w) => w.name);
      const near = nearest(whatIf, names);
      diagnostics.push({
        code: 'what-if-unknown',
        severity: 'error',
        message: `the scenario has no what-if “${whatIf}”`,
        span: { file: '--what-if', line: 1, column: 1, length: whatIf.length },
        sourceLine: whatIf,
        hint: near ? `did you mean “${near}”?` : names.length > 0 ? `it has: ${names.join(', ')}` : 'it has none',
      });
    }
  }
  for (const t of texts) {
    const at = t.indexOf(':');
    if (at <= 0 || t.slice(at + 1).trim() === '') {
      const r = new Reporter(DO_FILE, t);
      r.error('do-form', 'expected “NODE: COMMAND”', 1, 1, t.length, `for example --do '${s.nodes[0]?.name ?? 'node1'}: sysctl -w net.ipv4.ip_forward=1'`);
      diagnostics.push(...r.diagnostics);
      continue;
    }
    value.push({ node: t.slice(0, at).trim(), command: t.slice(at + 1).trim(), span: null });
  }
  return { value, diagnostics };
}
