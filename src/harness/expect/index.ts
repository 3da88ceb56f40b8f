/** The keys of `expect:`. Adding one: a row in scenario/schema.ts, an evaluator, its line here. */

import { destination, dnatTo, masqueraded, snatTo, source } from './addresses.js';
import { cause, connection, fate, reason } from './fate.js';
import { deliveredTo, out, visits } from './path.js';
import { hits, misses } from './rules.js';
import { conntrack, counters } from './state.js';
import { lines, trace } from './trace.js';
import type { Evaluator } from './types.js';
import { where } from './where.js';

export const evaluators: readonly Evaluator[] = [
  fate,
  where,
  reason,
  cause,
  connection,
  deliveredTo,
  out,
  source,
  destination,
  snatTo,
  dnatTo,
  masqueraded,
  hits,
  misses,
  visits,
  counters,
  conntrack,
  trace,
  lines,
];

const byKey = new Map(evaluators.map((e) => [e.key, e]));
export const evaluatorOf = (key: string): Evaluator | undefined => byKey.get(key);
