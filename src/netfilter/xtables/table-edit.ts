/**
 * A table while commands change it (libiptc's handle): made from an XtTable, changed, and made into an XtTable again. Nothing of the old one is touched,
 * so that a failed restore leaves everything as it was.
 */

import type { Family } from '../../base/addr.js';
import { knowPlaces } from '../../base/memo.js';
import { VERDICTS } from './command-draft.js';
import type { Command } from './command-types.js';
import { EditError, IPTC } from './iptc.js';
import { builtinChains, type Rule, type RuleList, type XtChain, type XtCounters, type XtTable, type XtTableName } from './model.js';
import { printRuleSpec } from './print.js';
import { joined, NO_RULES, ParsedRule, ruleList, rulesOf, ZERO_COUNTERS } from './rule-list.js';

/** A chain that rules are read for. */
export type ChainHandle = Pick<XtChain, 'name' | 'policy'>;
type EditChain = { -readonly [K in keyof XtChain]: XtChain[K] };

export class TableEdit {
  readonly name: XtTableName;
  readonly family: Family;
  #chains: EditChain[];
  /** Where each stands among #chains; null: to be found out again. */
  #places: Map<string, number> | null = null;
  /** Those of #chains that were deleted. */
  readonly #gone = new Set<EditChain>();
  /** Lists of rules behind those of a chain, and the rules of chains that commands changed; most have neither. */
  readonly #more = new Map<EditChain, RuleList[]>();
  readonly #edited = new Map<EditChain, Rule[]>();
  readonly #hooked: readonly string[] | undefined;

  constructor(name: XtTableName, family: Family, from: XtTable | undefined) {
    this.name = name;
    this.family = family;
    this.#chains = from
      ? from.chains.map(({ name: n, policy, counters, rules }) => ({ name: n, policy, counters, rules }))
      : builtinChains[name].map((n) => ({ name: n, policy: 'ACCEPT', counters: ZERO_COUNTERS, rules: NO_RULES }));
    this.#hooked = from?.hooked;
  }

  #byName(): Map<string, number> {
    this.#places ??= new Map(this.#chains.map((c, i) => [c.name, i]));
    return this.#places;
  }

  get #live(): readonly EditChain[] {
    return this.#gone.size === 0 ? this.#chains : this.#chains.filter((c) => !this.#gone.has(c));
  }

  chain(name: string): ChainHandle | undefined {
    return this.#find(name);
  }
  #find(name: string): EditChain | undefined {
    const at = this.#byName().get(name);
    return at === undefined ? undefined : this.#chains[at];
  }
  hasChain(name: string): boolean {
    return this.#byName().has(name);
  }
  /** undefined: there is no such chain, or it is built in. */
  userChain(name: string): ChainHandle | undefined {
    const c = this.#find(name);
    return c?.policy === null ? c : undefined;
  }
  isBuiltin(name: string): boolean {
    return (this.#find(name)?.policy ?? null) !== null;
  }
  chainNames(): string[] {
    return this.#live.map((c) => c.name);
  }

  #chain(name: string | null): EditChain {
    const c = this.#find(name ?? '');
    if (!c) throw new EditError(IPTC.noChain);
    return c;
  }

  #rules(c: EditChain): Rule[] {
    let rules = this.#edited.get(c);
    if (!rules) {
      rules = rulesOf(this.#listOf(c));
      this.#setList(c, NO_RULES);
      this.#edited.set(c, rules);
    }
    return rules;
  }
  /** The chain's rules as they stand now. */
  #listOf(c: EditChain): RuleList {
    const rules = this.#edited.get(c);
    if (rules) return ruleList(rules.slice());
    const more = this.#more.get(c);
    return more ? joined([c.rules, ...more]) : c.rules;
  }
  #setList(c: EditChain, list: RuleList): void {
    c.rules = list;
    this.#more.delete(c);
    this.#edited.delete(c);
  }

  /** A new user chain; null: there is one of that name, or it is a verdict's. */
  create(name: string): ChainHandle | null {
    if (this.#byName().has(name) || VERDICTS.has(name)) return null;
    const c: EditChain = { name, policy: null, counters: ZERO_COUNTERS, rules: NO_RULES };
    this.#byName().set(name, this.#chains.push(c) - 1);
    return c;
  }

  flush(name: string): void {
    this.#setList(this.#chain(name), NO_RULES);
  }

  /** What iptables-restore does first without --noflush. */
  clear(): void {
    this.#chains = this.#live.filter((c) => c.policy !== null);
    this.#gone.clear();
    this.#places = null;
    for (const c of this.#chains) this.flush(c.name);
  }

  setPolicy(name: string, policy: string, counters: XtCounters | null): void {
    const c = this.#find(name);
    if (!c || c.policy === null) throw new EditError(IPTC.badBuiltin);
    if (policy !== 'ACCEPT' && policy !== 'DROP') throw new EditError(IPTC.badPolicy);
    c.policy = policy;
    if (counters) c.counters = counters;
  }

  append(name: string, rule: Rule): void {
    this.#rules(this.#chain(name)).push(rule);
  }

  /** Appends a list of rules as it is. `chain` is one of this edit's. */
  appendAll(chain: ChainHandle, list: RuleList): void {
    const c = chain as EditChain;
    if (c.rules.length === 0 && this.#edited.size === 0) c.rules = list;
    else this.#appendBehind(c, list);
  }
  #appendBehind(c: EditChain, list: RuleList): void {
    if (this.#edited.has(c)) this.#setList(c, this.#listOf(c));
    const more = this.#more.get(c);
    if (c.rules.length === 0) c.rules = list;
    else if (more) more.push(list);
    else this.#more.set(c, [list]);
  }

  #references(name: string): number {
    let n = 0;
    for (const c of this.#chains) {
      const rules = this.#listOf(c);
      for (let i = 0; i < rules.length; i++) if (rules.jumpOf(i) === name) n++;
    }
    return n;
  }

  #deleteChain(c: EditChain): void {
    if (c.policy !== null) throw new EditError(IPTC.invalid);
    if (this.#listOf(c).length > 0) throw new EditError(IPTC.notEmpty);
    if (this.#references(c.name) > 0) throw new EditError(IPTC.tooManyLinks);
    this.#gone.add(c);
    this.#byName().delete(c.name);
  }

  #rename(from: string | null, to: string): void {
    const c = this.#chain(from);
    if (this.#byName().has(to) || VERDICTS.has(to)) throw new EditError(IPTC.chainExists);
    if (c.policy !== null) throw new EditError(IPTC.noChain);
    const old = c.name;
    c.name = to;
    const places = this.#byName();
    places.set(to, places.get(old) ?? 0);
    places.delete(old);
    for (const x of this.#live) {
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
  #indexOf(rules: readonly Rule[], rule: Rule): number {
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
        const c = this.#find(named ?? '');
        if (!c || cmd.rules.some((r) => this.#indexOf(this.#rules(c), r) < 0)) throw new EditError(IPTC.badRule);
        return;
      }
      case 'N':
        if (!this.create(named ?? '')) throw new EditError(IPTC.chainExists);
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
        for (const c of this.#live.filter((x) => x.policy === null)) this.#deleteChain(c);
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
      for (const c of cmd.chain === null ? this.#live : [this.#chain(cmd.chain)]) this.#zero(c);
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
      const at = this.#indexOf(rules, r);
      if (at < 0) throw new EditError(IPTC.badRule);
      rules.splice(at, 1);
    }
  }

  /** The table as it stands now. The edit is over. */
  finish(): XtTable {
    for (const c of [...this.#more.keys(), ...this.#edited.keys()]) this.#setList(c, this.#listOf(c));
    if (this.#gone.size > 0) {
      this.#chains = this.#live.slice();
      this.#places = null;
    }
    const chains: readonly XtChain[] = this.#chains;
    knowPlaces(chains, this.#byName());
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
