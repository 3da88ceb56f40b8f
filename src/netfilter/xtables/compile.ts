/**
 * Compiled chains: each rule becomes an ordered list of steps and an action. Memoised on the identity of a chain's rules, so that a what-if that
 * changes one rule compiles one chain again. No second evaluator: `walk.ts` runs exactly this, with or without telling.
 */
import type { Family } from '../../base/addr.js';
import { maskToPrefix } from '../../base/addr.js';
import { memoByIdentity, placesByName } from '../../base/memo.js';
import type { RuleRef } from '../../trace/event.js';
import { whenPresent } from '../fields.js';
import { ALWAYS, between, call, equals, negateIf, type Pred, prefix } from '../pred.js';
import { type Action, callAction, FALL_THROUGH, verdictAction } from './action.js';
import { type Ask, type Asked, asked } from './ask.js';
import type { RuleContext, RuleStep } from './extension.js';
import { ChainIndex, SHORTEST } from './index-chain.js';
import { Interner } from './intern.js';
import { inIface, ip4Fragment, ipDst, ipProtocol, ipSrc, nftProtocol, outIface } from './ip-fields.js';
import type { AddrMatch, IfaceMatch, MatchInstance, Rule, RuleList, XtChain, XtRuleset, XtTable, XtTableName } from './model.js';
import { dropHeadless } from './transport.js';
import type { WalkChain, WalkRule } from './walk.js';

type TablePlace = Omit<RuleRef, 'chain' | 'num'> & { readonly family: Family };

/** Written out: spread, each object would get a hidden class of its own, which costs more than the object. */
const refAt = ({ backend, family, table }: TablePlace, chain: string, num: number): RuleRef => ({ backend, family, table, chain, num });

/** A rule as the walk meets it: about a cache line. What every rule is asked stands in front, what only a rule that matches does at the end. */
export class CompiledRule implements WalkRule {
  readonly next: CompiledRule | null;
  ref: RuleRef | null = null;
  readonly first: Ask | null;
  readonly second: Ask | null;
  readonly rest: readonly Ask[];
  readonly action: Action;
  constructor(asks: Asked, action: Action, next: CompiledRule | null) {
    this.next = next;
    ({ first: this.first, second: this.second, rest: this.rest } = asks);
    this.action = action;
  }
}

function addrPred(field: typeof ipSrc, m: AddrMatch): Pred {
  const len = maskToPrefix(m.mask);
  if (len >= 0) return negateIf(m.invert, prefix(field, m.addr, len));
  const show = `masked address`;
  return negateIf(
    m.invert,
    call(field.name, [field], (c) => maskedEquals(field.read(c), m), show),
  );
}

function maskedEquals(v: number | string | undefined, m: AddrMatch): boolean {
  if (typeof v === 'number') return typeof m.addr === 'number' && ((v ^ m.addr) & (m.mask as number)) === 0;
  if (typeof v !== 'string' || typeof m.addr !== 'string') return false;
  for (let i = 0; i < 8; i++) if (((v.charCodeAt(i) ^ m.addr.charCodeAt(i)) & (m.mask as string).charCodeAt(i)) !== 0) return false;
  return true;
}

function ifacePred(field: typeof inIface, m: IfaceMatch): Pred | null {
  if (m.name === '') return null;
  const p = m.name.endsWith('+') ? between(field, m.name.slice(0, -1), `${m.name.slice(0, -1)}\uffff`) : equals(field, m.name);
  return negateIf(m.invert, p);
}

/** What ip_packet_match() / ip6_packet_match() test, in the kernel's order. */
function ipSteps(rule: Rule, { backend, family }: TablePlace): RuleStep[] {
  const out: RuleStep[] = [];
  const ask = (pred: Pred | null | undefined): number => (pred ? out.push({ kind: 'test', pred }) : 0);
  if (rule.src) ask(addrPred(ipSrc, rule.src));
  if (rule.dst) ask(addrPred(ipDst, rule.dst));
  ask(rule.in && ifacePred(inIface, rule.in));
  ask(rule.out && ifacePred(outIface, rule.out));
  if (rule.proto && rule.proto.value !== 0) {
    const { value, invert } = rule.proto;
    if (family === 'ipv6' && backend !== 'nft') out.push(dropHeadless);
    ask(backend === 'nft' ? whenPresent(nftProtocol, invert, equals(nftProtocol, value)) : negateIf(invert, equals(ipProtocol, value)));
  }
  if (rule.fragment) ask(negateIf(rule.fragment.invert, equals(ip4Fragment, 1)));
  return out;
}

function compileAction(rule: Rule, unconditional: boolean, ctx: RuleContext, intern: Interner): Action {
  const t = rule.target;
  switch (t.kind) {
    case 'none':
      return FALL_THROUGH;
    case 'verdict':
      return verdictAction(t.verdict, unconditional);
    case 'jump':
      return intern.jump(t.chain, false);
    case 'goto':
      return intern.jump(t.chain, true);
    case 'extension':
      return callAction(t.def.name, t.def.lower(t.data, ctx));
    case 'unknown':
      return { kind: 'unsupported', what: `target ${t.name}` };
  }
}

export function ruleContext(family: Family, table: string, rule: Rule): RuleContext {
  return { family, table, proto: rule.proto?.value ?? 0, protoInverted: rule.proto?.invert ?? false };
}

function lowerMatch(m: MatchInstance, ctx: RuleContext, backend: RuleRef['backend']): readonly RuleStep[] {
  const native = backend === 'nft' ? m.def.lowerNft?.(m.data) : null;
  return native ?? m.def.lower(m.data, ctx);
}

function compileRule(rule: Rule, place: TablePlace, intern: Interner, next: CompiledRule | null): CompiledRule {
  const ctx = ruleContext(place.family, place.table, rule);
  const steps = ipSteps(rule, place);
  const asks: Ask[] = steps.map((s) => intern.ask(s));
  for (const m of rule.matches) {
    if (m.def === null) {
      const what = `match ${m.name}`;
      asks.push({ op: 'stateful', name: m.name, show: m.text, test: (c) => c.env.inconclusive(what, c) });
      continue;
    }
    if (m.def.always) continue;
    const lowered = intern.lowered(m.data, ctx.protoInverted ? -1 - ctx.proto : ctx.proto, () => lowerMatch(m as MatchInstance, ctx, place.backend));
    // What always says yes (comment) need not be asked.
    for (const s of lowered) if (s.kind !== 'test' || s.pred !== ALWAYS) asks.push(intern.ask(s));
  }
  const unconditional = steps.length === 0 && rule.matches.length === 0 && !rule.fragment;
  return new CompiledRule(
    asked(asks, (rest) => intern.list(rest)),
    compileAction(rule, unconditional, ctx, intern),
    next,
  );
}

/** A chain's rules, compiled when the first packet comes to them, and their index. */
class ChainCode {
  #first: CompiledRule | null | undefined;
  #index: ChainIndex | null | undefined;
  constructor(
    readonly chain: string,
    readonly table: TablePlace,
    /** The same list in another place. */
    readonly next: ChainCode | null = null,
  ) {}
  stands(chain: string, t: TablePlace): boolean {
    const { table, backend, family } = this.table;
    return chain === this.chain && table === t.table && backend === t.backend && family === t.family;
  }
  first(list: RuleList, intern: Interner): CompiledRule | null {
    if (this.#first === undefined) {
      let following: CompiledRule | null = null;
      for (let i = list.length - 1; i >= 0; i--) following = compileRule(list.at(i), this.table, intern, following);
      this.#first = following;
    }
    return this.#first;
  }
  index(chain: CompiledChain): ChainIndex | null {
    if (this.#index === undefined) this.#index = chain.length < SHORTEST ? null : ChainIndex.of(chain.rules);
    return this.#index;
  }
}

/** By the list, first of all: the same rules object hardly ever stands in two chains. */
const chainCodes = new WeakMap<RuleList, ChainCode>();

function chainCode(list: RuleList, chain: string, table: TablePlace): ChainCode {
  // Chains without rules share one list: nothing to keep.
  if (list.length === 0) return new ChainCode(chain, table);
  const first = chainCodes.get(list) ?? null;
  for (let code = first; code !== null; code = code.next) if (code.stands(chain, table)) return code;
  const made = new ChainCode(chain, table, first);
  chainCodes.set(list, made);
  return made;
}

/** What the chains of a table have in common. */
interface Common {
  readonly place: TablePlace;
  readonly intern: Interner;
}

/** A chain as packets walk it. It is compiled when the first packet comes: most chains of a big set meet none. */
export class CompiledChain implements WalkChain {
  readonly at: number;
  readonly length: number;
  readonly policy: 'ACCEPT' | 'DROP' | null;
  /** What #code holds, once it was asked for: packets come here often. */
  #first: CompiledRule | null | undefined;
  #index: ChainIndex | null | undefined;
  #rules: readonly CompiledRule[] | null = null;
  #end: RuleRef | null = null;
  #code: ChainCode | null = null;
  readonly source: XtChain;
  readonly #common: Common;

  constructor(source: XtChain, at: number, common: Common) {
    this.at = at;
    this.length = source.rules.length;
    this.policy = source.policy;
    this.source = source;
    this.#common = common;
  }
  get name(): string {
    return this.source.name;
  }
  get #compiled(): ChainCode {
    this.#code ??= chainCode(this.source.rules, this.name, this.#common.place);
    return this.#code;
  }
  get first(): CompiledRule | null {
    if (this.#first === undefined) this.#first = this.#compiled.first(this.source.rules, this.#common.intern);
    return this.#first;
  }
  /** By place; of long chains only, where their index says which to try. */
  get rules(): readonly CompiledRule[] {
    if (this.#rules === null) {
      const rules: CompiledRule[] = [];
      for (let r = this.first; r !== null; r = r.next) rules.push(r);
      this.#rules = rules;
    }
    return this.#rules;
  }
  named(rule: CompiledRule, place: number): RuleRef {
    rule.ref ??= refAt(this.#common.place, this.name, place + 1);
    return rule.ref;
  }
  /** null where the chain is walked as it stands. */
  get index(): ChainIndex | null {
    if (this.#index === undefined) this.#index = this.#compiled.index(this);
    return this.#index;
  }
  /** End of the chain: rule number rules + 1. */
  get end(): RuleRef {
    this.#end ??= refAt(this.#common.place, this.name, this.length + 1);
    return this.#end;
  }
}

/** The chains of a table, by name. A CompiledChain is made when it is first asked for: a big table has tens of thousands, and packets meet few of them. */
export class CompiledTable {
  readonly name: XtTableName;
  readonly family: Family;
  readonly #source: readonly XtChain[];
  readonly #common: Common;
  readonly #numbers: ReadonlyMap<string, number>;
  /** By their numbers; there are holes. */
  readonly #made: CompiledChain[] = [];
  readonly slots: number;
  /** Slot of each chain's first rule. */
  readonly #firstSlots: Uint32Array;

  constructor(table: XtTable, family: Family, backend: RuleRef['backend']) {
    this.name = table.name;
    this.family = family;
    this.#source = table.chains;
    this.#common = { place: { backend, family, table: table.name }, intern: new Interner() };
    this.#numbers = placesByName(table.chains);
    this.#firstSlots = new Uint32Array(table.chains.length);
    let slot = 0;
    for (let n = 0; n < table.chains.length; n++) {
      this.#firstSlots[n] = slot;
      slot += table.chains[n].rules.length + 1;
    }
    this.slots = slot;
  }

  chain(name: string): CompiledChain | undefined {
    const n = this.#numbers.get(name);
    return n === undefined ? undefined : this.#chainAt(n);
  }
  #chainAt(n: number): CompiledChain {
    this.#made[n] ??= new CompiledChain(this.#source[n], this.#firstSlots[n], this.#common);
    return this.#made[n];
  }
  /** Those that somebody asked for: no packet has met another. */
  made(): Iterable<CompiledChain> {
    return Object.values(this.#made);
  }
  /** All of them, in the table's order. */
  get chains(): readonly CompiledChain[] {
    return this.#source.map((_, n) => this.#chainAt(n));
  }
}

const tables = memoByIdentity((_: XtTable) => new Map<string, CompiledTable>());

export function compileTable(table: XtTable, family: Family, backend: 'legacy' | 'nft' = 'legacy'): CompiledTable {
  const cache = tables(table);
  const key = `${backend}\0${family}`;
  let hit = cache.get(key);
  if (!hit) {
    hit = new CompiledTable(table, family, backend);
    cache.set(key, hit);
  }
  return hit;
}

/** Does any rule of the set ask for connection tracking (nf_ct_netns_get)? NAT chains with a NAT target do, a state match does. */
export const rulesetNeedsConntrack = memoByIdentity((r: XtRuleset): boolean => r.tables.some((t) => t.chains.some((ch) => chainNeedsConntrack(ch.rules))));

const chainNeedsConntrack = memoByIdentity((rules: RuleList): boolean => {
  for (let i = 0; i < rules.length; i++) {
    if (!rules.kind(i).extensions.some((def) => def.needsConntrack)) continue;
    const rule = rules.at(i);
    for (const m of rule.matches) if (m.def?.needsConntrack?.((m as MatchInstance).data)) return true;
    if (rule.target.kind === 'extension' && rule.target.def.needsConntrack?.(rule.target.data)) return true;
  }
  return false;
});
