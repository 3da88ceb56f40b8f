/**
 * Shapes of rule lines. Big dumps say the same thing with other values thousands of times: `-A X -s A -m comment --comment T -j Y`. The options of such a line
 * are read once (command.ts, the one grammar); a line that differs from it only in words that are values is read by putting its values into that draft and
 * finishing it as ever (command-finish.ts). What no shape fits goes the long way.
 *
 *   shape     fixed texts between values; the first ends where the first value begins
 *   value     a word that an option takes whatever it says: an address, a device, a chain of the table, the value of an extension's option
 */
import { parseIface } from '../netfilter/xtables/address.js';
import type { CommandDraft, HostWord, ValueRole, ValueWord } from '../netfilter/xtables/command-draft.js';
import { rulesOfDraft } from '../netfilter/xtables/command-finish.js';
import type { CommandContext } from '../netfilter/xtables/command-types.js';
import type { AnyExtension } from '../netfilter/xtables/getopt.js';
import type { RuleKind, XtCounters } from '../netfilter/xtables/model.js';
import type { ParsedRule } from '../netfilter/xtables/rule-list.js';
import type { ChainHandle } from '../netfilter/xtables/table-edit.js';
import { simpleWord, simpleWordEnd, splitWords } from './iptables-words.js';

/** Lines of more shapes than this are read word by word. */
const MAX_SHAPES = 1000;
/** Of one load: their numbers have 16 bits. */
const MAX_NUMBER = 0xffff;
/** ` -s `: the letter is the third. */
const PROBE = 2;
/** Texts that may follow one value. */
const MAX_BRANCHES = 40;

/** Places of the values of the line at hand: begin and end of each in the text. */
export type Places = Int32Array;
export const newPlaces = (): Places => new Int32Array(512);

export class Shape {
  readonly kind: RuleKind;
  readonly #draft: CommandDraft;
  readonly #context: CommandContext & { line: number; length: number };
  readonly #counters: XtCounters | null;
  /** The chain that all add to; null: a value says it. */
  readonly home: string | null;

  /** `texts` stand before, between and behind `values`; the draft is the shape's own from now on. */
  constructor(
    readonly number: number,
    draft: CommandDraft,
    readonly texts: readonly string[],
    readonly values: readonly ValueWord[],
  ) {
    const jumps = draft.jump !== null && draft.isChain(draft.jump);
    this.#context = { ...draft.ctx, isChain: () => jumps, line: 0, length: 0 };
    draft.ctx = this.#context;
    draft.checked = true;
    this.#draft = draft;
    this.#counters = draft.counters;
    this.home = values.some((v) => v.role === 'chain') ? null : draft.chain;
    for (const [i, l] of this.#draft.loaded.entries()) {
      const varies = values.some((v) => typeof v.role === 'object' && v.role.loaded === i);
      if (!varies) l.always = this.#draft.instance(l);
    }
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
   * The rule that a line with these values makes, `jump` the chain that a value names; throws what a wrong value makes the grammar throw, null where it makes
   * more than one.
   */
  read(text: string, places: Places, jump: string | null, counters: XtCounters | null, line: number, length: number): ParsedRule | null {
    const d = this.#draft;
    const { values } = this;
    for (let k = 0; k < values.length; k++) {
      const { role, invert } = values[k];
      if (role !== 'chain' && role !== 'jump') put(d, role, invert, simpleWord(text, places[2 * k], places[2 * k + 1]), k > 0 && values[k - 1].role === role);
    }
    this.#context.line = line;
    this.#context.length = length;
    d.counters = counters ?? this.#counters;
    d.jumpsTo = jump;
    const rules = rulesOfDraft(d, 'A');
    return rules.length === 1 ? rules[0] : null;
  }
}

/** A value into its place; `joins`: the second word of an option that takes two. */
function put(d: CommandDraft, role: Exclude<ValueRole, 'chain' | 'jump'>, invert: boolean, value: string, joins: boolean): void {
  switch (role) {
    case 'src':
    case 'dst':
      d[role] = { text: value, invert, word: (d[role] as HostWord).word };
      return;
    case 'in':
    case 'out':
      d[role] = parseIface(value, invert);
      return;
    default: {
      const { given } = d.loaded[role.loaded];
      const old = given[role.given];
      given[role.given] = { name: old.name, value: joins ? `${old.value} ${value}` : value, invert: old.invert };
    }
  }
}

const isUnknown = (d: CommandDraft, jumps: boolean): boolean => !jumps && d.target !== null && !('def' in d.target);

function extensionsOf(d: CommandDraft, jumps: boolean): readonly AnyExtension[] {
  const defs: AnyExtension[] = d.matchOrder.filter((m) => 'def' in m).map((m) => m.def);
  if (!jumps && d.target !== null && 'def' in d.target) defs.push(d.target.def);
  return defs;
}

/** A fixed text and what may stand behind it: a value of that role, or (null) the end of a line of that shape. */
interface Branch {
  readonly text: string;
  /** A place in the text that tells most of them apart, and what stands there. */
  readonly probeAt: number;
  readonly probe: number;
  readonly role: ValueRole | null;
  readonly shape: Shape | null;
  readonly next: Branch[];
}

/** What the lines of one table may know of its chains: the one of that name, where a rule may be added there, or where nothing but a jump there can be meant; else null. */
export interface ChainNames {
  home(name: string): string | null;
  jump(name: string): ChainHandle | null;
}

/** The shapes met so far in one table. */
export class Shapes {
  #root: Branch[] = [];
  #count = 0;
  /** Names in `-j` and `-g` that are no values. */
  readonly #said = new Set<string>();
  /** Of the line found last: the chains that values named. */
  home: string | null = null;
  jump: ChainHandle | null = null;

  constructor(
    readonly chains: ChainNames,
    /** All shapes of the load, by number. */
    readonly all: Shape[],
  ) {}

  /** Do lines of some shape jump to that name, whatever their values? */
  alwaysSay(name: string): boolean {
    return this.#said.has(name);
  }

  /** The shape of a line, `places` filled; null where none fits. */
  find(text: string, at: number, end: number, places: Places): Shape | null {
    this.home = null;
    this.jump = null;
    return this.#find(this.#root, 0, text, at, end, places);
  }

  #find(branches: readonly Branch[], k: number, text: string, at: number, end: number, places: Places): Shape | null {
    for (let b = 0; b < branches.length; b++) {
      const { text: fixed, probeAt, probe, role, shape, next } = branches[b];
      if (text.charCodeAt(at + probeAt) !== probe && fixed !== '') continue;
      if (!text.startsWith(fixed, at)) continue;
      const from = at + fixed.length;
      if (role === null) {
        if (from === end) return shape;
        continue;
      }
      const to = simpleWordEnd(text, from, end);
      if (to < 0) continue;
      if (role === 'jump' && (this.jump = this.chains.jump(simpleWord(text, from, to))) === null) continue;
      if (role === 'chain' && (this.home = this.chains.home(simpleWord(text, from, to))) === null) continue;
      places[2 * k] = from;
      places[2 * k + 1] = to;
      const found = this.#find(next, k + 1, text, to, end, places);
      if (found) return found;
    }
    return null;
  }

  /** Remembers the shape of a line that made a rule with `-A`, and gives it; null: it has none. The draft is not to be used afterwards. */
  learn(draft: CommandDraft, line: string, from: number): Shape | null {
    if (this.#count >= MAX_SHAPES || this.all.length >= MAX_NUMBER || draft.joined) return null;
    if (draft.jump !== null && draft.isChain(draft.jump) && draft.target !== null) return null;
    const words = splitWords(line, from);
    const values = draft.values.filter((v) => this.#varies(v, draft)).sort((a, b) => a.word - b.word);
    if (draft.jump !== null && !values.some((v) => v.role === 'jump')) this.#said.add(draft.jump);
    const texts: string[] = [];
    let at = from;
    for (const v of values) {
      const w = words[v.word];
      if (simpleWordEnd(line, w.at, line.length) !== w.at + w.length) return null;
      texts.push(line.slice(at, w.at));
      at = w.at + w.length;
    }
    texts.push(line.slice(at));
    return this.#add(texts, values, () => new Shape(this.all.length, draft, texts, values));
  }

  #varies(v: ValueWord, d: CommandDraft): boolean {
    const text = d.words[v.word];
    if (v.role === 'chain') return this.chains.home(text) !== null;
    return v.role !== 'jump' || this.chains.jump(text) !== null;
  }

  #add(texts: readonly string[], values: readonly ValueWord[], make: () => Shape): Shape | null {
    let branches = this.#root;
    for (const [k, text] of texts.entries()) {
      const isLast = k === values.length;
      const role = isLast ? null : values[k].role;
      const known = isLast ? undefined : branches.find((b) => b.text === text && b.role !== null && sameRole(b.role, role as ValueRole));
      if (!known && branches.length >= MAX_BRANCHES) return null;
      const probeAt = Math.max(0, Math.min(PROBE, text.length - 1));
      const branch: Branch = known ?? { text, probeAt, probe: text.charCodeAt(probeAt), role, shape: isLast ? make() : null, next: [] };
      if (!known) branches.push(branch);
      if (branch.shape) {
        this.#count++;
        this.all.push(branch.shape);
        return branch.shape;
      }
      branches = branch.next;
    }
    return null;
  }
}

/** Only these two decide whether a value may stand there. */
const sameRole = (a: ValueRole, b: ValueRole): boolean => a === b || (typeof a === 'object' && typeof b === 'object');
