/** `define NAME = VALUE` and `$NAME` of `nft -f`: a text with the values in place of the names. */
import { NftError, type NftToken, NftTokens } from '../netfilter/nftables/tokens.js';

export interface Expanded {
  readonly text: string;
  /** The offset in the text as it was written. */
  readonly original: (offset: number) => number;
}

/** Values of values: more is one that grows without end. */
const MAX_LENGTH = 16 * 1024 * 1024;
const plain = (text: string): Expanded => ({ text, original: (o) => o });

/** `report` is told what is wrong; offsets of its tokens are those of the written text. */
export function expandDefines(text: string, report: (e: NftError) => void): Expanded {
  return /(^|[\s;{])(re)?define\s|\$/.test(text) ? new Expansion(text, report).result() : plain(text);
}

class Expansion {
  readonly #t: NftTokens;
  #out: string[] = [];
  #length = 0;
  /** Where pieces begin: in what is made, and in what was written; `fixed`: all of the piece stands for that one place. */
  readonly #pieces: { readonly at: number; readonly from: number; readonly fixed: boolean }[] = [];
  readonly #scopes: Map<string, string>[] = [new Map()];
  #copied = 0;
  /** The last sign or word: behind `{` and `,` the elements of a set may be spliced in. */
  #before = '';

  constructor(
    readonly text: string,
    readonly report: (e: NftError) => void,
  ) {
    this.#t = new NftTokens(text);
  }

  result(): Expanded {
    for (let start = true; ; ) {
      const token = this.#t.peekSafe();
      if (token.kind === 'end') break;
      try {
        if (start && token.kind === 'word' && ['define', 'redefine', 'undefine'].includes(token.text)) this.#define(token);
        else this.#one(token);
      } catch (e) {
        if (!(e instanceof NftError)) throw e;
        this.report(e);
        this.#t.skipLine();
      }
      start = token.kind === 'newline' || token.text === ';' || token.text === '{';
    }
    this.#copy(this.text.length);
    return { text: this.#out.join(''), original: (o) => this.#original(o) };
  }

  #one(token: NftToken): void {
    const t = this.#t;
    t.next();
    if (token.kind === 'punct' && token.text === '{') this.#scopes.push(new Map());
    if (token.kind === 'punct' && token.text === '}' && this.#scopes.length > 1) this.#scopes.pop();
    if (token.kind !== 'punct' || token.text !== '$') {
      if (token.kind !== 'newline') this.#before = token.kind === 'string' ? '"' : token.text;
      return;
    }
    const name = t.word('the name of a variable');
    const value = this.#value(name);
    this.#copy(token.from);
    this.#push(this.#spliced(value), token.from, true);
    this.#copied = name.to;
    this.#before = name.text;
  }

  /** nft takes a set within a set for its elements. */
  #spliced(value: string): string {
    if (!/^\{.*\}$/s.test(value) || (this.#before !== '{' && this.#before !== ',')) return value;
    return value.slice(1, -1).trim();
  }

  #value(name: NftToken): string {
    for (let i = this.#scopes.length - 1; i >= 0; i--) {
      const value = this.#scopes[i].get(name.text);
      if (value !== undefined) return value;
    }
    throw new NftError(`unknown identifier “${name.text}”`, name, 'a variable is defined before it is used: define NAME = VALUE', 'nft-define');
  }

  #define(verb: NftToken): void {
    const t = this.#t;
    this.#copy(verb.from);
    t.next();
    const name = t.word('the name of a variable');
    const scope = this.#scopes[this.#scopes.length - 1];
    if (verb.text === 'undefine') scope.delete(name.text);
    else {
      t.expect('=');
      if (verb.text === 'define' && scope.has(name.text))
        throw new NftError(`redefinition of symbol “${name.text}”`, name, 'redefine changes what a variable stands for', 'nft-define');
      scope.set(name.text, this.#read());
    }
    this.#copied = t.peek().from;
  }

  /** Up to the end of the line or statement, outside of braces. */
  #read(): string {
    const t = this.#t;
    let out = '';
    for (let depth = 0; ; ) {
      const token = t.peek();
      if (token.kind === 'end' || (depth === 0 && (token.kind === 'newline' || (token.kind === 'punct' && (token.text === ';' || token.text === '}')))))
        return out;
      t.next();
      if (token.kind === 'newline' || token.kind === 'handle') continue;
      if (token.kind === 'punct') depth += token.text === '{' ? 1 : token.text === '}' ? -1 : 0;
      const value = token.kind === 'punct' && token.text === '$' ? this.#inner(t.word('the name of a variable'), out) : this.text.slice(token.from, token.to);
      out += (out === '' || value === ',' ? '' : ' ') + value;
      if (out.length > MAX_LENGTH) throw new NftError('the value is too long', token, undefined, 'nft-define');
    }
  }
  #inner(name: NftToken, before: string): string {
    const value = this.#value(name);
    return /[{,]$/.test(before) && /^\{.*\}$/s.test(value) ? value.slice(1, -1).trim() : value;
  }

  #copy(to: number): void {
    if (to > this.#copied) this.#push(this.text.slice(this.#copied, to), this.#copied, false);
    this.#copied = to;
  }
  #push(piece: string, from: number, fixed: boolean): void {
    this.#pieces.push({ at: this.#length, from, fixed });
    this.#out.push(piece);
    this.#length += piece.length;
    if (this.#length > MAX_LENGTH) throw new NftError('the text is too long', null, undefined, 'nft-define');
  }
  #original(offset: number): number {
    let lo = 0;
    let hi = this.#pieces.length;
    while (hi - lo > 1) {
      const mid = (lo + hi) >> 1;
      if (this.#pieces[mid].at <= offset) lo = mid;
      else hi = mid;
    }
    const p = this.#pieces[lo];
    return p === undefined ? offset : p.fixed ? p.from : p.from + (offset - p.at);
  }
}
