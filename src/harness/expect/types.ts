/** What an evaluator of one key of `expect:` says. */
import { nearest } from '../../base/diagnostic.js';
import type { Direction } from '../../stack/outcome.js';
import type { Flow } from './flow.js';

/** The expectation was looked at: it holds or not. */
export interface Looked {
  readonly ok: boolean;
  readonly expected: string;
  readonly actual: string;
  /** Index of the event at which it turned out, -1 = at none in particular. */
  readonly at: number;
  /** The run in which it turned out, when the packet was sent more than once. */
  readonly flow?: Flow;
}

/** The expectation cannot be looked at, since it names what does not exist. */
export interface Senseless {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

export type Check = Looked | Senseless;
export const isSenseless = (c: Check): c is Senseless => 'code' in c;

/** Evaluators get all runs of a packet (one, or `count:` of them), in order; most say yes only if each run does. */
export interface Evaluator {
  readonly key: string;
  /** `value` has the shape that scenario/schema.ts gives the key. */
  check(flows: readonly Flow[], value: unknown, direction: Direction): Check;
}

/** An evaluator that looks at one run; of several the first that fails counts. */
export function each(key: string, check: (f: Flow, value: unknown, direction: Direction) => Check): Evaluator {
  return {
    key,
    check(flows, value, direction) {
      let last: Check = { code: 'no-packets', message: 'the packet was not sent' };
      for (const f of flows) {
        last = check(f, value, direction);
        if (isSenseless(last)) return last;
        if (!last.ok) return { ...last, flow: f };
      }
      return last;
    },
  };
}

/** The first of the names that is no node of the run; null when all are. */
export function unknownNode(f: Flow, names: Iterable<string>): Senseless | null {
  for (const name of names) {
    if (f.run.nodes.has(name)) continue;
    const near = nearest(name, f.run.nodes.keys());
    return {
      code: 'unknown-node',
      message: `there is no node “${name}”`,
      hint: near ? `did you mean “${near}”?` : `nodes: ${[...f.run.nodes.keys()].join(', ')}`,
    };
  }
  return null;
}

export const looked = (ok: boolean, expected: string, actual: string, at: number): Looked => ({ ok, expected, actual, at });
export const listOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : [String(value)]);
/** `NODE: X` maps as pairs; the map is the reader's plain object, own keys only. */
export const pairsOf = (value: unknown): [string, unknown][] =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
