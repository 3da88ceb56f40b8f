/**
 * Compiled ebtables chains, walked by the same walker as iptables (xtables/walk.ts): tests, then effects, then the verdict (ebt_do_table).
 * Memoised on the identity of each chain.
 */
import { memoByIdentity } from '../../base/memo.js';
import type { RuleRef } from '../../trace/event.js';
import { all, between, equals, type Field, NEVER, negateIf, type Pred } from '../pred.js';
import { type Action, FALL_THROUGH, Jump, verdictAction as verdict } from '../xtables/action.js';
import { asked, askOf } from '../xtables/ask.js';
import type { RuleStep } from '../xtables/extension.js';
import type { WalkChain, WalkRule, WalkTable } from '../xtables/walk.js';
import { ethDst, ethSrc, ethType, inPort, logicalIn, logicalOut, macMasked, outPort } from './fields.js';
import { ebtMatches } from './match/index.js';
import {
  type EbtChain,
  type EbtIface,
  type EbtMac,
  type EbtMatch,
  type EbtRule,
  type EbtRuleset,
  type EbtTable,
  type EbtTableName,
  type EbtTarget,
  type EbtVerdict,
  ebtBuiltin,
} from './model.js';
import { givenValue } from './option.js';
import { ebtTargets } from './target/index.js';

const MAX_LENGTH_TYPE = 0x5ff;

function ifacePred(f: Field, i: EbtIface): Pred {
  if (i.name === '+') return i.invert ? NEVER : all();
  const p = i.name.endsWith('+') ? between(f, i.name.slice(0, -1), `${i.name.slice(0, -1)}\uffff`) : equals(f, i.name);
  return negateIf(i.invert, p);
}
const macPred = (f: Field, m: EbtMac): Pred => negateIf(m.invert, macMasked(f, m));

/** ebt_basic_match(). */
function basicPreds(r: EbtRule): Pred[] {
  const out: Pred[] = [];
  if (r.proto) out.push(negateIf(r.proto.invert, r.proto.type === 'length' ? between(ethType, 0, MAX_LENGTH_TYPE) : equals(ethType, r.proto.type)));
  if (r.in) out.push(ifacePred(inPort, r.in));
  if (r.out) out.push(ifacePred(outPort, r.out));
  if (r.logicalIn) out.push(ifacePred(logicalIn, r.logicalIn));
  if (r.logicalOut) out.push(ifacePred(logicalOut, r.logicalOut));
  if (r.src) out.push(macPred(ethSrc, r.src));
  if (r.dst) out.push(macPred(ethDst, r.dst));
  return out;
}

function matchSteps(m: EbtMatch): readonly RuleStep[] {
  const def = ebtMatches.find((d) => d.name === m.name);
  if (!def) return [];
  if (def.steps) return def.steps(m.given);
  return m.given.flatMap((g): RuleStep[] => {
    const pred = def.options.find((o) => o.name === g.option)?.pred?.(g.value);
    return pred ? [{ kind: 'test', pred: negateIf(g.invert, pred) }] : [];
  });
}

const verdictAction = (v: EbtVerdict, unconditional = false): Action => (v === 'CONTINUE' ? FALL_THROUGH : verdict(v, unconditional));

/** An extension acts in a step of its own; its verdict option is the rule's action. */
function targetOf(t: EbtTarget): { readonly steps: readonly RuleStep[]; readonly action: Action } {
  if (t.kind === 'verdict') return { steps: [], action: verdictAction(t.verdict) };
  if (t.kind === 'jump') return { steps: [], action: new Jump(t.chain, false) };
  const def = ebtTargets.find((d) => d.name === t.name);
  if (!def) return { steps: [], action: { kind: 'unsupported', what: `ebtables target ${t.name}` } };
  const act = def.act(t.given);
  const wanted = (givenValue(t.given, def.verdict) as EbtVerdict | undefined) ?? def.defaultVerdict;
  return { steps: [{ kind: 'stateful', name: t.name, show: 'applicable', test: act }], action: verdictAction(wanted) };
}

type EbtWalkRule = WalkRule & { next: WalkRule | null };

function compileRule(r: EbtRule, ref: RuleRef): EbtWalkRule {
  const tests: RuleStep[] = basicPreds(r).map((pred) => ({ kind: 'test', pred }));
  const matches = [...r.matches].sort((a, b) => Number(isWatcher(a)) - Number(isWatcher(b))).flatMap(matchSteps);
  const { steps, action } = targetOf(r.target);
  if (r.unknown !== null) {
    const what = `ebtables option ${r.unknown}`;
    return { ...asked([...tests, ...matches].map(askOf)), action: { kind: 'unsupported', what }, ref, next: null };
  }
  return { ...asked([...tests, ...matches, ...steps].map(askOf)), action, ref, next: null };
}
const isWatcher = (m: EbtMatch): boolean => ebtMatches.find((d) => d.name === m.name)?.watcher ?? false;

export interface EbtWalkChain extends WalkChain {
  readonly source: EbtChain;
}
type ChainCode = Omit<EbtWalkChain, 'at'>;

const chains = memoByIdentity((_: EbtChain) => new Map<EbtTableName, ChainCode>());

function compileChain(chain: EbtChain, table: EbtTableName): ChainCode {
  const cache = chains(chain);
  const hit = cache.get(table);
  if (hit) return hit;
  const ref = (num: number): RuleRef => ({ backend: 'ebtables', family: 'bridge', table, chain: chain.name, num });
  const base = ebtBuiltin[table].includes(chain.name);
  const end = ref(chain.rules.length + 1);
  const rules = chain.rules.map((r, i) => compileRule(r, ref(i + 1)));
  // A user chain's policy is a last rule of its own.
  if (!base && chain.policy !== 'RETURN') rules.push({ ...asked([]), action: verdictAction(chain.policy, true), ref: end, next: null });
  for (let i = 1; i < rules.length; i++) rules[i - 1].next = rules[i];
  const made: ChainCode = {
    policy: base ? (chain.policy === 'DROP' ? 'DROP' : 'ACCEPT') : null,
    rules,
    first: rules[0] ?? null,
    length: rules.length,
    end,
    source: chain,
    named: (_, place) => ref(place + 1),
  };
  cache.set(table, made);
  return made;
}

const compileEbtTable: (t: EbtTable) => WalkTable<EbtWalkChain> = memoByIdentity((t: EbtTable) => {
  let at = 0;
  const placed = (c: EbtChain): EbtWalkChain => {
    const chain = { ...compileChain(c, t.name), at };
    at += chain.length + 1;
    return chain;
  };
  const chains = new Map(t.chains.map((c) => [c.name, placed(c)]));
  return { slots: at, chain: (name) => chains.get(name) };
});

/** A loaded table, compiled; undefined where there is none. */
export function ebtTable(r: EbtRuleset | null, name: EbtTableName): WalkTable<EbtWalkChain> | undefined {
  const t = r?.tables.find((x) => x.name === name);
  return t && compileEbtTable(t);
}
