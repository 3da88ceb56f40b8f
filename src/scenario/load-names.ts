/** Names of nodes and devices as packets, wires and expectations use them. */
import type { Span } from '../base/diagnostic.js';
import { didYouMean, type Loading, sourceOf } from './loading.js';
import type { NodeState } from './model.js';
import type { Tree } from './tree.js';

export interface NodeNames {
  readonly l: Loading;
  readonly nodes: readonly NodeState[];
  readonly names: ReadonlySet<string>;
  /** Text of every command that changes a node while the scenario runs. */
  readonly changes: string;
}

/** The node of that name; null after a report. */
export function nodeNamed(c: NodeNames, tree: Tree): NodeState | null {
  const name = sourceOf(tree);
  const node = c.nodes.find((n) => n.name === name);
  if (node) return node;
  c.l.errorAt('unknown-node', `there is no node “${name}”`, tree.span, didYouMean(name, c.names, 'nodes'));
  return null;
}

/** Does this node exist? Reports if not. */
export function knownNode(c: NodeNames, name: string, span: Span): boolean {
  if (c.names.has(name)) return true;
  c.l.errorAt('unknown-node', `there is no node “${name}”`, span, didYouMean(name, c.names, 'nodes'));
  return false;
}

/** `NODE:DEVICE`; null after a report. */
export function readDevice(c: { l: Loading; nodes: readonly NodeState[] }, tree: Tree): { kind: 'device'; node: string; dev: string } | null {
  const text = sourceOf(tree);
  const colon = text.indexOf(':');
  if (colon < 0) {
    c.l.errorAt('device-form', `“${text}” is no device of a node`, tree.span, 'NODE:DEVICE, as node1:eth0');
    return null;
  }
  const name = text.slice(0, colon);
  const dev = text.slice(colon + 1);
  const node = c.nodes.find((n) => n.name === name);
  if (!node) {
    c.l.errorAt(
      'unknown-node',
      `there is no node “${name}”`,
      tree.span,
      didYouMean(
        name,
        c.nodes.map((n) => n.name),
        'nodes',
      ),
    );
    return null;
  }
  if (!node.links.some((x) => x.name === dev)) {
    c.l.errorAt(
      'unknown-device',
      `node “${name}” has no device “${dev}”`,
      tree.span,
      didYouMean(
        dev,
        node.links.map((x) => x.name),
        'devices',
      ),
    );
    return null;
  }
  return { kind: 'device', node: name, dev };
}
