/** `sim lab …`: the same on the kernel at hand, and the two compared (Linux, root). */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { showCase } from '../../harness/conformance/show.js';
import { DEVICES, type Devices } from '../../lab/fuzz/devices.js';
import { backendOf, type CaseKind, maker } from '../../lab/fuzz/make.js';
import { RULES, type Rules } from '../../lab/fuzz/rules.js';
import { type Finding, type FuzzTotals, fuzz } from '../../lab/fuzz/run.js';
import { scenarioFile } from '../../lab/fuzz/scenario-file.js';
import { execute } from '../../tools/execute.js';
import { EXIT } from '../files.js';
import { inLab } from '../in-lab.js';
import { type BackendName, backendOption, registerScenarios, TOOLS } from './lab-scenarios.js';

const FAMILIES: Readonly<Record<'4' | '6' | 'both', CaseKind['family']>> = { '4': 'ipv4', '6': 'ipv6', both: 'both' };

interface FuzzFlags {
  readonly seed: number;
  readonly cases: number;
  readonly from: number;
  readonly shrink: boolean;
  readonly backend: BackendName;
  readonly devices: Devices;
  readonly rules: Rules;
  readonly family: keyof typeof FAMILIES;
  readonly out: string;
  readonly verbose?: boolean;
}

export function register(program: Command): void {
  const lab = program.command('lab').description('Build it on the kernel at hand, in network namespaces, and compare (Linux, root)');
  lab
    .command('fuzz')
    .description('Random nodes and packets, model against kernel')
    .option('--seed <n>', 'seed; a case is a pure function of seed and number', whole, 1)
    .option('--cases <n>', 'how many', whole, 100)
    .option('--from <n>', 'number of the first case, to go on where a run ended', whole, 0)
    .option('--no-shrink', 'leave cases that differ as they are')
    .addOption(backendOption())
    .addOption(
      new Option('--devices <kind>', 'what the nodes have: wires only, wires and more of routing, bridges, VXLAN devices').choices(DEVICES).default('wires'),
    )
    .addOption(
      new Option('--rules <kind>', 'of iptables a few of every kind, or hundreds in the shape that kube-proxy and network plugins load; or rule sets of nft')
        .choices(RULES)
        .default('few'),
    )
    .addOption(new Option('--family <n>', 'IPv4, IPv6 or both: addresses, routes, rules and packets').choices(Object.keys(FAMILIES)).default('4'))
    .option('--out <dir>', 'where cases that differ are written', 'lab-findings')
    .option('--verbose', 'say why cases were refused')
    .action(async (o: FuzzFlags, command: Command) => {
      if (maker({ family: FAMILIES[o.family], devices: o.devices }) === null)
        command.error(`error: there are no nodes of --family ${o.family} with --devices ${o.devices}`, { exitCode: EXIT.badInput });
      process.exitCode = await inLab(() => runFuzz(o), { tools: TOOLS[backendOf(o.rules, o.backend)] });
    });
  registerScenarios(lab);
}

function whole(text: string): number {
  const v = Number(text);
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError(`expected a whole number, found '${text}'`);
  return v;
}

async function runFuzz(o: FuzzFlags): Promise<number> {
  const start = Date.now();
  let done = 0;
  let bad = 0;
  const bar = (): void => {
    if (!process.stderr.isTTY) return;
    const filled = Math.round((40 * done) / Math.max(1, o.cases));
    process.stderr.write(
      `\r[${'#'.repeat(filled)}${' '.repeat(40 - filled)}] ${done}/${o.cases}, ${bad} differ, ${((1000 * done) / (Date.now() - start)).toFixed(1)}/s `,
    );
  };
  const totals = await fuzz({
    ...o,
    family: FAMILIES[o.family],
    done: (agreed, why) => {
      done++;
      if (agreed === false) bad++;
      if (why !== null && o.verbose) process.stderr.write(`refused ${why}\n`);
      bar();
    },
    suspect: (why) => {
      if (o.verbose) process.stderr.write(`looked at again: ${why}\n`);
    },
    found: (f) => writeFinding(o.out, f),
  });
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  process.stdout.write(summary(o, totals, (Date.now() - start) / 1000));
  return totals.differ + totals.inconclusive > 0 ? EXIT.missed : EXIT.ok;
}

function writeFinding(dir: string, f: Finding): void {
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, `${f.id}.jsonl`), `${JSON.stringify(f.recorded)}\n`);
  writeFileSync(join(dir, `${f.id}.spec.json`), `${JSON.stringify(f.spec, null, 1)}\n`);
  writeFileSync(join(dir, `${f.id}.txt`), showCase(f.recorded, f.outcome.model, f.outcome.score));
  writeFileSync(join(dir, `${f.id}.yaml`), scenarioFile(f, execute));
  const d = f.outcome.score.firstDifference;
  const line = `${f.id} ${d?.area ?? ''} ${d?.field ?? ''}: kernel ${d?.kernel ?? '(nothing)'} | model ${d?.model ?? '(nothing)'}\n`;
  appendFileSync(join(dir, 'findings.txt'), line);
  process.stdout.write(line);
}

function summary(o: FuzzFlags, t: FuzzTotals, seconds: number): string {
  const scored = t.agreed + t.differ + t.inconclusive;
  const rate = seconds > 0 ? (o.cases / seconds).toFixed(1) : '';
  return `seed ${o.seed}${o.family === '4' ? '' : o.family === '6' ? ', IPv6' : ', both families'}${o.backend === 'nft' ? ', iptables-nft' : ''}${o.devices === 'wires' ? '' : `, --devices ${o.devices}`}${o.rules === 'few' ? '' : `, --rules ${o.rules}`}, cases ${o.from}..${o.from + o.cases - 1}: agreed on ${t.agreed} of ${scored} (${t.differ} differ, ${t.inconclusive} inconclusive), ${t.steps} packets; ${t.refused} refused by the tools, ${t.unsteady} agreed when recorded again; ${seconds.toFixed(0)} s, ${rate} cases/s\n`;
}
