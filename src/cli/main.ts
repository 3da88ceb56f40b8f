/**
 * `sim`: the command line. Only the command that is asked for is loaded; the others are known by name and one line, so that `sim --help` starts fast.
 * The only place with process, console and files (commands/ and files.ts included).
 */
import { Command } from 'commander';
import { onTerminal, out } from './out.js';

interface Entry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<{ register(program: Command): void }>;
}

const commands: readonly Entry[] = [
  { name: 'run', summary: 'Replay a scenario’s packets and tell what became of them', load: () => import('./commands/run.js') },
  { name: 'trace', summary: 'One packet through one node, from a folder of its dumps or a snapshot', load: () => import('./commands/trace.js') },
  { name: 'explain', summary: 'What a drop reason, cause, box, hook or counter means', load: () => import('./commands/explain.js') },
  { name: 'list', summary: 'The scenarios that come with this program', load: () => import('./commands/list.js') },
  { name: 'what-if', summary: 'Compare what becomes of the packets under each what-if of a scenario', load: () => import('./commands/what-if.js') },
  { name: 'exec', summary: 'Ask a simulated node what a real one would answer: ip, iptables, ipset, conntrack, …', load: () => import('./commands/exec.js') },
  { name: 'fmt', summary: 'Print a dump as the tool itself would after a restore', load: () => import('./commands/fmt.js') },
  { name: 'test', summary: 'Check the expectations of scenarios', load: () => import('./commands/test.js') },
  { name: 'sweep', summary: 'A matrix of packets x variants: who reaches whom, and what a change would change', load: () => import('./commands/sweep.js') },
  { name: 'diff', summary: 'Which packets change fate or address between two scenarios, nodes or rule sets', load: () => import('./commands/diff.js') },
  {
    name: 'check-log',
    summary: 'A TRACE log of a real node against its model: where they part, and what the dump lacks',
    load: () => import('./commands/check-log.js'),
  },
  { name: 'schema', summary: 'JSON Schema of scenario files, or of the trace', load: () => import('./commands/schema.js') },
  { name: 'conformance', summary: 'Replay recorded cases of a real kernel and compare packet by packet', load: () => import('./commands/conformance.js') },
  { name: 'capture', summary: 'Take a snapshot of a node, here or with the script that it prints', load: () => import('./commands/capture.js') },
  { name: 'new', summary: 'Write a scenario from snapshots of nodes', load: () => import('./commands/new.js') },
  { name: 'lab', summary: 'Build it on the kernel at hand and compare (Linux, root)', load: () => import('./commands/lab.js') },
];

const EXIT_BAD_INPUT = 2;
/** Of help that goes to no terminal. */
const WIDTH = 80;

async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('sim');
  program
    .description('Replay a packet through the real state of Linux nodes and see where and why it dies')
    .showHelpAfterError('(sim --help, sim COMMAND --help)');
  program.configureOutput({ writeOut: out, getOutHelpWidth: () => (onTerminal() ? process.stdout.columns : WIDTH), getOutHasColors: () => false });
  program.exitOverride();
  const asked = commands.find((c) => c.name === argv[2] || (argv[2] === 'help' && c.name === argv[3]));
  if (asked) (await asked.load()).register(program);
  else for (const c of commands) program.command(c.name).description(c.summary).allowUnknownOption().argument('[args...]');
  try {
    await program.parseAsync([...argv]);
  } catch (e) {
    if (!isCommanderError(e)) throw e;
    process.exitCode = e.exitCode === 0 ? 0 : EXIT_BAD_INPUT;
  }
}

function isCommanderError(e: unknown): e is { exitCode: number; code: string } {
  return e instanceof Error && 'code' in e && typeof e.code === 'string' && e.code.startsWith('commander.');
}

/** A reader that closes the pipe early (`| head`) is no error. Said when the stream is first asked for: most commands never do (out.ts). */
function letReadersGo(): void {
  const made = Object.getOwnPropertyDescriptor(process, 'stdout');
  Object.defineProperty(process, 'stdout', {
    configurable: true,
    get: () => {
      if (made) Object.defineProperty(process, 'stdout', made);
      return process.stdout.on('error', (e: NodeJS.ErrnoException) => {
        if (e.code === 'EPIPE') process.exit(0);
        throw e;
      });
    },
  });
}

letReadersGo();
void main(process.argv);
