/** A named set in one run: what packets added to it (nft_dynset.c) and what has timed out. */
import type { Scalar } from '../pred.js';
import { joined, type NftElement } from './elements.js';
import type { SetDef } from './set.js';

interface Added {
  readonly element: NftElement;
  /** Virtual ms at which it goes; Infinity: it stays. */
  until: number;
}

export class SetRun {
  readonly #added = new Map<string, Added>();
  /** Given elements that were deleted, or have a time of their own by now. */
  readonly #given = new Map<NftElement, number>();

  constructor(readonly def: SetDef) {}

  find(key: readonly Scalar[], now: number): NftElement | null {
    const added = this.#added.get(joined(key));
    if (added && added.until > now) return added.element;
    const given = this.def.index.find(key);
    return given && (this.#given.get(given) ?? Number.POSITIVE_INFINITY) > now ? given : null;
  }

  /** nft_set_elem_expr of an element: what statements beside the key keep. */
  add(key: readonly Scalar[], data: NftElement['data'], now: number, timeout: number | null, update: boolean): NftElement | null {
    const there = this.find(key, now);
    const lasts = timeout ?? this.def.timeout;
    const until = lasts === null ? Number.POSITIVE_INFINITY : now + lasts;
    if (there) {
      if (update) this.#prolong(there, key, until);
      return there;
    }
    for (const [k, a] of this.#added) if (a.until <= now) this.#added.delete(k);
    if (this.def.size !== null && this.def.elements.length + this.#added.size >= this.def.size) return null;
    const element: NftElement = { key: key.map((v) => ({ lo: v, hi: v })), data, timeout, expires: null };
    this.#added.set(joined(key), { element, until });
    return element;
  }
  #prolong(e: NftElement, key: readonly Scalar[], until: number): void {
    const added = this.#added.get(joined(key));
    if (added?.element === e) added.until = until;
    else this.#given.set(e, until);
  }

  delete(key: readonly Scalar[], now: number): void {
    const there = this.find(key, now);
    if (!there) return;
    if (!this.#added.delete(joined(key))) this.#given.set(there, Number.NEGATIVE_INFINITY);
  }

  /** What packets added and is there still. */
  added(now: number): readonly NftElement[] {
    return [...this.#added.values()].filter((a) => a.until > now).map((a) => a.element);
  }
}
