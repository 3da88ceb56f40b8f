/** `sim check-log DUMPS|SNAPSHOT|SCENARIO LOG`: a TRACE log of a real node against the model of that node. */
import { existsSync, statSync } from 'node:fs';
import type { Command } from 'commander';
import { hasErrors, nearest } from '../../base/diagnostic.js';
import { MAX_LINE, readTraceLog } from '../../formats/trace-log.js';
import { checkLog } from '../../harness/check-log/check.js';
import { logCheckJson, renderLogCheck } from '../../harness/report/check-log.js';
import type { NodeState, Scenario } from '../../scenario/model.js';
import { execute, parseDo } from '../../tools/execute.js';
import { complain, EXIT, openNode, openScenario, scenarioOfNode } from '../files.js';
import { linesOfFile } from '../lines.js';
import { out } from '../out.js';

interface Options {
  readonly node?: string;
  readonly packet?: string;
  readonly do: readonly string[];
  readonly json?: boolean;
}

const collect = (v: string, all: readonly string[]): readonly string[] => [...all, v];

export function register(program: Command): void {
  program
    .command('check-log')
    .description('Does the model tell the truth about a real node? Compares a TRACE log of it, line by line, and says what the dump lacks')
    .argument('<where>', 'a folder of the node’s dumps, a snapshot of it (sim capture), or a scenario (with --node)')
    .argument(
      '<log>',
      'kernel log with TRACE lines (dmesg, journalctl -k), or what xtables-monitor --trace or nft monitor trace print (tables of iptables and of nft itself)',
    )
    .option('--node <name>', 'the scenario’s node that the log is of')
    .option('--packet <name>', 'the scenario’s commands up to this packet are carried out first')
    .option('--do <COMMAND>', 'change the node first, in the administrator’s own commands (repeatable)', collect, [])
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExit codes: 0 all agree, 1 they part, 2 bad input.')
    .action((where: string, log: string, o: Options) => {
      process.exitCode = run(where, log, o);
    });
}

function fail(message: string, hint: string): null {
  process.stderr.write(`error: ${message}\n  hint: ${hint}\n`);
  return null;
}

function run(where: string, path: string, o: Options): number {
  const s = existsSync(where) && statSync(where).isDirectory() ? ofFolder(where) : openScenario(where);
  const node = s && nodeOf(s, o);
  const before = s && node && commandsBefore(s, node, o);
  if (!node || !before) return EXIT.badInput;
  const lines = existsSync(path) && statSync(path).isDirectory() ? null : linesOfFile(path, MAX_LINE);
  if (lines === null) {
    fail(`${path} cannot be read`, 'a log file, as dmesg > trace.log writes it');
    return EXIT.badInput;
  }
  const { value: log, diagnostics } = readTraceLog(lines, path);
  complain(diagnostics);
  if (log === null) return EXIT.badInput;
  const result = checkLog(node, log, execute, before, progress);
  progress(0, log.lines.length);
  if ('failed' in result) {
    complain(result.failed);
    return EXIT.badInput;
  }
  out(o.json ? logCheckJson(result) : renderLogCheck(result));
  return result.parting === null ? EXIT.ok : EXIT.missed;
}

function ofFolder(dir: string): Scenario | null {
  const node = openNode(dir);
  return node && scenarioOfNode(node, dir);
}

/** On a terminal only, and from the second packet on; `done` 0: no more. */
function progress(done: number, of: number): void {
  if (process.stderr.isTTY && of > 1) process.stderr.write(`\r\x1b[K${done === 0 ? '' : `packet ${done} of ${of}`}`);
}

function nodeOf(s: Scenario, o: Options): NodeState | null {
  const names = s.nodes.map((n) => n.name);
  if (o.node === undefined) return s.nodes.length === 1 ? s.nodes[0] : fail('which node is the log of?', `--node ${names.join(' | ')}`);
  const found = s.nodes.find((n) => n.name === o.node);
  if (found) return found;
  const near = nearest(o.node, names);
  return fail(`there is no node “${o.node}”`, near ? `did you mean “${near}”?` : `nodes: ${names.join(', ')}`);
}

/** The scenario's own commands on that node, then those of --do. */
function commandsBefore(s: Scenario, node: NodeState, o: Options): readonly string[] | null {
  const at = o.packet === undefined ? -1 : s.packets.findIndex((p) => p.name === o.packet);
  if (o.packet !== undefined && at < 0) return fail(`there is no packet “${o.packet}”`, `packets: ${s.packets.map((p) => p.name).join(', ') || 'none'}`);
  const own = [...s.do, ...s.packets.slice(0, at + 1).flatMap((p) => p.do)].filter((c) => c.node === node.name).map((c) => c.command);
  const { value, diagnostics } = parseDo(
    s,
    o.do.map((c) => (c.startsWith(`${node.name}:`) ? c : `${node.name}: ${c}`)),
    null,
  );
  complain(diagnostics);
  return hasErrors(diagnostics) ? null : [...own, ...value.map((c) => c.command)];
}
