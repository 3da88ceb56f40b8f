/** `sim what-if SCENARIO [NAME…]`: what becomes of the packets under each variant. */
import type { Command } from 'commander';
import { hasErrors, nearest } from '../../base/diagnostic.js';
import type { Scenario } from '../../scenario/model.js';
import { parseDo } from '../../tools/execute.js';
import { type Variant, whatIfTable, whatIfText } from '../../tools/what-if.js';
import { complain, EXIT, openScenario } from '../files.js';
import { out } from '../out.js';

interface Options {
  readonly json?: boolean;
  readonly do: readonly string[];
}

const HELP = `
  sim what-if fabedge-edge-to-node                                      all variants of the file's what_if: section
  sim what-if cluster.yaml --do 'node1: ip route add 10.9.0.0/16 via 10.0.0.2' --do 'node1: sysctl -w net.ipv4.ip_forward=1'`;

const collect = (v: string, all: readonly string[]): readonly string[] => [...all, v];

export function register(program: Command): void {
  program
    .command('what-if')
    .description('Compare what becomes of the packets under each what-if of a scenario')
    .argument('<scenario>', 'scenario file, or the name of one in the library')
    .argument('[name...]', 'only these what-ifs')
    .option('--do <NODE: COMMAND>', 'one more variant made of these commands (repeatable; together they are one variant)', collect, [])
    .option('--json', 'the table as JSON')
    .action((scenario: string, names: readonly string[], o: Options) => {
      process.exitCode = whatIf(scenario, names, o);
    })
    .addHelpText('after', HELP);
}

/** The variants asked for: all of the scenario's, or those named, and one of the `--do` commands; null after complaining. */
function variantsOf(s: Scenario, names: readonly string[], o: Options): readonly Variant[] | null {
  const known = s.whatIf.map((w) => w.name);
  for (const n of names) {
    if (known.includes(n)) continue;
    const near = nearest(n, known);
    process.stderr.write(
      `error: the scenario has no what-if “${n}” [what-if-unknown]\n  hint: ${near ? `did you mean “${near}”?` : known.length > 0 ? `it has: ${known.join(', ')}` : 'it has none'}\n`,
    );
    return null;
  }
  const { value, diagnostics } = parseDo(s, o.do, null);
  complain(diagnostics);
  if (hasErrors(diagnostics)) return null;
  const adHoc: Variant[] = value.length === 0 ? [] : [{ name: '--do', description: '', commands: value }];
  const named = names.length > 0 ? s.whatIf.filter((w) => names.includes(w.name)) : adHoc.length > 0 ? [] : s.whatIf;
  return [...named, ...adHoc];
}

function whatIf(path: string, names: readonly string[], o: Options): number {
  const scenario = openScenario(path);
  const variants = scenario && variantsOf(scenario, names, o);
  if (!scenario || !variants) return EXIT.badInput;
  if (variants.length === 0) {
    process.stderr.write(`${path}: error: the scenario has no what_if: section [what-if-none]\n  hint: give a variant with --do 'NODE: COMMAND'\n`);
    return EXIT.badInput;
  }
  const table = whatIfTable(scenario, variants);
  complain(table.diagnostics);
  const { diagnostics: _, ...data } = table;
  out(o.json ? `${JSON.stringify({ version: 1, scenario: scenario.name, ...data }, null, 2)}\n` : whatIfText(table));
  return hasErrors(table.diagnostics) ? EXIT.badInput : EXIT.ok;
}
