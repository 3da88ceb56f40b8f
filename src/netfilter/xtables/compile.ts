/**
 * Compiled chains: each rule becomes an ordered list of steps and an action. Memoised on the identity of a chain's rules, so that a what-if that
 * changes one rule compiles one chain again. No second evaluator: `walk.ts` runs exactly this, with or without telling.
 */
import type { Family } from '../../base/addr.js';
import { maskToPrefix } from '../../base/addr.js';
import { memoByIdentity } from '../../base/memo.js';
import type { RuleRef } from '../../trace/event.js';
import { dport, sport, whenPresent } from '../fields.js';
import { ALWAYS, between, call, equals, type Field, negateIf, type PacketCtx, type Pred, prefix } from '../pred.js';
import type { RuleContext, RuleStep, TargetVerdict } from './extension.js';
import { ChainIndex } from './index-chain.js';
import { inIface, ip4Fragment, ipDst, ipProtocol, ipSrc, nftProtocol, outIface } from './ip-fields.js';
import type { AddrMatch, IfaceMatch, MatchInstance, Rule, RuleList, XtChain, XtRuleset, XtTable, XtTableName } from './model.js';
import { rulesOf } from './rule-list.js';

export type Action =
  | { readonly kind: 'fallthrough' }
  | { readonly kind: 'verdict'; readonly verdict: 'ACCEPT' | 'DROP' | 'RETURN' | 'QUEUE' }
  | { readonly kind: 'jump'; readonly chain: string; readonly goto: boolean; readonly target: JumpTarget }
  | { readonly kind: 'call'; readonly run: (c: PacketCtx) => TargetVerdict; readonly name: string }
  | { readonly kind: 'unsupported'; readonly what: string };

/** Where a jump led in the table walked last: finding a chain by its name costs more than the rest of a jump. */
export class JumpTarget {
  #table: object | null = null;
  #chain: object | undefined;
  /** The chain of that name; undefined where the table has none. */
  in<C extends object>(table: { readonly byName: ReadonlyMap<string, C> }, name: string): C | undefined {
    if (this.#table !== table) {
      this.#chain = table.byName.get(name);
      this.#table = table;
    }
    return this.#chain as C | undefined;
  }
}

export interface CompiledRule {
  readonly steps: readonly RuleStep[];
  readonly action: Action;
  readonly ref: RuleRef;
  /** An ACCEPT, DROP, RETURN or QUEUE without any condition: traced as `policy:N` / `return:N` (get_chainname_rulenum). */
  readonly unconditional: boolean;
  readonly rule: Rule;
}

export interface CompiledTable {
  readonly name: XtTableName;
  readonly family: Family;
  readonly chains: readonly CompiledChain[];
  readonly byName: ReadonlyMap<string, CompiledChain>;
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
function ipPreds(rule: Rule, backend: RuleRef['backend']): Pred[] {
  const out: Pred[] = [];
  if (rule.src) out.push(addrPred(ipSrc, rule.src));
  if (rule.dst) out.push(addrPred(ipDst, rule.dst));
  const i = rule.in && ifacePred(inIface, rule.in);
  if (i) out.push(i);
  const o = rule.out && ifacePred(outIface, rule.out);
  if (o) out.push(o);
  if (rule.proto && rule.proto.value !== 0) {
    const { value, invert } = rule.proto;
    out.push(backend === 'nft' ? whenPresent(nftProtocol, invert, equals(nftProtocol, value)) : negateIf(invert, equals(ipProtocol, value)));
  }
  if (rule.fragment) out.push(negateIf(rule.fragment.invert, equals(ip4Fragment, 1)));
  return out;
}

function compileAction(rule: Rule, ctx: RuleContext): Action {
  const t = rule.target;
  switch (t.kind) {
    case 'none':
      return { kind: 'fallthrough' };
    case 'verdict':
      return { kind: 'verdict', verdict: t.verdict };
    case 'jump':
      return { kind: 'jump', chain: t.chain, goto: false, target: new JumpTarget() };
    case 'goto':
      return { kind: 'jump', chain: t.chain, goto: true, target: new JumpTarget() };
    case 'extension':
      return { kind: 'call', run: t.def.lower(t.data, ctx), name: t.def.name };
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

const sharedSteps = new Map<Field, Map<number, RuleStep>>();
const WORD = 0x10000;

/** Tests of a protocol, a port or the like are one object for all rules: long chains ask the same again and again, and what they touch should stay in the caches. */
function shared(step: RuleStep): RuleStep {
  if (step.kind !== 'test' || step.pred.op !== 'between') return step;
  const { field, lo, hi } = step.pred;
  if (typeof lo !== 'number' || typeof hi !== 'number' || lo >= WORD || hi >= WORD) return step;
  // Only fields that stand for themselves; one made for a single rule would be kept for ever.
  if (!commonFields.has(field)) return step;
  let of = sharedSteps.get(field);
  if (!of) {
    of = new Map();
    sharedSteps.set(field, of);
  }
  const key = lo * WORD + hi;
  const known = of.get(key);
  if (known) return known;
  of.set(key, step);
  return step;
}
const commonFields: ReadonlySet<Field> = new Set([ipProtocol, sport, dport]);

function compileRule(rule: Rule, ref: RuleRef, family: Family): CompiledRule {
  const ctx = ruleContext(family, ref.table, rule);
  const preds = ipPreds(rule, ref.backend);
  const steps: RuleStep[] = preds.map((pred) => shared({ kind: 'test', pred }));
  for (const m of rule.matches) {
    if (m.def === null) {
      const what = `match ${m.name}`;
      steps.push({ kind: 'stateful', name: m.name, show: m.text, test: (c) => c.env.inconclusive(what, c) });
      continue;
    }
    // What always says yes (comment) need not be asked.
    for (const s of lowerMatch(m as MatchInstance, ctx, ref.backend)) if (s.kind !== 'test' || s.pred !== ALWAYS) steps.push(shared(s));
  }
  const action = compileAction(rule, ctx);
  const unconditional = action.kind === 'verdict' && preds.length === 0 && rule.matches.length === 0 && !rule.fragment;
  return { steps, action, ref, unconditional, rule };
}

/** A chain's rules, compiled when the first packet comes to them, and their index. */
class ChainCode {
  #rules: readonly CompiledRule[] | null = null;
  #index: ChainIndex | null | undefined;
  constructor(
    readonly list: RuleList,
    readonly place: Omit<RuleRef, 'num'>,
    readonly family: Family,
  ) {}
  get rules(): readonly CompiledRule[] {
    this.#rules ??= rulesOf(this.list).map((rule, i) => compileRule(rule, { ...this.place, num: i + 1 }, this.family));
    return this.#rules;
  }
  get index(): ChainIndex | null {
    if (this.#index === undefined) this.#index = ChainIndex.of(this.rules);
    return this.#index;
  }
}

/** One cache per (table, chain name, family): the same rules object cannot stand in two chains. */
const chainCodes = memoByIdentity((_: RuleList) => new Map<string, ChainCode>());

function chainCode(list: RuleList, place: Omit<RuleRef, 'num'>, family: Family): ChainCode {
  // Chains without rules share one list: nothing to keep.
  if (list.length === 0) return new ChainCode(list, place, family);
  const cache = chainCodes(list);
  const key = `${place.backend}\0${family}\0${place.table}\0${place.chain}`;
  let hit = cache.get(key);
  if (!hit) {
    hit = new ChainCode(list, place, family);
    cache.set(key, hit);
  }
  return hit;
}

export class CompiledChain {
  readonly name: string;
  readonly policy: 'ACCEPT' | 'DROP' | null;
  /** Number of rules. */
  readonly length: number;
  readonly #code: ChainCode;
  /** What #code holds, once it was asked for: packets come here often. */
  #rules: readonly CompiledRule[] | null = null;
  #index: ChainIndex | null | undefined;
  #end: RuleRef | null = null;

  constructor(
    readonly source: XtChain,
    place: Omit<RuleRef, 'num'>,
    family: Family,
  ) {
    this.name = source.name;
    this.policy = source.policy;
    this.length = source.rules.length;
    this.#code = chainCode(source.rules, place, family);
  }
  get rules(): readonly CompiledRule[] {
    this.#rules ??= this.#code.rules;
    return this.#rules;
  }
  /** null where the chain is walked as it stands. */
  get index(): ChainIndex | null {
    if (this.#index === undefined) this.#index = this.#code.index;
    return this.#index;
  }
  /** End of the chain: rule number rules + 1. */
  get end(): RuleRef {
    this.#end ??= { ...this.#code.place, num: this.length + 1 };
    return this.#end;
  }
}

export const compileChain = (chain: XtChain, table: XtTableName, family: Family, backend: 'legacy' | 'nft' = 'legacy'): CompiledChain =>
  new CompiledChain(chain, { backend, family, table, chain: chain.name }, family);

const tables = memoByIdentity((_: XtTable) => new Map<string, CompiledTable>());

export function compileTable(table: XtTable, family: Family, backend: 'legacy' | 'nft' = 'legacy'): CompiledTable {
  const cache = tables(table);
  const key = `${backend}\0${family}`;
  let hit = cache.get(key);
  if (!hit) {
    const chains = table.chains.map((ch) => compileChain(ch, table.name, family, backend));
    hit = { name: table.name, family, chains, byName: new Map(chains.map((ch) => [ch.name, ch])) };
    cache.set(key, hit);
  }
  return hit;
}

/** Does any rule of the set ask for connection tracking (nf_ct_netns_get)? NAT chains with a NAT target do, a state match does. */
export const rulesetNeedsConntrack = memoByIdentity((r: XtRuleset): boolean => r.tables.some((t) => t.chains.some((ch) => chainNeedsConntrack(ch.rules))));

const chainNeedsConntrack = memoByIdentity((rules: RuleList): boolean => {
  for (let i = 0; i < rules.length; i++) {
    const rule = rules.at(i);
    for (const m of rule.matches) if (m.def?.needsConntrack?.((m as MatchInstance).data)) return true;
    if (rule.target.kind === 'extension' && rule.target.def.needsConntrack?.(rule.target.data)) return true;
  }
  return false;
});
