/** One shape of rule lines (iptables-shapes.ts): what its lines have in common, and how one is read from its values. */
import type { Family } from '../base/addr.js';
import { isPlainHost, isPlainIface, parseIface } from '../netfilter/xtables/address.js';
import type { CommandDraft, HostWord, ValueRole, ValueWord } from '../netfilter/xtables/command-draft.js';
import { rulesOfDraft } from '../netfilter/xtables/command-finish.js';
import type { CommandContext } from '../netfilter/xtables/command-types.js';
import type { AnyExtension, Loaded } from '../netfilter/xtables/getopt.js';
import { ENDS, type MatchInstance, NOWHERE, type RuleKind, type Target, type XtCounters } from '../netfilter/xtables/model.js';
import type { ParsedRule } from '../netfilter/xtables/rule-list.js';
import { simpleWord, simpleWordEnd } from './iptables-words.js';

/** Places of the values of the line at hand: begin and end of each in the text. */
export type Places = Int32Array;
export const newPlaces = (): Places => new Int32Array(512);

/** Values met for an extension are kept, this many at most. */
const MAX_MET = 256;

/** An extension whose options have values that differ from line to line, and its instances by the text of these. */
class Varying {
  /** Numbers of its values among the line's, the options they are given to, and which are the second word of one. */
  readonly #values: readonly number[];
  readonly #given: readonly number[];
  readonly #joins: readonly boolean[];
  /** null: the values stand apart, or hardly ever repeat. */
  #met: Map<string, MatchInstance | Target> | null;
  #hits = 0;
  /** It may refuse a value. */
  readonly isWary: boolean;

  constructor(
    readonly draft: CommandDraft,
    readonly loaded: Loaded,
    values: readonly ValueWord[],
  ) {
    const number = draft.loaded.indexOf(loaded);
    const own = [...values.keys()].filter((k) => optionOf(values[k])?.loaded === number);
    this.#values = own;
    this.#given = own.map((k) => optionOf(values[k])?.given ?? 0);
    this.#joins = own.map((k) => k > 0 && values[k - 1].role === values[k].role);
    this.isWary = this.#given.some((g) => !loaded.def.options.some((o) => o.free && o.name === loaded.given[g].name));
    this.#met = this.isWary && own[own.length - 1] - own[0] === own.length - 1 ? new Map() : null;
  }

  /** Makes the instance of the line at hand the extension's own. Throws what a wrong value makes the grammar throw. */
  read(text: string, places: Places): void {
    const key = this.#met === null ? '' : text.slice(places[2 * this.#values[0]], places[2 * this.#values[this.#values.length - 1] + 1]);
    const known = this.#met?.get(key);
    if (known === undefined) this.#readNew(text, places, key);
    else {
      this.#hits++;
      this.loaded.always = known;
    }
  }
  #readNew(text: string, places: Places, key: string): void {
    for (let i = 0; i < this.#values.length; i++) {
      const k = this.#values[i];
      this.#put(this.#given[i], simpleWord(text, places[2 * k], places[2 * k + 1]), this.#joins[i]);
    }
    this.loaded.always = undefined;
    this.loaded.always = this.draft.instance(this.loaded);
    if (this.#met === null) return;
    if (this.#met.size < MAX_MET) this.#met.set(key, this.loaded.always);
    else if (this.#hits < MAX_MET) this.#met = null;
  }
  #put(at: number, word: string, joins: boolean): void {
    const { given } = this.loaded;
    const { name, value, invert } = given[at];
    given[at] = { name, value: joins ? `${value} ${word}` : word, invert };
  }
}

const optionOf = ({ role }: ValueWord): Exclude<ValueRole, string> | null => (typeof role === 'object' ? role : null);

export class Shape {
  readonly kind: RuleKind;
  /** The chain that all add to; null: a value says it. */
  readonly home: string | null;
  /** Where all lead whose values are plain (RuleColumns.lead), unless a value says it. */
  readonly lead: number;
  readonly counters: XtCounters | null;
  readonly #draft: CommandDraft;
  readonly #context: CommandContext & { line: number; length: number };
  readonly #family: Family;
  /** Which of the values are addresses, and which devices. */
  readonly #hosts: readonly number[];
  readonly #ifaces: readonly number[];
  readonly #varying: readonly Varying[];
  readonly #wary: readonly Varying[];

  /** `texts` stand before, between and behind `values`; the draft is the shape's own from now on. `lead`: where its rule leads. */
  constructor(
    readonly number: number,
    draft: CommandDraft,
    readonly texts: readonly string[],
    readonly values: readonly ValueWord[],
    lead: number,
  ) {
    const jumps = draft.jump !== null && draft.isChain(draft.jump);
    this.#context = { ...draft.ctx, isChain: () => jumps, line: 0, length: 0 };
    draft.ctx = this.#context;
    draft.checked = true;
    this.#draft = draft;
    this.#family = draft.ctx.family;
    this.counters = draft.counters;
    const having = (...roles: ValueRole[]): number[] => [...values.keys()].filter((k) => roles.includes(values[k].role));
    this.home = having('chain').length > 0 ? null : draft.chain;
    this.#hosts = having('src', 'dst');
    this.#ifaces = having('in', 'out');
    this.lead = lead === ENDS && this.#hosts.length + this.#ifaces.length > 0 ? NOWHERE : lead;
    const varies = new Set(values.map((v) => optionOf(v)?.loaded));
    for (const [i, l] of draft.loaded.entries()) if (!varies.has(i)) l.always = draft.instance(l);
    this.#varying = draft.loaded.filter((_, i) => varies.has(i)).map((l) => new Varying(draft, l, values));
    this.#wary = this.#varying.filter((v) => v.isWary);
    this.kind = {
      proto: draft.protocol,
      extensions: extensionsOf(draft, jumps),
      hasUnknown: draft.matchOrder.some((m) => !('def' in m)) || isUnknown(draft, jumps),
    };
  }

  /** Where the values of a line of this shape stand, which begins at `at`. */
  locate(text: string, at: number, end: number, places: Places): void {
    let i = at;
    for (let k = 0; k < this.values.length; k++) {
      i += this.texts[k].length;
      places[2 * k] = i;
      i = simpleWordEnd(text, i, end);
      places[2 * k + 1] = i;
    }
  }

  /**
   * Are the values right, and written as they nearly always are? Then the line makes one rule, of this shape's kind and lead. False: `read` tells. Throws as
   * `read` does.
   */
  fits(text: string, places: Places): boolean {
    // Loops by number: for…of takes the compiler of a big load twice as long.
    for (let i = 0; i < this.#hosts.length; i++) {
      const k = this.#hosts[i];
      if (!isPlainHost(text, places[2 * k], places[2 * k + 1], this.#family)) return false;
    }
    for (let i = 0; i < this.#ifaces.length; i++) {
      const k = this.#ifaces[i];
      if (!isPlainIface(text, places[2 * k], places[2 * k + 1])) return false;
    }
    for (let i = 0; i < this.#wary.length; i++) this.#wary[i].read(text, places);
    return true;
  }

  /**
   * The rule that a line with these values makes, `jump` the chain that a value names; throws what a wrong value makes the grammar throw, null where it makes
   * more than one.
   */
  read(text: string, places: Places, jump: string | null, counters: XtCounters | null, line: number, length: number): ParsedRule | null {
    const d = this.#draft;
    for (const k of this.#hosts) {
      const { role, invert } = this.values[k];
      d[role as 'src' | 'dst'] = { text: simpleWord(text, places[2 * k], places[2 * k + 1]), invert, word: (d[role as 'src' | 'dst'] as HostWord).word };
    }
    for (const k of this.#ifaces) {
      const { role, invert } = this.values[k];
      d[role as 'in' | 'out'] = parseIface(simpleWord(text, places[2 * k], places[2 * k + 1]), invert);
    }
    for (const v of this.#varying) v.read(text, places);
    this.#context.line = line;
    this.#context.length = length;
    d.counters = counters ?? this.counters;
    d.jumpsTo = jump;
    const rules = rulesOfDraft(d, 'A');
    return rules.length === 1 ? rules[0] : null;
  }
}

const isUnknown = (d: CommandDraft, jumps: boolean): boolean => !jumps && d.target !== null && !('def' in d.target);

function extensionsOf(d: CommandDraft, jumps: boolean): readonly AnyExtension[] {
  const defs: AnyExtension[] = d.matchOrder.filter((m) => 'def' in m).map((m) => m.def);
  if (!jumps && d.target !== null && 'def' in d.target) defs.push(d.target.def);
  return defs;
}
