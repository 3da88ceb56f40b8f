/**
 * A rule: statements in their order (nft_do_chain). Comparisons and effects stand in one list, since a rule may count, mark or log before it compares on;
 * the verdict ends it.
 */
import { nearest } from '../../base/diagnostic.js';
import { byName, memoByIdentity, memoByPair } from '../../base/memo.js';
import { type Acting, type Action, FALL_THROUGH } from '../xtables/action.js';
import type { Ask } from '../xtables/ask.js';
import { find, type NftNeed, parseExpr } from './expr.js';
import type { NftRule, NftTable } from './model.js';
import { keyText, parseComparison } from './relational.js';
import { setUse } from './set.js';
import { nftStatements } from './stmt/index.js';
import { actionOf } from './stmt/verdict.js';
import type { NftStep, StmtScope } from './stmt.js';
import { NftError, NftTokens } from './tokens.js';

export interface NftRuleCode {
  readonly asks: readonly Ask[];
  readonly action: Action;
  readonly needs: ReadonlySet<NftNeed>;
  /** What is wrong with its text; packets that come to it are inconclusive. */
  readonly error: NftError | null;
}

/** Identities of a rule's statements that keep something, by their offsets in its text. */
export const ruleInstances = memoByIdentity((_: NftRule) => new Map<number, object>());
function instanceAt(rule: NftRule, offset: number): object {
  const of = ruleInstances(rule);
  const there = of.get(offset) ?? {};
  of.set(offset, there);
  return there;
}

/** What a rule of a table does. */
export const ruleCode = memoByPair((table: NftTable, rule: NftRule): NftRuleCode => {
  const steps: NftStep[] = [];
  const needs = new Set<NftNeed>();
  let error: NftError | null = null;
  try {
    const t = new NftTokens(rule.text);
    while (!t.ended) {
      if (t.peek().kind === 'newline' || t.take(';')) {
        if (t.peek().kind === 'newline') t.next();
        continue;
      }
      if (t.take('comment')) t.string('a comment');
      else steps.push(statement(t, table, rule, needs));
    }
    if (table.family === 'bridge' && needs.has('conntrack')) throw new NftError('connection tracking of bridged frames is not modelled', null);
  } catch (e) {
    if (!(e instanceof NftError)) throw e;
    error = e;
    steps.push({ kind: 'unsupported', what: `nft: ${rule.text} (${e.message})` });
  }
  return { ...codeOf(steps), needs, error };
});

function codeOf(steps: readonly NftStep[]): { readonly asks: readonly Ask[]; readonly action: Action } {
  const asks: Ask[] = [];
  for (const s of steps) {
    switch (s.kind) {
      case 'test':
        asks.push(s.pred);
        break;
      case 'effect':
        asks.push({ op: 'stateful', name: s.name, show: s.name, test: s.run });
        break;
      case 'action':
        return { asks, action: s.action };
      case 'unsupported':
        return { asks, action: { kind: 'unsupported', what: s.what } };
    }
  }
  return { asks, action: FALL_THROUGH };
}

/** Objects of a table by kind and name: what a run keeps their state under. */
const objectPlaces = memoByIdentity((all: NftTable['objects']) => new Map(all.map((o) => [`${o.kind} ${o.name}`, o])));
function objectOf(table: NftTable, kind: string, name: string): object {
  const o = objectPlaces(table.objects).get(`${kind} ${name}`);
  if (!o) throw new NftError(`there is no ${kind} ${name} in table ${table.family} ${table.name}`, null, undefined, 'nft-unknown-object');
  return o;
}

function missingChain(table: NftTable, name: string, t: NftTokens, from: number): NftError {
  const at = t.text.indexOf(name, from);
  const token = at < 0 ? null : ({ kind: 'word', text: name, from: at, to: at + name.length } as const);
  const names = table.chains.map((c) => c.name);
  const near = nearest(name, names);
  const hint = near ? `did you mean “${near}”?` : `chains: ${names.slice(0, 12).join(', ')}`;
  return new NftError(`there is no chain ${name} in table ${table.family} ${table.name}`, token, hint, 'nft-unknown-chain');
}

function statement(t: NftTokens, table: NftTable, rule: NftRule, needs: Set<NftNeed>): NftStep {
  const token = t.peek();
  const from = t.mark();
  const scope: StmtScope = {
    family: table.family,
    table,
    needs,
    from,
    object: (kind, name) => objectOf(table, kind, name),
    instance: () => instanceAt(rule, from),
    chain: (name) => {
      if (!byName(table.chains, name)) throw missingChain(table, name, t, from);
    },
  };
  for (const def of nftStatements.get(token.text) ?? []) {
    t.next();
    const step = def.parse(t, token.text, scope);
    if (step && def.needs) needs.add(def.needs);
    if (step) return step;
    t.reset(from);
  }
  const left = parseExpr(t, scope);
  if (!t.take('vmap')) return { kind: 'test', pred: parseComparison(t, scope, left) };
  const use = setUse(t, scope, left.types, 'vmap');
  for (const e of use.def.elements) if (e.data?.kind === 'verdict' && 'chain' in e.data.verdict) scope.chain(e.data.verdict.chain);
  const actions = new Map<object, Acting>();
  return {
    kind: 'action',
    action: {
      kind: 'pick',
      pick: (c) => {
        const data = find(use, left, c)?.data;
        if (data?.kind !== 'verdict') return null;
        let action = actions.get(data);
        if (!action) {
          action = actionOf(data.verdict);
          actions.set(data, action);
        }
        return action;
      },
      had: (c) => keyText(left, c),
      name: left.text,
    },
  };
}
