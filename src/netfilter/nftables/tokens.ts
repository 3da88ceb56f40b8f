/** Words of nft(8): what separates them, and where each stands. */

export interface NftToken {
  /** 'end': there is no more. 'handle': the number of a comment `# handle 5`. */
  readonly kind: 'word' | 'string' | 'punct' | 'newline' | 'handle' | 'end';
  readonly text: string;
  /** Offsets in the text. */
  readonly from: number;
  readonly to: number;
}

const SIGNS = new Set('{}()[],;|&^=!<>@$');
const PAIRS = new Set(['==', '!=', '<=', '>=', '<<', '>>']);
const DEEPEST = 32;
const WORD = /[^\s{}(),;|&^=!<>@$"#[\]]+/y;

/** Characters of a message, which may quote the text. */
const LONGEST = 400;

/** What a reader throws: at a token, in the words of the house. */
export class NftError extends Error {
  constructor(
    message: string,
    readonly token: NftToken | null,
    readonly hint?: string,
    /** Of the diagnostic that tells it. */
    readonly code: string = 'nft-rule',
  ) {
    super(message.length > LONGEST ? `${message.slice(0, LONGEST)}…` : message);
  }
}

/** A cursor over the tokens of a text. Inside of parentheses and braces that the reader has entered (`nested`), new lines are blanks. */
export class NftTokens {
  #at = 0;
  #ahead: NftToken | null = null;
  nested = 0;
  #depth = 0;

  constructor(readonly text: string) {}

  peek(): NftToken {
    this.#ahead ??= this.#scan();
    return this.nested > 0 && this.#ahead.kind === 'newline' ? this.#past() : this.#ahead;
  }
  #past(): NftToken {
    do this.#ahead = this.#scan();
    while (this.#ahead.kind === 'newline');
    return this.#ahead;
  }
  /** The same where the text may be broken: what cannot be read is passed over. */
  peekSafe(): NftToken {
    for (;;) {
      try {
        return this.peek();
      } catch (e) {
        if (!(e instanceof NftError)) throw e;
        this.skipLine();
      }
    }
  }
  /** Goes to the end of the line. */
  skipLine(): void {
    const line = this.text.indexOf('\n', this.#ahead?.from ?? this.#at);
    this.reset(line < 0 ? this.text.length : line);
    this.nested = 0;
  }
  next(): NftToken {
    const t = this.peek();
    this.#ahead = null;
    return t;
  }
  /** Reads what stands inside of something else; throws where that is too deep for anybody to have written it. */
  inside<T>(read: () => T): T {
    if (this.#depth >= DEEPEST) throw new NftError('there is too much inside of each other', this.peek());
    this.#depth++;
    try {
      return read();
    } finally {
      this.#depth--;
    }
  }
  /** A place to come back to. */
  mark(): number {
    return this.peek().from;
  }
  reset(mark: number): void {
    this.#at = mark;
    this.#ahead = null;
  }
  /** Goes on inside of the word that was taken last, at that offset. */
  split(offset: number): void {
    this.reset(offset);
  }
  get ended(): boolean {
    const { kind } = this.peek();
    return kind === 'end' || kind === 'handle';
  }
  /** Takes the next token if it is one of these words or signs. */
  take(...texts: readonly string[]): string | null {
    const t = this.peek();
    if ((t.kind !== 'word' && t.kind !== 'punct') || !texts.includes(t.text)) return null;
    this.next();
    return t.text;
  }
  is(...texts: readonly string[]): boolean {
    const t = this.peek();
    return (t.kind === 'word' || t.kind === 'punct') && texts.includes(t.text);
  }
  expect(text: string): NftToken {
    const t = this.peek();
    if (t.kind === 'string' || t.text !== text) throw new NftError(`“${text}” is expected${t.kind === 'end' ? '' : `, not “${t.text.trim()}”`}`, t);
    return this.next();
  }
  /** The next word, whatever it is. */
  word(what: string): NftToken {
    const t = this.peek();
    if (t.kind !== 'word') throw new NftError(`${what} is missing${t.kind === 'end' ? '' : ` before “${t.text.trim()}”`}`, t);
    return this.next();
  }
  string(what: string): string {
    const t = this.peek();
    if (t.kind !== 'string' && t.kind !== 'word') throw new NftError(`${what} is missing`, t);
    return this.next().text;
  }
  number(what: string): number {
    const t = this.word(what);
    const n = /^(0x[0-9a-fA-F]+|\d+)$/.test(t.text) ? Number(t.text) : Number.NaN;
    if (!Number.isSafeInteger(n)) throw new NftError(`${what} is a number, not “${t.text}”`, t);
    return n;
  }

  #scan(): NftToken {
    const { text } = this;
    let at = this.#at;
    while (at < text.length && (text[at] === ' ' || text[at] === '\t' || text[at] === '\r' || (text[at] === '\\' && text[at + 1] === '\n')))
      at += text[at] === '\\' ? 2 : 1;
    if (at >= text.length) return this.#token('end', at, text.length, '');
    const c = text[at];
    if (c === '\n') return this.#token('newline', at, at + 1);
    if (c === '#') return this.#comment(at);
    if (c === '"') return this.#quoted(at);
    if (SIGNS.has(c)) return this.#token('punct', at, PAIRS.has(text.slice(at, at + 2)) ? at + 2 : at + 1);
    WORD.lastIndex = at;
    return this.#token('word', at, WORD.test(text) ? WORD.lastIndex : at + 1);
  }
  #token(kind: NftToken['kind'], from: number, to: number, text = this.text.slice(from, to)): NftToken {
    this.#at = to;
    return { kind, text, from, to };
  }

  #quoted(at: number): NftToken {
    const close = this.text.indexOf('"', at + 1);
    const inside = close < 0 ? '' : this.text.slice(at + 1, close);
    if (close < 0 || inside.includes('\n')) throw new NftError('the quoted text does not end', this.#token('string', at, at + 1));
    return this.#token('string', at, close + 1, inside);
  }

  #comment(at: number): NftToken {
    const line = this.text.indexOf('\n', at);
    const end = line < 0 ? this.text.length : line;
    const handle = /^# handle (\d+)\s*$/.exec(this.text.slice(at, end));
    if (handle) return this.#token('handle', at, end, handle[1]);
    this.#at = end;
    return this.#scan();
  }
}
