/** `sim test PATH…`: every expectation of every scenario. */
import { mkdirSync, watch, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { hasErrors } from '../../base/diagnostic.js';
import { coverage } from '../../harness/coverage.js';
import { goldenFiles } from '../../harness/golden.js';
import { renderCoverage } from '../../harness/report/coverage.js';
import { reporters, type TestReporter } from '../../harness/report/index.js';
import { exitCode, type ScenarioResult, testScenario, testWhatIfs } from '../../harness/suite.js';
import { loadScenario } from '../../scenario/load.js';
import type { FileSource } from '../../scenario/model.js';
import { diskFiles, EXIT } from '../files.js';
import { withGenerated } from '../generators.js';
import { scenarioPaths } from '../paths.js';

interface Options {
  readonly reporter: string;
  readonly update?: boolean;
  readonly watch?: boolean;
  readonly coverage?: boolean;
  readonly allowRun?: boolean;
}

export function register(program: Command): void {
  program
    .command('test')
    .description('Check the expectations of scenarios')
    .argument('<path...>', 'scenario files, folders, names of the library, or patterns with * and **')
    .addOption(
      new Option('--reporter <name>', reporters.map((r) => `${r.name}: ${r.summary}`).join('; ')).choices(reporters.map((r) => r.name)).default('pretty'),
    )
    .option('--update', 'write the golden traces (*.trace) as they come out')
    .option('--watch', 'again whenever a file beside the scenarios changes')
    .option('--coverage', 'list the rules, chains and set entries that no packet met')
    .option('--allow-run', 'let scenarios run the commands that print their rules (apply: run:)')
    .addHelpText('after', '\nExit codes: 0 all hold, 1 some do not, 2 a scenario or expectation makes no sense.')
    .action((paths: readonly string[], o: Options) => {
      if (o.watch) watchAndTest(paths, o);
      else process.exitCode = testAll(paths, o);
    });
}

function testAll(paths: readonly string[], o: Options): number {
  const { files, missing } = scenarioPaths(paths);
  for (const m of missing) process.stderr.write(`${m}: error: there is no scenario of that name or below it [no-scenarios]\n`);
  if (missing.length > 0) return EXIT.badInput;
  const reporter = reporters.find((r) => r.name === o.reporter) as TestReporter;
  const results: ScenarioResult[] = [];
  for (const file of files) {
    progress(`${files.indexOf(file)}/${files.length} ${file}`);
    const r = testOne(file, o);
    progress('');
    for (const x of [r, ...testWhatIfs(r)]) {
      results.push(x);
      process.stdout.write(reporter.each(x));
    }
  }
  process.stdout.write(reporter.end(results));
  // A report for machines stays one document.
  if (o.coverage) (o.reporter === 'pretty' ? process.stdout : process.stderr).write(renderCoverage(coverage(results)));
  return exitCode(results);
}

/** A line on a terminal that the next one overwrites. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

function testOne(file: string, o: Options): ScenarioResult {
  const load = () => {
    const { value, diagnostics } = loadScenario(file, o.update ? withNewGoldens : noted);
    if (value === null || hasErrors(diagnostics)) return { value, diagnostics };
    const generated = withGenerated(value, o.allowRun ?? false);
    return { value: generated.value, diagnostics: [...diagnostics, ...generated.diagnostics] };
  };
  const first = testScenario(file, load());
  if (!o.update || !first.run) return first;
  for (const g of [first, ...testWhatIfs(first)].flatMap(goldenFiles)) {
    if (diskFiles.read(g.file) === g.text) continue;
    mkdirSync(dirname(g.file), { recursive: true });
    writeFileSync(g.file, g.text);
    process.stderr.write(`wrote ${g.file}\n`);
  }
  return testScenario(file, load());
}

/** What the last run looked for, whether there or not. */
const filesRead = new Set<string>();
const noted: FileSource = {
  ...diskFiles,
  read(path) {
    filesRead.add(resolve(path));
    return diskFiles.read(path);
  },
};

/** With --update a golden file need not be there yet. */
const withNewGoldens: FileSource = { ...noted, read: (path) => noted.read(path) ?? (path.endsWith('.trace') ? '' : null) };

const DEBOUNCE = 100;

function watchAndTest(paths: readonly string[], o: Options): void {
  let timer: NodeJS.Timeout | null = null;
  const again = (): void => {
    filesRead.clear();
    testAll(paths, o);
    process.stdout.write('\nwaiting for changes (end with Ctrl-C)\n');
  };
  again();
  const dirs = new Set(scenarioPaths(paths).files.map((f) => dirname(f)));
  for (const dir of dirs)
    watch(dir, { recursive: true }, (_event, name) => {
      // A report that is written beside the scenarios is no reason to run them again; what their generators read is not known.
      if (name !== null && !o.allowRun && !filesRead.has(resolve(dir, name))) return;
      if (timer) clearTimeout(timer);
      timer = setTimeout(again, DEBOUNCE);
    });
  if (dirs.size === 0) process.exitCode = EXIT.badInput;
}
