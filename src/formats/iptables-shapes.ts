/**
 * Shapes of rule lines. Big dumps say the same thing with other values thousands of times: `-A X -s A -m comment --comment T -j Y`. The options of such a line
 * are read once (command.ts, the one grammar); a line that differs from it only in words that are values is read by putting its values into that draft and
 * finishing it as ever (command-finish.ts). What no shape fits goes the long way.
 *
 *   shape     fixed texts between values; the first ends where the first value begins
 *   value     a word that an option takes whatever it says: an address, a device, a chain of the table, the value of an extension's option
 */
import type { CommandDraft, ValueRole, ValueWord } from '../netfilter/xtables/command-draft.js';
import type { ChainHandle } from '../netfilter/xtables/table-edit.js';
import type { LineChains } from './iptables-chains.js';
import { type Places, Shape } from './iptables-shape.js';
import { simpleWordEnd, splitWords, type WordEnds } from './iptables-words.js';

/** Lines of more shapes than this are read word by word. */
const MAX_SHAPES = 1000;
/** Of one load: their numbers have 16 bits. */
const MAX_NUMBER = 0xffff;
/** ` -s `: the letter is the third. */
const PROBE = 2;
/** Texts that may follow one value. */
const MAX_BRANCHES = 40;

/** A fixed text and what may stand behind it: a value of that role, or (null) the end of a line of that shape. */
interface Branch {
  readonly text: string;
  /** The text's characters, and the place of the one that tells most texts apart. */
  readonly codes: Uint16Array;
  readonly probe: number;
  readonly role: ValueRole | null;
  readonly shape: Shape | null;
  readonly next: Branch[];
}

/** Does a text go on with this one at `at`? */
function goesOn(text: string, at: number, { codes, probe }: Branch): boolean {
  if (codes.length === 0) return true;
  if (text.charCodeAt(at + probe) !== codes[probe]) return false;
  for (let i = 0; i < codes.length; i++) if (text.charCodeAt(at + i) !== codes[i]) return false;
  return true;
}

/** The shapes met so far in one table. */
export class Shapes {
  readonly #root: Branch[] = [];
  #count = 0;
  /** Names in `-j` and `-g` that are no values. */
  readonly #said = new Set<string>();
  /** Of the line found last: the chain that a value says it adds to, and the number of the one that a value says it jumps to; null and -1 where none does. */
  home: ChainHandle | null = null;
  jump = -1;

  constructor(
    readonly ends: WordEnds,
    readonly chains: LineChains,
    /** All shapes of the load, by number. */
    readonly all: Shape[],
  ) {}

  /** Do lines of some shape jump to that name, whatever their values? */
  alwaysSay(name: string): boolean {
    return this.#said.size > 0 && this.#said.has(name);
  }

  /** The shape of the line from `at` to `end`, `places` filled; null where none fits. */
  find(at: number, end: number, places: Places): Shape | null {
    this.home = null;
    this.jump = -1;
    return this.#find(this.#root, 0, at, end, places);
  }

  #find(branches: readonly Branch[], k: number, at: number, end: number, places: Places): Shape | null {
    const { text } = this.ends;
    for (let b = 0; b < branches.length; b++) {
      const branch = branches[b];
      if (!goesOn(text, at, branch)) continue;
      const from = at + branch.codes.length;
      if (branch.role === null) {
        if (from === end) return branch.shape;
        continue;
      }
      const to = this.ends.simple(from, end);
      if (to < 0 || !this.#mayBe(branch.role, from, to)) continue;
      places[2 * k] = from;
      places[2 * k + 1] = to;
      const found = this.#find(branch.next, k + 1, to, end, places);
      if (found) return found;
      if (branch.role === 'jump') this.jump = -1;
    }
    return null;
  }

  /** May that word be a value of that role? Chains are kept. */
  #mayBe(role: ValueRole, from: number, to: number): boolean {
    if (role === 'jump') return (this.jump = this.chains.jump(from, to)) >= 0;
    return role !== 'chain' || (this.home = this.chains.home(from, to)) !== null;
  }

  /**
   * Remembers the shape of a line that made a rule with `-A`, and gives it; null: it has none. The line begins at `at`, its rule at `from`. `lead`: where the
   * rule leads. The draft is not to be used afterwards.
   */
  learn(draft: CommandDraft, at: number, from: number, end: number, lead: number): Shape | null {
    if (this.#count >= MAX_SHAPES || this.all.length >= MAX_NUMBER || draft.joined) return null;
    if (draft.jump !== null && draft.isChain(draft.jump) && draft.target !== null) return null;
    const { text } = this.ends;
    const words = splitWords(text.slice(at, end), from - at).map((w) => ({ from: at + w.at, to: at + w.at + w.length }));
    const values = draft.values.filter((v) => this.#varies(v, words[v.word].from, words[v.word].to)).sort((a, b) => a.word - b.word);
    if (draft.jump !== null && !values.some((v) => v.role === 'jump')) this.#said.add(draft.jump);
    const texts: string[] = [];
    let behind = from;
    for (const v of values) {
      const w = words[v.word];
      if (simpleWordEnd(text, w.from, end) !== w.to) return null;
      texts.push(text.slice(behind, w.from));
      behind = w.to;
    }
    texts.push(text.slice(behind, end));
    return this.#add(texts, values, () => new Shape(this.all.length, draft, texts, values, lead));
  }

  #varies({ role }: ValueWord, from: number, to: number): boolean {
    if (role === 'chain') return this.chains.home(from, to) !== null;
    return role !== 'jump' || this.chains.jump(from, to) >= 0;
  }

  #add(texts: readonly string[], values: readonly ValueWord[], make: () => Shape): Shape | null {
    let branches = this.#root;
    for (const [k, text] of texts.entries()) {
      const isLast = k === values.length;
      const role = isLast ? null : values[k].role;
      const known = isLast ? undefined : branches.find((b) => b.text === text && b.role !== null && sameRole(b.role, role as ValueRole));
      if (!known && branches.length >= MAX_BRANCHES) return null;
      const branch = known ?? branchOf(text, role, isLast ? make() : null);
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

const branchOf = (text: string, role: ValueRole | null, shape: Shape | null): Branch => ({
  text,
  codes: Uint16Array.from({ length: text.length }, (_, i) => text.charCodeAt(i)),
  probe: Math.min(PROBE, text.length - 1),
  role,
  shape,
  next: [],
});

/** Only these two decide whether a value may stand there. */
const sameRole = (a: ValueRole, b: ValueRole): boolean => a === b || (typeof a === 'object' && typeof b === 'object');
