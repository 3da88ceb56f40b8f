/** What the loader shares while one scenario is read: files, diagnostics with their lines, names. */
import { type Diagnostic, nearest, type Parsed, type Severity, type Span } from '../base/diagnostic.js';
import type { XtRuleset } from '../netfilter/xtables/model.js';
import type { FileSource, NodeCommand } from './model.js';
import { child, type Tree } from './tree.js';

/** No one reads more; the last one says so. */
const MAX_DIAGNOSTICS = 1000;

export class Loading {
  readonly diagnostics: Diagnostic[] = [];
  readonly rulesets = new Map<string, Parsed<XtRuleset>>();
  readonly #texts = new Map<string, string[]>();
  readonly #reported = new Set<string>();
  constructor(readonly files: FileSource) {}

  remember(file: string, text: string): void {
    this.#texts.set(file, text.split('\n'));
  }
  line(file: string, n: number): string {
    const s = this.#texts.get(file)?.[n - 1] ?? '';
    return s.length > 300 ? `${s.slice(0, 300)}…` : s;
  }

  /** More is not listed. */
  get full(): boolean {
    return this.diagnostics.length > MAX_DIAGNOSTICS;
  }

  report(severity: Severity, code: string, message: string, span: Span, hint?: string): void {
    if (this.full) return;
    if (this.diagnostics.length === MAX_DIAGNOSTICS) {
      if (severity === 'warning') return;
      code = 'more-diagnostics';
      message = 'and more like these';
      hint = 'is this the file that was meant?';
    }
    // A row of a table is read once for each of its packets.
    const key = `${code} ${span.file}:${span.line}:${span.column} ${message}`;
    if (this.#reported.has(key)) return;
    this.#reported.add(key);
    this.diagnostics.push({ code, severity, message, span, ...(hint === undefined ? {} : { hint }), sourceLine: this.line(span.file, span.line) });
  }
  errorAt(code: string, message: string, span: Span, hint?: string): void {
    this.report('error', code, message, span, hint);
  }
  warningAt(code: string, message: string, span: Span, hint?: string): void {
    this.report('warning', code, message, span, hint);
  }

  /** Reads a file named in the scenario, relative to the file that names it; reports `file-not-found`. */
  fileText(tree: Tree, path: string): { path: string; text: string } | null {
    const full = resolvePath(tree.span.file, path);
    const text = this.files.read(full);
    if (text === null) {
      this.errorAt('file-not-found', `there is no file “${full}”`, tree.span, 'paths are relative to the file that names them');
      return null;
    }
    this.remember(full, text);
    return { path: full, text };
  }

  /** Diagnostics of a reader that read a file of its own or a block of this one. */
  take(list: readonly Diagnostic[], block: Tree | null): void {
    for (const d of list) this.diagnostics.push(block && d.span ? shifted(d, d.span, block, (n) => this.line(block.span.file, n)) : d);
  }
}

/** A place inside a block scalar as a place in the YAML file; other scalars point to their beginning. */
function shifted(d: Diagnostic, span: Span, block: Tree, lineOf: (n: number) => string): Diagnostic {
  if (block.t === 'scalar' && block.block) {
    const line = block.block.line + span.line - 1;
    return { ...d, span: { file: block.span.file, line, column: span.column + block.block.indent, length: span.length }, sourceLine: lineOf(line) };
  }
  return { ...d, span: block.span, sourceLine: lineOf(block.span.line) };
}

/** Where a word, or several with a space between, stands inside an inline text. */
export function placeOfWord(l: Loading, part: Tree, word: string): Span {
  if (part.t !== 'scalar' || !part.block) return part.span;
  const lines = String(part.value).split('\n');
  for (let i = 0; i < lines.length; i++) {
    const file = part.span.file;
    const at = ` ${l.line(file, part.block.line + i)} `.search(new RegExp(`\\s${word.replace(/[^\w-]/g, '\\$&')}\\s`));
    if (at >= 0) return { file, line: part.block.line + i, column: at + 1, length: word.length };
  }
  return part.span;
}

/** `path` beside `file`; `.` and `..` resolved. */
export function resolvePath(file: string, path: string): string {
  if (path.startsWith('/')) return path;
  const out: string[] = [];
  const dir = file.split('/').slice(0, -1);
  for (const p of [...dir, ...path.split('/')]) {
    if (p === '.' || (p === '' && out.length > 0)) continue;
    if (p === '..' && out.length > 0 && out[out.length - 1] !== '..' && out[out.length - 1] !== '') out.pop();
    else out.push(p);
  }
  return out.join('/');
}

export function didYouMean(word: string, names: Iterable<string>, what: string): string {
  const list = [...names];
  const near = nearest(word, list);
  if (near !== undefined) return `did you mean “${near}”?`;
  return list.length === 0 ? `there is no ${what}` : `${what}: ${list.slice(0, 12).join(', ')}${list.length > 12 ? ', …' : ''}`;
}

/** `NODE: COMMAND` entries. A node that does not exist is reported. */
export function readCommands(l: Loading, tree: Tree | undefined, nodes: ReadonlySet<string>): NodeCommand[] {
  const out: NodeCommand[] = [];
  if (tree?.t !== 'seq') return out;
  for (const item of tree.items) {
    if (item.t === 'map') {
      for (const e of item.entries) pushCommand(l, out, e.key, e.keySpan, e.value.t === 'scalar' ? String(e.value.value ?? '') : '', e.value.span, nodes);
    } else if (item.t === 'scalar') {
      const text = String(item.value ?? '');
      const m = /^\s*([^\s:]+)\s*:\s*([\s\S]*)$/.exec(text);
      if (m) pushCommand(l, out, m[1], item.span, m[2], item.span, nodes);
      else l.errorAt('command-form', 'a command is written as NODE: COMMAND', item.span, 'node1: sysctl -w net.ipv4.ip_forward=1');
    }
  }
  return out;
}

function pushCommand(l: Loading, out: NodeCommand[], node: string, nodeSpan: Span, command: string, span: Span, nodes: ReadonlySet<string>): void {
  if (!nodes.has(node)) l.errorAt('unknown-node', `there is no node “${node}”`, nodeSpan, didYouMean(node, nodes, 'nodes'));
  else if (command.trim() === '') l.errorAt('command-form', 'the command is empty', span, 'node1: sysctl -w net.ipv4.ip_forward=1');
  else out.push({ node, command: command.trim(), span });
}

/** The text of a scalar as written; '' for none. */
export const sourceOf = (tree: Tree | undefined): string =>
  tree?.t === 'scalar' ? (tree.block || typeof tree.value === 'string' ? String(tree.value) : tree.source) : '';
export const childText = (tree: Tree, key: string): string | null => {
  const c = child(tree, key);
  return c?.t === 'scalar' && c.value !== null ? sourceOf(c) : null;
};
export const childNumber = (tree: Tree, key: string): number | null => {
  const c = child(tree, key);
  return c?.t === 'scalar' && typeof c.value === 'number' ? c.value : null;
};
export const childFlag = (tree: Tree, key: string): boolean | null => {
  const c = child(tree, key);
  return c?.t === 'scalar' && typeof c.value === 'boolean' ? c.value : null;
};
/** One text or a list of them. */
export const textsOf = (tree: Tree | undefined): Tree[] =>
  tree === undefined ? [] : tree.t === 'seq' ? [...tree.items] : tree.t === 'scalar' && tree.value === null ? [] : [tree];
