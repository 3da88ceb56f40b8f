/** Carries out the commands of `do:`, `what_if:` and `--do` on a run, and parses `--do` arguments. */
import { type Diagnostic, hasErrors, nearest, type Parsed, Reporter } from '../base/diagnostic.js';
import type { NodeCommand, Scenario } from '../scenario/model.js';
import type { Network } from '../stack/network.js';
import { findTool, toolNames } from './index.js';
import { splitCommand } from './words.js';

/** Runs one command; an error leaves the node as it was. */
export function execute(net: Network, c: NodeCommand): readonly Diagnostic[] {
  const file = c.span?.file ?? '--do';
  const reporter = new Reporter(file, c.command);
  const fail = (code: string, message: string, hint?: string): readonly Diagnostic[] => {
    if (c.span) return [{ code, severity: 'error', message, span: c.span, ...(hint ? { hint } : {}) }];
    reporter.error(code, message, 1, 1, c.command.length, hint);
    return reporter.diagnostics;
  };
  const node = net.node(c.node);
  if (!node) {
    const near = nearest(c.node, net.nodes.map((n) => n.name));
    return fail('do-node', `there is no node “${c.node}”`, near ? `did you mean “${near}”?` : `nodes: ${net.nodes.map((n) => n.name).join(', ')}`);
  }
  const words = splitCommand(c.command);
  if (words === null) return fail('do-quote', 'a quote is not closed');
  const tool = findTool(words[0] ?? '');
  if (!tool?.change) {
    const near = nearest(words[0] ?? '', toolNames());
    return fail('do-command', `“${words[0] ?? ''}” is no command that changes a node here`, near ? `did you mean “${near}”?` : `known: ${toolNames().join(', ')}`);
  }
  const context = { words: words.slice(1), text: c.command, file, stdin: null };
  const { value, diagnostics } = tool.change(node.given, context);
  if (hasErrors(diagnostics)) return diagnostics;
  if (value !== node.given) node.regive(value);
  return [...diagnostics, ...(tool.act?.(node, context) ?? [])];
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
        span: null,
        hint: near ? `did you mean “${near}”?` : names.length > 0 ? `it has: ${names.join(', ')}` : 'it has none',
      });
    }
  }
  for (const t of texts) {
    const at = t.indexOf(':');
    if (at <= 0) {
      const r = new Reporter('--do', t);
      r.error('do-form', 'expected “NODE: COMMAND”', 1, 1, t.length, `for example --do '${s.nodes[0]?.name ?? 'node1'}: sysctl -w net.ipv4.ip_forward=1'`);
      diagnostics.push(...r.diagnostics);
      continue;
    }
    value.push({ node: t.slice(0, at).trim(), command: t.slice(at + 1).trim(), span: null });
  }
  return { value, diagnostics };
}
