/** A node's state from what its tools printed: a folder of dumps, or the `state` of a kernel-corpus case. */
import { type Diagnostic, nearest, type Parsed } from '../base/diagnostic.js';
import type { NodeState } from './model.js';
import { type NodeDraft, type PartKind, type PartRow, partOfFile, partOfKind, parts } from './parts.js';

/** The kernel that a node declares when it says nothing. */
const DEFAULT_KERNEL = '6.18';

/** A node that states nothing: what it lacks follows Linux (stack/). */
export function emptyNode(name: string): NodeDraft {
  return {
    name,
    kernel: DEFAULT_KERNEL,
    links: [],
    addrs: [],
    neighs: [],
    routes: null,
    rules: null,
    fdb: [],
    vlans: [],
    iptables: null,
    ip6tables: null,
    iptablesNft: null,
    ip6tablesNft: null,
    nftRuleset: null,
    ebtables: null,
    sets: [],
    sysctls: [],
    sockets: [],
    routeTableNames: new Map(),
    nfQueues: null,
    xfrmPolicies: [],
    xfrmStates: [],
    conntrack: null,
  };
}

export interface SourceText {
  readonly path: string;
  readonly text: string;
  /** The file name that says which part it is; default: that of `path`. */
  readonly name?: string;
}

/** Files beside the dumps that say nothing about the node. */
const passedOver = /^(readme|license|licence|notes?)(\..*)?$|\.(md|ya?ml)$|^\./i;

const nameOf = (file: SourceText): string => file.name ?? file.path.slice(file.path.lastIndexOf('/') + 1);

/**
 * The node that a folder of dumps describes. A file is known by its name (`iptables-save`, `ip-addr.json`, `neigh.txt`, …); one with another name is left out with a warning.
 * Where a part is there twice, as text and as JSON, the text counts for routes and rules, the JSON for the others.
 */
export function nodeFromFiles(name: string, files: readonly SourceText[], start: NodeState = emptyNode(name)): Parsed<NodeState> {
  const diagnostics: Diagnostic[] = [];
  const chosen = new Map<PartKind, { row: PartRow; file: SourceText }>();
  for (const file of files) {
    const base = nameOf(file);
    const row = partOfFile(base);
    if (!row) {
      if (!passedOver.test(base)) diagnostics.push(unknownFile(file.path, base));
      continue;
    }
    const before = chosen.get(row.kind);
    if (!before || preferred(row.kind, nameOf(file)) > preferred(row.kind, nameOf(before.file))) chosen.set(row.kind, { row, file });
  }
  const draft: NodeDraft = { ...start, name };
  for (const row of parts) {
    const c = chosen.get(row.kind);
    if (c) diagnostics.push(...row.read(draft, c.file.text, c.file.path));
  }
  return { value: draft, diagnostics };
}

const textFirst: ReadonlySet<PartKind> = new Set(['routes', 'routes6', 'rules', 'rules6']);
const preferred = (kind: PartKind, name: string): number => Number(textFirst.has(kind) !== name.endsWith('.json'));

function unknownFile(path: string, base: string): Diagnostic {
  const examples = parts.map((p) => p.example);
  const near = examples.find((e) => base.startsWith(`${e}.`)) ?? nearest(base, examples);
  return {
    code: 'dump-unknown-file',
    severity: 'warning',
    message: `“${base}” is no dump that is known by its name; it is left out`,
    span: { file: path, line: 1, column: 1, length: 0 },
    hint: near === undefined ? 'known are names as iptables-save, ipset-save, ip-addr.json, ip-route.txt, sysctl.txt' : `did you mean “${near}”?`,
  };
}

/** `state` of a kernel-corpus case, as far as it is an input (kernel-corpus/README.md). */
export interface CorpusState {
  readonly [part: string]: unknown;
}

/**
 * The node of a kernel-corpus case, through the same readers as anyone's dumps. `links` (the wires) only say which far ends are down, which the flags in
 * `state.link` say as well. IPv4 cases run with IPv6 disabled and their other family's parts absent.
 */
export function nodeFromCorpus(_links: unknown, state: CorpusState, backend: 'legacy' | 'nft', _family: 'ipv4' | 'ipv6', name = 'node'): Parsed<NodeState> {
  const nft = backend === 'nft';
  const names: readonly (readonly [string, PartKind])[] = [
    ['link', 'links'],
    ['addr', 'addresses'],
    ['bridge_link', 'bridge'],
    ['bridge_fdb', 'fdb'],
    ['neigh', 'neigh'],
    ['rule_text', 'rules'],
    ['rule6_text', 'rules6'],
    ['route_text', 'routes'],
    ['route6_text', 'routes6'],
    ['ipset_save', 'ipset'],
    ['iptables_save', nft ? 'iptables-nft' : 'iptables'],
    ['ip6tables_save', nft ? 'ip6tables-nft' : 'ip6tables'],
    ['ebtables_save', 'ebtables'],
    ['nft_ruleset', 'nft'],
    ['nfqueue', 'nfqueue'],
    ['sockets', 'sockets'],
    ['conntrack', 'conntrack'],
  ];
  const diagnostics: Diagnostic[] = [];
  const draft = emptyNode(name);
  for (const [key, kind] of names) {
    const value = Object.hasOwn(state, key) ? state[key] : undefined;
    if (value === undefined || value === null) continue;
    diagnostics.push(...partOfKind(kind).read(draft, typeof value === 'string' ? value : JSON.stringify(value), key));
  }
  const sysctl = Object.hasOwn(state, 'sysctl') ? state.sysctl : undefined;
  if (typeof sysctl === 'object' && sysctl !== null) {
    const lines = Object.entries(sysctl).map(([k, v]) => `${k} = ${String(v).replace(/\n/g, ' ')}\n`);
    diagnostics.push(...partOfKind('sysctl').read(draft, lines.join(''), 'sysctl'));
  }
  return { value: draft, diagnostics };
}
