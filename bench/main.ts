/** The table of `npm run bench`: each ratio from interleaved rounds in one run, CPU time on both sides; median, min..max, what must be and what is aimed at. */
import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import { p8, p10, sweepMemory, sweepSpeed } from './commands.js';
import { Kernel } from './kernel.js';
import { p5, p7 } from './loading.js';
import { dir, type Measured, median, type Row, round } from './measure.js';
import { p1, p2, p3, p4, p11 } from './packets.js';

/** `all` names, or one of them, the `first` to be measured or a `further` one. */
const [place, ...only] = process.argv.slice(3);

/** What the kernel's sender does on one core we do on one: no threads of the collector beside ours, and its nursery as large from the start as after some rounds. */
const oneCore: ReadonlySet<string> = new Set(['P1', 'P2', 'P3']);
const ONE_CORE = ['--single-threaded-gc', '--min-semi-space-size=32'];

/** Rows that take minutes; only when named. */
const long: ReadonlySet<string> = new Set(['P12-10M']);

const rows: readonly (readonly [string, Row])[] = [
  ['P1', p1],
  ['P2', p2],
  ['P3', p3],
  ['P4', p4],
  ['P5', p5],
  ['P7', p7],
  ['P8', p8],
  ['P10', p10],
  ['P11', p11],
  ['P12', sweepMemory(1)],
  ['P12', sweepSpeed],
  ['P12-10M', sweepMemory(10)],
];

function show(m: Measured): string {
  if (typeof m.ratios === 'string') return `${m.what.padEnd(62)}  not compared: ${m.ratios}`;
  const mid = median(m.ratios);
  const ok = (limit: number): boolean => (m.below ? mid <= limit : mid >= limit);
  const unit = m.unit ?? 'x';
  const spread = m.ratios.length > 1 ? `${round(Math.min(...m.ratios))}..${round(Math.max(...m.ratios))}` : '';
  const sign = m.below ? '<=' : '>=';
  return `${m.what.padEnd(62)} ${`${round(mid)} ${unit}`.padStart(9)}  ${spread.padEnd(14)} must ${sign} ${m.must}, aim ${m.aim}  ${ok(m.aim) ? 'AIM' : ok(m.must) ? 'ok' : 'MISSED'}${m.note ? `  (${m.note})` : ''}`;
}

const machine = (k: Kernel | string): string =>
  `${cpus()[0]?.model.trim()} x ${cpus().length}, ${Math.round(totalmem() / 2 ** 30)} GB, Linux ${release()}, node ${process.version}${typeof k === 'string' ? `; no kernel: ${k}` : ''}\n`;

async function measure(name: string, first: boolean): Promise<void> {
  const kernel = await Kernel.start();
  if (first) process.stdout.write(machine(kernel));
  try {
    for (const [n, row] of rows) {
      if (n !== name) continue;
      for (const m of await row(kernel)) process.stdout.write(`${show(m)}\n`);
    }
  } catch (e) {
    process.stdout.write(`${name}: failed: ${e instanceof Error ? e.message : String(e)}\n`);
  } finally {
    if (typeof kernel !== 'string') await kernel.end();
  }
}

/** Each name in a process of its own: what the packets of one have taught V8's compilers is not what the next one's want. */
function measureAll(names: readonly string[]): void {
  names.forEach((name, i) => {
    const flags = oneCore.has(name) ? ONE_CORE : [];
    execFileSync(process.execPath, [...process.execArgv, ...flags, process.argv[1], dir, i === 0 ? 'first' : 'further', name], { stdio: 'inherit' });
  });
}

if (place === 'all') {
  const names = [...new Set(rows.map(([n]) => n))];
  measureAll(only.length > 0 ? names.filter((n) => only.includes(n)) : names.filter((n) => !long.has(n)));
} else await measure(only[0], place === 'first');
