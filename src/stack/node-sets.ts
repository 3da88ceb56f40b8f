/** The sets of a node while it runs, also where the dump does not know them. */
import type { SetAnswer, SetTestOptions } from '../netfilter/env.js';
import { SetStore } from '../netfilter/ipset/store.js';
import type { PacketCtx } from '../netfilter/pred.js';
import type { NodeState } from '../scenario/model.js';
import { unknownOf } from './missing.js';

/** The sets of a node whose sets are not known: one that no command has made since holds what nobody can say. */
class UnknownSets extends SetStore {
  constructor(
    readonly why: string,
    sets: NodeState['sets'],
    now: () => number,
  ) {
    super(sets, now);
  }
  #known(name: string, c: PacketCtx): void {
    if (!this.describe(name)) c.env.inconclusive(`set ${name}: ${this.why}`, c);
  }
  override test(name: string, c: PacketCtx, o: SetTestOptions): SetAnswer {
    this.#known(name, c);
    return super.test(name, c, o);
  }
  override add(name: string, c: PacketCtx, dirs: readonly boolean[], timeout: number | null, exist: boolean): void {
    this.#known(name, c);
    super.add(name, c, dirs, timeout, exist);
  }
  override del(name: string, c: PacketCtx, dirs: readonly boolean[]): void {
    this.#known(name, c);
    super.del(name, c, dirs);
  }
}

/** The sets of a node in a run; `now`: virtual milliseconds. */
export function setsOf(n: NodeState, now: () => number): SetStore {
  const why = unknownOf(n, 'ipset');
  return why === null ? new SetStore(n.sets, now) : new UnknownSets(why, n.sets, now);
}
