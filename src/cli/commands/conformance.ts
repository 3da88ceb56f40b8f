/** `sim conformance FILE…`: agreement with recorded Linux behaviour as a number (kernel-corpus/SCORING.md). */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type Command, InvalidArgumentError } from 'commander';
import { type Diagnostic, formatDiagnostic } from '../../base/diagnostic.js';
import { type CorpusLine, corpusLines, parseCase, peekField } from '../../harness/conformance/corpus-read.js';
import { type ExtensionTable, extensionJson, extensionShare, extensionTable, extensionText } from '../../harness/conformance/ext-tables.js';
import { modelCase } from '../../harness/conformance/model-case.js';
import { jsonReport, leastShare, type ScoredCase, textReport } from '../../harness/conformance/report.js';
import { runCase } from '../../harness/conformance/run.js';
import { showCase } from '../../harness/conformance/show.js';
import { type Batch, type BatchResult, runBatch } from '../conformance-batch.js';

interface Options {
  readonly json?: boolean;
  readonly show?: string;
  readonly failUnder?: number;
  readonly jobs?: number;
  readonly emit?: string;
}

const BATCH = 20;
const EXIT_UNDER = 1;
const EXIT_BAD_INPUT = 2;

export function register(program: Command): void {
  program
    .command('conformance')
    .description('Replay recorded cases of a real kernel and compare packet by packet')
    .argument('<file...>', 'corpus files (.jsonl, .jsonl.gz), extension tables of iptables (.t), or folders of them')
    .option('--json', 'print counts by category and the first difference of every case as JSON')
    .option('--show <id>', 'print one case, model and kernel side by side from the first difference on')
    .option('--fail-under <percent>', 'exit 1 if the least of the trace, outcome and state shares is below', number(0, 100))
    .option('--jobs <n>', 'worker threads (default: one per processor)', number(1, 64))
    .option('--emit <out.jsonl>', "write the model's own observations in the corpus schema")
    .action(async (files: string[], o: Options) => {
      process.exitCode = await conformance(files, o);
    });
}

function number(min: number, max: number): (text: string) => number {
  return (text) => {
    const v = Number(text);
    if (text.trim() === '' || !(v >= min && v <= max)) throw new InvalidArgumentError(`expected a number from ${min} to ${max}, found '${text}'`);
    return v;
  };
}

/** Returns the exit status. */
async function conformance(paths: readonly string[], o: Options): Promise<number> {
  const files: { readonly path: string; readonly lines: readonly CorpusLine[] }[] = [];
  const tables: ExtensionTable[] = [];
  for (const path of expandPaths(paths)) {
    const text = readInput(path);
    if (text === null) return EXIT_BAD_INPUT;
    if (path.endsWith('.t')) tables.push(extensionTable(path, text));
    else files.push({ path, lines: corpusLines(text) });
  }
  if (o.show !== undefined) return show(files, o.show);
  const batches: Batch[] = [];
  for (const f of files) {
    for (let i = 0; i < f.lines.length; i += BATCH) batches.push({ file: f.path, lines: f.lines.slice(i, i + BATCH), emit: o.emit !== undefined });
  }
  const progress = new Progress(batches.reduce((n, b) => n + b.lines.length, 0));
  const jobs = Math.min(o.jobs ?? availableParallelism(), batches.length);
  const results = await runBatches(batches, jobs, (b) => progress.add(b.lines.length));
  progress.end();
  const diagnostics = results.flatMap((r) => r.diagnostics);
  printDiagnostics(diagnostics);
  const cases = results.flatMap((r) => r.cases);
  if (o.emit !== undefined) writeFileSync(o.emit, results.flatMap((r) => r.emitted.map((line) => `${line}\n`)).join(''));
  if (cases.length === 0 && tables.length === 0) {
    if (diagnostics.length === 0) process.stderr.write(`${paths.join(', ')}: error: there is no case in it (.jsonl, .jsonl.gz or an extension table)\n`);
    return EXIT_BAD_INPUT;
  }
  process.stdout.write(report(cases, tables, o.json === true));
  if (diagnostics.length > 0) return EXIT_BAD_INPUT;
  const least = Math.min(cases.length > 0 ? leastShare(cases) : 100, tables.length > 0 ? extensionShare(tables) : 100);
  return o.failUnder !== undefined && least < o.failUnder ? EXIT_UNDER : 0;
}

/** Over threads, if more than one is wanted; the results in the order of the batches. */
async function runBatches(batches: readonly Batch[], jobs: number, done: (b: Batch) => void): Promise<BatchResult[]> {
  const all = (run: (b: Batch) => BatchResult | Promise<BatchResult>) =>
    Promise.all(
      batches.map(async (b) => {
        const result = await run(b);
        done(b);
        return result;
      }),
    );
  if (jobs <= 1) return all(runBatch);
  const { withThreads } = await import('../threads.js');
  return withThreads<Batch, BatchResult, BatchResult[]>(jobs, ['conformance-batch', 'runBatch'], {}, all);
}

function report(cases: readonly ScoredCase[], tables: readonly ExtensionTable[], json: boolean): string {
  if (json) return `${JSON.stringify({ ...jsonReport(cases), ...(tables.length > 0 ? { extensionTables: extensionJson(tables) } : {}) })}\n`;
  return (cases.length > 0 || tables.length === 0 ? textReport(cases) : '') + (tables.length > 0 ? extensionText(tables) : '');
}

function show(files: readonly { readonly path: string; readonly lines: readonly CorpusLine[] }[], id: string): number {
  for (const f of files) {
    const line = f.lines.find((l) => l.text.includes(`"${id}"`) && peekField(l.text, 'id') === id);
    if (!line) continue;
    const p = parseCase(line, f.path);
    printDiagnostics(p.diagnostics);
    if (!p.value) return EXIT_BAD_INPUT;
    const { model, score } = runCase(p.value, modelCase);
    process.stdout.write(showCase(p.value, model, score));
    return 0;
  }
  process.stderr.write(`sim conformance: no case '${id}' in ${files.map((f) => f.path).join(', ')}\n`);
  return EXIT_BAD_INPUT;
}

/** Folders stand for the corpus files and extension tables in them. */
function expandPaths(paths: readonly string[]): string[] {
  return paths.flatMap((p) => {
    if (statSync(p, { throwIfNoEntry: false })?.isDirectory() !== true) return [p];
    return readdirSync(p)
      .filter((f) => /\.jsonl(\.gz)?$/.test(f) || /^lib(xt|ipt|ip6t)_.*\.t$/.test(f))
      .sort()
      .map((f) => join(p, f));
  });
}

/** Text of a file, decompressed; null (and a message) when it cannot be read. */
function readInput(path: string): string | null {
  try {
    const bytes = readFileSync(path);
    return (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString('utf8');
  } catch (e) {
    process.stderr.write(`${path}: error: cannot be read: ${e instanceof Error ? e.message : String(e)}\n`);
    return null;
  }
}

const MAX_DIAGNOSTICS = 20;

function printDiagnostics(ds: readonly Diagnostic[]): void {
  for (const d of ds.slice(0, MAX_DIAGNOSTICS)) process.stderr.write(`${formatDiagnostic(d)}\n`);
  if (ds.length > MAX_DIAGNOSTICS) process.stderr.write(`${ds.length - MAX_DIAGNOSTICS} more problems\n`);
}

/** A bar on standard error, on a terminal only. */
class Progress {
  #done = 0;
  readonly #on = process.stderr.isTTY === true;
  constructor(readonly total: number) {}
  add(n: number): void {
    this.#done += n;
    if (!this.#on) return;
    const width = 40;
    const filled = Math.round((width * this.#done) / Math.max(1, this.total));
    process.stderr.write(`\r[${'#'.repeat(filled)}${' '.repeat(width - filled)}] ${this.#done}/${this.total}`);
  }
  end(): void {
    if (this.#on) process.stderr.write('\r\x1b[K');
  }
}
