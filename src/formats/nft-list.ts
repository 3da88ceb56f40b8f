/** `nft [-a] list ruleset`, and rule sets written like it: tables with their chains, sets and objects. What rules and sets say is read in netfilter/nftables. */
import { type NftBaseChain, type NftChain, type NftFamily, NftObject, type NftPlace, NftRule, NftSet, type NftTable } from '../netfilter/nftables/model.js';
import { NftError, NftTokens } from '../netfilter/nftables/tokens.js';

const priorityNames = new Map<string, number>([
  ['raw', -300],
  ['mangle', -150],
  ['dstnat', -100],
  ['filter', 0],
  ['security', 50],
  ['srcnat', 100],
]);
const bridgePriorityNames = new Map<string, number>([
  ['dstnat', -300],
  ['filter', -200],
  ['out', 100],
  ['srcnat', 300],
]);
const FAMILIES: readonly string[] = ['ip', 'ip6', 'inet', 'arp', 'bridge', 'netdev'];

type Draft<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };

/** Every table of a listing, in its order. What is no part of a table is passed over; so is what is wrong, with the rest of its line. */
export const readNftList = (text: string): readonly NftTable[] => new ListReader(text).tables;

/** Where lines of a text begin. */
class Lines {
  readonly #starts: number[] = [0];
  constructor(text: string) {
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.#starts.push(at + 1);
  }
  place(offset: number): NftPlace {
    let lo = 0;
    let hi = this.#starts.length;
    while (hi - lo > 1) {
      const mid = (lo + hi) >> 1;
      if (this.#starts[mid] <= offset) lo = mid;
      else hi = mid;
    }
    return { line: lo + 1, column: offset - this.#starts[lo] + 1 };
  }
}

class ListReader {
  readonly tables: NftTable[] = [];
  readonly errors: NftError[] = [];
  readonly #t: NftTokens;
  readonly lines: Lines;

  constructor(readonly text: string) {
    this.#t = new NftTokens(text);
    this.lines = new Lines(text);
    while (this.#t.peekSafe().kind !== 'end') this.#trying(() => this.#top());
  }

  #trying(read: () => void): void {
    try {
      read();
    } catch (e) {
      if (!(e instanceof NftError)) throw e;
      this.errors.push(e);
      this.#t.skipLine();
    }
  }

  #top(): void {
    const t = this.#t;
    if (!t.take('table')) {
      t.next();
      return;
    }
    const family = FAMILIES.includes(t.peek().text) ? (t.next().text as NftFamily) : 'ip';
    const name = t.string('the name of a table');
    if (!t.take('{')) return;
    const table: Draft<NftTable> = { family, name, chains: [], sets: [], objects: [], handle: this.#handle() };
    this.tables.push(table);
    this.#block(() => this.#inTable(table));
  }

  #handle(): number | null {
    return this.#t.peek().kind === 'handle' ? Number(this.#t.next().text) : null;
  }

  /** Up to the closing brace. */
  #block(statement: () => void): void {
    const t = this.#t;
    for (;;) {
      const { kind } = t.peekSafe();
      if (kind === 'end' || t.take('}')) return;
      if (kind === 'newline' || kind === 'handle' || t.take(';')) {
        if (kind === 'newline' || kind === 'handle') t.next();
        continue;
      }
      this.#trying(statement);
    }
  }

  #inTable(table: Draft<NftTable>): void {
    const t = this.#t;
    const word = t.next().text;
    if (word === 'flags') {
      if (this.#rest().text.includes('dormant')) table.dormant = true;
    } else if (word === 'comment') this.#rest();
    else if (word === 'chain') this.#chain(table);
    else if (word === 'set' || word === 'map') {
      const name = t.string('a name');
      const b = this.#braces();
      table.sets.push(new NftSet(name, word, b.text, b.handle, b.at));
    } else {
      const kind = word === 'ct' ? `ct ${t.word('the kind of an object').text}` : word;
      const name = t.string('a name');
      const b = this.#braces();
      table.objects.push(new NftObject(name, kind, b.text, b.handle, b.at));
    }
  }

  #chain(table: Draft<NftTable>): void {
    const t = this.#t;
    const chain: Draft<NftChain> = { name: t.string('the name of a chain'), base: null, rules: [] };
    table.chains.push(chain);
    t.expect('{');
    chain.handle = this.#handle();
    this.#block(() => {
      if (t.is('type')) chain.base = this.#base(table.family);
      else if (t.is('policy') && chain.base) {
        t.next();
        chain.base = { ...chain.base, policy: this.#rest().text === 'drop' ? 'drop' : 'accept' };
      } else if (t.is('comment', 'devices', 'flags')) this.#rest();
      else {
        const { text, at } = this.#rest();
        chain.rules.push(new NftRule(text, this.#handle(), at));
      }
    });
  }

  #base(family: NftFamily): NftBaseChain {
    const { text } = this.#rest();
    const m = /^type (\S+) hook (\S+) (?:devices? (.*?) ?)?priority (.+)$/.exec(text);
    if (!m) throw new NftError('type, hook and priority of a base chain are expected', null);
    const devices = m[3]?.match(/[^\s{},="]+/g);
    return { type: m[1], hook: m[2], priority: priority(m[4], family), policy: 'accept', ...(devices ? { devices } : {}) };
  }

  /** Up to the end of the statement: a new line or semicolon outside of braces, the chain's closing brace, a handle. */
  #rest(): { readonly text: string; readonly at: NftPlace } {
    const t = this.#t;
    const from = t.mark();
    let to = from;
    let depth = 0;
    for (;;) {
      const token = t.peek();
      if (token.kind === 'end' || token.kind === 'handle') break;
      if (depth === 0 && (token.kind === 'newline' || (token.kind === 'punct' && (token.text === ';' || token.text === '}')))) break;
      t.next();
      if (token.kind !== 'newline') to = token.to;
      if (token.kind === 'punct') depth += token.text === '{' ? 1 : token.text === '}' ? -1 : 0;
    }
    return { text: this.text.slice(from, to), at: this.lines.place(from) };
  }

  /** What stands between braces. */
  #braces(): { readonly text: string; readonly handle: number | null; readonly at: NftPlace } {
    const t = this.#t;
    t.expect('{');
    const handle = this.#handle();
    const from = t.mark();
    for (let depth = 1; ; ) {
      const token = t.next();
      if (token.kind === 'end') return { text: this.text.slice(from), handle, at: this.lines.place(from) };
      if (token.kind !== 'punct') continue;
      depth += token.text === '{' ? 1 : token.text === '}' ? -1 : 0;
      if (depth === 0) return { text: this.text.slice(from, token.from), handle, at: this.lines.place(from) };
    }
  }
}

/** `filter`, `-150`, `srcnat + 5`. */
function priority(text: string, family: NftFamily): number {
  const m = /^([a-z]+)?\s*([+-]?)\s*(\d+)?$/.exec(text.trim());
  if (!m) return 0;
  const named = m[1] === undefined ? 0 : ((family === 'bridge' ? bridgePriorityNames : priorityNames).get(m[1]) ?? 0);
  const offset = m[3] === undefined ? 0 : Number(m[3]);
  return m[2] === '-' ? named - offset : named + offset;
}
