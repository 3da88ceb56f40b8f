/** `hits`, `misses`: rules that matched it, or must not have. */
import { nearest } from '../../base/diagnostic.js';
import { chainsOf, chainWords, parseRuleName, type RuleName, tableOfRule } from '../../scenario/rule-ref.js';
import type { Direction } from '../../stack/outcome.js';
import type { RuleRef } from '../../trace/event.js';
import { type Flow, fateOf, unknownAt } from './flow.js';
import { type Check, type Evaluator, listOf, looked, type Senseless } from './types.js';

/** Index of the event in which the rule met the packet; -1 = it did not. The end of a chain (rules + 1) counts when its policy decided or, in a traced packet, when it returned. */
function hitAt(f: Flow, r: RuleName, direction: Direction): number {
  return f.run.events.findIndex((e, at) => {
    if (f.direction[at] !== direction || (r.node !== null && e.node !== r.node)) return false;
    if (e.t !== 'match' && e.t !== 'policy' && e.t !== 'trace') return false;
    // A whole chain is its rules; where none matched, its policy is no rule that did.
    return isRule(e.rule, r) && (r.num !== null || e.t === 'match');
  });
}

const isRule = (e: RuleRef, r: RuleName): boolean =>
  e.backend !== 'ebtables' && tableOfRule(e) === r.table && e.chain === r.chain && (r.num === null || e.num === r.num);

/** What is wrong with the name at the time of that packet; null = the rule exists. */
function checkName(f: Flow, text: string, r: RuleName | null): Senseless | null {
  if (!r)
    return {
      code: 'rule-form',
      message: `“${text}” is no rule`,
      hint: '[NODE] TABLE:CHAIN[:NUMBER], as node1 filter:FORWARD:3 or node1 inet filter forward:3',
    };
  const nodes = [...f.run.nodes.values()].filter((n) => r.node === null || n.name === r.node);
  if (nodes.length === 0) return { code: 'unknown-node', message: `there is no node “${r.node}”`, hint: `nodes: ${[...f.run.nodes.keys()].join(', ')}` };
  const chains = nodes.flatMap((n) => chainsOf(n, r.table));
  const here = chains.filter((c) => c.name === r.chain);
  if (here.length === 0) {
    const near = nearest(
      r.chain,
      chains.map((c) => c.name),
    );
    return {
      code: 'unknown-chain',
      message: `there is no chain ${chainWords(r.table, r.chain)}${r.node ? ` on ${r.node}` : ''}`,
      ...(near ? { hint: `did you mean “${near}”?` } : {}),
    };
  }
  const last = Math.max(...here.map((c) => c.last));
  if (r.num === null || (r.num >= 1 && r.num <= last)) return null;
  return { code: 'unknown-rule', message: `the chain ${chainWords(r.table, r.chain)} has no rule ${r.num}`, hint: `it has ${last - 1}; ${last} is its end` };
}

const namedHere = (f: Flow, r: RuleName): string =>
  [
    ...new Set(
      f.run.events.flatMap((e, at) =>
        f.direction[at] !== null && e.t === 'match' && tableOfRule(e.rule) === r.table && e.rule.chain === r.chain ? [`${e.rule.num}`] : [],
      ),
    ),
  ].join(', ');

function missWords(f: Flow, r: RuleName, text: string): string {
  const why = whyNot(f, r);
  if (why !== null) return `${text} was tried and did not match: ${why}`;
  const others = namedHere(f, r);
  return others === '' ? `${text} did not match; no rule of ${chainWords(r.table, r.chain)} did` : `${text} did not match; of that chain these did: ${others}`;
}

/** What the rule wanted and the packet had, where the run recorded it (verbose). */
function whyNot(f: Flow, r: RuleName): string | null {
  for (const e of f.run.events)
    if (e.t === 'no-match' && r.num !== null && (r.node === null || e.node === r.node) && isRule(e.rule, r) && e.why.length > 0)
      return e.why.map((w) => `wanted ${w.field} ${w.wanted}${w.had === '' ? '' : `, had ${w.had}`}`).join('; ');
  return null;
}

function evaluator(key: 'hits' | 'misses'): Evaluator {
  return {
    key,
    check(flows, value, direction): Check {
      const names = listOf(value);
      for (const text of names) {
        const r = parseRuleName(text);
        for (const f of flows) {
          const wrong = checkName(f, text, r);
          if (wrong) return wrong;
        }
        if (!r) continue;
        const found = flows.map((f) => ({ f, at: hitAt(f, r, direction) }));
        const hit = found.find((x) => x.at >= 0);
        if (key === 'hits' && !hit) return looked(false, `${text} matches`, missWords(flows[0], r, text), fateOf(flows[0], direction)?.at ?? -1);
        if (key === 'misses' && hit) return looked(false, `${text} does not match`, `${text} matched`, hit.at);
        const unknown = flows.find((f) => unknownAt(f) >= 0);
        if (key === 'misses' && unknown) return looked(false, `${text} does not match`, 'inconclusive', unknownAt(unknown));
      }
      return looked(true, `${names.join(', ')} ${key === 'hits' ? 'match' : 'do not match'}`, key === 'hits' ? `${names.join(', ')} matched` : 'no match', -1);
    },
  };
}
export const hits = evaluator('hits');
export const misses = evaluator('misses');
