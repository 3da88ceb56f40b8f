/** `apply:` as the administrator's commands it stands for: the tool with the generator's text on its standard input. */
import type { Diagnostic } from '../base/diagnostic.js';
import type { Application, NodeCommand } from './model.js';

const programs = {
  iptables_restore: 'iptables-restore',
  ip6tables_restore: 'ip6tables-restore',
  ipset_restore: 'ipset restore',
  nft: 'nft -f -',
} as const;

/** In order, one command per application and line of `commands`. */
export function applyCommands(list: readonly Application[]): NodeCommand[] {
  return list.flatMap((a): NodeCommand[] => {
    const text = a.text ?? '';
    const { node, span } = a;
    if (a.tool === 'commands') {
      const lines = text.split('\n').filter((l) => l.trim() !== '');
      return lines.map((command) => ({ node, command, span }));
    }
    const end = endWord(text);
    const flag = a.noflush && a.tool.endsWith('tables_restore') ? ' --noflush' : '';
    return [{ node, command: `${programs[a.tool]}${flag} <<'${end}'\n${text.endsWith('\n') || text === '' ? text : `${text}\n`}${end}\n`, span }];
  });
}

/** A word that no line of the text is. */
function endWord(text: string): string {
  const lines = new Set(text.split('\n').map((l) => l.trim()));
  let n = 0;
  while (lines.has(`END${n}`)) n++;
  return `END${n}`;
}

/** Applications whose text a command of their own would print, and nobody ran it. */
export function notGenerated(list: readonly Application[]): Diagnostic[] {
  return list
    .filter((a) => a.text === null)
    .map((a) => ({
      code: 'run-not-allowed',
      severity: 'error',
      message: `the scenario wants to run ${a.run?.[0] ?? 'a command'}`,
      span: a.span,
      hint: 'sim test --allow-run permits it',
    }));
}
