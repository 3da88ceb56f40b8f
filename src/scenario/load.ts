/**
 * Loading a scenario file: YAML, `extends:`, the schema, then what names and texts mean. Everything that is wrong is found at once, each with its place.
 */
import { hasErrors, type Parsed } from '../base/diagnostic.js';
import { readDevice } from './load-names.js';
import { loadNode } from './load-node.js';
import { loadPackets, readWhatIfExpect } from './load-packets.js';
import { childFlag, childNumber, childText, didYouMean, Loading, readCommands, resolvePath, sourceOf, textsOf } from './loading.js';
import type { Application, FileSource, NodeState, Scenario, ScenarioPacket, WhatIf, Wire, WireEnd } from './model.js';
import type { ScenarioFile } from './schema.js';
import { reportMisfit } from './schema-issues.js';
import { fits } from './shape.js';
import { shapes } from './shapes.js';
import { child, overlay, type Tree, treeOf } from './tree.js';
import { parseTree, yamlOf } from './yaml.js';

/** How far `extends:` may go. */
const MAX_EXTENDS = 16;

/** The scenario in a file, null where it has errors. Paths inside are relative to the file that names them. */
export function loadScenario(path: string, files: FileSource): Parsed<Scenario | null> {
  const l = new Loading(files);
  const root = readLayers(l, path, []);
  if (!root) return { value: null, diagnostics: l.diagnostics };
  return build(l, root, path);
}

/** The scenario in a text; `path` names it in diagnostics and is what its relative paths start from. */
export function parseScenario(text: string, path: string, files: FileSource): Parsed<Scenario | null> {
  const l = new Loading({
    ...files,
    read: (p) => (p === path ? text : files.read(p)),
    list: (d) => files.list(d),
    readBytes: (p) => files.readBytes?.(p) ?? null,
  });
  const root = readLayers(l, path, []);
  if (!root) return { value: null, diagnostics: l.diagnostics };
  return build(l, root, path);
}

/** The scenario that a value of the file's shape says (the builder of the library). `name` stands for the file. */
export function scenarioOf(value: ScenarioFile, name: string, files: FileSource): Parsed<Scenario | null> {
  const l = new Loading(files);
  const r = build(l, treeOf(value, { file: name, line: 1, column: 1, length: 0 }), name);
  // What is wrong is shown in the text that says the same: values have no places.
  return r.value && value.extends === undefined ? r : parseScenario(yamlOf(value), name, files);
}

/** What may be added to a scenario that is there. */
export type MoreFile = Partial<Pick<ScenarioFile, 'packets' | 'table' | 'expect' | 'do' | 'apply'>>;

/** Packets, expectations, commands and applications for the nodes of a scenario. */
export type More = Pick<Scenario, 'packets' | 'expect' | 'do' | 'apply'>;

/** Reads a value of the file's shape against a scenario's nodes. */
export function moreOf(s: Scenario, value: MoreFile, name: string, files: FileSource): Parsed<More | null> {
  const l = new Loading(files);
  const r = buildMore(l, treeOf(value, { file: name, line: 1, column: 1, length: 0 }), s);
  return r.value ? r : parseMore(s, yamlOf(value), name, files);
}

/** The same from the text of a file. */
export function parseMore(s: Scenario, text: string, path: string, files: FileSource): Parsed<More | null> {
  const l = new Loading(files);
  l.remember(path, text);
  const { tree, diagnostics } = parseTree(text, path);
  l.take(diagnostics, null);
  return tree ? buildMore(l, tree, s) : { value: null, diagnostics: l.diagnostics };
}

function buildMore(l: Loading, root: Tree, s: Scenario): Parsed<More | null> {
  checkSchema(l, root, 'more');
  if (hasErrors(l.diagnostics)) return { value: null, diagnostics: l.diagnostics };
  const names = new Set(s.nodes.map((n) => n.name));
  const value = { ...loadPackets(l, root, s.nodes), do: readCommands(l, child(root, 'do'), names), apply: readApplications(l, root, names) };
  return { value: hasErrors(l.diagnostics) ? null : value, diagnostics: l.diagnostics };
}

function build(l: Loading, root: Tree, path: string): Parsed<Scenario | null> {
  checkSchema(l, root);
  if (hasErrors(l.diagnostics)) return { value: null, diagnostics: l.diagnostics };
  const scenario = interpret(l, root, path);
  return { value: hasErrors(l.diagnostics) ? null : scenario, diagnostics: l.diagnostics };
}

/** The file laid over what it extends. */
function readLayers(l: Loading, path: string, above: readonly string[]): Tree | null {
  const text = l.files.read(path);
  if (text === null) {
    l.diagnostics.push({
      code: 'file-not-found',
      severity: 'error',
      message: `there is no file “${path}”`,
      span: { file: path, line: 1, column: 1, length: 0 },
    });
    return null;
  }
  l.remember(path, text);
  const { tree, diagnostics } = parseTree(text, path);
  l.take(diagnostics, null);
  if (!tree) return null;
  if (tree.t !== 'map') {
    l.errorAt('scenario-type', 'a scenario is a map of keys', tree.span, 'it starts with “version: 1”');
    return null;
  }
  const base = child(tree, 'extends');
  if (base?.t !== 'scalar') return tree;
  const basePath = resolvePath(path, sourceOf(base));
  if (basePath === path || above.includes(basePath) || above.length >= MAX_EXTENDS) {
    l.errorAt('extends-cycle', `“${sourceOf(base)}” extends this file in turn`, base.span);
    return null;
  }
  if (l.files.read(basePath) === null) {
    l.errorAt('file-not-found', `there is no file “${basePath}”`, base.span, 'paths are relative to the file that names them');
    return null;
  }
  const below = readLayers(l, basePath, [...above, path]);
  return below ? overlay(below, tree) : null;
}

// --- schema ---

function checkSchema(l: Loading, root: Tree, which: 'scenario' | 'more' = 'scenario'): void {
  if (!fits(shapes[which], root)) reportMisfit(l, root, which);
}

// --- meaning ---

function interpret(l: Loading, root: Tree, path: string): Scenario {
  const nodes = readNodes(l, root);
  const names = new Set(nodes.map((n) => n.name));
  const { packets, expect } = loadPackets(l, root, nodes);
  return {
    file: path,
    name: childText(root, 'name') ?? path.replace(/^.*\//, '').replace(/\.ya?ml$/, ''),
    description: childText(root, 'description')?.trim() ?? '',
    tags: textsOf(child(root, 'tags')).map(sourceOf),
    nodes,
    wires: readWires(l, root, nodes),
    do: readCommands(l, child(root, 'do'), names),
    apply: readApplications(l, root, names),
    packets,
    expect,
    whatIf: readWhatIfs(l, root, nodes, packets),
    traceAll: childFlag(root, 'trace_all') ?? false,
    clock: childNumber(root, 'clock') ?? 0,
    seed: childNumber(root, 'seed') ?? 1,
  };
}

function readNodes(l: Loading, root: Tree): NodeState[] {
  const list = child(root, 'nodes');
  if (list?.t !== 'map') return [];
  const kernel = childText(root, 'kernel');
  if (list.entries.length === 0) l.errorAt('no-nodes', 'a scenario has at least one node', list.span);
  return list.entries.map((e, i) => {
    if (!/^[\w.-]+$/.test(e.key)) l.errorAt('node-name', `“${e.key}” cannot be the name of a node`, e.keySpan, 'letters, digits, dots, dashes and underscores');
    return loadNode(l, e.key, e.value, i, kernel);
  });
}

function readWires(l: Loading, root: Tree, nodes: readonly NodeState[]): Wire[] {
  const out: Wire[] = [];
  const used = new Set<string>();
  for (const item of textsOf(child(root, 'wires'))) {
    const list = item.t === 'map' ? child(item, 'ends') : item;
    const ends: WireEnd[] = [];
    for (const t of textsOf(list)) {
      const end = readDevice({ l, nodes }, t);
      if (!end) continue;
      const key = `${end.node}:${end.dev}`;
      if (used.has(key)) l.errorAt('wire-end-twice', `${key} hangs on two wires`, t.span);
      used.add(key);
      ends.push({ node: end.node, dev: end.dev });
    }
    const count = textsOf(list).length;
    if (count < 2) l.errorAt('wire-ends', 'a wire has at least two ends', item.span, '[NODE:DEVICE, NODE:DEVICE]');
    const name = childText(item, 'switch');
    out.push({ kind: item.t === 'map' || count > 2 ? 'segment' : 'pair', name, ends, span: item.span });
  }
  return out;
}

function readWhatIfs(l: Loading, root: Tree, nodes: readonly NodeState[], packets: readonly ScenarioPacket[]): WhatIf[] {
  const map = child(root, 'what_if');
  const names = new Set(nodes.map((n) => n.name));
  if (map?.t !== 'map') return [];
  return map.entries.map((e) => ({
    name: e.key,
    description: e.value.t === 'map' ? (childText(e.value, 'description')?.trim() ?? '') : '',
    commands: readCommands(l, e.value.t === 'map' ? child(e.value, 'do') : e.value, names),
    expect: readWhatIfExpect(l, root, e.value, nodes, packets),
    span: e.keySpan,
  }));
}

const applyKeys = ['iptables_restore', 'ip6tables_restore', 'ipset_restore', 'nft', 'commands', 'run'] as const;

function readApplications(l: Loading, root: Tree, names: ReadonlySet<string>): Application[] {
  const out: Application[] = [];
  for (const item of textsOf(child(root, 'apply'))) {
    const node = child(item, 'node');
    const given = applyKeys.filter((k) => child(item, k));
    if (node && !names.has(sourceOf(node)))
      l.errorAt('unknown-node', `there is no node “${sourceOf(node)}”`, node.span, didYouMean(sourceOf(node), names, 'nodes'));
    if (given.length !== 1) {
      l.errorAt('apply-kind', 'an entry of apply: does exactly one thing', item.span, `one of ${applyKeys.join(', ')}`);
      continue;
    }
    const value = child(item, given[0]);
    if (!value) continue;
    const file = child(value, 'file');
    const common = { node: sourceOf(node), noflush: childFlag(item, 'noflush') ?? false, span: value.span };
    if (given[0] === 'run') {
      const as = (childText(item, 'as') ?? 'iptables_restore') as Application['tool'];
      out.push({ ...common, tool: as, text: null, run: textsOf(value).map(sourceOf) });
    } else if (given[0] === 'commands') out.push({ ...common, tool: 'commands', text: textsOf(value).map(sourceOf).join('\n'), run: null });
    else out.push({ ...common, tool: given[0], text: file ? (l.fileText(file, sourceOf(file))?.text ?? '') : sourceOf(value), run: null });
  }
  return out;
}
