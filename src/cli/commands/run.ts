/** `sim run SCENARIO`: replay its packets and tell what became of them. */
import type { Command } from 'commander';
import { hasErrors } from '../../base/diagnostic.js';
import type { Scenario } from '../../scenario/model.js';
import { type RunOptions, runScenario } from '../../stack/run-scenario.js';
import { applyAll } from '../../tools/apply.js';
import { execute, parseDo } from '../../tools/execute.js';
import { complain, EXIT, openScenario } from '../files.js';
import { checkOutput, type OutputOptions, outputOptions, print } from '../output.js';

interface Options extends OutputOptions {
  readonly traceAll?: boolean;
  readonly do: readonly string[];
  readonly whatIf?: string;
}

const HELP = `
  sim run fabedge-edge-to-node                                            one of the library (sim list)
  sim run cluster.yaml                                                    the verdict first, the walk below it
  sim run cluster.yaml --do 'node1: sysctl -w net.ipv4.conf.eth0.rp_filter=2'     as the line “try:” of a verdict says
  sim run cluster.yaml --packet web --node node1 --format trace           what TRACE prints on that node; kernel, xtables-monitor, nft-trace: the same as logged
  sim run cluster.yaml --packet web --verbose                             each rule that was tried, and why it did not match

Exit codes: 0 it ran, whatever became of the packets; 2 bad input. A scenario of your own nodes: sim capture --help, sim new --help.`;

const collect = (v: string, all: readonly string[]): readonly string[] => [...all, v];

export function register(program: Command): void {
  const command = program.command('run');
  outputOptions(
    command
      .description('Replay a scenario’s packets and tell what became of them')
      .argument('<scenario>', 'scenario file, or the name of one in the library')
      .option('--do <NODE: COMMAND>', 'change a node first, in the administrator’s own commands (repeatable)', collect, [])
      .option('--what-if <name>', 'apply a named what-if of the scenario first')
      .option('--trace-all', 'flag each packet before its first hook, as if a TRACE rule stood there'),
  ).action((scenario: string, o: Options) => {
    process.exitCode = run(scenario, o);
  });
  command.addHelpText('after', HELP);
}

function run(path: string, o: Options): number {
  const loaded = openScenario(path);
  if (loaded === null) return EXIT.badInput;
  const narrow = checkOutput(
    o,
    loaded.nodes.map((n) => n.name),
    loaded.packets.map((p) => p.name),
  );
  const scenario = changed(loaded, o);
  if (narrow === null || scenario === null) return EXIT.badInput;
  const how: RunOptions = { verbose: o.verbose ?? false, ...(o.traceAll === undefined ? {} : { traceAll: o.traceAll }), execute, apply: applyAll };
  const result = runScenario(scenario, how);
  complain(result.diagnostics);
  if (hasErrors(result.diagnostics)) return EXIT.badInput;
  return print(result, o, narrow, how, path);
}

/** The scenario with --what-if and --do in front of its own commands; null after complaining. */
function changed(s: Scenario, o: Options): Scenario | null {
  if (o.do.length === 0 && o.whatIf === undefined) return s;
  const { value, diagnostics } = parseDo(s, o.do, o.whatIf ?? null);
  complain(diagnostics);
  return hasErrors(diagnostics) ? null : { ...s, do: [...s.do, ...value] };
}
