/** `sim sweep SCENARIO`: a matrix of packets and variants over worker threads, as JSON lines or summed up. */
import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import type { Command } from 'commander';
import type { Scenario } from '../../scenario/model.js';
import { parseDo } from '../../tools/execute.js';
import { complain, EXIT, findScenario, openScenario } from '../files.js';
import { destinationsOf, type Sweep, SweepError, type SweepVariant, servicesOf, sourcesOf, sweepSize, wordsOf } from '../sweep-cells.js';
import { type Range, type RangeResult, type RangeRunner, rangeRunner } from '../sweep-range.js';
import { SweepSummary } from '../sweep-report.js';
import { runRanges } from '../sweep-schedule.js';
import type { Question, WorkerStart } from '../sweep-worker.js';

interface Options {
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly proto: readonly string[];
  readonly port: readonly string[];
  readonly do: readonly string[];
  readonly whatIf: readonly string[];
  readonly jobs?: string;
  readonly json?: boolean;
}

const INTERRUPTED = 130;
/** Below that, threads take longer to start than to run. */
const FEW = 200;

const collect = (v: string, all: readonly string[]): readonly string[] => [...all, v];

export function register(program: Command): void {
  program
    .command('sweep')
    .description('A matrix of packets x variants: who reaches whom, and what a change would change')
    .argument('<scenario>', 'scenario file, or the name of one in the library')
    .option('--from <nodes>', 'sending nodes, comma-separated, or all (repeatable)', collect, [])
    .option('--to <nodes or addresses>', 'destinations, comma-separated, or all (repeatable)', collect, [])
    .option('--proto <protocols>', 'icmp, tcp, udp (tcp where ports are given, else icmp)', collect, [])
    .option('--port <ports>', 'destination ports and ranges: 22,80,8000-8010', collect, [])
    .option('--do <NODE: COMMAND>', 'a variant with this change (repeatable)', collect, [])
    .option('--what-if <name>', 'a variant: a named what-if of the scenario (repeatable)', collect, [])
    .option('--jobs <n>', 'worker threads (default: one a core)')
    .option('--json', 'one JSON object a line instead of the summary')
    .action(async (scenario: string, o: Options) => {
      process.exitCode = await run(scenario, o);
    })
    .addHelpText('after', "\n  sim sweep cluster.yaml --from all --to all --port 22,80 --do 'node1: iptables -P FORWARD DROP'");
}

async function run(path: string, o: Options): Promise<number> {
  const scenario = openScenario(path);
  if (scenario === null) return EXIT.badInput;
  try {
    const sweep = sweepOf(scenario, o);
    return sweep === null ? EXIT.badInput : await sweepAll(scenario, findScenario(path) ?? path, sweep, o);
  } catch (e) {
    if (!(e instanceof SweepError)) throw e;
    process.stderr.write(`error: ${e.message}\n`);
    return EXIT.badInput;
  }
}

/** null after complaining. */
function sweepOf(s: Scenario, o: Options): Sweep | null {
  const variants: SweepVariant[] = [{ name: 'as it is', commands: [] }];
  for (const [texts, whatIf, name] of [...o.whatIf.map((w) => [[], w, w] as const), ...o.do.map((d) => [[d], null, d] as const)]) {
    const { value, diagnostics } = parseDo(s, texts, whatIf);
    complain(diagnostics);
    if (diagnostics.some((d) => d.severity === 'error')) return null;
    variants.push({ name, commands: value });
  }
  const from = sourcesOf(s, wordsOf(o.from));
  const to = destinationsOf(s, wordsOf(o.to));
  if (from.length === 0 || to.length === 0) throw new SweepError('--from and --to say between whom; all is every node');
  return { from, to, services: servicesOf(wordsOf(o.proto), wordsOf(o.port)), variants };
}

function jobsOf(o: Options, size: number): number {
  if (o.jobs === undefined) return size < FEW ? 1 : availableParallelism();
  const n = Number(o.jobs);
  if (!Number.isInteger(n) || n < 1 || n > 256) throw new SweepError(`--jobs ${o.jobs}: a number from 1 to 256 is wanted`);
  return n;
}

async function sweepAll(s: Scenario, path: string, sweep: Sweep, o: Options): Promise<number> {
  const size = sweepSize(sweep);
  const jobs = jobsOf(o, size);
  const json = o.json ?? false;
  const summary = new SweepSummary(sweep);
  // Every cell is a network that dies at once. V8 would take the objects of the first, small collections for long-lived and put such into the old generation, where
  // each keeps its whole network through all young collections: half of the time, and memory that grows until a full one.
  setFlagsFromString('--no-allocation-site-pretenuring');
  const progress = new Progress(size);
  let interrupted = false;
  const onInterrupt = (): void => {
    // The second one is not caught.
    interrupted = true;
    process.off('SIGINT', onInterrupt);
  };
  process.on('SIGINT', onInterrupt);
  let done = 0;
  /** What was handed on and may be filled again. */
  const rooms: ArrayBuffer[] = [];
  const result = async (r: RangeResult, range: Range): Promise<void> => {
    done = range.end;
    progress.show(done);
    if (!(r instanceof Uint8Array)) return summary.merge(r);
    await new Promise((written) => process.stdout.write(r, written));
    rooms.push(r.buffer);
  };
  const all: AllRanges = (run) => runRanges({ size, jobs, together: sweep.variants.length, run, result, stopped: () => interrupted });
  try {
    if (jobs > 1) await inThreads(jobs, { scenario: path, sweep, json }, rooms, all);
    else await inThisThread(rangeRunner(s, sweep, json), rooms, all);
  } finally {
    process.off('SIGINT', onInterrupt);
    progress.end();
  }
  const partial = done < size;
  if (!json) process.stdout.write(`${summary.text()}${partial ? `PARTIAL: stopped after ${done} of ${size} cells\n` : ''}`);
  else if (partial) process.stdout.write(`${JSON.stringify({ partial: true, done, of: size })}\n`);
  return partial ? INTERRUPTED : EXIT.ok;
}

/** All ranges of a sweep, each by that. */
type AllRanges = (run: (range: Range) => Promise<RangeResult>) => Promise<void>;

/** Between ranges it lets signals and the progress bar through. */
function inThisThread(runRange: RangeRunner, rooms: ArrayBuffer[], all: AllRanges): Promise<void> {
  return all(async (range) => {
    await new Promise((resolve) => setImmediate(resolve));
    return runRange(range, rooms.pop());
  });
}

/** The networks of a few dozen cells; left alone, V8 lets the nursery of every thread grow to three times that. */
const resourceLimits = { maxYoungGenerationSizeMb: 24 };

async function inThreads(jobs: number, workerData: WorkerStart, rooms: ArrayBuffer[], all: AllRanges): Promise<void> {
  const { withThreads } = await import('../threads.js');
  await withThreads<Question, RangeResult | string, void>(jobs, ['sweep-worker', 'runRange'], { workerData, resourceLimits }, (ask) =>
    all(async (range) => {
      const room = rooms.pop();
      const answer = await ask({ range, room }, room && [room]);
      if (typeof answer === 'string') throw new SweepError(answer);
      return answer;
    }),
  );
}

/** A bar on standard error, on a terminal only. */
class Progress {
  #shown = -1;
  readonly #on = process.stderr.isTTY === true;
  constructor(readonly total: number) {}
  show(done: number): void {
    const filled = Math.floor((40 * done) / Math.max(1, this.total));
    if (!this.#on || filled === this.#shown) return;
    this.#shown = filled;
    process.stderr.write(`\r[${'#'.repeat(filled)}${' '.repeat(40 - filled)}] ${done}/${this.total}`);
  }
  end(): void {
    if (this.#on) process.stderr.write('\r\x1b[K');
  }
}
