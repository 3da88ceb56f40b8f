/** Commands of nft(8), one after the other: what `nft -f` reads, what stands on its command line, and a listing, which is such a text. */
import type { RulesetEdit } from '../netfilter/nftables/edit.js';
import { kernelSays } from '../netfilter/nftables/edit.js';
import { type NftFamily, NftRule } from '../netfilter/nftables/model.js';
import type { ChainEdit, TableEdit } from '../netfilter/nftables/table-edit.js';
import { NftError, type NftToken, type NftTokens } from '../netfilter/nftables/tokens.js';
import { type BlockContext, braces, chainBlock, endOf, handleHere, included, objectIn, objectKind, restOf, setIn, tableBlock } from './nft-block.js';

export const FAMILIES: readonly string[] = ['ip', 'ip6', 'inet', 'arp', 'bridge', 'netdev'];
const VERBS = ['add', 'create', 'insert', 'replace', 'delete', 'destroy', 'flush', 'rename', 'reset'];
/** What they are asked is answered elsewhere (tools/nft.ts). */
const QUESTIONS = ['list', 'get', 'describe', 'monitor', 'export', 'import'];
const THINGS = ['table', 'chain', 'rule', 'set', 'map', 'element', 'counter', 'quota', 'limit', 'flowtable', 'secmark', 'synproxy', 'ct', 'ruleset', 'rules'];

/** A table that another tool made is not nft's to change. */
export type Guard = (t: TableEdit, verb: NftToken) => void;

/** Throws NftError from what() a mistake stands in; `trying` of the context catches it. */
export class NftReader {
  readonly #t: NftTokens;
  /** Objects whose numbers a command sets back: of a table, a kind, a name (null: all of the kind). */
  readonly resets: { readonly table: TableEdit; readonly kind: string; readonly name: string | null }[] = [];

  constructor(
    readonly edit: RulesetEdit,
    readonly c: BlockContext,
    readonly guard: Guard,
  ) {
    this.#t = c.t;
  }

  read(): void {
    const t = this.#t;
    for (;;) {
      const token = t.peekSafe();
      if (token.kind === 'end') return;
      if (token.kind === 'newline' || token.kind === 'handle' || (token.kind === 'punct' && token.text === ';')) t.next();
      else
        this.c.trying(() => {
          this.#command();
          endOf(t);
        });
    }
  }

  #fail(message: string, token: NftToken, hint?: string): never {
    throw new NftError(message, token, hint, 'nft-syntax');
  }

  #command(): void {
    const t = this.#t;
    const first = t.peek();
    if (first.kind !== 'word') this.#fail(first.kind === 'string' ? 'a command is expected' : `unexpected “${first.text}”`, first);
    if (first.text === 'include') {
      restOf(t);
      throw included(first);
    }
    if (QUESTIONS.includes(first.text)) this.#fail(`“${first.text}” changes nothing`, first, 'a question is asked on a line of its own');
    const verb = VERBS.includes(first.text) ? t.next() : first;
    const name = verb === first && !VERBS.includes(first.text) ? 'add' : verb.text;
    if (name === 'rename') this.#rename();
    else if (name === 'flush') this.#flush();
    else if (name === 'delete' || name === 'destroy') this.#delete(name);
    else if (name === 'reset') this.#reset();
    else this.#add(name, verb);
  }

  /** A word that says what kind of thing the command is about. */
  #thing(implied: string | null): NftToken {
    const t = this.#t;
    const token = t.peek();
    if (token.kind === 'word' && THINGS.includes(token.text)) return t.next();
    if (implied !== null && token.kind === 'word' && FAMILIES.includes(token.text)) return { ...token, text: implied };
    return this.#fail(token.kind === 'end' ? 'something is missing' : `unexpected “${token.text.trim()}”`, token, `for example: ${EXAMPLE}`);
  }
  #family(): NftFamily {
    const t = this.#t;
    return FAMILIES.includes(t.peek().text) && t.peek().kind === 'word' ? (t.next().text as NftFamily) : 'ip';
  }
  #name(what: string): NftToken {
    const token = this.#t.peek();
    this.#t.string(what);
    return token;
  }
  #table(): TableEdit {
    const family = this.#family();
    const table = this.edit.table(family, this.#name('the name of a table'));
    this.guard(table, this.#t.peek());
    return table;
  }
  #chainOf(): { readonly table: TableEdit; readonly chain: ChainEdit } {
    const table = this.#table();
    return { table, chain: table.chain(this.#name('the name of a chain')) };
  }

  // --- add, create, insert, replace ---

  #add(verb: string, at: NftToken): void {
    const thing = this.#thing('rule');
    const create = verb === 'create';
    if (thing.text === 'rule' || verb === 'insert' || verb === 'replace') this.#rule(verb, thing);
    else if (thing.text === 'table') this.#addTable(create);
    else this.#addTo(thing, create, at);
  }
  #addTo(thing: NftToken, create: boolean, at: NftToken): void {
    const table = this.#table();
    if (thing.text === 'chain') this.#addChain(table, create);
    else if (thing.text === 'set' || thing.text === 'map') setIn(this.c, table, thing.text, create);
    else if (thing.text === 'element') {
      const set = table.set(this.#name('the name of a set')).edit;
      this.#elements((text) => set.add(text, create));
    } else objectIn(this.c, table, thing.text === 'ruleset' || thing.text === 'rules' ? at : thing, create);
    table.number();
  }

  #addTable(create: boolean): void {
    const t = this.#t;
    const family = this.#family();
    const name = this.#name('the name of a table');
    const open = t.take('{') !== null;
    const table = this.edit.add(family, name, create, open ? handleHere(t) : null);
    if (!table.made) this.guard(table, name);
    if (open) tableBlock(this.c, table);
  }

  #addChain(table: TableEdit, create: boolean): void {
    const t = this.#t;
    const chain = table.addChain(this.#name('the name of a chain'), create);
    if (t.take('{')) chainBlock(this.c, table, chain);
  }

  #rule(verb: string, thing: NftToken): void {
    const t = this.#t;
    if (thing.text !== 'rule') this.#fail(`unexpected “${thing.text}”`, thing, `${verb} rule FAMILY TABLE CHAIN …`);
    const { table, chain } = this.#chainOf();
    let at = verb === 'insert' ? 0 : chain.rules.length;
    const by = t.take('handle', 'position', 'index');
    if (by !== null) {
      const token = t.peek();
      const n = t.number(`the ${by}`);
      if (by === 'index' && n >= chain.rules.length)
        kernelSays('No such file or directory', token, `the chain has ${chain.rules.length} rules, counted from 0`);
      at = by === 'index' ? n : table.place(chain, n, token);
      if (verb === 'add') at++;
    } else if (verb === 'replace') this.#fail('“handle” is expected', t.peek(), 'replace rule FAMILY TABLE CHAIN handle N RULE');
    const { text, from } = restOf(t);
    if (text === '') this.#fail('a rule is expected', t.peek(), EXAMPLE);
    const old = verb === 'replace' ? table.deleteRule(chain, at) : null;
    table.addRule(chain, new NftRule(text, handleHere(t), this.c.place(from)), from, at, old);
    table.number();
  }

  /** `change` gets the text between the braces and with them; what it complains about stands in it. */
  #elements(change: (text: string) => void): void {
    const t = this.#t;
    const open = t.peek();
    braces(t);
    const end = t.text.lastIndexOf('}', t.mark() - 1) + 1;
    try {
      change(t.text.slice(open.from, end));
    } catch (e) {
      if (!(e instanceof NftError) || e.token === null) throw e;
      throw new NftError(e.message, { ...e.token, from: e.token.from + open.from, to: e.token.to + open.from }, e.hint, e.code);
    }
  }

  // --- delete, destroy, flush, rename, reset ---

  #delete(verb: 'delete' | 'destroy'): void {
    const t = this.#t;
    const thing = this.#thing(null);
    try {
      this.#deleteThing(thing, verb);
    } catch (e) {
      if (!(e instanceof NftError) || verb !== 'destroy' || !e.message.includes('No such file or directory')) throw e;
      restOf(t);
    }
  }

  #deleteThing(thing: NftToken, verb: 'delete' | 'destroy'): void {
    const t = this.#t;
    if (thing.text === 'table') {
      const table = t.is('handle') || (FAMILIES.includes(t.peek().text) && this.#handleNext()) ? this.#tableByHandle() : this.#tableToDelete();
      this.guard(table, thing);
      this.edit.remove(table);
      return;
    }
    const table = this.#table();
    if (thing.text === 'rule') {
      const chain = table.chain(this.#name('the name of a chain'));
      if (!t.is('handle', 'index')) this.#fail('syntax error, unexpected newline, expecting handle', t.peek(), 'nft -a list ruleset shows the handles');
      const by = t.next().text;
      const token = t.peek();
      const n = t.number(`the ${by}`);
      if (by === 'index' && n >= chain.rules.length) kernelSays('No such file or directory', token);
      table.deleteRule(chain, by === 'index' ? n : table.place(chain, n, token));
    } else if (thing.text === 'chain') {
      const token = t.peek();
      table.deleteChain(t.take('handle') ? this.#ofHandle(table.chains.values(), (c) => c) : table.chain(this.#name('the name of a chain')), token);
    } else if (thing.text === 'element') {
      const set = table.set(this.#name('the name of a set')).edit;
      this.#elements((text) => set.delete(text, verb === 'delete' ? 'refuse' : 'pass'));
    } else if (thing.text === 'set' || thing.text === 'map') {
      const token = t.peek();
      const made = t.take('handle')
        ? this.#ofHandle(table.sets.values(), (s) => s)
        : table.set(this.#name('the name of a set'), 'Could not process rule: No such file or directory');
      table.sets.delete(made.edit.name);
      table.gone.set(`set ${made.edit.name}`, token);
    } else {
      const kind = objectKind(t, thing);
      const token = t.peek();
      const of = [...table.objects.values()].filter((o) => o.edit.kind === kind);
      const { edit } = t.take('handle') ? this.#ofHandle(of, (o) => o) : table.object(kind, this.#name('the name of an object'));
      table.objects.delete(`${kind} ${edit.name}`);
      table.gone.set(`object ${edit.name}`, token);
    }
  }
  #handleNext(): boolean {
    const t = this.#t;
    const from = t.mark();
    t.next();
    const is = t.is('handle');
    t.reset(from);
    return is;
  }
  #tableToDelete(): TableEdit {
    const family = this.#family();
    const name = this.#name('the name of a table');
    return (
      this.edit.find(family, name.text) ??
      kernelSays('No such file or directory', name, `tables: ${this.edit.tables.map((x) => `${x.family} ${x.name}`).join(', ')}`)
    );
  }
  #tableByHandle(): TableEdit {
    const family = this.#family();
    this.#t.expect('handle');
    return this.#ofHandle(this.edit.tables, (x) => (x.family === family ? x : null));
  }
  #ofHandle<T extends { readonly handle: number | null }, R extends object>(all: Iterable<T>, pick: (x: T) => R | null): R {
    const token = this.#t.peek();
    const n = this.#t.number('the handle');
    for (const x of all) {
      const found = x.handle === n ? pick(x) : null;
      if (found) return found;
    }
    return kernelSays('No such file or directory', token);
  }

  #flush(): void {
    const t = this.#t;
    const thing = this.#thing(null);
    if (thing.text === 'ruleset') {
      const family = FAMILIES.includes(t.peek().text) && t.peek().kind === 'word' ? this.#family() : null;
      for (const table of this.edit.tables) if (family === null || table.family === family) this.guard(table, thing);
      this.edit.clear(family);
      return;
    }
    if (thing.text === 'table') {
      const table = this.#tableToDelete();
      this.guard(table, thing);
      for (const c of table.chains.values()) while (c.rules.length > 0) table.deleteRule(c, c.rules.length - 1);
      return;
    }
    const table = this.#table();
    if (thing.text === 'chain') {
      const chain = table.chain(this.#name('the name of a chain'));
      while (chain.rules.length > 0) table.deleteRule(chain, chain.rules.length - 1);
    } else if (thing.text === 'set' || thing.text === 'map') table.set(this.#name('the name of a set')).edit.flush();
    else this.#fail(`unexpected “${thing.text}”`, thing, 'flush ruleset, table, chain, set or map');
  }

  #rename(): void {
    const thing = this.#thing(null);
    if (thing.text !== 'chain') this.#fail(`unexpected “${thing.text}”`, thing, 'rename chain FAMILY TABLE CHAIN NAME');
    const table = this.#table();
    const chain = table.chain(this.#name('the name of a chain'), 'No such file or directory');
    table.renameChain(chain, this.#name('the new name'));
  }

  #reset(): void {
    const t = this.#t;
    const word = t.word('what is set back').text;
    const kind = word.replace(/s$/, '');
    if (kind !== 'counter' && kind !== 'quota')
      this.#fail(`“reset ${word}” is not known here`, t.peek(), 'reset counter FAMILY TABLE NAME, reset counters, reset quotas');
    if (word === kind) {
      const table = this.#table();
      this.resets.push({ table, kind, name: table.object(kind, this.#name(`the name of a ${kind}`)).edit.name });
      return;
    }
    const family = t.take('table') || FAMILIES.includes(t.peek().text) ? this.#family() : null;
    const named = t.peek().kind === 'word' ? this.edit.table(family ?? 'ip', this.#name('the name of a table')) : null;
    for (const table of this.edit.tables)
      if (named === null ? family === null || table.family === family : table === named) this.resets.push({ table, kind, name: null });
  }
}

const EXAMPLE = 'add rule inet filter input tcp dport 22 accept';
