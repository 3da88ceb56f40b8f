/**
 * SetStore: the sets of a namespace while packets pass (ip_set_core.c, ip_set_test/ip_set_add/ip_set_del). Private to one run; the sets it is made from never change.
 *
 * Sets are found by name at run time. In the kernel a rule holds a set's index, and `ipset swap` exchanges the names and contents behind two indexes in such a
 * way that a rule sees the other's contents: by name it is the same. `ipset rename` of a set that rules use is refused.
 */
import type { Family } from '../../base/addr.js';
import type { SetAnswer, SetsPort, SetTestOptions } from '../env.js';
import type { PacketCtx } from '../pred.js';
import { makeSet, membersOf } from './commands.js';
import { paramsOf } from './create.js';
import { hostBits } from './dim/ip.js';
import { EMPTY_EXT, type Ext } from './ext.js';
import { HIT, LiveSet, NOMATCH, type Ref } from './live.js';
import { keyOfPacket, type PacketKey, printMember } from './member.js';
import { type ListEntry, ListMembers, TableMembers } from './members.js';
import type { IpSet } from './model.js';
import { IpsetError } from './types.js';

/** A list:set in a run: its members' own extensions may change, their order not. */
class RunList {
  readonly ext: Ext[];
  constructor(
    readonly given: ListMembers,
    readonly entries: readonly ListEntry[],
  ) {
    this.ext = entries.map((e) => e.ext);
  }
}
type RunSet = LiveSet | RunList;

/** What goes along with a test through nested sets (struct ip_set_adt_opt). */
interface Asked {
  readonly dirs: readonly boolean[];
  returnNomatch: boolean;
  skipUpdate: boolean;
  readonly skipSubUpdate: boolean;
  packets: SetTestOptions['packets'];
  bytes: SetTestOptions['bytes'];
  skbinfo: SetAnswer['skbinfo'] | undefined;
}

const compare = (v: number, c: { readonly op: 'eq' | 'lt' | 'gt' | 'ne'; readonly value: number } | undefined): boolean => {
  if (!c) return true;
  if (c.op === 'eq') return v === c.value;
  if (c.op === 'ne') return v !== c.value;
  return c.op === 'lt' ? v < c.value : v > c.value;
};

const YES: SetAnswer = { hit: true, member: '' };
const NO: SetAnswer = { hit: false, member: '' };

export class SetStore implements SetsPort {
  readonly #given: readonly IpSet[];
  readonly #byName: ReadonlyMap<string, IpSet>;
  readonly #running = new Map<string, RunSet | null>();
  readonly #now: () => number;
  readonly #start: number;
  // A closure made in the constructor and put into a member would keep its context through V8's young collections (a run makes one for each node).
  readonly #clock = (): number => (this.#now() - this.#start) / 1000;

  /** `now`: virtual milliseconds; time-outs of the given members count from the moment of this call. */
  constructor(sets: readonly IpSet[], now: () => number) {
    this.#given = sets;
    this.#byName = new Map(sets.map((s) => [s.name, s]));
    this.#now = now;
    this.#start = now();
  }

  #run(name: string): RunSet | null {
    let r = this.#running.get(name);
    if (r === undefined) {
      r = this.#open(name);
      this.#running.set(name, r);
    }
    return r;
  }
  #open(name: string): RunSet | null {
    const set = this.#byName.get(name);
    if (!set) return null;
    const m = membersOf(set);
    return m instanceof TableMembers ? new LiveSet(m, this.#clock) : new RunList(m, m.entries);
  }

  describe(name: string): { readonly type: string; readonly dimensions: number; readonly family: Family | 'unspec' } | undefined {
    const set = this.#byName.get(name);
    if (!set) return undefined;
    const { type } = paramsOf(set.create);
    return { type: type.name, dimensions: type.dims.length, family: set.create.family };
  }

  /** ip_set_test(). A set that does not exist holds nothing (a rule that names one is refused when it is loaded). */
  test(name: string, c: PacketCtx, o: SetTestOptions): SetAnswer {
    const set = this.#run(name);
    if (set instanceof LiveSet && !c.env.rec.on && c.family === 'ipv4' && o.dirs.length > 0) {
      const r = set.testAddr4(c.skb.u32(o.dirs[0] ? 12 : 16));
      if (r !== null) return (o.returnNomatch && set.params.type.nomatch ? r === NOMATCH : r === HIT) ? YES : NO;
    }
    return this.#testTold(set, c, o);
  }

  #testTold(set: RunSet | null, c: PacketCtx, o: SetTestOptions): SetAnswer {
    const asked: Asked = {
      dirs: o.dirs,
      returnNomatch: o.returnNomatch,
      skipUpdate: !o.updateCounters,
      skipSubUpdate: !o.updateSubcounters,
      packets: o.packets,
      bytes: o.bytes,
      skbinfo: undefined,
    };
    const hit = set !== null && this.#test(set, c, asked);
    // The match itself tells of the test; the text is only made for telling.
    const member = set && c.env.rec.on ? this.#memberText(set, c, o.dirs) : '';
    return asked.skbinfo ? { hit, member, skbinfo: asked.skbinfo } : { hit, member };
  }

  #fits(p: { readonly type: { readonly dims: readonly unknown[] }; readonly family: Family | 'unspec' }, c: PacketCtx, dirs: readonly boolean[]): boolean {
    return dirs.length >= p.type.dims.length && (p.family === 'unspec' || p.family === c.family);
  }

  #test(set: RunSet, c: PacketCtx, a: Asked): boolean {
    if (set instanceof RunList) return this.#fits(set.given.params, c, a.dirs) && this.#testList(set, c, a);
    const p = set.params;
    if (!this.#fits(p, c, a.dirs)) return false;
    const k = this.#testKey(set, c, a.dirs);
    if (!k) return false;
    let incomplete = false;
    const accept = (ref: Ref): boolean => {
      if (k.mac !== null) {
        const { mac } = set.ext(ref);
        if (mac === null) {
          incomplete = true;
          return true;
        }
        if (mac !== k.mac) return false;
      }
      return this.#matchExtensions(set, ref, c, a);
    };
    const r = set.test(k.key, k.iface, accept);
    if (incomplete) {
      this.#fillMac(set, k, c);
      return true;
    }
    return a.returnNomatch && p.type.nomatch ? r === NOMATCH : r === HIT;
  }

  #testKey(set: LiveSet, c: PacketCtx, dirs: readonly boolean[]): PacketKey | null {
    const bits = hostBits(set.params.family);
    return keyOfPacket(c, set.params, set.layout, dirs, [bits, bits]);
  }

  /** ip_set_match_extensions(): the counters are updated before they are compared. */
  #matchExtensions(set: LiveSet, ref: Ref, c: PacketCtx, a: Asked): boolean {
    if (set.params.kinds.timeout !== null && set.expired(ref)) return false;
    const { counters, skbinfo } = set.params.kinds;
    if (!counters && !skbinfo) return true;
    let ext = set.ext(ref);
    if (counters) {
      if (!a.skipUpdate) {
        ext = { ...ext, packets: ext.packets + 1, bytes: ext.bytes + c.skb.totLen };
        set.setExt(ref, ext);
      }
      if (!compare(ext.packets, a.packets) || !compare(ext.bytes, a.bytes)) return false;
    }
    if (skbinfo) a.skbinfo = { mark: ext.mark, markMask: ext.markMask, prio: ext.prio, queue: ext.queue };
    return true;
  }

  /** A member of bitmap:ip,mac without an address takes that of the first packet, and its time-out starts. */
  #fillMac(set: LiveSet, k: PacketKey, c: PacketCtx): void {
    const ref = set.find(k.key);
    const ext = set.ext(ref);
    const timeout = ext.timeout === null || ext.timeout === 0 ? ext.timeout : this.#clock() + ext.timeout;
    set.setExt(ref, { ...ext, mac: k.mac, timeout, packets: 1, bytes: c.skb.totLen });
  }

  /** list_set_ktest(): the members in order; counters are compared on the list's own members only. */
  #testList(set: RunList, c: PacketCtx, a: Asked): boolean {
    const inner: Asked = { ...a, packets: undefined, bytes: undefined, skipUpdate: a.skipUpdate || a.skipSubUpdate };
    const { kinds } = set.given.params;
    for (let i = 0; i < set.entries.length; i++) {
      const member = this.#run(set.entries[i].name);
      if (!member || !this.#test(member, c, inner)) continue;
      const ext = set.ext[i];
      if (kinds.timeout !== null && ext.timeout !== null && ext.timeout !== 0 && ext.timeout < this.#clock()) continue;
      a.skbinfo = inner.skbinfo ?? a.skbinfo;
      if (kinds.counters) {
        if (!a.skipUpdate) set.ext[i] = { ...ext, packets: ext.packets + 1, bytes: ext.bytes + c.skb.totLen };
        if (!compare(set.ext[i].packets, a.packets) || !compare(set.ext[i].bytes, a.bytes)) continue;
      }
      if (kinds.skbinfo) a.skbinfo = { mark: ext.mark, markMask: ext.markMask, prio: ext.prio, queue: ext.queue };
      return true;
    }
    return false;
  }

  /** ip_set_add() from the SET target: 0 where it succeeded, as list_set_kadd() asks. */
  add(name: string, c: PacketCtx, dirs: readonly boolean[], timeout: number | null, exist: boolean): void {
    const set = this.#run(name);
    if (set) this.#add(set, c, dirs, timeout, exist);
  }

  #add(set: RunSet, c: PacketCtx, dirs: readonly boolean[], timeout: number | null, exist: boolean): boolean {
    if (set instanceof RunList) return this.#fits(set.given.params, c, dirs) && this.#eachOfList(set, (m) => this.#add(m, c, dirs, timeout, exist));
    const p = set.params;
    if (!this.#fits(p, c, dirs)) return false;
    const k = this.#changeKey(set, c, dirs);
    if (!k) return false;
    // Counters of an added member start with this very packet (IP_SET_INIT_KEXT).
    const seconds = timeout ?? p.kinds.timeout;
    const ext: Ext = {
      ...EMPTY_EXT,
      timeout: p.kinds.timeout === null ? null : seconds === 0 || seconds === null ? 0 : this.#clock() + seconds,
      packets: p.kinds.counters ? 1 : 0,
      bytes: p.kinds.counters ? c.skb.totLen : 0,
      mac: k.mac,
    };
    try {
      set.add(
        k.key,
        (old) => ({ ...ext, comment: old?.comment ?? null, wildcard: old?.wildcard ?? false }),
        exist || this.#unfilled(set, k),
        // Which member goes depends on the kernel's hash.
        (n) => c.env.choose.below(n, 'ipset-forceadd'),
      );
      return true;
    } catch (e) {
      if (e instanceof IpsetError) return false;
      throw e;
    }
  }

  /** A member of bitmap:ip,mac that has no address yet: adding completes it. */
  #unfilled(set: LiveSet, k: PacketKey): boolean {
    if (k.mac === null) return false;
    const ref = set.find(k.key);
    return ref !== -1 && set.ext(ref).mac === null;
  }

  del(name: string, c: PacketCtx, dirs: readonly boolean[]): void {
    const set = this.#run(name);
    if (set) this.#del(set, c, dirs);
  }
  #del(set: RunSet, c: PacketCtx, dirs: readonly boolean[]): boolean {
    if (set instanceof RunList) return this.#fits(set.given.params, c, dirs) && this.#eachOfList(set, (m) => this.#del(m, c, dirs));
    if (!this.#fits(set.params, c, dirs)) return false;
    const k = this.#changeKey(set, c, dirs);
    return k !== null && set.del(k.key);
  }

  /** list_set_kadd(), list_set_kdel(): until the first member set that takes it. */
  #eachOfList(set: RunList, change: (member: RunSet) => boolean): boolean {
    for (let i = 0; i < set.entries.length; i++) {
      const { timeout } = set.ext[i];
      if (timeout !== null && timeout !== 0 && timeout < this.#clock()) continue;
      const member = this.#run(set.entries[i].name);
      if (member && change(member)) return true;
    }
    return true;
  }

  /** Networks of a member that a rule adds or removes have the longest prefix length that the set already has (INIT_CIDR), a host's in an empty one. */
  #changeKey(set: LiveSet, c: PacketCtx, dirs: readonly boolean[]): PacketKey | null {
    const bits = hostBits(set.params.family);
    const lens = set.layout.nets.map((_, i) => set.lens(i)[0] ?? bits);
    const k = keyOfPacket(c, set.params, set.layout, dirs, lens);
    if (k && k.iface !== '') k.key[set.layout.at[1]] = set.names.number(k.iface);
    return k;
  }

  /** What the packet was looked up as, as ipset would print it. */
  #memberText(set: RunSet, c: PacketCtx, dirs: readonly boolean[]): string {
    if (set instanceof RunList || !this.#fits(set.params, c, dirs)) return '';
    const k = this.#testKey(set, c, dirs);
    if (!k) return '';
    const names = [...set.names.names];
    if (k.iface !== '') k.key[set.layout.at[1]] = names.push(k.iface) - 1;
    return printMember(k.key, set.params, set.layout, names, k.mac);
  }

  /** The sets as they are now; those that nothing changed are the given ones themselves. */
  snapshot(): readonly IpSet[] {
    return this.#given.map((set) => {
      const r = this.#running.get(set.name);
      if (r instanceof LiveSet) return r.touched ? makeSet(set.create, r.freeze()) : set;
      if (!r || r.ext.every((e, i) => e === r.entries[i].ext)) return set;
      return makeSet(
        set.create,
        new ListMembers(
          r.given.params,
          r.entries.map((e, i) => ({ name: e.name, ext: r.ext[i] })),
        ),
      );
    });
  }
}
