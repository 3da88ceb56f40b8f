/** `expect:`: what must become of a packet. Keys and shapes are the schema's; what they name is checked here. */
import { parseAddr } from '../base/addr.js';
import { causes } from '../trace/cause.js';
import { knownNode, type NodeNames, readDevice } from './load-names.js';
import { didYouMean, resolvePath, sourceOf, textsOf } from './loading.js';
import type { Expectation } from './model.js';
import { chainsOf, chainWords, parseRuleName } from './rule-ref.js';
import { child, plain, type Tree } from './tree.js';

/** Keys whose value names nodes: as text, or as keys of a map. */
const nodeMaps: ReadonlySet<string> = new Set(['source', 'destination', 'counters', 'conntrack', 'trace', 'lines']);

export function readExpect(c: NodeNames, packet: string, tree: Tree): Expectation[] {
  if (tree.t === 'scalar') return [{ packet, direction: 'request', key: 'fate', value: tree.value, files: [], span: tree.span }];
  const out: Expectation[] = [];
  const read = (t: Tree, direction: 'request' | 'reply'): void => {
    if (t.t !== 'map') return;
    for (const e of t.entries) {
      if (e.key === 'reply' && direction === 'request') read(e.value, 'reply');
      else {
        checkExpect(c, e.key, e.value);
        out.push({ packet, direction, key: e.key, value: withFiles(c, e.value), files: e.key === 'trace' ? goldenFiles(e.value) : [], span: e.value.span });
      }
    }
  };
  read(tree, 'request');
  return out;
}

function goldenFiles(tree: Tree): Expectation['files'] {
  const file = child(tree, 'file');
  if (tree.t !== 'map') return [];
  if (file && tree.entries.length === 1) return [{ node: null, file: resolvePath(file.span.file, sourceOf(file)) }];
  return tree.entries.flatMap((e) => goldenFiles(e.value).map((g) => ({ node: e.key, file: g.file })));
}

/** A golden text may stand in a file: { file: PATH } becomes its text. */
function withFiles(c: NodeNames, tree: Tree): unknown {
  if (tree.t !== 'map') return plain(tree);
  const file = child(tree, 'file');
  if (file && tree.entries.length === 1) return c.l.fileText(file, sourceOf(file))?.text ?? '';
  return Object.fromEntries(tree.entries.map((e) => [e.key, withFiles(c, e.value)]));
}

function checkExpect(c: NodeNames, key: string, tree: Tree): void {
  if (nodeMaps.has(key) && tree.t === 'map' && !child(tree, 'file')) for (const e of tree.entries) knownNode(c, e.key, e.keySpan);
  if (key === 'where') {
    const node = tree.t === 'map' ? child(tree, 'node') : undefined;
    if (node) knownNode(c, sourceOf(node), node.span);
    else if (tree.t === 'scalar') knownNode(c, sourceOf(tree).split(/[\s:]/)[0], tree.span);
  }
  if (key === 'visits') for (const t of textsOf(tree)) knownNode(c, sourceOf(t), t.span);
  if (key === 'delivered_to') knownNode(c, sourceOf(tree).split(':')[0], tree.span);
  if (key === 'out') readDevice(c, tree);
  if (key === 'cause' && !Object.hasOwn(causes, sourceOf(tree)))
    c.l.errorAt('unknown-cause', `“${sourceOf(tree)}” is no cause of loss`, tree.span, didYouMean(sourceOf(tree), Object.keys(causes), 'causes'));
  if (key === 'reason' && !/^[A-Z][A-Z0-9_]+$/.test(sourceOf(tree)))
    c.l.errorAt('bad-reason', `“${sourceOf(tree)}” is no drop reason`, tree.span, 'the kernel’s name, as IP_RPFILTER or NETFILTER_DROP');
  if (key === 'source' || key === 'destination') for (const t of tree.t === 'map' ? tree.entries.map((e) => e.value) : [tree]) checkSeen(c, t);
  if (key === 'snat_to' || key === 'dnat_to') checkSeen(c, tree);
  if (key === 'hits' || key === 'misses') for (const t of textsOf(tree)) checkRuleName(c, t);
}

/** An expectation about a rule that is not there would hold for no reason. Chains that a command of the scenario names may come into being later. */
function checkRuleName(c: NodeNames, tree: Tree): void {
  const ref = parseRuleName(sourceOf(tree));
  if (!ref) {
    c.l.errorAt(
      'rule-form',
      `“${sourceOf(tree)}” is no rule`,
      tree.span,
      '[NODE] TABLE:CHAIN[:NUMBER], as node1 filter:FORWARD:3 or node1 inet filter forward:3',
    );
    return;
  }
  if (ref.node !== null && !knownNode(c, ref.node, tree.span)) return;
  const chains = c.nodes.filter((n) => ref.node === null || n.name === ref.node).flatMap((n) => chainsOf(n, ref.table));
  const here = chains.filter((x) => x.name === ref.chain);
  if (c.changes.includes(ref.chain)) return;
  if (here.length === 0) {
    const names = new Set(chains.map((x) => x.name));
    c.l.errorAt('unknown-chain', `there is no chain ${chainWords(ref.table, ref.chain)}`, tree.span, didYouMean(ref.chain, names, `chains of ${ref.table}`));
  } else if (ref.num !== null && !here.some((x) => ref.num !== null && ref.num >= 1 && ref.num <= x.last)) {
    const last = Math.max(...here.map((x) => x.last));
    c.l.errorAt('unknown-rule', `the chain ${chainWords(ref.table, ref.chain)} has no rule ${ref.num}`, tree.span, `it has ${last - 1}; ${last} is its end`);
  }
}

function checkSeen(c: NodeNames, tree: Tree): void {
  const text = sourceOf(tree);
  const m = /^\[(.*)\](?::\d{1,5})?$|^([^:]*):\d{1,5}$/.exec(text);
  if (parseAddr(text) === null && parseAddr(m?.[1] ?? m?.[2] ?? '') === null)
    c.l.errorAt('bad-address', `“${text}” is no address`, tree.span, 'ADDRESS or ADDRESS:PORT');
}
