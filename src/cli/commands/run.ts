/** `sim run SCENARIO`: replay its packets and tell what became of them. */
import type { Command } from 'commander';
import { hasErrors } from '../../base/diagnostic.js';
import { renderStory } from '../../render/story.js';
import type { Scenario } from '../../scenario/model.js';
import { runScenario } from '../../stack/run-scenario.js';
import { execute, parseDo } from '../../tools/execute.js';
import { complain, EXIT, openScenario } from '../files.js';

interface Options {
  readonly verbose?: boolean;
  readonly traceAll?: boolean;
  readonly do: readonly string[];
  readonly whatIf?: string;
}

const collect = (v: string, all: readonly string[]): readonly string[] => [...all, v];

export function register(program: Command): void {
  program
    .command('run')
    .description('Replay a scenario’s packets and tell what became of them')
    .argument('<scenario>', 'scenario file, or the name of one in the library')
    .option('--do <NODE: COMMAND>', 'change a node first, in the administrator’s own commands (repeatable)', collect, [])
    .option('--what-if <name>', 'apply a named what-if of the scenario first')
    .option('--verbose', 'also the rules that were tried and why they did not match')
    .option('--trace-all', 'flag each packet before its first hook, as if a TRACE rule stood there')
    .action((scenario: string, o: Options) => {
      process.exitCode = run(scenario, o);
    });
}

function run(path: string, o: Options): number {
  const loaded = openScenario(path);
  if (loaded === null) return EXIT.badInput;
  const scenario = changed(loaded, o);
  if (scenario === null) return EXIT.badInput;
  const result = runScenario(scenario, { verbose: o.verbose ?? false, ...(o.traceAll === undefined ? {} : { traceAll: o.traceAll }), execute });
  complain(result.diagnostics);
  if (hasErrors(result.diagnostics)) return EXIT.badInput;
  process.stdout.write(renderStory(result, { verbose: o.verbose ?? false }));
  return EXIT.ok;
}

/** The scenario with --what-if and --do in front of its own commands; null after complaining. */
function changed(s: Scenario, o: Options): Scenario | null {
  const { value, diagnostics } = parseDo(s, o.do, o.whatIf ?? null);
  complain(diagnostics);
  return hasErrors(diagnostics) ? null : { ...s, do: [...s.do, ...value] };
}
