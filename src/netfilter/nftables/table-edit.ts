/** One table while commands change it. */
import { nearest } from '../../base/diagnostic.js';
import { kernelSays, objectLike } from './edit.js';
import { type NftBaseChain, type NftFamily, type NftObject, NftRule, type NftSet, type NftTable } from './model.js';
import { ruleHandles, setsWithin } from './rule-handles.js';
import { SetEdit } from './set-edit.js';
import { jumpsTo } from './statements.js';
import { NftError, type NftToken } from './tokens.js';

type Made<T> = { readonly edit: T; handle: number | null };

export class ChainEdit {
  base: NftBaseChain | null;
  comment: string | undefined;
  flags: string | undefined;
  readonly rules: NftRule[];

  constructor(
    public name: string,
    readonly given: NftTable['chains'][number] | null,
    public handle: number | null,
  ) {
    this.base = given?.base ?? null;
    this.comment = given?.comment;
    this.flags = given?.flags;
    this.rules = [...(given?.rules ?? [])];
  }

  result(): NftTable['chains'][number] {
    const { given, base, name, comment, flags, handle, rules } = this;
    if (given && given.base === base && given.name === name && given.comment === comment && given.flags === flags && (given.handle ?? null) === handle) {
      if (given.rules.length === rules.length && given.rules.every((r, i) => r === rules[i])) return given;
    }
    return { name, base, rules, handle, ...(comment === undefined ? {} : { comment }), ...(flags === undefined ? {} : { flags }) };
  }
}

export class TableEdit {
  readonly family: NftFamily;
  readonly name: string;
  readonly handle: number | null;
  comment: string | undefined;
  dormant: boolean;
  readonly chains = new Map<string, ChainEdit>();
  readonly sets = new Map<string, Made<SetEdit>>();
  readonly objects = new Map<string, Made<NftObject>>();
  /** Rules that commands brought, with the token that they stand behind. */
  readonly news = new Map<NftRule, number>();
  /** The same of sets, by name. */
  readonly newSets = new Map<string, number>();
  /** Names whose chains, sets or objects were deleted, and where: nothing may use them in the end. */
  readonly gone = new Map<string, NftToken>();
  #numbers: Map<NftRule, number> | null = null;
  #last: number;
  /** What has to be numbered yet; `rank`: 0 objects, 1 sets, 2 flowtables. */
  #fresh: { chains: ChainEdit[]; things: { readonly of: { handle: number | null }; readonly rank: number }[]; rules: NftRule[] } = {
    chains: [],
    things: [],
    rules: [],
  };

  constructor(
    readonly given: NftTable,
    readonly made = false,
  ) {
    this.family = given.family;
    this.name = given.name;
    this.handle = given.handle ?? null;
    this.comment = given.comment;
    this.dormant = given.dormant ?? false;
    this.#last = given.last ?? highest(given, this.numbers);
    for (const c of given.chains) this.chains.set(c.name, new ChainEdit(c.name, c, c.handle ?? null));
    for (const s of given.sets) this.sets.set(s.name, { edit: new SetEdit(s, given.family), handle: s.handle });
    for (const o of given.objects) this.objects.set(`${o.kind} ${o.name}`, { edit: o, handle: o.handle });
  }

  result(): NftTable {
    const { family, name, given, comment, dormant } = this;
    const chains = [...this.chains.values()].map((c) => c.result());
    const sets = [...this.sets.values()].map((s) => s.edit.result(s.handle));
    const objects = [...this.objects.values()].map((o) => objectLike(o.edit, o.handle));
    const equal = (a: readonly unknown[], b: readonly unknown[]): boolean => a.length === b.length && a.every((x, i) => x === b[i]);
    if (
      equal(chains, given.chains) &&
      equal(sets, given.sets) &&
      equal(objects, given.objects) &&
      comment === given.comment &&
      dormant === (given.dormant ?? false)
    ) {
      if (!this.made) return given;
    }
    return {
      family,
      name,
      chains: equal(chains, given.chains) ? given.chains : chains,
      sets: equal(sets, given.sets) ? given.sets : sets,
      objects: equal(objects, given.objects) ? given.objects : objects,
      handle: this.handle,
      ...(dormant ? { dormant } : {}),
      ...(comment === undefined ? {} : { comment }),
      numbers: this.numbers,
      last: this.#last,
    };
  }

  /** Handles of its rules, those of new ones among them once they are numbered. */
  get numbers(): Map<NftRule, number> {
    this.#numbers ??= new Map(ruleHandles(this.given));
    return this.#numbers;
  }

  /** Gives what is new its handle: chains, objects, sets, flowtables and rules, in the order in which nft hands a block over. */
  number(): void {
    const { chains, things, rules } = this.#fresh;
    if (chains.length + things.length + rules.length === 0) return;
    const next = (handle: number | null, before = 0): number => {
      const n = handle ?? this.#last + before + 1;
      this.#last = Math.max(this.#last, n);
      return n;
    };
    for (const c of chains) c.handle = next(c.handle);
    for (const rank of [0, 1, 2]) for (const x of things) if (x.rank === rank) x.of.handle = next(x.of.handle);
    for (const r of rules) this.numbers.set(r, next(r.handle, r.handle === null ? setsWithin(r.text) : 0));
    this.#fresh = { chains: [], things: [], rules: [] };
  }

  // --- chains and rules ---

  chain(name: NftToken, message = 'Could not process rule: No such file or directory'): ChainEdit {
    const c = this.chains.get(name.text);
    if (c) return c;
    const near = nearest(name.text, this.chains.keys());
    const hint = near
      ? `did you mean chain ${near}?`
      : this.chains.size === 0
        ? 'the table has no chains'
        : `chains: ${[...this.chains.keys()].slice(0, 12).join(', ')}`;
    throw new NftError(message, name, `${hint} (table ${this.family} ${this.name})`, 'nft-refused');
  }
  addChain(name: NftToken, create: boolean, handle: number | null = null): ChainEdit {
    const there = this.chains.get(name.text);
    if (there && create) kernelSays('File exists', name);
    const c = there ?? new ChainEdit(name.text, null, handle);
    if (!there) this.#fresh.chains.push(c);
    this.chains.set(name.text, c);
    this.gone.delete(`chain ${name.text}`);
    return c;
  }
  deleteChain(c: ChainEdit, token: NftToken): void {
    this.chains.delete(c.name);
    this.gone.set(`chain ${c.name}`, token);
  }
  renameChain(c: ChainEdit, to: NftToken): void {
    if (this.chains.has(to.text)) kernelSays('File exists', to);
    const all = [...this.chains.values()];
    for (const x of all) for (const [i, r] of x.rules.entries()) this.#renamed(x, r, i, c.name, to.text);
    for (const s of this.sets.values()) s.edit.rename(c.name, to.text);
    c.name = to.text;
    this.chains.clear();
    for (const x of all) this.chains.set(x.name, x);
  }
  /** The kernel knows chains by address: who jumps to one does so under its new name. */
  #renamed(c: ChainEdit, r: NftRule, at: number, from: string, to: string): void {
    const text = jumpsTo(r.text, from, to);
    if (text === r.text) return;
    const made = new NftRule(text, r.handle, r.at);
    c.rules[at] = made;
    this.numbers.set(made, this.numbers.get(r) ?? 0);
    const offset = this.news.get(r);
    if (this.news.delete(r) && offset !== undefined) this.news.set(made, offset);
  }
  /** `place`: in the chain; default: its end. `handle`: of the rule that it replaces. */
  addRule(c: ChainEdit, rule: NftRule, offset: number, place = c.rules.length, handle: number | null = null): void {
    c.rules.splice(place, 0, rule);
    this.news.set(rule, offset);
    if (handle === null) this.#fresh.rules.push(rule);
    else this.#replaced(rule, handle);
  }
  /** It has the handle of the rule whose place it takes. */
  #replaced(rule: NftRule, handle: number): void {
    this.number();
    this.numbers.set(rule, handle);
    this.#last += setsWithin(rule.text);
  }
  /** The place of the rule with that handle. */
  place(c: ChainEdit, handle: number, token: NftToken): number {
    const at = c.rules.findIndex((r) => this.numbers.get(r) === handle);
    if (at < 0) kernelSays('No such file or directory', token, `nft -a list chain ${this.family} ${this.name} ${c.name} shows the handles`);
    return at;
  }
  /** Returns its handle. */
  deleteRule(c: ChainEdit, at: number): number | null {
    const [r] = c.rules.splice(at, 1);
    this.news.delete(r);
    return this.numbers.get(r) ?? null;
  }

  // --- sets and objects ---

  set(name: NftToken, message = 'No such file or directory'): Made<SetEdit> {
    const s = this.sets.get(name.text);
    if (s) return s;
    const near = nearest(name.text, this.sets.keys());
    throw new NftError(message, name, near ? `did you mean set ${near} in table ${this.family} ${this.name}?` : undefined, 'nft-refused');
  }
  /** One that is there takes the elements of the text. */
  addSet(s: NftSet, elements: () => string | null, token: NftToken, create: boolean, offset: number): void {
    const there = this.sets.get(s.name);
    if (there && (create || there.edit.given.kind !== s.kind)) kernelSays('File exists', token);
    if (!there) {
      const made = { edit: new SetEdit(s, this.family), handle: s.handle };
      this.sets.set(s.name, made);
      this.#fresh.things.push({ of: made, rank: 1 });
      this.newSets.set(s.name, offset);
    } else {
      const text = elements();
      if (text !== null) there.edit.add(text, false);
    }
    this.gone.delete(`set ${s.name}`);
  }
  addObject(o: NftObject, token: NftToken, create: boolean): void {
    const key = `${o.kind} ${o.name}`;
    if (this.objects.has(key)) {
      if (create) kernelSays('File exists', token);
      return;
    }
    const made = { edit: o, handle: o.handle };
    this.objects.set(key, made);
    this.#fresh.things.push({ of: made, rank: o.kind === 'flowtable' ? 2 : 0 });
    this.gone.delete(`object ${o.name}`);
  }
  object(kind: string, name: NftToken): Made<NftObject> {
    const o = this.objects.get(`${kind} ${name.text}`);
    if (o) return o;
    const near = nearest(
      name.text,
      [...this.objects.values()].filter((x) => x.edit.kind === kind).map((x) => x.edit.name),
    );
    throw new NftError('No such file or directory', name, near ? `did you mean ${kind} ${near}?` : undefined, 'nft-refused');
  }
}

const highest = (t: NftTable, numbers: ReadonlyMap<NftRule, number>): number => {
  let n = t.chains.length + t.sets.length + t.objects.length;
  for (const x of [...t.chains, ...t.sets, ...t.objects]) n = Math.max(n, x.handle ?? 0);
  for (const h of numbers.values()) n = Math.max(n, h);
  return n;
};
