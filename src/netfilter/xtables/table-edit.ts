/**
 * A table while commands change it (libiptc's handle): made from an XtTable, changed, and made into an XtTable again. Nothing of the old one is touched,
 * so that a failed restore leaves everything as it was.
 */

import type { Family } from '../../base/addr.js';
import type { Command } from './command-types.js';
import { builtinChains, type Rule, type RuleList, type XtChain, type XtCounters, type XtTable, type XtTableName } from './model.js';
import { printRuleSpec } from './print.js';
import { joined, ParsedRule, ruleList, rulesOf, ZERO_COUNTERS } from './rule-list.js';

/** A chain as rules are read for it. */
export interface ChainHandle {
  readonly name: string;
  /** For a reader to number the chains that rules jump to; -1: not yet. */
  number: number;
}

const NO_NUMBER = -1;

interface EditChain extends ChainHandle {
  name: string;
  policy: 'ACCEPT' | 'DROP' | null;
  counters: XtCounters;
  /** Lists of rules, one behind the other, until one is changed. */
  lists: RuleList[];
  rules: Rule[] | null;
}

/** The chain's rules as they stand now. */
const listOf = (c: EditChain): RuleList => (c.rules ? ruleList(c.rules.slice()) : joined(c.lists));

/** Words of the errno strings that iptc_strerror() gives. */
export const IPTC = {
  noChain: 'No chain/target/match by that name.',
  badRule: 'Bad rule (does a matching rule exist in that chain?).',
  chainExists: 'Chain already exists.',
  notEmpty: 'Directory not empty.',
  tooManyLinks: 'Too many links.',
  badBuiltin: 'Bad built-in chain name.',
  badPolicy: "Bad policy name. Run `dmesg' for more information.",
  indexDelete: 'Index of deletion too big.',
  indexReplace: 'Index of replacement too big.',
  indexInsert: 'Index of insertion too big.',
  indexCounter: 'Index of counter too big.',
  invalid: "Invalid argument. Run `dmesg' for more information.",
  loop: 'Too many levels of symbolic links.',
} as const;

/** Refused by libiptc, in its words (without "iptables: "). */
export class EditError extends Error {}

export class TableEdit {
  readonly name: XtTableName;
  readonly family: Family;
  #chains: EditChain[];
  #byName = new Map<string, EditChain>();
  readonly #hooked: readonly string[] | undefined;

  constructor(name: XtTableName, family: Family, from: XtTable | undefined) {
    this.name = name;
    this.family = family;
    this.#chains = from
      ? from.chains.map((c) => ({ name: c.name, number: NO_NUMBER, policy: c.policy, counters: c.counters, lists: [c.rules], rules: null }))
      : builtinChains[name].map((n) => ({ name: n, number: NO_NUMBER, policy: 'ACCEPT', counters: ZERO_COUNTERS, lists: [], rules: null }));
    for (const c of this.#chains) this.#byName.set(c.name, c);
    this.#hooked = from?.hooked;
  }

  hasChain(name: string): boolean {
    return this.#byName.has(name);
  }
  /** undefined: there is no such chain, or it is built in. */
  userChain(name: string): ChainHandle | undefined {
    const c = this.#byName.get(name);
    return c?.policy === null ? c : undefined;
  }
  isBuiltin(name: string): boolean {
    const c = this.#byName.get(name);
    return c !== undefined && c.policy !== null;
  }
  chainNames(): string[] {
    return this.#chains.map((c) => c.name);
  }

  #chain(name: string | null): EditChain {
    const c = this.#byName.get(name ?? '');
    if (!c) throw new EditError(IPTC.noChain);
    return c;
  }

  #rules(c: EditChain): Rule[] {
    c.rules ??= rulesOf(joined(c.lists));
    c.lists = [];
    return c.rules;
  }

  create(name: string): void {
    if (this.#byName.has(name) || ['ACCEPT', 'DROP', 'QUEUE', 'RETURN'].includes(name)) throw new EditError(IPTC.chainExists);
    const c: EditChain = { name, number: NO_NUMBER, policy: null, counters: ZERO_COUNTERS, lists: [], rules: null };
    this.#chains.push(c);
    this.#byName.set(name, c);
  }

  flush(name: string): void {
    const c = this.#chain(name);
    c.lists = [];
    c.rules = null;
  }

  /** What iptables-restore does first without --noflush. */
  clear(): void {
    this.#chains = this.#chains.filter((c) => c.policy !== null);
    this.#byName = new Map(this.#chains.map((c) => [c.name, c]));
    for (const c of this.#chains) this.flush(c.name);
  }

  setPolicy(name: string, policy: string, counters: XtCounters | null): void {
    const c = this.#byName.get(name);
    if (!c || c.policy === null) throw new EditError(IPTC.badBuiltin);
    if (policy !== 'ACCEPT' && policy !== 'DROP') throw new EditError(IPTC.badPolicy);
    c.policy = policy;
    if (counters) c.counters = counters;
  }

  append(name: string, rule: Rule): void {
    this.#rules(this.#chain(name)).push(rule);
  }

  /** Appends a list of rules as it is. */
  appendAll(name: string, list: RuleList): void {
    const c = this.#chain(name);
    if (c.rules) c.lists = [ruleList(c.rules)];
    c.rules = null;
    // Most chains get one: an array that grows would hold room for many.
    if (c.lists.length === 0) c.lists = [list];
    else c.lists.push(list);
  }

  #references(name: string): number {
    let n = 0;
    for (const c of this.#chains) {
      const rules = listOf(c);
      for (let i = 0; i < rules.length; i++) if (rules.jumpOf(i) === name) n++;
    }
    return n;
  }

  #deleteChain(c: EditChain): void {
    if (c.policy !== null) throw new EditError(IPTC.invalid);
    if (this.#rules(c).length > 0) throw new EditError(IPTC.notEmpty);
    if (this.#references(c.name) > 0) throw new EditError(IPTC.tooManyLinks);
    this.#chains = this.#chains.filter((x) => x !== c);
    this.#byName.delete(c.name);
  }

  #rename(from: string | null, to: string): void {
    const c = this.#chain(from);
    if (this.#byName.has(to) || ['ACCEPT', 'DROP', 'QUEUE', 'RETURN'].includes(to)) throw new EditError(IPTC.chainExists);
    if (c.policy !== null) throw new EditError(IPTC.noChain);
    const old = c.name;
    this.#byName.delete(old);
    c.name = to;
    c.number = NO_NUMBER;
    this.#byName.set(to, c);
    for (const x of this.#chains) {
      const rules = this.#rules(x);
      rules.forEach((r, i) => {
        const t = r.target;
        if ((t.kind === 'jump' || t.kind === 'goto') && t.chain === old) rules[i] = new ParsedRule({ ...parts(r), target: { kind: t.kind, chain: to } });
      });
    }
  }

  #zero(c: EditChain): void {
    c.counters = ZERO_COUNTERS;
    const rules = this.#rules(c);
    rules.forEach((r, i) => {
      rules[i] = new ParsedRule({ ...parts(r), counters: ZERO_COUNTERS });
    });
  }

  /** Index of the first rule that prints alike, or -1: what iptc_delete_entry and -C compare, counters aside. */
  #find(rules: readonly Rule[], rule: Rule): number {
    const ctx = { family: this.family, table: this.name };
    const text = printRuleSpec(rule, ctx);
    return rules.findIndex((r) => printRuleSpec(r, ctx) === text);
  }

  /** Runs one command; throws EditError. Listing commands do nothing. */
  apply(cmd: Command): void {
    const named = cmd.chain;
    switch (cmd.letter) {
      case 'A':
        for (const r of cmd.rules) this.append(named ?? '', r);
        return;
      case 'I': {
        const rules = this.#rules(this.#chain(named));
        const at = (cmd.number ?? 1) - 1;
        if (at > rules.length) throw new EditError(IPTC.indexInsert);
        // Each is inserted at the same place: the last address given comes first.
        for (const r of cmd.rules) rules.splice(at, 0, r);
        return;
      }
      case 'R': {
        const rules = this.#rules(this.#chain(named));
        const at = (cmd.number ?? 0) - 1;
        if (at >= rules.length) throw new EditError(IPTC.indexReplace);
        rules[at] = cmd.rules[0];
        return;
      }
      case 'D':
        this.#delete(cmd);
        return;
      case 'C': {
        const c = this.#byName.get(named ?? '');
        if (!c || cmd.rules.some((r) => this.#find(this.#rules(c), r) < 0)) throw new EditError(IPTC.badRule);
        return;
      }
      case 'N':
        this.create(named ?? '');
        return;
      case 'E':
        this.#rename(named, cmd.newName ?? '');
        return;
      case 'P':
        this.setPolicy(named ?? '', cmd.policy ?? '', cmd.counters);
        return;
      case 'F':
        for (const c of named === null ? this.chainNames() : [named]) this.flush(c);
        return;
      case 'X':
        if (named !== null) {
          this.#deleteChain(this.#chain(named));
          return;
        }
        for (const c of this.#chains.filter((x) => x.policy === null)) this.#deleteChain(c);
        return;
      case 'Z':
        this.#zeroCommand(cmd);
        return;
      default:
        return;
    }
  }

  #zeroCommand(cmd: Command): void {
    if (cmd.number === null) {
      for (const c of cmd.chain === null ? this.#chains : [this.#chain(cmd.chain)]) this.#zero(c);
      return;
    }
    const rules = this.#rules(this.#chain(cmd.chain));
    const at = cmd.number - 1;
    if (at >= rules.length) throw new EditError(IPTC.indexCounter);
    rules[at] = new ParsedRule({ ...parts(rules[at]), counters: ZERO_COUNTERS });
  }

  #delete(cmd: Command): void {
    const rules = this.#rules(this.#chain(cmd.chain));
    if (cmd.number !== null) {
      if (cmd.number > rules.length) throw new EditError(IPTC.indexDelete);
      rules.splice(cmd.number - 1, 1);
      return;
    }
    for (const r of cmd.rules) {
      const at = this.#find(rules, r);
      if (at < 0) throw new EditError(IPTC.badRule);
      rules.splice(at, 1);
    }
  }

  finish(): XtTable {
    const chains = this.#chains.map((c): XtChain => ({ name: c.name, policy: c.policy, counters: c.counters, rules: listOf(c) }));
    return this.#hooked ? { name: this.name, chains, hooked: this.#hooked } : { name: this.name, chains };
  }
}

const parts = (r: Rule) => ({
  src: r.src,
  dst: r.dst,
  in: r.in,
  out: r.out,
  proto: r.proto,
  fragment: r.fragment,
  matches: r.matches,
  target: r.target,
  counters: r.counters,
});
