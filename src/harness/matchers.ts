/** The matchers, without a test runner: each is a key of `expect:` asked about one packet. */
import type { PacketRun } from '../stack/run-scenario.js';
import { natWords, rewrites } from './expect/addresses.js';
import { type Flow, flowOf, unknownAt } from './expect/flow.js';
import { evaluatorOf } from './expect/index.js';
import { type Check, isSenseless, type Looked, looked } from './expect/types.js';
import { explain } from './explain.js';
import { ScenarioError } from './library.js';

/** What a matcher says; `inconclusive` results satisfy neither a claim nor its negation. */
export interface Match {
  readonly pass: boolean;
  readonly inconclusive: boolean;
  /** For a failed claim. */
  readonly message: string;
  /** For a failed negation. */
  readonly negated: string;
}

function ask(f: Flow, key: string, value: unknown): Looked {
  const c: Check | undefined = evaluatorOf(key)?.check([f], value, 'request');
  if (!c || isSenseless(c)) {
    const d = c ?? { code: 'unknown-key', message: `there is no expectation “${key}”` };
    throw new ScenarioError([{ code: d.code, severity: 'error', message: d.message, span: null, ...('hint' in d && d.hint ? { hint: d.hint } : {}) }]);
  }
  return c;
}

const match = (f: Flow, asked: readonly (readonly [string, unknown])[]): Match =>
  verdict(
    f,
    asked.map(([key, value]) => ask(f, key, value)),
  );

function verdict(f: Flow, all: readonly Looked[]): Match {
  const failed = all.find((c) => !c.ok);
  const shown = failed ?? all[all.length - 1];
  const expected = all.map((c) => c.expected).join(', ');
  const why = explain(f.run, Math.min(shown.at, f.run.events.length - 1));
  const tail = [`  actual:   ${shown.actual}`, ...why.responsible.map((l) => `  ${l}`), '  the walk up to there:', ...why.walk.map((l) => `    ${l}`)];
  const name = f.run.packet.name;
  return {
    pass: failed === undefined,
    inconclusive: failed !== undefined && unknownAt(f) >= 0,
    message: [`${name}`, `  expected: ${expected}`, ...tail].join('\n'),
    negated: [`${name}`, `  expected: not ${expected}`, ...tail].join('\n'),
  };
}

function translated(p: PacketRun, manip: 'SNAT' | 'DNAT', to: string | undefined): Match {
  const f = flowOf(p);
  if (to !== undefined) return match(f, [[manip === 'SNAT' ? 'snat_to' : 'dnat_to', to]]);
  const last = rewrites(f, manip, 'request').at(-1);
  return verdict(f, [
    looked(last !== undefined, `${manip === 'SNAT' ? 'source' : 'destination'} translated`, natWords(f, last, manip), last?.at ?? f.run.outcome.request.at),
  ]);
}

export const matchers = {
  /** It reached a socket or protocol, of that node (`node1`) or that very socket (`node1:SOCKET`) when given. */
  toBeDelivered: (p: PacketRun, to?: string): Match =>
    match(
      flowOf(p),
      to === undefined
        ? [['fate', 'delivered']]
        : [
            ['fate', 'delivered'],
            ['delivered_to', to],
          ],
    ),
  /** An answer came back. */
  toBeAnswered: (p: PacketRun): Match => match(flowOf(p), [['fate', 'answered']]),
  /** It was dropped, there: `node1`, `node1 FORWARD`, `node1 filter:FORWARD:3`, `node1 ip_rcv_finish`. */
  toBeDroppedAt: (p: PacketRun, where: string, reason?: string): Match =>
    match(flowOf(p), [['fate', 'dropped'], ['where', where], ...(reason === undefined ? [] : [['reason', reason] as const])]),
  /** Its source address was rewritten on the way, to ADDRESS[:PORT] when given. */
  toBeSourceNatedTo: (p: PacketRun, to?: string): Match => translated(p, 'SNAT', to),
  /** Its destination address was rewritten on the way, to ADDRESS[:PORT] when given. */
  toBeDestinationNatedTo: (p: PacketRun, to?: string): Match => translated(p, 'DNAT', to),
  /** A MASQUERADE rule gave it another source. */
  toBeMasqueraded: (p: PacketRun): Match => match(flowOf(p), [['masqueraded', true]]),
  /** The rule matched it: `nat:POSTROUTING:2`, `node1 filter:FORWARD:3`, `node1 filter:FORWARD` for any of the chain. */
  toHitRule: (p: PacketRun, rule: string): Match => match(flowOf(p), [['hits', rule]]),
  /** Its TRACE lines are these, of all nodes or by node. */
  toMatchTrace: (p: PacketRun, golden: string | Readonly<Record<string, string>>): Match => match(flowOf(p), [['trace', golden]]),
} as const;
