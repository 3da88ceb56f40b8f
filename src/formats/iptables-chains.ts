/** The chains of the table at hand, as the words of a text name them. */
import type { Family } from '../base/addr.js';
import { namesNoTarget } from '../netfilter/xtables/command-options.js';
import { MAX_CHAIN_NAME } from '../netfilter/xtables/command-types.js';
import type { ChainHandle, TableEdit } from '../netfilter/xtables/table-edit.js';
import type { RuleLines } from './iptables-lines.js';

/** Names that crowd one place of the hash table are not kept in it: they are looked up the long way. */
const MAX_PROBES = 32;
/** Numbers of a slot: number of its chain among #chains plus 1 (0: the slot is empty), hash and length of the name, where it stands, number as a jump's chain. */
const SLOT = 4;
const HASH = 1;
const PLACE = 2;
const JUMP = 3;
const LENGTH_BITS = 5;
const LENGTH = 2 ** LENGTH_BITS - 1;

/** Of a chain that no line jumped to yet, and of one whose name in `-j` may mean something else. */
const NO_NUMBER = -1;
const AMBIGUOUS = -2;

/**
 * Which chain a word of a text names, found by its characters: no string is made of it. Big dumps name two chains a line, in no order; what decides stands in one
 * place of the memory.
 */
class ChainWords {
  #slots: Int32Array;
  readonly #chains: ChainHandle[] = [];
  constructor(readonly text: string) {
    // Big dumps have a chain every 400 characters.
    this.#slots = new Int32Array(SLOT * 2 ** Math.max(6, 24 - Math.clz32(text.length)));
  }

  /** Its slot, or -1. `guess`: the slot where it may well be, or -1. */
  find(from: number, end: number, guess: number): number {
    const slots = this.#slots;
    if (guess >= 0 && this.#isNamed(guess, from, end)) return guess;
    if (end - from > MAX_CHAIN_NAME) return -1;
    const hash = this.#hash(from, end);
    let slot = (hash >>> LENGTH_BITS) * SLOT;
    for (let left = MAX_PROBES; left > 0; left--, slot += SLOT) {
      slot &= slots.length - 1;
      if (slots[slot] === 0) return -1;
      if (slots[slot + HASH] === hash && this.#isNamed(slot, from, end)) return slot;
    }
    return -1;
  }
  chain(slot: number): ChainHandle {
    return this.#chains[this.#slots[slot] - 1];
  }
  jump(slot: number): number {
    return this.#slots[slot + JUMP];
  }
  setJump(slot: number, number: number): void {
    this.#slots[slot + JUMP] = number;
  }

  /** Its slot, or -1 where it finds no room. */
  add(from: number, end: number, chain: ChainHandle): number {
    const n = this.#chains.push(chain);
    if (n * SLOT * 4 > this.#slots.length * 3) this.#grow();
    return this.#put(n, this.#hash(from, end), from, NO_NUMBER);
  }
  #put(n: number, hash: number, at: number, jump: number): number {
    const slots = this.#slots;
    let slot = (hash >>> LENGTH_BITS) * SLOT;
    for (let left = MAX_PROBES; left > 0; left--, slot += SLOT) {
      slot &= slots.length - 1;
      if (slots[slot] !== 0) continue;
      slots[slot] = n;
      slots[slot + HASH] = hash;
      slots[slot + PLACE] = at;
      slots[slot + JUMP] = jump;
      return slot;
    }
    return -1;
  }
  #grow(): void {
    const old = this.#slots;
    this.#slots = new Int32Array(2 * old.length);
    for (let s = 0; s < old.length; s += SLOT) if (old[s] !== 0) this.#put(old[s], old[s + HASH], old[s + PLACE], old[s + JUMP]);
  }

  /** The name's length in its last bits. */
  #hash(from: number, end: number): number {
    const { text } = this;
    let h = 0;
    for (let i = from; i < end; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
    return ((h ^ (h >>> 15)) << LENGTH_BITS) | (end - from);
  }
  #isNamed(slot: number, from: number, end: number): boolean {
    const { text } = this;
    if ((this.#slots[slot + HASH] & LENGTH) !== end - from) return false;
    let at = this.#slots[slot + PLACE];
    for (let i = from; i < end; i++, at++) if (text.charCodeAt(i) !== text.charCodeAt(at)) return false;
    return true;
  }
}

/** Which options go with them is asked by name, whatever the table. */
const NAMED_IN_RULES: ReadonlySet<string> = new Set(['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING']);
const QUOTE = 34;

/** The chains of one table for rule lines: where rules may be added, and what they may jump to. Words are given by their places in the text. */
export class LineChains {
  #words: ChainWords;
  /** The last of each, which is often the next as well. */
  #homeSlot = -1;
  #home: ChainHandle | null = null;
  #jumpSlot = -1;
  constructor(
    readonly text: string,
    readonly family: Family,
    readonly edit: TableEdit,
    readonly lines: RuleLines,
  ) {
    this.#words = new ChainWords(text);
  }

  /** The user chain of that name, if a rule may be added there as to any other; else null. */
  home(from: number, end: number): ChainHandle | null {
    const slot = this.#named(from, end, this.#homeSlot);
    if (slot === this.#homeSlot) return this.#home;
    const chain = slot < 0 ? null : this.#words.chain(slot);
    this.#homeSlot = slot;
    this.#home = chain === null || chain.policy !== null || NAMED_IN_RULES.has(chain.name) ? null : chain;
    return this.#home;
  }

  /** The number among the chains of `lines` of the user chain of that name, if nothing but a jump there can be meant; else negative. */
  jump(from: number, end: number): number {
    const slot = this.#named(from, end, this.#jumpSlot);
    if (slot < 0) return slot;
    this.#jumpSlot = slot;
    const known = this.#words.jump(slot);
    return known === NO_NUMBER ? this.#newJump(slot) : known;
  }
  #newJump(slot: number): number {
    const { name, policy } = this.#words.chain(slot);
    const number = policy === null && namesNoTarget(name, this.family) ? this.lines.newChain(name) : AMBIGUOUS;
    this.#words.setJump(slot, number);
    return number;
  }

  /** A chain is declared there. */
  declared(from: number, end: number, chain: ChainHandle): void {
    this.#add(from, end, chain);
  }
  /** Chains are gone, or have other names. */
  forget(): void {
    this.#words = new ChainWords(this.text);
    this.#forgetLast();
  }
  /** Slots may change their places. */
  #forgetLast(): void {
    this.#homeSlot = -1;
    this.#home = null;
    this.#jumpSlot = -1;
  }

  #named(from: number, end: number, guess: number): number {
    if (this.text.charCodeAt(from) === QUOTE) return -1;
    const known = this.#words.find(from, end, guess);
    if (known >= 0) return known;
    const chain = this.edit.chain(this.text.slice(from, end));
    return chain ? this.#add(from, end, chain) : -1;
  }
  #add(from: number, end: number, chain: ChainHandle): number {
    this.#forgetLast();
    return this.#words.add(from, end, chain);
  }
}
