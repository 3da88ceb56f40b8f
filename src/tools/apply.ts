/** `apply:` of a scenario: what a rule generator wrote, put on its node with the tools' own semantics, in the order of the file, before anything else runs. */
import type { Diagnostic, Span } from '../base/diagnostic.js';
import { splitShellWords } from '../base/shell-words.js';
import type { Application, NodeCommand, Scenario } from '../scenario/model.js';
import type { Network } from '../stack/network.js';
import { type Change, execute, performOn, workedOut } from './execute.js';

const TOOL = { iptables_restore: 'iptables-restore', ip6tables_restore: 'ip6tables-restore', ipset_restore: 'ipset', nft: 'nft' } as const;

/** A place inside the applied text as a place in the scenario: a block scalar's text begins on the line below its key. */
function placed(d: Diagnostic, a: Application, text: string): Diagnostic {
  const { span: at, sourceLine: _, ...rest } = d;
  const source = at ? text.split('\n')[at.line - 1] : undefined;
  const where = at && source !== undefined ? `line ${at.line} of what ${TOOL[a.tool as keyof typeof TOOL] ?? a.tool} reads: ${source.trim()}` : '';
  const span: Span = a.span;
  return { ...rest, span, hint: [d.hint, where].filter((h) => h).join('; ') || 'see the text applied' };
}

/** Applies everything; an error ends it, since what follows would stand on something else than the generator meant. */
export function applyAll(net: Network, s: Pick<Scenario, 'apply'>, change: Change = workedOut): readonly Diagnostic[] {
  const out: Diagnostic[] = [];
  for (const a of s.apply) {
    const ds = applyOne(net, a, change);
    out.push(...ds);
    if (ds.some((d) => d.severity === 'error')) break;
  }
  return out;
}

function applyOne(net: Network, a: Application, change: Change): readonly Diagnostic[] {
  if (a.text === null) {
    const command = a.run?.join(' ') ?? '';
    return [
      {
        code: 'apply-run',
        severity: 'error',
        message: `“${command}” has to run first: its output is what is applied`,
        span: a.span,
        hint: 'sim test --allow-run runs it',
      },
    ];
  }
  if (a.tool === 'commands') return commands(net, a, a.text, change);
  const words = a.tool === 'ipset_restore' ? ['restore'] : a.noflush && a.tool !== 'nft' ? ['--noflush'] : [];
  const context = { name: TOOL[a.tool], words, text: [TOOL[a.tool], ...words].join(' '), file: a.span.file, stdin: a.text };
  return performOn(net, a.node, context, change).map((d) => placed(d, a, a.text ?? ''));
}

/** One command a line; `#` begins a comment, a backslash at the end joins lines. The first that fails ends the list, as `sh -e` would. */
function commands(net: Network, a: Application, text: string, change: Change): readonly Diagnostic[] {
  const out: Diagnostic[] = [];
  for (const line of text.replace(/\\\n/g, ' ').split('\n')) {
    const t = line.trim();
    if (t === '' || t.startsWith('#') || splitShellWords(t)?.length === 0) continue;
    const c: NodeCommand = { node: a.node, command: t, span: null };
    const ds = execute(net, c, change).map((d): Diagnostic => ({ ...d, span: a.span, hint: [d.hint, `in: ${t}`].filter((h) => h).join('; ') }));
    out.push(...ds);
    if (ds.some((d) => d.severity === 'error')) break;
  }
  return out;
}
