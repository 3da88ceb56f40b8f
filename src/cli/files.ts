/** Files for the parts below that know none: the FileSource, diagnostics on stderr, scenarios by name. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { type Diagnostic, formatDiagnostic, hasErrors, nearest, type Parsed } from '../base/diagnostic.js';
import { looksLikeSnapshot } from '../formats/snapshot.js';
import { loadScenario } from '../scenario/load.js';
import type { FileSource, NodeState, Scenario } from '../scenario/model.js';
import { nodeFromFiles } from '../scenario/node.js';
import { type PartKind, partOfFile, partOfKind } from '../scenario/parts.js';
import { nodeFromSnapshot, nodeNameOf } from '../scenario/snapshot.js';
import { readText } from './read-text.js';

export const EXIT = { ok: 0, missed: 1, badInput: 2, environment: 3 } as const;

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

export const diskFiles: FileSource = {
  read: (path) => orNull(() => readText(path)),
  list: (dir) => orNull(() => readdirSync(dir).sort()),
  readBytes: (path) => orNull(() => new Uint8Array(readFileSync(path))),
};

/** The scenarios that come with the package. */
export const libraryDir = join(import.meta.dirname, '..', '..', 'scenarios');

/** A path as it stands, or the name of a scenario of the library (with or without `.yaml`, in any topic folder); null where there is none. */
export function findScenario(given: string): string | null {
  if (orNull(() => statSync(given).isFile())) return given;
  const wanted = given.endsWith('.yaml') ? given : `${given}.yaml`;
  return scenarioFiles(libraryDir).find((f) => f.endsWith(`/${wanted}`)) ?? null;
}

/** All scenario files below a folder, sorted; `variants` folders and dumps are passed over. */
export function scenarioFiles(dir: string): string[] {
  const out: string[] = [];
  for (const name of diskFiles.list(dir) ?? []) {
    const path = join(dir, name);
    if (name.endsWith('.yaml')) out.push(path);
    else if (name !== 'variants' && statSync(path).isDirectory()) out.push(...scenarioFiles(path));
  }
  return out;
}

export function complain(diagnostics: readonly Diagnostic[]): void {
  for (const d of diagnostics) process.stderr.write(`${formatDiagnostic(withLine(d))}\n`);
}

/** What was found after loading (a command that failed) knows its place, not the line that stands there. */
function withLine(d: Diagnostic): Diagnostic {
  if (d.span === null || d.sourceLine !== undefined) return d;
  const line = diskFiles.read(d.span.file)?.split('\n')[d.span.line - 1];
  return line === undefined ? d : { ...d, sourceLine: line.slice(0, 300) };
}

const failed = (message: string, hint: string): null => {
  process.stderr.write(`error: ${message}\n  hint: ${hint}\n`);
  return null;
};

/** A node from a folder of dumps or from a snapshot, called as the file is; null after everything wrong with it was printed. */
export function openNode(path: string): NodeState | null {
  const name = nodeNameOf(resolve(path));
  const read = readNode(name, path);
  if (read === null)
    return failed(`${path} is no folder that can be read, and no snapshot`, 'a folder of iptables-save, ip-addr.json, …, or what sim capture takes');
  complain(read.diagnostics);
  if (hasErrors(read.diagnostics) || read.value === null) return null;
  if (read.value.links.length > 0) {
    tellUnsaid(path, read.value);
    return read.value;
  }
  return failed(`${path} says nothing about devices`, 'add ip-link.json (ip -j -d link) or ip-addr.json (ip -j addr)');
}

/** What a folder of dumps should hold besides devices, and what is taken for granted without. A snapshot says itself what it lacks. */
const WANTED: readonly (readonly [PartKind, string])[] = [
  ['addresses', 'it has none'],
  ['routes', 'it has none but those of its addresses'],
  ['sysctl', 'each has its default, and forwarding is off'],
  ['iptables', 'it has no rules'],
];

function tellUnsaid(path: string, n: NodeState): void {
  const names = diskFiles.list(path);
  if (names === null) return;
  const kinds = new Set(names.map((f) => partOfFile(f)?.kind));
  if (n.iptablesNft) kinds.add('iptables');
  if (n.addrs.length > 0) kinds.add('addresses');
  for (const [kind, effect] of WANTED)
    if (!kinds.has(kind)) process.stderr.write(`${path}: note: there is no ${partOfKind(kind).example}; assumed: ${effect}\n`);
}

function readNode(name: string, path: string): Parsed<NodeState | null> | null {
  const names = diskFiles.list(path);
  if (names === null) {
    const text = diskFiles.read(path);
    return text === null ? null : nodeFromSnapshot(name, text, path);
  }
  const files = names
    .map((n) => join(path, n))
    .filter((p) => statSync(p).isFile())
    .flatMap((p) => {
      const text = diskFiles.read(p);
      return text === null ? [] : [{ path: p, text }];
    });
  return nodeFromFiles(name, files);
}

/** A scenario of one node and nothing else. */
export const scenarioOfNode = (node: NodeState, file: string): Scenario => ({
  ...{ file, name: node.name, description: '', tags: [], nodes: [node], wires: [] },
  ...{ do: [], apply: [], packets: [], expect: [], whatIf: [], traceAll: false, clock: 0, seed: 1 },
});

/** Does this file hold a snapshot? */
export function isSnapshot(path: string): boolean {
  const text = diskFiles.read(path);
  return text !== null && looksLikeSnapshot(text);
}

/** What `openScenario` gave for the path of a file, without a word; null where that is not there any more. */
export function reopenScenario(path: string): Scenario | null {
  if (!isSnapshot(path)) return loadScenario(path, diskFiles).value;
  const node = readNode(nodeNameOf(resolve(path)), path)?.value;
  return node ? scenarioOfNode(node, path) : null;
}

/** The scenario (of one node, where a snapshot is given), or null after everything wrong with it was printed. */
export function openScenario(given: string): Scenario | null {
  const path = findScenario(given);
  if (path !== null && isSnapshot(path)) {
    const node = openNode(path);
    return node && scenarioOfNode(node, path);
  }
  if (path === null) {
    const near = nearest(
      given,
      scenarioFiles(libraryDir).map((f) => basename(f, '.yaml')),
    );
    process.stderr.write(
      `${given}: error: there is no such file, and no scenario of that name (sim list shows them)\n${near ? `  hint: did you mean “${near}”?\n` : ''}`,
    );
    return null;
  }
  const { value, diagnostics } = loadScenario(path, diskFiles);
  complain(diagnostics);
  return hasErrors(diagnostics) ? null : value;
}
