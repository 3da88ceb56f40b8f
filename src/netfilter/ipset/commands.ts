/**
 * What `ipset` does to sets: create, add, del, test, flush, destroy, rename, swap; one carrying-out for `ipset restore` text and for single commands.
 * Errors are the tool's own words.
 */
import { checkSetName, paramsOf, parseCreate } from './create.js';
import { addToList, delFromList, LiveList, type SetNames, testList } from './list-commands.js';
import { LiveSet } from './live.js';
import { addMember, delMember, testMember } from './member-commands.js';
import { emptyMembers, ListMembers, TableMembers } from './members.js';
import type { IpSet, SetCreate } from './model.js';
import { IpsetError } from './types.js';
import { splitLine } from './words.js';

interface Slot {
  name: string;
  create: SetCreate;
  /** The set as given, while nothing has touched it. */
  set: IpSet;
  live: LiveSet | LiveList | null;
}

export interface CommandOptions {
  /** `-exist`. */
  readonly exist: boolean;
  readonly warn: (message: string, word: string) => void;
  /** Sets that rules refer to: they cannot be destroyed or renamed. */
  readonly inUse?: (name: string) => boolean;
  /** Output of test, list and save. */
  readonly print?: (text: string) => void;
}

const noSuchSet = (word: string): IpsetError => new IpsetError('ipset-no-set', 'The set with the given name does not exist', word);

/** The members of a set as one of our own classes; text of others is read. Throws IpsetError. */
export function membersOf(set: IpSet): TableMembers | ListMembers {
  const m = set.members;
  if (m instanceof TableMembers || m instanceof ListMembers) return m;
  const table = new SetTable([makeSet(set.create, emptyMembers(paramsOf(set.create)))]);
  for (const text of m.text()) table.addText(set.name, text);
  return membersOf(table.freeze()[0]);
}

export const makeSet = (create: SetCreate, members: IpSet['members']): IpSet => ({ create, members, name: create.name });

/** The sets of a namespace while commands change them; `freeze` gives plain data again, with the untouched sets themselves. */
export class SetTable implements SetNames {
  /** ip_set_list: a hole is taken by the next set created. */
  #slots: (Slot | null)[];
  #byName: Map<string, Slot>;

  constructor(sets: readonly IpSet[] = []) {
    this.#slots = sets.map((set) => ({ name: set.name, create: set.create, set, live: null }));
    this.#byName = new Map(this.#slots.map((s) => [(s as Slot).name, s as Slot]));
  }

  slot(name: string): Slot {
    const s = this.#byName.get(name);
    if (!s) throw noSuchSet(name);
    return s;
  }
  has(name: string): boolean {
    return this.#byName.has(name);
  }
  typeOf(name: string): string | null {
    return this.#byName.get(name)?.create.type ?? null;
  }
  live(s: Slot): LiveSet | LiveList {
    if (!s.live) {
      const m = membersOf(s.set);
      s.live = m instanceof TableMembers ? new LiveSet(m, () => 0) : new LiveList(m);
    }
    return s.live;
  }

  /** Ends the changes: nothing may be carried out afterwards. */
  freeze(): readonly IpSet[] {
    const out: IpSet[] = [];
    for (const s of this.#slots) {
      if (!s) continue;
      const members = s.live?.freeze(true) ?? s.set.members;
      const same = members === s.set.members && s.create === s.set.create;
      out.push(same ? s.set : makeSet(s.create, members));
    }
    return out;
  }

  create(name: string, type: string, words: readonly string[], o: CommandOptions): void {
    const create = parseCreate(name, type, words, o.warn);
    const old = this.#byName.get(name);
    if (old) {
      if (o.exist && sameKind(old.create, create)) return;
      throw new IpsetError('ipset-set-exists', 'Set cannot be created: set with the same name already exists', name);
    }
    const slot: Slot = { name, create, set: makeSet(create, emptyMembers(paramsOf(create))), live: null };
    const hole = this.#slots.indexOf(null);
    if (hole >= 0) this.#slots[hole] = slot;
    else this.#slots.push(slot);
    this.#byName.set(name, slot);
  }

  add(name: string, member: string, words: readonly string[], exist: boolean): void {
    const live = this.live(this.slot(name));
    if (live instanceof LiveList) addToList(this, live, member, words, exist);
    else addMember(live, member, words, exist);
  }
  /** One line of SetMembers.text(). */
  addText(name: string, text: string): void {
    const [member, ...words] = splitLine(text);
    this.add(name, member, words, false);
  }

  del(name: string, member: string, words: readonly string[], exist: boolean): void {
    const live = this.live(this.slot(name));
    if (live instanceof LiveList) {
      delFromList(this, live, member, words, exist);
      return;
    }
    delMember(live, member, words, exist);
  }

  /** True: it is in the set. */
  test(name: string, member: string, words: readonly string[]): boolean {
    const live = this.live(this.slot(name));
    if (live instanceof LiveList) return testList(live, member, words);
    return testMember(live, member, words);
  }

  flush(name: string): void {
    const live = this.live(this.slot(name));
    if (live instanceof LiveList) {
      live.touched = true;
      live.entries = [];
    } else live.flush();
  }

  flushAll(): void {
    for (const name of this.#byName.keys()) this.flush(name);
  }

  destroy(name: string, o: CommandOptions): void {
    const s = this.slot(name);
    if (this.references(name) > 0 || o.inUse?.(name)) throw new IpsetError('ipset-in-use', 'Set cannot be destroyed: it is in use by a kernel component', name);
    this.#drop(s);
  }
  /** `destroy` without a name: all or none. */
  destroyAll(o: CommandOptions): void {
    for (const name of this.#byName.keys()) {
      if (o.inUse?.(name)) throw new IpsetError('ipset-in-use', 'Set cannot be destroyed: it is in use by a kernel component');
    }
    this.#slots = [];
    this.#byName.clear();
  }
  #drop(s: Slot): void {
    this.#slots[this.#slots.indexOf(s)] = null;
    this.#byName.delete(s.name);
  }

  rename(from: string, to: string, o: CommandOptions): void {
    checkSetName(to);
    const s = this.slot(from);
    if (this.#byName.has(to)) throw new IpsetError('ipset-rename', 'Set cannot be renamed: a set with the new name already exists', to);
    if (this.references(from) > 0 || o.inUse?.(from)) throw new IpsetError('ipset-rename', 'Set cannot be renamed: it is in use by another system', from);
    this.#byName.delete(from);
    s.name = to;
    s.create = { ...s.create, name: to };
    this.#byName.set(to, s);
  }

  /** The two exchange contents; whatever refers to one of them by name (or, in the kernel, by index) then means the other's members. */
  swap(from: string, to: string): void {
    const a = this.slot(from);
    const b = this.#byName.get(to);
    if (!b) throw new IpsetError('ipset-swap', 'Sets cannot be swapped: the second set does not exist', to);
    const family = (s: Slot): string => s.create.family;
    if (a.create.type !== b.create.type || family(a) !== family(b))
      throw new IpsetError('ipset-swap', 'The sets cannot be swapped: their type does not match', to);
    const keep = { create: a.create, set: a.set, live: a.live };
    Object.assign(a, { create: { ...b.create, name: a.name }, set: b.set, live: b.live });
    Object.assign(b, { create: { ...keep.create, name: b.name }, set: keep.set, live: keep.live });
  }

  /** Members of list:set sets that mean this one. */
  references(name: string): number {
    let n = 0;
    for (const s of this.#slots) {
      if (s?.create.type !== 'list:set') continue;
      n += (this.live(s) as LiveList).entries.filter((e) => e.name === name).length;
    }
    return n;
  }
}

/** Would `create` of the same name with -exist be content (same_set)? */
function sameKind(a: SetCreate, b: SetCreate): boolean {
  const ignored = new Set(['hashsize', 'bucketsize', 'initval']);
  const text = (c: SetCreate): string => JSON.stringify([c.type, c.family, c.options.filter(([k]) => !ignored.has(k))]);
  return text(a) === text(b);
}
