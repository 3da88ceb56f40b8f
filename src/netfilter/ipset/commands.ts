/**
 * What `ipset` does to sets: create, add, del, test, flush, destroy, rename, swap; one carrying-out for `ipset restore` text and for single commands.
 * Errors are the tool's own words.
 */
import { parseCreate, paramsOf, checkSetName } from './create.js';
import { type Ext, type ExtWords, parseExt } from './ext.js';
import { HIT, LiveSet } from './live.js';
import { type ListEntry, ListMembers, TableMembers, emptyMembers } from './members.js';
import { LIMIT, type ParsedMember, parseMember, tooMany } from './member.js';
import type { IpSet, SetCreate } from './model.js';
import { IpsetError } from './types.js';

/** list:set while it is being changed: names in order, and the sets they mean. */
export class LiveList {
  entries: ListEntry[];
  touched = false;
  constructor(readonly given: ListMembers) {
    this.entries = [...given.entries];
  }
  get size(): number {
    return this.entries.length;
  }
  freeze(_last = false): ListMembers {
    return this.touched ? new ListMembers(this.given.params, this.entries) : this.given;
  }
}

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
export class SetTable {
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
    if (live instanceof LiveList) this.#addToList(live, member, words, exist);
    else addMember(live, member, words, exist);
  }
  /** One line of SetMembers.text(). */
  addText(name: string, text: string): void {
    const [member, ...words] = splitLine(text);
    this.add(name, member, words, false);
  }

  del(name: string, member: string, words: readonly string[], exist: boolean): void {
    const live = this.live(this.slot(name));
    if (live instanceof LiveList) return this.#delFromList(live, member, words, exist);
    const { keys } = parseWhole(live, member, words, false);
    let n = 0;
    keys((key) => {
      if (++n > 1 && !live.expand()) throw tooMany();
      if (!live.del(key) && !exist) throw new IpsetError('ipset-not-added', "Element cannot be deleted from the set: it's not added", member);
    });
  }

  /** True: it is in the set. */
  test(name: string, member: string, words: readonly string[]): boolean {
    const live = this.live(this.slot(name));
    if (live instanceof LiveList) return this.#testList(live, member, words);
    const { keys, mac, ext } = parseWhole(live, member, words, true);
    const { given } = ext;
    const bits = live.params.family === 'ipv6' ? 128 : 32;
    let found = false;
    keys((key) => {
      const hosts = live.layout.nets.every((n) => key[n.lenAt] === bits);
      const iface = live.params.type.name === 'hash:net,iface' ? (live.names.names[key[live.layout.at[1]]] ?? '') : '';
      const accept = (ref: number): boolean => !live.expired(ref) && (mac === null || live.ext(ref).mac === mac);
      const physdev = iface !== '' && key[live.layout.at[1] + 1] === 1;
      const r = hosts && !physdev ? live.test(key, iface, accept) : live.testExact(key, accept);
      found = given.has('nomatch') ? r === -1 : r === HIT;
    });
    return found;
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
      if (!s || s.create.type !== 'list:set') continue;
      n += (this.live(s) as LiveList).entries.filter((e) => e.name === name).length;
    }
    return n;
  }

  // --- list:set ---

  #place(words: readonly string[]): { readonly before: number; readonly ref: string | null; readonly rest: readonly string[] } {
    const rest: string[] = [];
    let before = 0;
    let ref: string | null = null;
    for (let i = 0; i < words.length; i++) {
      const w = words[i].replace(/^--/, '');
      if (w !== 'before' && w !== 'after') {
        rest.push(words[i]);
        continue;
      }
      if (ref !== null) throw new IpsetError('ipset-option', 'Syntax error: mixed syntax, before|after option already used', words[i]);
      if (i + 1 >= words.length) throw new IpsetError('ipset-option', `Missing mandatory argument of option \`${w}'`, words[i]);
      before = w === 'before' ? 1 : -1;
      ref = words[++i];
    }
    return { before, ref, rest };
  }
  #listTarget(member: string, ref: string | null): void {
    const s = this.#byName.get(member);
    if (!s) throw new IpsetError('ipset-list-name', 'Set to be added/deleted/tested as element does not exist.', member);
    if (s.create.type === 'list:set') throw new IpsetError('ipset-list-loop', 'Sets with list:set type cannot be added to the set.', member);
    if (ref !== null && !this.#byName.has(ref))
      throw new IpsetError('ipset-list-ref', "The set to which you referred with 'before' or 'after' does not exist.", ref);
  }

  #addToList(list: LiveList, text: string, words: readonly string[], exist: boolean): void {
    const [member, ...legacy] = text.split(',');
    const { before, ref, rest } = this.#place([...(legacy.length === 2 ? legacy : []), ...words]);
    const w = parseExt(rest, list.given.params.kinds, []);
    this.#listTarget(member, ref);
    const at = list.entries.findIndex((e) => e.name === member);
    const refAt = ref === null ? -1 : list.entries.findIndex((e) => e.name === ref && ref !== member);
    if (ref !== null && refAt < 0) throw refMissing(ref);
    list.touched = true;
    if (at >= 0) {
      if (!exist) throw new IpsetError('ipset-exists', "Element cannot be added to the set: it's already added", member);
      list.entries[at] = { name: member, ext: mergeExt(w, list.entries[at].ext) };
      return;
    }
    const entry = { name: member, ext: w.ext };
    if (ref === null) list.entries.push(entry);
    else list.entries.splice(before > 0 ? refAt : refAt + 1, 0, entry);
  }

  #delFromList(list: LiveList, text: string, words: readonly string[], exist: boolean): void {
    const [member, ...legacy] = text.split(',');
    const { before, ref, rest } = this.#place([...(legacy.length === 2 ? legacy : []), ...words]);
    parseExt(rest, list.given.params.kinds, []);
    this.#listTarget(member, ref);
    const at = list.entries.findIndex((e) => e.name === member);
    if (at < 0) {
      if (ref !== null) throw refMissing(ref);
      if (exist) return;
      throw new IpsetError('ipset-not-added', "Element cannot be deleted from the set: it's not added", member);
    }
    if (ref !== null && list.entries[at + before]?.name !== ref) throw refMissing(ref);
    list.touched = true;
    list.entries.splice(at, 1);
  }

  #testList(list: LiveList, text: string, words: readonly string[]): boolean {
    const [member, ...legacy] = text.split(',');
    const { before, ref } = this.#place([...(legacy.length === 2 ? legacy : []), ...words]);
    const at = list.entries.findIndex((e) => e.name === member);
    return at >= 0 && (ref === null || list.entries[at + before]?.name === ref);
  }
}

const refMissing = (ref: string): IpsetError =>
  new IpsetError('ipset-list-ref', "The set to which you referred with 'before' or 'after' is not added to the set.", ref);

const flagsOf = (live: LiveSet): readonly string[] =>
  live.params.type.nomatch ? (live.params.type.name === 'hash:net,iface' ? ['nomatch', 'wildcard'] : ['nomatch']) : [];

/** What re-adding with -exist leaves of a member: counters that are not given stay, all else is new. */
function mergeExt(w: ExtWords, old: Ext | null): Ext {
  if (!old) return w.ext;
  return { ...w.ext, packets: w.given.has('packets') ? w.ext.packets : old.packets, bytes: w.given.has('bytes') ? w.ext.bytes : old.bytes };
}

/** Refusals of the kernel, which looks at the extensions first. */
const KERNEL_CODES: ReadonlySet<string> = new Set(['ipset-cidr', 'ipset-null-element', 'ipset-bitmap-range', 'ipset-hash-range']);

function parseWhole(live: LiveSet, member: string, words: readonly string[], single: boolean): ParsedMember & { readonly ext: ExtWords } {
  const ext = (): ExtWords => parseExt(words, live.params.kinds, flagsOf(live));
  try {
    const m = parseMember(member, live.params, live.layout, live.names, single);
    return { ...m, ext: ext() };
  } catch (e) {
    if (e instanceof IpsetError && KERNEL_CODES.has(e.code)) ext();
    throw e;
  }
}

function addMember(live: LiveSet, member: string, words: readonly string[], exist: boolean): void {
  const { keys, mac, ext: w } = parseWhole(live, member, words, false);
  const { wildcard } = w.ext;
  let n = 0;
  keys((key) => {
    if (++n > LIMIT || (n > 1 && !live.expand())) throw tooMany();
    if (live.params.type.name === 'bitmap:ip,mac') addIpMac(live, key, mac, w, exist);
    else live.add(key, (old) => (old ? { ...mergeExt(w, old), wildcard: wildcard || old.wildcard } : w.ext), exist, (size) => size - 1);
  });
}

/** bitmap_ipmac_do_add(): a member without address takes one, and a given one is only replaced by -exist. */
function addIpMac(live: LiveSet, key: Uint32Array, mac: number | null, w: ExtWords, exist: boolean): void {
  const ref = live.find(key);
  const had = ref === -1 ? null : live.ext(ref);
  const fills = had !== null && had.mac === null && mac !== null;
  live.add(key, (old) => ({ ...mergeExt(w, old), mac: mac ?? old?.mac ?? null }), exist || fills, null);
}

/** Would `create` of the same name with -exist be content (same_set)? */
function sameKind(a: SetCreate, b: SetCreate): boolean {
  const ignored = new Set(['hashsize', 'bucketsize', 'initval']);
  const text = (c: SetCreate): string => JSON.stringify([c.type, c.family, c.options.filter(([k]) => !ignored.has(k))]);
  return text(a) === text(b);
}

/** Words of a line; double quotes hold blanks together. Null: a quote is not closed. */
export function splitLine(line: string): string[] {
  return splitWords(line)?.map((w) => w.text) ?? [];
}
export interface LineWord {
  readonly text: string;
  /** From 1. */
  readonly column: number;
}
export function splitWords(line: string): LineWord[] | null {
  const words: LineWord[] = [];
  let text = '';
  let start = -1;
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const ch = line[i];
    if (ch === '"') {
      if (start < 0) start = i;
      quoted = !quoted;
    } else if (!quoted && (ch === ' ' || ch === '\t' || ch === '\r' || ch === '\n')) {
      if (start >= 0) words.push({ text, column: start + 1 });
      text = '';
      start = -1;
    } else {
      if (start < 0) start = i;
      text += ch;
    }
  }
  if (quoted) return null;
  if (start >= 0) words.push({ text, column: start + 1 });
  return words;
}
