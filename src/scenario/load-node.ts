/** One entry of `nodes:`: dumps of a folder, inline parts laid over them, and short forms for small nodes. */
import { parseAddr } from '../base/addr.js';
import type { Span } from '../base/diagnostic.js';
import { parseEndpoint } from '../formats/sockets.js';
import { sysctlName } from '../formats/sysctl.js';
import { addAddress, addLinkLocals, ensureLink, shortAddress, shortLink } from './load-links.js';
import { completeRoutes } from './load-routes.js';
import { childFlag, childNumber, childText, didYouMean, type Loading, placeOfWord, resolvePath, sourceOf, textsOf } from './loading.js';
import type { SocketState } from './model.js';
import { emptyNode, nodeFromFiles, type SourceText } from './node.js';
import { type NodeDraft, type PartKind, type PartOptions, parts } from './parts.js';
import { nodeFromSnapshot } from './snapshot.js';
import { child, type Tree } from './tree.js';

/** Keys of a node whose value is a tool's text; `links`, `addresses`, `sysctl` and `sockets` also have short forms. */
const partKeys: ReadonlySet<string> = new Set<PartKind>(parts.map((p) => p.kind));

/** The node, as far as it can be read; `index` makes the MAC addresses of short forms distinct. */
export function loadNode(l: Loading, name: string, tree: Tree, index: number, kernel: string | null): NodeDraft {
  const draft: NodeDraft = { ...emptyNode(name) };
  if (kernel !== null) draft.kernel = kernel;
  if (tree.t !== 'map') return draft;
  readDumps(l, draft, tree);
  const own = childText(tree, 'kernel');
  if (own !== null) draft.kernel = own;
  const nft = childText(tree, 'backend') === 'nft';
  shortAddress(l, draft, tree, index);
  // Without a folder of dumps the scenario itself is all that there is to know about the node.
  const options: PartOptions = { allSetsKnown: child(tree, 'dumps') === undefined, rulesets: l.rulesets };
  for (const row of parts) {
    const value = child(tree, row.kind);
    if (!value || !partKeys.has(row.kind) || row.kind === 'kernel') continue;
    if (value.t === 'map' && !child(value, 'file')) shortForm(l, draft, row.kind, value, index);
    else if (row.kind === 'sockets' && value.t === 'seq') draft.sockets = readSocketList(l, value);
    else if (row.kind === 'nfqueue' && value.t === 'seq') draft.nfQueues = value.items.map((q) => Number(sourceOf(q)));
    else readPart(l, draft, nft && (row.kind === 'iptables' || row.kind === 'ip6tables') ? `${row.kind}-nft` : row.kind, value, options);
  }
  if (nft) {
    draft.iptablesNft ??= { family: 'ipv4', tables: [] };
    draft.ip6tablesNft ??= { family: 'ipv6', tables: [] };
  }
  nowKnown(draft, tree, nft);
  const listen = child(tree, 'listen');
  if (listen) draft.sockets = [...draft.sockets, ...readListen(l, listen, draft.sockets.length)];
  // A folder of dumps, or a text from `ip addr`, knows its addresses.
  const addresses = child(tree, 'addresses');
  if (!child(tree, 'dumps') && (addresses === undefined || (addresses.t === 'map' && !child(addresses, 'file')))) addLinkLocals(draft);
  completeRoutes(l, draft, tree);
  checkDevices(l, draft, tree);
  return draft;
}

function readDumps(l: Loading, draft: NodeDraft, tree: Tree): void {
  const dumps = child(tree, 'dumps');
  if (dumps?.t !== 'scalar') return;
  const dir = resolvePath(dumps.span.file, sourceOf(dumps));
  const names = l.files.list(dir);
  if (names === null) {
    readSnapshotFile(l, draft, dumps, dir);
    return;
  }
  const files: SourceText[] = [];
  for (const n of [...names].sort()) {
    const path = `${dir}/${n}`;
    const text = l.files.read(path);
    if (text === null) continue;
    l.remember(path, text);
    files.push({ path, text });
  }
  if (files.length === 0) l.errorAt('dumps-empty', `the folder “${dir}” holds no files`, dumps.span);
  const r = nodeFromFiles(draft.name, files, draft);
  Object.assign(draft, r.value);
  l.take(r.diagnostics, null);
}

function readSnapshotFile(l: Loading, draft: NodeDraft, dumps: Tree, path: string): void {
  const text = l.files.read(path);
  if (text === null) {
    l.errorAt('dumps-not-found', `there is no folder or snapshot “${path}”`, dumps.span, 'a path is relative to the file that names it');
    return;
  }
  l.remember(path, text);
  const { value, diagnostics } = nodeFromSnapshot(draft.name, text, path, draft);
  Object.assign(draft, value);
  l.take(diagnostics, null);
}

/** What the scenario itself says is no longer missing from a snapshot. */
function nowKnown(draft: NodeDraft, tree: Tree, nft: boolean): void {
  if (draft.missing === undefined) return;
  const says = (kind: PartKind): boolean =>
    child(tree, kind) !== undefined
      ? !(nft && (kind === 'iptables' || kind === 'ip6tables'))
      : (kind === 'sockets' && child(tree, 'listen') !== undefined) || (nft && child(tree, kind.replace(/-nft$/, '')) !== undefined && kind.endsWith('-nft'));
  draft.missing = draft.missing.filter(({ kind }) => !says(kind));
}

/** A part given as text, or as { file: PATH }. */
function readPart(l: Loading, draft: NodeDraft, kind: PartKind, value: Tree, options: PartOptions): void {
  const row = parts.find((p) => p.kind === kind);
  if (!row) return;
  const file = child(value, 'file');
  const before = { sysctls: draft.sysctls };
  if (file) {
    const source = l.fileText(file, sourceOf(file));
    if (source) l.take(row.read(draft, source.text, source.path, options), null);
  } else if (value.t === 'scalar') l.take(row.read(draft, String(value.value ?? ''), value.span.file, { ...options, typed: true }), value);
  if (kind === 'sysctl') draft.sysctls = mergedSysctls(before.sysctls, draft.sysctls);
}

/** Inline sysctls stand beside those of the dumps; of equal names the inline one counts. */
function mergedSysctls(base: NodeDraft['sysctls'], over: NodeDraft['sysctls']): NodeDraft['sysctls'] {
  const names = new Map(over.map((s) => [s.name, s]));
  const known = new Set(base.map((s) => s.name));
  return [...base.map((s) => names.get(s.name) ?? s), ...over.filter((s) => !known.has(s.name))];
}

function shortForm(l: Loading, draft: NodeDraft, kind: PartKind, value: Tree & { t: 'map' }, index: number): void {
  if (kind === 'sysctl') {
    const list: { name: string; value: string }[] = [];
    for (const e of value.entries) {
      const name = sysctlName(e.key);
      if (name === null) l.errorAt('sysctl-name', `“${e.key}” is no sysctl name`, e.keySpan, 'net.ipv4.ip_forward or net/ipv4/ip_forward');
      else
        list.push({
          name,
          value: typeof (e.value.t === 'scalar' ? e.value.value : null) === 'boolean' ? (sourceOf(e.value) === 'true' ? '1' : '0') : sourceOf(e.value),
        });
    }
    draft.sysctls = mergedSysctls(draft.sysctls, list);
  } else if (kind === 'links') for (const e of value.entries) shortLink(l, draft, e.key, e.value, index);
  else if (kind === 'addresses') {
    for (const e of value.entries) {
      ensureLink(draft, e.key, index);
      draft.addrs = draft.addrs.filter((a) => a.dev !== e.key);
      for (const t of textsOf(e.value)) addAddress(l, draft, e.key, t);
    }
  }
}

// --- sockets ---

function readListen(l: Loading, tree: Tree, from: number): SocketState[] {
  const out: SocketState[] = [];
  for (const t of textsOf(tree)) {
    const text = sourceOf(t).trim();
    const m = /^(tcp|udp)[/ ](\S+)( echo)?$/.exec(text);
    const end = m ? parseEndpoint(/^\d+$/.test(m[2]) ? `*:${m[2]}` : m[2]) : null;
    if (!m || !end || (m[1] === 'tcp' && m[3]))
      l.errorAt('bad-endpoint', `“${text}” is no socket`, t.span, 'tcp/80, udp/10.0.0.1:53, tcp/[::]:80, udp/53 echo');
    else
      out.push({
        id: `srv${from + out.length}`,
        proto: m[1] as 'tcp' | 'udp',
        addr: end.addr,
        port: end.port,
        dev: end.dev,
        uid: 0,
        transparent: false,
        ...(m[3] ? { echo: true } : {}),
      });
  }
  return out;
}

function readSocketList(l: Loading, tree: Tree): SocketState[] {
  const out: SocketState[] = [];
  for (const item of textsOf(tree)) {
    if (item.t === 'scalar') {
      out.push(...readListen(l, item, out.length));
      continue;
    }
    const address = child(item, 'address');
    const addr = address ? parseAddr(sourceOf(address)) : 0;
    if (addr === null) {
      l.errorAt('bad-address', `“${sourceOf(address)}” is not an IP address`, address?.span ?? item.span);
      continue;
    }
    out.push({
      id: childText(item, 'id') ?? `srv${out.length}`,
      proto: childText(item, 'proto') === 'udp' ? 'udp' : 'tcp',
      addr,
      port: childNumber(item, 'port') ?? 0,
      dev: childText(item, 'dev'),
      uid: childNumber(item, 'uid') ?? 0,
      transparent: childFlag(item, 'transparent') ?? false,
      ...(childFlag(item, 'echo') ? { echo: true } : {}),
    });
  }
  return out;
}

/** Addresses, neighbours and routes name devices: one that is not there is an error at the part that names it. */
function checkDevices(l: Loading, draft: NodeDraft, tree: Tree): void {
  if (draft.links.length === 0) return;
  const names = new Set(draft.links.map((x) => x.name));
  const missing = (dev: string | null, key: string): void => {
    if (dev === null || names.has(dev)) return;
    const part = child(tree, key);
    const span: Span = part ? placeOfWord(l, part, dev) : tree.span;
    l.errorAt('unknown-device', `node “${draft.name}” has no device “${dev}”`, span, didYouMean(dev, names, 'devices'));
    names.add(dev);
  };
  if (child(tree, 'addresses')) for (const a of draft.addrs) missing(a.dev, 'addresses');
  if (child(tree, 'neigh')) for (const n of draft.neighs) missing(n.dev, 'neigh');
  if (child(tree, 'routes') || child(tree, 'routes6'))
    for (const r of draft.routes ?? []) for (const h of r.nexthops) missing(h.dev, r.family === 'ipv4' ? 'routes' : 'routes6');
}
