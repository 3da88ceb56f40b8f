/** `sim lab verify` and `sim lab record`: scenarios on the kernel at hand. */
import { writeFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { type Verdict, verify } from '../../lab/verify.js';
import type { Scenario } from '../../scenario/model.js';
import { applyAll } from '../../tools/apply.js';
import { execute } from '../../tools/execute.js';
import { EXIT, openScenario } from '../files.js';
import { inLab } from '../in-lab.js';

export type BackendName = 'legacy' | 'nft';
interface VerifyFlags {
  readonly backend: BackendName;
  readonly json?: boolean;
}
interface RecordFlags {
  readonly backend: BackendName;
  readonly output: string;
}

export const TOOLS: Readonly<Record<BackendName, readonly string[]>> = {
  legacy: ['bridge', 'ebtables-nft-restore'],
  nft: ['bridge', 'ebtables-nft-restore', 'iptables-nft-restore'],
};

export const backendOption = (): Option =>
  new Option('--backend <name>', 'load rules by iptables-legacy or iptables-nft').choices(['legacy', 'nft']).default('legacy');

export function registerScenarios(lab: Command): void {
  lab
    .command('verify')
    .description('Build scenarios with the real tools, send their packets, and compare all that the kernel did with the model, as sim conformance does')
    .argument('<scenario...>', 'scenario files or names')
    .addOption(backendOption())
    .option('--json', 'print results as JSON')
    .action(async (scenarios: string[], o: VerifyFlags) => {
      process.exitCode = await inLab(() => runVerify(scenarios, o), { tools: TOOLS[o.backend], hurry: true });
    });
  lab
    .command('record')
    .description('The same, written down as cases for sim conformance: one for every node that takes part')
    .argument('<scenario...>', 'scenario files or names')
    .requiredOption('-o, --output <file>', 'corpus file to write (.jsonl)')
    .addOption(backendOption())
    .action(async (scenarios: string[], o: RecordFlags) => {
      process.exitCode = await inLab(() => runRecord(scenarios, o), { tools: TOOLS[o.backend], hurry: true });
    });
}

interface Result {
  readonly scenario: Scenario;
  readonly verdict: Verdict;
}

/** Runs one after the other; null in place of a scenario that cannot be read. A bar on a terminal. */
async function overAll(given: readonly string[], backend: BackendName, done: (r: Result) => void): Promise<boolean> {
  let bad = false;
  for (const [i, name] of given.entries()) {
    const scenario = openScenario(name);
    if (scenario === null) {
      bad = true;
      continue;
    }
    progress(i, given.length, scenario.name);
    const verdict = await verify(scenario, { backend, execute, apply: applyAll });
    progress(i + 1, given.length, '');
    done({ scenario, verdict });
  }
  return bad;
}

function progress(done: number, all: number, what: string): void {
  if (!process.stderr.isTTY || all < 2) return;
  const filled = Math.round((40 * done) / all);
  process.stderr.write(what === '' ? '\r\x1b[K' : `\r[${'#'.repeat(filled)}${' '.repeat(40 - filled)}] ${done}/${all} ${what}\x1b[K`);
}

/** Exit 1 when a scenario differs, 2 when one cannot be read. */
async function runVerify(given: readonly string[], o: VerifyFlags): Promise<number> {
  const results: Result[] = [];
  const bad = await overAll(given, o.backend, (r) => {
    results.push(r);
    if (!o.json) process.stdout.write(resultText(r));
  });
  const count = (result: Verdict['result']): number => results.filter((r) => r.verdict.result === result).length;
  const totals = { agree: count('agree'), differ: count('differ'), skipped: count('skipped') };
  if (o.json) process.stdout.write(`${JSON.stringify({ backend: o.backend, ...totals, scenarios: results.map(resultJson) })}\n`);
  else process.stdout.write(`${totals.agree} agree, ${totals.differ} differ, ${totals.skipped} skipped\n`);
  return bad ? EXIT.badInput : totals.differ > 0 ? EXIT.missed : EXIT.ok;
}

function resultText({ scenario, verdict: v }: Result): string {
  if (v.result === 'skipped') return `skipped  ${scenario.name} because ${v.why[0]}\n`;
  const head = `${v.result.padEnd(8)} ${scenario.name} (${v.packets} packets, ${v.steps} steps, ${v.points} trace points)\n`;
  return head + (v.result === 'differ' ? v.why.map((l) => `${`  ${l}`.trimEnd()}\n`).join('') : '');
}

const resultJson = ({ scenario, verdict: v }: Result) => ({
  name: scenario.name,
  file: scenario.file,
  result: v.result,
  why: v.why,
  packets: v.packets,
  steps: v.steps,
  tracePoints: v.points,
  cases: v.cases.map((c) => c.id),
});

/** Exit 0 when every scenario was recorded, whatever the model says of it; 3 when the kernel or the tools lack what one needs. */
async function runRecord(given: readonly string[], o: RecordFlags): Promise<number> {
  const lines: string[] = [];
  let skipped = false;
  const bad = await overAll(given, o.backend, ({ scenario, verdict: v }) => {
    if (v.result === 'skipped' || v.cases.length === 0) {
      process.stderr.write(`sim lab record: ${scenario.name} not recorded because ${v.why[0]}\n`);
      skipped = true;
      return;
    }
    lines.push(...v.cases.map((c) => `${JSON.stringify(c)}\n`));
    const verdict = v.result === 'agree' ? 'the model agrees' : `the model differs: sim conformance ${o.output} --show ID`;
    process.stdout.write(`${scenario.name}: ${v.cases.map((c) => c.id).join(' ')} (${v.steps} steps); ${verdict}\n`);
  });
  if (lines.length > 0) {
    try {
      writeFileSync(o.output, lines.join(''));
    } catch (e) {
      process.stderr.write(`error: ${o.output} cannot be written: ${e instanceof Error ? e.message : String(e)}\n`);
      return EXIT.environment;
    }
  }
  return bad ? EXIT.badInput : skipped ? EXIT.environment : EXIT.ok;
}
