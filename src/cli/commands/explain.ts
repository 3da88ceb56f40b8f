/** `sim explain NAME`: what a word of the kernel or of a story means. */
import type { Command } from 'commander';
import { explain, explainable } from '../../render/explain.js';
import { drawPacketFlow } from '../../render/picture.js';
import { EXIT } from '../files.js';
import { out } from '../out.js';

export function register(program: Command): void {
  program
    .command('explain')
    .description('What a drop reason, cause, box, hook or counter means, who drops there, what to look at')
    .argument('[name...]', 'IP_RPFILTER, rp-filter, ip_rcv_finish, FORWARD, TcpExtIPReversePathFilter, …; without one, all that are known')
    .option('--picture', 'the whole packet flow as a mermaid flowchart: every box, its hook, where each outcome leads')
    .action((names: readonly string[], o: { picture?: boolean }) => {
      if (o.picture) out(drawPacketFlow());
      if (!o.picture || names.length > 0) process.exitCode = run(names);
    });
}

function run(names: readonly string[]): number {
  if (names.length === 0) {
    out(`${explainable().join('\n')}\n`);
    return EXIT.ok;
  }
  let code: number = EXIT.ok;
  for (const name of names) {
    const answer = explain(name);
    if ('lines' in answer) out(`${answer.lines.join('\n')}\n`);
    else {
      process.stderr.write(
        `error: “${name}” is no drop reason, cause, box, hook or counter that is known here\n  hint: ${answer.near ? `did you mean “${answer.near}”?` : 'sim explain lists all names'}\n`,
      );
      code = EXIT.badInput;
    }
  }
  return code;
}
