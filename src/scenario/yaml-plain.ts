/**
 * The YAML that scenario files are written in, in one pass: block maps and lists, flow collections and quoted texts on one line, plain scalars, `|`. The library
 * (yaml.ts) reads all of YAML, and starting it takes longer than many a scenario. What is not plain is left to it, and so is all that might be an error; what
 * both read comes out equal (test/scenario/yaml-plain.test.ts).
 */
import type { Span } from '../base/diagnostic.js';
import type { Entry, Tree } from './tree.js';

/** The library knows how large and how deep a file may be: this stays well below. */
const MAX_TEXT = 200_000;
const MAX_DEPTH = 40;
const MAX_INDENT = 100;

const [TAB, NEWLINE, SPACE, HASH, COLON, COMMA, DASH] = [9, 10, 32, 35, 58, 44, 45];
const [BRACE, BRACE_END, BRACKET, BRACKET_END] = [123, 125, 91, 93];
const [QUOTE, DOUBLE_QUOTE, BACKSLASH, PIPE] = [39, 34, 92, 124];

/** The core schema’s numbers, and those of them that Number() reads alike. */
const NUMBER = /^(?:[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|0o[0-7]+|0x[\da-fA-F]+|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;
const SIMPLE_NUMBER = /^-?\d{1,15}(?:\.\d{1,15})?$/;

/** Thrown inside: this is not plain. */
class NotPlain extends Error {}

/** The tree of a text; null: the library has to look at it. */
export function parsePlain(text: string, file: string): Tree | null {
  if (text.length > MAX_TEXT || /[\r\0\ufeff]/.test(text)) return null;
  try {
    return new PlainReader(text, file).read();
  } catch (e) {
    if (e instanceof NotPlain) return null;
    throw e;
  }
}

const isDigit = (c: number): boolean => c >= 48 && c <= 57;
const isLetter = (c: number): boolean => (c >= 97 && c <= 122) || (c >= 65 && c <= 90);
/** One that begins a key or a plain scalar whatever follows, for certain. */
const isWord = (c: number): boolean => isLetter(c) || isDigit(c) || c === 95;
/** `.`, `-` and `/` inside a key (single spaces are, too). */
const isKey = (c: number): boolean => isWord(c) || (c >= 45 && c <= 47);

/** What a plain scalar stands for in YAML 1.2’s core schema. */
function plainValue(s: string): string | number | boolean | null {
  if (isLetter(s.charCodeAt(0))) {
    if (s === 'true' || s === 'True' || s === 'TRUE') return true;
    if (s === 'false' || s === 'False' || s === 'FALSE') return false;
    return s === 'null' || s === 'Null' || s === 'NULL' ? null : s;
  }
  if (!NUMBER.test(s)) return s;
  if (!SIMPLE_NUMBER.test(s)) throw new NotPlain();
  return Number(s);
}

const ESCAPED: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['t', '\t'],
  ['"', '"'],
  ['\\', '\\'],
]);
const unescaped = (s: string): string =>
  s.replaceAll(/\\([\s\S])/g, (_, c) => {
    const is = ESCAPED.get(c);
    if (is === undefined) throw new NotPlain();
    return is;
  });

class PlainReader {
  /** The character at hand, its line, where that starts, and how far it is indented: -1 behind the last. */
  #at = 0;
  #line = 1;
  #start = 0;
  #indent = 0;

  constructor(
    readonly text: string,
    readonly file: string,
  ) {}

  read(): Tree {
    this.#toNextLine();
    if (this.#indent !== 0) throw new NotPlain();
    const tree = this.#blockMap(0, 0);
    if (this.#indent >= 0) throw new NotPlain();
    return tree;
  }

  #code(i = this.#at): number {
    return this.text.charCodeAt(i);
  }

  /** Up to `end`, at most to the end of the line. */
  #span(from: number, end: number): Span {
    return { file: this.file, line: this.#line, column: from - this.#start + 1, length: Math.max(1, end - from) };
  }

  #endOfLine(from = this.#at): number {
    const end = this.text.indexOf('\n', from);
    return end < 0 ? this.text.length : end;
  }

  #skipSpaces(): void {
    while (this.#code() === SPACE) this.#at++;
  }

  /** Nothing but a comment is left of this line. */
  #atEnd(): boolean {
    const c = this.#code();
    return this.#at >= this.text.length || c === NEWLINE || (c === HASH && this.#code(this.#at - 1) === SPACE);
  }

  /** From the beginning of a line to what the next one that is neither empty nor a comment begins with. */
  #toNextLine(): void {
    for (; this.#at < this.text.length; this.#line++) {
      this.#start = this.#at;
      this.#skipSpaces();
      const c = this.#code();
      if (c !== NEWLINE && c !== HASH && this.#at < this.text.length) {
        this.#indent = this.#at - this.#start;
        if (this.#indent > MAX_INDENT) throw new NotPlain();
        return;
      }
      this.#at = this.#endOfLine() + 1;
    }
    this.#indent = -1;
  }

  /** A node has ended and its line with it. */
  #endLine(): void {
    this.#skipSpaces();
    if (!this.#atEnd()) throw new NotPlain();
    this.#at = this.#endOfLine() + 1;
    this.#line++;
    this.#toNextLine();
  }

  /** Offset behind a key that begins here; -1 where there is none. */
  #keyEnd(): number {
    let i = this.#at;
    if (!isWord(this.#code(i))) return -1;
    while (isKey(this.#code(i)) || (this.#code(i) === SPACE && isWord(this.#code(i + 1)))) i++;
    if (this.#code(i) !== COLON) return -1;
    const c = this.#code(i + 1);
    return c === SPACE || c === NEWLINE ? i : -1;
  }

  #isDash(): boolean {
    return this.#code() === DASH && this.#code(this.#at + 1) === SPACE;
  }

  // --- block collections ---

  #block(indent: number, depth: number): Tree {
    return this.#isDash() ? this.#blockSeq(indent, depth) : this.#blockMap(indent, depth);
  }

  #blockMap(indent: number, depth: number): Tree {
    if (depth > MAX_DEPTH) throw new NotPlain();
    const span = this.#span(this.#at, this.#endOfLine());
    const entries: Entry[] = [];
    const keys = new Set<string>();
    do {
      const end = this.#keyEnd();
      if (end < 0) throw new NotPlain();
      const key = this.text.slice(this.#at, end);
      if (keys.has(key)) throw new NotPlain();
      keys.add(key);
      const keySpan = this.#span(this.#at, end);
      this.#at = end + 1;
      this.#skipSpaces();
      entries.push({ key, keySpan, value: this.#atEnd() ? this.#below(indent, depth + 1) : this.#value(indent, depth + 1) });
    } while (this.#indent === indent);
    if (this.#indent > indent) throw new NotPlain();
    return { t: 'map', span, entries };
  }

  /** The value on the lines below its key. A list may stand as far left as the key. */
  #below(indent: number, depth: number): Tree {
    this.#endLine();
    if (this.#indent > indent) return this.#block(this.#indent, depth);
    if (this.#indent === indent && this.#isDash()) return this.#blockSeq(indent, depth);
    throw new NotPlain();
  }

  #blockSeq(indent: number, depth: number): Tree {
    if (depth > MAX_DEPTH) throw new NotPlain();
    const span = this.#span(this.#at, this.#endOfLine());
    const items: Tree[] = [];
    do {
      this.#at++;
      this.#skipSpaces();
      if (this.#keyEnd() >= 0) {
        this.#indent = this.#at - this.#start;
        items.push(this.#blockMap(this.#indent, depth + 1));
      } else if (this.#isDash() || this.#atEnd()) throw new NotPlain();
      else items.push(this.#value(indent, depth + 1));
    } while (this.#indent === indent && this.#isDash());
    if (this.#indent > indent) throw new NotPlain();
    return { t: 'seq', span, items };
  }

  // --- values that begin on the line at hand ---

  #value(indent: number, depth: number): Tree {
    if (this.#code() === PIPE) return this.#literal(indent);
    const tree = this.#collection(depth) ?? this.#quoted() ?? this.#plain(false);
    this.#endLine();
    return tree;
  }

  #collection(depth: number): Tree | null {
    const c = this.#code();
    return c === BRACE ? this.#flowMap(depth) : c === BRACKET ? this.#flowSeq(depth) : null;
  }

  #flowMap(depth: number): Tree {
    const from = this.#at;
    const entries: Entry[] = [];
    const keys = new Set<string>();
    this.#items(BRACE_END, depth, () => {
      const end = this.#keyEnd();
      const key = this.text.slice(this.#at, end);
      if (end < 0 || keys.has(key)) throw new NotPlain();
      keys.add(key);
      const keySpan = this.#span(this.#at, end);
      this.#at = end + 1;
      this.#skipSpaces();
      entries.push({ key, keySpan, value: this.#flowValue(depth + 1) });
    });
    return { t: 'map', span: this.#span(from, this.#at), entries };
  }

  #flowSeq(depth: number): Tree {
    const from = this.#at;
    const items: Tree[] = [];
    this.#items(BRACKET_END, depth, () => {
      items.push(this.#flowValue(depth + 1));
    });
    return { t: 'seq', span: this.#span(from, this.#at), items };
  }

  /** From an opening bracket to behind `close`: what commas stand between. */
  #items(close: number, depth: number, item: () => void): void {
    if (depth > MAX_DEPTH) throw new NotPlain();
    this.#at++;
    this.#skipSpaces();
    while (this.#code() !== close) {
      item();
      this.#skipSpaces();
      if (this.#code() === COMMA) {
        this.#at++;
        this.#skipSpaces();
      } else if (this.#code() !== close) throw new NotPlain();
    }
    this.#at++;
  }

  #flowValue(depth: number): Tree {
    return this.#collection(depth) ?? this.#quoted() ?? this.#plain(true);
  }

  #quoted(): Tree | null {
    const from = this.#at;
    const quote = this.#code();
    if (quote !== QUOTE && quote !== DOUBLE_QUOTE) return null;
    /** What stands before a quote that does not end it, and whether it does anywhere. */
    const mark = quote === QUOTE ? QUOTE : BACKSLASH;
    let escaped = false;
    for (this.#at++; ; this.#at++) {
      const c = this.#code();
      if (c === mark && (quote === DOUBLE_QUOTE || this.#code(this.#at + 1) === QUOTE)) {
        escaped = true;
        this.#at++;
      } else if (c === quote) break;
      else if (this.#at >= this.text.length || c === NEWLINE || c === TAB) throw new NotPlain();
    }
    const inside = this.text.slice(from + 1, this.#at++);
    const value = !escaped ? inside : quote === QUOTE ? inside.replaceAll("''", "'") : unescaped(inside);
    return { t: 'scalar', span: this.#span(from, this.#at), value, source: value, block: null };
  }

  #plain(inFlow: boolean): Tree {
    const from = this.#at;
    const first = this.#code();
    if (!isWord(first) && !((first === DASH || first === 46 || first === 47) && isWord(this.#code(from + 1)))) throw new NotPlain();
    let end = from;
    for (; this.#at < this.text.length; this.#at++) {
      const c = this.#code();
      if (c === TAB) throw new NotPlain();
      if (c === NEWLINE || (c === HASH && this.#code(this.#at - 1) === SPACE)) {
        if (inFlow) throw new NotPlain();
        break;
      }
      if (inFlow && (c === COMMA || c === BRACE_END || c === BRACKET_END)) break;
      if (inFlow && (c === BRACE || c === BRACKET)) throw new NotPlain();
      if (c === COLON && !this.#isInside(this.#code(this.#at + 1), inFlow)) throw new NotPlain();
      if (c !== SPACE) end = this.#at + 1;
    }
    const source = this.text.slice(from, end);
    return { t: 'scalar', span: this.#span(from, end), value: plainValue(source), source, block: null };
  }

  /** A colon before such a character says nothing. */
  #isInside(c: number, inFlow: boolean): boolean {
    return isWord(c) || (!inFlow && c > SPACE) || c === COLON || c === 47;
  }

  /** `|` or `|-`. */
  #literal(parent: number): Tree {
    const from = this.#at;
    const strip = this.#code(from + 1) === DASH;
    if (this.#code(from + (strip ? 2 : 1)) !== NEWLINE) throw new NotPlain();
    const span = this.#span(from, this.#endOfLine());
    const lines: string[] = [];
    /** Of the text; -1 before its first line. */
    let indent = -1;
    /** Lines up to the last that is not empty; the longest that is, in spaces. */
    let used = 0;
    let longest = 0;
    this.#at = this.#endOfLine() + 1;
    this.#line++;
    for (; this.#at < this.text.length; this.#line++) {
      const end = this.#endOfLine();
      let i = this.#at;
      while (i < end && this.#code(i) === SPACE && i - this.#at !== indent) i++;
      const spaces = i - this.#at;
      if (i === end) {
        longest = Math.max(longest, spaces);
        lines.push('');
      } else {
        if (indent < 0) indent = spaces;
        if (spaces < indent) break;
        if (this.#code(i) === TAB) throw new NotPlain();
        lines.push(this.text.slice(i, end));
        used = lines.length;
      }
      this.#at = end + 1;
    }
    if (indent <= parent || longest > indent) throw new NotPlain();
    lines.length = used;
    const value = `${lines.join('\n')}${strip ? '' : '\n'}`;
    this.#toNextLine();
    return { t: 'scalar', span, value, source: value, block: { line: span.line + 1, indent } };
  }
}
