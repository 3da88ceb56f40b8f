/** add, del and test of list:set, whose members are sets (ip_set_list_set.c). */
import { mergeExt, parseExt } from './ext.js';
import { type ListEntry, ListMembers } from './members.js';
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

/** The sets of the namespace, by name. */
export interface SetNames {
  /** Null: there is none of that name. */
  typeOf(name: string): string | null;
}

const refMissing = (ref: string): IpsetError =>
  new IpsetError('ipset-list-ref', "The set to which you referred with 'before' or 'after' is not added to the set.", ref);

function place(words: readonly string[]): { readonly before: number; readonly ref: string | null; readonly rest: readonly string[] } {
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
function checkTarget(sets: SetNames, member: string, ref: string | null): void {
  const type = sets.typeOf(member);
  if (type === null) throw new IpsetError('ipset-list-name', 'Set to be added/deleted/tested as element does not exist.', member);
  if (type === 'list:set') throw new IpsetError('ipset-list-loop', 'Sets with list:set type cannot be added to the set.', member);
  if (ref !== null && sets.typeOf(ref) === null)
    throw new IpsetError('ipset-list-ref', "The set to which you referred with 'before' or 'after' does not exist.", ref);
}

/** list_set_uadd(). Throws IpsetError. */
export function addToList(sets: SetNames, list: LiveList, text: string, words: readonly string[], exist: boolean): void {
  const [member, ...legacy] = text.split(',');
  const { before, ref, rest } = place([...(legacy.length === 2 ? legacy : []), ...words]);
  const w = parseExt(rest, list.given.params.kinds, []);
  checkTarget(sets, member, ref);
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

/** list_set_udel(). Throws IpsetError. */
export function delFromList(sets: SetNames, list: LiveList, text: string, words: readonly string[], exist: boolean): void {
  const [member, ...legacy] = text.split(',');
  const { before, ref, rest } = place([...(legacy.length === 2 ? legacy : []), ...words]);
  parseExt(rest, list.given.params.kinds, []);
  checkTarget(sets, member, ref);
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

/** list_set_utest(): is the set a member, and where `before` or `after` says? */
export function testList(list: LiveList, text: string, words: readonly string[]): boolean {
  const [member, ...legacy] = text.split(',');
  const { before, ref } = place([...(legacy.length === 2 ? legacy : []), ...words]);
  const at = list.entries.findIndex((e) => e.name === member);
  return at >= 0 && (ref === null || list.entries[at + before]?.name === ref);
}
