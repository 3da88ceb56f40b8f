/** A set whose elements a command changes: its text in parts, and the text that comes of them, as nft prints it. */
import { type NftElement, type PartRange, parseElements } from './elements.js';
import { type NftFamily, NftSet } from './model.js';
import { type SetDef, setHeader } from './set.js';
import { elementsOf, jumpsTo, statementsOf } from './statements.js';
import { NftError, type NftToken, NftTokens } from './tokens.js';

interface Element {
  readonly text: string;
  readonly read: NftElement;
}

/** How many elements nft writes on a line, by the type of the key; of others one (calculate_delim). */
const PER_LINE: Readonly<Record<string, number>> = {
  inet_service: 5,
  inet_proto: 5,
  mark: 5,
  nf_proto: 5,
  iface_index: 5,
  classid: 5,
  uid: 5,
  gid: 5,
  pkt_type: 5,
  ipv4_addr: 2,
  ct_state: 2,
  ct_status: 2,
  ct_dir: 2,
};

const refused = (message: string, token: NftToken | null): NftError => new NftError(message, token, undefined, 'nft-refused');

export class SetEdit {
  #statements: string[] | null = null;
  #elements = new Map<string, Element>();
  #def: SetDef | null = null;
  #changed = false;

  constructor(
    readonly given: NftSet,
    readonly family: NftFamily,
  ) {}

  get name(): string {
    return this.given.name;
  }

  /** The same with the handle that it was given out, and the changes made to it. */
  result(handle: number | null): NftSet {
    const { name, kind, text, at } = this.given;
    if (!this.#changed) return handle === this.given.handle ? this.given : new NftSet(name, kind, text, handle, at);
    const elements = this.#written();
    const statements = [...(this.#statements ?? []), ...(elements === '' ? [] : [`elements = { ${elements} }`])];
    return new NftSet(name, kind, `${statements.map((s) => `\t\t${s}\n`).join('')}\t`, handle, at);
  }

  /** Of `{ a, b : c }`, braces and all. `create`: they must not be there. Throws NftError, whose token is one of `text`. */
  add(text: string, create: boolean): void {
    for (const e of this.#read(text)) {
      const there = this.#overlapping(e);
      if (there === null) this.#set(e);
      else if (create) throw refused('Could not process rule: File exists', e.token);
      else if (!same(there, e.element.read)) {
        if (!this.def.flags.has('interval') || this.#merges) this.#set(e);
        else if (!covers(there.read, e.element.read) && !this.#merges) throw refused('interval overlaps with an existing one', e.token);
      }
    }
  }
  delete(text: string, gone: 'refuse' | 'pass'): void {
    for (const e of this.#read(text, true)) {
      if (this.#elements.delete(e.key)) this.#changed = true;
      else if (gone === 'refuse') throw refused('element does not exist', e.token);
    }
  }
  /** Writes it anew, as nft would. Throws NftError where its text is wrong. */
  touch(): void {
    this.#take();
    this.#changed = true;
  }
  /** A chain has another name. */
  rename(from: string, to: string): void {
    if (!this.given.text.includes(from)) return;
    this.#take();
    for (const [key, e] of this.#elements) {
      const text = jumpsTo(e.text, from, to);
      if (text === e.text) continue;
      this.#elements.set(key, { text, read: e.read });
      this.#changed = true;
    }
  }
  flush(): void {
    this.#take();
    if (this.#elements.size > 0) this.#changed = true;
    this.#elements.clear();
  }
  /** Elements of the text that have these keys, as written. */
  get(text: string): readonly string[] {
    return this.#read(text, true).map((e) => {
      const found = this.#elements.get(e.key) ?? [...this.#elements.values()].find((x) => covers(x.read, e.element.read));
      if (!found) throw refused('Could not process rule: No such file or directory', e.token);
      return found.text;
    });
  }
  /** How the element of that key is written; null: it is not there. */
  textOf(e: NftElement): string | null {
    this.#take();
    return this.#elements.get(keyText(e.key))?.text ?? null;
  }
  /** All elements are these instead: what a run has made of the set. */
  replace(elements: readonly string[]): void {
    this.#take();
    this.#elements = new Map(elements.flatMap((e) => this.#read(`{ ${e} }`).map((r) => [r.key, r.element])));
    this.#changed = true;
  }

  get def(): SetDef {
    this.#def ??= setHeader(this.given, this.family);
    return this.#def;
  }
  get #merges(): boolean {
    return this.given.text.includes('auto-merge');
  }

  #set(e: { readonly key: string; readonly element: Element }): void {
    this.#elements.set(e.key, e.element);
    this.#changed = true;
  }

  #overlapping(e: { readonly key: string; readonly element: Element }): Element | null {
    this.#take();
    const equal = this.#elements.get(e.key);
    if (equal || !this.def.flags.has('interval') || this.def.key.length > 1) return equal ?? null;
    for (const x of this.#elements.values()) if (overlap(x.read, e.element.read)) return x;
    return null;
  }

  /** The set's own text, statement by statement. */
  #take(): void {
    if (this.#statements) return;
    this.#statements = [];
    for (const s of statementsOf(this.given.text)) {
      const m = /^elements\s*=\s*(\{.*\})$/s.exec(s);
      if (m) for (const e of this.#read(m[1])) this.#elements.set(e.key, e.element);
      else this.#statements.push(s);
    }
  }

  #read(text: string, named = false): { readonly key: string; readonly element: Element; readonly token: NftToken }[] {
    this.#take();
    const { key, data } = this.def;
    return elementsOf(text).map((token) => {
      const read = at(token, () => parsed(token.text, key, data, named));
      return { key: keyText(read.key), element: { text: token.text, read }, token };
    });
  }

  #written(): string {
    const type = this.def.key.length === 1 ? this.def.key[0].name : '';
    const all = [...this.#elements.values()];
    if (this.def.key.length === 1) all.sort((a, b) => order(a.read, b.read));
    const per = PER_LINE[type] ?? 1;
    return all.map((e, i) => (i === 0 ? '' : i % per === 0 ? ',\n\t\t\t     ' : ', ') + e.text.replace(/\s+/g, ' ')).join('');
  }
}

const keyText = (key: readonly PartRange[] | null): string => (key === null ? '*' : key.map((p) => `${p.lo}-${p.hi}`).join(' . '));
const same = (a: Element, b: NftElement): boolean => keyText(a.read.key) === keyText(b.key);
const overlap = (a: NftElement, b: NftElement): boolean => a.key !== null && b.key !== null && a.key[0].lo <= b.key[0].hi && b.key[0].lo <= a.key[0].hi;
const covers = (a: NftElement, b: NftElement): boolean =>
  a.key !== null && b.key !== null && a.key.every((p, i) => p.lo <= (b.key as readonly PartRange[])[i].lo && (b.key as readonly PartRange[])[i].hi <= p.hi);
const order = (a: NftElement, b: NftElement): number =>
  a.key === null ? 1 : b.key === null ? -1 : a.key[0].lo < b.key[0].lo ? -1 : a.key[0].lo > b.key[0].lo ? 1 : 0;

/** `named`: of a map, an element may stand without its value. */
function parsed(text: string, key: SetDef['key'], data: SetDef['data'], named: boolean): NftElement {
  const read = (of: SetDef['data']): NftElement => parseElements(new NftTokens(`{${text}}`), key, of)[0];
  try {
    return read(data);
  } catch (e) {
    if (!(e instanceof NftError) || data === null || !named) throw e;
    return read(null);
  }
}

/** An element's reader counts from the element; who asked counts from the text that holds it. */
function at<T>(token: NftToken, read: () => T): T {
  try {
    return read();
  } catch (e) {
    if (!(e instanceof NftError) || e.token === null) throw e;
    const shift = token.from - 1;
    throw new NftError(e.message, { ...e.token, from: e.token.from + shift, to: e.token.to + shift }, e.hint, e.code);
  }
}
