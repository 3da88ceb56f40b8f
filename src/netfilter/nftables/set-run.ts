/** A named set in one run: what packets added to it (nft_dynset.c), what has timed out, and what statements beside its elements keep. */
import type { PacketCtx, Scalar } from '../pred.js';
import { joined, type NftElement } from './elements.js';
import type { SetDef } from './set.js';
import type { Stateful } from './stmt/stateful.js';
import { statefulsIn } from './stmt/stateful-text.js';

interface Held {
  readonly element: NftElement;
  /** Virtual ms at which it goes; Infinity: it stays. */
  until: number;
  /** Statements beside it with what they keep; null: not asked for yet. */
  kept: readonly Kept[] | null;
}
interface Kept {
  readonly stateful: Stateful;
  readonly state: object;
}

/** What a packet adds: nft_dynset_new(). */
export interface Addition {
  readonly key: readonly Scalar[];
  readonly data: NftElement['data'];
  /** ms; null: that of the set. */
  readonly timeout: number | null;
  /** Of the rule; none: those of the set. */
  readonly statefuls: readonly Stateful[];
  /** The time starts again where it is there. */
  readonly update: boolean;
}

const DYNAMIC_SIZE = 65535;
/** nft_set_gc_interval() where the set says none. */
const GC_INTERVAL = 1000;
const lasting = (ms: number | null, from: number): number => (ms === null ? Number.POSITIVE_INFINITY : from + ms);

export class SetRun {
  readonly #added = new Map<string, Held>();
  readonly #given = new Map<NftElement, Held>();
  /** When elements went that others of their key have followed. */
  #followed: number[] = [];

  /** `started`: virtual ms at which its listing held. */
  constructor(
    readonly def: SetDef,
    readonly started: number,
  ) {}

  find(key: readonly Scalar[], now: number): NftElement | null {
    return this.#find(key, now)?.element ?? null;
  }
  #find(key: readonly Scalar[], now: number): Held | null {
    const added = this.#added.get(joined(key));
    if (added && added.until > now) return added;
    const given = this.def.index.find(key);
    const held = given && this.#holding(given);
    return held && held.until > now ? held : null;
  }
  #holding(e: NftElement): Held {
    let held = this.#given.get(e);
    if (!held) {
      const lasts = e.timeout ?? this.def.timeout;
      held = { element: e, until: lasting(lasts === null ? null : (e.expires ?? lasts), this.started), kept: null };
      this.#given.set(e, held);
    }
    return held;
  }

  /** nft_rhash_update(): the element of that key, made where there is none; null: the set is full. */
  add(a: Addition, c: PacketCtx): NftElement | null {
    const now = c.env.now();
    const there = this.#find(a.key, now);
    const lasts = a.timeout ?? this.def.timeout;
    if (there) {
      if (a.update && there.until !== Number.POSITIVE_INFINITY) there.until = now + (lasts ?? 0);
      return there.element;
    }
    if (this.#full(now)) return null;
    const before = this.#added.get(joined(a.key));
    if (before) this.#followed.push(before.until);
    const element: NftElement = { key: a.key.map((v) => ({ lo: v, hi: v })), data: a.data, timeout: a.timeout, expires: null, statements: '' };
    const kept = a.statefuls.length > 0 ? a.statefuls.map((stateful) => ({ stateful, state: stateful.make(c) })) : null;
    this.#added.set(joined(a.key), { element, until: lasting(lasts, now), kept });
    return element;
  }
  /** What has timed out or was deleted takes its place until it is collected (nft_rhash_gc). */
  #full(now: number): boolean {
    const size = this.def.size ?? (this.def.flags.has('dynamic') ? DYNAMIC_SIZE : Number.POSITIVE_INFINITY);
    if (this.def.elements.length + this.#added.size + this.#followed.length < size) return false;
    const every = this.def.gcInterval ?? GC_INTERVAL;
    const times = Math.floor((now - this.started) / every);
    const collected = times === 0 ? Number.NEGATIVE_INFINITY : this.started + times * every;
    for (const [k, h] of this.#added) if (h.until <= collected) this.#added.delete(k);
    this.#followed = this.#followed.filter((until) => until > collected);
    const given = this.def.elements.filter((e) => this.#holding(e).until > collected).length;
    return given + this.#added.size + this.#followed.length >= size;
  }

  delete(key: readonly Scalar[], now: number): void {
    const there = this.#find(key, now);
    if (there) there.until = now;
  }

  /** nft_set_elem_update_expr(): do the statements beside the element let the rule go on? */
  passes(e: NftElement, c: PacketCtx): boolean {
    const held = this.#heldOf(e);
    held.kept ??= statefulsIn(e.statements || this.def.statements).map((stateful) => ({ stateful, state: stateful.make(c) }));
    return held.kept.every((k) => k.stateful.run(k.state, c));
  }
  #heldOf(e: NftElement): Held {
    const added = e.key === null ? undefined : this.#added.get(joined(e.key.map((p) => p.lo)));
    return added?.element === e ? added : this.#holding(e);
  }

  /** How many elements there are. */
  count(now: number): number {
    return this.def.elements.filter((e) => this.#holding(e).until > now).length + this.added(now).length;
  }
  /** What packets added and is there still. */
  added(now: number): readonly NftElement[] {
    return [...this.#added.values()].filter((h) => h.until > now).map((h) => h.element);
  }
  /** Every element that is there, and the virtual ms at which it goes (Infinity: it stays). */
  now(now: number): readonly { readonly element: NftElement; readonly until: number; readonly kept: readonly Kept[] | null }[] {
    return [...this.def.elements.map((e) => this.#holding(e)), ...this.#added.values()].filter((h) => h.until > now);
  }
  /** Has a packet added, prolonged or deleted something, or left something beside an element? */
  get changed(): boolean {
    return this.#added.size > 0 || [...this.#given.values()].some((h) => h.kept !== null || h.until !== this.#first(h.element));
  }
  #first(e: NftElement): number {
    const lasts = e.timeout ?? this.def.timeout;
    return lasting(lasts === null ? null : (e.expires ?? lasts), this.started);
  }
  /** What the statements beside an element keep; none where no packet has come to it. */
  keeps(e: NftElement): readonly Kept[] {
    return this.#heldOf(e).kept ?? [];
  }
}
