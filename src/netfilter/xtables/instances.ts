/** Instances of extensions, addresses and targets of one load: equal text in an equal context gives one object. */
import type { RuleContext } from './extension.js';
import { checkGiven, type Loaded } from './getopt.js';
import type { AddrMatch, IfaceMatch, MatchInstance, Target } from './model.js';

/** What repeats is met early; beyond this many the cache would only hold what is met once. */
const MAX_CACHE = 5000;

export class Instances {
  readonly #seen = new Map<string, unknown>();

  shared<T>(key: string, make: () => T): T {
    const hit = this.#seen.get(key);
    if (hit !== undefined) return hit as T;
    const v = make();
    this.#remember(key, v);
    return v;
  }

  #remember(key: string, v: unknown): void {
    if (this.#seen.size < MAX_CACHE) this.#seen.set(key, v);
  }

  addr(m: AddrMatch | null): AddrMatch | null {
    return m === null ? null : this.shared(`a ${m.invert} ${m.mask} ${m.addr}`, () => m);
  }

  iface(m: IfaceMatch | null): IfaceMatch | null {
    return m === null ? null : this.shared(`i ${m.invert} ${m.name}`, () => m);
  }

  /** The generic checks and the extension's own reading of its options. Throws OptionError. */
  extension(l: Loaded, ctx: RuleContext): MatchInstance | Target {
    // Comments hardly ever repeat.
    const key = l.def.name === 'comment' ? null : instanceKey(l, ctx);
    const hit = key === null ? undefined : this.#seen.get(key);
    if (hit !== undefined) return hit as MatchInstance | Target;
    checkGiven(l.def, l.given);
    const made = readInstance(l, ctx);
    if (key !== null) this.#remember(key, made);
    return made;
  }
}

/** The extension's own reading of options that passed the generic checks. Throws OptionError. */
export const readInstance = (l: Loaded, ctx: RuleContext): MatchInstance | Target => {
  const data: unknown = l.def.parse(l.given, ctx);
  return l.kind === 'match' ? ({ def: l.def, data } as MatchInstance) : ({ kind: 'extension', def: l.def, data } as Target);
};

function instanceKey(l: Loaded, ctx: RuleContext): string {
  let key = `${l.kind} ${l.def.name} ${ctx.family} ${ctx.table} ${ctx.proto} ${ctx.protoInverted}`;
  for (const g of l.given) key += `\0${g.invert ? '!' : ''}${g.name}\0${g.value}`;
  return key;
}
