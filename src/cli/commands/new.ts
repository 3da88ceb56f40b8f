/** `sim new SCENARIO SNAPSHOT…`: a scenario from snapshots, with the wires that their addresses suggest. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { type Diagnostic, hasErrors } from '../../base/diagnostic.js';
import { partWord, readSnapshot, type Snapshot } from '../../formats/snapshot.js';
import { anonymize } from '../../scenario/anonymize.js';
import { loadScenario } from '../../scenario/load.js';
import type { NodeState } from '../../scenario/model.js';
import { type NewNode, newScenario } from '../../scenario/new-scenario.js';
import { nodeFromSnapshot, nodeNameOf } from '../../scenario/snapshot.js';
import { inferWires, type ProposedWires } from '../../scenario/wires.js';
import { complain, diskFiles, EXIT } from '../files.js';
import { out } from '../out.js';
import { progress } from '../progress.js';

interface Options {
  readonly force?: boolean;
  readonly anonymize?: boolean;
}

/** A snapshot that will be a node, with the text that its file will have. */
interface Source {
  readonly given: string;
  readonly name: string;
  readonly text: string;
  readonly snapshot: Snapshot;
}

const HELP = `
The snapshots are copied into a folder beside the scenario that is called as it is (cluster.yaml: cluster/node1.snapshot), so that both can be moved together;
one that already lies there or elsewhere below the scenario's folder is referred to where it is. Nodes are called as their files are.
Wires: the ends of a veth pair between two namespaces of one host, and devices whose addresses share a network; overlays and devices without a cable are no
ends. What is doubtful stands as a comment in the file and is said. Every node gets a ping to every other, so that “sim run SCENARIO” shows something.
--anonymize: public addresses and MAC addresses become others, the same in all files; two addresses share as many leading bits as before, so that routes and
sets hold what they held. Nodes and hosts are called node1, node2, …, names of hosts in comments hostN.example. Private, documentation and multicast addresses,
ports, and names of devices, chains and sets stay. The same snapshots become the same files. Look at them before you give them away.`;

export function register(program: Command): void {
  program
    .command('new')
    .description('Write a scenario from snapshots of nodes (sim capture)')
    .argument('<scenario>', 'the file to write, as cluster.yaml')
    .argument('<snapshot...>', 'what sim capture took, a file for each node')
    .option('--anonymize', 'replace public addresses, MAC addresses and names of hosts, consistently')
    .option('--force', 'overwrite files that are there')
    .addHelpText('after', HELP)
    .action((scenario: string, snapshots: string[], o: Options) => {
      process.exitCode = run(scenario, snapshots, o);
    });
}

function fail(message: string, hint: string): number {
  process.stderr.write(`error: ${message}\n  hint: ${hint}\n`);
  return EXIT.badInput;
}

function run(scenario: string, given: readonly string[], o: Options): number {
  if (!/\.ya?ml$/.test(scenario)) return fail(`${scenario} is no name of a scenario`, 'the first argument is the file to write: NAME.yaml');
  const read = readSources(given);
  if (read === null) return EXIT.badInput;
  const again = sameNamespace(read);
  if (again !== null) return fail(again, 'a namespace is one node');
  const shown = progress();
  if (o.anonymize) shown.step('anonymizing …');
  const sources = o.anonymize ? anonymized(read) : read;
  const nodes: NewNode[] = [];
  for (const s of sources) {
    shown.step(`reading ${s.name} …`);
    const { value, diagnostics } = nodeFromSnapshot(s.name, s.text, s.given);
    shown.done();
    complain(diagnostics);
    if (value === null || hasErrors(diagnostics)) return EXIT.badInput;
    nodes.push({ node: value, host: hostOf(s), path: placeOf(scenario, s, o) });
  }
  const wires = inferWires(nodes);
  const text = newScenario(basename(scenario).replace(/\.ya?ml$/, ''), nodes, wires);
  const status = writeAll(scenario, text, sources, nodes, o);
  if (status !== EXIT.ok) return status;
  complain(doubts(wires));
  return check(
    scenario,
    nodes.map((n) => n.node),
    wires.wires.filter((w) => w.taken).length,
  );
}

function readSources(given: readonly string[]): Source[] | null {
  const sources: Source[] = [];
  for (const path of given) {
    const text = diskFiles.read(path);
    if (text === null) {
      fail(
        `${path} cannot be read`,
        existsSync(path) && statSync(path).isDirectory()
          ? 'a folder of dumps is named in a scenario: nodes: { NAME: { dumps: FOLDER } }'
          : 'a snapshot, as sim capture takes it',
      );
      return null;
    }
    const base = nodeNameOf(path);
    let name = base;
    for (let n = 2; sources.some((s) => s.name === name); n++) name = `${base}-${n}`;
    const { value: snapshot, diagnostics } = readSnapshot(text, { file: path });
    if (snapshot === null || hasErrors(diagnostics)) {
      complain(diagnostics);
      return null;
    }
    sources.push({ given: path, name, text, snapshot });
  }
  return sources;
}

/** The words of the key: they come out of the snapshots as they are, and cannot be had from those that are written. */
function keyOf(sources: readonly Source[]): readonly [number, number, number, number] {
  const h = createHash('sha256');
  for (const s of sources) h.update(s.text);
  const d = h.digest();
  return [d.readUInt32LE(0), d.readUInt32LE(4), d.readUInt32LE(8), d.readUInt32LE(12)];
}

function anonymized(sources: readonly Source[]): Source[] {
  const names = sources.map((_, i) => `node${i + 1}`);
  const { texts, notes } = anonymize(
    sources.map((s) => s.snapshot),
    names,
    keyOf(sources),
  );
  complain(notes.map((n) => said('not-anonymized', n)));
  return sources.map((s, i) => ({ ...s, name: names[i], text: texts[i] }));
}

const hostOf = (s: Source): string | null => partWord(s.snapshot, 'hostname');

/** Two snapshots of one namespace of one host. */
function sameNamespace(sources: readonly Source[]): string | null {
  const seen = new Map<string, string>();
  for (const s of sources) {
    const netns = partWord(s.snapshot, 'netns');
    if (netns === null) continue;
    const key = `${hostOf(s)} ${netns}`;
    const before = seen.get(key);
    if (before !== undefined) return `${before} and ${s.given} are snapshots of the same namespace of the same host`;
    seen.set(key, s.given);
  }
  return null;
}

const folderOf = (scenario: string): string => join(dirname(scenario), basename(scenario).replace(/\.ya?ml$/, ''));

/** Where the node's snapshot is, or will be, relative to the scenario. */
function placeOf(scenario: string, s: Source, o: Options): string {
  const inside = relative(realDir(dirname(resolve(scenario))), realpathSync(s.given));
  if (!o.anonymize && inside !== '' && !inside.startsWith('..') && !inside.startsWith('/')) return inside;
  return relative(dirname(scenario), join(folderOf(scenario), `${s.name}.snapshot`));
}

const realDir = (dir: string): string => (existsSync(dir) ? realpathSync(dir) : dir);

/** Nothing is written unless all of it can be. */
function writeAll(scenario: string, text: string, sources: readonly Source[], nodes: readonly NewNode[], o: Options): number {
  const copies = sources
    .map((s, i) => ({ s, to: join(dirname(scenario), nodes[i].path) }))
    .filter(({ s, to }) => o.anonymize || !existsSync(to) || realpathSync(to) !== realpathSync(s.given));
  const there = [scenario, ...copies.map((c) => c.to)].filter((p) => existsSync(p));
  if (there.length > 0 && !o.force) return fail(`${there.join(', ')} ${there.length > 1 ? 'are' : 'is'} already there`, '--force overwrites');
  try {
    mkdirSync(dirname(scenario), { recursive: true });
    for (const { s, to } of copies) {
      mkdirSync(dirname(to), { recursive: true });
      writeFileSync(to, s.text);
    }
    writeFileSync(scenario, text);
    return EXIT.ok;
  } catch (e) {
    process.stderr.write(`error: ${e instanceof Error ? e.message : String(e)}\n`);
    return EXIT.environment;
  }
}

const said = (code: string, message: string): Diagnostic => ({ code, severity: 'warning', message, span: null });

function doubts({ wires, notes }: ProposedWires): Diagnostic[] {
  const out = wires.flatMap((w) => {
    const wire = `${w.ends.map((e) => `${e.node}:${e.dev}`).join(', ')} (${w.why})`;
    if (w.doubt === null) return [];
    return [w.taken ? said('wire-doubtful', `wire ${wire}: ${w.doubt}`) : said('wire-left-out', `no wire ${wire}: ${w.doubt}`)];
  });
  return [...out, ...notes.map((n) => said('wire-note', n))];
}

/** What was written is read once more, as sim run will. */
function check(scenario: string, nodes: readonly NodeState[], wires: number): number {
  const { value, diagnostics } = loadScenario(scenario, diskFiles);
  complain(diagnostics.filter((d) => d.severity === 'error'));
  if (value === null) return EXIT.badInput;
  out(
    `${scenario}: ${nodes.length} node${nodes.length === 1 ? '' : 's'}, ${wires} wire${wires === 1 ? '' : 's'}, ${value.packets.length} packet${value.packets.length === 1 ? '' : 's'}\n`,
  );
  return EXIT.ok;
}
