/** `sim diff A B`: which packets change fate or address between two scenarios, two nodes (folders of dumps, snapshots) or two outputs of a rule generator. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { type Diagnostic, hasErrors, type Parsed } from '../../base/diagnostic.js';
import { diffRuns, isChanged } from '../../harness/diff.js';
import { diffJson, renderDiff } from '../../harness/report/diff.js';
import { loadScenario, parseMore } from '../../scenario/load.js';
import type { NodeCommand, Scenario } from '../../scenario/model.js';
import { nodeFromFiles } from '../../scenario/node.js';
import { nodeFromSnapshot } from '../../scenario/snapshot.js';
import { runScenario, type ScenarioRun } from '../../stack/run-scenario.js';
import { applyAll } from '../../tools/apply.js';
import { execute } from '../../tools/execute.js';
import { complain, diskFiles, EXIT, findScenario, isSnapshot, scenarioOfNode } from '../files.js';

interface Options {
  readonly packets?: string;
  readonly on?: string;
  readonly node?: string;
  readonly noflush?: boolean;
  readonly json?: boolean;
}

export function register(program: Command): void {
  program
    .command('diff')
    .description('Which packets change fate or address between A and B')
    .argument('<a>', 'a scenario, a folder of one node’s dumps, a snapshot, or with --on what a rule generator wrote')
    .argument('<b>', 'the same, after the change')
    .option('--packets <file>', 'a file with packets: or table: to send instead of the scenarios’ own')
    .option('--on <scenario>', 'A and B are texts for iptables-restore or ipset restore, applied to this scenario')
    .option('--node <name>', 'the node that they are applied to')
    .option('--noflush', 'apply them with iptables-restore --noflush')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nThe node of a folder or snapshot is called “node”. Exit codes: 0 no difference, 1 some, 2 bad input.')
    .action((a: string, b: string, o: Options) => {
      process.exitCode = diff(a, b, o);
    });
}

function diff(a: string, b: string, o: Options): number {
  const runs = [a, b].map((path) => runOf(path, o));
  const [x, y] = runs;
  if (!x || !y) return EXIT.badInput;
  const d = diffRuns(x, y);
  if (d.packets.length === 0) {
    process.stderr.write(`error: A and B have no packet in common [no-packets]\n  hint: --packets FILE sends the same ones through both\n`);
    return EXIT.badInput;
  }
  process.stdout.write(o.json ? diffJson(d) : renderDiff(d));
  return d.packets.some(isChanged) || d.onlyA.length > 0 || d.onlyB.length > 0 ? EXIT.missed : EXIT.ok;
}

/** null after everything wrong was printed. */
function runOf(path: string, o: Options): ScenarioRun | null {
  const loaded = said(read(path, o));
  const scenario = loaded && said(withPackets(loaded, o));
  if (!scenario) return null;
  const run = runScenario(scenario, { execute, apply: applyAll, traceAll: true });
  complain(run.diagnostics);
  return hasErrors(run.diagnostics) ? null : run;
}

function said<T>(p: Parsed<T | null>): T | null {
  complain(p.diagnostics);
  return hasErrors(p.diagnostics) ? null : p.value;
}

const fail = (code: string, message: string, hint?: string): Parsed<null> => {
  const d: Diagnostic = { code, severity: 'error', message, span: null, ...(hint ? { hint } : {}) };
  return { value: null, diagnostics: [d] };
};

function read(path: string, o: Options): Parsed<Scenario | null> {
  if (o.on !== undefined) return readOutput(path, o.on, o);
  if (existsSync(path) && statSync(path).isDirectory()) return readFolder(path);
  const file = findScenario(path);
  if (file === null) return fail('file-not-found', `there is no file, folder or scenario “${path}”`);
  return isSnapshot(file) ? readNodeOf(file) : loadScenario(file, diskFiles);
}

function readNodeOf(snapshot: string): Parsed<Scenario | null> {
  const { value, diagnostics } = nodeFromSnapshot('node', diskFiles.read(snapshot) ?? '', snapshot);
  return { value: value && { ...scenarioOfNode(value, snapshot), traceAll: true }, diagnostics };
}

function readFolder(dir: string): Parsed<Scenario | null> {
  const names = (diskFiles.list(dir) ?? []).filter((n) => statSync(join(dir, n)).isFile());
  const { value, diagnostics } = nodeFromFiles(
    'node',
    names.map((n) => ({ path: join(dir, n), text: diskFiles.read(join(dir, n)) ?? '' })),
  );
  if (names.length === 0) return fail('dumps-empty', `the folder “${dir}” holds no files`);
  return { value: { ...scenarioOfNode(value, dir), name: dir, traceAll: true }, diagnostics };
}

/** A generator's output on a node of a scenario, before the scenario's own commands. */
function readOutput(path: string, on: string, o: Options): Parsed<Scenario | null> {
  const text = diskFiles.read(path);
  const file = findScenario(on);
  if (text === null) return fail('file-not-found', `there is no file “${path}”`);
  if (file === null) return fail('file-not-found', `there is no scenario “${on}”`);
  const { value, diagnostics } = isSnapshot(file) ? readNodeOf(file) : loadScenario(file, diskFiles);
  if (value === null || hasErrors(diagnostics)) return { value, diagnostics };
  const node = o.node ?? (value.nodes.length === 1 ? value.nodes[0].name : null);
  if (node === null || !value.nodes.some((n) => n.name === node))
    return fail(
      'unknown-node',
      node === null ? 'it is not said which node they are applied to' : `there is no node “${node}”`,
      `--node ${value.nodes.map((n) => n.name).join(' | ')}`,
    );
  return { value: { ...value, do: [commandFor(text, path, node, o.noflush ?? false), ...value.do] }, diagnostics };
}

function commandFor(text: string, path: string, node: string, noflush: boolean): NodeCommand {
  const tables = /^\s*\*(raw|mangle|nat|filter|security)\b/m.test(text);
  const v6 = tables && /ip6tables|icmp6|icmpv6|\s[0-9a-f]{0,4}:[0-9a-f:]*:[0-9a-f]*\/\d/i.test(text);
  const tool = tables ? `${v6 ? 'ip6tables' : 'iptables'}-restore${noflush ? ' --noflush' : ''}` : 'ipset -exist restore';
  let end = 'END';
  while (text.includes(end)) end += '_';
  return { node, command: `${tool} <<'${end}'\n${text.endsWith('\n') ? text : `${text}\n`}${end}\n`, span: { file: path, line: 1, column: 1, length: 0 } };
}

function withPackets(s: Scenario, o: Options): Parsed<Scenario | null> {
  if (o.packets === undefined) return { value: { ...s, expect: [] }, diagnostics: [] };
  const text = diskFiles.read(o.packets);
  if (text === null) return fail('file-not-found', `there is no file “${o.packets}”`);
  const more = parseMore(s, text, o.packets, diskFiles);
  if (more.value === null) return { value: null, diagnostics: more.diagnostics };
  if (more.value.packets.length === 0) return fail('no-packets', `“${o.packets}” names no packet`, 'packets: or table:');
  return { value: { ...s, packets: more.value.packets, expect: [], do: [...s.do, ...more.value.do] }, diagnostics: more.diagnostics };
}
