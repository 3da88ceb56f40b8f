/** `sim capture`: a snapshot of a node, taken here or by the script that it prints. */
import { writeFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { formatDiagnostic } from '../../base/diagnostic.js';
import { readSnapshot } from '../../formats/snapshot.js';
import { SNAPSHOT_SCRIPT } from '../../formats/snapshot-script.js';
import { type CapturePlace, cannotCapture, capture } from '../../lab/capture.js';
import { nodeFromSnapshot } from '../../scenario/snapshot.js';
import { EXIT } from '../files.js';
import { out } from '../out.js';
import { progress } from '../progress.js';

interface Options {
  readonly printScript?: boolean;
  readonly local?: boolean;
  readonly netns?: string;
  readonly pid?: number;
  readonly dryRun?: boolean;
  readonly output?: string;
}

export function register(program: Command): void {
  program
    .command('capture')
    .description('Take a snapshot of a node: what its tools print, in one text that sim trace, exec, new and scenarios take as they take a folder of dumps')
    .option('--print-script', 'print the shell script that takes it, for a node without this program')
    .option('--local', 'of this machine')
    .option('--netns <name>', 'of a network namespace of this machine (ip netns)')
    .option('--pid <pid>', 'of the network namespace that a process is in (a container)', wholeNumber)
    .option('-n, --dry-run', 'list what would be run, and run nothing')
    .option('-o, --output <file>', 'write there instead of standard output')
    .addHelpText('after', HELP)
    .action(async (o: Options) => {
      process.exitCode = await run(o);
    });
}

const HELP = `
The script only reads: it writes nowhere but to standard output, loads no kernel module, makes no table, and leaves out keys (IPsec, TCP fast open).
  sim capture --print-script > snapshot.sh                         sh snapshot.sh -n lists what it runs
  ssh root@node1 sh -s < snapshot.sh > node1.snapshot              busybox will do; what the node has not is named in the snapshot
  sim capture --netns pod1 -o pod1.snapshot
  sim trace node1.snapshot --in eth0 'tcp 10.0.0.1:4000 > 10.0.0.2:80 syn'
  sim new cluster.yaml node1.snapshot pod1.snapshot`;

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new InvalidArgumentError(`expected the number of a process, found '${text}'`);
  return Number(text);
}

function fail(code: number, message: string, hint?: string): number {
  process.stderr.write(`sim capture: ${message}\n${hint ? `  hint: ${hint}\n` : ''}`);
  return code;
}

async function run(o: Options): Promise<number> {
  const places: CapturePlace[] = [];
  if (o.local) places.push({ kind: 'local' });
  if (o.netns !== undefined) places.push({ kind: 'netns', name: o.netns });
  if (o.pid !== undefined) places.push({ kind: 'pid', pid: o.pid });
  if (places.length + (o.printScript ? 1 : 0) !== 1)
    return fail(EXIT.badInput, 'exactly one of --print-script, --local, --netns NAME and --pid PID is wanted', 'sim capture --help');
  if (o.printScript) return write(o, SNAPSHOT_SCRIPT);
  const reason = cannotCapture(places[0]);
  if (reason !== null) return fail(EXIT.environment, reason);
  const shown = progress();
  const c = await capture(places[0], o.dryRun ?? false, shown.step);
  shown.done();
  if (c.status !== 0) return fail(EXIT.environment, c.errors || `the script ended with ${c.status}`);
  const status = write(o, c.text);
  if (status === EXIT.ok && !o.dryRun) report(c.text, o.output ?? 'snapshot');
  return status;
}

/** What is not known, on standard error; the snapshot itself says it as well. */
function report(text: string, file: string): void {
  const { value } = readSnapshot(text, { file });
  const missing = nodeFromSnapshot('node', text, file).diagnostics.filter((d) => d.code === 'part-missing');
  for (const d of missing) process.stderr.write(`${formatDiagnostic({ ...d, span: null })}\n`);
  process.stderr.write(`${value?.parts.length ?? 0} parts${missing.length > 0 ? `, ${missing.length} not known` : ''}\n`);
}

function write(o: Options, text: string): number {
  if (o.output === undefined) {
    out(text);
    return EXIT.ok;
  }
  try {
    writeFileSync(o.output, text);
    return EXIT.ok;
  } catch (e) {
    return fail(EXIT.environment, `${o.output} cannot be written: ${e instanceof Error ? e.message : String(e)}`);
  }
}
