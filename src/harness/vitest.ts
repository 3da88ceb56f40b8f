/**
 * `import 'netfilter-sim/vitest'`: matchers for what `net.send()` gives.
 *
 *   expect(net.send(ping('pod', '10.0.0.2'))).toBeDelivered('node1');
 *   expect(net.send(ping('pod', '10.0.0.2'))).not.toBeSourceNatedTo();
 */
import { expect } from 'vitest';
import type { PacketRun } from '../stack/run-scenario.js';
import { type Match, matchers } from './matchers.js';

type Args<F> = F extends (p: PacketRun, ...args: infer A) => Match ? A : never;
/** The matchers as methods of an assertion. */
export type NetfilterMatchers<R = unknown> = { [K in keyof typeof matchers]: (...args: Args<(typeof matchers)[K]>) => R };

declare module 'vitest' {
  // biome-ignore lint/suspicious/noExplicitAny: the interface that vitest declares
  interface Matchers<T = any> extends NetfilterMatchers<T> {}
}

function isPacketRun(x: unknown): x is PacketRun {
  return typeof x === 'object' && x !== null && 'outcome' in x && 'packet' in x && 'events' in x;
}

function adapt(name: keyof typeof matchers) {
  return function (this: { isNot: boolean }, received: unknown, ...args: unknown[]) {
    if (!isPacketRun(received)) throw new TypeError(`${name}() is asked of what net.send() gives`);
    const m = (matchers[name] as (p: PacketRun, ...args: unknown[]) => Match)(received, ...args);
    // What the engine does not know satisfies neither the claim nor its negation.
    return { pass: m.inconclusive ? this.isNot : m.pass, message: () => (this.isNot ? m.negated : m.message) };
  };
}

expect.extend(Object.fromEntries((Object.keys(matchers) as (keyof typeof matchers)[]).map((name) => [name, adapt(name)])));
