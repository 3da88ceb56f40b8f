/** From the text of a YAML file to the tree of tree.ts, and back; errors with their places. */
import { type Alias, isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, type Node, parseDocument, Scalar, stringify, visit } from 'yaml';
import { type Diagnostic, hasErrors, Reporter, type Span } from '../base/diagnostic.js';
import type { Entry, Tree } from './tree.js';

const MAX_NODES = 200_000;
const MAX_DEPTH = 50;
/** Brackets inside brackets, and columns of indentation, that the parser is given at all: it goes down them recursively. */
const MAX_NESTED = 200;
const MAX_SYNTAX_ERRORS = 10;
/** The lexer’s marks for the start of a document or scalar and for the end of a flow: they stand for no text. */
const CONTROL_TOKENS: ReadonlySet<string> = new Set(['\u0002', '\u0018', '\u001f']);
const TOO_LARGE = 'too large or nested too deep';

/** Parses one file. Null when nothing can be read; YAML errors are reported as `yaml-syntax`. */
export function parseTree(text: string, file: string): { tree: Tree | null; diagnostics: readonly Diagnostic[] } {
  const reporter = new Reporter(file, text);
  const lines = new LineCounter();
  const deep = surelyFlat(text) ? null : tooDeep(text);
  if (deep !== null) {
    const { line, column } = placeIn(text, deep);
    reporter.error('yaml-too-large', TOO_LARGE, line, column, 1);
    return { tree: null, diagnostics: reporter.diagnostics };
  }
  // Twice the same key is found by the Builder: the parser compares each with each.
  const doc = parseDocument(text, { lineCounter: lines, uniqueKeys: false, version: '1.2' });
  // One slip of the pen makes many errors below it.
  for (const e of doc.errors.slice(0, MAX_SYNTAX_ERRORS)) {
    const at = placeIn(text, e.pos[0]);
    if (/call stack/.test(e.message)) reporter.error('yaml-too-large', TOO_LARGE, at.line, at.column, 1);
    else reporter.error('yaml-syntax', e.message.split('\n')[0].replace(/ at line \d+, column \d+:?$/, ''), at.line, at.column, 1);
  }
  if (doc.errors.length > 0 || !doc.contents) {
    if (doc.errors.length === 0) reporter.error('yaml-empty', 'the file is empty', 1, 1, 0, 'a scenario starts with “version: 1”');
    return { tree: null, diagnostics: reporter.diagnostics };
  }
  const targets = aliasTargets(doc.contents as Node);
  const builder = new Builder(text, file, lines, reporter, (n) => (isAlias(n) ? targets.get(n) : n));
  const tree = builder.node(doc.contents as Node, 0);
  return { tree: hasErrors(reporter.diagnostics) ? null : tree, diagnostics: reporter.diagnostics };
}

/** Neither enough brackets nor a line that is indented far enough: most files need no closer look. */
const surelyFlat = (text: string): boolean => text.split(/[[{]/, MAX_NESTED + 2).length <= MAX_NESTED && !/(?:^|[\n\r])[ \t?:-]{200}/.test(text);

/** Offset of the first place inside too many brackets, or indented too far (also by `- - -` and `? ? ?`); null where there is none. */
function tooDeep(text: string): number | null {
  let at = 0;
  let brackets = 0;
  let indent = 0;
  let leading = true;
  for (const token of new Lexer().lex(text)) {
    if (CONTROL_TOKENS.has(token)) continue;
    if (token === '[' || token === '{') brackets++;
    else if (token === ']' || token === '}') brackets--;
    if (token.endsWith('\n')) {
      leading = true;
      indent = 0;
    } else if (leading && /^[ \t]+$|^[-?:]$/.test(token)) indent += token.length;
    else leading = false;
    if (brackets > MAX_NESTED || (leading && indent > MAX_NESTED)) return Math.min(at, text.length - 1);
    at += token.length;
  }
  return null;
}

/** Line and column of an offset. The parser's own count of lines ends where it gave up, and its errors may lie behind the end of the text. */
function placeIn(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, Math.max(0, offset)).split('\n');
  return { line: before.length, column: before[before.length - 1].length + 1 };
}

/** What each alias stands for: the last node before it with that anchor. One walk for all of them. */
function aliasTargets(root: Node): ReadonlyMap<Alias, Node> {
  const anchors = new Map<string, Node>();
  const out = new Map<Alias, Node>();
  visit(root, {
    Node(_key, n) {
      if (isAlias(n)) {
        const target = anchors.get(n.source);
        if (target) out.set(n, target);
      } else if (n.anchor) anchors.set(n.anchor, n);
    },
  });
  return out;
}

class Builder {
  #count = 0;
  #full = false;
  #slips = 0;
  constructor(
    readonly text: string,
    readonly file: string,
    readonly lines: LineCounter,
    readonly reporter: Reporter,
    readonly resolve: (n: Node) => Node | undefined,
  ) {}

  span(n: { range?: readonly [number, number, number] | null }): Span {
    const [from, to] = n.range ?? [0, 0];
    const at = this.lines.linePos(from);
    const end = this.text.indexOf('\n', from);
    return { file: this.file, line: Math.max(1, at.line), column: Math.max(1, at.col), length: Math.max(1, Math.min(to, end < 0 ? to : end) - from) };
  }

  /** `place`: where a value stands that is not written at all, namely behind its key. */
  node(given: Node | null, depth: number, place: Span = { file: this.file, line: 1, column: 1, length: 0 }): Tree {
    const n = given ? this.resolve(given) : undefined;
    if (given && isAlias(given) && !n) this.#unknownAlias(given.source, this.span(given));
    if (!n) return { t: 'scalar', span: given ? this.span(given) : place, value: null, source: '', block: null };
    if (++this.#count > MAX_NODES || depth > MAX_DEPTH) {
      const s = this.span(n);
      this.#tooLarge(s);
      return { t: 'scalar', span: s, value: null, source: '', block: null };
    }
    if (isMap(n)) {
      const seen = new Set<string>();
      const entries = n.items.map((pair): Entry => {
        const key = pair.key as Node;
        const text = isScalar(key) ? (key.source ?? String(key.value)) : isAlias(key) ? `*${key.source}` : String(key);
        if (seen.has(text)) this.#twice(text, this.span(key));
        seen.add(text);
        const keySpan = this.span(key);
        return { key: text, keySpan, value: this.node(pair.value as Node | null, depth + 1, keySpan) };
      });
      return { t: 'map', span: this.span(n), entries };
    }
    if (isSeq(n)) return { t: 'seq', span: this.span(n), items: n.items.map((i) => this.node(i as Node, depth + 1)) };
    return isScalar(n) ? this.#scalar(n) : { t: 'scalar', span: this.span(n), value: null, source: '', block: null };
  }

  #tooLarge(s: Span): void {
    if (this.#full) return;
    this.#full = true;
    this.reporter.error('yaml-too-large', TOO_LARGE, s.line, s.column, 1);
  }

  #unknownAlias(name: string, s: Span): void {
    if (++this.#slips <= MAX_SYNTAX_ERRORS)
      this.reporter.error('yaml-syntax', `“*${name}” stands for nothing: no “&${name}” before it`, s.line, s.column, s.length);
  }

  #twice(key: string, s: Span): void {
    if (++this.#slips <= MAX_SYNTAX_ERRORS) this.reporter.error('yaml-syntax', `the key “${key}” is there twice`, s.line, s.column, s.length);
  }

  #scalar(n: Scalar): Tree {
    const raw = n.value;
    const value = typeof raw === 'string' || typeof raw === 'number' || typeof raw === 'boolean' ? raw : raw === null || raw === undefined ? null : String(raw);
    const span = this.span(n);
    let block: { line: number; indent: number } | null = null;
    if (n.type === Scalar.BLOCK_LITERAL || n.type === Scalar.BLOCK_FOLDED) {
      const start = this.text.indexOf('\n', n.range?.[0] ?? 0) + 1;
      const indent = /^(?:[ \t]*\n)*( *)/.exec(this.text.slice(start))?.[1].length ?? 0;
      block = { line: span.line + 1, indent };
    }
    return { t: 'scalar', span, value, source: n.source ?? String(value ?? ''), block };
  }
}

/** The YAML that says the same, for diagnostics that show lines. */
export const yamlOf = (value: unknown): string => stringify(value, { lineWidth: 0 });
