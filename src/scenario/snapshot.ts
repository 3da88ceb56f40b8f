/** A node's state from a snapshot (formats/snapshot.ts): its parts are the files of a folder of dumps; what could not be read stays named in the node. */
import type { Diagnostic, Parsed } from '../base/diagnostic.js';
import { readSnapshot, type Snapshot, type SnapshotPart } from '../formats/snapshot.js';
import { missingParts, reportMissing } from './missing.js';
import type { NodeState } from './model.js';
import { emptyNode, nodeFromFiles, type SourceText } from './node.js';

/** Parts that say something about the capture itself. */
const aboutCapture: ReadonlySet<string> = new Set(['hostname', 'date', 'user', 'netns']);

/** Beyond this many lines a part's text does not carry the lines above it. */
const MAX_LINES_ABOVE = 1_000_000;

const ran = (p: SnapshotPart): boolean => p.end.kind === 'exit' && p.end.status === 0;

/**
 * What answered, as the files of a folder of dumps. The text of each starts with as many empty lines as stand above it in the snapshot, so that every place in
 * it is a line of the snapshot.
 */
export function snapshotFiles(s: Snapshot): SourceText[] {
  return s.parts
    .filter((p) => ran(p) && !aboutCapture.has(p.name))
    .map((p) =>
      p.line > MAX_LINES_ABOVE
        ? { path: `${s.file}:${p.name}`, text: p.text, name: p.name }
        : { path: s.file, text: '\n'.repeat(p.line - 1) + p.text, name: p.name },
    );
}

/** The node that a snapshot file (or folder of dumps) stands for is called as the file is, without `.snapshot` or `.txt`. Hosts' own names are not told apart: namespaces share them. */
export function nodeNameOf(path: string): string {
  const base = path.replace(/\/+$/, '').replace(/^.*\//, '');
  const name = base.replace(/(\.(snapshot|txt))+$/, '').replace(/[^\w.-]+/g, '-');
  return name.replace(/^[-.]+|[-.]+$/g, '') || 'node';
}

/** The node; null where the text is no snapshot. `start` as of nodeFromFiles(). */
export function nodeFromSnapshot(name: string, text: string, file: string, start: NodeState = emptyNode(name)): Parsed<NodeState | null> {
  const { value: snapshot, diagnostics: wrong } = readSnapshot(text, { file });
  if (snapshot === null) return { value: null, diagnostics: wrong };
  const { value, diagnostics } = nodeFromFiles(name, snapshotFiles(snapshot), start);
  const lines = diagnostics.length > 0 ? text.split('\n') : [];
  const missing = missingParts(snapshot, value);
  const node: NodeState = missing.length === 0 ? value : { ...value, missing };
  return { value: node, diagnostics: [...wrong, ...diagnostics.map((d) => marked(d, file, lines)), ...reportMissing(missing, snapshot)] };
}

/** A place in a part's text as a place in the snapshot, where each line stands behind a mark (but for an empty one that is not the part's). */
function marked(d: Diagnostic, file: string, lines: readonly string[]): Diagnostic {
  if (d.span === null || (d.span.file === file && lines[d.span.line - 1] === '')) return d;
  const sourceLine = d.sourceLine === undefined ? {} : { sourceLine: `|${d.sourceLine}` };
  return { ...d, span: { ...d.span, column: d.span.column + 1 }, ...sourceLine };
}
