/** `sim exec SCENARIO NODE -- COMMAND…`: a read-only command answered from the simulated node, as the real tool prints it. */
import type { Command } from 'commander';
import { hasErrors, nearest } from '../../base/diagnostic.js';
import { runScenario } from '../../stack/run-scenario.js';
import { applyAll } from '../../tools/apply.js';
import { ask } from '../../tools/ask.js';
import { execute, parseDo } from '../../tools/execute.js';
import { complain, EXIT, openScenario } from '../files.js';

interface Options {
  readonly after?: boolean;
  readonly do: readonly string[];
  readonly whatIf?: string;
}

const HELP = `
  sim exec cluster.yaml node1 -- ip route get 10.0.0.9 from 192.0.2.7 iif eth0
  sim exec cluster.yaml --after node1 -- nstat -az TcpExtIPReversePathFilter      after the scenario's packets
  sim exec node1.snapshot node1 -- iptables -t nat -L --line-numbers              of a snapshot; its node is called as the file is

The answer, the exit status and what goes to stderr are the tool's own.`;

const collect = (v: string, all: readonly string[]): readonly string[] => [...all, v];

export function register(program: Command): void {
  program
    .command('exec')
    .description('Ask a simulated node what a real one would answer: ip, iptables, nft, ipset, sysctl, conntrack, nstat, bridge, tcpdump, …')
    .argument('<scenario>', 'scenario file, the name of one in the library, or a snapshot (sim capture)')
    .argument('<node>', 'the node that is asked')
    .argument('<command...>', 'the command, behind --')
    .option('--after', 'run the scenario’s packets first, so that counters, conntrack and tcpdump show them')
    .option('--do <NODE: COMMAND>', 'change a node first (repeatable)', collect, [])
    .option('--what-if <name>', 'apply a named what-if of the scenario first')
    .action(async (scenario: string, node: string, words: readonly string[], o: Options) => {
      process.exitCode = await exec(scenario, node, words, o);
    })
    .showHelpAfterError('  hint: the command comes behind --, as in: sim exec SCENARIO NODE -- iptables -t nat -S')
    .addHelpText('after', HELP);
}

async function exec(path: string, node: string, words: readonly string[], o: Options): Promise<number> {
  const loaded = openScenario(path);
  if (loaded === null) return EXIT.badInput;
  const { value, diagnostics } = parseDo(loaded, o.do, o.whatIf ?? null);
  complain(diagnostics);
  if (hasErrors(diagnostics)) return EXIT.badInput;
  const all = { ...loaded, do: [...loaded.do, ...value] };
  // tcpdump shows what passed, so there must be something that did.
  const run = runScenario(o.after || words[0] === 'tcpdump' ? all : { ...all, packets: [] }, { execute, apply: applyAll });
  complain(run.diagnostics);
  if (hasErrors(run.diagnostics)) return EXIT.badInput;
  const asked = run.network.node(node);
  if (!asked) {
    const names = run.network.nodes.map((n) => n.name);
    const near = nearest(node, names);
    process.stderr.write(`error: there is no node “${node}” [exec-node]\n  hint: ${near ? `did you mean “${near}”?` : `nodes: ${names.join(', ')}`}\n`);
    return EXIT.badInput;
  }
  const a = words[0] === 'tcpdump' ? (await import('../tcpdump.js')).tcpdumpAnswer(run, node, words.slice(1)) : ask(asked, words);
  process.stdout.write(a.stdout);
  process.stderr.write(a.stderr);
  return a.status;
}
