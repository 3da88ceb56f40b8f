/** What a rule asks, as the walk goes through it. A plain test is its predicate; the other steps say by `op` what they are. */
import type { Pred } from '../pred.js';
import type { RuleStep } from './extension.js';

type Step<K extends RuleStep['kind']> = Extract<RuleStep, { kind: K }>;

export type Ask = Pred | (Omit<Step<'hotdrop'>, 'kind'> & { readonly op: 'hotdrop' }) | (Omit<Step<'stateful'>, 'kind'> & { readonly op: 'stateful' });

export function askOf(s: RuleStep): Ask {
  switch (s.kind) {
    case 'test':
      return s.pred;
    case 'hotdrop':
      return { op: 'hotdrop', pred: s.pred, ...(s.shared ? { shared: s.shared } : {}) };
    case 'stateful':
      return { op: 'stateful', name: s.name, show: s.show, test: s.test, ...(s.had ? { had: s.had } : {}), ...(s.shared ? { shared: s.shared } : {}) };
  }
}

/**
 * The questions of a rule in their order. The first two stand in the rule itself: mostly they are its addresses, which no other rule asks for, and each object
 * that a walk must follow to get there is another place of memory. What comes behind is a list that many rules share.
 */
export interface Asked {
  readonly first: Ask | null;
  readonly second: Ask | null;
  readonly rest: readonly Ask[];
}

const NOTHING: readonly Ask[] = [];

/** `list` may give back one list for equal ones. */
export function asked(asks: readonly Ask[], list: (rest: readonly Ask[]) => readonly Ask[] = (rest) => rest): Asked {
  return { first: asks[0] ?? null, second: asks[1] ?? null, rest: asks.length > 2 ? list(asks.slice(2)) : NOTHING };
}

export const asksOf = (a: Asked): readonly Ask[] => [...(a.first ? [a.first] : []), ...(a.second ? [a.second] : []), ...a.rest];
